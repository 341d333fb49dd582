"""From submissions to marks and feedback: collect, grade, watch, feedback, status. Each may be repeated at will.

All but `watch` return {"ok": bool, "assignments": [...]}, one entry for each assignment; what is in an entry stands
with each verb. `ok` is false where `problems` says in a sentence what went wrong; the rest is done all the same.
"""

import functools
import glob
import json
import threading
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbgrader.api import (
    Assignment,
    Grade,
    GradeCell,
    Notebook,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.utils import temp_attrs
from sqlalchemy import Row, select

from autograder import course
from autograder.assignment import version
from autograder.batch import Batch, waiting
from autograder.course import Progress, demand, quiet, summary
from autograder.handed_in import SECRET, collected, collected_folder, handed_in, read_text, submitted_at
from autograder.queue import CLAIMED, FAILED, WAITING, HandedIn, Queue
from autograder.workers import Executor, Processes, open_executor
from campus.errors import CampusError
from campus.exchange.client import connect
from campus.exchange.refusal import Refusal

NO_MARKS = {"score": None, "max_score": None, "by_hand": [], "questions": []}


def collect(given: list[Path], progress: Progress = quiet) -> dict:
    """Take the latest submission of everybody out of the exchange.

    Entry: {"name", "ok", "collected": [student...], "unchanged": [student...], "problems": [sentence...]}
    """
    course.ensure_course()
    entries = []
    for number, folder in enumerate(given):
        progress(number, len(given), folder.name)
        entries.append(collect_one(folder.name))
    progress(len(given), len(given), "")
    return summary(entries)


def collect_one(name: str, students: list[str] | None = None) -> dict:
    """Collect an assignment, person by person, of all by default: one that fails leaves the others alone."""
    entry = {"name": name, "ok": True, "collected": [], "unchanged": [], "problems": []}
    with course.nbgrader() as api:
        for student in handed_in(name) if students is None else students:
            before = submitted_at(name, student)
            with temp_attrs(api.coursedir, student_id=glob.escape(student)):
                result = api.collect(name, update=True)
            try:
                demand(result, f"The submission of {student} for {name} could not be collected")
                entry["unchanged" if submitted_at(name, student) == before else "collected"].append(student)
            except CampusError as error:
                entry["problems"].append(str(error))
    entry["ok"] = not entry["problems"]
    return entry


def grade(
    given: list[Path],
    student: str | None = None,
    again: bool = False,
    progress: Progress = quiet,
    executor: Executor | None = None,
) -> dict:
    """Mark collected submissions that are new, or whose assignment was released again; all of them with `again`.

    `executor` marks; by default as many processes of this machine as it has cores.

    Entry: {"name", "ok", "problems": [sentence...], "submissions": [{"student", "graded": now or before, "score",
    "max_score", "by_hand": [question that waits for a tutor...], "problem": sentence or None,
    "flags": [what a tutor should know...], "seconds": wall time of its marking,
    "questions": [{"id", "score" (None until a tutor marks it), "points", "mistake": name or None,
    "told": sentence or None}...]}...]}
    """
    if executor is None:
        with open_executor() as own:
            return grade(given, student, again, progress, own)
    course.ensure_course()
    with Queue(course.database_url()) as queue:
        found = enqueue(queue, given, student, again)
        if student is not None and not found.rows and not found.problems:
            raise CampusError(f"No submission of {student} is there to be marked: run 'autograder collect' first.")
        if queue.open(found.wanted):
            mark_all(queue, executor, given, found.wanted, progress)
        return summary([tell(describe(queue, folder, found)) for folder in given])


def grade_kept(folder: Path, student: str) -> dict:
    """Mark one submission again and at once, by a worker that is kept for the next; the entry of its assignment."""
    course.ensure_course()
    with Queue(course.database_url()) as queue:
        found = enqueue(queue, [folder], student, again=True)
        if not found.rows and not found.problems:
            raise CampusError(f"No submission of {student} for {folder.name} is there to be marked: collect it first.")
        if queue.open(found.wanted):
            mark_all(queue, kept_worker(), [folder], found.wanted, quiet)
        return tell(describe(queue, folder, found))


@functools.cache
def kept_worker() -> Executor:
    """A worker for as long as this process lives; it ends with us."""
    return Processes(1)


class Enqueued:
    """What was put into the queue: rows by assignment and student, which of them waits, and what could not be."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], int] = {}
        self.new: set[tuple[str, str]] = set()
        self.problems: dict[str, str] = {}

    @property
    def wanted(self) -> list[int]:
        return list(self.rows.values())


def enqueue(queue: Queue, given: list[Path], student: str | None = None, again: bool = False) -> Enqueued:
    """Put what was collected and is not marked into the queue."""
    found, fresh, known = Enqueued(), {}, {}
    for folder in given:
        who = [one for one in collected(folder.name) if student in (None, one)]
        try:
            now = released_version(folder) if who else ""
        except CampusError as error:
            found.problems[folder.name] = str(error)
            continue
        for one in who:
            group = known if not again and is_graded(folder.name, one) else fresh
            group[folder.name, one] = waiting(folder, one, now)
    for group, anew in ((known, False), (fresh, True)):
        found.rows |= dict(zip(group, queue.enqueue(group.values(), again=anew), strict=True))
    states = queue.rows(found.wanted)
    found.new = {key for key, row in found.rows.items() if states[row].state in (WAITING, CLAIMED)}
    return found


def released_version(folder: Path) -> str:
    """The version of an assignment, which is what was released; CampusError where associates have another one."""
    stamp = course.root() / "released" / folder.name
    now = version(folder)
    if not stamp.exists():
        raise CampusError(f"{folder.name} is not released yet: run 'autograder release {folder.name}' first.")
    if stamp.read_text() != now:
        raise CampusError(
            f"{folder.name} has changed since associates got it: run 'autograder release {folder.name}' first."
        )
    return now


def mark_all(queue: Queue, executor: Executor, given: list[Path], wanted: list[int], progress: Progress) -> None:
    """Mark what waits of these rows."""
    total, done = queue.open(wanted), []

    def told(work: HandedIn, state: str) -> None:
        done.append(work)
        progress(min(len(done), total), total, f"{work.assignment}: {work.student}")

    progress(0, total, "")
    Batch(queue, executor, given).run(wanted, told)
    progress(total, total, "")


def describe(queue: Queue, folder: Path, found: Enqueued) -> dict:
    """The entry of an assignment."""
    name = folder.name
    entry = {"name": name, "ok": True, "problems": [], "submissions": []}
    if name in found.problems:
        entry["problems"].append(found.problems[name])
    students = [student for assignment, student in found.rows if assignment == name]
    if students:
        rows, marks = queue.newest(name), all_marks(queue, name)
        for student in students:
            graded = "now" if (name, student) in found.new else "before"
            entry["submissions"].append(describe_one(rows[student], marks.get(student), graded))
        entry["problems"] += [one["problem"] for one in entry["submissions"] if one["problem"]]
    entry["ok"] = not entry["problems"]
    return entry


def tell(entry: dict) -> dict:
    """Tell the exchange what is marked now, which shows it to the associate when the tutor's terms say so.

    Where a tutor is still to mark answers, it is told the marks so far.
    """
    done = [one for one in entry["submissions"] if one["graded"] == "now"]
    exchange = connect() if done else None
    for one in done:
        id = read_text(collected_folder(entry["name"], one["student"]) / SECRET).strip()
        try:
            exchange.report(id, *marks_so_far(one))
        except Refusal as refusal:
            if refusal.status != 404:  # what came another way than through the exchange is not known there
                entry["problems"].append(f"The exchange does not know of the marks of {one['student']}: {refusal}")
    return entry | {"ok": not entry["problems"]}


def marks_so_far(submission: dict) -> tuple[str, float, float]:
    """How far a submission is, its score, and the points that it could have had so far."""
    if not submission["by_hand"]:
        return "marked", submission["score"], submission["max_score"]
    known = [one for one in submission["questions"] if one["id"] not in submission["by_hand"]]
    return "being marked", sum(one["score"] for one in known), sum(one["points"] for one in known)


def describe_one(row: Row, marks: dict | None, graded: str) -> dict:
    """A submission: its marks as the gradebook has them, and what its marking found."""
    entry = {"student": row.student, "graded": None, "problem": None, "flags": [], "seconds": None, **NO_MARKS}
    start = f"The submission of {row.student} for {row.assignment}"
    if row.report is None or row.state in (WAITING, CLAIMED):
        return entry | {"problem": f"{start} was handed in again meanwhile: run the command once more."}
    report = json.loads(row.report)
    entry |= {"flags": report["flags"], "seconds": round(sum(report["seconds"].values()), 2)}
    if row.state == FAILED and (marks is None or marks["unmarked"]):
        entry["problem"] = f"{start} could not be marked: {report['flags'][0]}"
    if marks is None:
        return entry
    found = {mark["question"]: mark for mark in report["marks"]}
    questions = [
        question | {name: found.get(question["id"], {}).get(name) for name in ("mistake", "told")}
        for question in marks["questions"]
    ]
    graded = None if entry["problem"] else graded
    return entry | {key: marks[key] for key in NO_MARKS} | {"questions": questions, "graded": graded}


def all_marks(queue: Queue, name: str, student: str | None = None) -> dict[str, dict]:
    """What the gradebook says about everybody's submission of an assignment, questions in the order of the notebook."""
    source = nbformat.read(course.root() / "source" / name / f"{name}.ipynb", as_version=4)
    order = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in source.cells]
    query = (
        select(
            SubmittedAssignment.student_id,
            GradeCell.name,
            GradeCell.max_score,
            GradeCell.cell_type,
            Grade.auto_score,
            Grade.manual_score,
            Grade.score.label("score"),
            Grade.needs_manual_grade,
        )
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
        .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
        .join(GradeCell, GradeCell.id == Grade.cell_id)
        .where(Assignment.name == name, Notebook.name == name)
    )
    if student is not None:
        query = query.where(SubmittedAssignment.student_id == student)
    people: dict[str, list[Row]] = {}
    for row in queue.read(lambda db: db.execute(query).all()):
        people.setdefault(row.student_id, []).append(row)
    return {
        person: describe_marks(
            sorted((row for row in rows if row.name in order), key=lambda row: order.index(row.name))
        )
        for person, rows in people.items()
    }


