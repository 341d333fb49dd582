"""What people did in the book: their answers to quick checks, and the sessions they say they have done.

One row a person, kind, session and name; the last word counts. Kept beside the hub's other state in SQLite, or in the
database that CAMPUS_DATABASE_URL names.
"""

import os
import re
from datetime import UTC, datetime
from functools import lru_cache

from sqlalchemy import Column, MetaData, String, Table, create_engine, delete, func, insert, select
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError

from campus.errors import CampusError
from campus.folders import ensure_state, state

MOST = 3000  # rows a person: twenty times the checks of the whole programme
BUSY_SECONDS = 20
SHAPES = {  # of what a browser may say
    "check": {
        "session": r"\d{1,2}\.\d{1,2}",
        "name": r"[0-9a-f]{10}",
        "value": r"(?:right|wrong):\d{1,2}(?:,\d{1,2}){0,8}",
    },
    "done": {"session": r"\d{1,2}\.\d{1,2}", "name": r"session", "value": r"yes|no"},
}
PROGRESS = Table(
    "campus_progress",
    MetaData(),
    Column("username", String(64), primary_key=True),
    Column("kind", String(8), primary_key=True),
    Column("session", String(8), primary_key=True),
    Column("name", String(16), primary_key=True),
    Column("value", String(64), nullable=False),
    Column("at", String(32), nullable=False),
)


@lru_cache
def connect(url: str) -> Engine:
    """The database, its table made where it is missing."""
    options = {"connect_args": {"timeout": BUSY_SECONDS}} if url.startswith("sqlite") else {"pool_pre_ping": True}
    engine = create_engine(url, **options)
    PROGRESS.metadata.create_all(engine)
    return engine


def database() -> Engine:
    """The database of this state folder."""
    url = os.environ.get("CAMPUS_DATABASE_URL")
    if not url:
        ensure_state()
    return connect(url or f"sqlite:///{state() / 'progress.db'}")


def read_progress(username: str) -> list[dict[str, str]]:
    """All that one person did, the oldest first: kind, session, name, value, at."""
    shown = [PROGRESS.c[name] for name in ("kind", "session", "name", "value", "at")]
    with database().connect() as db:
        rows = db.execute(
            select(*shown).where(PROGRESS.c.username == username).order_by(PROGRESS.c.at, PROGRESS.c.name)
        )
        return [dict(row._mapping) for row in rows]


def read_done(usernames: list[str]) -> dict[str, set[str]]:
    """The sessions that each of some people says they have done."""
    done = {username: set() for username in usernames}
    asked = select(PROGRESS.c.username, PROGRESS.c.session).where(
        PROGRESS.c.kind == "done", PROGRESS.c.value == "yes", PROGRESS.c.username.in_(usernames)
    )
    with database().connect() as db:
        for username, session in db.execute(asked):
            done[username].add(session)
    return done


def keep_progress(username: str, entry: object) -> dict[str, str]:
    """Keep one thing that a person did, in place of what they said of it before; CampusError where it is malformed."""
    kept = check_entry(entry) | {"username": username, "at": datetime.now(UTC).isoformat(timespec="milliseconds")}
    try:
        with database().begin() as db:
            replace(db, kept)
    except IntegrityError:  # the same person in two tabs at once: the later one counts
        with database().begin() as db:
            replace(db, kept)
    return {name: value for name, value in kept.items() if name != "username"}


def check_entry(entry: object) -> dict[str, str]:
    """An entry whose fields have the shapes of its kind."""
    shapes = SHAPES.get(entry.get("kind")) if isinstance(entry, dict) and isinstance(entry.get("kind"), str) else None
    fits = (
        shapes
        and set(entry) == {"kind", *shapes}
        and all(isinstance(entry[name], str) and re.fullmatch(shape, entry[name]) for name, shape in shapes.items())
    )
    if not fits:
        raise CampusError("This is not something that a page of the book says: send kind, session, name and value.")
    return dict(entry)


def replace(db: Connection, row: dict[str, str]) -> None:
    """Put a row in the place of the one with its key; CampusError where a person would have too many."""
    key = [PROGRESS.c[name] == row[name] for name in ("username", "kind", "session", "name")]
    gone = db.execute(delete(PROGRESS).where(*key)).rowcount
    count = select(func.count()).select_from(PROGRESS).where(PROGRESS.c.username == row["username"])
    if not gone and db.execute(count).scalar_one() >= MOST:
        raise CampusError(f"More than {MOST} answers of one person are not kept: tell the programme's lead.")
    db.execute(insert(PROGRESS).values(row))
