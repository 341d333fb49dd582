"""Does the module's last page list known answers that its sessions assert?"""

import re

import pytest

from campus.notebooks import read_notebook
from campus.syllabus import list_sessions

SESSIONS = {session.code: session for session in list_sessions()}
HEADING = "## Known answers of this module"


def listed(code):
    """The rows (session, what, value, source) of the table at the end of session `code`."""
    text = SESSIONS[code].path.read_text().split(HEADING)[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:3] == "| 3"]
    return [tuple(row) for row in rows]


ROWS = listed("3.8")


def numbers(text):
    """The numbers in a text or code, as they are written, without spaces around a stroke and commas in thousands."""
    text = re.sub(r"(?<=\d)[,_](?=\d{3}\b)", "", text)
    return set(re.findall(r"\d+(?:\.\d+)?", re.sub(r"\s*/\s*", "/", text)))


def code(session):
    return "\n".join(cell.source for cell in read_notebook(session).cells if cell.cell_type == "code")


@pytest.mark.parametrize("row", ROWS, ids=[" ".join(row[:2]) for row in ROWS])
def test_a_listed_value_stands_in_the_code_of_its_session(row):
    """Does the session exist, assert something, and hold each number (or the name of the formula) in its code?"""
    number, _, value, _ = row
    source = code(SESSIONS[number])
    assert "assert " in source
    assert numbers(value) <= numbers(source)
    if not numbers(value):
        assert value.split("'")[0].lower() in source.lower()


def test_every_session_of_the_module_is_in_the_list_twice():
    """Has each session of the module two known answers or more?"""
    counts = {code: sum(row[0] == code for row in ROWS) for code in SESSIONS if code.startswith("3.")}
    assert min(counts.values()) >= 2
