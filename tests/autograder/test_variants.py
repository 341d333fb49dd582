"""Are alternatives and mistakes read, refused with a sentence, and put in the place of the answer?"""

import shutil

import pytest

from autograder import variants
from autograder.assignment import read
from campus.errors import CampusError
from tests.autograder.conftest import BED_DAYS

BROKEN = {
    "unknown question": ("question: occupancy", "question: advice", "the machine-marked questions of bed-days are"),
    "no sentence": ("told: You", "title: You", "'told' is missing"),
    "loses nothing": ("loses: 3", "loses: 0", "a whole number from 1 to 3"),
    "loses too much": ("loses: 3", "loses: 4", "a whole number from 1 to 3"),
    "unknown field": ("loses: 3", "loses: 3\nmarks: 3", "unknown field 'marks'"),
    "colon in the sentence": ("told: You divided", "told: You divided: yes", "not valid YAML"),
    "no code": ("```{code-cell} ipython3", "```python", "no code cell"),
}


def cell(notebook, grade_id):
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


@pytest.mark.parametrize("old, new, said", BROKEN.values(), ids=BROKEN)
def test_is_a_broken_mistake_refused_in_one_sentence_with_its_file(tmp_path, old, new, said):
    shutil.copytree(BED_DAYS, tmp_path / "bed-days")
    path = tmp_path / "bed-days" / "mistakes" / "occupancy-of-beds-only.md"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(CampusError) as error:
        variants.mistakes(read(tmp_path / "bed-days"))
    assert said in str(error.value)
    assert "occupancy-of-beds-only.md" in str(error.value) and "\n" not in str(error.value)


def test_does_an_alternative_need_a_title(tmp_path):
    shutil.copytree(BED_DAYS, tmp_path / "bed-days")
    path = tmp_path / "bed-days" / "alternatives" / "longest-by-loop.md"
    path.write_text(path.read_text().replace("title: A loop over the rows\n", ""))
    with pytest.raises(CampusError, match="longest-by-loop.md: the field 'title' is missing"):
        variants.alternatives(read(tmp_path / "bed-days"))


def test_is_one_answer_replaced_and_the_rest_left_alone():
    assignment = read(BED_DAYS)
    changed = variants.substitute(assignment, {"longest": "def longest(stays): ..."})
    assert cell(changed, "longest").source == "def longest(stays): ..."
    assert "return days / available" in cell(changed, "occupancy").source
    assert "max()" in assignment.notebook.cells[assignment.questions[1].answer].source


def test_is_a_blank_what_nbgrader_leaves_with_all_tests():
    blank = variants.blank(read(BED_DAYS))
    assert cell(blank, "occupancy").source.endswith("# YOUR CODE HERE\n    raise NotImplementedError()")
    assert "HIDDEN TESTS" in cell(blank, "test-occupancy").source


def test_does_the_release_version_hold_no_solution_and_no_hidden_test():
    text = "\n".join(c.source for c in variants.released(read(BED_DAYS)).cells)
    assert "available" not in text and "a third full" not in text and "expected 0.3" not in text
    assert "does it end with return?" in text


def test_do_groups_hold_each_mistake_once_and_one_a_question():
    listed = variants.mistakes(read(BED_DAYS))
    groups = variants.together(read(BED_DAYS), listed)
    assert sorted(m.name for group in groups for m in group) == sorted(m.name for m in listed)
    assert [len({m.question for m in group}) for group in groups] == [len(group) for group in groups] == [2, 2]
