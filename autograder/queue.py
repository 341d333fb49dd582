"""The queue: what waits to be marked, in a table of our own in the gradebook's database.

A row is a submission of somebody's, by its digest, for one version of an assignment. It is `waiting`, `claimed` by a
process that must say in time that it is alive, `done`, `failed` after three tries, or `replaced` by a later one of the
same person. Marks and the row's state are written in one transaction, so that whatever is killed between any two steps,
a submission is marked once or waits.
"""

import os
import socket
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import psutil
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Engine,
    Index,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    case,
    create_engine,
    event,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, InternalError, OperationalError

from autograder.assignment import first_line
from campus.errors import CampusError

LEASE_SECONDS = 60.0  # a claim that is not renewed for so long is anybody's
TRIES = 3
BUSY_SECONDS = 30  # how long a process waits for another that writes to SQLite
PAUSES = (0.05, 0.2, 1.0, 3.0)  # before a transaction is tried again

WAITING, CLAIMED, DONE, FAILED, REPLACED = "waiting", "claimed", "done", "failed", "replaced"

METADATA = MetaData()
MARKING = Table(
    "campus_marking",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("assignment", String(128), nullable=False),
    Column("student", String(128), nullable=False),
    Column("digest", String(64), nullable=False),  # of what was handed in
    Column("version", String(64), nullable=False),  # of the assignment
    Column("handed_in", String(64), nullable=False),  # its time stamp, as the exchange gave it; may be empty
    Column("state", String(8), nullable=False),
    Column(
        "arrival", BigInteger, nullable=False
    ),  # the greatest of a person's for an assignment is the one that counts
    Column("round", BigInteger, nullable=False),  # rounds go in order; each person has one submission in a round
    Column("place", BigInteger, nullable=False),  # in the round: one that replaces a waiting one takes over both
    Column("tries", Integer, nullable=False, default=0),
    Column("owner", String(255)),
    Column("claim", String(32)),
    Column("lease", Double),
    Column("report", Text),  # JSON of what marking found, for reports; the marks are in nbgrader's own tables
    UniqueConstraint("assignment", "student", "digest", "version"),
    Index("campus_marking_of", "student", "state"),
    Index("campus_marking_next", "state", "round", "place"),
)

CLOCK = {  # the database's, so that all machines mean the same
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
    "postgresql": "extract(epoch from clock_timestamp())",
}
AWAY = (OperationalError, InterfaceError, InternalError, IntegrityError)  # what may be well at the next try
T = TypeVar("T")


@dataclass(frozen=True)
class HandedIn:
    """What somebody handed in."""

    assignment: str
    student: str
    digest: str
    version: str
    handed_in: str = ""


@dataclass(frozen=True)
class Claim:
    """The right to mark a submission, until it is taken over; `spent` says that its tries are used up."""

    id: int
    token: str
    work: HandedIn
    tries: int
    spent: bool


def no_step(name: str) -> None:
    """Nothing happens between two steps."""


