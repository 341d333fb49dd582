"""Is it told rightly, and to those whom it concerns, who is behind the pace plan?"""

from datetime import date
from pathlib import Path

import pytest

from campus.cohort.people import first_roster
from campus.cohort.roster import read_roster
from campus.opening import Decisions, list_weeks
from campus.pace import Pace
from campus.standings import count_people, count_weeks, describe_counts, list_assigned
from campus.syllabus import Module, Session
from campus.work import Work

MONDAY = date(2026, 9, 7)  # no bank holiday until Christmas
NAMES = ("one", "two", "three", "four")
PEOPLE = [person for person in read_roster(first_roster()) if person.username in ("ben", "asha", "carys")]


def make_session(number, optional=False):
    name = NAMES[number - 1]
    return Session(Path(f"{name}.md"), name, f"3.{number}", (), (), (), (), name, 180, optional=optional)


MODULES = [
    Module("03-queues", 3, "Queues", 9, (make_session(1), make_session(2), make_session(3)), ()),
    Module("04-networks", 4, "Networks", 3, (make_session(4, optional=True),), ()),
]
PLAN = Decisions(Pace("six-months", MONDAY))
FIRST, SECOND, THIRD = (week for week in list_weeks(PLAN, MODULES) if week.core)  # a session a week
LATER = THIRD.start  # two assignments are planned until then


def list_names(decisions=PLAN, released=frozenset(NAMES), day=LATER):
    return [one.name for one in list_assigned(decisions, MODULES, set(released), day)]


def count(work=(), done=None, day=LATER, people=PEOPLE):
    assigned = list_assigned(PLAN, MODULES, set(NAMES), day)
    return count_people(people, assigned, [Work(*one) for one in work], done or {}, day)


def test_does_the_plan_have_core_assignments_up_to_this_week():
    assert [list_names(day=week.start) for week in (FIRST, SECOND, THIRD)] == [["one"], ["one", "two"], [*NAMES[:3]]]
    assert list_names(day=date(2026, 1, 1)) == [] and list_names(Decisions()) == []


def test_is_what_nobody_can_hand_in_not_planned():
    assert list_names(released={"one", "three"}) == ["one", "three"]
    assert list_names(Decisions(PLAN.pace, ((3, None),))) == []


def test_is_somebody_behind_by_what_they_have_not_handed_in_of_past_weeks():
    asha, ben, carys = count([("ben", "one", "handed in"), ("carys", "one", "marked"), ("carys", "two", "feedback")])
    assert [len(one.behind) for one in (asha, ben, carys)] == [2, 1, 0]
    assert [(one.planned, one.handed_in, one.marked) for one in (asha, ben, carys)] == [(2, 0, 0), (2, 1, 0), (2, 2, 2)]
    assert [(one.name, one.code, one.week) for one in ben.behind] == [("two", "3.2", SECOND)]


def test_is_nobody_behind_with_this_weeks_or_by_what_they_did_early():
    (asha,) = count([("asha", "three", "handed in"), ("asha", "one", "handed in")], day=SECOND.end, people=PEOPLE[:1])
    assert (asha.planned, asha.handed_in, asha.behind) == (1, 1, ())


def test_is_what_was_ticked_as_done_told_apart_and_not_behind():
    asha, *_ = count([("asha", "one", "marked")], {"asha": {"3.1", "3.2"}})
    assert (asha.planned, asha.handed_in, asha.ticked, asha.behind) == (2, 1, 1, ())


def test_do_people_stand_by_name_however_far_they_are():
    """Is it no league table?"""
    orders = [
        [one.person.username for one in count(work, people=people)]
        for work in ([("asha", "one", "marked")], [("carys", "one", "marked"), ("carys", "two", "marked")])
        for people in (PEOPLE, PEOPLE[::-1])
    ]
    assert orders == [["asha", "ben", "carys"]] * 4


def test_does_each_week_count_its_own_assignments_of_these_people_alone():
    assigned = list_assigned(PLAN, MODULES, set(NAMES), LATER)
    work = [Work(*one) for one in [("ben", "one", "marked"), ("asha", "one", "handed in"), ("dev", "one", "marked")]]
    found = count_weeks(PEOPLE, assigned, work)
    assert [one.week for one in found] == [FIRST, SECOND, THIRD]
    assert [(one.wanted, one.handed_in, one.marked) for one in found] == [(3, 2, 1), (3, 0, 0), (3, 0, 0)]


def test_is_all_of_it_there_as_plain_data():
    assigned = list_assigned(PLAN, MODULES, set(NAMES), LATER)
    found = describe_counts("2026", count([("ben", "one", "marked")]), count_weeks(PEOPLE, assigned, []))
    assert found["people"][1] == {
        **{"username": "ben", "name": "Ben Example", "tutor": "tara"},
        **{"planned": 2, "handed_in": 1, "marked": 1, "ticked": 0, "behind": ["two"]},
    }
    assert found["weeks"][0] == {
        **{"week": FIRST.number, "from": FIRST.start.isoformat(), "assignments": ["one"]},
        **{"wanted": 3, "handed_in": 0, "marked": 0},
    }


@pytest.mark.parametrize("day", [FIRST.start, FIRST.end])
def test_is_nobody_behind_in_the_first_week(day):
    assert [one.planned for one in count(day=day)] == [0, 0, 0]
