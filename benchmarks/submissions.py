"""Submissions for the benchmark: right, wrong, blank and mixed, the same at each run."""

import json
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from autograder import variants
from autograder.assignment import Assignment

WRITTEN = "Two more people in the evening; the figures come from one week, so I would look at another before I decide."


@dataclass(frozen=True)
class Submission:
    """A notebook that somebody hands in, with the answers that are in it by question."""

    student: str
    answers: dict[str, str]
    notebook: NotebookNode


def make_submissions(assignment: Assignment, count: int) -> list[Submission]:
    """`count` submissions: the first all right, the second as handed out, in the others each question another variant.

    With 20 of them every solution, alternative, listed mistake and blank of the course's assignments is there.
    """
    blanks = answers_of(variants.blank(assignment), assignment)
    options = {question: [*right_and_wrong(assignment, question), blanks[question]] for question in blanks}
    written = {question.id: WRITTEN for question in assignment.questions if question.marked == "hand"}
    chosen = [{question: given[0] for question, given in options.items()}, blanks]
    chosen += [
        {question: given[(number + place) % len(given)] for place, (question, given) in enumerate(options.items())}
        for number in range(count - len(chosen))
    ]
    released = variants.released(assignment)
    return [
        Submission(f"associate-{number:03}", answers, fill(released, {**answers, **written}))
        for number, answers in enumerate(chosen[:count])
    ]


def right_and_wrong(assignment: Assignment, question: str) -> list[str]:
    """The sources of a question's solution, alternatives and mistakes."""
    listed = [*variants.alternatives(assignment), *variants.mistakes(assignment)]
    solution = answers_of(assignment.notebook, assignment)[question]
    return [solution, *(one.source for one in listed if one.question == question)]


def answers_of(notebook: NotebookNode, assignment: Assignment) -> dict[str, str]:
    """The sources of the answers that a machine marks, by question."""
    wanted = {question.id for question in assignment.by_machine}
    sources = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in notebook.cells}
    return {question: source for question, source in sources.items() if question in wanted}


def fill(notebook: NotebookNode, answers: dict[str, str]) -> NotebookNode:
    """A copy of the notebook with these answers in it."""
    copy = nbformat.from_dict(json.loads(json.dumps(notebook)))
    for cell in copy.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(grade_id, cell.source)
    return copy
