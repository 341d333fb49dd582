"""Openings: on which day each module opens for which cohort, and who decided it.

A module opens on the day that the lead gave it by hand; else in the week in which the cohort's pace plan begins it;
else it is open. What waits are its assignments, and the way into the workspace: the book stays readable, so that nobody
who has an hour to spare is kept from learning, while a cohort still meets the same work in the same week. Closing takes
nothing away: who has fetched an assignment keeps it, and hands it in.

Kept beside the hub's other state in SQLite, or in the database that CAMPUS_DATABASE_URL names; each change and its line
in the log are written together or not at all, and the database itself refuses to alter the log.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

from sqlalchemy import JSON, Column, Connection, Integer, MetaData, String, Table, delete, insert, select
from sqlalchemy.engine import Engine

from campus import folders
from campus.cohort.people import database_file as people_file
from campus.cohort.people import know_people
from campus.cohort.roster import Person
from campus.database import choose_url
from campus.database import connect as open_database
from campus.errors import CampusError
from campus.exchange import index, moment
from campus.exchange.refusal import Refusal
from campus.pace import (
    PLANS,
    Pace,
    Week,
    describe_pace,
    describe_week,
    find_first_days,
    list_studies,
    plan_weeks,
    say_day,
)
from campus.syllabus import Module, read_syllabus

HAND, PLAN, NOBODY = "hand", "plan", "nobody"
METADATA = MetaData()
OPENINGS = Table(
    "campus_openings",
    METADATA,
    Column("cohort", String(64), primary_key=True),
    Column("module", Integer, primary_key=True),
    Column("day", String(10)),  # none: closed until somebody opens it
)
PACES = Table(
    "campus_paces",
    METADATA,
    Column("cohort", String(64), primary_key=True),
    Column("plan", String(16), nullable=False),
    Column("start", String(10), nullable=False),
    Column("breaks", JSON, nullable=False),
)
CHANGES = Table(
    "campus_opening_changes",
    METADATA,
    Column("number", index.COUNTER, primary_key=True, autoincrement=True),
    Column("at", String(40), nullable=False),
    Column("who", String(64), nullable=False),
    Column("cohort", String(64), nullable=False),
    Column("what", String(200), nullable=False),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True)
class Opening:
    """When a module opens for a cohort, and by what: HAND, PLAN or NOBODY, which leaves it open."""

    module: int
    title: str
    day: date | None
    by: str

    def is_open(self, today: date) -> bool:
        return self.by == NOBODY or (self.day is not None and self.day <= today)

    @property
    def when(self) -> str:
        """When it opens, for those who wait."""
        return (
            f"opens on {say_day(self.day)}" if self.day else "is closed: the lead has not set the day on which it opens"
        )

    def say(self, today: date) -> str:
        """What holds on a day, for those who decide."""
        if self.by == NOBODY:
            return "open"
        if self.day is None:
            return "closed until somebody opens it"
        return f"open since {say_day(self.day)}" if self.is_open(today) else f"opens on {say_day(self.day)}"

    def __str__(self) -> str:
        """The sentence for those who wait."""
        return f"Module {self.module}, {self.title}, {self.when}."


@dataclass(frozen=True)
class Decisions:
    """What the lead decided for a cohort: its pace, and the days of modules by hand (None: closed)."""

    pace: Pace | None = None
    days: tuple[tuple[int, date | None], ...] = ()


# ---- What was decided ----


def today(now: str | None = None) -> date:
    """The day in London by the server's clock, or at a moment as the exchange keeps it."""
    return datetime.fromisoformat(now or moment.now()).astimezone(moment.HERE).date()


def database_file() -> Path:
    """Where decisions are kept without a database of the service."""
    return folders.state() / "openings.db"


def is_begun() -> bool:
    """Whether there is a database of decisions: to read makes none."""
    return bool(os.environ.get("CAMPUS_DATABASE_URL")) or database_file().exists()


