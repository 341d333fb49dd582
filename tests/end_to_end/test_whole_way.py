"""Does the whole way work: read, run, fetch, hand in; mark; read the feedback?"""

import re

from playwright.sync_api import Locator, Page, expect

from autograder.assignment import read
from autograder.variants import mistakes
from campus.folders import EXERCISES
from tests.end_to_end.conftest import Person

NAME = "clinic-queue"
MISTAKE = "mean-wait-in-system"
ADVICE = "Seven are too few: too many callers hang up. The weakest figure is the length of a call."
COMMENT = "Say also who is harmed by a wait."


def test_the_whole_way(hub, browser):
    """Can an associate and a tutor go it in the real pages, with no request to another host?"""
    associate, tutor = Person(browser, hub, "asha"), Person(browser, hub, "tara")
    read_and_run_a_session(associate)
    work_on_the_assignment(associate)
    hand_it_in(associate)
    mark_it(tutor)
    read_the_feedback(associate)
    assert associate.outside == []
    assert tutor.outside == []


# The associate


def read_and_run_a_session(associate: Person) -> None:
    """From signing in, by the book, into the workspace, where the first cells give what the page shows."""
    associate.sign_in()
    page = associate.page
    expect(page.get_by_role("heading", level=1)).to_contain_text("what to do next")
    associate.picture("01-associate-what-to-do-next")
    page.get_by_role("link", name=re.compile(r"Read session \S+ in the book")).click()
    page.goto(f"{associate.hub}/services/campus/book/modules/03-queues/03-3-clinic.html")
    expect(page.get_by_role("heading", level=1)).to_contain_text("3.3 A clinic as a queue")
    expect(page.locator("math").first).to_be_visible()
    associate.picture("02-session-in-the-book")
    shown = page.locator(".cell_output").first.inner_text()
    page.get_by_role("link", name="Open in my workspace").first.click()
    notebook = open_notebook(page, "03-3-clinic.ipynb")
    first = notebook.locator(".jp-CodeCell").first
    run_cell(page, first)
    expect(first.locator(".jp-OutputArea-output")).to_be_visible()
    given = first.locator(".jp-OutputArea-output").inner_text()
    assert given.split() == shown.split()
    associate.picture("03-session-in-the-workspace")


def work_on_the_assignment(associate: Person) -> None:
    """Fetch, answer one question right, one with a known mistake and one in words; save and validate."""
    page = associate.page
    assignments = open_assignments(page)
    associate.picture("04-assignment-list")
    row(assignments, "released", NAME).get_by_role("button", name="Fetch").click()
    fetched = row(assignments, "fetched", NAME)
    expect(fetched.get_by_role("button", name="Submit")).to_be_visible()
    fetched.locator("a").first.click()
    fetched.get_by_role("link", name=NAME).last.click()
    notebook = open_notebook(page, f"{NAME}.ipynb")
    answer(page, notebook, "def utilisation(", solution("utilisation"))
    answer(page, notebook, "def mean_wait(", mistake(MISTAKE))
    answer(page, notebook, "YOUR ANSWER HERE", ADVICE)
    associate.picture("05-assignment-in-the-workspace")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+s")
    page.wait_for_timeout(2000)
    page.get_by_role("button", name="Validate").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("failed")
    associate.picture("06-validation")
    dialog.get_by_role("button", name=re.compile("ok", re.IGNORECASE)).click()


def hand_it_in(associate: Person) -> None:
    """Submit, and see it among what was handed in."""
    page = associate.page
    assignments = open_assignments(page)
    row(assignments, "fetched", NAME).get_by_role("button", name="Submit").click()
    expect(row(assignments, "submitted", NAME)).to_be_visible()
    associate.picture("07-handed-in")


def read_the_feedback(associate: Person) -> None:
    """Fetch the feedback: the marks, the sentence that answers the mistake, and the tutor's own."""
    page = associate.page
    assignments = open_assignments(page)
    assignments.locator("#refresh_assignments_list").click()
    submitted = row(assignments, "submitted", NAME)
    submitted.get_by_role("button", name="Fetch Feedback").click()
    submitted.get_by_text("view feedback").first.click()
    page.get_by_role("listitem", name=re.compile(rf"{NAME}\.html")).dblclick()
    feedback = page.frame_locator(".jp-HTMLViewer:not(.lm-mod-hidden) iframe").locator("body")
    expect(feedback).to_contain_text(told(MISTAKE))
    expect(feedback).to_contain_text(COMMENT)
    expect(feedback).to_contain_text("5.0 / 20.0")
    associate.picture("12-feedback")


