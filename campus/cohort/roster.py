"""The roster: a file with one row a person, as a spreadsheet saves it, and everything that is wrong with it."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import date
from difflib import get_close_matches
from pathlib import Path

from campus.cohort.roles import GRADER, ROLES
from campus.errors import CampusError
from campus.syllabus import SECTORS, where

USERNAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
TAKEN = {GRADER: "belongs to the marking service"} | dict.fromkeys(
    ("admin", "nobody", "operator", "root"), "belongs to the machine"
)
LINKS = ("tutor", "mentor", "supervisor")  # columns that name another person of that role
PLACES = ("sector", "region")
MOST_BYTES = 5 * 1024**2
MOST_ROWS = 10_000
MOST_LETTERS = 254  # of one field, the most that an email address may have
FORMULA = ("=", "+", "-", "@")  # what a spreadsheet runs when somebody opens the file
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}  # which Excel puts in front
NAMES = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252"}
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}


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


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, in a sentence; `row` as a spreadsheet shows it, None where the whole file is meant."""

    row: int | None
    field: str | None
    text: str

    def tell(self, file: str) -> str:
        """The sentence with the place in front."""
        place = [file, *([f"row {self.row}"] if self.row else []), *([self.field] if self.field else [])]
        return f"{', '.join(place)}: {self.text}"


@dataclass(frozen=True)
class Roster:
    """What a file holds: its people in their rows, everything that is wrong, and how the file is written."""

    file: str
    people: tuple[tuple[int, Person], ...]
    problems: tuple[Problem, ...]
    encoding: str = "UTF-8"
    separator: str = "commas"


def read_roster(path: Path) -> list[Person]:
    """The people of a roster in its order; CampusError has one line for each thing that is wrong (file, row, field)."""
    found = check_roster(path)
    if found.problems:
        raise CampusError("\n".join(problem.tell(found.file) for problem in found.problems))
    return [person for _, person in found.people]


def check_roster(path: Path) -> Roster:
    """Everything that is wrong with a roster, in the order of its rows; CampusError where there is no such file."""
    file = where(path)
    raw = read_bytes(path)
    if len(raw) > MOST_BYTES:
        text = f"it is larger than a roster, which holds at most {MOST_BYTES // 1024**2} MB: is this the right file?"
        return Roster(file, (), (Problem(None, None, text),))
    encoding, text = decode(raw)
    if text is None:
        wrong = Problem(None, None, "it is not a text that a spreadsheet saves: save it as CSV UTF-8.")
        return Roster(file, (), (wrong,))
    separator = find_separator(text)
    rows, problems = split_rows(text, separator)
    people, more = read_people(rows) if rows else ([], [])
    ordered = sorted([*problems, *more], key=lambda problem: problem.row or MOST_ROWS)
    return Roster(file, tuple(people), tuple(ordered), NAMES[encoding], SEPARATORS[separator])


def describe(found: Roster) -> dict:
    """What was found, as plain data."""
    return {
        "ok": not found.problems,
        "file": found.file,
        "encoding": found.encoding,
        "separator": found.separator,
        "people": len(found.people),
        "problems": tell_problems(found.file, found.problems),
    }


def tell_problems(file: str, problems: Iterable[Problem]) -> list[dict]:
    """Problems as plain data, each with its whole sentence."""
    return [asdict(problem) | {"sentence": problem.tell(file)} for problem in problems]


# ---- From bytes to rows ----


def read_bytes(path: Path) -> bytes:
    """The file, as far as a roster may be long."""
    try:
        with path.open("rb") as handle:
            return handle.read(MOST_BYTES + 1)
    except OSError as error:
        raise CampusError(f"The roster {where(path)} cannot be read ({error.strerror}): put it there.") from None


def decode(raw: bytes) -> tuple[str, str | None]:
    """The encoding and the text: what its first bytes say, else UTF-8, else what Excel writes on Windows, else None."""
    marked = [encoding for mark, encoding in MARKS.items() if raw.startswith(mark)]
    for encoding in marked or ["utf-8", "cp1252"]:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding, None if "\0" in text else text
    return "utf-8", None