def database() -> Engine:
    """The database of this state folder, its tables made where they are missing."""
    folders.ensure_state()
    return connect(choose_url(database_file()))


@lru_cache(maxsize=4)
def connect(url: str) -> Engine:
    engine = open_database(url)
    index.ensure_tables(engine, METADATA, (CHANGES,))
    return engine


def read_decisions(cohort: str) -> Decisions:
    """What is decided for a cohort."""
    if not is_begun():
        return Decisions()

    def work(db: Connection) -> Decisions:
        pace = db.execute(select(PACES).where(PACES.c.cohort == cohort)).first()
        rows = db.execute(select(OPENINGS).where(OPENINGS.c.cohort == cohort).order_by(OPENINGS.c.module))
        days = tuple((row.module, date.fromisoformat(row.day) if row.day else None) for row in rows)
        breaks = tuple(date.fromisoformat(day) for day in pace.breaks) if pace else ()
        return Decisions(Pace(pace.plan, date.fromisoformat(pace.start), breaks) if pace else None, days)

    return index.read(database(), work)


def read_changes(cohort: str, limit: int = 20) -> list[dict[str, str]]:
    """Who decided what for a cohort, the latest first: at, who, what."""
    if not is_begun():
        return []
    query = select(CHANGES).where(CHANGES.c.cohort == cohort).order_by(CHANGES.c.number.desc()).limit(limit)
    rows = index.read(database(), lambda db: db.execute(query).all())
    return [{name: getattr(row, name) for name in ("at", "who", "what")} for row in rows]


# ---- What follows from it ----


def find_openings(decisions: Decisions, modules: Iterable[Module]) -> dict[int, Opening]:
    """When each module opens, by its number and in their order."""
    modules = list(modules)
    by_hand = dict(decisions.days)
    by_plan = find_first_days(list_weeks(decisions, modules))
    found = {}
    for module in modules:
        by = HAND if module.number in by_hand else PLAN if module.number in by_plan else NOBODY
        day = by_hand.get(module.number) if by == HAND else by_plan.get(module.number)
        found[module.number] = Opening(module.number, module.title, day, by)
    return found


def list_weeks(decisions: Decisions, modules: Iterable[Module]) -> tuple[Week, ...]:
    """The weeks of a cohort's pace plan; none without a plan."""
    return plan_weeks(list_studies(modules), decisions.pace) if decisions.pace else ()


def list_closed(decisions: Decisions, modules: Iterable[Module], day: date) -> dict[int, Opening]:
    """The modules that have not opened on a day, by number."""
    return {number: one for number, one in find_openings(decisions, modules).items() if not one.is_open(day)}


def find_closed_assignments(account: str, now: str) -> dict[str, str]:
    """The assignments of modules that have not opened for an associate, each with the sentence that says when."""
    if not is_begun():
        return {}
    try:
        member = know_people(choose_url(people_file())).of_account(account)
        if member is None or member.role != "associate":
            return {}
        modules = read_modules(*stamp([folders.TOC, *folders.MODULES.glob("*/*.md")]))
    except CampusError as error:
        raise Refusal(503, f"Whether the module is open cannot be read: {error}") from error
    closed = list_closed(read_decisions(member.cohort), modules, today(now))
    return {
        session.assignment: str(closed[module.number])
        for module in modules
        if module.number in closed
        for session in module.sessions
        if session.assignment
    }


def stamp(files: Iterable[Path]) -> tuple[tuple[str, int, int], ...]:
    """What tells whether one of some files changed."""
    found = ((file, file.stat()) for file in sorted(files) if file.exists())
    return tuple((str(file), info.st_mtime_ns, info.st_size) for file, info in found)


@lru_cache(maxsize=1)
def read_modules(*changed: tuple[str, int, int]) -> list[Module]:
    """The syllabus, read again when one of its files changed."""
    return read_syllabus()


