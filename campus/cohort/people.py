"""The people: a table of our own, with an id and an account for life, which the roster brings up to date.

A person's username and address may change. Their account does not: it is what the hub, their home, the exchange and the
gradebook call them, and it is never given to anybody else. Nobody is deleted: who is no longer on the roster has left.
"""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, insert, inspect, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from campus.cohort.roster import COLUMNS, LINKS, MOST_LETTERS, Person, Problem, check_roster, printable, tell_problems
from campus.database import choose_url, connect
from campus.errors import CampusError, tell
from campus.exchange.moment import now
from campus.folders import HUB_CONFIG, ensure_state, state

FRESH_SECONDS = 5  # how long what was read of the people holds
ACCOUNT_LETTERS = 32
TABLES_LOCK = 7_044_004  # PostgreSQL: whoever loads a roster
AWAY = "The table of people does not answer: nothing was changed; try again in a minute."
T = TypeVar("T")

METADATA = MetaData()
PEOPLE = Table(
    "campus_people",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("account", String(64), nullable=False, unique=True),
    *(Column(name, String(MOST_LETTERS), nullable=False) for name in COLUMNS),  # tutor, mentor, supervisor: accounts
    Column("joined_at", String(40), nullable=False),
    Column("left_at", String(40)),  # None for who takes part
    sqlite_autoincrement=True,  # a number is never given twice
)


@dataclass(frozen=True)
class Member(Person):
    """A person of the table; `tutor`, `mentor` and `supervisor` are accounts, `left_at` is None for who takes part."""

    id: int
    account: str
    joined_at: str
    left_at: str | None

    def known_as(self) -> Person:
        """The person as everything but the sign-in knows them: by account."""
        own = {name: getattr(self, name) for name in COLUMNS}
        return Person(**own | {"username": self.account})


# ---- Reading ----


def database_file() -> Path:
    """The table's file, where it is one."""
    return state() / "people.db"


class People:
    """The table of people. It is read again when what is known is older than some seconds, so that a change is seen."""

    def __init__(self, url: str | None = None, fresh: float = FRESH_SECONDS):
        self.engine = connect(url or choose_url(database_file()))
        self.fresh = fresh
        self.known: list[Member] = []
        self.read_at = float("-inf")

    def close(self) -> None:
        self.engine.dispose()

    def ensure(self) -> "People":
        """Make the table where it is missing."""
        ensure_table(self.engine)
        return self

    def all(self) -> list[Member]:
        """Everybody, who left included; what was read last while the database does not answer."""
        if time.monotonic() - self.read_at > self.fresh:
            try:
                self.known = read(self.engine, read_members)
            except CampusError:
                if self.read_at == float("-inf"):
                    raise
            self.read_at = time.monotonic()
        return self.known

    def present(self) -> list[Person]:
        """Who takes part, by account."""
        return [member.known_as() for member in self.all() if member.left_at is None]

    def find(self, sign_in: str) -> Member | None:
        """Who takes part and signs in with a username or an address."""
        wanted = sign_in.casefold()
        found = [one for one in self.all() if wanted in (one.username.casefold(), one.email.casefold())]
        return next((one for one in found if one.left_at is None), None)

    def of_account(self, account: str) -> Member | None:
        """Who takes part and has an account."""
        return next((one for one in self.all() if one.account == account and one.left_at is None), None)


@lru_cache(maxsize=4)
def know_people(url: str) -> People:
    """The people, kept for as long as what was read of them holds."""
    return People(url).ensure()


def list_known() -> list[Member]:
    """Everybody whom the campus knows, who left included; nobody where no roster was loaded: to read makes no table."""
    if not os.environ.get("CAMPUS_DATABASE_URL") and not database_file().exists():
        return []
    return know_people(choose_url(database_file())).all()


def ensure_table(engine: Engine) -> None:
    """Make the table where it is missing; its file is for its owner alone, as it holds everybody's address."""
    write(engine, METADATA.create_all)
    if engine.dialect.name == "sqlite":
        Path(engine.url.database).chmod(0o600)


def read_members(db: Connection) -> list[Member]:
    """Everybody in the order in which they came."""
    if not inspect(db).has_table(PEOPLE.name):
        return []
    return [Member(**row._mapping) for row in db.execute(select(PEOPLE).order_by(PEOPLE.c.id))]


