"""Do nbgrader's own command and formgrader's button mark sealed, as `autograder grade` does?"""

import nbformat
import pytest

from autograder import course
from campus import formgrader
from tests.autograder.released import NAME

RIGHT = "def occupancy(days, beds, period):\n    return days / (beds * period)"


@pytest.fixture
def handed_in(released_on_sqlite):
    released_on_sqlite.forget()
    released_on_sqlite.hand_in("ann", {"occupancy": RIGHT})
    return released_on_sqlite


def score(student="ann"):
    with course.gradebook() as book:
        return book.find_submission(NAME, student).score


def test_does_nbgraders_autograde_ask_our_grader(handed_in):
    """Are its marks ours, its file the rebuilt notebook, and is it repeated at will?"""
    for _ in range(2):
        with course.nbgrader() as api:
            assert api.autograde(NAME, "ann")["success"]
        assert score() == 3
    marked = nbformat.read(course.root() / "autograded" / "ann" / NAME / f"{NAME}.ipynb", as_version=4)
    assert marked.metadata.campus.flags == []
    found = handed_in.mark()
    assert found["submissions"][0]["graded"] == "before"


def test_does_nbgraders_autograde_run_nothing_itself(handed_in, tmp_path):
    folder = handed_in.hand_in("ann", {"occupancy": f"open({str(tmp_path / 'here')!r}, 'w')\n{RIGHT}"})
    (folder / "extra.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    with course.nbgrader() as api:
        assert api.autograde(NAME, "ann")["success"]
    assert not (tmp_path / "here").exists() and score() == 0


def test_does_formgraders_button_mark_again(handed_in):
    for _ in range(2):
        assert formgrader.mark(NAME, "ann") == {"success": True, "log": "", "error": ""}
    assert score() == 3


def test_does_formgraders_button_tell_flags(handed_in):
    (handed_in.hand_in("ann", {"occupancy": RIGHT}) / f"{NAME}.ipynb").write_text("{")
    found = formgrader.mark(NAME, "ann")
    assert found["success"] and "damaged or no notebook" in found["log"] and score() == 0


def test_is_nobodys_submission_a_sentence(handed_in):
    found = formgrader.mark(NAME, "nobody")
    assert not found["success"]
    assert found["error"] == f"No submission of nobody for {NAME} is there to be marked: collect it first."


def test_is_an_error_of_ours_a_sentence_in_formgrader(handed_in, monkeypatch):
    monkeypatch.setattr("autograder.grading.grade_kept", lambda folder, student: 1 / 0)
    assert formgrader.mark(NAME, "ann")["error"] == "The grader stopped (division by zero): its log says why."
