"""The assignment that associates and tutors take through all steps, and what the repository says of it."""

from autograder.assignment import read
from autograder.variants import mistakes
from campus.folders import EXERCISES

NAME = "clinic-queue"
MISTAKE = "mean-wait-in-system"
ADVICE = "Seven are too few: too many callers hang up. The weakest figure is the length of a call."
COMMENT = "Say also who is harmed by a wait."
EXAMPLE_ALONE = "def chance_of_waiting(staff, load):\n    return 0.4444"  # no listed mistake, and many make it
TO_ALL = "Your function gives the example's answer whatever it is asked: work it out from staff and load."


def solution(question: str) -> str:
    """The author's answer to a question, without the marks that tell it from the rest."""
    assignment = read(EXERCISES / NAME)
    (found,) = (asked for asked in assignment.questions if asked.id == question)
    lines = assignment.notebook.cells[found.answer].source.splitlines()
    return "\n".join(line for line in lines if "### " not in line)


def mistake(name: str) -> str:
    """The code of a listed mistake."""
    (found,) = (wrong for wrong in mistakes(read(EXERCISES / NAME)) if wrong.name == name)
    return found.source


def told(name: str) -> str:
    """The sentence that answers a listed mistake."""
    (found,) = (wrong for wrong in mistakes(read(EXERCISES / NAME)) if wrong.name == name)
    return found.told