def describe_marks(rows: list[Row]) -> dict:
    """The marks of a submission; `unmarked` are the tests that have none, as where marking failed."""
    return {
        "score": sum(row.score for row in rows),
        "max_score": sum(row.max_score for row in rows),
        "by_hand": [row.name.removeprefix("test-") for row in rows if row.needs_manual_grade],
        "unmarked": [
            row.name for row in rows if row.cell_type == "code" and row.auto_score is None and row.manual_score is None
        ],
        "questions": [
            {
                "id": row.name.removeprefix("test-"),
                "score": None if row.auto_score is None and row.manual_score is None else row.score,
                "points": row.max_score,
            }
            for row in rows
        ],
    }


def marks(name: str, student: str) -> dict:
    """What the gradebook says about a submission."""
    with Queue(course.database_url()) as queue:
        return all_marks(queue, name, student)[student]


def watch(
    given: list[Path],
    told: Callable[[dict], None],
    stop: threading.Event,
    executor: Executor,
) -> None:
    """Collect and mark what arrives, in that moment, until `stop` is set.

    `told` gets the entry of `grade` for each assignment that has news.
    Feedback is left to tutors, who may want to mark written answers first.
    """
    course.ensure_course()
    exchange, last, first = connect(), 0, True
    with Queue(course.database_url()) as queue:
        while not stop.is_set():
            arrived = exchange.arrivals(last, wait=not first)
            for folder in given:
                new = newly_arrived(folder.name, arrived)
                if new or first:  # at first also what an earlier run left behind
                    mark_arrived(queue, executor, folder, new, told)
            last, first = max((one["number"] for one in arrived), default=last), False