def find_separator(text: str) -> str:
    """What stands between the fields: of comma, semicolon and tab the one that splits off most known columns."""
    first = next((line for line in text.splitlines() if line.strip(' ,;\t"')), "")
    return max(SEPARATORS, key=lambda sign: len(set(map(tidy_name, first.split(sign))) & set(COLUMNS)))


def split_rows(text: str, separator: str) -> tuple[list[tuple[int, list[str]]], list[Problem]]:
    """Row numbers as a spreadsheet shows them, with their cells as they stand; rows without anything left out."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[tuple[int, list[str]]] = []
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if any(cell.strip() for cell in cells):
                rows.append((number, cells))
            if len(rows) > MOST_ROWS + 1:
                return [], [Problem(None, None, f"it has more than {MOST_ROWS} rows: is this the right file?")]
    except csv.Error as error:
        return [], [Problem(number + 1, None, f"this is not CSV ({error}): save it as CSV UTF-8.")]
    if not rows:
        return [], [Problem(None, None, f"it is empty: give it the columns {', '.join(COLUMNS)} and one row a person.")]
    return rows, []


# ---- From rows to people ----


def read_people(rows: list[tuple[int, list[str]]]) -> tuple[list[tuple[int, Person]], list[Problem]]:
    """The people in their rows, the first of which names the columns, and everything that is wrong with them."""
    header_row, header = rows[0][0], [tidy_name(cell) for cell in rows[0][1]]
    width = len(header)
    while header and not header[-1] and all(not "".join(cells[len(header) - 1 :]).strip() for _, cells in rows):
        header.pop()  # an empty column that a spreadsheet adds at the end
    problems = list(check_columns(header_row, header))
    if not set(header) & set(COLUMNS):
        return [], problems
    if not rows[1:]:
        problems.append(Problem(None, None, "it names nobody: add one row a person below the columns."))
    people, broken = [], set()
    for number, cells in rows[1:]:
        if len(cells) == width:
            cells = cells[: len(header)]
        if len(cells) != len(header):
            text = (
                f"it has {len(cells)} fields, and {len(header)} are wanted: put a field with a separator in it "
                "in double quotes."
            )
            problems.append(Problem(number, None, text))
            broken.update(cell.strip() for cell in cells)
            continue
        given = dict(zip(header, cells, strict=True))
        problems += check_cells(number, given)
        people.append((number, make_person(given)))
    there = [name for name in COLUMNS if name in header]
    problems += check_fields(people, there)
    problems += check_unique(people)
    problems += check_links(people, broken)
    return people, problems


def tidy_name(cell: str) -> str:
    """The name of a column, whatever its capitals and spaces."""
    return cell.strip(' \t"\ufeff').casefold()


def make_person(given: dict[str, str]) -> Person:
    """A row's fields without needless spaces; role and sector in small letters, as a list of choices is meant."""
    fields = {name: " ".join(given.get(name, "").split()) for name in COLUMNS}
    return Person(**fields | {name: fields[name].lower() for name in ("role", "sector")})


def check_columns(row: int, header: list[str]) -> Iterator[Problem]:
    """Columns that are missing, strange or there twice."""
    if not set(header) & set(COLUMNS):
        names = ", ".join(COLUMNS)
        yield Problem(row, None, f"none of the columns {names} is there: put them in the first row, with commas.")
        return
    for name in COLUMNS:
        if name not in header:
            yield Problem(row, name, f"the column {name} is missing: add it.")
        elif header.count(name) > 1:
            yield Problem(row, name, f"the column {name} stands there twice: take one out.")
    for name in dict.fromkeys(name for name in header if name not in COLUMNS):
        shown = printable(name) or "(without a name)"
        yield Problem(row, None, f"the column {shown} is not one of {', '.join(COLUMNS)}: take it out.")


def check_cells(row: int, given: dict[str, str]) -> Iterator[Problem]:
    """Fields that no person's are: a formula, letters that nobody sees, far too many letters."""
    for name, cell in given.items():
        if name not in COLUMNS:
            continue
        text = " ".join(cell.split())
        if text.startswith(FORMULA):
            yield Problem(row, name, f"a spreadsheet takes '{text[0]}' at the start for a formula: leave it out.")
        elif not text.isprintable():
            yield Problem(row, name, f"'{printable(text)}' holds a letter that nobody sees (?): type it anew.")
        elif len(text) > MOST_LETTERS:
            yield Problem(row, name, f"it has {len(text)} letters, and {MOST_LETTERS} are the most: shorten it.")


