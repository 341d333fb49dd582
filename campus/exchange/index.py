"""The index: tables that say what the exchange holds and who did what, in SQLite or PostgreSQL.

Rows of releases, submissions, feedback and the audit log are never changed or deleted: the database itself refuses.
"""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from campus.exchange.refusal import Refusal

TABLES_LOCK = 7_044_003  # PostgreSQL: whoever makes the tables
AWAY = "The database does not answer: nothing was changed; try again in a minute."
COUNTER = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts only in this type
T = TypeVar("T")

METADATA = MetaData()
ASSIGNMENTS = Table(
    "exchange_assignments",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("released", Boolean, nullable=False),  # whether associates see it now
    Column("deadline", String(40)),
    Column("late", String(8), nullable=False),  # `marked` or `refused`
    Column("marks", String(16), nullable=False),  # shown `at once` or `with feedback`
)
EXTENSIONS = Table(
    "exchange_extensions",
    METADATA,
    Column("assignment", ForeignKey(ASSIGNMENTS.c.name), primary_key=True),
    Column("username", String(64), primary_key=True),
    Column("deadline", String(40), nullable=False),
)
RELEASES = Table(
    "exchange_releases",
    METADATA,
    Column("assignment", ForeignKey(ASSIGNMENTS.c.name), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("sha256", String(64), nullable=False),
    Column("files", JSON, nullable=False),
    Column("at", String(40), nullable=False),
    Column("by", String(64), nullable=False),
)
FETCHES = Table(
    "exchange_fetches",
    METADATA,
    Column("assignment", ForeignKey(ASSIGNMENTS.c.name), primary_key=True),
    Column("username", String(64), primary_key=True),
    Column("number", Integer, nullable=False),  # the release that somebody has
)
SUBMISSIONS = Table(
    "exchange_submissions",
    METADATA,
    Column("number", COUNTER, primary_key=True, autoincrement=True),  # their order; clocks may jump
    Column("id", String(32), nullable=False, unique=True),
    Column("assignment", ForeignKey(ASSIGNMENTS.c.name), nullable=False, index=True),
    Column("username", String(64), nullable=False, index=True),
    Column("sha256", String(64), nullable=False),
    Column("files", JSON, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("at", String(40), nullable=False),
    Column("way", String(16), nullable=False),  # `workspace` or `page`
    sqlite_autoincrement=True,
)
MARKING = Table(
    "exchange_marking",
    METADATA,
    Column("submission", ForeignKey(SUBMISSIONS.c.id), primary_key=True),
    Column("state", String(16), nullable=False),  # `being marked` or `marked`; none yet is `received`
    Column("score", Float),
    Column("points", Float),
    Column("at", String(40), nullable=False),
)
FEEDBACK = Table(
    "exchange_feedback",
    METADATA,
    Column("submission", ForeignKey(SUBMISSIONS.c.id), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("sha256", String(64), nullable=False),
    Column("files", JSON, nullable=False),
    Column("at", String(40), nullable=False),
    Column("by", String(64), nullable=False),
)
AUDIT = Table(
    "exchange_audit",
    METADATA,
    Column("number", COUNTER, primary_key=True, autoincrement=True),
    Column("at", String(40), nullable=False),
    Column("who", String(64), nullable=False),
    Column("what", String(32), nullable=False),
    Column("assignment", String(64)),
    Column("username", String(64)),
    Column("about", Text),  # the submission, number or term it was about
    UniqueConstraint("number"),
    sqlite_autoincrement=True,
)
KEPT = (RELEASES, SUBMISSIONS, FEEDBACK, AUDIT)


def read(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Do some reading in one transaction; Refusal where the database does not answer."""
    try:
        with engine.begin() as db:
            return work(db)
    except (DBAPIError, TimeoutError) as error:
        raise Refusal(503, AWAY) from error


def write(engine: Engine, work: Callable[[Connection], T], tries: int = 3) -> T:
    """Do some work in one transaction, again where another writer was first; Refusal where there is no answer."""
    for left in reversed(range(tries)):
        try:
            with engine.connect().execution_options(writes=True) as db, db.begin():
                return work(db)
        except IntegrityError:
            if not left:
                raise
        except (DBAPIError, TimeoutError) as error:
            raise Refusal(503, AWAY) from error
    raise AssertionError("unreachable")


def ensure_tables(engine: Engine, metadata: MetaData = METADATA, kept: tuple[Table, ...] = KEPT) -> None:
    """Make the tables where they are missing, and have the database keep what is to be kept; many may ask at once."""

    def make(db: Connection) -> None:
        if db.dialect.name == "postgresql":
            db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({TABLES_LOCK})")
        metadata.create_all(db)
        for table in kept:
            for statement in KEEP[db.dialect.name]:
                db.exec_driver_sql(statement.format(table=table.name))

    write(engine, make)


KEEP = {
    "sqlite": [
        f"CREATE TRIGGER IF NOT EXISTS {{table}}_no_{verb} BEFORE {verb} ON {{table}} "
        "BEGIN SELECT RAISE(ABORT, '{table} is kept as it is'); END"
        for verb in ("update", "delete")
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION exchange_keeps() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'this is kept as it is'; END $$",
        "CREATE OR REPLACE TRIGGER {table}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION exchange_keeps()",
    ],
}
