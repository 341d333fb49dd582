"""`make bench-exchange`: handing in and collecting by our exchange and by nbgrader's own shared folder, side by side.

The same submissions in the same run. Prints the table, and writes it to `docs/exchange-speed.md`, which the operators'
page shows. Ours runs as its service on SQLite, flushes to the disk, and gives a receipt; nbgrader's copies files.
"""

import argparse
import datetime
import logging
import multiprocessing
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from nbgrader.api import Gradebook
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import default as stock
from nbgrader.exchange.abc import Exchange
from traitlets.config import Config

from autograder import variants
from autograder.assignment import Assignment, read
from autograder.course import put_alembic_on_path, source_files
from benchmarks.contenders import ENVIRONMENT, write_submission
from benchmarks.marking import table
from benchmarks.measure import measured, processor_time
from benchmarks.submissions import make_submissions
from campus import folders
from campus.errors import CampusError
from campus.exchange import answers, plugins
from tests.campus.exchange.served import LEARNERS, Hub, InProcess, user

ASSIGNMENT = "clinic-queue"
TUTOR = "tara"
REPORT = folders.ROOT / "docs" / "exchange-speed.md"
FULL = 200  # submissions in a full run
COMMANDS = 10  # of them as commands, a process each
HEADINGS = ["what", "exchange", "at one time", "how many", "a second", "times nbgrader", "CPU ms each"]
QUIET = logging.getLogger("benchmarks.quiet")
QUIET.setLevel(logging.ERROR)


@dataclass(frozen=True)
class Side:
    """One of the two exchanges: nbgrader's settings for it, the environment of who uses it, and its steps."""

    name: str
    config: Callable[[Path], Config]  # of a folder
    environment: Callable[[str], dict[str, str]]  # of a username
    submit: type[Exchange]
    collect: type[Exchange]
    arrived: Callable[[], int]  # how many submissions it has
    server: int | None = None  # the process that serves it


def main() -> None:
    """Run all of it; about two minutes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--submissions", type=int, default=FULL)
    parser.add_argument("--commands", type=int, default=COMMANDS)
    given = parser.parse_args()
    assignment = read(folders.EXERCISES / ASSIGNMENT)
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        students = write_homes(Path(scratch) / "homes", assignment, given.submissions)
        rows = [*compare(Path(scratch), assignment, students, given.commands)]
    report = [*head(given.submissions), *table("Handing in and collecting", HEADINGS, rows)]
    REPORT.write_text("\n".join(report) + "\n")
    print(f"\nWritten to {REPORT.relative_to(folders.ROOT)}.")


def write_homes(folder: Path, assignment: Assignment, count: int) -> list[str]:
    """What each associate is about to hand in, in a home of their own; their names."""
    submissions = make_submissions(assignment, count)
    for submission in submissions:
        write_submission(folder / submission.student / assignment.name, assignment, submission)
    return [submission.student for submission in submissions]


def compare(folder: Path, assignment: Assignment, students: list[str], commands: int) -> list[list[str]]:
    """Each step by both exchanges: the rows of the table."""
    hub = Hub()
    hub.models |= {f"token-of-{name}": user(name, [LEARNERS]) for name in students}
    service = InProcess(folder / "state", hub)
    try:
        released = {path: data for path, data in source_files(assignment.folder).items() if "/" in path}
        released[f"{assignment.name}.ipynb"] = answers.to_bytes(variants.released(assignment))
        sides = [make_stock(folder / "stock", assignment.name, released), make_ours(service, assignment.name, released)]
        return list(measure(folder, assignment.name, sides, students, commands))
    finally:
        service.close()
        hub.close()


def make_stock(folder: Path, name: str, released: dict[str, bytes]) -> Side:
    """nbgrader's own exchange: a folder that everybody may write to."""
    for part in ("inbound", f"outbound/{name}"):
        (folder / folders.COURSE_ID / part).mkdir(parents=True)
    for path in (folder, folder / folders.COURSE_ID / "inbound"):
        path.chmod(0o777)
    plugins.write_folder(folder / folders.COURSE_ID / "outbound" / name, released)

    def config(home: Path) -> Config:
        return Config({"Exchange": {"root": str(folder), "cache": str(home / "cache")}})

    inbound = folder / folders.COURSE_ID / "inbound"
    return Side(
        "nbgrader's folder",
        config,
        lambda who: {},
        stock.ExchangeSubmit,
        stock.ExchangeCollect,
        lambda: len(list(inbound.iterdir())),
    )


def make_ours(service: InProcess, name: str, released: dict[str, bytes]) -> Side:
    """Our exchange, over HTTP as from a workspace."""
    service.remote(TUTOR).release(name, released)

    def config(home: Path) -> Config:
        made = Config()
        plugins.configure(made)
        return made

    return Side(
        "ours",
        config,
        lambda who: {"CAMPUS_EXCHANGE_URL": service.url, "JUPYTERHUB_API_TOKEN": f"token-of-{who}"},
        plugins.ExchangeSubmit,
        plugins.ExchangeCollect,
        lambda: len(service.remote(TUTOR).submissions(name)),
        service.process.pid,
    )


