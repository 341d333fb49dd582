"""Bank holidays of England, computed for any year.

Days by the Banking and Financial Dealings Act 1971, schedule 1, and the Royal Proclamations that have moved or added
days in the same way ever since (New Year's Day, the first Monday of May); a day at a weekend is taken on the next
working day that is none. The list that counts is https://www.gov.uk/bank-holidays: a day that is proclaimed for one
year alone is not known here.
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
