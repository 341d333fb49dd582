"""Is an authored assignment read, refused with a sentence where it cannot be used, and turned into the same bytes?"""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator

from autograder.assignment import authored, notebook_bytes, questions, read, source_notebook
from campus import folders
from campus.errors import CampusError
from tests.autograder.conftest import BED_DAYS

BROKEN = {
    "no front matter": ("---\ntitle", "title", "front matter between two lines"),
    "not YAML": ('Bed days on a ward: assignment"', "x: y", "not valid YAML in line"),
    "another name": ("name: bed-days", "name: beds", "the name is 'beds'"),
    "capstone not yes or no": (
        "  questions:",
        "  capstone: maybe\n  questions:",
        "capstone: 'maybe'; it is true, or left out",
    ),
    "unknown field": ("session: ", "lesson: ", "unknown field 'lesson'"),
    "session as a number": ('session: "1.1"', "session: 1.1", "a code in quotes"),
    "no minutes": ("minutes: 12, ", "", "'occupancy' needs minutes"),
    "too many minutes for a machine": ("{id: occupancy, minutes: 12", "{id: occupancy, minutes: 13", "at most 12"),
    "too many minutes by hand": ("{id: advice, minutes: 15", "{id: advice, minutes: 21", "at most 20"),
    "a live test of none": (
        "minutes: 15, marked: hand",
        "minutes: 15, marked: hand, live: true",
        "no test that could be",
    ),
    "half live": (
        "minutes: 12, marked: machine",
        "minutes: 12, marked: machine, live: yes please",
        "it is true, or left out",
    ),
    "marked by whom": ("marked: hand}", "marked: tutor}", "'advice' needs marked"),
    "no cell for a question": ("{id: longest,", "{id: shortest,", "'shortest' has no cell"),
    "question twice": ("{id: longest,", "{id: occupancy,", "'occupancy' stands twice"),
    "cell of no question": ("    - {id: limits, minutes: 10, marked: hand}\n", "", "'limits' belongs to no question"),
    "grade_id twice": ("grade_id: longest", "grade_id: occupancy", "'occupancy' is used twice"),
    "no grade_id": ("grade_id: occupancy, ", "", "has no grade_id"),
    "no test cell": ("grade_id: test-longest", "grade_id: try-longest", "'longest' has no test cell"),
    "no points": ("points: 3, ", "", "'test-occupancy' needs points"),
    "half a point": ("points: 3, ", "points: 2.5, ", "'test-occupancy' needs points"),
    "old schema": ("schema_version: 3", "schema_version: 2", "needs schema_version: 3"),
    "test that may be edited": ("locked: true, points: 2", "locked: false, points: 2", "'test-longest' is code with"),
    "graded answer": ("grade: false, grade_id: longest", "grade: true, points: 1, grade_id: longest", "grade: false"),
    "written answer without grade": (
        '"grade": true, "grade_id": "advice"',
        '"grade": false, "grade_id": "advice"',
        "advice",
    ),
}


@pytest.fixture
def copy(tmp_path):
    """Copy the small assignment with one change."""

    def change(old: str, new: str) -> Path:
        folder = tmp_path / "bed-days"
        shutil.copytree(BED_DAYS, folder)
        text = (folder / "assignment.md").read_text()
        assert old in text
        (folder / "assignment.md").write_text(text.replace(old, new, 1))
        return folder

    return change


@pytest.mark.parametrize("old, new, said", BROKEN.values(), ids=BROKEN)
def test_is_a_broken_assignment_refused_in_one_sentence_with_its_file(copy, old, new, said):
    folder = copy(old, new)
    with pytest.raises(CampusError) as error:
        read(folder)
    assert said in str(error.value)
    assert "bed-days/assignment.md" in str(error.value) and "\n" not in str(error.value)


def test_is_a_missing_assignment_one_sentence(tmp_path):
    with pytest.raises(CampusError, match=r"assignment\.md is missing\.$"):
        read(tmp_path)


def test_are_questions_in_the_order_of_the_front_matter():
    found = [(q.id, q.marked, q.points, q.minutes) for q in questions(BED_DAYS)]
    assert found == [
        ("occupancy", "machine", 3, 12),
        ("longest", "machine", 2, 12),
        ("advice", "hand", 4, 15),
        ("limits", "hand", 2, 10),
    ]


def test_is_a_live_test_read_as_one(copy):
    folder = copy("minutes: 12, marked: machine", "minutes: 12, marked: machine, live: true")
    assert [question.live for question in read(folder).questions] == [True, False, False, False]


def test_is_the_source_notebook_one_that_nbgrader_takes():
    notebook = source_notebook(BED_DAYS)
    nbformat.validate(notebook)
    MetadataValidator().validate_nb(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3" and "assignment" not in notebook.metadata


def test_are_the_bytes_the_same_at_each_call():
    assert notebook_bytes(source_notebook(BED_DAYS)) == notebook_bytes(source_notebook(BED_DAYS))


def test_do_other_cells_keep_their_ids_when_one_changes(copy):
    before = [cell.id for cell in source_notebook(BED_DAYS).cells]
    after = [cell.id for cell in source_notebook(copy("Write one sentence.", "Write a sentence.")).cells]
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1
    assert len(set(before)) == len(before)


def test_does_a_notebook_without_a_heading_get_its_title(copy):
    first = source_notebook(copy("# Bed days on a ward\n", "")).cells[0]
    assert (first.cell_type, first.source) == ("markdown", "# Bed days on a ward: assignment")


def test_are_assignments_found_by_their_file(exercises):
    (exercises / "draft").mkdir()
    assert authored() == ["bed-days"]
    assert exercises == folders.EXERCISES
