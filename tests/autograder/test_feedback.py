"""Does an associate's page say what helps, and nothing of hidden tests?"""

import html
import re

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import sync_playwright

from autograder.assignment import authored, read
from autograder.feedback import HideTests, page
from autograder.marking import grade
from autograder.rebuilt import plan
from autograder.variants import released, substitute
from campus.folders import EXERCISES
from tests.browser import QUIET, ensure_chromium

CLINIC = read(EXERCISES / "clinic-queue")
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def page_of(result):
    """The page of a result, with what each answer is told as the gradebook's comment."""
    marks = {mark.question: (mark.score, mark.points) for mark in result.marks}
    comments = {mark.question: mark.told for mark in result.marks if mark.told}
    return page(result.assignment, result.notebook, marks, comments)


def text_of(written):
    """What can be read on a page, or found in its source: all but the styles."""
    text = html.unescape(re.sub(r"<style.*?</style>|<[^>]+>", "", written, flags=re.DOTALL))
    return re.sub(r"Score: [0-9./ ]+", "", text)


def hidden_lines(assignment):
    """The lines of an assignment's hidden tests that do not stand in what was handed out."""
    public = "\n".join(cell.source for cell in released(assignment).cells)
    prepared = plan(assignment)
    for question in assignment.by_machine:
        lines = prepared.cell(question.test_id).source.splitlines()
        for number in prepared.hidden[question.id]:
            line = lines[number - 1].strip()
            if len(line) > 8 and line not in public:
                yield line


@pytest.mark.parametrize("name", authored())
def test_no_page_shows_a_line_or_a_value_of_a_hidden_test(mistaken, name):
    """Is of hidden tests neither code, message nor expected value on any page of a listed mistake?"""
    assignment = read(EXERCISES / name)
    lines = set(hidden_lines(assignment))
    public = "\n".join(cell.source for cell in released(assignment).cells)
    values = {value for line in lines for value in NUMBER.findall(line) if len(value) > 2}
    assert lines and values
    for group, result in mistaken(name):
        text = text_of(page_of(result))
        assert not [line for line in lines if line in text]
        handed_in = " ".join([public, *(wrong.source + wrong.told for wrong in group)])
        handed_in += " ".join(
            cell.source for cell in result.notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")
        )
        assert not values & set(NUMBER.findall(text)) - set(NUMBER.findall(handed_in))
        for wrong in group:
            assert " ".join(wrong.told.split())[:60] in " ".join(text.split())


@pytest.mark.parametrize("name", ["clinic-queue", "risk-model"])
def test_a_mistake_that_nobody_listed_is_told_no_more(warm, mistaken, monkeypatch, name):
    """Are wrong answers that the catalogue does not know told which visible test failed, or only that another did?"""
    assignment = read(EXERCISES / name)
    monkeypatch.setitem(plan(assignment).__dict__, "known", {})
    lines = set(hidden_lines(assignment))
    for group, _ in mistaken(name):
        result = grade(assignment, substitute(assignment, {wrong.question: wrong.source for wrong in group}), warm)
        text = text_of(page_of(result))
        assert not [line for line in lines if line in text]
        for mark in result.marks:
            if mark.failure:
                assert mark.mistake is None and f"session {assignment.session}" in mark.told
                visible = mark.told in mark.failure
                assert visible or "tests that you can see" in mark.told or "stopped when" in mark.told, mark


KEEPER = """
kept = []
def utilisation(*given):
    kept.append(given)
    print("called", given)
    return given[0] * given[1] / 3600 / given[2]
"""
GIVERS = {
    "an output": 'print("kept", kept)\ndef chance_of_waiting(*given):\n    print("kept", kept)\n    return 0',
    "the error of a cell": 'raise ValueError(f"kept {kept}")',
    "the error of a call": 'def chance_of_waiting(*given):\n    raise ValueError(f"kept {kept}")',
    "the name of an error": 'raise type("kept_" + "_".join(str(n) for call in kept for n in call), (Exception,), {})()',
    "a value": 'def chance_of_waiting(*given):\n    return float("".join(str(call[0]) for call in kept))',
    "a warning": "import warnings\nwarnings.warn(str(kept))",
}


