"""The store: releases, submissions and feedback as files, with the index that says what they are.

Files are written under `scratch/`, flushed to the disk, moved to their place in one step, and only then named in the
index: what the index names is whole. A file that no row names came from something that was cut off, and is swept away.
"""

import os
import re
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection, Row, func, insert, select, update

from campus import folders
from campus.cohort.people import Member, list_known
from campus.database import connect
from campus.exchange import index, moment
from campus.exchange.index import (
    ASSIGNMENTS,
    AUDIT,
    EXTENSIONS,
    FEEDBACK,
    FETCHES,
    MARKING,
    RELEASES,
    SUBMISSIONS,
)
from campus.exchange.parcel import Entry, Limits, Parcel, Unpacker, sync
from campus.exchange.refusal import Refusal, printable
from campus.opening import find_closed_assignments

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
USERNAME = re.compile(r"[a-z0-9][a-z0-9_.@-]{0,63}")
LATE = ("marked", "refused")
MARKS = ("with feedback", "at once")
STATES = ("being marked", "marked")
MOST_SUBMISSIONS = 100  # of one associate for one assignment
MOST_BYTES = 300 * 1024**2
ARRIVALS = 500  # told at one time
STALE_SECONDS = 3600  # what was being written so long ago will never be finished


@dataclass(frozen=True)
class Terms:
    """What a tutor says about an assignment: its deadline, what becomes of late work, when marks are shown."""

    deadline: str | None = None
    late: str = LATE[0]
    marks: str = MARKS[0]


def default_folder() -> Path:
    """Where the exchange keeps its files."""
    return folders.state() / "exchange"


def default_url(folder: Path) -> str:
    """The index: SQLite beside the files, or the database that CAMPUS_EXCHANGE_DATABASE_URL names."""
    return os.environ.get("CAMPUS_EXCHANGE_DATABASE_URL") or f"sqlite:///{folder / 'index.db'}"


