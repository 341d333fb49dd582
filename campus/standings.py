"""Standings: how a cohort's assignments lie to its pace plan, so that whoever looks after somebody can offer help.

Counted are the assignments of core sessions in weeks that have passed, as far as they are released and their module is
open. Nobody is behind with a session that they ticked as done in the book: their own page tells them the same. People
stand by their names, and never by how far they are: this is no league table.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from campus.cohort.roster import Person
from campus.opening import Decisions, list_closed, list_weeks
from campus.pace import Week
from campus.syllabus import Module
from campus.work import Work

MARKED = ("marked", "feedback")


@dataclass(frozen=True)
class Assigned:
    """An assignment that a pace plan has in a week, with the code of its session."""

    name: str
    code: str
    week: Week


@dataclass(frozen=True)
class PersonCount:
    """One associate: of the assignments planned by now those handed in, marked, only ticked, and left behind."""

    person: Person
    planned: int
    handed_in: int
    marked: int
    ticked: int
    behind: tuple[Assigned, ...]


@dataclass(frozen=True)
class WeekCount:
    """One week: its assignments, and how many of `people` associates' have come in and are marked."""

    week: Week
    assigned: tuple[Assigned, ...]
    wanted: int
    handed_in: int
    marked: int


def list_assigned(decisions: Decisions, modules: list[Module], released: set[str], day: date) -> list[Assigned]:
    """The assignments that a cohort's plan has had up to the week of a day, that week's included."""
    closed = list_closed(decisions, modules, day)
    names = {
        session.code: session.assignment
        for module in modules
        for session in module.sessions
        if session.assignment in released and module.number not in closed
    }
    return [
        Assigned(names[study.code], study.code, week)
        for week in list_weeks(decisions, modules)
        if week.start <= day
        for study in week.core
        if study.code in names
    ]


def count_people(
    people: Iterable[Person], assigned: list[Assigned], work: Iterable[Work], done: dict[str, set[str]], day: date
) -> list[PersonCount]:
    """Where each of some people is on a day, by name; `done` holds the sessions that each ticked in the book."""
    planned = [one for one in assigned if one.week.end < day]
    states = {(one.username, one.assignment): one.state for one in work}
    found = []
    for person in sorted(people, key=lambda one: (one.name.casefold(), one.username)):
        mine = [states.get((person.username, one.name)) for one in planned]
        left = [one for one, state in zip(planned, mine, strict=True) if state is None]
        behind = tuple(one for one in left if one.code not in done.get(person.username, ()))
        found.append(
            PersonCount(
                person=person,
                planned=len(planned),
                handed_in=len(planned) - len(left),
                marked=sum(state in MARKED for state in mine),
                ticked=len(left) - len(behind),
                behind=behind,
            )
        )
    return found


def count_weeks(people: Iterable[Person], assigned: list[Assigned], work: Iterable[Work]) -> list[WeekCount]:
    """What has come in of each week's assignments from some people, in the order of the weeks."""
    usernames = {person.username for person in people}
    states = {(one.username, one.assignment): one.state for one in work if one.username in usernames}
    found = []
    for week in dict.fromkeys(one.week for one in assigned):
        here = tuple(one for one in assigned if one.week == week)
        names = {one.name for one in here}
        came = [state for (_, name), state in states.items() if name in names]
        marked = sum(state in MARKED for state in came)
        found.append(WeekCount(week, here, len(usernames) * len(here), len(came), marked))
    return found


def describe_counts(cohort: str, people: list[PersonCount], weeks: list[WeekCount]) -> dict:
    """Both as plain data."""
    return {
        "cohort": cohort,
        "people": [
            {
                "username": one.person.username,
                "name": one.person.name,
                "tutor": one.person.tutor,
                "planned": one.planned,
                "handed_in": one.handed_in,
                "marked": one.marked,
                "ticked": one.ticked,
                "behind": [left.name for left in one.behind],
            }
            for one in people
        ],
        "weeks": [
            {
                "week": one.week.number,
                "from": one.week.start.isoformat(),
                "assignments": [assigned.name for assigned in one.assigned],
                "wanted": one.wanted,
                "handed_in": one.handed_in,
                "marked": one.marked,
            }
            for one in weeks
        ],
    }
