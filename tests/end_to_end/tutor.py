"""The steps of the tutors' guides: release-to-feedback, marking-by-machine, deadlines."""

import json
import re

from playwright.sync_api import Locator, Page, expect

from tests.end_to_end.clinic_queue import COMMENT, NAME, TO_ALL
from tests.end_to_end.conftest import Hub, Person

FORMGRADER = "/services/modelling/formgrader"
QUESTION = "chance-of-waiting"


def set_a_deadline(tutor: Person) -> None:
    """A deadline for all, marks as soon as there are any, and more time for one."""
    tutor.sign_in()
    page = tutor.page
    tutor.picture("tutor-first-page", page.get_by_role("heading", level=1), page.locator("section.next"))
    page.get_by_role("link", name="Deadlines").click()
    page.get_by_role("link", name=NAME).click()
    page.get_by_label("Hand in by (London time; empty for no deadline)").fill("2030-03-01T17:00")
    page.get_by_label("Associates see their marks").select_option("at once")
    button = page.get_by_role("button", name="Set the terms")
    heading = page.get_by_role("heading", name="For tutors: terms")
    tutor.picture("terms", heading, page.get_by_label("Late work is"), page.get_by_label("Associates see"), mark=button)
    button.click()
    expect(page.locator("main")).to_contain_text("Hand in by Friday 1 March 2030, 17:00 London time (GMT)")
    page.get_by_label("Username").fill("carys")
    page.get_by_label("Hand in by (London time; empty takes it back)").fill("2030-03-08T17:00")
    button = page.get_by_role("button", name="Give this time")
    heading = page.get_by_role("heading", name="more time for one associate")
    tutor.picture("more-time", heading, page.get_by_label("Username"), mark=button)
    button.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(NAME)


def mark_by_machine(tutor: Person) -> None:
    """Collect, and have the machine mark."""
    page = tutor.page
    page.goto(f"{tutor.hub}/services/campus/")
    page.get_by_role("link", name=re.compile("formgrader", re.IGNORECASE)).first.click()
    page.wait_for_url("**/formgrader/**")
    expect(assignment(page)).to_be_visible()
    heads = page.locator("thead")
    tutor.picture("formgrader-collect", heads, assignment(page), mark=assignment(page).locator("td.collect a"))
    step(page, "collect")
    expect(assignment(page).locator("td.num-submissions")).to_contain_text("2")
    tutor.picture("formgrader-collected", heads, assignment(page), mark=assignment(page).locator("td.num-submissions"))
    assignment(page).locator("td.num-submissions a").click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    tutor.picture("formgrader-autograde", page.locator("thead"), rows.last, mark=page.locator("td.autograde a").first)
    for number in range(2):
        page.locator("td.autograde a").nth(number).click()
        close_message(page)
        expect(page.locator("td.status").nth(number)).to_contain_text("needs manual grading")
    tutor.picture("formgrader-marked", page.locator("thead"), rows.last)


def read_a_flag(tutor: Person) -> None:
    """What the machine found odd about a submission stands above its notebook."""
    page = tutor.page
    page.goto(f"{tutor.hub}{FORMGRADER}/manage_students/ben/{NAME}")
    page.get_by_role("link", name=NAME).last.click()
    flag = page.get_by_text("1 code cell of the learner's own")
    expect(flag).to_be_visible()
    tutor.picture("flag", page.get_by_text("For the tutor"), flag)


def answer_many_at_once(hub: Hub) -> None:
    """Equal wrong answers are one group, and one sentence answers all of them."""
    found = json.loads(hub.run("autograder", "groups", NAME, "--json"))["groups"]
    (group,) = (one["name"] for one in found if one["question"] == QUESTION and one["students"] == ["asha", "ben"])
    assert group in hub.run("autograder", "groups", NAME)
    assert "Said to 2: asha, ben." in hub.run("autograder", "comment", NAME, QUESTION, group, TO_ALL)


def mark_by_hand(tutor: Person) -> None:
    """The written answer of each submission: marks and a sentence, kept when the field is left."""
    page = tutor.page
    for number in (1, 2):
        page.goto(f"{tutor.hub}{FORMGRADER}/gradebook/{NAME}/{NAME}")
        submission = page.get_by_role("link", name=f"Submission #{number}", exact=True)
        expect(submission).to_be_visible()
        if number == 1:
            tutor.picture("formgrader-by-hand", page.locator("thead"), page.locator("tbody"), mark=submission)
        submission.click()
        page.wait_for_load_state("networkidle")
        box, words = page.locator("input.score").last, page.locator("textarea.comment").last
        box.fill("3")
        keep(box)
        words.fill(COMMENT)
        keep(words)
        if number == 1:
            tutor.picture("formgrader-score", page.locator(".nbgrader_cell").last)


def keep(field: Locator) -> None:
    """Leave a field with the Tab key, and wait until formgrader has kept what it holds."""
    with field.page.expect_response(lambda answer: answer.request.method == "PUT"):
        field.press("Tab")


def return_feedback(tutor: Person) -> None:
    """Write the feedback and put it where associates find it."""
    page = tutor.page
    page.goto(f"{tutor.hub}{FORMGRADER}/manage_assignments")
    marks = assignment(page).locator("td.generate-feedback a")
    expect(marks).to_be_visible()
    tutor.picture("formgrader-feedback", page.locator("thead"), assignment(page), mark=marks)
    step(page, "generate-feedback")
    step(page, "release-feedback")


def assignment(page: Page) -> Locator:
    """The row of the assignment in formgrader's table."""
    return page.get_by_role("row").filter(has_text=NAME)


def step(page: Page, name: str) -> None:
    """Press one of formgrader's buttons for the assignment and close what it says."""
    assignment(page).locator(f"td.{name} a").click()
    close_message(page)


def close_message(page: Page) -> None:
    """Wait until formgrader says that it is done, which is never an error."""
    dialog = page.locator(".modal.in, .modal.show").first
    expect(dialog).to_contain_text(re.compile("success", re.IGNORECASE), timeout=180_000)
    dialog.get_by_role("button", name=re.compile("ok|close", re.IGNORECASE)).last.click()
    expect(dialog).to_be_hidden()
