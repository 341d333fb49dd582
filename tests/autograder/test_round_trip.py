"""One assignment goes the whole way, over our exchange: author, associate, marks, feedback, associate."""

import re
import shutil
from dataclasses import dataclass

import pytest

from autograder import course, grading
from campus import folders

NAME = "bed-days"
OCCUPANCY = "def occupancy(days, beds, period):\n    return days / (beds * period)"
LONGEST = 'def longest(stays):\n    return stays["days"].max()'
LAST_ROW = 'def longest(table):\n    # the last one\n    return table.iloc[-1]["days"]'
LAST_ROW_TOLD = "You took the last row. The table is in order of patients, not of days."
WRITTEN = {
    "advice": "A third full, which costs $2 a day.",
    "limits": r"It says $\frac{1}{3}$, and not whether it is too little.",
}


@dataclass
class Person:
    username: str
    name: str
    email: str


@pytest.fixture(scope="module")
def journey(campus, associate):
    """What each step returned, the first time and the second, and the people who went through it."""
    folder = folders.EXERCISES / NAME
    names = ("right", "wrong", "empty", "broken")
    course.ensure_course()
    course.ensure_students(Person(name, f"{name.title()} Example", f"{name}@example.org") for name in names)
    steps = {"release": [course.release(), course.release([folder])]}
    homes = {name: associate(name) for name in names}
    for home in homes.values():
        home.use("FetchAssignment", NAME)
    homes["right"].answer(NAME, {"occupancy": OCCUPANCY, "longest": LONGEST, **WRITTEN})
    homes["wrong"].answer(NAME, {"occupancy": OCCUPANCY, "longest": LAST_ROW})
    homes["broken"].notebook(NAME).write_text('{"cells": [')
    for home in homes.values():
        home.use("Submit", NAME)
    steps["status"] = [grading.status([folder])]
    steps["collect"] = [grading.collect([folder]), grading.collect([folder])]
    steps["grade"] = [grading.grade([folder]), grading.grade([folder])]
    steps["feedback"] = [grading.feedback([folder]), grading.feedback([folder])]
    steps["status"].append(grading.status([folder]))
    for home in homes.values():
        home.use("FetchFeedback", NAME)
    return {verb: [found["assignments"][0] for found in twice] for verb, twice in steps.items()} | {"homes": homes}


def marked(journey: dict, student: str, time: int = 0) -> dict:
    """The entry of a submission in the result of `grade`."""
    return next(entry for entry in journey["grade"][time]["submissions"] if entry["student"] == student)


def scores(entry: dict) -> dict:
    """{question: score} of such an entry."""
    return {question["id"]: question["score"] for question in entry["questions"]}


def test_is_an_assignment_released_once(journey):
    assert [found["result"] for found in journey["release"]] == ["released", "unchanged"]


def test_do_associates_get_neither_solutions_nor_hidden_tests(journey):
    text = journey["homes"]["empty"].notebook(NAME).read_text()
    assert "raise NotImplementedError" in text
    assert "HIDDEN" not in text and "SOLUTION" not in text and "available" not in text


def test_do_associates_get_the_data(journey):
    home = journey["homes"]["empty"].home
    assert (home / NAME / "data" / "stays.csv").read_bytes() == (
        folders.EXERCISES / NAME / "data/stays.csv"
    ).read_bytes()


def test_is_each_submission_collected_once_under_its_authors_name(journey):
    first, second = journey["collect"]
    assert first["collected"] == second["unchanged"] == ["broken", "empty", "right", "wrong"]
    assert second["collected"] == []


def test_does_a_right_answer_earn_all_that_a_machine_marks(journey):
    found = marked(journey, "right")
    assert scores(found) == {"occupancy": 3, "longest": 2, "advice": None, "limits": None}
    assert found["by_hand"] == ["advice", "limits"]


def test_is_a_listed_mistake_answered_by_name(journey):
    found = marked(journey, "wrong")["questions"][1]
    assert (found["score"], found["mistake"], found["told"]) == (0, "longest-last", LAST_ROW_TOLD)


def test_does_a_blank_submission_earn_nothing(journey):
    found = marked(journey, "empty")
    assert found["score"] == 0 and found["by_hand"] == []


def test_does_a_broken_submission_earn_nothing_and_say_why_beside_the_marks_of_all_others(journey):
    assert len(journey["grade"][0]["submissions"]) == 4 and journey["grade"][0]["ok"]
    found = marked(journey, "broken")
    assert found["score"] == 0 and found["problem"] is None
    (flag,) = found["flags"]
    assert re.match(r"The file is damaged or no notebook, [^\n]+ handed in again\.$", flag)


