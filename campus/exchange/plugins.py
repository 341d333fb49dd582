"""nbgrader's exchange, by its own plug-in points, over ours: assignment list, formgrader and commands stay as they are.

What nbgrader's file exchange kept in a shared folder comes from the service instead. In the course folder a collected
submission bears the time that the server gave it (`timestamp.txt`) and its id (`submission_secret.txt`), which nbgrader
carries along until the feedback is returned.
"""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from fnmatch import fnmatchcase
from glob import glob
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.exchange import abc
from nbgrader.utils import ignore_patterns
from traitlets.config import Config

from campus import folders
from campus.exchange import moment
from campus.exchange.client import PATIENCE, Local, Remote, connect
from campus.exchange.refusal import Refusal
from campus.exchange.store import USERNAME

STAMP, ID = "timestamp.txt", "submission_secret.txt"
RECEIPTS, VERSION, NEWER = "receipts", ".version", "version-"  # what we put into an associate's folder
LIST_PATIENCE = 5.0  # seconds: a list is wanted now or not at all


class Exchange(abc.Exchange):
    """What all of them have in common: the way to the exchange, and its refusals as nbgrader's."""

    teaching = False  # whether it is a tutor's step
    patience = PATIENCE

    def start(self) -> object:
        if self.coursedir.course_id != folders.COURSE_ID:
            self.fail(f"There is no course '{self.coursedir.course_id}' here: it is {folders.COURSE_ID}.")
        try:
            return super().start()
        except Refusal as refusal:
            self.fail(str(refusal))

    @property
    def student(self) -> str | None:
        """The associate that nbgrader works for; None for all."""
        return None if self.coursedir.student_id in ("", "*") else self.coursedir.student_id

    @property
    def name(self) -> str:
        return self.coursedir.assignment_id

    @property
    def service(self) -> Remote | Local:
        """The exchange as whoever runs this may use it."""
        return connect(None if self.teaching else self.student, self.patience)

    @property
    def home(self) -> Path:
        """Where the associate has the assignment."""
        return Path(self.assignment_dir, self.name).absolute()

    def init_src(self) -> None:
        """Everything comes from the service."""

    def init_dest(self) -> None:
        """Everything is checked by the service."""

    def copy_files(self) -> None:
        """What each step does."""

    def read_folder(self, folder: Path, *more: str) -> dict[str, bytes]:
        """The files below a folder that are to travel; a link or a special file is left out, and said."""
        leave_out = ignore_patterns(
            exclude=[*self.coursedir.ignore, *more],
            include=self.coursedir.include,
            max_file_size=self.coursedir.max_file_size,
            log=self.log,
        )
        found = {}
        for place, names, files in os.walk(folder):
            ignored = leave_out(place, [*names, *files])
            names[:] = [name for name in names if name not in ignored and not Path(place, name).is_symlink()]
            for path in (Path(place, name) for name in files if name not in ignored):
                if path.is_symlink() or not path.is_file():
                    self.log.warning("Left out, because it is not a plain file: %s", path)
                else:
                    found[path.relative_to(folder).as_posix()] = path.read_bytes()
        return found


class ExchangeFetchAssignment(Exchange, abc.ExchangeFetchAssignment):
    """Fetch a release; what is there already is never written over."""

    def copy_files(self) -> None:
        service = self.service
        if not self.home.exists():
            number, files = service.fetch(self.name)
            write_folder(self.home, files)
            self.log.info("Fetched as: %s %s, version %s", folders.COURSE_ID, self.name, number)
            return
        known = service.assignment(self.name)
        if known["fetched"] == known["release"] and not self.replace_missing_files:
            self.fail(f"You have the latest version of {self.name} already: {self.home}")
        number, files = service.fetch(self.name)
        self.add(number, files, newer=known["fetched"] != number)

    def add(self, number: int, files: dict[str, bytes], newer: bool) -> None:
        """Add files that are missing, and beside one's own work the files of a newer version that differ from it."""
        for path, content in files.items():
            own = self.home / path
            if not own.exists():
                write_file(own, content)
                self.log.warning("Added: %s", own)
            elif newer and own.read_bytes() != content:
                write_file(self.home / f"{NEWER}{number}" / path, content)
                self.log.warning("Your %s is as it was; that of version %s is in %s%s", path, number, NEWER, number)


class ExchangeSubmit(Exchange, abc.ExchangeSubmit):
    """Hand in, and keep the receipt."""

    def init_src(self) -> None:
        folder = Path(self.assignment_dir, self.name).absolute()
        self.coursedir.assignment_id = folder.name
        if not folder.is_dir():
            self.fail(f"There is no folder {folder}: fetch the assignment first.")
        self.files = self.read_folder(folder, "feedback", RECEIPTS, f"{NEWER}*")

    def copy_files(self) -> None:
        receipt = self.service.submit(self.name, self.files)
        at = moment.for_nbgrader(receipt["at"])
        write_file(self.home / RECEIPTS / f"{at}.json", json.dumps(receipt, indent=1).encode())
        self.log.info("Submitted as: %s %s %s", folders.COURSE_ID, self.name, at)
        self.log.info("Receipt: %s, SHA-256 of the whole %s", receipt["id"], receipt["sha256"])


