"""Moments: the server's time, kept and sent as text in UTC that sorts as time does."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from campus.exchange.refusal import Refusal, printable

HERE = ZoneInfo("Europe/London")  # what people mean who name no time zone
NBGRADER = "%Y-%m-%d %H:%M:%S.%f UTC"  # how nbgrader writes a time stamp


def now() -> str:
    """This moment by the server's clock, as in 2026-11-25T22:04:05.123456+00:00."""
    return write(datetime.now(UTC))


def write(moment: datetime) -> str:
    """A moment as it is kept: UTC, to the microsecond, always of one length."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def read(text: object) -> str:
    """A moment that somebody wrote in ISO form, as it is kept; London's where no zone is named. Refusal otherwise."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=HERE)
        return write(moment)
    except (TypeError, ValueError, OverflowError):
        raise Refusal(
            422, f"'{printable(text)}' is not a date and time: write it as 2026-11-25T17:00 or with its time zone."
        ) from None


def for_nbgrader(moment: str) -> str:
    """A kept moment as nbgrader writes its time stamps."""
    return datetime.fromisoformat(moment).strftime(NBGRADER)


def for_field(moment: str) -> str:
    """A kept moment as a field for London's date and time holds it."""
    return datetime.fromisoformat(moment).astimezone(HERE).strftime("%Y-%m-%dT%H:%M:%S").removesuffix(":00")


def for_deadline(moment: str) -> str:
    """A kept moment as people plan by it, in London's time: Tuesday 1 December 2026, 17:00 London time (GMT)."""
    there = datetime.fromisoformat(moment).astimezone(HERE)
    time = f"{there:%H:%M:%S}".removesuffix(":00")
    return f"{there:%A} {there.day} {there:%B %Y}, {time} London time ({there:%Z})"


def for_people(moment: str) -> str:
    """A kept moment as people in London read it, to the second."""
    return datetime.fromisoformat(moment).astimezone(HERE).strftime("%-d %B %Y, %H:%M:%S %Z")
