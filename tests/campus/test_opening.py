"""Does a module open when the lead or the plan says, for the right cohort, and is it kept who decided what?"""

from datetime import date

import pytest
from sqlalchemy.exc import DatabaseError

from campus import opening
from campus.cohort.people import People, ensure_people, first_roster, load_roster
from campus.cohort.roster import Person
from campus.errors import CampusError
from campus.exchange.refusal import Refusal
from campus.opening import (
    HAND,
    NOBODY,
    PLAN,
    Decisions,
    check_cohort,
    check_module,
    find_closed_assignments,
    find_openings,
    follow_plan,
    list_closed,
    read_changes,
    read_day,
    read_decisions,
    set_opening,
    set_pace,
)
from campus.pace import Pace
from campus.syllabus import Module
from tests.postgres import ensure_postgres

MODULES = [Module(f"0{n}-m", n, f"Title {n}", 15, (), ()) for n in (1, 2, 3)]
MONDAY = date(2027, 1, 4)
NEW_YEAR = "2027-01-01T12:00:00.000000+00:00"
PACE = Pace("six-months", MONDAY, (date(2027, 2, 16),))


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path))
    monkeypatch.delenv("CAMPUS_DATABASE_URL", raising=False)
    monkeypatch.delenv("CAMPUS_ROSTER", raising=False)
    return tmp_path


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request, monkeypatch):
    """Where decisions are kept: each kind of database."""
    if request.param == "postgresql":
        monkeypatch.setenv("CAMPUS_DATABASE_URL", ensure_postgres().new_database())


@pytest.fixture
def people(state):
    """The example cohort takes part."""
    return ensure_people()


def openings(cohort="2026"):
    return find_openings(read_decisions(cohort), MODULES)


def test_are_decisions_kept_for_their_cohort_alone(kept):
    set_pace("2026", PACE, "lena")
    set_opening("2026", 2, MONDAY, "lena")
    set_opening("2026", 3, None, "lena")
    assert read_decisions("2026") == Decisions(PACE, ((2, MONDAY), (3, None)))
    assert read_decisions("2027") == Decisions() and read_changes("2027") == []


def test_does_the_last_word_count_and_the_log_keep_every_word(kept):
    set_opening("2026", 3, None, "lena")
    set_opening("2026", 3, date(2027, 1, 12), "lena")
    follow_plan("2026", 3, "operator root")
    set_pace("2026", PACE, "lena")
    assert read_decisions("2026") == Decisions(PACE)
    assert [(line["who"], line["what"]) for line in read_changes("2026")] == [
        ("lena", "the pace is six months at one day a week from Monday 4 January 2027, 1 week off"),
        ("operator root", "module 3 opens by the plan"),
        ("lena", "module 3 opens on Tuesday 12 January 2027"),
        ("lena", "module 3 is closed"),
    ]


@pytest.mark.parametrize(
    "statement", ["DELETE FROM campus_opening_changes", "UPDATE campus_opening_changes SET who='x'"]
)
def test_does_the_database_keep_the_log_as_it_is(kept, statement):
    set_opening("2026", 3, None, "lena")
    with pytest.raises(DatabaseError, match="kept as it is"), opening.database().begin() as db:
        db.exec_driver_sql(statement)
    assert len(read_changes("2026")) == 1


def test_is_a_change_whose_line_cannot_be_written_no_change(kept, monkeypatch):
    set_opening("2026", 3, MONDAY, "lena")
    monkeypatch.setattr(opening.moment, "now", lambda: None)  # the log needs a time
    with pytest.raises((DatabaseError, Refusal)):
        set_opening("2026", 3, None, "lena")
    assert read_decisions("2026").days == ((3, MONDAY),)


def test_is_everything_open_where_nothing_is_decided_and_nothing_written_by_looking(state):
    assert {one.by for one in openings().values()} == {NOBODY} and list_closed(
        read_decisions("2026"), MODULES, MONDAY
    ) == {}
    assert find_closed_assignments("asha", "2026-11-27T22:00:00.000000+00:00") == {} and read_changes("2026") == []
    assert list(state.iterdir()) == []


def test_does_a_module_open_by_the_plan_unless_somebody_decided_by_hand():
    set_pace("2026", PACE, "lena")
    planned = openings()
    assert {one.by for one in planned.values()} == {PLAN} and planned[1].day == MONDAY
    set_opening("2026", 2, MONDAY, "lena")
    set_opening("2026", 3, None, "lena")
    found = openings()
    assert [(one.day, one.by) for one in found.values()] == [(MONDAY, PLAN), (MONDAY, HAND), (None, HAND)]
    assert list(list_closed(read_decisions("2026"), MODULES, MONDAY)) == [3]


