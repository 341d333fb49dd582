"""The catalogue of known mistakes: which failure of which test cell is which mistake, and what its author is told."""

from pathlib import Path

from autograder.check import checked

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
