"""The cohort: who takes part, read from the roster, one row a person."""

import csv
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from campus.errors import CampusError
from campus.folders import COURSE_ID, HUB_CONFIG
from campus.syllabus import SECTORS, where

ROLES = ("associate", "tutor", "mentor", "supervisor", "lead")
GRADER = f"grader-{COURSE_ID}"  # the account of the marking service; nobody signs in with it
USERNAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
LINKS = ("tutor", "mentor", "supervisor")  # columns that name another person of that role


@dataclass(frozen=True)
class Person:
    """One row of the roster; `tutor`, `mentor` and `supervisor` are usernames or empty."""

    username: str
    name: str
    email: str
    organisation: str
    sector: str
    region: str
    role: str
    cohort: str
    tutor: str
    mentor: str
    supervisor: str


COLUMNS = tuple(field.name for field in fields(Person))


def roster_path() -> Path:
    """The roster in use: the example cohort, or what CAMPUS_ROSTER names."""
    return Path(os.environ.get("CAMPUS_ROSTER") or HUB_CONFIG / "cohort" / "roster.csv")


def read_roster(path: Path | None = None) -> list[Person]:
    """The people of a roster in its order; CampusError has one line for each thing that is wrong (file, row, field)."""
    path = path or roster_path()
    rows = read_rows(path)
    people = [(number, Person(**row)) for number, row in rows]
    checks = (check_fields, check_unique, check_links)
    wrong = [problem for check in checks for problem in check(people)]
    if wrong:
        ordered = sorted(wrong, key=lambda problem: problem[0])
        raise CampusError("\n".join(f"{where(path)}, row {row}, {field}: {text}" for row, field, text in ordered))
    return [person for _, person in people]


def read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Row numbers as a spreadsheet shows them, and cells by column without spaces around them; empty rows left out."""
    file = where(path)
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise CampusError(f"{file}, row {reader.line_num}: this is not CSV ({error}): save it as CSV UTF-8.") from None
    rows = [(number, cells) for number, cells in rows if any(cells)]
    if not rows:
        raise CampusError(f"{file} is empty: give it the columns {', '.join(COLUMNS)} and one row a person.")
    header_row, header = rows[0]
    if not set(header) & set(COLUMNS):
        raise CampusError(
            f"{file}, row {header_row}: none of the columns {', '.join(COLUMNS)} is there: put them in the first row, "
            "with commas between them, and save it as CSV UTF-8."
        )
    missing = [name for name in COLUMNS if name not in header]
    strange = [name or "(without a name)" for name in header if name not in COLUMNS]
    twice = sorted({name for name in header if header.count(name) > 1} - set(strange))
    problems = [f"the column {name} is missing: add it." for name in missing]
    problems += [f"the column {name} is not one of {', '.join(COLUMNS)}: take it out." for name in strange]
    problems += [f"the column {name} stands there twice: take one out." for name in twice]
    problems = [f"{file}, row {header_row}: {text}" for text in problems]
    if not problems and not rows[1:]:
        problems = [f"{file} names nobody: add one row a person below the columns."]
    if not problems:
        problems = [
            f"{file}, row {number}: it has {len(cells)} fields, and {len(header)} are wanted: "
            "put text with a comma in double quotes."
            for number, cells in rows[1:]
            if len(cells) != len(header)
        ]
    if problems:
        raise CampusError("\n".join(problems))
    return [(number, dict(zip(header, cells, strict=True))) for number, cells in rows[1:]]


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, with or without the mark that Excel puts in front."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CampusError(f"The roster {where(path)} cannot be read ({error.strerror}): put it there.") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw.count(b"\n", 0, error.start) + 1
        raise CampusError(f"{where(path)}, row {row}: a letter is not UTF-8: save it as CSV UTF-8.") from None


def check_fields(people: list[tuple[int, Person]]) -> Iterator[tuple[int, str, str]]:
    """Fields that are empty or not what they should be."""
    for row, person in people:
        needed = [name for name in COLUMNS if name not in (*LINKS, "sector", "region")]
        if person.role == "associate":
            needed += ["sector", "region", "tutor"]
        for name in needed:
            if not getattr(person, name):
                who = "an associate" if name in (*LINKS, "sector", "region") else "everybody"
                yield (
                    row,
                    name,
                    f"it is empty, and {who} needs one.",
                )
        if person.username and not USERNAME.fullmatch(person.username):
            yield (
                row,
                "username",
                f"'{person.username}' is not a username: use 1 to 32 small letters, digits, - or _, a letter first.",
            )
        if person.username == GRADER:
            yield row, "username", f"'{GRADER}' belongs to the marking service: choose another."
        if person.email and not re.fullmatch(r"[^@\s]+@[^@\s]+", person.email):
            yield row, "email", f"'{person.email}' is not an email address: write it as name@organisation."
        if person.sector and person.sector not in SECTORS:
            yield row, "sector", f"'{person.sector}' is not one of {', '.join(sorted(SECTORS))}."
        if person.role and person.role not in ROLES:
            yield row, "role", f"'{person.role}' is not one of {', '.join(ROLES)}."


def check_unique(people: list[tuple[int, Person]]) -> Iterator[tuple[int, str, str]]:
    """Usernames and addresses that stand on two rows."""
    for field in ("username", "email"):
        seen: dict[str, int] = {}
        for row, person in people:
            value = getattr(person, field).lower()
            if value and value in seen:
                yield row, field, f"'{value}' stands on row {seen[value]} too: give each person their own."
            seen.setdefault(value, row)


def check_links(people: list[tuple[int, Person]]) -> Iterator[tuple[int, str, str]]:
    """Tutors, mentors and supervisors who are not on the roster in that role."""
    for role in LINKS:
        known = [person.username for _, person in people if person.role == role]
        for row, person in people:
            named = getattr(person, role)
            if named and named not in known:
                yield row, role, f"'{named}' is not the username of a {role} on this roster: add them or correct it."
