"""The steps of the guides for mentors, supervisors and leads."""

from playwright.sync_api import expect

from tests.end_to_end.conftest import Person


def look_at_own_associates(mentor: Person) -> None:
    """Whom a mentor supports."""
    mentor.sign_in()
    expect(mentor.page.get_by_role("listitem").filter(has_text="Asha Example")).to_be_visible()
    mentor.picture("mentor-first-page", mentor.page.locator("main"))


def look_at_progress(supervisor: Person) -> None:
    """How far a supervisor's associates are."""
    supervisor.sign_in()
    row = supervisor.page.get_by_role("row").filter(has_text="Asha Example")
    expect(row.get_by_role("cell").nth(1)).to_have_text("1")
    supervisor.picture("supervisor-first-page", supervisor.page.locator("main"))