def measure(folder: Path, name: str, sides: list[Side], students: list[str], commands: int) -> Iterator[list[str]]:
    """Hand in from processes that are up, as workspaces are, then by commands, then collect it all."""
    half = len(students) // 2
    for clients, chosen in ((1, students[:half]), (2, students[half:])):
        yield from row_of_each("hand in", clients, sides, from_workspaces, folder, name, chosen)
    for side in sides:
        if side.arrived() != len(students):
            raise CampusError(f"{side.name} has {side.arrived()} submissions, and {len(students)} were handed in.")
        make_gradebook(folder / "collected" / side.name, students)
    yield from row_of_each("collect", 1, sides, collect_all, folder, name, students)
    for clients, chosen in ((1, students[:commands]), (2, students[-commands:])):
        yield from row_of_each("`nbgrader submit`", clients, sides, by_command, folder, name, chosen)


def row_of_each(
    what: str, clients: int, sides: list[Side], run: Callable, folder: Path, name: str, students: list[str]
):
    """A row for each exchange."""
    first = None
    for side in sides:
        before, start = processor_seconds(side), time.monotonic()
        run(folder, name, side, students, clients)
        wall, cpu = time.monotonic() - start, processor_seconds(side) - before
        rate = len(students) / wall
        first = first or rate
        figures = (f"{rate:.1f}", f"{rate / first:.2f}", f"{cpu / len(students) * 1000:.0f}")
        yield [what, side.name, str(clients), str(len(students)), *figures]


def processor_seconds(side: Side) -> float:
    """CPU seconds so far of this process, of its children that have ended, and of what serves the exchange."""
    own = os.times()
    mine = own.user + own.system + own.children_user + own.children_system
    return mine + (processor_time(side.server) if side.server else 0.0)


def from_workspaces(folder: Path, name: str, side: Side, students: list[str], clients: int) -> None:
    """Hand in from so many processes at one time, which have imported everything."""
    fork = multiprocessing.get_context("fork")
    shares = [students[number::clients] for number in range(clients)]
    workers = [fork.Process(target=hand_in, args=(folder, name, side, share)) for share in shares]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise CampusError(f"Somebody could not hand in over {side.name}: the error stands above.")


def hand_in(folder: Path, name: str, side: Side, students: list[str]) -> None:
    """What a workspace does when its associate presses Submit, for one after the other."""
    for student in students:
        home = folder / "homes" / student
        os.environ |= side.environment(student)
        start(side.submit, side.config(home), name, student, assignment_dir=str(home))


def collect_all(folder: Path, name: str, side: Side, students: list[str], clients: int) -> None:
    """What a tutor does when they press Collect."""
    place = folder / "collected" / side.name
    with patch.dict(os.environ, side.environment(TUTOR)):
        start(side.collect, side.config(place), name, "*", root=str(place))
    found = len(list(place.glob(f"submitted/*/{name}/{name}.ipynb")))
    if found != len(students):
        raise CampusError(f"{found} of {len(students)} submissions came out of {side.name}.")


def make_gradebook(folder: Path, students: list[str]) -> None:
    """What nbgrader wants to have before it collects."""
    put_alembic_on_path()
    folder.mkdir(parents=True)
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}", folders.COURSE_ID) as book:
        for student in students:
            book.update_or_create_student(student)


def start(
    step: type[Exchange], config: Config, name: str, student: str, assignment_dir: str = "", root: str = "."
) -> None:
    """One step of nbgrader's."""
    config.CourseDirectory.course_id = folders.COURSE_ID
    course = CourseDirectory(config=config, assignment_id=name, student_id=student, root=root)
    made = step(
        coursedir=course, authenticator=Authenticator(config=config), config=config, assignment_dir=assignment_dir
    )
    made.log = QUIET
    made.start()


def by_command(folder: Path, name: str, side: Side, students: list[str], clients: int) -> None:
    """`nbgrader submit` in a terminal of the workspace, again: what is handed in was changed."""

    def submit(student: str) -> None:
        home = folder / "homes" / student
        (home / name / "notes.txt").write_text(f"handed in again by a command over {side.name}")
        (home / "nbgrader_config.py").write_text(write_config(side.config(home), student))
        environment = {**ENVIRONMENT, **side.environment(student)}
        measured([sys.executable, "-m", "nbgrader", "submit", name], folder / "log", cwd=home, env=environment)

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(submit, students))


def write_config(config: Config, student: str) -> str:
    """The settings of somebody's workspace as a file."""
    own = {"CourseDirectory": {"course_id": folders.COURSE_ID, "student_id": student}}
    settings = {name: dict(traits) for name, traits in config.items()} | own
    return f"from traitlets.config import Config\nc = get_config()\nc.merge(Config({settings!r}))\n"


def head(count: int) -> list[str]:
    """When, where, and on what."""
    machine = f"{os.cpu_count()} cores ({platform.machine()}, {platform.system()})"
    few = "A short trial: with so few submissions the rates say little."
    return [
        *([few] if count < FULL else []),
        f"Measured on {datetime.date.today():%d %B %Y} with Python {platform.python_version()} on {machine}: {count}",
        f"submissions of `{ASSIGNMENT}`, data included. A shared machine: ratios and CPU wobble less than rates. CPU",
        "is that of client and service together. Our exchange checks who hands in, flushes every file to the disk",
        "before it gives a receipt, and keeps earlier versions; nbgrader's copies files into a folder that everybody",
        "may write to.",
    ]


if __name__ == "__main__":
    main()
