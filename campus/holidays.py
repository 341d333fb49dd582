"""Bank holidays of England, computed for any year.

Schedule 1 of the Banking and Financial Dealings Act 1971 (https://www.legislation.gov.uk/ukpga/1971/80/schedule/1)
names Easter Monday, the last Mondays of May and August, 26 December unless it is a Sunday, and 27 December where the
25th or 26th is one. Good Friday and Christmas Day are holidays by common law. New Year's Day, the first Monday of May
and a weekday in place of each day at a weekend are proclaimed every year in the same way. The list that counts is
https://www.gov.uk/bank-holidays; the tests hold this to its data (github.com/alphagov/frontend, lib/data/
bank-holidays.json, as of August 2026) for 2024 to 2028. What is proclaimed for one year alone, as for a coronation, is
not known here.
"""

from datetime import date, timedelta
from functools import lru_cache

from dateutil.easter import easter

MONDAY, SATURDAY = 0, 5


@lru_cache
def bank_holidays(year: int) -> dict[date, str]:
    """The bank holidays of a year with their names, in order."""
    sunday = easter(year)
    days = {
        sunday - timedelta(days=2): "Good Friday",
        sunday + timedelta(days=1): "Easter Monday",
        first_monday(year, 5): "Early May bank holiday",
        last_monday(year, 5): "Spring bank holiday",
        last_monday(year, 8): "Summer bank holiday",
    }
    fixed = {
        date(year, 1, 1): "New Year's Day",
        date(year, 12, 25): "Christmas Day",
        date(year, 12, 26): "Boxing Day",
    }
    for day in sorted(fixed, key=is_weekend):  # who is moved makes way for who is not
        days[find_free(day, days)] = fixed[day]
    return dict(sorted(days.items()))


def first_monday(year: int, month: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(MONDAY - first.weekday()) % 7)


def last_monday(year: int, month: int) -> date:
    """The last Monday of a month of 31 days."""
    last = date(year, month, 31)
    return last - timedelta(days=last.weekday())


def is_weekend(day: date) -> bool:
    return day.weekday() >= SATURDAY


def find_free(day: date, taken: dict[date, str]) -> date:
    """A day itself, or the next that is neither at a weekend nor a holiday already."""
    while is_weekend(day) or day in taken:
        day += timedelta(days=1)
    return day
