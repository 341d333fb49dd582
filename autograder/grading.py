"""From submissions to marks and feedback: collect, grade, feedback, status. Each may be repeated at will.

All return {"ok": bool, "assignments": [...]}, one entry for each assignment; what is in an entry stands with each verb.
`ok` is false where `problems` says in a sentence what went wrong; the rest is done all the same.
"""

import glob
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import notebook_hash, temp_attrs

from autograder import course
from autograder.assignment import first_line
from autograder.catalogue import catalogue, recognise
from autograder.course import Progress, demand, quiet, summary
from campus import folders
from campus.errors import CampusError


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


def collect_one(name: str) -> dict:
    """Collect an assignment, person by person: one that fails leaves the others alone."""
    entry = {"name": name, "ok": True, "collected": [], "unchanged": [], "problems": []}
    with course.nbgrader() as api:
        for student in handed_in(name):
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


def handed_in(name: str) -> list[str]:
    """Who has a submission in the exchange."""
    inbound = course.exchange() / folders.COURSE_ID / "inbound"
    parts = [path.name.rsplit("+", 3) for path in inbound.glob(f"*+{glob.escape(name)}+*")]
    return sorted({part[0] for part in parts if len(part) == 4 and part[1] == name})


def collected(name: str) -> list[str]:
    """Whose submission is in the course folder."""
    return sorted(path.parent.name for path in (course.root() / "submitted").glob(f"*/{glob.escape(name)}"))


def submitted_at(name: str, student: str) -> str | None:
    """The time stamp of the submission that was collected last."""
    stamp = course.root() / "submitted" / student / name / "timestamp.txt"
    return stamp.read_text().strip() if stamp.exists() else None


def grade(given: list[Path], student: str | None = None, again: bool = False, progress: Progress = quiet) -> dict:
    """Mark collected submissions that are new, or whose assignment was released again; all of them with `again`.

    Entry: {"name", "ok", "problems": [sentence...], "submissions": [{"student", "graded": now or before, "score",
    "max_score", "by_hand": [question that waits for a tutor...], "problem": sentence or None,
    "questions": [{"id", "score" (None until a tutor marks it), "points", "mistake": name or None,
    "told": sentence or None}...]}...]}
    """
    course.ensure_course()
    work = [(folder, who) for folder in given for who in collected(folder.name) if student in (None, who)]
    if student is not None and not work:
        raise CampusError(f"No submission of {student} is there to be marked: run 'autograder collect' first.")
    entries = {folder.name: {"name": folder.name, "ok": True, "problems": [], "submissions": []} for folder in given}
    for number, (folder, who) in enumerate(work):
        progress(number, len(work), f"{folder.name}: {who}")
        found = grade_one(folder, who, again)
        entry = entries[folder.name]
        entry["submissions"].append(found)
        if found["problem"]:
            entry["problems"].append(found["problem"])
            entry["ok"] = False
    progress(len(work), len(work), "")
    return summary(list(entries.values()))


def grade_one(folder: Path, student: str, again: bool) -> dict:
    """Mark one submission where needed, and say what is in the gradebook about it."""
    name = folder.name
    graded = "before"
    try:
        if again or not is_graded(name, student):
            graded = "now"
            read_submission(name, student)
            with course.nbgrader() as api:
                result = api.autograde(name, glob.escape(student), force=True)
            demand(result, f"The submission of {student} for {name} could not be marked")
        return add_mistakes(marks(name, student), folder) | {"graded": graded, "problem": None}
    except CampusError as error:
        empty = {"student": student, "score": None, "max_score": None, "by_hand": [], "questions": []}
        return empty | {"graded": None, "problem": str(error)}


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


def read_submission(name: str, student: str) -> None:
    """CampusError where a submission is not a notebook that nbgrader could mark."""
    path = course.root() / "submitted" / student / name / f"{name}.ipynb"
    start = f"The submission of {student} for {name} cannot be marked"
    if not path.is_file():
        raise CampusError(f"{start}: it holds no {name}.ipynb; ask for it to be handed in again under this name.")
    try:
        read_notebook(path)
    except Exception as error:  # nbformat raises many kinds for a broken file
        raise CampusError(
            f"{start}: {name}.ipynb is not a notebook ({first_line(error, 80)}); ask for it to be handed in again."
        ) from error


def read_notebook(path: Path) -> NotebookNode:
    """A notebook in nbformat's current version."""
    return nbformat.read(path, as_version=4)


def marks(name: str, student: str) -> dict:
    """What the gradebook says about a submission, questions in the order of the notebook."""
    source = read_notebook(course.root() / "source" / name / f"{name}.ipynb")
    order = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in source.cells]
    with course.gradebook() as book:
        submission = book.find_submission_notebook(name, name, student)
        grades = sorted(
            (grade for grade in submission.grades if grade.name in order), key=lambda g: order.index(g.name)
        )
        questions = [
            {
                "id": grade.name.removeprefix("test-"),
                "score": None if grade.auto_score is None and grade.manual_score is None else grade.score,
                "points": grade.max_score,
            }
            for grade in grades
        ]
        return {
            "student": student,
            "score": submission.score,
            "max_score": submission.max_score,
            "by_hand": [grade.name.removeprefix("test-") for grade in grades if grade.needs_manual_grade],
            "questions": questions,
        }


def add_mistakes(found: dict, folder: Path) -> dict:
    """The same with the listed mistake that was recognised in each question."""
    notebook = course.root() / "autograded" / found["student"] / folder.name / f"{folder.name}.ipynb"
    known = recognise(read_notebook(notebook), catalogue(folder))
    nothing = (None, None)
    return found | {
        "questions": [
            question | dict(zip(("mistake", "told"), known.get(question["id"], nothing), strict=True))
            for question in found["questions"]
        ]
    }


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
        try:
            with course.nbgrader() as api:
                what = f"The feedback of {who} for {name} could not be"
                demand(api.generate_feedback(name, glob.escape(who), force=True), f"{what} written")
                demand(api.release_feedback(name, glob.escape(who)), f"{what} released")
            entry["released"].append(who)
            waiting = marks(name, who)["by_hand"]
            if waiting:
                entry["by_hand"][who] = waiting
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
        "released": (course.exchange() / folders.COURSE_ID / "outbound" / name).is_dir(),
        "handed_in": len(handed_in(name)),
        "collected": len(collected(name)),
        "graded": len(done),
        "by_hand": sum(bool(marks(name, student)["by_hand"]) for student in done),
        "feedback": sum(has_feedback(name, student) for student in done),
    }


def has_feedback(name: str, student: str) -> bool:
    """Is the feedback of this very submission in the exchange?"""
    secret = course.root() / "submitted" / student / name / "submission_secret.txt"
    if not secret.exists():
        return False
    page = notebook_hash(secret=secret.read_text(), notebook_id=name) + ".html"
    return (course.exchange() / folders.COURSE_ID / "feedback" / page).exists()