# The tutor


def mark_it(tutor: Person) -> None:
    """Collect, mark by machine, mark the written answer by hand, and give the feedback back."""
    tutor.sign_in()
    page = tutor.page
    tutor.picture("08-tutor-what-to-do-next")
    page.get_by_role("link", name=re.compile("formgrader", re.IGNORECASE)).first.click()
    page.wait_for_url("**/formgrader/**")
    step(page, "collect")
    expect(assignment(page).locator("td.num-submissions")).to_contain_text("1")
    tutor.picture("09-formgrader")
    assignment(page).locator("td.num-submissions a").click()
    page.locator("td.autograde a").first.click()
    close_message(page)
    expect(page.locator("td.status").first).to_contain_text("needs manual grading")
    tutor.picture("10-marked-by-machine")
    page.goto(f"{tutor.hub}/services/modelling/formgrader/gradebook/{NAME}/{NAME}")
    page.locator("td.name a, td a").first.click()
    page.wait_for_load_state("networkidle")
    box = page.locator("input.score").last
    box.fill("3")
    box.press("Tab")
    page.locator("textarea.comment").last.fill(COMMENT)
    page.locator("textarea.comment").last.press("Tab")
    page.wait_for_timeout(1500)
    box.scroll_into_view_if_needed()
    tutor.picture("11-marked-by-hand")
    page.goto(f"{tutor.hub}/services/modelling/formgrader/manage_assignments")
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


# JupyterLab


def open_notebook(page: Page, name: str) -> Locator:
    """The notebook of that name once its tab is in front and its kernel idle."""
    tab = page.get_by_role("tab", name=name)
    expect(tab).to_be_visible()
    tab.click()
    notebook = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    expect(notebook.locator(".jp-Notebook")).to_be_visible()
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle")
    return notebook


def open_assignments(page: Page) -> Locator:
    """nbgrader's assignment list, opened from its menu, once it is filled."""
    page.get_by_role("menuitem", name="Nbgrader", exact=True).click()
    page.get_by_role("menuitem", name="Assignment List", exact=True).click()
    assignments = page.locator("#assignments").last
    expect(assignments).to_be_visible()
    expect(assignments.locator(".list_loading:visible")).to_have_count(0)
    return assignments


def row(assignments: Locator, kind: str, name: str) -> Locator:
    """An assignment's row among the released, fetched or submitted ones."""
    return assignments.locator(f"#{kind}_assignments_list .list_item").filter(has_text=name).first


def find_cell(page: Page, notebook: Locator, text: str) -> Locator:
    """The cell that holds a text: the notebook is scrolled to it, as JupyterLab draws only what is in view."""
    cell = notebook.locator(".jp-Cell").filter(has_text=text).first
    notebook.locator(".jp-WindowedPanel-outer").hover()
    page.mouse.wheel(0, -100_000)
    for _ in range(80):
        if cell.count() and cell.is_visible():
            cell.scroll_into_view_if_needed()
            return cell
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(150)
    raise AssertionError(f"No cell holds '{text}'.")


def run_cell(page: Page, cell: Locator) -> None:
    """Run a cell by the keys that everybody uses."""
    cell.locator(".jp-InputArea-editor").click()
    page.keyboard.press("Shift+Enter")


def answer(page: Page, notebook: Locator, text: str, source: str) -> None:
    """Put an answer in place of what a cell holds."""
    cell = find_cell(page, notebook, text)
    if "jp-MarkdownCell" in (cell.get_attribute("class") or ""):
        cell.dblclick()
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(source)


# What the repository says


def solution(question: str) -> str:
    """The author's answer to a question."""
    assignment = read(EXERCISES / NAME)
    (found,) = (asked for asked in assignment.questions if asked.id == question)
    return assignment.notebook.cells[found.answer].source


def mistake(name: str) -> str:
    """The code of a listed mistake."""
    (found,) = (wrong for wrong in mistakes(read(EXERCISES / NAME)) if wrong.name == name)
    return found.source


def told(name: str) -> str:
    """The sentence that answers a listed mistake."""
    (found,) = (wrong for wrong in mistakes(read(EXERCISES / NAME)) if wrong.name == name)
    return found.told
