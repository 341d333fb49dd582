"""Does a notebook survive the way through a text that any editor opens, with every cell where it was?"""

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.assignment import authored, source_notebook
from campus import folders
from campus.exchange import answers
from campus.exchange.refusal import Refusal

QUESTION = {"grade": False, "grade_id": "beds", "locked": False, "schema_version": 3, "solution": True, "task": False}
TEST = QUESTION | {"grade": True, "grade_id": "test-beds", "locked": True, "points": 3, "solution": False}
WORDS = QUESTION | {"grade": True, "grade_id": "advice", "points": 4}


def made(cell, id, nbgrader=None):
    cell.id = id
    if nbgrader:
        cell.metadata["nbgrader"] = nbgrader
    return cell


RELEASED = new_notebook(
    cells=[
        made(new_markdown_cell("# Beds\n\nHow full?\n\n- one\n- two"), "title"),
        made(new_code_cell("%matplotlib inline\nimport math"), "imports"),
        made(new_code_cell("# YOUR CODE HERE\nraise NotImplementedError()"), "beds", QUESTION),
        made(new_code_cell("assert beds() == 3"), "test-beds", TEST),
        made(new_markdown_cell("YOUR ANSWER HERE"), "advice", WORDS),
    ],
    metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
)
ENDINGS = pytest.mark.parametrize("ending", ["md", "py"])


@ENDINGS
def test_does_an_untouched_text_give_the_notebook_back(ending):
    text = answers.write_text(RELEASED, ending)
    assert answers.to_bytes(answers.read_text(text.encode(), ending, RELEASED)) == answers.to_bytes(RELEASED)


@ENDINGS
@pytest.mark.parametrize("name", authored())
def test_do_the_real_assignments_come_back(ending, name):
    notebook = source_notebook(folders.EXERCISES / name)
    back = answers.read_text(answers.write_text(notebook, ending).encode(), ending, notebook)
    assert [(cell.id, cell.source, cell.metadata) for cell in back.cells] == [
        (cell.id, cell.source, cell.metadata) for cell in notebook.cells
    ]


@ENDINGS
def test_are_answers_put_in_and_locked_cells_left_as_they_were(ending):
    text = answers.write_text(RELEASED, ending)
    text = text.replace("# YOUR CODE HERE\nraise NotImplementedError()", "def beds():\n    return 3")
    text = text.replace("YOUR ANSWER HERE", "Build *more*.").replace("assert beds() == 3", "assert True")
    cells = {cell.id: cell for cell in answers.read_text(text.encode(), ending, RELEASED).cells}
    assert cells["beds"].source == "def beds():\n    return 3" and cells["advice"].source == "Build *more*."
    assert cells["test-beds"] == RELEASED.cells[3] and cells["beds"].metadata["nbgrader"] == QUESTION
    assert list(cells) == [cell.id for cell in RELEASED.cells]


@ENDINGS
def test_do_windows_line_ends_and_its_mark_do_no_harm(ending):
    text = answers.write_text(RELEASED, ending).replace("\n", "\r\n").encode("utf-8-sig")
    assert answers.read_text(text, ending, RELEASED) == RELEASED


def test_is_an_added_cell_kept_and_the_same_each_time():
    text = answers.write_text(RELEASED, "py").replace("# %%", "# %%\nextra = 1\n\n# %%", 1).encode()
    first, again = (answers.read_text(text, "py", RELEASED) for _ in range(2))
    assert first == again and len(first.cells) == 6 and "nbgrader" not in first.cells[0].metadata
    nbformat.validate(first)


def test_is_a_cell_that_claims_another_ones_place_an_added_one():
    text = answers.write_text(RELEASED, "py")
    twice = text + '\n# %% cell="beds" question="beds"\nbeds = lambda: 3\n'
    found = answers.read_text(twice.encode(), "py", RELEASED)
    assert [cell.id for cell in found.cells][:5] == [cell.id for cell in RELEASED.cells]
    assert "nbgrader" not in found.cells[5].metadata


@pytest.mark.parametrize("question", ["beds", "test-beds", "advice"])
def test_is_a_text_that_lost_a_graded_cell_refused(question):
    text = answers.write_text(RELEASED, "py").replace(f'cell="{question}"', 'cell="lost"')
    with pytest.raises(Refusal, match=f"The cell '{question}' is missing"):
        answers.read_text(text.encode(), "py", RELEASED)


def test_does_the_reader_see_which_cell_answers_which_question():
    assert '# %% cell="beds" question="beds"' in answers.write_text(RELEASED, "py")
    assert ":question: beds" in answers.write_text(RELEASED, "md")
    assert "nbgrader" not in answers.write_text(RELEASED, "md")


@pytest.mark.parametrize("data", [b"\xff\xfe", b"---\n: [\n---\n", b"\0", b""])
@ENDINGS
def test_is_what_is_no_such_text_refused_in_a_sentence(ending, data):
    with pytest.raises(Refusal):
        answers.read_text(data, ending, RELEASED)


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_does_no_text_do_anything_but_come_back_or_be_refused(text):
    try:
        found = answers.read_text(text.encode(), "py", RELEASED)
    except Refusal:
        return
    assert {cell.id for cell in found.cells} >= {"beds", "test-beds", "advice"}


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"cells": [', b"\xff", b'{"nbformat": 99}'])
def test_is_what_is_no_notebook_refused_in_a_sentence(data):
    with pytest.raises(Refusal, match="is not a notebook"):
        answers.read_notebook(data, "beds.ipynb")
