"""Are the benchmark's submissions what it says they are?"""

import nbformat
import pytest

from autograder import variants
from autograder.assignment import authored, read
from benchmarks.marking import ASSIGNMENTS, LIGHT, assignment_folders
from benchmarks.submissions import answers_of, make_submissions
from campus import folders


@pytest.mark.parametrize("folder", assignment_folders(), ids=lambda folder: folder.name)
def test_is_every_right_and_wrong_answer_among_twenty_submissions(folder):
    assignment = read(folder)
    handed_in = [
        (question, source) for one in make_submissions(assignment, 20) for question, source in one.answers.items()
    ]
    listed = [*variants.alternatives(assignment), *variants.mistakes(assignment)]
    expected = {(one.question, one.source) for one in listed}
    expected |= set(answers_of(assignment.notebook, assignment).items())
    expected |= set(answers_of(variants.blank(assignment), assignment).items())
    assert expected == set(handed_in)


def test_are_the_submissions_the_same_each_time():
    first, second = (make_submissions(read(LIGHT), 6) for _ in range(2))
    assert [nbformat.writes(one.notebook) for one in first] == [nbformat.writes(one.notebook) for one in second]


def test_does_a_submission_hold_no_hidden_test():
    for one in make_submissions(read(LIGHT), 3):
        assert "HIDDEN" not in nbformat.writes(one.notebook)


def test_are_the_four_first_assignments_those_of_the_course():
    assert set(ASSIGNMENTS) <= set(authored())
    assert LIGHT.parent != folders.EXERCISES
