"""Does a pace plan give each week what fits, in order, and tell people kindly where they are?"""

from datetime import date, timedelta
from itertools import combinations_with_replacement

import pytest

from campus.errors import CampusError
from campus.pace import (
    Pace,
    Standing,
    Study,
    check_pace,
    find_first_days,
    find_standing,
    find_week,
    list_studies,
    plan_weeks,
    say_day,
    say_time,
    share_out,
)
from campus.syllabus import Module, Session, read_syllabus

MONDAY = date(2027, 1, 4)
PLAIN = date(2026, 9, 7)  # a Monday from which no bank holiday comes for three months


def make_session(tmp_path, code, minutes, optional=False):
    path = tmp_path / f"{code}.md"
    return Session(path, f"Session {code}", code, (), (), (), (), None, minutes, optional=optional)


def make_study(code, minutes=180, optional=False, written=True):
    return Study(code, f"Session {code}", int(code.split(".")[0]), minutes, optional, written)


STUDIES = tuple(make_study(f"{module}.{number}") for module in range(1, 10) for number in range(1, 7))


def test_are_written_sessions_counted_as_measured_and_planned_ones_by_what_is_left(tmp_path):
    written = (make_session(tmp_path, "4.2", 200), make_session(tmp_path, "4.10", 100, optional=True))
    planned = ({"code": "4.1", "title": "First"}, {"code": "4.3", "title": "Third", "optional": True})
    found = list_studies([Module("04-networks", 4, "Networks", 12, written, planned)])
    assert [(one.code, one.minutes, one.optional, one.written) for one in found] == [
        ("4.1", 210, False, False),
        ("4.2", 200, False, True),
        ("4.3", 210, True, False),
        ("4.10", 100, True, True),
    ]


def test_is_a_module_without_sessions_cut_by_its_hours():
    found = list_studies([Module("08-language", 8, "Language", 12, (), ())])
    assert [one.code for one in found] == ["8.1", "8.2", "8.3", "8.4"]
    assert sum(one.minutes for one in found) == 12 * 60 and not any(one.written for one in found)


def test_are_sessions_shared_out_as_evenly_as_can_be():
    """Is there no other way of cutting that has a lesser sum of squares?"""
    minutes, days = [180, 60, 240, 180, 90, 300, 120, 180], [5, 4, 5, 3]
    bounds = ([0, *cut, len(minutes)] for cut in combinations_with_replacement(range(len(minutes) + 1), 3))
    least = min(sum(sum(minutes[a:b]) ** 2 / d for a, b, d in zip(cut, cut[1:], days, strict=False)) for cut in bounds)
    weeks = share_out(minutes, days)
    sums = [sum(one for one, week in zip(minutes, weeks, strict=True) if week == place) for place in range(4)]
    assert weeks == sorted(weeks) and sum(one**2 / d for one, d in zip(sums, days, strict=True)) == pytest.approx(least)


def test_are_a_few_sessions_done_early_and_not_late():
    assert share_out([60, 60], [1, 1, 1, 1]) == [0, 1]


@pytest.mark.parametrize(("plan", "weeks", "most"), [("three-months", 13, 13 * 60), ("six-months", 26, 8 * 60)])
def test_does_a_plan_hold_every_session_once_in_order_and_no_week_too_much(plan, weeks, most):
    found = plan_weeks(STUDIES, check_pace(plan, PLAIN))
    study = [week for week in found if not week.off]
    assert [week.number for week in study] == list(range(1, weeks + 1))
    assert tuple(one for week in found for one in week.core) == STUDIES
    assert max(week.minutes for week in study) <= most + 180 and min(week.minutes for week in study) >= 360


def test_does_the_programme_as_it_stands_fit_both_plans():
    """Six months at one day a week: no week over eight hours; three months: none over four hours a working day."""
    studies = list_studies(read_syllabus())
    assert max(week.minutes for week in plan_weeks(studies, check_pace("six-months", MONDAY))) <= 8 * 60
    days = [week.minutes / week.days for week in plan_weeks(studies, check_pace("three-months", MONDAY))]
    assert max(days) <= 4 * 60


def test_does_a_bank_holiday_leave_less_to_do_in_a_week_of_three_months():
    found = plan_weeks(STUDIES, check_pace("three-months", date(2027, 3, 1)))
    easter = find_week(found, date(2027, 3, 26))
    assert easter.days == 4 and easter.holidays == ((date(2027, 3, 26), "Good Friday"),)
    assert easter.minutes < max(week.minutes for week in found)


def test_is_a_study_day_on_a_bank_holiday_a_week_off_that_the_plan_gets_back():
    found = plan_weeks(STUDIES, check_pace("six-months", MONDAY))
    easter = find_week(found, date(2027, 3, 29))
    assert (easter.number, easter.off, easter.core) == (None, "no study day: Easter Monday", ())
    assert found[-1].number == 26 and len(found) == 29  # Easter, early May and spring


