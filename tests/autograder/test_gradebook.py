"""Are marks written by nbgrader's rules, so that nothing a tutor did is lost?"""

import json
from datetime import datetime

import pytest

from autograder import course as course_module
from autograder.handed_in import collected_folder
from tests.autograder.released import NAME, NOON, RIGHT, WRONG


@pytest.fixture
def course(released):
    released.forget()
    return released


def change(**marks):
    """Do what a tutor does in formgrader: {cell with _ for -: {field: value}}."""
    with course_module.gradebook() as book:
        for cell, fields in marks.items():
            grade = book.find_grade(cell.replace("_", "-"), NAME, NAME, "ann")
            for field, value in fields.items():
                setattr(grade, field, value)
        book.db.commit()


def grades():
    """{cell: (score with all that counts, machine's score, waits for a tutor)} of ann's."""
    with course_module.gradebook() as book:
        notebook = book.find_submission_notebook(NAME, NAME, "ann")
        return {grade.name: (grade.score, grade.auto_score, grade.needs_manual_grade) for grade in notebook.grades}


def test_does_a_machine_mark_its_questions_and_leave_written_ones(course):
    course.hand_in("ann", {"occupancy": RIGHT, "longest": WRONG, "advice": RIGHT})
    course.mark()
    assert grades() == {
        "test-occupancy": (3, 3, False),
        "test-longest": (0, 0, False),
        "advice": (0, None, True),
        "limits": (0, 0, False),  # left as it was handed out
    }


def test_do_marks_by_hand_and_extra_credit_outlive_marking_again(course):
    course.hand_in("ann", {"occupancy": RIGHT, "advice": RIGHT})
    course.mark()
    change(
        advice={"manual_score": 3, "needs_manual_grade": False}, test_longest={"manual_score": 1, "extra_credit": 0.5}
    )
    course.mark(again=True)
    found = grades()
    assert found["advice"] == (3, None, True)  # shown to the tutor again, as nbgrader does
    assert found["test-longest"] == (1.5, 0, True) and found["test-occupancy"] == (3, 3, False)


def test_does_a_tutors_comment_outlive_marking_again(course):
    course.hand_in("ann", {"longest": WRONG})
    course.mark()
    with course_module.gradebook() as book:
        assert book.find_comment("longest", NAME, NAME, "ann").comment == "You did what is listed."
        book.find_comment("longest", NAME, NAME, "ann").manual_comment = "Look again."
        book.db.commit()
    course.mark(again=True)
    with course_module.gradebook() as book:
        comment = book.find_comment("longest", NAME, NAME, "ann")
        assert (comment.comment, comment.auto_comment) == ("Look again.", "You did what is listed.")
        assert book.find_comment("limits", NAME, NAME, "ann").comment == "No response."


def test_does_a_better_submission_take_the_place_of_the_first(course):
    course.hand_in("ann", {"longest": WRONG})
    course.mark()
    course.hand_in("ann", {"longest": RIGHT}, at="2026-11-02 13:00:00.000000 UTC")
    course.mark()
    assert grades()["test-longest"] == (2, 2, False)
    with course_module.gradebook() as book:
        assert book.find_submission(NAME, "ann").timestamp == datetime(2026, 11, 2, 13)
        assert book.find_comment("longest", NAME, NAME, "ann").comment is None


def test_is_a_late_submission_marked_down_by_the_rule_that_is_configured(course, monkeypatch):
    settings = course_module.course_config()
    settings.LateSubmissionPlugin.penalty_method = "zero"
    monkeypatch.setattr(course_module, "course_config", lambda: settings)
    course.hand_in("ann", {"occupancy": RIGHT})
    penalties = []
    for due in (datetime(2026, 11, 1), datetime(2026, 11, 3)):
        with course_module.gradebook() as book:
            book.find_assignment(NAME).duedate = due
            book.db.commit()
        course.mark(again=True)
        with course_module.gradebook() as book:
            penalties.append(book.find_submission_notebook(NAME, NAME, "ann").late_submission_penalty)
            book.find_assignment(NAME).duedate = None
            book.db.commit()
    assert penalties == [3, None]


def flagged(value=None):
    with course_module.gradebook() as book:
        notebook = book.find_submission_notebook(NAME, NAME, "ann")
        if value is not None:
            notebook.flagged = value
            book.db.commit()
        return notebook.flagged


def test_is_a_flag_shown_before_the_first_cell_and_a_tutors_click_kept(course):
    folder = course.hand_in("ann", {"occupancy": RIGHT})
    (folder / "link").symlink_to("/etc/passwd")
    course.mark()
    assert flagged()
    text = (course_module.root() / "autograded" / "ann" / NAME / f"{NAME}.ipynb").read_text()
    first = json.loads(text)["cells"][0]
    assert first["cell_type"] == "markdown" and "links, which were not followed: link" in first["source"]
    flagged(False)
    course.mark(again=True)
    assert not flagged()  # there was nothing new to say
    (folder / "link").unlink()
    flagged(True)
    course.mark()
    assert not flagged()


def test_does_formgrader_know_the_submission_as_marked(course):
    course.hand_in("ann", {"occupancy": RIGHT})
    course.mark()
    with course_module.nbgrader() as api:
        found = api.get_submission(NAME, "ann")
        assert (found["autograded"], found["score"], found["max_score"]) == (True, 3, 11)
        assert api.get_autograded_students(NAME) == {"ann"}


def test_is_a_person_of_whom_the_gradebook_knows_nothing_marked_too(course):
    course.hand_in("ann", {"occupancy": RIGHT})
    course.hand_in("somebody new", {"occupancy": RIGHT})
    entry = course.mark()
    assert [one["student"] for one in entry["submissions"]] == ["ann", "somebody new"] and entry["ok"]


def test_is_a_submission_without_its_notebook_marked_as_nothing_and_told(course):
    folder = course.hand_in("ann", {"occupancy": RIGHT})
    (folder / f"{NAME}.ipynb").unlink()
    entry = course.mark()["submissions"][0]
    assert entry["score"] == 0 and entry["problem"] is None
    assert entry["flags"][0] == f"{NAME}.ipynb: There is no notebook with the name that it should have."


def test_is_an_assignment_that_changed_since_its_release_not_marked(course):
    course.hand_in("ann", {"occupancy": RIGHT})
    path = course.folder / "assignment.md"
    text = path.read_text()
    path.write_text(text.replace("assert found == 21", "assert found == 22"))
    try:
        entry = course.mark()
    finally:
        path.write_text(text)
    assert entry["problems"] == [f"{NAME} has changed since associates got it: run 'autograder release {NAME}' first."]
    assert course.mark()["ok"]


def test_are_the_secret_and_the_time_beside_the_marked_notebook(course):
    """Does nbgrader find there what it needs to release the feedback?"""
    course.hand_in("ann", {})
    course.mark()
    folder = course_module.root() / "autograded" / "ann" / NAME
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"{NAME}.ipynb", "submission_secret.txt", "timestamp.txt"]
    assert (folder / "timestamp.txt").read_text() == NOON
    given = collected_folder(NAME, "ann") / "submission_secret.txt"
    assert (folder / "submission_secret.txt").read_text() == given.read_text()
