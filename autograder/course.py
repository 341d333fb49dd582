"""The nbgrader course: one configuration for command line and hub, folders, gradebook, people, and releases."""

import contextlib
import fcntl
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.api import Base, Course, Gradebook, MissingEntry, get_alembic_version
from nbgrader.apps.api import NbGraderAPI
from nbgrader.preprocessors import GetGrades
from sqlalchemy import inspect
from traitlets.config import Config

from autograder.assignment import authored, first_line, source_files, source_notebook, version
from autograder.check import checked
from autograder.feedback import CLEAN, FeedbackExporter, HideTests, SayUnmarked, WriteMaths
from autograder.queue import Queue, ensure_queue
from campus import folders
from campus.database import choose_url
from campus.errors import CampusError
from campus.exchange import plugins
from campus.exchange.client import connect

TABLES_LOCK = 6_202_611  # a number that our processes agree on while they make tables

Progress = Callable[[int, int, str], None]  # steps done, steps in all, what comes next


class Person(Protocol):
    """What the gradebook knows of somebody."""

    username: str
    name: str
    email: str


def root() -> Path:
    """The course folder: source, release, submitted, autograded, feedback and the gradebook."""
    return folders.state() / "course"


def database() -> Path:
    """The gradebook's file, where it is one."""
    return root() / "gradebook.db"


def database_url() -> str:
    """The gradebook's database: SQLite in the course folder, or the PostgreSQL that CAMPUS_DATABASE_URL names."""
    return choose_url(database())


def has_gradebook() -> bool:
    """Whether there is a gradebook to be read; one on PostgreSQL is made before anybody serves."""
    return not database_url().startswith("sqlite") or database().exists()


def course_config() -> Config:
    """nbgrader's configuration, for the hub's servers and services as for this package.

    An associate's server adds CourseDirectory.student_id, without which submissions carry the Unix user's name.
    """
    config = Config()
    config.CourseDirectory.course_id = folders.COURSE_ID
    config.CourseDirectory.root = str(root())
    config.CourseDirectory.db_url = database_url()
    plugins.configure(config)
    config.Autograde.sanitize_preprocessors = []  # nothing of nbgrader's runs learners' code: the exporter marks
    config.Autograde.autograde_preprocessors = []
    config.Autograde.exporter_class = "autograder.exporter.MarkingExporter"
    config.GenerateFeedback.preprocessors = [GetGrades, SayUnmarked, HideTests, WriteMaths, CSSHTMLHeaderPreprocessor]
    config.GenerateFeedback.exporter_class = FeedbackExporter
    config.HTMLExporter.filters = CLEAN
    return config


