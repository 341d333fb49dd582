"""Where things are: sources in the checkout, derived files in `build/`, state in `var/`."""

import os
import re
import tempfile
from pathlib import Path

from campus.errors import CampusError

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "modules"
EXERCISES = ROOT / "exercises"
BOOK = ROOT / "book"
TOC = BOOK / "_toc.yml"
HUB_CONFIG = ROOT / "hub-config"

# Derived from sources, safe to delete.
BUILD = ROOT / "build"
EXECUTED = BUILD / "executed"  # notebooks with outputs and MyST directives, for the book
CLEAN = BUILD / "clean"  # notebooks without outputs or directives, for associates
RUNNING = BUILD / "running"  # where sessions run: what they read, laid out as associates have it
SOURCE = BUILD / "source"  # nbgrader source notebooks, one folder an assignment
SITE = BUILD / "book"  # the book as static files
PICTURES = BUILD / "pictures"  # the running system, for guides: one PNG a name

COURSE_ID = "modelling"
STATE_VERSION = 1


def state() -> Path:
    """The folder of databases, homes, exchange and logs: `var/`, or what CAMPUS_STATE names."""
    return Path(os.environ.get("CAMPUS_STATE") or ROOT / "var").resolve()


def ensure_state() -> Path:
    """Make the state folder and stamp it with its version; refuse one from a newer version."""
    folder = state()
    stamp = folder / "VERSION"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not stamp.exists():
            write_whole(stamp, f"{STATE_VERSION}\n")
        found = stamp.read_text(errors="replace").strip()
    except OSError as error:
        raise CampusError(
            f"The state folder {folder} cannot be used ({error.strerror}): make it writable "
            "and see that its disk has room, or name another folder in CAMPUS_STATE."
        ) from error
    if not re.fullmatch("[0-9]+", found):
        raise CampusError(
            f"{stamp} holds '{found}', not a version number: restore it from a backup, or name another folder in "
            "CAMPUS_STATE."
        )
    if int(found) > STATE_VERSION:
        raise CampusError(
            f"The state folder {folder} was made by a newer version ({found}; this one knows {STATE_VERSION}): "
            "update this checkout, or name another folder in CAMPUS_STATE."
        )
    return folder


def write_whole(path: Path, text: str) -> None:
    """Write a small file so that a reader, or another writer at the same moment, sees all of it or nothing."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}-", delete=False) as scratch:
        scratch.write(text)
    os.replace(scratch.name, path)