class ExchangeList(Exchange, abc.ExchangeList):
    """What is released, and what was handed in."""

    patience = LIST_PATIENCE

    def list_files(self) -> list[dict]:
        found = self.list_submitted() if self.inbound or self.cached else self.list_released()
        self.log.info("Submitted assignments:" if self.inbound or self.cached else "Released assignments:")
        for line in (line for one in found for line in describe(one)):
            self.log.info("%s", line)
        return found

    def remove_files(self) -> list[dict]:
        if self.inbound or self.cached:
            self.fail("What was handed in is kept: it cannot be removed.")
        found = self.list_released()
        for one in found:
            self.service.withdraw(one["assignment_id"])
        return [one | {"status": "removed"} for one in found]

    def wanted(self, name: str) -> bool:
        return self.name in ("", "*", name)

    def list_released(self) -> list[dict]:
        """One entry an assignment; one that has a newer version than its associate is there to be fetched, too."""
        found = []
        for one in self.service.assignments():
            if not one["released"] or not self.wanted(one["name"]):
                continue
            home = Path(self.assignment_dir, one["name"]).absolute()
            entry = {"course_id": folders.COURSE_ID, "assignment_id": one["name"], "path": str(home)}
            if not home.is_dir() or one["fetched"] not in (None, one["release"]):
                found.append(entry | {"status": "released", "notebooks": []})
            if home.is_dir():
                notebooks = [{"notebook_id": path.stem, "path": str(path)} for path in sorted(home.glob("*.ipynb"))]
                found.append(entry | {"status": "fetched", "notebooks": notebooks})
        return found

    def list_submitted(self) -> list[dict]:
        """One entry for each associate and assignment, with all that was handed in, in order."""
        found: dict[tuple[str, str], list[dict]] = {}
        for receipt in self.service.submissions(username=self.student):
            if self.wanted(receipt["assignment"]):
                found.setdefault((receipt["username"], receipt["assignment"]), []).append(self.entry(receipt))
        return [
            {
                "course_id": folders.COURSE_ID,
                "student_id": username,
                "assignment_id": name,
                "status": "submitted",
                "submissions": submissions,
            }
            for (username, name), submissions in sorted(found.items())
        ]

    def entry(self, receipt: dict) -> dict:
        """A submission as nbgrader's list shows it; its state stands beside its time."""
        folder = feedback_folder(Path(self.assignment_dir), receipt)
        here = folder.is_dir()
        there = receipt["feedback"] is not None
        told = {
            "has_local_feedback": here,
            "has_exchange_feedback": there,
            "local_feedback_path": str(folder) if here else None,
            "feedback_updated": here and there and read_version(folder) != receipt["feedback"],
        }
        names = [Path(one["path"]).stem for one in receipt["files"] if is_notebook(one["path"])]
        notebooks = [
            {"notebook_id": name, "path": str(folder)}
            | told
            | {"local_feedback_path": str(folder / f"{name}.html") if here else None}
            for name in names
        ]
        return {
            "course_id": folders.COURSE_ID,
            "student_id": receipt["username"],
            "assignment_id": receipt["assignment"],
            "status": "submitted",
            "timestamp": f"{moment.for_nbgrader(receipt['at'])}, {say_state(receipt)}",
            "path": str(Path(self.assignment_dir, receipt["assignment"]).absolute()),
            "notebooks": notebooks,
            **told,
        }


class ExchangeReleaseAssignment(Exchange, abc.ExchangeReleaseAssignment):
    """Put an assignment out, as its next version."""

    teaching = True

    def init_src(self) -> None:
        self.folder = Path(self.coursedir.format_path(self.coursedir.release_directory, ".", self.name))
        if not self.folder.is_dir():
            self.fail(f"There is no release version in {self.folder}: run 'nbgrader generate_assignment' first.")

    def copy_files(self) -> None:
        released = self.service.release(self.name, self.read_folder(self.folder))
        self.log.info("Released as: %s %s, version %s", folders.COURSE_ID, self.name, released["number"])


