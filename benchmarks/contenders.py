"""Contenders: each marks the same submissions of an assignment, and says what that cost and what marks it gave.

All take (assignment, submissions, an empty folder to work in) and return a `Run`. What has to stand before anybody
hands in (a course, a release, a gradebook) is made first and not counted; starting the grader is.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from traitlets.config import Config

from autograder import variants
from autograder.assignment import Assignment
from autograder.course import logged, put_alembic_on_path, source_files, write_folder
from autograder.execution import THREADS
from benchmarks import otter_tests
from benchmarks.measure import Usage, measured
from benchmarks.submissions import Submission
from campus.errors import CampusError

COURSE = "bench"
ROOT = Path(__file__).parent.parent
ENVIRONMENT = os.environ | THREADS


@dataclass(frozen=True)
class Run:
    """What marking some submissions took, and {student: {question: points}} of what a machine marks."""

    usage: Usage
    marks: dict[str, dict[str, float]]


Contender = Callable[[Assignment, list[Submission], Path], Run]


def nbgrader(assignment: Assignment, submissions: list[Submission], folder: Path) -> Run:
    """`nbgrader autograde` as it comes."""
    make_course(assignment, submissions, folder)
    command = [sys.executable, "-m", "nbgrader", "autograde", assignment.name]
    usage = measured(command, folder / "log", cwd=folder, env=ENVIRONMENT)
    return Run(usage, read_gradebook(f"sqlite:///{folder / 'gradebook.db'}", assignment))


def nbgrader_feedback(assignment: Assignment, submission: Submission, folder: Path) -> Usage:
    """From a submission to its feedback page, with nbgrader's two commands."""
    make_course(assignment, [submission], folder)
    usage = Usage()
    for verb in ("autograde", "generate_feedback"):
        command = [sys.executable, "-m", "nbgrader", verb, assignment.name]
        usage += measured(command, folder / "log", cwd=folder, env=ENVIRONMENT)
    return usage


def make_course(assignment: Assignment, submissions: list[Submission], folder: Path) -> None:
    """A course of stock nbgrader with the assignment released and everything handed in and collected."""
    put_alembic_on_path()
    (folder / "nbgrader_config.py").write_text(f"c = get_config()\nc.CourseDirectory.course_id = {COURSE!r}\n")
    write_folder(folder / "source" / assignment.name, source_files(assignment.folder))
    for submission in submissions:
        write_submission(folder / "submitted" / submission.student / assignment.name, assignment, submission)
    config = Config({"CourseDirectory": {"course_id": COURSE, "root": str(folder)}})
    with logged():
        made = NbGraderAPI(config=config).generate_assignment(assignment.name)
    if not made["success"]:
        raise CampusError(f"nbgrader could not make the release version of {assignment.name}: {made['error']}")
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}", COURSE) as book:
        for submission in submissions:
            book.update_or_create_student(submission.student)


def write_submission(folder: Path, assignment: Assignment, submission: Submission) -> None:
    """The folder that somebody hands in: the notebook and the data."""
    folder.mkdir(parents=True)
    write_folder(folder, {name: data for name, data in source_files(assignment.folder).items() if "/" in name})
    nbformat.write(submission.notebook, folder / f"{assignment.name}.ipynb")


def read_gradebook(url: str, assignment: Assignment, course: str = COURSE) -> dict[str, dict[str, float]]:
    """{student: {question: points}} of an nbgrader gradebook."""
    tests = {question.test_id: question.id for question in assignment.by_machine}
    with Gradebook(url, course) as book:
        return {
            submission.student.id: {
                tests[grade.name]: grade.auto_score
                for notebook in submission.notebooks
                for grade in notebook.grades
                if grade.name in tests
            }
            for submission in book.assignment_submissions(assignment.name)
        }


def otter(assignment: Assignment, submissions: list[Submission], folder: Path) -> Run:
    """`otter run` on the same answers, with the same tests in its own format."""
    environment = {**ENVIRONMENT, "PYTHONPATH": str(otter_tests.ensure_otter())}
    otter_tests.write_autograder(assignment, folder / "autograder.zip")
    usage, marks = Usage(), {}
    for submission in submissions:
        path = folder / submission.student / f"{assignment.name}.ipynb"
        path.parent.mkdir()
        nbformat.write(without_tests(submission, assignment), path)
        command = [sys.executable, "-m", "otter", "run", "--no-logo", "-a", folder / "autograder.zip"]
        usage += measured([*command, "-o", path.parent, path], folder / "log", cwd=path.parent, env=environment)
        marks[submission.student] = otter_tests.read_scores(path.parent / "results.json")
    return Run(usage, marks)


def without_tests(submission: Submission, assignment: Assignment) -> nbformat.NotebookNode:
    """The notebook without nbgrader's test cells: Otter brings its own."""
    tests = {question.test_id for question in assignment.by_machine}
    notebook = nbformat.from_dict(json.loads(json.dumps(submission.notebook)))
    notebook.cells = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") not in tests]
    return notebook


def floor(assignment: Assignment, submissions: list[Submission], folder: Path) -> Run:
    """The same cells in a warm IPython shell; no marks, and the imports are not counted."""
    write_folder(folder / "work", {name: data for name, data in source_files(assignment.folder).items() if "/" in name})
    (folder / "work").mkdir(exist_ok=True)
    given = [
        {
            "folder": str(folder / "work"),
            "cells": [
                cell.source
                for cell in variants.substitute(assignment, submission.answers).cells
                if cell.cell_type == "code"
            ],
        }
        for submission in submissions
    ]
    (folder / "given.json").write_text(json.dumps(given))
    command = [sys.executable, "-m", "benchmarks.floor", folder / "given.json", folder / "found.json"]
    whole = measured(command, folder / "log", cwd=ROOT, env=ENVIRONMENT | {"MPLBACKEND": "agg"})
    times = json.loads((folder / "found.json").read_text())
    return Run(Usage(sum(one["wall"] for one in times), sum(one["cpu"] for one in times), whole.peak), {})
