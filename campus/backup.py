"""Backups: the state folder copied while it is in use, so that what was handed in comes back whole, with its marks.

Databases first, each as it is at one moment, and the exchange's index the last of them; then the files. What a database
names is then among the files, for these are written before their row, and never changed or deleted after it.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from campus import folders
from campus.errors import CampusError
from campus.exchange.index import SUBMISSIONS, read
from campus.exchange.parcel import describe
from campus.exchange.refusal import Refusal
from campus.exchange.store import Store, entries

SQLITE = b"SQLite format 3\0"
INDEX = Path("exchange", "index.db")
BESIDE = ("-wal", "-shm", "-journal")  # what SQLite keeps beside a database
PASSING = (Path("exchange", "scratch"), Path("logs"), Path("serve.lock"), Path("proxy.pid"))  # what no backup needs


def back_up(target: Path) -> int | None:
    """Copy the state folder to a new folder: how many submissions are in the copy, all found whole.

    None where the index is in PostgreSQL, which is not ours to copy. CampusError where a submission is not whole.
    """
    state = folders.state()
    if not (state / "VERSION").exists():
        raise CampusError(f"There is nothing to back up in {state}: name the state folder in CAMPUS_STATE.")
    if target.exists() or target.resolve().is_relative_to(state):
        raise CampusError(f"{target} is there already, or lies in the state folder: name a new folder elsewhere.")
    databases = sorted(find_databases(state), key=lambda path: path == INDEX)
    target.mkdir(mode=0o700, parents=True)
    for path in databases:
        copy_database(state / path, target / path)
    copy_files(state, target, leave_out={*PASSING, *databases})
    return check_submissions(target) if INDEX in databases else None


def find_databases(state: Path) -> Iterator[Path]:
    """The SQLite databases of the state folder but for those in homes, which are their owners' own files."""
    tops = [path for path in state.iterdir() if path.name != "homes"]
    for path in [*state.glob("*.db"), *(found for top in tops if top.is_dir() for found in top.rglob("*.db"))]:
        with path.open("rb") as file:
            if file.read(len(SQLITE)) == SQLITE:
                yield path.relative_to(state)


def copy_database(source: Path, target: Path) -> None:
    """A database as it is at one moment, whoever writes to it meanwhile."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
    keep_owner(source, target)


def copy_files(source: Path, target: Path, leave_out: set[Path], below: Path = Path()) -> None:
    """All other files and folders, with owner, mode and time; links as links. What goes meanwhile is not copied."""
    for entry in os.scandir(source / below):
        path = below / entry.name
        if path in leave_out or entry.name.endswith(BESIDE):
            continue
        try:
            if entry.is_dir(follow_symlinks=False):
                (target / path).mkdir(exist_ok=True)
                copy_files(source, target, leave_out, path)
            elif entry.is_file() or entry.is_symlink():
                shutil.copy2(entry.path, target / path, follow_symlinks=False)
            else:
                continue  # a socket or a pipe
            keep_owner(Path(entry.path), target / path)
        except FileNotFoundError:
            continue


def keep_owner(source: Path, target: Path) -> None:
    """Give a copy the owner, mode and time of what it was made from; the owner where we may."""
    found = source.lstat()
    if os.geteuid() == 0:
        os.lchown(target, found.st_uid, found.st_gid)
    if not source.is_symlink():
        shutil.copystat(source, target)


def check_submissions(state: Path) -> int:
    """How many submissions a state folder holds; CampusError where one of them is not what the index says."""
    store = Store(state / "exchange", f"sqlite:///{state / INDEX}")
    try:
        rows = read(store.engine, lambda db: db.execute(SUBMISSIONS.select()).all())
        for row in rows:
            wanted = entries(row._asdict())
            folder = store.place("submissions", row.assignment, row.username, row.id)
            found = {one.path: (folder / one.path).read_bytes() for one in wanted if (folder / one.path).is_file()}
            if set(describe(found)) != set(wanted):
                raise CampusError(
                    f"The submission {row.id} of {row.username} for {row.assignment} is not whole in {state}: "
                    "see that its disk has room, and make the backup again."
                )
        return len(rows)
    except Refusal as refusal:
        raise CampusError(f"The index in {state} cannot be read ({refusal}): make the backup again.") from refusal
    finally:
        store.close()
