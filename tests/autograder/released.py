"""A released assignment with people who hand it in by writing files, and a marker that needs no process.

For the tests of what happens to marks, not of how they are found.
"""

import json
import shutil
from pathlib import Path

import nbformat
from nbgrader.api import Comment, Grade, SubmittedAssignment, SubmittedNotebook
from sqlalchemy import delete, select

from autograder import assignment, course, grading, variants
from autograder.handed_in import collected_folder
from autograder.marking import Mark, Result
from autograder.queue import MARKING, Queue
from autograder.rebuilt import plan, rebuild
from autograder.submission import read_submission
from autograder.workers import MARKED, Answer, Order
from campus import folders

NAME = "bed-days"
NOON = "2026-11-02 12:00:00.000000 UTC"
RIGHT, WRONG = "answer = 'RIGHT'", "answer = 'WRONG'"


class Instant:
    """Marks at once without running anything: an answer that says RIGHT earns all, another nothing."""

    def __init__(self) -> None:
        self.waiting: list[tuple[str, Order]] = []
        self.marked = 0

    def idle(self) -> bool:
        return not self.waiting

    def give(self, key: str, order: Order) -> None:
        self.waiting.append((key, order))

    def collect(self, seconds: float) -> list[tuple[str, Answer]]:
        found = [(key, self.answer(order)) for key, order in self.waiting]
        self.waiting.clear()
        return found

    def answer(self, order: Order) -> Answer:
        self.marked += 1
        return Answer(MARKED, judge(Path(order.folder), order.data).asdict())


def judge(folder: Path, data: bytes) -> Result:
    """The result that `Instant` gives."""
    authored = assignment.read(folder)
    found = read_submission(authored, data)
    marks = []
    for question in authored.questions:
        answer = found.answers.get(question.id, "")
        if question.marked == "hand":
            marks.append(Mark(question.id, question.points, None if "RIGHT" in answer else 0))
        elif "RIGHT" in answer:
            marks.append(Mark(question.id, question.points, question.points))
        else:
            mistake = ("listed", "You did what is listed.") if "WRONG" in answer else (None, None)
            marks.append(Mark(question.id, question.points, 0, "AssertionError: 0", *mistake))
    notebook = rebuild(plan(authored), found.answers, {}, {}, found.flags)
    return Result(authored.name, found.digest, tuple(marks), found.flags, notebook)


class Released:
    """A course of its own with the small assignment released."""

    def __init__(self) -> None:
        self.folder = folders.EXERCISES / NAME
        self.url = course.database_url()
        assert course.release([self.folder])["ok"]

    def hand_in(self, student: str, answers: dict[str, str], at: str = NOON) -> Path:
        """Let somebody's submission be collected; the folder that it is in."""
        folder = collected_folder(NAME, student)
        folder.mkdir(parents=True, exist_ok=True)
        notebook = variants.blank(assignment.read(self.folder))
        for cell in notebook.cells:
            cell.source = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
        nbformat.write(notebook, folder / f"{NAME}.ipynb")
        (folder / "timestamp.txt").write_text(at)
        (folder / "submission_secret.txt").write_text(f"secret of {student}")
        return folder

    def mark(self, executor: object = None, queue: Queue | None = None, again: bool = False) -> dict:
        """Mark what was handed in, as `grade` does; the entry of the assignment."""
        executor = executor or Instant()
        with queue or Queue(self.url) as opened:
            found = grading.enqueue(opened, [self.folder], again=again)
            if opened.open(found.wanted):
                grading.mark_all(opened, executor, [self.folder], found.wanted, course.quiet)
            return grading.describe(opened, self.folder, found)

    def forget(self) -> None:
        """Take out all submissions and marks."""
        with Queue(self.url) as queue, queue.engine.begin() as db:
            db.execute(delete(MARKING))
            for table in (Grade, Comment, SubmittedNotebook, SubmittedAssignment):
                db.execute(delete(table.__table__))
        for part in ("submitted", "autograded"):
            shutil.rmtree(course.root() / part, ignore_errors=True)

    def recorded(self) -> dict:
        """All that marking wrote, by person: marks, comments, the queue's state, and the files beside."""
        with course.gradebook() as book:
            found = {}
            for submission in book.assignment_submissions(NAME):
                (notebook,) = submission.notebooks
                grades, comments = notebook.grades, notebook.comments
                found[submission.student.id] = {
                    "at": str(submission.timestamp),
                    "flagged": notebook.flagged,
                    "penalty": notebook.late_submission_penalty,
                    "grades": sorted((g.name, g.auto_score, g.manual_score, g.needs_manual_grade) for g in grades),
                    "comments": sorted((c.name, c.auto_comment, c.manual_comment) for c in comments),
                }
            columns = (MARKING.c.student, MARKING.c.state, MARKING.c.report)
            for student, state, report in book.db.execute(select(*columns)).all():
                found.setdefault(student, {}).setdefault("states", []).append(state)
                found[student].setdefault("reports", []).append(report and json.loads(report)["marks"])
        for student, entry in found.items():
            folder = course.root() / "autograded" / student / NAME
            entry["files"] = {path.name: path.read_text() for path in folder.glob("[!.]*")}
        return found
