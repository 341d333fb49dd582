"""Answers: an assignment's notebook as a text file that any editor opens, and back with every cell where it was.

Each cell of the text bears the id of its cell in the notebook. What is read back is the released notebook with the
answers put in: cells that are locked are as they were released, whatever the text says.
"""

import copy
import hashlib

import jupytext
import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from campus.exchange.refusal import Refusal, printable

FORMS = {"md": "md:myst", "py": "py:percent"}  # by the ending of the file
MARK = "cell"  # what holds a cell's id in the text
QUESTION = "question"  # beside it, for the reader
MAKERS = {"code": new_code_cell, "markdown": new_markdown_cell}


def read_notebook(data: bytes, name: str) -> NotebookNode:
    """A notebook from its bytes; Refusal where they are none."""
    try:
        return nbformat.reads(data.decode("utf-8"), as_version=4)
    except Exception as error:  # nbformat raises many kinds
        raise Refusal(
            422, f"{printable(name)} is not a notebook: download the assignment again, and save it as it is."
        ) from error


def write_text(notebook: NotebookNode, ending: str) -> str:
    """The notebook as text."""
    text = copy.deepcopy(notebook)
    text.metadata = {"kernelspec": notebook.metadata.get("kernelspec", {})}
    for cell in text.cells:
        facts = cell.metadata.get("nbgrader", {})
        cell.metadata = NotebookNode({MARK: cell.id})
        if facts.get("solution"):
            cell.metadata[QUESTION] = facts["grade_id"]
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return jupytext.writes(text, fmt=FORMS[ending])


def read_text(data: bytes, ending: str, released: NotebookNode) -> NotebookNode:
    """The released notebook with the answers of a text; Refusal where it is not such a text, or lacks an answer."""
    try:
        text = jupytext.reads(data.decode("utf-8-sig").replace("\r\n", "\n"), fmt=FORMS[ending])
    except Exception as error:  # jupytext raises many kinds
        raise Refusal(
            422, "The text cannot be read: save it as plain text in UTF-8, and keep the marks of its cells."
        ) from error
    known = {cell.id: cell for cell in released.cells}
    cells = []
    for number, cell in enumerate(text.cells):
        original = known.pop(cell.metadata.get(MARK), None)
        cells.append(put_in(cell, original) if original is not None else make_new(cell, number))
    for cell in known.values():
        if "nbgrader" in cell.metadata:
            raise Refusal(
                422,
                f"The cell '{cell.metadata.nbgrader.grade_id}' is missing: download the text again, and keep the lines "
                "that begin a cell as they are.",
            )
    answered = copy.deepcopy(released)
    answered.cells = cells
    return answered


def put_in(cell: NotebookNode, original: NotebookNode) -> NotebookNode:
    """A cell of the notebook with what the text holds for it, unless it is locked."""
    filled = copy.deepcopy(original)
    if not original.metadata.get("nbgrader", {}).get("locked"):
        filled.source = cell.source
    return filled


def make_new(cell: NotebookNode, number: int) -> NotebookNode:
    """A cell that somebody added: its id is the same each time, so that the same text is the same submission."""
    made = MAKERS.get(cell.cell_type, new_markdown_cell)(cell.source)
    made.id = hashlib.sha256(f"{number} {cell.source}".encode()).hexdigest()[:16]
    return made


def to_bytes(notebook: NotebookNode) -> bytes:
    """A notebook as it is kept: the same bytes for the same notebook."""
    return (nbformat.writes(notebook) + "\n").encode()
