"""Does a tutor comment once for all who made the same mistake?"""

from dataclasses import dataclass

import nbformat
import pytest

from autograder import course
from autograder.assignment import read
from autograder.groups import comment, comment_on, groups
from autograder.marking import grade
from autograder.variants import substitute
from campus import folders
from campus.errors import CampusError

NAME = "bed-days"
LAST_ROW = 'def longest(table):\n    return table.iloc[-1]["days"]'
FIVE = "def longest(table):\n    return 5"
ANSWERS = {"ada": FIVE, "bob": LAST_ROW, "cal": FIVE, "dot": 'def longest(table):\n    return table["days"].max()'}


@dataclass
class Person:
    username: str
    name: str
    email: str


@pytest.fixture(scope="module")
def results(campus, warm):
    """Four associates, of whom two gave the same wrong answer, in the gradebook and in the folder of marked work."""
    folder = folders.EXERCISES / NAME
    assignment = read(folder)
    course.ensure_course()
    course.ensure_students(Person(name, f"{name.title()} Example", "") for name in ANSWERS)
    course.release([folder])
    found = {}
    with course.gradebook() as book:
        for student, answer in ANSWERS.items():
            found[student] = grade(assignment, substitute(assignment, {"longest": answer}), warm)
            book.update_or_create_submission(NAME, student)
            path = course.root() / "autograded" / student / NAME / f"{NAME}.ipynb"
            path.parent.mkdir(parents=True)
            nbformat.write(found[student].notebook, path)
    return found


def test_are_equal_failures_one_group(results):
    folder = folders.EXERCISES / NAME
    found = groups(folder)
    assert [(group.question, group.students) for group in found] == [("longest", ("ada", "cal")), ("longest", ("bob",))]
    assert found[1].mistake == "longest-last" and found[0].mistake is None
    assert groups(folder, results) == found


def test_does_a_comment_reach_all_of_a_group_but_those_with_one_of_their_own(results):
    folder = folders.EXERCISES / NAME
    group = groups(folder)[0]
    with course.gradebook() as book:
        book.find_comment("longest", NAME, NAME, "cal").manual_comment = "Come and see me."
        book.db.commit()
    found = comment(folder, "longest", group.name, "Five is the mean, not the longest.")
    assert (found["written"], found["kept"]) == (["ada"], ["cal"])
    with course.gradebook() as book:
        shown = {name: book.find_comment("longest", NAME, NAME, name).comment for name in ANSWERS}
    assert (shown["ada"], shown["cal"]) == ("Five is the mean, not the longest.", "Come and see me.")
    assert shown["bob"] is None and shown["dot"] is None
    assert groups(folder)[0].comment == "Five is the mean, not the longest."


def test_does_somebody_who_joins_the_group_later_get_the_comment(results):
    mark = {mark.question: mark for mark in results["ada"].marks}["longest"]
    comment(folders.EXERCISES / NAME, "longest", groups(folders.EXERCISES / NAME)[0].name, "Look again.")
    assert comment_on(NAME, mark) == "Look again."
    other = {mark.question: mark for mark in results["bob"].marks}["longest"]
    assert comment_on(NAME, other) == other.told
    right = {mark.question: mark for mark in results["dot"].marks}["longest"]
    assert comment_on(NAME, right) is None


def test_is_a_group_that_is_not_there_one_sentence(results):
    with pytest.raises(CampusError, match="no group 00000000 in question longest: run 'autograder groups bed-days'"):
        comment(folders.EXERCISES / NAME, "longest", "00000000", "Hello.")