def test_is_one_who_waits_told_the_day_in_a_sentence():
    set_opening("2026", 2, date(2027, 1, 12), "lena")
    set_opening("2026", 3, None, "lena")
    assert [str(one) for one in list_closed(read_decisions("2026"), MODULES, MONDAY).values()] == [
        "Module 2, Title 2, opens on Tuesday 12 January 2027.",
        "Module 3, Title 3, is closed: the lead has not set the day on which it opens.",
    ]


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2027-01-11T23:59:59.999999+00:00", "2027-01-11"),
        ("2027-01-12T00:00:00.000000+00:00", "2027-01-12"),
        ("2027-03-28T22:59:59.999999+00:00", "2027-03-28"),  # the night in which summer time began
        ("2027-03-28T23:00:00.000000+00:00", "2027-03-29"),
        ("2027-10-31T23:30:00.000000+00:00", "2027-10-31"),  # and the night in which it ended
        ("2027-11-01T00:00:00.000000+00:00", "2027-11-01"),
    ],
)
def test_does_a_day_begin_at_midnight_in_london(now, day):
    assert opening.today(now) == date.fromisoformat(day)


def test_does_a_module_set_across_the_change_of_clocks_open_at_midnight_in_london(people):
    set_opening("2026", 3, date(2027, 3, 29), "lena")
    assert "clinic-queue" in find_closed_assignments("asha", "2027-03-28T22:59:59.000000+00:00")
    assert find_closed_assignments("asha", "2027-03-28T23:00:00.000000+00:00") == {}


def test_do_only_associates_of_the_cohort_wait_for_the_modules_assignments(people):
    set_opening("2026", 4, date(2027, 1, 12), "lena")
    waits = {"key-players": "Module 4, Networks, opens on Tuesday 12 January 2027."}
    assert find_closed_assignments("asha", NEW_YEAR) == waits
    assert find_closed_assignments("tara", NEW_YEAR) == {} == find_closed_assignments("nobody", NEW_YEAR)


def test_does_an_associate_who_changes_the_cohort_wait_with_the_new_one(people, tmp_path):
    set_opening("2027", 4, None, "lena")
    assert find_closed_assignments("asha", NEW_YEAR) == {}
    roster = tmp_path / "roster.csv"
    roster.write_text(first_roster().read_text().replace(",associate,2026,", ",associate,2027,"))
    assert load_roster(roster)["ok"]
    opening.know_people(opening.choose_url(opening.people_file())).read_at = float("-inf")  # some seconds later
    assert list(find_closed_assignments("asha", NEW_YEAR)) == ["key-players"]


def test_is_it_told_and_to_be_tried_again_where_nobody_can_say(people, monkeypatch):
    def away(self, account):
        raise CampusError("The table of people does not answer.")

    set_opening("2026", 4, None, "lena")
    monkeypatch.setattr(People, "of_account", away)
    with pytest.raises(Refusal, match="Whether the module is open cannot be read: The table of people") as refusal:
        find_closed_assignments("asha", NEW_YEAR)
    assert refusal.value.status == 503


def associate(cohort):
    return Person("a", "A", "a@example.org", "O", "health", "London", "associate", cohort, "tara", "", "")


@pytest.mark.parametrize(
    ("cohort", "cohorts", "found"), [(None, ["2026"], "2026"), ("2026", ["2026"], "2026"), ("b", ["a", "b"], "b")]
)
def test_is_the_cohort_that_is_meant_found(cohort, cohorts, found):
    assert check_cohort(cohort, [associate(one) for one in cohorts]) == found


@pytest.mark.parametrize(
    ("cohort", "cohorts", "told"),
    [
        (None, [], "load the roster first"),
        (None, ["a", "b"], "There are the cohorts a, b: say which one is meant"),
        ("c", ["a", "b"], "There is no cohort 'c': choose one of a, b"),
    ],
)
def test_is_a_cohort_that_is_not_there_refused(cohort, cohorts, told):
    with pytest.raises(CampusError, match=told):
        check_cohort(cohort, [associate(one) for one in cohorts])


def test_is_a_module_or_a_day_that_is_none_refused():
    assert check_module(3, MODULES) == 3 and read_day(" 2027-01-12 ") == date(2027, 1, 12)
    with pytest.raises(CampusError, match="There is no module 12: choose one of 1, 2, 3"):
        check_module(12, MODULES)
    with pytest.raises(CampusError, match="'12 January' is not a day: write it as 2027-01-12"):
        read_day("12 January")
