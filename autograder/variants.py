"""Variants of an assignment: its solution, a blank, alternatives that are right too, and mistakes that people make."""

import copy
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, ClearSolutions

from autograder.assignment import Assignment, Question, as_source, first_line, read_markdown, refuse_unknown, shown
from campus.errors import CampusError


@dataclass(frozen=True)
class Alternative:
    """Another right answer to one question."""

    name: str
    question: str
    title: str
    source: str


@dataclass(frozen=True)
class Mistake:
    """A wrong answer to one question: the points it must lose and the sentence its author is told."""

    name: str
    question: str
    loses: int
    told: str
    source: str


def alternatives(assignment: Assignment) -> list[Alternative]:
    """All of `alternatives/`, in order of name; CampusError with a line for each that cannot be used."""
    return read_all(assignment, "alternatives", read_alternative)


def mistakes(assignment: Assignment) -> list[Mistake]:
    """All of `mistakes/`, in order of name; CampusError with a line for each that cannot be used."""
    return read_all(assignment, "mistakes", read_mistake)


def read_all(assignment: Assignment, kind: str, read_one: Callable) -> list:
    """All files of one kind, or all that is wrong with them."""
    found, problems = [], []
    for path in sorted((assignment.folder / kind).glob("*.md")):
        try:
            found.append(read_one(path, assignment))
        except CampusError as error:
            problems.append(str(error))
    if problems:
        raise CampusError("\n".join(problems))
    return found


def read_alternative(path: Path, assignment: Assignment) -> Alternative:
    """One right answer by another route; CampusError where a field is missing."""
    front, source = read_answer(path)
    refuse_unknown(path, "the front matter", front, {"question", "title"})
    question = find_question(path, front, assignment)
    return Alternative(path.stem, question.id, read_text(path, front, "title"), source)


def read_mistake(path: Path, assignment: Assignment) -> Mistake:
    """One wrong answer; CampusError where a field is missing or the loss is not within the question's points."""
    front, source = read_answer(path)
    refuse_unknown(path, "the front matter", front, {"question", "loses", "told", "title"})
    question = find_question(path, front, assignment)
    loses = front.get("loses")
    if isinstance(loses, bool) or not isinstance(loses, int) or not 1 <= loses <= question.points:
        raise CampusError(
            f"{shown(path)}: loses is {loses!r}; it is a whole number from 1 to {question.points}, the points of "
            f"question '{question.id}'."
        )
    return Mistake(path.stem, question.id, loses, read_text(path, front, "told"), source)


def read_answer(path: Path) -> tuple[dict, str]:
    """Front matter and the code of a variant."""
    front, notebook = read_markdown(path)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    if not code:
        raise CampusError(f"{shown(path)}: there is no code cell.")
    return front, "\n\n".join(code)


def read_text(path: Path, front: dict, field: str) -> str:
    """A sentence of the front matter on one line."""
    if not isinstance(front.get(field), str) or not front[field].strip():
        raise CampusError(f"{shown(path)}: the field '{field}' is missing or is not a sentence.")
    return " ".join(front[field].split())


def find_question(path: Path, front: dict, assignment: Assignment) -> Question:
    """The machine-marked question that a variant answers."""
    for question in assignment.by_machine:
        if question.id == front.get("question"):
            return question
    known = ", ".join(question.id for question in assignment.by_machine)
    raise CampusError(
        f"{shown(path)}: question is '{front.get('question')}', but the machine-marked questions of "
        f"{assignment.name} are {known}."
    )


def substitute(assignment: Assignment, answers: dict[str, str]) -> NotebookNode:
    """The source notebook with other answers to some questions; the original is left alone."""
    notebook = as_source(assignment)
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(grade_id, cell.source)
    return notebook


def together(assignment: Assignment, listed: list[Mistake]) -> list[list[Mistake]]:
    """All mistakes in as few groups as can be, each group with at most one mistake of a question."""
    by_question = [[one for one in listed if one.question == question.id] for question in assignment.by_machine]
    groups = [[one for one in group if one] for group in itertools.zip_longest(*by_question)]
    return [group for group in groups if group]


def blank(assignment: Assignment) -> NotebookNode:
    """The source notebook with every answer as nbgrader hands it out, and with all tests."""
    return process(assignment, [ClearSolutions])


def released(assignment: Assignment) -> NotebookNode:
    """The notebook that associates get: no solutions, no hidden tests."""
    return process(assignment, [ClearSolutions, ClearHiddenTests, ClearMarkScheme])


def process(assignment: Assignment, steps: list[type]) -> NotebookNode:
    """The source notebook after some of nbgrader's own preprocessors."""
    notebook = copy.deepcopy(as_source(assignment))
    try:
        for step in steps:
            notebook, _ = step().preprocess(notebook, {})
    except Exception as error:  # nbgrader raises RuntimeError, nbconvert wraps some
        path = shown(assignment.folder / "assignment.md")
        raise CampusError(f"{path}: nbgrader cannot make the release version ({first_line(error)}).") from error
    return notebook