def newly_arrived(name: str, arrived: list[dict]) -> list[str]:
    """Whose latest submission for an assignment is not the one that was collected."""
    latest = {one["username"]: one["id"] for one in arrived if one["assignment"] == name}
    return sorted(who for who, id in latest.items() if read_text(collected_folder(name, who) / SECRET).strip() != id)


def mark_arrived(queue: Queue, executor: Executor, folder: Path, new: list[str], told: Callable[[dict], None]) -> None:
    """Collect what some people handed in for an assignment, and mark it with all that waits there."""
    news = collect_one(folder.name, new)
    found = enqueue(queue, [folder])
    if queue.open(found.wanted):
        mark_all(queue, executor, [folder], found.wanted, quiet)
    entry = tell(describe(queue, folder, found))
    fresh = [one for one in entry["submissions"] if one["graded"] == "now"]
    if fresh or news["problems"] or entry["problems"]:
        told(entry | {"submissions": fresh, "problems": news["problems"] + entry["problems"]})


def is_graded(name: str, student: str) -> bool:
    """Is this very submission marked, with the assignment as it is released now?"""
    submitted = course.root() / "submitted" / student / name / "timestamp.txt"
    marked = course.root() / "autograded" / student / name
    notebook = marked / f"{name}.ipynb"
    stamp = course.root() / "released" / name
    if not notebook.exists() or (stamp.exists() and stamp.stat().st_mtime > notebook.stat().st_mtime):
        return False
    try:
        return submitted.read_bytes() == (marked / "timestamp.txt").read_bytes()
    except FileNotFoundError:
        return False


