"""Does the table keep each person and their work, whatever a roster changes?"""

import sqlite3
import threading
from dataclasses import fields

import pytest

from campus.cohort import people
from campus.cohort.people import PEOPLE, Member, People, ensure_people, load_roster, new_account
from campus.errors import CampusError
from tests.campus.cohort.conftest import ASHA, BEN, COHORT, TARA, TOM


def names(found, kind):
    return [one["username"] for one in found[kind]]


def counts(found):
    return {kind: len(found[kind]) for kind in ("added", "changed", "returned", "left")} | {"as": found["unchanged"]}


def test_are_the_tables_columns_those_of_a_member():
    assert {field.name for field in fields(Member)} == {column.name for column in PEOPLE.columns}


def test_does_the_first_load_add_everybody(cohort):
    assert [(one.id, account) for account, one in cohort.people().items()] == [
        (1, "tara"),
        (2, "tom"),
        (3, "asha"),
        (4, "ben"),
    ]


def test_does_the_same_roster_again_change_nothing(cohort):
    before = cohort.people()
    assert counts(cohort.load(*COHORT)) == {"added": 0, "changed": 0, "returned": 0, "left": 0, "as": 4}
    assert cohort.people() == before


def test_does_the_order_of_rows_not_matter(cohort):
    assert cohort.load(*reversed(COHORT))["unchanged"] == 4


def test_does_a_dry_run_say_the_same_and_change_nothing(cohort):
    before = cohort.people()
    rows = (TARA, TOM, ASHA.replace("South West", "London"), BEN.replace("ben", "bea").replace("Ben", "Bea"))
    told = cohort.load(*rows, dry_run=True)
    assert told["dry_run"] and cohort.people() == before
    assert cohort.load(*rows) == told | {"dry_run": False}


def test_are_changes_told_by_field(cohort):
    moved = ASHA.replace("South West,associate,2026,tara", "London,associate,2026,tom")
    (changed,) = cohort.load(TARA, TOM, moved, BEN)["changed"]
    assert changed["fields"] == {"region": ["South West", "London"], "tutor": ["tara", "tom"]}


def test_does_who_is_not_on_the_roster_leave_and_stay_in_the_table(cohort):
    assert names(cohort.load(TARA, TOM, ASHA), "left") == ["ben"]
    assert cohort.people()["ben"].left_at is not None


def test_does_who_comes_back_have_the_same_id_and_account(cohort):
    before = cohort.people()["ben"]
    cohort.load(TARA, TOM, ASHA)
    found = cohort.load(TARA, TOM, ASHA, BEN.replace("London", "Midlands"))
    assert [one["fields"] for one in found["returned"]] == [{"region": ["London", "Midlands"]}]
    after = cohort.people()["ben"]
    assert (after.id, after.account, after.left_at) == (before.id, "ben", None)


@pytest.mark.parametrize(
    ("row", "field", "value"),
    [
        (ASHA.replace("asha,", "asha-b,"), "username", "asha-b"),
        (ASHA.replace("asha@", "asha.b@"), "email", "asha.b@example.org"),
        (ASHA.replace("Asha Example", "Asha Married"), "name", "Asha Married"),
    ],
)
def test_does_a_new_username_address_or_name_keep_person_and_account(cohort, row, field, value):
    found = cohort.load(TARA, TOM, row, BEN)
    assert counts(found) == {"added": 0, "changed": 1, "returned": 0, "left": 0, "as": 3}
    after = cohort.people()["asha"]
    assert (after.id, getattr(after, field)) == (3, value)


def test_does_a_tutors_new_username_not_touch_their_associates(cohort):
    own = [row.replace(",tara,", ",tara-b,") for row in (ASHA, BEN)]
    assert names(cohort.load(TARA.replace("tara,", "tara-b,"), TOM, *own), "changed") == ["tara"]
    assert cohort.people()["asha"].tutor == "tara"


def test_may_two_people_swap_usernames_and_keep_their_accounts(cohort):
    found = cohort.load(TARA, TOM, ASHA.replace("asha,", "ben,"), BEN.replace("ben,", "asha,"))
    assert names(found, "changed") == ["asha", "ben"]
    assert {account: one.username for account, one in cohort.people().items()}["asha"] == "ben"


def test_does_a_newcomer_with_a_freed_username_get_another_account(cohort):
    newcomer = ASHA.replace("Asha", "Aisha").replace("asha@", "aisha@")
    found = cohort.load(TARA, TOM, ASHA.replace("asha,", "asha-b,"), newcomer, BEN)
    assert [(one["username"], one["account"]) for one in found["added"]] == [("asha", "asha-2")]
    assert found["notes"] == ["The account of asha is asha-2, as somebody else had asha before."]


