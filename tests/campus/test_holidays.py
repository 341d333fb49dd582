"""Are the bank holidays those that the government lists?"""

from datetime import date

import pytest

from campus.holidays import bank_holidays

LISTED = {  # https://www.gov.uk/bank-holidays, England and Wales: months and days
    2024: "01-01 03-29 04-01 05-06 05-27 08-26 12-25 12-26",
    2025: "01-01 04-18 04-21 05-05 05-26 08-25 12-25 12-26",
    2026: "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28",
    2027: "01-01 03-26 03-29 05-03 05-31 08-30 12-27 12-28",
}


@pytest.mark.parametrize("year", LISTED)
def test_are_they_the_days_of_the_governments_list(year):
    assert list(bank_holidays(year)) == [date.fromisoformat(f"{year}-{day}") for day in LISTED[year].split()]


def test_does_a_day_at_a_weekend_move_behind_one_that_stays():
    """Christmas Day 2033 is a Sunday, and the Monday is Boxing Day already."""
    found = {name: day for day, name in bank_holidays(2033).items()}
    assert (found["Boxing Day"], found["Christmas Day"]) == (date(2033, 12, 26), date(2033, 12, 27))
