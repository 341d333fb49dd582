"""The catalogue of known mistakes: which failure of which test cell is which mistake, and what its author is told."""

from pathlib import Path

from nbformat import NotebookNode

from autograder.check import checked
from autograder.execution import Ran

Catalogue = dict[str, dict[str, tuple[str, str]]]  # {question: {failure: (mistake, sentence)}}


def catalogue(folder: Path) -> Catalogue:
    """The catalogue of the assignment in `folder`, from its last check; empty where the check could not read it."""
    return {
        question["id"]: {
            mistake["failure"]: (mistake["name"], mistake["told"])
            for mistake in question["mistakes"]
            if mistake["failure"]
        }
        for question in checked(folder)["questions"]
    }


def recognise(notebook: NotebookNode, known: Catalogue) -> dict[str, tuple[str, str]]:
    """{question: (mistake, sentence)} of an executed submission whose failures are in the catalogue."""
    found = {}
    for question, mistakes in known.items():
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") == f"test-{question}":
                failure = cell_failure(cell)
                if failure in mistakes:
                    found[question] = mistakes[failure]
    return found


def cell_failure(cell: NotebookNode) -> str | None:
    """The failure of an executed cell, as `Ran.failure` puts it; None where it ran through."""
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            return Ran(output.ename, output.evalue).failure
    return None
