"""Stores of the tests' own, on SQLite and on PostgreSQL, with a clock that stands where it is put."""

from datetime import datetime, timedelta

import pytest

from campus.cohort.people import Member
from campus.cohort.roster import read_roster
from campus.exchange import moment
from campus.exchange.desk import Desk, Visitor
from campus.exchange.parcel import RELEASE, SUBMISSION, pack
from campus.exchange.store import Store
from campus.folders import HUB_CONFIG
from tests.campus.exchange.served import Hub, InThread
from tests.postgres import ensure_postgres

BEDS = "bed-days"
NOTEBOOK = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
RELEASED = {f"{BEDS}.ipynb": NOTEBOOK, "data/stays.csv": b"days\n3\n"}
ASHA, BEN, TARA = Visitor("asha", learns=True), Visitor("ben", learns=True), Visitor("tara", learns=True, teaches=True)

MEMBERS = [  # the example cohort, none of whom has signed in yet
    Member(**vars(person), id=number, account=person.username, joined_at="2026-09-01", left_at=None)
    for number, person in enumerate(read_roster(HUB_CONFIG / "cohort" / "roster.csv"), start=1)
]


class Clock:
    """The server's clock, as tests set it."""

    def __init__(self):
        self.at = datetime.fromisoformat("2026-11-25T12:00:00+00:00")

    def __call__(self) -> str:
        return moment.write(self.at)

    def go(self, **time: float) -> str:
        self.at += timedelta(**time)
        return self()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """An empty database of each kind."""
    return None if request.param == "sqlite" else ensure_postgres().new_database()


@pytest.fixture
def store(tmp_path, url, clock):
    made = Store(tmp_path / "exchange", url, clock, people=lambda: MEMBERS).ensure()
    yield made
    made.close()


def parcel(store, files, limits=SUBMISSION):
    """A parcel of some files that lies whole in the store's scratch folder."""
    unpacker = store.unpacker(limits)
    unpacker.feed(pack(files))
    return unpacker.finish()


def release(store, files=RELEASED, name=BEDS):
    """Put an assignment out as its tutor does."""
    return Desk(store, TARA).release(name, parcel(store, files, RELEASE))


def answer(text="my answer"):
    """A submission's files."""
    return {f"{BEDS}.ipynb": NOTEBOOK.replace(b"[]", b'["' + text.encode() + b'"]')}


def submit(store, who=ASHA, text="my answer", way="workspace"):
    """Hand in as somebody: the receipt, and whether it is a new one."""
    return Desk(store, who).submit(BEDS, parcel(store, answer(text)), way)


def kept(store):
    """Every file that lies anywhere in the store's folder, but for its index."""
    files = (path for path in store.folder.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(store.folder)) for path in files if not path.name.startswith("index.db"))


@pytest.fixture(scope="module")
def hub():
    made = Hub()
    yield made
    made.close()


@pytest.fixture
def exchange(tmp_path, clock, hub):
    """The service over a store of SQLite, with the assignment released."""
    store = Store(tmp_path / "exchange", None, clock, people=lambda: MEMBERS).ensure()
    served = InThread(store, hub)
    served.remote("tara").release(BEDS, RELEASED)
    yield served
    served.close()
    store.close()
