"""Writing marks: into nbgrader's gradebook by nbgrader's own rules, and the marked notebook where formgrader looks.

The rules: a machine's mark never touches one given by hand, nor extra credit or a tutor's comment; what was marked by
hand before is shown for review; what no machine marks waits for a tutor; a late submission has its penalty.
"""

import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode
from nbgrader.api import (
    Assignment,
    Comment,
    Grade,
    GradeCell,
    Notebook,
    SolutionCell,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
    new_uuid,
)
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import compute_checksum, parse_utc
from sqlalchemy import Connection, Row, bindparam, select
from sqlalchemy.orm import Session

from autograder import course
from autograder.groups import comment_on
from autograder.handed_in import SECRET, STAMP, collected_folder, read_text
from autograder.marking import Mark, Result
from autograder.queue import HandedIn
from autograder.rebuilt import flags_cell
from campus.errors import CampusError

OLD_SECONDS = 3600
NO_RESPONSE = "No response."  # nbgrader's words for an answer that was left as it was handed out
GRADES, COMMENTS = Grade.__table__, Comment.__table__


@dataclass(frozen=True)
class Marked:
    """What is to be written of a submission."""

    work: HandedIn
    marks: tuple[Mark, ...]
    flags: tuple[str, ...]
    notebook: NotebookNode
    seconds: dict[str, float]
    sealed: bool

    @classmethod
    def of(cls, work: HandedIn, result: Result, flags: tuple[str, ...]) -> "Marked":
        """A result, with what is odd about the folder that it came in."""
        every = (*flags, *result.flags)
        return cls(work, result.marks, every, show_flags(result.notebook, every), result.seconds, result.sealed)

    def report(self) -> str:
        """What a tutor may want to know later, as JSON; it holds what hidden tests say, so it is not for associates."""
        fields = ("question", "points", "score", "failure", "mistake", "told", "weaker", "seconds")
        marks = [{name: getattr(mark, name) for name in fields} for mark in self.marks]
        return json.dumps({"marks": marks, "flags": self.flags, "seconds": self.seconds, "sealed": self.sealed})


def show_flags(notebook: NotebookNode, flags: tuple[str, ...]) -> NotebookNode:
    """The notebook with these flags, and no others, in its metadata and before its first cell."""
    shown = NotebookNode(notebook)
    shown.metadata = NotebookNode(notebook.metadata, campus=NotebookNode(flags=list(flags)))
    cells = [cell for cell in notebook.cells if not cell.metadata.get("campus", {}).get("flags")]
    shown.cells = [flags_cell(flags), *cells] if flags else cells
    return shown


# The gradebook


def write_marks(db: Connection, marked: Marked, before: Row | None) -> None:
    """Write marks and comments in the transaction of `db`; `before` is the queue's row of what was marked before."""
    name, student = marked.work.assignment, marked.work.student
    notebook = db.execute(
        select(Notebook.id, Assignment.id.label("assignment"), Assignment.duedate)
        .join(Assignment, Assignment.id == Notebook.assignment_id)
        .where(Assignment.name == name, Notebook.name == name)
    ).first()
    if notebook is None:
        raise CampusError(f"{name} is not in the gradebook: run 'autograder release {name}' first.")
    if db.scalar(select(Student.id).where(Student.id == student)) is None:
        db.execute(Student.__table__.insert().values(id=student))
    stamp = parse_utc(marked.work.handed_in) if marked.work.handed_in else None
    names = {"assignment_id": notebook.assignment, "student_id": student}
    submission = ensure_row(db, SubmittedAssignment, names, {"timestamp": stamp})
    told_before = json.loads(before.report)["flags"] if before is not None and before.report else []
    flagged = {} if told_before == list(marked.flags) else {"flagged": bool(marked.flags)}
    names = {"assignment_id": submission, "notebook_id": notebook.id}
    submitted = ensure_row(db, SubmittedNotebook, names, flagged)
    write_scores(db, marked, notebook.id, submitted)
    write_comments(db, marked, notebook.id, submitted)
    write_penalty(db, submission, submitted, late=stamp is not None and notebook.duedate is not None)


def ensure_row(db: Connection, kind: type, names: dict, values: dict) -> str:
    """The id of the row of these names, made where it is missing, with these values."""
    table = kind.__table__
    same = [table.c[key] == value for key, value in names.items()]
    found = db.scalar(select(table.c.id).where(*same))
    if found is None:
        found = new_uuid()
        db.execute(table.insert().values(id=found, **names, **values))
    elif values:
        db.execute(table.update().where(table.c.id == found).values(**values))
    return found