@pytest.mark.parametrize(
    ("row", "field", "value"),
    [
        (ASHA.replace("Asha", "Aisha").replace("asha@", "aisha@"), "username", "asha"),
        (ASHA.replace("Asha", "Aisha").replace("asha,", "aisha,"), "email", "asha@example.org"),
    ],
)
@pytest.mark.parametrize("gone", [False, True])
def test_does_nobody_get_the_work_of_another_by_their_username_or_address(cohort, row, field, value, gone):
    if gone:
        cohort.load(TARA, TOM, BEN)
    before = cohort.people()
    found = cohort.load(TARA, TOM, row, BEN)
    (problem,) = found["problems"]
    assert (problem["row"], problem["field"]) == (4, field)
    assert problem["text"].startswith(f"'{value}' belongs to Asha Example (asha, asha@example.org)")
    assert (", who left: " in problem["text"]) == gone
    assert cohort.people() == before


def test_is_the_lead_told_of_a_person_who_may_be_the_same(cohort):
    found = cohort.load(TARA, TOM, ASHA.replace("asha,", "a-example,").replace("asha@", "a@"), BEN)
    assert (names(found, "added"), names(found, "left")) == (["a-example"], ["asha"])
    assert found["notes"][0].startswith(
        "Asha Example leaves as asha and comes as a-example, a new person without the old"
    )


def test_is_a_roster_that_leaves_most_people_out_refused_unless_that_is_meant(cohort):
    (problem,) = cohort.load(TARA)["problems"]
    assert problem["text"].startswith("it leaves out 3 of the 4 people who take part")
    assert names(cohort.load(TARA, many_leave=True), "left") == ["tom", "asha", "ben"]


def test_does_a_bad_roster_change_nothing(cohort):
    before = cohort.people()
    found = cohort.load(TARA, TOM, ASHA.replace("associate", "student"))
    assert not found["ok"] and cohort.people() == before


def test_do_loads_at_the_same_moment_add_each_person_once(cohort):
    file = cohort.write(*COHORT, BEN.replace("ben", "bea").replace("Ben", "Bea"))
    threads = [threading.Thread(target=load_roster, args=(file,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(one.id, account) for account, one in cohort.people().items()][4:] == [(5, "bea")]


@pytest.mark.parametrize("sign_in", ["asha-b", "ASHA-B", "asha@example.org", "Asha@Example.org"])
def test_does_a_person_sign_in_by_username_or_address_of_the_roster(cohort, sign_in):
    cohort.load(TARA, TOM, ASHA.replace("asha,", "asha-b,"), BEN)
    assert People().find(sign_in).account == "asha"


@pytest.mark.parametrize("sign_in", ["asha", "", "mallory"])
def test_does_nobody_sign_in_by_what_is_no_longer_theirs(cohort, sign_in):
    cohort.load(TARA, TOM, ASHA.replace("asha,", "asha-b,"), BEN)
    assert People().find(sign_in) is None


def test_does_who_left_not_sign_in(cohort):
    cohort.load(TARA, TOM, ASHA)
    assert People().find("ben") is None and People().of_account("ben") is None


def test_are_people_known_by_account_everywhere_else(cohort):
    cohort.load(TARA, TOM, ASHA.replace("asha,", "asha-b,"), BEN)
    assert [person.username for person in People().present()] == ["tara", "tom", "asha", "ben"]


def test_does_the_campus_go_on_with_whom_it_knew_while_the_database_is_away(cohort, monkeypatch):
    known = People(fresh=0)
    assert len(known.all()) == 4

    def away(engine, work):
        raise CampusError(people.AWAY)

    monkeypatch.setattr(people, "read", away)
    assert len(known.all()) == 4


def test_is_a_database_that_is_away_one_sentence(cohort, monkeypatch):
    monkeypatch.setenv("CAMPUS_DATABASE_URL", "postgresql://campus@127.0.0.1:1/none")
    with pytest.raises(CampusError, match="The table of people does not answer: nothing was changed"):
        cohort.load(*COHORT)


def test_is_what_is_no_database_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path))
    monkeypatch.delenv("CAMPUS_DATABASE_URL", raising=False)
    (tmp_path / "people.db").write_bytes(b"not a database, but long enough to look at" * 99)
    with pytest.raises(CampusError, match="The table of people does not answer"):
        ensure_people()


def test_does_an_empty_campus_start_with_the_example_cohort(tmp_path, monkeypatch):
    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path))
    for name in ("CAMPUS_ROSTER", "CAMPUS_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    assert len(ensure_people()) == 11


def test_does_a_later_start_keep_the_people_that_were_loaded(cohort, monkeypatch):
    monkeypatch.setenv("CAMPUS_ROSTER", "/nowhere/roster.csv")
    assert len(ensure_people()) == 4


@pytest.mark.parametrize(
    ("username", "taken", "account"),
    [("asha", set(), "asha"), ("asha", {"asha", "asha-2"}, "asha-3"), ("a" * 32, {"a" * 32}, "a" * 30 + "-2")],
)
def test_is_an_account_never_given_twice(username, taken, account):
    assert new_account(username, taken) == account


def test_does_a_number_never_come_twice(tmp_path, monkeypatch):
    """SQLite would otherwise give the greatest id again after its row is gone."""
    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path))
    monkeypatch.delenv("CAMPUS_DATABASE_URL", raising=False)
    ensure_people()
    with sqlite3.connect(tmp_path / "people.db") as database:
        (made,) = database.execute("SELECT sql FROM sqlite_master WHERE name = 'campus_people'").fetchone()
    assert "AUTOINCREMENT" in made