class Store:
    """An exchange's files and index. It keeps what it is given; who may do what is decided in `desk`."""

    def __init__(
        self,
        folder: Path | None = None,
        url: str | None = None,
        now: Callable[[], str] = moment.now,
        closed: Callable[[str, str], dict[str, str]] = find_closed_assignments,
        people: Callable[[], list[Member]] = list_known,
    ):
        self.folder = folder or default_folder()
        self.engine = connect(url or default_url(self.folder))
        self.now = now
        self.loose: dict[Path, float] = {}  # what no row names, and since when we know
        self.closed = closed  # for whom and when: assignments of modules that have not opened, and what to say of them
        self.people = people  # whom the roster knows; nobody without one

    def ensure(self) -> "Store":
        """Make folders and tables where they are missing."""
        for folder in (self.folder, self.folder / "scratch"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        index.ensure_tables(self.engine)
        return self

    def close(self) -> None:
        self.engine.dispose()

    # Files

    def unpacker(self, limits: Limits) -> Unpacker:
        """Somewhere to write a parcel that arrives."""
        folder = self.folder / "scratch" / new_id()
        folder.mkdir(mode=0o700)
        return Unpacker(folder, limits)

    def place(self, kind: str, assignment: str, *rest: str) -> Path:
        """Where the files of one thing are kept; every part was checked before."""
        return self.folder.joinpath(kind, assignment, *rest)

    def keep(self, parcel: Parcel, place: Path) -> None:
        """Move a parcel to its place, so that it is there whole or not at all, whenever the machine stops."""
        missing = [folder for folder in place.parents if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)
        os.rename(parcel.folder, place)
        for folder in [place.parent, *(folder.parent for folder in missing)]:
            sync(folder)

    def record(self, parcel: Parcel, place: Path, work: Callable[[Connection], tuple[dict, bool]]) -> tuple[dict, bool]:
        """Keep a parcel and write its row; it goes again where `work` refuses it or says that it is there already."""
        used = False
        try:
            self.keep(parcel, place)
            row, used = index.write(self.engine, work)
            return row, used
        except Refusal as refusal:
            used = refusal.status == 503 and self.may_be_indexed(place.name)  # the commit's answer may be what was lost
            raise
        finally:
            if not used:
                shutil.rmtree(place, ignore_errors=True)

    def may_be_indexed(self, id: str) -> bool:
        """Whether a row names these files, or nobody can say: then the next sweep decides."""
        try:
            return id in self.indexed({id})
        except Refusal:
            return True

    def indexed(self, ids: set[str]) -> set[str]:
        """Those of some ids that the index names."""
        tables = (RELEASES, SUBMISSIONS, FEEDBACK)
        queries = [select(table.c.id).where(table.c.id.in_(ids)) for table in tables]
        return index.read(self.engine, lambda db: {id for query in queries for id in db.scalars(query)})

    def sweep(self, stale: float = STALE_SECONDS) -> int:
        """Remove what was cut off: what no row names, now and already so many seconds ago; how many folders went.

        Ages are counted here, by a clock that never jumps: those of the files are worth nothing after a jump.
        """
        loose = {*self.folder.glob("scratch/*")}
        placed = [
            *self.folder.glob("releases/*/*"),
            *self.folder.glob("submissions/*/*/*"),
            *self.folder.glob("feedback/*/*/*"),
        ]
        for start in range(0, len(placed), 500):
            some = placed[start : start + 500]
            known = self.indexed({folder.name for folder in some})
            loose |= {folder for folder in some if folder.name not in known}
        now = time.monotonic()
        self.loose = {folder: self.loose.get(folder, now) for folder in loose}
        cut_off = [folder for folder, since in self.loose.items() if now - since >= stale]
        for folder in cut_off:
            shutil.rmtree(folder, ignore_errors=True)
        return len(cut_off)

    # Assignments and releases

    def assignments(self) -> list[dict]:
        """Every assignment with its terms and its latest release."""

        def work(db: Connection) -> list[dict]:
            latest = select(RELEASES.c.assignment, func.max(RELEASES.c.number)).group_by(RELEASES.c.assignment)
            numbers = {name: number for name, number in db.execute(latest)}
            found = [as_dict(row) for row in db.execute(select(ASSIGNMENTS).order_by(ASSIGNMENTS.c.name))]
            return [one | {"release": numbers.get(one["name"])} for one in found]

        return index.read(self.engine, work)

    def add_release(self, name: str, parcel: Parcel, by: str) -> tuple[dict, bool]:
        """The release that a parcel became, and whether it is new: the same again is the one that was there."""
        check_name(name)
        id = new_id()

        def work(db: Connection) -> tuple[dict, bool]:
            if lock(db, name) is None:
                db.execute(insert(ASSIGNMENTS).values(name=name, released=True, late=LATE[0], marks=MARKS[0]))
            else:
                db.execute(update(ASSIGNMENTS).where(ASSIGNMENTS.c.name == name).values(released=True))
            latest = db.execute(newest(RELEASES, RELEASES.c.assignment == name)).first()
            if latest is not None and latest.sha256 == parcel.sha256:
                self.note(db, by, "released again", name, about=latest.number)
                return as_dict(latest), False
            row = self.row(parcel, id, assignment=name, number=latest.number + 1 if latest else 1, by=by)
            db.execute(insert(RELEASES).values(row))
            self.note(db, by, "released", name, about=row["number"])
            return row, True

        return self.record(parcel, self.place("releases", name, id), work)

    def release(self, name: str, number: int | None = None) -> dict:
        """One release by its number, the latest without it; Refusal where there is none."""
        which = RELEASES.c.assignment == name
        if number is not None:
            which &= RELEASES.c.number == number
        found = index.read(self.engine, lambda db: db.execute(newest(RELEASES, which)).first())
        if found is None:
            raise no_assignment(name)
        return as_dict(found)

    def withdraw(self, name: str, by: str) -> None:
        """Show an assignment to associates no more; its releases stay."""

        def work(db: Connection) -> None:
            if lock(db, name) is None:
                raise no_assignment(name)
            db.execute(update(ASSIGNMENTS).where(ASSIGNMENTS.c.name == name).values(released=False))
            self.note(db, by, "withdrew", name)

        index.write(self.engine, work)

    def set_terms(self, name: str, terms: Terms, by: str) -> None:
        """Give an assignment its terms; one that is not released yet may have them already."""
        check_name(name)
        values = asdict(terms)

        def work(db: Connection) -> None:
            if lock(db, name) is None:
                db.execute(insert(ASSIGNMENTS).values(name=name, released=False, **values))
            else:
                db.execute(update(ASSIGNMENTS).where(ASSIGNMENTS.c.name == name).values(values))
            self.note(
                db, by, "set terms", name, about=f"{terms.deadline or 'no deadline'}, {terms.late}, {terms.marks}"
            )

        index.write(self.engine, work)

    def extend(self, name: str, username: str, deadline: str | None, by: str) -> None:
        """Give somebody a deadline of their own, or take it back with None."""
        check_username(username)
        which = (EXTENSIONS.c.assignment == name) & (EXTENSIONS.c.username == username)

        def work(db: Connection) -> None:
            if lock(db, name) is None:
                raise no_assignment(name)
            db.execute(EXTENSIONS.delete().where(which))
            if deadline is not None:
                db.execute(insert(EXTENSIONS).values(assignment=name, username=username, deadline=deadline))
            self.note(db, by, "extended", name, username, deadline or "no extension")

        index.write(self.engine, work)

    def extensions(self) -> dict[tuple[str, str], str]:
        """All deadlines of single people, by assignment and username."""
        found = index.read(self.engine, lambda db: db.execute(select(EXTENSIONS)).all())
        return {(row.assignment, row.username): row.deadline for row in found}

    def fetched(self, name: str, username: str, number: int) -> None:
        """Remember which release somebody took last."""
        which = (FETCHES.c.assignment == name) & (FETCHES.c.username == username)

        def work(db: Connection) -> None:
            lock(db, name)
            if not db.execute(update(FETCHES).where(which).values(number=number)).rowcount:
                db.execute(insert(FETCHES).values(assignment=name, username=username, number=number))
            self.note(db, username, "fetched", name, username, number)

        index.write(self.engine, work)

    def fetches(self, username: str) -> dict[str, int]:
        """The number of the release that somebody took last, by assignment."""
        query = select(FETCHES).where(FETCHES.c.username == username)
        return {row.assignment: row.number for row in index.read(self.engine, lambda db: db.execute(query).all())}

    def visitors(self) -> set[str]:
        """Everybody who has fetched or handed in anything."""
        columns = (FETCHES.c.username, SUBMISSIONS.c.username)
        return index.read(
            self.engine, lambda db: {who for one in columns for who in db.scalars(select(one).distinct())}
        )

    # Submissions, marking and feedback

    def add_submission(self, name: str, username: str, parcel: Parcel, way: str) -> tuple[dict, bool]:
        """The submission that a parcel became, and whether it is new: what was handed in last, again, is still that."""
        check_name(name)
        check_username(username)
        id = new_id()

        def work(db: Connection) -> tuple[dict, bool]:
            assignment = lock(db, name)
            if assignment is None or not assignment.released:
                raise no_assignment(name)
            mine = (SUBMISSIONS.c.assignment == name) & (SUBMISSIONS.c.username == username)
            latest = db.execute(newest(SUBMISSIONS, mine)).first()
            if latest is not None and latest.sha256 == parcel.sha256:
                self.note(db, username, "submitted again", name, username, latest.id)
                return as_dict(latest), False
            at = self.now()
            refuse_late(db, assignment, username, at)
            count, size = db.execute(select(func.count(), func.sum(SUBMISSIONS.c.bytes)).where(mine)).one()
            if count >= MOST_SUBMISSIONS or (size or 0) + parcel.bytes > MOST_BYTES:
                raise Refusal(
                    429,
                    f"You have handed in {name} {count} times, {(size or 0) // 1024**2} MB in all, "
                    "which is the most that is kept: ask your tutor.",
                )
            row = self.row(parcel, id, assignment=name, username=username, bytes=parcel.bytes, way=way) | {"at": at}
            db.execute(insert(SUBMISSIONS).values(row))
            self.note(db, username, "submitted", name, username, id)
            return as_dict(db.execute(select(SUBMISSIONS).where(SUBMISSIONS.c.id == id)).one()), True

        return self.record(parcel, self.place("submissions", name, username, id), work)

    def submissions(self, name: str | None = None, username: str | None = None, id: str | None = None) -> list[dict]:
        """Submissions in their order, each with its marking and the number of its feedback."""
        number = select(func.max(FEEDBACK.c.number)).where(FEEDBACK.c.submission == SUBMISSIONS.c.id).scalar_subquery()
        query = (
            select(SUBMISSIONS, MARKING.c.state, MARKING.c.score, MARKING.c.points, number.label("feedback"))
            .outerjoin(MARKING, MARKING.c.submission == SUBMISSIONS.c.id)
            .order_by(SUBMISSIONS.c.number)
        )
        for column, wanted in (("assignment", name), ("username", username), ("id", id)):
            if wanted is not None:
                query = query.where(SUBMISSIONS.c[column] == wanted)
        return [as_dict(row) for row in index.read(self.engine, lambda db: db.execute(query).all())]

    def arrivals(self, after: int) -> list[dict]:
        """Number, id, assignment and username of the submissions behind a number, in order."""
        columns = (SUBMISSIONS.c.number, SUBMISSIONS.c.id, SUBMISSIONS.c.assignment, SUBMISSIONS.c.username)
        query = select(*columns).where(SUBMISSIONS.c.number > after).order_by(SUBMISSIONS.c.number).limit(ARRIVALS)
        return [as_dict(row) for row in index.read(self.engine, lambda db: db.execute(query).all())]

    def report(self, id: str, state: str, score: float | None, points: float | None, by: str) -> None:
        """Say how far the marking of a submission is."""
        values = {"state": state, "score": score, "points": points, "at": self.now()}

        def work(db: Connection) -> None:
            submission = find_submission(db, id)
            if not db.execute(update(MARKING).where(MARKING.c.submission == id).values(values)).rowcount:
                db.execute(insert(MARKING).values(submission=id, **values))
            told = state if score is None else f"{state}, {score:g} of {points:g}"
            self.note(db, by, "reported", submission.assignment, submission.username, f"{id}: {told}")

        index.write(self.engine, work)

    def add_feedback(self, id: str, parcel: Parcel, by: str) -> tuple[dict, bool]:
        """The feedback that a parcel became, and whether it is new; earlier feedback on the submission stays."""
        own = new_id()

        def work(db: Connection) -> tuple[dict, bool]:
            submission = find_submission(db, id)
            latest = db.execute(newest(FEEDBACK, FEEDBACK.c.submission == id)).first()
            if latest is not None and latest.sha256 == parcel.sha256:
                return as_dict(latest), False
            row = self.row(parcel, own, submission=id, number=latest.number + 1 if latest else 1, by=by)
            db.execute(insert(FEEDBACK).values(row))
            self.note(db, by, "gave feedback", submission.assignment, submission.username, f"{id}: {row['number']}")
            return row, True

        return self.record(parcel, self.feedback_place(id, own), work)

    def feedback(self, id: str) -> dict:
        """The latest feedback on a submission; Refusal where there is none yet."""
        found = index.read(self.engine, lambda db: db.execute(newest(FEEDBACK, FEEDBACK.c.submission == id)).first())
        if found is None:
            raise Refusal(404, "There is no feedback on this submission yet.")
        return as_dict(found)

    def feedback_place(self, submission: str, id: str) -> Path:
        """Where feedback is kept: beside its associate's other feedback on the assignment."""
        found = index.read(self.engine, lambda db: find_submission(db, submission))
        return self.place("feedback", found.assignment, found.username, id)

    # Who did what

    def note(
        self,
        db: Connection,
        who: str,
        what: str,
        assignment: str | None = None,
        username: str | None = None,
        about: object = None,
    ) -> None:
        """Write a line of the audit log, in the transaction of what it tells."""
        about = None if about is None else str(about)
        values = {"at": self.now(), "who": who, "what": what, "assignment": assignment, "username": username}
        db.execute(insert(AUDIT).values(values | {"about": about}))

    def note_alone(self, who: str, what: str, assignment: str, username: str, about: str) -> None:
        """A line of the audit log for something that changes nothing else."""
        index.write(self.engine, lambda db: self.note(db, who, what, assignment, username, about))

    def audit(self, after: int = 0, limit: int = 500) -> list[dict]:
        """Lines of the audit log behind a number, oldest first."""
        query = select(AUDIT).where(AUDIT.c.number > after).order_by(AUDIT.c.number).limit(limit)
        return [as_dict(row) for row in index.read(self.engine, lambda db: db.execute(query).all())]

    def row(self, parcel: Parcel, id: str, **own: object) -> dict:
        """What the rows of a release, a submission and a feedback have in common, and what is their own."""
        listed = [asdict(entry) for entry in parcel.entries]
        return {"id": id, "sha256": parcel.sha256, "files": listed, "at": self.now(), **own}


def new_id() -> str:
    """A name for something new that nobody can guess."""
    return secrets.token_hex(16)


def as_dict(row: Row) -> dict:
    return dict(row._mapping)


def entries(row: dict) -> tuple[Entry, ...]:
    """The files that a row of a release, a submission or a feedback names."""
    return tuple(Entry(**item) for item in row["files"])


def newest(table: object, which: object) -> object:
    """The query for the row with the greatest number."""
    return select(table).where(which).order_by(table.c.number.desc()).limit(1)


def lock(db: Connection, name: str) -> Row | None:
    """An assignment's row, which no other writer changes until we are done; None where there is none."""
    return db.execute(select(ASSIGNMENTS).where(ASSIGNMENTS.c.name == name).with_for_update()).first()


def find_submission(db: Connection, id: str) -> Row:
    found = db.execute(select(SUBMISSIONS).where(SUBMISSIONS.c.id == id)).first()
    if found is None:
        raise Refusal(404, "There is no such submission.")
    lock(db, found.assignment)
    return found


def refuse_late(db: Connection, assignment: Row, username: str, at: str) -> None:
    """Refusal after the deadline where the tutor said that late work is refused."""
    own = select(EXTENSIONS.c.deadline).where(
        (EXTENSIONS.c.assignment == assignment.name) & (EXTENSIONS.c.username == username)
    )
    deadline = db.scalar(own) or assignment.deadline
    if assignment.late == "refused" and deadline is not None and at > deadline:
        raise Refusal(
            403,
            f"{assignment.name} was to be handed in by {moment.for_people(deadline)}: ask your tutor for more time.",
        )


def check_name(name: str) -> None:
    """Refusal of what cannot be an assignment's name."""
    if not NAME.fullmatch(name):
        raise Refusal(
            422, f"'{printable(name)}' is not an assignment's name: use up to 64 letters, digits, '-' and '_'."
        )


def check_username(username: str) -> None:
    """Refusal of what cannot be a username."""
    if not USERNAME.fullmatch(username):
        raise Refusal(422, f"'{printable(username)}' is not a username.")


def no_assignment(name: str) -> Refusal:
    return Refusal(404, f"There is no assignment '{printable(name)}' here.")
