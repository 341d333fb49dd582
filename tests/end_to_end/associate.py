"""The steps of the associates' guides: first-day, assignments, when-stuck."""

import re
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, expect

from tests.end_to_end.clinic_queue import ADVICE, COMMENT, EXAMPLE_ALONE, MISTAKE, NAME, TO_ALL, mistake, solution, told
from tests.end_to_end.conftest import PATIENCE, Person
from tests.end_to_end.jupyterlab import (
    answer,
    find_cell,
    open_assignments,
    open_menu,
    open_notebook,
    panel,
    row,
    run_cell,
    save,
)

OWN_CELL = "\n+++\n\n```{code-cell} ipython3\nhelper = 25 / 60\n```\n"  # outside the answers, so it gets a flag
SESSION = "/services/campus/book/modules/03-queues/03-3-clinic.html"


def read_and_run_a_session(associate: Person) -> None:
    """From signing in, by the book, into the workspace, where the first cells give what the page shows."""
    page = associate.page
    associate.open_sign_in()
    associate.picture("sign-in", page.locator("#login-main form"))
    associate.sign_in()
    expect(page.get_by_role("heading", level=1)).to_contain_text("what to do next")
    associate.picture("first-page", page.get_by_role("heading", level=1), page.locator("section.next"))
    page.get_by_role("link", name=re.compile(r"Read session \S+ in the book")).click()
    page.goto(f"{associate.hub}{SESSION}")
    title = page.locator("article").get_by_role("heading", level=1)
    expect(title).to_contain_text("3.3 A clinic as a queue")
    expect(page.locator("math").first).to_be_visible()
    associate.picture("session")
    shown = page.locator(".cell_output").first.inner_text()
    opener = page.get_by_role("link", name="Open in my workspace").first
    associate.picture("open-in-my-workspace", title, page.locator(".course-actions"), mark=opener)
    opener.click()
    notebook = open_notebook(page, "03-3-clinic.ipynb")
    first = notebook.locator(".jp-CodeCell").first
    run_cell(page, first)
    expect(first.locator(".jp-OutputArea-output")).to_be_visible()
    given = first.locator(".jp-OutputArea-output").inner_text()
    assert given.split() == shown.split()
    associate.picture("workspace")
    associate.picture("cell-run", first)


def run_everything_again(associate: Person) -> None:
    """The way out of most surprises: a fresh kernel, and every cell from the top."""
    page = associate.page
    menu = open_menu(page, "Kernel")
    again = menu.get_by_role("menuitem", name=re.compile("Restart Kernel and Run All Cells"))
    associate.picture("run-everything-again", menu, page.get_by_role("menuitem", name="Kernel", exact=True), mark=again)
    again.click()
    page.get_by_role("dialog").get_by_role("button", name="Confirm Kernel Restart").click()
    notebook = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    expect(notebook.locator(".jp-CodeCell .jp-InputPrompt").nth(1)).to_contain_text("[2]")  # it had not run before


def work_on_the_assignment(associate: Person) -> None:
    """Fetch, answer one question right, one with a known mistake and one in words; save and validate."""
    page = associate.page
    menu = open_menu(page, "Nbgrader")
    entry = menu.get_by_role("menuitem", name="Assignment List", exact=True)
    associate.picture(
        "assignment-list-menu", menu, page.get_by_role("menuitem", name="Nbgrader", exact=True), mark=entry
    )
    page.keyboard.press("Escape")
    assignments = open_assignments(page)
    released = row(assignments, "released", NAME)
    fetch = released.get_by_role("button", name="Fetch")
    associate.picture("assignment-fetch", panel(assignments, "released"), mark=fetch)
    fetch.click()
    fetched = row(assignments, "fetched", NAME)
    submit = fetched.get_by_role("button", name="Submit")
    expect(submit).to_be_visible()
    fetched.locator("a").first.click()
    notebook_link = fetched.get_by_role("link", name=NAME).last
    expect(notebook_link).to_be_visible()
    associate.picture("assignment-downloaded", panel(assignments, "fetched"), mark=notebook_link)
    notebook_link.click()
    notebook = open_notebook(page, f"{NAME}.ipynb")
    answer(page, notebook, "def utilisation(", solution("utilisation"))
    answer(page, notebook, "def chance_of_waiting(", EXAMPLE_ALONE)
    answer(page, notebook, "def mean_wait(", mistake(MISTAKE))
    answer(page, notebook, "YOUR ANSWER HERE", ADVICE)
    answered = find_cell(page, notebook, "def utilisation(")
    run_cell(page, answered)
    tests = notebook.locator(".jp-Cell").filter(has_text="busy = utilisation(96").first
    run_cell(page, tests)
    answered.evaluate("cell => cell.scrollIntoView({block: 'start'})")
    associate.picture("assignment-answer", answered, tests)
    save(page)
    validate = page.get_by_role("button", name="Validate")
    validate.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("failed")
    associate.picture("assignment-validated", dialog.locator(".jp-Dialog-content"))
    dialog.get_by_role("button", name=re.compile("ok", re.IGNORECASE)).click()