def ensure_course() -> None:
    """Make the folders and the gradebook where they are missing; many processes may ask at once."""
    folders.ensure_state()
    put_alembic_on_path()
    (root() / "source").mkdir(parents=True, exist_ok=True)
    with (root() / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if database_url().startswith("sqlite"):
            ensure_file()
        else:
            ensure_tables()


def ensure_file() -> None:
    """The gradebook as a SQLite file, made under another name, so that one that is there is whole."""
    if not database().exists():
        draft = database().with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with Gradebook(f"sqlite:///{draft}", folders.COURSE_ID):
            pass
        draft.replace(database())
    with Queue(database_url()) as queue:
        ensure_queue(queue.engine)


def ensure_tables() -> None:
    """The gradebook's tables in PostgreSQL, made in one transaction; machines that start at one time wait in turn."""
    with Queue(database_url()) as queue:
        queue.reach()
        with queue.engine.begin() as db:
            db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({TABLES_LOCK})")
            if not inspect(db).has_table("alembic_version"):
                Base.metadata.create_all(db)
                db.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
                db.exec_driver_sql("INSERT INTO alembic_version VALUES (%s)", (get_alembic_version(),))
                db.execute(Course.__table__.insert().values(id=folders.COURSE_ID))
            ensure_queue(db)


def put_alembic_on_path() -> None:
    """nbgrader calls the program `alembic` by name when it makes a gradebook."""
    bin_folder = str(Path(sys.executable).parent)
    if bin_folder not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([bin_folder, os.environ.get("PATH", os.defpath)])


def ensure_students(people: Iterable[Person]) -> None:
    """Put associates into the gradebook, or correct their names and addresses there; nobody is taken out."""
    with gradebook() as book:
        for person in people:
            first, _, last = person.name.partition(" ")
            book.update_or_create_student(
                person.username, first_name=first, last_name=last or first, email=person.email
            )


def gradebook() -> Gradebook:
    """The gradebook, to be used in a `with` statement."""
    return Gradebook(database_url(), folders.COURSE_ID)


@contextlib.contextmanager
def nbgrader() -> Iterator[NbGraderAPI]:
    """nbgrader's own interface to the course; what it says goes to `logs/nbgrader.log` in the state folder."""
    with logged():
        yield NbGraderAPI(config=course_config())


@contextlib.contextmanager
def logged() -> Iterator[None]:
    """Send what nbgrader, nbconvert and Python's warnings say to the log instead of the terminal."""
    log_file().parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(log_file())
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    loggers = [logging.getLogger(name) for name in ("traitlets", "py.warnings", "alembic", "tornado.application")]
    before = [(logger, logger.propagate, logger.level) for logger in loggers]
    logging.captureWarnings(True)
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        for logger, propagate, level in before:
            logger.removeHandler(handler)
            logger.propagate = propagate
            logger.setLevel(level)
        handler.close()


def log_file() -> Path:
    """Where the details are that a sentence leaves out."""
    return folders.state() / "logs" / "nbgrader.log"


def quiet(done: int, total: int, what: str) -> None:
    """No progress."""


def summary(entries: list[dict]) -> dict:
    """The result of a verb over all assignments."""
    return {"ok": all(entry["ok"] for entry in entries), "assignments": entries}


def release(given: list[Path] | None = None, progress: Progress = quiet) -> dict:
    """Put assignments that pass the check into the exchange, all authored ones by default; unchanged ones stay.

    Entry: {"name", "ok", "result": "released" | "updated" | "unchanged" | "refused", "problem": sentence or None}
    """
    ensure_course()
    given = [folders.EXERCISES / name for name in authored()] if given is None else given
    entries = []
    for number, folder in enumerate(given):
        progress(number, len(given), folder.name)
        try:
            entries.append({"name": folder.name, "ok": True, "result": release_one(folder), "problem": None})
        except CampusError as error:
            entries.append({"name": folder.name, "ok": False, "result": "refused", "problem": str(error)})
    progress(len(given), len(given), "")
    return summary(entries)


def release_one(folder: Path) -> str:
    """Release one assignment when it is new or its content changed; CampusError where it cannot be released."""
    name = folder.name
    proof = checked(folder)
    if not proof["ok"]:
        count = len(proof["problems"]) + sum(len(question["problems"]) for question in proof["questions"])
        problems = "1 problem" if count == 1 else f"{count} problems"
        raise CampusError(f"{name} is not released, it has {problems}: run 'autograder check {name}'.")
    source = source_files(folder)
    digest = version(folder)
    stamp = root() / "released" / name
    known = stamp.read_text() if stamp.exists() else ""
    if known == digest and is_released(name):
        return "unchanged"
    refuse_other_cells(folder)
    write_folder(root() / "source" / name, source)
    with nbgrader() as api:
        demand(api.generate_assignment(name), f"nbgrader could not make the release version of {name}")
        demand(api.release_assignment(name), f"nbgrader could not put {name} into the exchange")
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(digest)
    return "updated" if known else "released"


def is_released(name: str) -> bool:
    """Whether associates can fetch an assignment now."""
    return any(one["name"] == name and one["released"] for one in connect().assignments())


def write_folder(folder: Path, files: dict[str, bytes]) -> None:
    """Make a folder hold just these files; those that are as they should be are left alone."""
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if str(path.relative_to(folder)) not in files:
            path.unlink()
    for name, content in files.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def refuse_other_cells(folder: Path) -> None:
    """CampusError where graded cells were added or removed although somebody has handed in already."""
    name = folder.name
    notebook = source_notebook(folder)
    now = {cell.metadata["nbgrader"]["grade_id"] for cell in notebook.cells if "nbgrader" in cell.metadata}
    with gradebook() as book:
        try:
            recorded = book.find_notebook(name, name)
        except MissingEntry:
            return
        if recorded.submissions and {cell.name for cell in recorded.source_cells} != now:
            raise CampusError(
                f"{name} is not released again: it has submissions, and graded cells were added or removed since; "
                "put them back, or give the assignment a new name."
            )


def demand(result: dict, sentence: str) -> None:
    """CampusError where a step of nbgrader's failed."""
    if not result["success"]:
        reason = first_line(result["error"].strip().splitlines()[-1])
        raise CampusError(f"{sentence} ({reason}); details are in {log_file()}.")