@pytest.mark.parametrize("name", GIVERS)
def test_an_answer_cannot_give_out_what_a_hidden_test_called_it_with(warm, name):
    """Is what an answer kept of a hidden test's calls out of its associate's reach, and a visible call's not?"""
    given = substitute(CLINIC, {"utilisation": KEEPER, "chance-of-waiting": GIVERS[name]})
    result = grade(CLINIC, given, warm)
    assert result.marks[0].score == 2 and result.marks[1].score == 0
    text = text_of(page_of(result))
    told = "\n".join([text, *(mark.told or "" for mark in result.marks)])
    assert not re.search(r"120\D{1,3}240\D{1,3}5|30\D{1,3}90\D{1,3}3|9612030", told)


def test_an_associate_reads_what_was_expected_what_came_and_where_to_look(warm):
    """Does the page of an answer that fails a visible test repeat its message, once?"""
    result = grade(CLINIC, substitute(CLINIC, {"utilisation": "def utilisation(*given):\n    return 7"}), warm)
    said = "expected 0.8, got 7. See 'What the clinic's own log says' in session 3.3."
    assert said in result.marks[0].told
    assert text_of(page_of(result)).count("got 7.") == 1


def test_flags_are_for_the_tutor_only(warm):
    """Is what is odd in a submission shown in formgrader's notebook and not on the associate's page?"""
    cells = [cell for cell in CLINIC.notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") != "mean-wait"]
    result = grade(CLINIC, CLINIC.notebook | {"cells": cells}, warm)
    (flag,) = result.flags
    assert flag in result.notebook.cells[0].source
    assert flag not in text_of(page_of(result)) and "For the tutor" not in page_of(result)


def test_a_tutors_comment_and_an_unmarked_answer_are_shown(warm):
    """Does the page hold the tutor's words, and say which answer still waits?"""
    result = grade(CLINIC, CLINIC.notebook, warm)
    marks = {mark.question: (mark.score, mark.points) for mark in result.marks}
    text = text_of(page(CLINIC.name, result.notebook, marks, {"utilisation": "Well put."}))
    assert "Well put." in text and "A tutor has not marked this answer yet" in text
    assert text.count("The tests pass.") == 5


SCRIPT = "<script>alert(1)</script> and a < b, <img src=x onerror=alert(1)> $\\href{javascript:alert(1)}{x}$"


def test_a_written_answer_runs_nothing_where_it_is_read(warm):
    """Is HTML of a learner's shown as text, on the page and in the notebook that formgrader shows?"""
    wrong = f"def utilisation(*given):\n    raise ValueError({SCRIPT!r})"
    result = grade(CLINIC, substitute(CLINIC, {"advice": SCRIPT, "utilisation": wrong}), warm)
    written = page_of(result)
    assert "<script>alert" not in written and "<img src=x" not in written and 'href="javascript' not in written
    shown = "\n".join(cell.source for cell in result.notebook.cells if cell.cell_type == "markdown")
    assert "<script" not in shown and "\\href" not in shown and "and a < b" in shown


def test_a_notebook_that_was_marked_elsewhere_shows_no_hidden_test():
    """Are hidden tests cut out of a notebook that has no notes of ours?"""
    notebook, _ = HideTests().preprocess(substitute(CLINIC, {}), {})
    text = "\n".join(cell.source for cell in notebook.cells)
    assert "busy = utilisation(96, 240, 8)" in text
    assert not [line for line in hidden_lines(CLINIC) if line in text]


def test_can_a_long_sentence_be_read_without_scrolling_sideways():
    facts = {"grade": True, "solution": False, "locked": True, "grade_id": "test-wait", "points": 4}
    notes = {"told": "You measured the time in the system, not in the queue. " * 5}
    cell = new_code_cell(f"assert wait == 10, {'a message ' * 20!r}", metadata={"nbgrader": facts, "campus": notes})
    written = page("clinic-queue", new_notebook(cells=[cell]), {"wait": (0, 4)}, {})
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=ensure_chromium(), args=list(QUIET))
        read = chromium.new_page(viewport={"width": 900, "height": 700})
        read.set_content(written)
        wide = read.evaluate("[...document.querySelectorAll('pre')].map(e => e.scrollWidth > e.clientWidth)")
        chromium.close()
    assert wide == [False, False]
