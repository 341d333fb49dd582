"""Equal wrong results, grouped by question and by how its test failed: a tutor comments once for all who share one.

What a tutor says of a group is kept in the course folder and is the automatic comment of everybody in it, now and when
somebody joins it later. A comment that a tutor wrote to one associate takes its place, and is never touched.
"""

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from autograder import course
from autograder.assignment import Assignment, read
from autograder.catalogue import catalogue
from autograder.marking import Mark, Result
from campus.errors import CampusError

LONGEST_COMMENT = 10_000


@dataclass(frozen=True)
class Group:
    """Associates whose answers to a question failed in the same way."""

    question: str
    name: str  # the same for the same failure, in every run
    failure: str  # for tutors only
    mistake: str | None  # the listed mistake that it is
    told: str | None  # what its associates are told by the catalogue
    comment: str | None  # what a tutor said to all of them
    students: tuple[str, ...]

    def asdict(self) -> dict:
        return asdict(self)


def groups(folder: Path, results: Mapping[str, Result] | None = None) -> list[Group]:
    """The groups of an assignment, largest first: of all that is marked in the course, or of `results` by associate."""
    assignment = read(folder)
    failures = failures_of(results) if results is not None else dict(marked_failures(assignment))
    known, said = catalogue(folder), comments(assignment.name)
    members: dict[tuple[str, str], list[str]] = {}
    for student in sorted(failures):
        for question, failure in failures[student].items():
            members.setdefault((question, failure), []).append(student)
    order = [question.id for question in assignment.by_machine]
    found = []
    for (question, failure), students in members.items():
        mistake, told = known.get(question, {}).get(failure, (None, None))
        name = group_name(question, failure)
        found.append(Group(question, name, failure, mistake, told, said.get(name), tuple(students)))
    return sorted(found, key=lambda group: (order.index(group.question), -len(group.students), group.name))


def group_name(question: str, failure: str) -> str:
    """The short name of a group."""
    return hashlib.sha256(f"{question}\0{failure}".encode()).hexdigest()[:8]


def failures_of(results: Mapping[str, Result]) -> dict[str, dict[str, str]]:
    """{associate: {question: failure}} of marked submissions."""
    return {
        student: {mark.question: mark.failure for mark in result.marks if mark.failure is not None}
        for student, result in results.items()
    }


def marked_failures(assignment: Assignment) -> Iterator[tuple[str, dict[str, str]]]:
    """The same of everybody whose submission is marked in the course, from the notebooks that tutors see."""
    name, questions = assignment.name, {question.test_id: question.id for question in assignment.by_machine}
    for path in sorted((course.root() / "autograded").glob(f"*/{name}/{name}.ipynb")):
        failures = {}
        with contextlib.suppress(OSError, ValueError):  # one that is being written; the next look finds it
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
                question = questions.get(cell["metadata"].get("nbgrader", {}).get("grade_id"))
                for output in cell.get("outputs", []) if question else []:
                    if output["output_type"] == "error":
                        failures[question] = f"{output['ename']}: {output['evalue']}"
        yield path.parent.parent.name, failures


def comment(folder: Path, question: str, name: str, text: str) -> dict:
    """Say a sentence to everybody in a group, in place of what was said to it before; nothing takes it back.

    {"ok", "name", "question", "group", "written": [student...], "kept": [student with a comment of their own...]}
    """
    found = [group for group in groups(folder) if (group.question, group.name) == (question, name)]
    if not found:
        raise CampusError(
            f"{folder.name} has no group {name} in question {question}: run 'autograder groups {folder.name}'."
        )
    text = text.strip()
    if len(text) > LONGEST_COMMENT:
        raise CampusError(f"The comment has more than {LONGEST_COMMENT} characters: say it shorter.")
    keep(folder.name, name, text)
    said = text or found[0].told
    written, kept = [], []
    with course.gradebook() as book:
        for student in found[0].students:
            entry = book.find_comment(question, folder.name, folder.name, student)
            entry.auto_comment = said
            (kept if entry.manual_comment else written).append(student)
        book.db.commit()
    return {"ok": True, "name": folder.name, "question": question, "group": name, "written": written, "kept": kept}


def comment_on(assignment: str, mark: Mark) -> str | None:
    """The automatic comment of an answer: what a tutor said to its group, or the sentence of its listed mistake."""
    if mark.failure is None:
        return None
    said = comments(assignment).get(group_name(mark.question, mark.failure))
    return said or (mark.told if mark.mistake is not None else None)


def comments(assignment: str) -> dict[str, str]:
    """What was said to groups of an assignment, by their names."""
    try:
        return json.loads(comments_file(assignment).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}


def keep(assignment: str, name: str, text: str) -> None:
    """Keep what was said to a group; nothing said is nothing kept."""
    path = comments_file(assignment)
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = comments(assignment) | {name: text}
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({key: value for key, value in said.items() if value}, indent=1) + "\n")
        draft.replace(path)


def comments_file(assignment: str) -> Path:
    """Where tutors' comments to groups are kept."""
    return course.root() / "groups" / f"{assignment}.json"
