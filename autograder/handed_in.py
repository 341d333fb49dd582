"""What was handed in and collected: whose, when, its bytes, and what is odd about the folder it came in.

A folder that somebody handed in is never trusted: no link is followed, nothing but ordinary files is opened, and none
is read without an end.
"""

import glob
import itertools
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbgrader.utils import parse_utc

from autograder import course
from autograder.submission import Broken, read_file
from campus.exchange.client import connect

LARGEST_MB = 50  # a file above it is left where it is
MOST_FILES = 1_000
MOST_SEEN = 20_000
NAMED = 3  # how many of many files are named in a sentence
LONGEST_STAMP = 64
STAMP, SECRET = "timestamp.txt", "submission_secret.txt"  # the names that nbgrader's exchange gives them


@dataclass(frozen=True)
class Collected:
    """A collected submission: its notebook's bytes (none where it holds no such file), and sentences about the rest."""

    data: bytes
    stamp: str
    flags: tuple[str, ...]


def read_collected(name: str, student: str) -> Collected:
    """What somebody handed in for an assignment, as it was collected last."""
    folder = collected_folder(name, student)
    flags = leave_out(folder)[1]
    try:
        data = read_file(folder / f"{name}.ipynb")
    except Broken as error:
        data = b""
        flags.append(f"{name}.ipynb: {error}.")
    stamp = submitted_at(name, student) or ""
    if not is_time(stamp):
        flags.append("There is no time at which it was handed in.")
        stamp = ""
    return Collected(data, stamp, tuple(flags))


def is_time(stamp: str) -> bool:
    """Whether nbgrader can read a time stamp."""
    try:
        return len(stamp) <= LONGEST_STAMP and parse_utc(stamp) is not None
    except (ValueError, OverflowError, TypeError):
        return False


def collected_folder(name: str, student: str) -> Path:
    """Where nbgrader keeps what somebody handed in for an assignment."""
    return course.root() / "submitted" / student / name


def read_text(path: Path) -> str:
    """The text of a small file; empty where it cannot be read."""
    try:
        return read_file(path).decode("utf-8", "replace")
    except Broken:
        return ""


def handed_in(name: str) -> list[str]:
    """Who has a submission in the exchange."""
    return sorted({receipt["username"] for receipt in connect().submissions(name)})


def collected(name: str) -> list[str]:
    """Whose submission is in the course folder."""
    found = (course.root() / "submitted").glob(f"*/{glob.escape(name)}")
    return sorted(path.parent.name for path in found if path.is_dir() and not path.is_symlink())


def submitted_at(name: str, student: str) -> str | None:
    """The time stamp of the submission that was collected last."""
    return read_text(collected_folder(name, student) / STAMP).strip() or None


def leave_out(folder: Path) -> tuple[list[Path], list[str]]:
    """The ordinary files of a folder, and a sentence for each kind of those that are not."""
    files, odd = [], {}
    for path, found in walk(folder):
        kind = odd_kind(found)
        if kind is None and len(files) < MOST_FILES:
            files.append(path)
        else:
            odd.setdefault(kind or f"files beyond the first {MOST_FILES:,}", []).append(str(path))
    return files, [sentence(kind, paths) for kind, paths in odd.items()]


def walk(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """All that is in a folder but folders, the first of it where there is no end; a link to a folder is a link."""
    waiting, seen = [Path()], 0
    while waiting and seen < MOST_SEEN:
        below = waiting.pop()
        try:
            entries = sorted(itertools.islice(os.scandir(folder / below), MOST_SEEN), key=lambda entry: entry.name)
        except OSError:  # closed to us, or a path that is too long
            continue
        for entry in entries:
            seen += 1
            if entry.is_dir(follow_symlinks=False):
                waiting.append(below / entry.name)
            else:
                yield below / entry.name, entry.stat(follow_symlinks=False)


def odd_kind(found: os.stat_result) -> str | None:
    """What kind of thing should not be in a folder that is handed in; None for an ordinary file."""
    if stat.S_ISLNK(found.st_mode):
        return "links, which were not followed"
    if not stat.S_ISREG(found.st_mode):
        return "things that are no files"
    if found.st_size > LARGEST_MB * 2**20:
        return f"files of more than {LARGEST_MB} MB"
    return None


def sentence(kind: str, paths: list[str]) -> str:
    """A sentence about what was left out."""
    shown = [path.encode("utf-8", "replace").decode("utf-8", "replace") for path in paths[:NAMED]]
    named = ", ".join("".join(letter if letter.isprintable() else "?" for letter in path)[:80] for path in shown)
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    return f"The folder held {kind}: {named}{more}."