def write_scores(db: Connection, marked: Marked, notebook: str, submitted: str) -> None:
    """The machine's marks of all cells that have marks."""
    scores = {}
    for mark in marked.marks:
        scores[mark.question] = scores[f"test-{mark.question}"] = mark.score
    cells = dict(db.execute(select(GradeCell.id, GradeCell.name).where(GradeCell.notebook_id == notebook)).all())
    query = select(GRADES.c.cell_id, GRADES.c.manual_score).where(GRADES.c.notebook_id == submitted)
    by_hand = dict(db.execute(query).all())
    rows = []
    for cell, name in cells.items():
        score = scores.get(name)
        wanting = score is None or by_hand.get(cell) is not None
        rows.append({"cell": cell, "auto_score": score, "needs_manual_grade": wanting})
    write_rows(db, GRADES, submitted, rows, by_hand.keys())


def write_comments(db: Connection, marked: Marked, notebook: str, submitted: str) -> None:
    """The machine's comments: what a tutor said to all who fail alike, what a listed mistake is answered with, or that
    nothing was answered.
    """
    told = {mark.question: comment_on(marked.work.assignment, mark) for mark in marked.marks}
    blank = {
        meta["grade_id"]
        for cell in marked.notebook.cells
        if (meta := cell.metadata.get("nbgrader"))
        and meta["solution"]
        and meta.get("checksum") == compute_checksum(cell)
    }
    cells = db.execute(select(SolutionCell.id, SolutionCell.name).where(SolutionCell.notebook_id == notebook)).all()
    there = set(db.scalars(select(COMMENTS.c.cell_id).where(COMMENTS.c.notebook_id == submitted)))
    rows = [{"cell": cell, "auto_comment": NO_RESPONSE if name in blank else told.get(name)} for cell, name in cells]
    write_rows(db, COMMENTS, submitted, rows, there)


def write_rows(db: Connection, table: object, submitted: str, rows: list[dict], there: object) -> None:
    """Update the rows of these cells that are there, and make the others."""
    old = [row for row in rows if row["cell"] in there]
    new = [row for row in rows if row["cell"] not in there]
    if old:
        names = [key for key in old[0] if key != "cell"]
        update = table.update().where(table.c.notebook_id == submitted, table.c.cell_id == bindparam("cell"))
        db.execute(update.values({key: bindparam(key) for key in names}), old)
    if new:
        made = [{"id": new_uuid(), "notebook_id": submitted, "cell_id": row.pop("cell")} | row for row in new]
        db.execute(table.insert(), made)


def write_penalty(db: Connection, submission: str, submitted: str, late: bool) -> None:
    """The penalty of a late submission, by the rule that nbgrader's configuration names."""
    table = SubmittedNotebook.__table__
    db.execute(table.update().where(table.c.id == submitted).values(late_submission_penalty=None))
    if not late:
        return
    with Session(db, join_transaction_mode="create_savepoint") as session:
        notebook = session.get(SubmittedNotebook, submitted)
        seconds = session.get(SubmittedAssignment, submission).total_seconds_late
        if seconds > 0:
            step = AssignLatePenalties(config=course.course_config())
            step.init_plugin()
            student = notebook.student.id
            penalty = step.plugin_inst.late_submission_penalty(student, notebook.score, seconds)
            if penalty is not None:
                notebook.late_submission_penalty = step._check_late_penalty(notebook, penalty)
        session.commit()


# The marked notebook


def marked_folder(name: str, student: str) -> Path:
    """Where nbgrader keeps what was marked of somebody for an assignment."""
    return course.root() / "autograded" / student / name


def draft_notebook(marked: Marked) -> Path:
    """Write the marked notebook beside the place where formgrader looks; `put_notebook` puts it there at once."""
    folder = marked_folder(marked.work.assignment, marked.work.student)
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(".draft-*"):
        if left.stat().st_mtime < time.time() - OLD_SECONDS:
            left.unlink(missing_ok=True)  # of a process that was killed
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".draft-", delete=False, encoding="utf-8") as draft:
        draft.write(json.dumps(marked.notebook, ensure_ascii=False, indent=1))  # several times as fast as json.dump
    os.chmod(draft.name, 0o644)
    return Path(draft.name)


def put_notebook(draft: Path, name: str) -> None:
    """Put a marked notebook in place of the one before; nothing where that was done in a transaction that failed."""
    if draft.exists():
        draft.replace(draft.parent / f"{name}.ipynb")


def stamp_folder(work: HandedIn) -> None:
    """Say beside the marked notebook which submission it is of: whoever looks for what is marked compares the two."""
    source, target = collected_folder(work.assignment, work.student), marked_folder(work.assignment, work.student)
    for name, text in ((SECRET, read_text(source / SECRET)), (STAMP, work.handed_in)):
        if text:
            put_text(target / name, text)


def put_text(path: Path, text: str) -> None:
    """Write a small file at once."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".draft-", delete=False, encoding="utf-8") as draft:
        draft.write(text)
    os.chmod(draft.name, 0o644)
    os.replace(draft.name, path)
