"""Databases of our own tables: SQLite on one machine, PostgreSQL for a service."""

import os
import sqlite3
import time
from pathlib import Path

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine

from campus.errors import CampusError

BUSY_SECONDS = 20  # how long a writer waits for another on SQLite
CONNECT_SECONDS = 5
POOL = 8


def connect(url: str) -> Engine:
    """An engine whose transactions begin as writers where asked (`writes=True`), so that none fails half-way."""
    if not url.startswith("sqlite"):
        return create_engine(
            url,
            pool_pre_ping=True,
            pool_size=POOL,
            pool_timeout=BUSY_SECONDS,
            connect_args={"connect_timeout": CONNECT_SECONDS},
        )
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, pool_size=POOL, pool_timeout=BUSY_SECONDS)

    @event.listens_for(engine, "connect")
    def settle(connection: object, record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say
        use_log(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def use_log(connection: sqlite3.Connection) -> None:
    """Have SQLite write ahead; of two who open a new database at one moment it lets none wait for that, so we do."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def choose_url(file: Path) -> str:
    """The PostgreSQL that CAMPUS_DATABASE_URL names, else SQLite in a file."""
    given = os.environ.get("CAMPUS_DATABASE_URL")
    if not given:
        return f"sqlite:///{file}"
    start, found, rest = given.partition("://")
    if not found or start not in ("postgresql", "postgresql+psycopg"):
        raise CampusError(
            f"CAMPUS_DATABASE_URL starts with '{start[:20]}', which is no database of ours: write it as "
            "postgresql+psycopg://NAME:PASSWORD@HOST/DATABASE, or leave it out for SQLite."
        )
    return f"postgresql+psycopg://{rest}"