def connect(url: str) -> Engine:
    """An engine for the gradebook's database, whose transactions on SQLite begin as writers: none fails half-way."""
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def we_begin(connection: object, record: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin_as_writer(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def ensure_queue(bind: Engine | Connection) -> None:
    """Make the table where it is missing; the caller sees to it that one process does so at a time."""
    METADATA.create_all(bind)


def this_process() -> str:
    """A name that no other process has: machine, number and time of its start."""
    return f"{socket.gethostname()}/{os.getpid()}/{psutil.Process().create_time():.2f}"


def is_gone(owner: str) -> bool:
    """Whether a process of this machine has ended; those of other machines are taken to live."""
    host, number, started = owner.rsplit("/", 2)
    if host != socket.gethostname():
        return False
    with suppress(psutil.Error):
        return f"{psutil.Process(int(number)).create_time():.2f}" != started
    return True


class Queue:
    """The queue of a gradebook. `step` is told the name of each step that was made: tests stop us there."""

    def __init__(self, url: str, lease: float = LEASE_SECONDS, step: Callable[[str], None] = no_step) -> None:
        self.engine = connect(url)
        self.owner = this_process()
        self.lease = lease
        self.step = step
        self.now = literal_column(CLOCK[self.engine.dialect.name])

    def __enter__(self) -> "Queue":
        return self

    def __exit__(self, *error: object) -> None:
        self.engine.dispose()

    def reach(self) -> None:
        """CampusError where the database cannot be reached."""
        try:
            self.engine.connect().close()
        except DBAPIError as error:
            raise CampusError(
                f"The gradebook's database cannot be reached ({first_line(error.orig)}): start it, or correct "
                "CAMPUS_DATABASE_URL."
            ) from error

    def transact(self, work: Callable[[Connection], T], alone: bool = False) -> T:
        """Write in one transaction, again where the database went away meanwhile; `alone` among its writers."""

        def write(db: Connection) -> T:
            if self.engine.dialect.name == "postgresql":
                mode = "SHARE ROW EXCLUSIVE" if alone else "ROW EXCLUSIVE"
                db.exec_driver_sql(f"LOCK TABLE {MARKING.name} IN {mode} MODE")
            found = work(db)
            self.step("commit")
            return found

        found = self.read(write)
        self.step("committed")
        return found

    def read(self, work: Callable[[Connection], T]) -> T:
        """Do some work in one transaction, again where the database went away meanwhile."""
        for pause in (*PAUSES, None):
            try:
                with self.engine.begin() as db:
                    return work(db)
            except AWAY as error:
                if pause is None and isinstance(error, IntegrityError):
                    raise
                if pause is None:
                    raise CampusError(
                        f"The gradebook's database does not answer ({first_line(error.orig)}): "
                        "see that it runs, and run the command again; nothing that waits is lost."
                    ) from error
                time.sleep(pause)
        raise AssertionError("unreachable")

    # What waits

    def enqueue(self, given: Iterable[HandedIn], again: bool = False) -> list[int]:
        """Put submissions into the queue, the numbers of their rows; one that is there stays as it is.

        One that was replaced, or handed in again unchanged, waits anew; all do with `again`.
        """
        given = list(given)

        def put_all(db: Connection) -> list[int]:
            last = db.scalar(select(func.coalesce(func.max(MARKING.c.arrival), 0)))
            return [put(db, one, last + number, again) for number, one in enumerate(given, start=1)]

        found = self.transact(put_all, alone=True)
        self.step("enqueued")
        return found

    def claim(self, wanted: list[int] | None = None) -> Claim | None:
        """Take the next submission, of the wanted ones if any are named; None where nothing is to be had.

        Rounds in order, and within a round first in, first out: nobody's second comes before another's first.
        """
        gone = [owner for owner in self.read(owners) if is_gone(owner)]
        free = or_(
            MARKING.c.state == WAITING,
            and_(MARKING.c.state == CLAIMED, or_(MARKING.c.lease < self.now, MARKING.c.owner.in_(gone))),
        )
        query = select(MARKING).where(free).order_by(MARKING.c.round, MARKING.c.place).limit(1)
        if wanted is not None:
            query = query.where(MARKING.c.id.in_(wanted))
        token = uuid.uuid4().hex

        def take(db: Connection) -> Claim | None:
            row = db.execute(query.with_for_update(skip_locked=True)).first()
            if row is None:
                return None
            spent = row.tries >= TRIES
            db.execute(
                MARKING.update()
                .where(MARKING.c.id == row.id)
                .values(
                    state=CLAIMED,
                    owner=self.owner,
                    claim=token,
                    lease=self.now + self.lease,
                    tries=row.tries if spent else row.tries + 1,
                )
            )
            return Claim(row.id, token, as_handed_in(row), row.tries if spent else row.tries + 1, spent)

        found = self.transact(take)
        self.step("claimed")
        return found

    def renew(self, tokens: Iterable[str]) -> None:
        """Say that we still work on these claims."""
        tokens = list(tokens)
        ours = MARKING.c.claim.in_(tokens) & (MARKING.c.state == CLAIMED)
        if tokens:
            self.transact(lambda db: db.execute(MARKING.update().where(ours).values(lease=self.now + self.lease)))

    def give_back(self, claim: Claim, counted: bool = True) -> None:
        """Let somebody else take a claim; not `counted` as a try where the submission had no part in it."""
        ours = and_(MARKING.c.id == claim.id, MARKING.c.claim == claim.token, MARKING.c.state == CLAIMED)
        tries = MARKING.c.tries if counted else case((MARKING.c.tries > 0, MARKING.c.tries - 1), else_=0)
        self.transact(
            lambda db: db.execute(
                MARKING.update().where(ours).values(state=WAITING, owner=None, claim=None, lease=None, tries=tries)
            )
        )

    def write(
        self, claim: Claim, state: str, report: str, write_marks: Callable[[Connection, Row | None], None]
    ) -> str:
        """Write marks and the state of their submission in one transaction, where the claim is still ours.

        `write_marks` gets the connection and the row that was marked before of the same person, if any. Returns the
        state that the row has; nothing is written where somebody took the claim over, or a later submission counts.
        """

        def write_once(db: Connection) -> str:
            row = db.execute(select(MARKING).where(MARKING.c.id == claim.id).with_for_update()).one()
            if row.claim != claim.token or row.state != CLAIMED:
                return row.state
            self.step("checked")
            ours = MARKING.c.id == claim.id
            if row.arrival < db.scalar(select(func.max(MARKING.c.arrival)).where(same_work(row))):
                db.execute(MARKING.update().where(ours).values(state=REPLACED, lease=None))
                return REPLACED
            marked = select(MARKING).where(same_work(row), MARKING.c.state.in_((DONE, FAILED)), ~ours)
            last = db.execute(marked.order_by(MARKING.c.arrival.desc()).limit(1)).first()
            write_marks(db, row if row.report else last)
            self.step("marks")
            db.execute(MARKING.update().where(ours).values(state=state, report=report, lease=None))
            return state

        found = self.transact(write_once)
        self.step("written")
        return found

    # What there is

    def rows(self, wanted: list[int]) -> dict[int, Row]:
        """Rows by their number."""
        query = select(MARKING).where(MARKING.c.id.in_(wanted))
        return {row.id: row for row in self.read(lambda db: db.execute(query).all())}

    def open(self, wanted: list[int]) -> int:
        """How many of these rows wait or are being marked."""
        query = select(func.count()).where(MARKING.c.id.in_(wanted), MARKING.c.state.in_((WAITING, CLAIMED)))
        return self.read(lambda db: db.scalar(query))

    def newest(self, assignment: str) -> dict[str, Row]:
        """The row that counts of everybody who handed an assignment in."""
        query = select(MARKING).where(MARKING.c.assignment == assignment).order_by(MARKING.c.arrival)
        return {row.student: row for row in self.read(lambda db: db.execute(query).all())}


def put(db: Connection, one: HandedIn, arrival: int, again: bool) -> int:
    """Put one submission into the queue."""
    mine = and_(MARKING.c.assignment == one.assignment, MARKING.c.student == one.student)
    rows = db.execute(select(MARKING).where(mine)).all()
    found = next((row for row in rows if (row.digest, row.version) == (one.digest, one.version)), None)
    newest = max((row.arrival for row in rows), default=0)
    counts = found and found.arrival == newest and found.handed_in == one.handed_in
    if counts and (not again or found.state in (WAITING, CLAIMED)):
        return found.id
    waiting = next((row for row in rows if row.state == WAITING), None)
    values = {
        "state": WAITING,
        "handed_in": one.handed_in,
        "arrival": arrival,
        "round": waiting.round if waiting else next_round(db, one.student),
        "place": waiting.place if waiting else arrival,
        "tries": 0,
        "owner": None,
        "claim": None,
        "lease": None,
    }
    db.execute(MARKING.update().where(mine, MARKING.c.state == WAITING).values(state=REPLACED))
    if found:
        if found.arrival != newest:
            values["report"] = None  # what was found in it is not what was written last
        db.execute(MARKING.update().where(MARKING.c.id == found.id).values(**values))
        return found.id
    names = {"assignment": one.assignment, "student": one.student, "digest": one.digest, "version": one.version}
    return db.execute(MARKING.insert().values(**names, **values)).inserted_primary_key[0]


def next_round(db: Connection, student: str) -> int:
    """The round after the one that is being marked now, and after those in which this person already has a place."""
    begun = select(func.max(MARKING.c.round)).where(MARKING.c.state.in_((CLAIMED, DONE, FAILED)))
    taken = select(func.max(MARKING.c.round)).where(MARKING.c.student == student, MARKING.c.state == WAITING)
    return max(db.scalar(begun) or 0, db.scalar(taken) or 0) + 1


def same_work(row: Row) -> object:
    """All that a row's person handed in for its assignment."""
    return and_(MARKING.c.assignment == row.assignment, MARKING.c.student == row.student)


def owners(db: Connection) -> list[str]:
    """Who holds claims."""
    return list(db.scalars(select(MARKING.c.owner).where(MARKING.c.state == CLAIMED).distinct()))


def as_handed_in(row: Row) -> HandedIn:
    """What a row is about."""
    return HandedIn(row.assignment, row.student, row.digest, row.version, row.handed_in)
