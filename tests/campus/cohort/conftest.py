"""A cohort of the tests' own, as a file and as a table of people on SQLite and on PostgreSQL."""

import pytest

from campus.cohort.people import People, load_roster
from campus.cohort.roster import COLUMNS
from tests.postgres import ensure_postgres

TARA = "tara,Tara Example,tara@example.org,Example Office,health,South West,tutor,2026,,,"
TOM = "tom,Tom Example,tom@example.org,Example Office,health,South West,tutor,2026,,,"
ASHA = "asha,Asha Example,asha@example.org,Example Trust,health,South West,associate,2026,tara,,"
BEN = "ben,Ben Example,ben@example.org,Example Council,social care,London,associate,2026,tara,,"
COHORT = (TARA, TOM, ASHA, BEN)


class Cohort:
    """Rosters to write and load, and the people that come of it."""

    def __init__(self, folder):
        self.file = folder / "roster.csv"

    def write(self, *rows):
        """A roster with its columns and these rows."""
        self.file.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")
        return self.file

    def load(self, *rows, **options):
        """What loading a roster of these rows says."""
        return load_roster(self.write(*rows), **options)

    def people(self):
        """Everybody in the table by account."""
        people = People(fresh=0)
        try:
            return {member.account: member for member in people.all()}
        finally:
            people.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def cohort(request, tmp_path, monkeypatch):
    """A campus whose table of people holds two tutors and two associates."""
    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("CAMPUS_ROSTER", raising=False)
    monkeypatch.delenv("CAMPUS_DATABASE_URL", raising=False)
    if request.param == "postgresql":
        monkeypatch.setenv("CAMPUS_DATABASE_URL", ensure_postgres().new_database())
    made = Cohort(tmp_path)
    assert made.load(*COHORT)["ok"]
    return made