def test_is_nothing_marked_twice(journey):
    again = [marked(journey, name, time=1) for name in ("right", "wrong", "empty", "broken")]
    assert [entry.pop("graded") for entry in again] == ["before"] * 4
    for entry in again:
        first = dict(marked(journey, entry["student"]))
        assert first.pop("graded") == "now" and first == entry


def test_is_feedback_released_for_all_marked(journey):
    assert [found["released"] for found in journey["feedback"]] == [["broken", "empty", "right", "wrong"]] * 2
    assert journey["feedback"][0]["by_hand"] == {"right": ["advice", "limits"]}


def test_does_status_count_what_happened(journey):
    counts = [
        [found[f] for f in ("handed_in", "collected", "graded", "by_hand", "feedback")] for found in journey["status"]
    ]
    assert counts == [[4, 0, 0, 0, 0], [4, 4, 4, 1, 4]]


def test_does_the_feedback_tell_what_the_mistake_is(journey):
    (page,) = journey["homes"]["wrong"].feedback(NAME)
    assert LAST_ROW_TOLD in page


def test_does_the_feedback_say_what_a_tutor_has_not_marked(journey):
    (page,) = journey["homes"]["right"].feedback(NAME)
    assert page.count("A tutor has not marked this answer yet") == 2


def test_does_everybody_get_the_feedback_of_their_own_and_no_other(journey):
    pages = {name: home.feedback(NAME) for name, home in journey["homes"].items()}
    assert [len(found) for found in pages.values()] == [1] * 4
    assert [name for name, (page,) in pages.items() if "A third full" in page] == ["right"]


def test_does_the_feedback_ask_no_other_host_for_anything(journey):
    for name in ("right", "wrong", "empty"):
        (page,) = journey["homes"][name].feedback(NAME)
        assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page) and "MathJax" not in page


def test_are_formulas_in_the_feedback_written_without_a_script(journey):
    (page,) = journey["homes"]["right"].feedback(NAME)
    assert "<mfrac>" in page and "costs $2 a day" in page


def test_are_names_in_the_gradebook_those_of_the_people(journey):
    with course.gradebook() as book:
        student = book.find_student("right")
        assert (student.first_name, student.last_name, student.email) == ("Right", "Example", "right@example.org")


def test_do_marks_and_a_comment_by_hand_survive_marking_again(journey):
    folder = folders.EXERCISES / NAME
    with course.gradebook() as book:
        book.find_grade("advice", NAME, NAME, "right").manual_score = 3
        book.find_comment("longest", NAME, NAME, "wrong").manual_comment = "Look at the index."
        book.db.commit()
    grading.grade([folder], student="right", again=True)
    found = grading.grade([folder], student="wrong", again=True)["assignments"][0]["submissions"]
    assert [entry["student"] for entry in found] == ["wrong"]
    with course.gradebook() as book:
        assert book.find_grade("advice", NAME, NAME, "right").score == 3
        comment = book.find_comment("longest", NAME, NAME, "wrong")
        assert (comment.comment, comment.auto_comment) == ("Look at the index.", LAST_ROW_TOLD)


def test_does_a_submission_that_is_lost_leave_the_others_alone(journey):
    (lost,) = (folders.state() / "exchange" / "submissions" / NAME / "wrong").glob(f"*/{NAME}.ipynb")
    shutil.rmtree(course.root() / "submitted" / "wrong")
    lost.rename(lost.with_suffix(".lost"))
    try:
        found = grading.collect([folders.EXERCISES / NAME])["assignments"][0]
    finally:
        lost.with_suffix(".lost").rename(lost)
    assert found["unchanged"] == ["broken", "empty", "right"]
    (problem,) = found["problems"]
    assert problem.startswith("The submission of wrong for bed-days could not be collected") and "\n" not in problem
    assert grading.collect([folders.EXERCISES / NAME])["assignments"][0]["collected"] == ["wrong"]


def test_is_a_later_submission_marked_in_place_of_the_first(journey):
    folder, home = folders.EXERCISES / NAME, journey["homes"]["empty"]
    home.answer(NAME, {"longest": LONGEST})
    home.use("Submit", NAME)
    assert grading.collect([folder])["assignments"][0]["collected"] == ["empty"]
    found = grading.grade([folder], student="empty")["assignments"][0]["submissions"][0]
    assert found["graded"] == "now" and scores(found)["longest"] == 2


def test_is_an_assignment_with_submissions_refused_when_its_questions_change(journey):
    path = folders.EXERCISES / NAME / "assignment.md"
    text = path.read_text()
    path.write_text(text.replace("limits", "bounds"))
    try:
        found = course.release()["assignments"][0]
    finally:
        path.write_text(text)
    assert found["result"] == "refused" and "it has submissions" in found["problem"] and "\n" not in found["problem"]