def feedback(given: list[Path], student: str | None = None, progress: Progress = quiet) -> dict:
    """Write the feedback page of every marked submission, and put it where its author finds it.

    Entry: {"name", "ok", "released": [student...], "by_hand": {student: [question that waits for a tutor...]},
    "problems": [sentence...]}
    """
    course.ensure_course()
    work = [(folder, who) for folder in given for who in graded(folder.name) if student in (None, who)]
    entries = {
        folder.name: {"name": folder.name, "ok": True, "released": [], "by_hand": {}, "problems": []}
        for folder in given
    }
    for number, (folder, who) in enumerate(work):
        progress(number, len(work), f"{folder.name}: {who}")
        entry, name = entries[folder.name], folder.name
        found = marks(name, who)
        if found["by_hand"]:
            entry["by_hand"][who] = found["by_hand"]
        if found["unmarked"]:
            continue  # it could not be marked, and no tutor has done so yet
        try:
            with course.nbgrader() as api:
                what = f"The feedback of {who} for {name} could not be"
                demand(api.generate_feedback(name, glob.escape(who), force=True), f"{what} written")
                demand(api.release_feedback(name, glob.escape(who)), f"{what} released")
            entry["released"].append(who)
        except CampusError as error:
            entry["problems"].append(str(error))
            entry["ok"] = False
    progress(len(work), len(work), "")
    return summary(list(entries.values()))


def graded(name: str) -> list[str]:
    """Whose submission is marked."""
    return [student for student in collected(name) if is_graded(name, student)]


def status(given: list[Path]) -> dict:
    """Where each assignment stands, in counts of submissions.

    Entry: {"name", "ok", "released": bool, "handed_in", "collected", "graded", "by_hand", "feedback"}
    """
    course.ensure_course()
    return summary([status_one(folder) for folder in given])


def status_one(folder: Path) -> dict:
    """Counts for one assignment."""
    name = folder.name
    done = graded(name)
    return {
        "name": name,
        "ok": True,
        "released": course.is_released(name),
        "handed_in": len(handed_in(name)),
        "collected": len(collected(name)),
        "graded": len(done),
        "by_hand": sum(bool(marks(name, student)["by_hand"]) for student in done),
        "feedback": sum(has_feedback(name, student) for student in done),
    }


def has_feedback(name: str, student: str) -> bool:
    """Is the feedback of this very submission in the exchange?"""
    id = read_text(collected_folder(name, student) / SECRET).strip()
    receipts = connect().submissions(name, student)
    return any(receipt["id"] == id and receipt["feedback"] is not None for receipt in receipts)