class ExchangeCollect(Exchange, abc.ExchangeCollect):
    """Bring the latest submission of everybody into the course folder."""

    teaching = True

    def copy_files(self) -> None:
        service = self.service
        latest: dict[str, dict] = {}
        one = self.student if USERNAME.fullmatch(self.student or "") else None  # it may be a pattern
        for receipt in service.submissions(self.name, one):  # in their order
            kept = latest.get(receipt["username"])
            if not (self.before_duedate and receipt["late"] and kept is not None):
                latest[receipt["username"]] = receipt
        chosen = [one for who, one in latest.items() if fnmatchcase(who, self.coursedir.student_id or "*")]
        self.log.info("Processing %s submissions of '%s'", len(chosen), self.name)
        for receipt in chosen:
            self.collect(service, receipt)

    def collect(self, service: Remote | Local, receipt: dict) -> None:
        """Put one submission in its place, whole, unless it is there already."""
        who = receipt["username"]
        place = Path(self.coursedir.format_path(self.coursedir.submitted_directory, who, self.name))
        if place.is_dir() and (not self.update or read_text(place / ID) == receipt["id"]):
            self.log.info("No newer submission to collect: %s %s", who, self.name)
            return
        files = service.submitted_files(receipt["id"])
        ours = {STAMP: moment.for_nbgrader(receipt["at"]).encode(), ID: receipt["id"].encode()}
        write_folder(place, {path: content for path, content in files.items() if path not in ours} | ours)
        if receipt["state"] == "received":
            service.report(receipt["id"], "being marked")
        self.log.info("Collected submission: %s %s", who, self.name)


class ExchangeReleaseFeedback(Exchange, abc.ExchangeReleaseFeedback):
    """Return feedback, with the marks that the gradebook has now."""

    teaching = True

    def copy_files(self) -> None:
        service = self.service
        excluded = set((self.coursedir.student_id_exclude or "").split(","))
        pattern = self.coursedir.format_path(
            self.coursedir.feedback_directory, self.coursedir.student_id or "*", self.name
        )
        for folder in sorted(Path(path) for path in glob(pattern)):
            who, id = folder.parent.name, read_text(folder / ID)
            pages = {path.name: path.read_bytes() for path in sorted(folder.glob("*.html"))}
            if who in excluded or not pages:
                continue
            if id is None:
                self.fail(f"{folder} does not say which submission it is about: collect and mark it again.")
            service.report(id, "marked", *self.marks(who))
            service.give_feedback(id, pages)
            self.log.info("Feedback released to %s on %s", who, self.name)

    def marks(self, who: str) -> tuple[float | None, float | None]:
        """Score and points of a submission, or neither where the gradebook does not know it."""
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as book:
            try:
                found = book.find_submission(self.name, who)
            except MissingEntry:
                return None, None
            return float(found.score), float(found.max_score)


class ExchangeFetchFeedback(Exchange, abc.ExchangeFetchFeedback):
    """Fetch the feedback on one's own submissions."""

    def copy_files(self) -> None:
        service = self.service
        name = None if self.name in ("", "*") else self.name
        for receipt in service.submissions(name, self.student):
            folder = feedback_folder(Path(self.assignment_dir), receipt)
            if receipt["feedback"] is None or read_version(folder) == receipt["feedback"]:
                continue
            pages = service.feedback(receipt["id"])
            write_folder(folder, pages | {VERSION: str(receipt["feedback"]).encode()})
            self.log.info("Fetched feedback: %s", folder)


PLUGINS = {
    "exchange": Exchange,
    "fetch_assignment": ExchangeFetchAssignment,
    "fetch_feedback": ExchangeFetchFeedback,
    "release_assignment": ExchangeReleaseAssignment,
    "release_feedback": ExchangeReleaseFeedback,
    "list": ExchangeList,
    "submit": ExchangeSubmit,
    "collect": ExchangeCollect,
}


def configure(config: Config) -> None:
    """Have nbgrader use our exchange."""
    for point, plugin in PLUGINS.items():
        setattr(config.ExchangeFactory, point, f"{__name__}.{plugin.__name__}")


def describe(entry: dict) -> Iterator[str]:
    """An entry of a list as lines."""
    for one in entry.get("submissions", [entry]):
        parts = ("course_id", "student_id", "assignment_id", "timestamp")
        yield " ".join(one[part] for part in parts if part in one) + f" ({one['status']})"


def say_state(receipt: dict) -> str:
    """How far a submission is, in words."""
    so_far = " so far" if receipt["state"] == "being marked" else ""
    marks = "" if receipt["score"] is None else f", {receipt['score']:g} of {receipt['points']:g}{so_far}"
    return f"{receipt['state']}{marks}{', late' if receipt['late'] else ''}"


def is_notebook(path: str) -> bool:
    return path.endswith(".ipynb") and "/" not in path


def feedback_folder(home: Path, receipt: dict) -> Path:
    """Where feedback on a submission lies in its associate's home."""
    return home.absolute() / receipt["assignment"] / "feedback" / moment.for_nbgrader(receipt["at"])


def read_version(folder: Path) -> int | None:
    """Which feedback lies in a folder."""
    text = read_text(folder / VERSION)
    return int(text) if text and text.isdigit() else None


def read_text(path: Path) -> str | None:
    """A small file's text without what surrounds it; None where there is no such file."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return None


def write_file(path: Path, content: bytes) -> None:
    """Write one file and the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_folder(folder: Path, files: dict[str, bytes]) -> None:
    """Make a folder hold just these files; whoever looks sees the old ones, or the new ones, or nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for path, content in files.items():
            write_file(draft / "new" / path, content)
        with contextlib.suppress(FileNotFoundError):
            folder.rename(draft / "old")
        (draft / "new").rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