def check_fields(people: list[tuple[int, Person]], columns: list[str]) -> Iterator[Problem]:
    """Fields that are empty or not what they should be, of the columns that are there."""
    for row, person in people:
        for name in columns:
            value = getattr(person, name)
            text = check_value(name, value) if value else check_empty(name, person.role)
            if text and not value.startswith(FORMULA):
                yield Problem(row, name, text)


def check_empty(name: str, role: str) -> str | None:
    """What is wrong with an empty field."""
    if name not in (*LINKS, *PLACES):
        return "it is empty, and everybody needs one."
    return "it is empty, and an associate needs one." if role == "associate" and name in (*PLACES, "tutor") else None


def check_value(name: str, value: str) -> str | None:
    """What is wrong with a field that holds something."""
    shown = f"'{printable(value)}'"
    if name == "username":
        if not USERNAME.fullmatch(value):
            return f"{shown} is not a username: use 1 to 32 small letters, digits, - or _, a letter first."
        return f"{shown} {TAKEN[value]}: choose another." if value in TAKEN else None
    if name == "email" and not re.fullmatch(r"[^@\s,;<>\"]+@[^@\s,;<>\".]+(\.[^@\s,;<>\".]+)*", value):
        return f"{shown} is not an email address: write it as name@organisation."
    if name == "sector" and value not in SECTORS:
        return f"{shown} is not one of {', '.join(sorted(SECTORS))}."
    if name == "role" and value not in ROLES:
        return f"{shown} is not one of {', '.join(ROLES)}."
    if name == "cohort" and not is_cohort(value):
        return f"{shown} is not a date that everybody reads alike: write the cohort as 2026, 2026-09 or 2026-09-07."
    return None


def is_cohort(value: str) -> bool:
    """Whether a cohort is a name, or a year, month or day of the calendar, which a spreadsheet likes to rewrite."""
    if re.fullmatch(r"\d{4}(-\d\d){0,2}", value):
        parts = [int(part) for part in value.split("-")]
        try:
            return date(*parts, *[1] * (3 - len(parts))).year >= 2000
        except ValueError:
            return False
    months = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
    return not re.fullmatch(rf"[\d/. :-]+|\d{{1,2}}[-/ ]({months})\w*([-/ ]\d+)?|({months})\w*[-/ ]?\d+", value.lower())


def check_unique(people: list[tuple[int, Person]]) -> Iterator[Problem]:
    """Usernames and addresses that stand on two rows, be it in other letters."""
    for field in ("username", "email"):
        seen: dict[str, int] = {}
        for row, person in people:
            value = getattr(person, field).casefold()
            if value and value in seen:
                text = f"'{printable(value)}' stands on row {seen[value]} too: give each person their own."
                yield Problem(row, field, text)
            seen.setdefault(value, row)


def check_links(people: list[tuple[int, Person]], broken: set[str]) -> Iterator[Problem]:
    """Tutors, mentors and supervisors who are not on the roster in that role; `broken` is what unread rows hold."""
    for role in LINKS:
        known = {person.username: person.name for _, person in people if person.role == role}
        for row, person in people:
            named = getattr(person, role)
            if named and named not in known and named not in broken and not named.startswith(FORMULA):
                yield Problem(
                    row,
                    role,
                    f"'{printable(named)}' is not the username of a {role} on this roster: {advise(named, known)}",
                )


def advise(named: str, known: dict[str, str]) -> str:
    """Whom somebody may have meant."""
    meant = guess(named, known)
    return f"did you mean '{meant}'?" if meant else "add them or correct it."


def guess(named: str, known: dict[str, str]) -> str:
    """The username, of some with their names, that somebody may have meant; nothing where none comes near."""
    by_name = [username for username, name in known.items() if name.casefold() == named.casefold()]
    return next(iter(by_name or get_close_matches(named.lower(), known, n=1, cutoff=0.75)), "")


def printable(text: str, most: int = 60) -> str:
    """Somebody's text as it may stand in a sentence: one line of letters that can be seen."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:most]