def read(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Do some reading in one transaction; CampusError where the database does not answer."""
    try:
        with engine.begin() as db:
            return work(db)
    except (DBAPIError, TimeoutError) as error:
        raise CampusError(tell(error) or AWAY) from error


def write(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Do some work in one transaction, while nobody else writes; CampusError where the database does not answer."""

    def alone(db: Connection) -> T:
        if db.dialect.name == "postgresql":
            db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({TABLES_LOCK})")
        return work(db)

    try:
        with engine.connect().execution_options(writes=True) as db, db.begin():
            return alone(db)
    except (DBAPIError, TimeoutError) as error:
        raise CampusError(tell(error) or AWAY) from error


# ---- Loading a roster ----


@dataclass(frozen=True)
class Plan:
    """What a roster changes: who is new, changes by field of those who stay or return, and who leaves."""

    added: tuple[Person, ...]
    changed: tuple[tuple[Member, dict[str, str]], ...]
    returned: tuple[tuple[Member, dict[str, str]], ...]
    left: tuple[Member, ...]
    unchanged: int
    accounts: dict[str, str]  # by the roster's username


def first_roster() -> Path:
    """The roster of a campus that knows nobody yet: the example cohort, or what CAMPUS_ROSTER names."""
    return Path(os.environ.get("CAMPUS_ROSTER") or HUB_CONFIG / "cohort" / "roster.csv")


def ensure_people() -> list[Person]:
    """Who takes part; the first roster is loaded where the table knows nobody. CampusError tells a bad roster."""
    ensure_state()
    people = People()
    try:
        if not people.ensure().all():
            loaded = load_roster(first_roster())
            if not loaded["ok"]:
                raise CampusError("\n".join(problem["sentence"] for problem in loaded["problems"]))
            people.read_at = float("-inf")
        return people.present()
    finally:
        people.close()


def load_roster(path: Path, dry_run: bool = False, many_leave: bool = False) -> dict:
    """Bring the table up to date with a roster, or only say what would change; nothing changes where anything is wrong.

    The answer names who was added, changed, returned and left. CampusError where file or database cannot be read.
    """
    found = check_roster(path)
    if found.problems:
        return refused(found.file, found.problems, dry_run)
    ensure_state()
    engine = connect(choose_url(database_file()))

    def work(db: Connection) -> dict:
        known = read_members(db)
        problems = check_same(found.people, known)
        if problems:
            return refused(found.file, problems, dry_run)
        plan = make_plan([person for _, person in found.people], known)
        staying = sum(member.left_at is None for member in known)
        if len(plan.left) > staying / 2 and not many_leave:
            return refused(found.file, (Problem(None, None, too_many(plan, staying)),), dry_run)
        if not dry_run:
            apply(db, plan)
        return tell_plan(found.file, plan, dry_run)

    try:
        ensure_table(engine)
        return write(engine, work)
    finally:
        engine.dispose()


def too_many(plan: Plan, staying: int) -> str:
    """The sentence for a roster that leaves out most people."""
    return (
        f"it leaves out {len(plan.left)} of the {staying} people who take part, who could then no longer sign in: "
        "add them, or load it with --many-leave if that is meant."
    )


def same(person: Person, member: Member) -> bool:
    """Whether a row is a person of the table: of username, name and address one may have changed since."""
    alike = [same_text(getattr(person, field), getattr(member, field)) for field in ("username", "name", "email")]
    return sum(alike) >= 2


def same_text(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def match(people: Iterable[Person], known: list[Member]) -> dict[str, Member]:
    """The person of the table that each row is, by the row's username; address and name before username and name."""
    found: dict[str, Member] = {}
    rows = list(people)
    for field in ("email", "username"):
        for person in rows:
            taken = {member.id for member in found.values()}
            mine = [
                member
                for member in known
                if member.id not in taken
                and same(person, member)
                and same_text(getattr(person, field), getattr(member, field))
            ]
            if mine and person.username not in found:
                found[person.username] = mine[0]
    return found


def check_same(rows: Iterable[tuple[int, Person]], known: list[Member]) -> list[Problem]:
    """Rows of which nobody can say whether they are somebody whom the table knows: nobody is to get another's work."""
    rows = list(rows)
    matched = match([person for _, person in rows], known)
    taken = {member.id for member in matched.values()}
    problems = []
    for row, person in rows:
        for field in ("username", "email"):
            value = getattr(person, field)
            others = [one for one in known if one.id not in taken and same_text(getattr(one, field), value)]
            if not others:
                continue
            other = others[0]
            gone = ", who left" if other.left_at else ""
            problems.append(
                Problem(
                    row,
                    field,
                    f"'{printable(value)}' belongs to {printable(other.name)} ({other.username}, {other.email}){gone}: "
                    "for somebody else choose another; for the same person change one of username, name and email at a "
                    "time, and load the roster between.",
                )
            )
    return problems


def make_plan(people: list[Person], known: list[Member]) -> Plan:
    """What is to be done so that the table says what the roster says."""
    matched = match(people, known)
    accounts = {username: member.account for username, member in matched.items()}
    taken = {member.account for member in known}
    for person in people:
        if person.username not in accounts:
            accounts[person.username] = new_account(person.username, taken)
            taken.add(accounts[person.username])
    added, changed, returned = [], [], []
    for person in people:
        linked = replace(person, **{name: accounts.get(getattr(person, name), "") for name in LINKS})
        member = matched.get(person.username)
        if member is None:
            added.append(linked)
            continue
        news = {name: getattr(linked, name) for name in COLUMNS if getattr(linked, name) != getattr(member, name)}
        if member.left_at is not None:
            returned.append((member, news))
        elif news:
            changed.append((member, news))
    present = {member.id for member in matched.values()}
    left = [member for member in known if member.left_at is None and member.id not in present]
    unchanged = len(people) - len(added) - len(changed) - len(returned)
    return Plan(tuple(added), tuple(changed), tuple(returned), tuple(left), unchanged, accounts)


def new_account(username: str, taken: set[str]) -> str:
    """An account that nobody has or had: the username, or with a number where somebody had that before."""
    account, number = username, 1
    while account in taken:
        number += 1
        account = f"{username[: ACCOUNT_LETTERS - 1 - len(str(number))]}-{number}"
    return account


def apply(db: Connection, plan: Plan) -> None:
    """Write a plan down."""
    at = now()
    for member, news in (*plan.changed, *plan.returned):
        db.execute(update(PEOPLE).where(PEOPLE.c.id == member.id).values(news | {"left_at": None}))
    for member in plan.left:
        db.execute(update(PEOPLE).where(PEOPLE.c.id == member.id).values(left_at=at))
    for person in plan.added:
        values = asdict(person) | {"account": plan.accounts[person.username], "joined_at": at}
        db.execute(insert(PEOPLE).values(values))


def tell_gradebook() -> None:
    """Put the associates into the gradebook where there is one; it is made, and they come in, as the campus starts."""
    from autograder.course import ensure_students, has_gradebook  # nbgrader takes seconds to import

    if has_gradebook():
        people = People()
        try:
            ensure_students(person for person in people.present() if person.role == "associate")
        finally:
            people.close()


# ---- Saying what happened ----


def tell_plan(file: str, plan: Plan, dry_run: bool) -> dict:
    """A plan in plain words and numbers."""
    return {
        "ok": True,
        "file": file,
        "dry_run": dry_run,
        "added": [show(person, plan.accounts[person.username]) for person in plan.added],
        "changed": [show(member, member.account, news) for member, news in plan.changed],
        "returned": [show(member, member.account, news) for member, news in plan.returned],
        "left": [show(member, member.account) for member in plan.left],
        "unchanged": plan.unchanged,
        "notes": list(advise(plan)),
        "problems": [],
    }


def refused(file: str, problems: Iterable[Problem], dry_run: bool) -> dict:
    """The answer where nothing was changed because something is wrong."""
    empty = {"added": [], "changed": [], "returned": [], "left": [], "unchanged": 0, "notes": []}
    return {"ok": False, "file": file, "dry_run": dry_run, **empty, "problems": tell_problems(file, problems)}


def show(person: Person, account: str, news: dict[str, str] | None = None) -> dict:
    """A person, with what changes of them as field: [before, after]."""
    told = {"account": account, "username": person.username, "name": person.name, "role": person.role}
    return told if news is None else told | {"fields": {key: [getattr(person, key), news[key]] for key in news}}


def advise(plan: Plan) -> Iterable[str]:
    """What the lead may want to look at."""
    leaving = {member.name.casefold(): member for member in plan.left}
    for person in plan.added:
        before = leaving.get(person.name.casefold())
        if before is not None:
            yield (
                f"{person.name} leaves as {before.username} and comes as {person.username}, a new person without the "
                "old work: if it is the same person, change username and email one after the other, and load between."
            )
        account = plan.accounts[person.username]
        if account != person.username:
            yield f"The account of {person.username} is {account}, as somebody else had {person.username} before."