def test_does_a_cohort_that_meets_on_wednesdays_keep_them():
    found = plan_weeks(STUDIES, check_pace("six-months", date(2027, 1, 6)))
    assert len(found) == 26 and {week.start.weekday() for week in found} == {2}


def test_is_a_break_a_week_off_in_which_no_module_opens():
    found = plan_weeks(STUDIES, check_pace("three-months", PLAIN, [date(2026, 10, 28)]))
    week = find_week(found, date(2026, 10, 26))
    assert (week.off, week.core, week.opens) == ("week off", (), ()) and len(found) == 14


def test_does_a_module_open_in_the_week_of_its_first_session():
    found = plan_weeks(STUDIES, check_pace("six-months", PLAIN))
    opens = find_first_days(found)
    for module in range(1, 10):
        week = find_week(found, opens[module])
        assert week.start == opens[module] and f"{module}.1" in [one.code for one in week.core]


def test_does_an_optional_session_go_where_its_module_has_room():
    studies = tuple(make_study(f"1.{n}", 300 if n < 5 else 60, optional=n == 3) for n in range(1, 6)) + STUDIES[6:]
    found = plan_weeks(studies, check_pace("three-months", PLAIN))
    (week,) = [week for week in found if week.optional]
    within = [one for one in found if any(study.module == 1 for study in one.core)]
    assert [study.code for study in week.optional] == ["1.3"] and week.optional_minutes == 300
    assert week.minutes == min(one.minutes for one in within) and "1.3" not in [s.code for s in week.core]


def test_may_a_module_be_optional_as_a_whole():
    studies = (*STUDIES[:6], make_study("2.1", optional=True), *STUDIES[12:18])
    found = plan_weeks(studies, check_pace("three-months", PLAIN))
    assert find_first_days(found)[2] >= max(week.start for week in found if "1.6" in [s.code for s in week.core])


def test_is_a_programme_without_sessions_a_plan_of_empty_weeks():
    assert len(plan_weeks((), check_pace("three-months", PLAIN))) == 13


@pytest.mark.parametrize(
    ("plan", "start", "breaks", "told"),
    [
        ("two-weeks", MONDAY, [], "'two-weeks' is not a plan: choose three-months or six-months"),
        ("six-months", date(1927, 1, 4), [], "1927-01-04 is not the first day of a programme"),
        ("three-months", MONDAY, [date(2028, 1, 3)], "of Monday 3 January 2028 is not within the plan"),
        ("three-months", MONDAY, [MONDAY + timedelta(days=7 * n) for n in range(9)], "9 weeks off are more than 8"),
    ],
)
def test_is_a_pace_that_cannot_be_kept_refused(plan, start, breaks, told):
    with pytest.raises(CampusError, match=told):
        check_pace(plan, start, breaks)


def test_is_somebody_told_what_is_still_to_do_and_what_they_did_early():
    found = plan_weeks(STUDIES, Pace("three-months", PLAIN))
    first, second, third = found[:3]
    done = {study.code for study in first.core[1:]} | {third.core[0].code}
    assert find_standing(found, done, second.start) == Standing((first.core[0],), (third.core[0],))


def test_is_nobody_behind_on_what_is_not_written_or_optional_or_of_this_week():
    studies = (make_study("1.1", written=False), make_study("1.2", optional=True), *STUDIES[2:])
    found = plan_weeks(studies, Pace("six-months", PLAIN))
    assert find_standing(found, set(), found[0].end).behind == ()
    behind = [study.code for study in find_standing(found, set(), found[1].start).behind]
    assert "1.1" not in behind and "1.2" not in behind


def test_are_days_and_times_told_as_people_say_them():
    assert say_day(date(2027, 1, 12)) == "Tuesday 12 January 2027"
    assert [say_time(minutes) for minutes in (0, 45, 180, 185)] == ["0 min", "45 min", "3 h", "3 h 5 min"]


@pytest.mark.parametrize(("line", "optional"), [("", False), ("\n  optional: true", True)])
def test_does_a_sessions_front_matter_say_that_it_is_optional(course, line, optional):
    file = course / "modules" / "03-tiny" / "03-3-tiny.md"
    file.write_text(file.read_text().replace("minutes: 15", f"minutes: 15{line}"))
    assert [study.optional for study in list_studies(read_syllabus())] == [optional]


def test_is_a_session_that_is_maybe_optional_refused(course):
    file = course / "modules" / "03-tiny" / "03-3-tiny.md"
    file.write_text(file.read_text().replace("minutes: 15", "minutes: 15\n  optional: maybe"))
    with pytest.raises(CampusError, match="03-3-tiny.md: optional is 'maybe': write true, or take the line out"):
        read_syllabus()
