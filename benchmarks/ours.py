"""Our grader's side of the benchmark: `autograder grade` on a course of its own, and a look inside the grader.

Also a program, `python -m benchmarks.ours VERB FOLDER [MORE]`: its verbs run in a process that knows the state folder
from CAMPUS_STATE, as the command line does.
"""

import json
import os
import statistics
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import nbformat

from autograder import course, grading
from autograder.assignment import Assignment
from autograder.marking import grade
from autograder.queue import Queue
from autograder.warm import Warm
from autograder.workers import open_executor
from benchmarks.contenders import ENVIRONMENT, ROOT, Run, read_gradebook, write_submission
from benchmarks.measure import Usage, measured, memory, processor_time
from benchmarks.submissions import Submission, make_submissions
from campus import folders

LOOKS = 8  # how often the memory is looked at
REPEATS = 5  # how often one submission is marked by a grader that is up


@dataclass(frozen=True)
class Student:
    """Who hands in."""

    username: str
    name: str = "Bench Example"
    email: str = "bench@example.org"


def mark(assignment: Assignment, submissions: list[Submission], folder: Path, workers: int) -> Run:
    """`autograder grade` as it is: queue, sealed processes, gradebook, a page for the tutor."""
    prepare(assignment, submissions, folder)
    command = [sys.executable, "-m", "benchmarks.command", assignment.folder.parent]
    usage = run([*command, "grade", assignment.name, "--workers", workers], folder)
    database = f"sqlite:///{folder / 'var' / 'course' / 'gradebook.db'}"
    return Run(usage, read_gradebook(database, assignment, folders.COURSE_ID))


def steady(assignment: Assignment, submissions: list[Submission], folder: Path, workers: int) -> Usage:
    """The same by a grader that is up and has seen the assignment before, as `autograder watch` is."""
    prepare(assignment, submissions, folder)
    run_verb("steady", assignment, folder, str(workers), str(folder / "times.json"))
    return Usage(**json.loads((folder / "times.json").read_text()))


def latency(assignment: Assignment, submission: Submission, folder: Path) -> tuple[float, float]:
    """Wall seconds of marking one submission by a grader that is up, and of its feedback page; medians."""
    prepare(assignment, [submission], folder)
    run_verb("again", assignment, folder, submission.student, str(folder / "times.json"))
    times = json.loads((folder / "times.json").read_text())
    return statistics.median(times["marked"]), statistics.median(times["page"])


def phases(assignment: Assignment, count: int = 20) -> dict[str, list[float]]:
    """Wall seconds of each phase of marking, over some submissions."""
    found = defaultdict(list)
    with Warm() as warm:
        for submission in make_submissions(assignment, count):
            for phase, seconds in grade(assignment, submission.notebook, warm).seconds.items():
                found[phase].append(seconds)
    return dict(found)


def memory_over(assignment: Assignment, count: int) -> dict[int, float]:
    """Megabytes of one warm process and what it started, after so many submissions."""
    data = [nbformat.writes(one.notebook).encode() for one in make_submissions(assignment, 20)]
    seen = {}
    with Warm() as warm:
        for number in range(1, count + 1):
            grade(assignment, data[number % len(data)], warm)
            if number == 1 or number % max(1, count // LOOKS) == 0:
                seen[number] = memory(warm.pid) / 2**20
    return seen


def prepare(assignment: Assignment, submissions: list[Submission], folder: Path) -> None:
    """A course in `folder`/var with the assignment released, and everything handed in and collected."""
    students = json.dumps([submission.student for submission in submissions])
    run_verb("prepare", assignment, folder, students)
    for submission in submissions:
        place = folder / "var" / "course" / "submitted" / submission.student / assignment.name
        write_submission(place, assignment, submission)
        (place / "timestamp.txt").write_text("2026-01-01 09:00:00.000000 UTC")


def run_verb(verb: str, assignment: Assignment, folder: Path, *more: str) -> Usage:
    """Run this file as a program."""
    return run([sys.executable, "-m", "benchmarks.ours", verb, assignment.folder, *more], folder)


def run(command: list, folder: Path) -> Usage:
    """Run a command on the course in `folder`."""
    return measured(command, folder / "log", cwd=ROOT, env=ENVIRONMENT | {"CAMPUS_STATE": str(folder / "var")})


# The program


def make_ready(folder: Path, students: str) -> None:
    """Gradebook, students, release."""
    course.ensure_course()
    course.ensure_students(Student(name) for name in json.loads(students))
    released = course.release([folder])
    if not released["ok"]:
        raise SystemExit(released["assignments"][0]["problem"])


def grade_twice(folder: Path, workers: str, times: str) -> None:
    """Mark all, then all again by the same workers, and keep what the second time took."""
    course.ensure_course()
    with Queue(course.database_url()) as queue, open_executor(int(workers)) as executor:
        for _ in range(2):
            wall, used = time.perf_counter(), processor_time(os.getpid())
            found = grading.enqueue(queue, [folder], again=True)
            grading.mark_all(queue, executor, [folder], found.wanted, course.quiet)
        wall, used = time.perf_counter() - wall, processor_time(os.getpid()) - used
    Path(times).write_text(json.dumps({"wall": wall, "cpu": used, "peak": 0}))


def grade_again(folder: Path, student: str, times: str) -> None:
    """Mark one submission again and again as a tutor's click does, each time with a page, and keep the times."""
    found = {"marked": [], "page": []}
    grading.grade_kept(folder, student)
    for _ in range(REPEATS):
        start = time.perf_counter()
        grading.grade_kept(folder, student)
        marked = time.perf_counter()
        grading.feedback([folder], student)
        found["marked"].append(marked - start)
        found["page"].append(time.perf_counter() - marked)
    Path(times).write_text(json.dumps(found))


VERBS = {"prepare": make_ready, "steady": grade_twice, "again": grade_again}

if __name__ == "__main__":
    given = Path(sys.argv[2])
    folders.EXERCISES = given.parent
    VERBS[sys.argv[1]](given, *sys.argv[3:])
