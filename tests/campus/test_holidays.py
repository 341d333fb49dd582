"""Are the bank holidays those that the government lists, and right in the years that it has not listed yet?"""

from datetime import date

import pytest

from campus.holidays import bank_holidays, is_weekend

NEW_YEAR, GOOD_FRIDAY, EASTER = "New Year's Day", "Good Friday", "Easter Monday"
MAY, SPRING, SUMMER = "Early May bank holiday", "Spring bank holiday", "Summer bank holiday"
CHRISTMAS, BOXING = "Christmas Day", "Boxing Day"
NAMES = [NEW_YEAR, GOOD_FRIDAY, EASTER, MAY, SPRING, SUMMER, CHRISTMAS, BOXING]
LISTED = {  # https://www.gov.uk/bank-holidays, England and Wales, in the order of NAMES: day and month
    2024: "01/01 29/03 01/04 06/05 27/05 26/08 25/12 26/12",
    2025: "01/01 18/04 21/04 05/05 26/05 25/08 25/12 26/12",
    2026: "01/01 03/04 06/04 04/05 25/05 31/08 25/12 28/12",
    2027: "01/01 26/03 29/03 03/05 31/05 30/08 27/12 28/12",
    2028: "03/01 14/04 17/04 01/05 29/05 28/08 25/12 26/12",
}
SUBSTITUTES = {(2026, BOXING), (2027, CHRISTMAS), (2027, BOXING), (2028, NEW_YEAR)}  # so called on the same list
EARLIER = {  # the substitute days of the same list before, where the days at a weekend lie in each other way
    2020: {BOXING: date(2020, 12, 28)},
    2021: {CHRISTMAS: date(2021, 12, 27), BOXING: date(2021, 12, 28)},
    2022: {NEW_YEAR: date(2022, 1, 3), CHRISTMAS: date(2022, 12, 27)},
    2023: {NEW_YEAR: date(2023, 1, 2)},
}
ALWAYS = range(2020, 2100)


def by_name(year):
    return {name: day for day, name in bank_holidays(year).items()}


def substitutes(year):
    """The days of a year that stand in place of the day that they are named after."""
    fixed = {NEW_YEAR: date(year, 1, 1), CHRISTMAS: date(year, 12, 25), BOXING: date(year, 12, 26)}
    return {name: day for name, day in by_name(year).items() if name in fixed and day != fixed[name]}


@pytest.mark.parametrize("year", LISTED)
def test_are_they_the_days_of_the_governments_list(year):
    days = [date(year, *(int(part) for part in reversed(day.split("/")))) for day in LISTED[year].split()]
    assert by_name(year) == dict(zip(NAMES, days, strict=True))


def test_are_the_substitute_days_those_that_the_list_calls_so():
    assert {(year, name) for year in LISTED for name in substitutes(year)} == SUBSTITUTES


@pytest.mark.parametrize("year", EARLIER)
def test_were_they_so_when_days_at_a_weekend_lay_otherwise(year):
    """Christmas Day on a Sunday makes way for Boxing Day on the Monday."""
    assert substitutes(year) == EARLIER[year]


@pytest.mark.parametrize("year", ALWAYS)
def test_is_each_of_the_eight_a_day_of_the_working_week(year):
    found = by_name(year)
    assert sorted(found) == sorted(NAMES) and not any(is_weekend(day) for day in found.values())
    assert {found[name].weekday() for name in (EASTER, MAY, SPRING, SUMMER)} == {0} and found[
        GOOD_FRIDAY
    ].weekday() == 4


@pytest.mark.parametrize("year", ALWAYS)
def test_is_a_day_moved_only_from_a_weekend_and_to_the_days_behind_it(year):
    for name, day in substitutes(year).items():
        fixed = date(year, *{NEW_YEAR: (1, 1), CHRISTMAS: (12, 25), BOXING: (12, 26)}[name])
        assert is_weekend(fixed) and 1 <= (day - fixed).days <= 2
    end = {date(year, 12, 25), date(year, 12, 26)}
    if any(day.weekday() == 6 for day in end):  # schedule 1 of the Act
        assert date(year, 12, 27) in bank_holidays(year)