def describe_cohort(cohort: str, modules: list[Module], day: date) -> dict:
    """All that is decided for a cohort, and what follows from it on a day, as plain data."""
    decisions = read_decisions(cohort)
    openings = find_openings(decisions, modules).values()
    return {
        "cohort": cohort,
        "pace": describe_pace(decisions.pace) if decisions.pace else None,
        "modules": [
            {
                "module": one.module,
                "title": one.title,
                "opens": one.day.isoformat() if one.day else None,
                "by": one.by,
                "open": one.is_open(day),
            }
            for one in openings
        ],
        "weeks": [describe_week(week) for week in list_weeks(decisions, modules)],
        "changes": read_changes(cohort),
    }


# ---- Deciding ----


def set_opening(cohort: str, module: int, day: date | None, who: str) -> None:
    """Give a module its day by hand, or close it with None until somebody opens it."""
    told = f"module {module} opens on {say_day(day)}" if day else f"module {module} is closed"

    def work(db: Connection) -> None:
        db.execute(delete(OPENINGS).where(OPENINGS.c.cohort == cohort, OPENINGS.c.module == module))
        db.execute(insert(OPENINGS).values(cohort=cohort, module=module, day=day.isoformat() if day else None))

    decide(cohort, told, who, work)


def follow_plan(cohort: str, module: int, who: str) -> None:
    """Forget what was decided about a module by hand: it opens by the pace plan again."""

    def work(db: Connection) -> None:
        db.execute(delete(OPENINGS).where(OPENINGS.c.cohort == cohort, OPENINGS.c.module == module))

    decide(cohort, f"module {module} opens by the plan", who, work)


def set_pace(cohort: str, pace: Pace, who: str) -> None:
    """Give a cohort its pace plan, in place of the one it had."""

    def work(db: Connection) -> None:
        db.execute(delete(PACES).where(PACES.c.cohort == cohort))
        values = {"plan": pace.plan, "start": pace.start.isoformat(), "breaks": [str(day) for day in pace.breaks]}
        db.execute(insert(PACES).values(cohort=cohort, **values))

    decide(cohort, f"the pace is {say_pace(pace)}", who, work)


def decide(cohort: str, what: str, who: str, work: Callable[[Connection], None]) -> None:
    """Write a change and its line in the log, both or neither."""
    line = {"at": moment.now(), "who": who, "cohort": cohort, "what": what}

    def both(db: Connection) -> None:
        work(db)
        db.execute(insert(CHANGES).values(line))

    index.write(database(), both)


def say_pace(pace: Pace) -> str:
    """A pace in words."""
    off = f", {len(pace.breaks)} {'week' if len(pace.breaks) == 1 else 'weeks'} off" if pace.breaks else ""
    return f"{PLANS[pace.plan].name} from {say_day(pace.start)}{off}"


def list_cohorts(people: Iterable[Person]) -> list[str]:
    """The cohorts that have associates, in order."""
    return sorted({person.cohort for person in people if person.role == "associate"})


def check_cohort(cohort: str | None, people: Iterable[Person]) -> str:
    """A cohort that has associates, the only one where none is named; CampusError otherwise."""
    known = list_cohorts(people)
    if not known:
        raise CampusError("Nobody who takes part is an associate: load the roster first.")
    if cohort is None and len(known) > 1:
        raise CampusError(f"There are the cohorts {', '.join(known)}: say which one is meant.")
    if cohort is not None and cohort not in known:
        raise CampusError(f"There is no cohort '{cohort}': choose one of {', '.join(known)}.")
    return cohort or known[0]


def check_module(number: int, modules: Iterable[Module]) -> int:
    """The number of a module of the programme; CampusError otherwise."""
    known = [module.number for module in modules]
    if number not in known:
        raise CampusError(f"There is no module {number}: choose one of {', '.join(str(one) for one in known)}.")
    return number


def read_day(text: str) -> date:
    """A day that somebody wrote; CampusError otherwise."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise CampusError(f"'{text[:40]}' is not a day: write it as 2027-01-12.") from None