def hand_it_in(associate: Person) -> None:
    """Submit, and see it among what was handed in, with a receipt in the folder."""
    assignments = open_assignments(associate.page)
    fetched = row(assignments, "fetched", NAME)
    submit = fetched.get_by_role("button", name="Submit")
    associate.picture("assignment-submit", panel(assignments, "fetched"), mark=submit)
    submit.click()
    submitted = row(assignments, "submitted", NAME)
    expect(submitted).to_contain_text(re.compile("received|being marked"))
    wait_for_the_machine(submitted, lambda: refresh(assignments), "being marked, 2 of 16 so far")
    associate.picture("assignment-handed-in", panel(assignments, "submitted"))


def refresh(assignments: Locator) -> None:
    """Press the assignment list's button, and wait until it is filled."""
    assignments.locator("#refresh_assignments_list").click()
    expect(assignments.locator(".list_loading:visible")).to_have_count(0)


def wait_for_the_machine(place: Locator, look_again: Callable[[], object], words: str) -> None:
    """Look again until the marks of the machine are there, which nobody did anything for."""
    deadline = time.monotonic() + PATIENCE / 1000
    while words not in (seen := place.inner_text()):
        assert time.monotonic() < deadline, seen
        place.page.wait_for_timeout(500)
        look_again()


def read_the_feedback(associate: Person) -> None:
    """Fetch the feedback: the marks, the sentence that answers the mistake, and the tutor's own."""
    page = associate.page
    assignments = open_assignments(page)
    assignments.locator("#refresh_assignments_list").click()
    submitted = row(assignments, "submitted", NAME)
    fetch = submitted.get_by_role("button", name="Fetch Feedback")
    expect(fetch).to_be_visible()
    associate.picture("feedback-fetch", panel(assignments, "submitted"), mark=fetch)
    fetch.click()
    submitted.get_by_text("view feedback").first.click()
    file = page.get_by_role("listitem", name=re.compile(rf"{NAME}\.html"))
    file.dblclick()
    feedback = page.frame_locator(".jp-HTMLViewer:not(.lm-mod-hidden) iframe").locator("body")
    for said in (told(MISTAKE), TO_ALL, COMMENT, "5.0 / 20.0"):
        expect(feedback).to_contain_text(said)
    feedback.get_by_text(told(MISTAKE)).scroll_into_view_if_needed()
    associate.picture("feedback", page.locator(".jp-HTMLViewer:not(.lm-mod-hidden)"))


# Without JupyterLab


def hand_in_on_plain_pages(associate: Person, folder: Path) -> None:
    """Download the text, answer in an editor, hand the file in, and keep the receipt."""
    page = associate.page
    associate.sign_in()
    page.get_by_role("link", name=re.compile("download assignments")).click()
    listed = page.get_by_role("row").filter(has_text=NAME)
    associate.picture("plain-list", page.locator("h1"), listed, mark=listed.get_by_role("link", name=NAME))
    listed.get_by_role("link", name=NAME).click()
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile(rf"{NAME}\.md")).click()
    text = folder / f"{NAME}.md"
    text.write_text(fill_in(download.value.path().read_text(encoding="utf-8")), encoding="utf-8")
    field, button = page.get_by_label("The file with your answers"), page.get_by_role("button", name=f"Hand in {NAME}")
    field.set_input_files(text)
    associate.picture("plain-hand-in", page.get_by_role("heading", name="3. Hand in"), field, button, mark=button)
    button.click()
    expect(page.get_by_role("status")).to_contain_text(re.compile("State: (received|being marked)"))
    wait_for_the_machine(page.get_by_role("status"), page.reload, "being marked, 0 of 16 so far")
    associate.picture("plain-receipt", page.locator("main"))


def fill_in(text: str) -> str:
    """The assignment's text with the same wrong answers and advice as in the workspace, and a cell of one's own."""
    for name, source in (("chance_of_waiting", EXAMPLE_ALONE), ("mean_wait", mistake(MISTAKE))):
        text, count = re.subn(rf"^def {name}\(.*?(?=^```$)", lambda _, new=source: f"{new}\n", text, flags=re.M | re.S)
        assert count == 1
    return text.replace("YOUR ANSWER HERE", ADVICE) + OWN_CELL


def read_the_feedback_on_plain_pages(associate: Person) -> None:
    """Back on the receipt: the marks, and the feedback as a page."""
    page = associate.page
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("feedback is there")
    feedback = page.get_by_role("link", name=re.compile("Read the feedback"))
    associate.picture("plain-feedback", page.locator("h1"), page.get_by_role("status"), mark=feedback)
    feedback.click()
    expect(page.locator("body")).to_contain_text(TO_ALL)
