"""Does the roster tell who takes part, and does each bad row tell where it is bad?"""

import pytest

from campus.cohort.people import first_roster
from campus.cohort.roles import GRADER
from campus.cohort.roster import COLUMNS, check_roster, read_roster
from campus.errors import CampusError

HEADER = ",".join(COLUMNS)
TUTOR = "tara,Tara Example,tara@example.org,Example Office,health,South West,tutor,2026,,,"
ASSOCIATE = "asha,Asha Example,asha@example.org,Example Trust,health,South West,associate,2026,tara,,"


def write(tmp_path, *rows, encoding="utf-8"):
    file = tmp_path / "roster.csv"
    file.write_bytes("\r\n".join(rows).encode(encoding))
    return file


def refuse(tmp_path, *rows):
    """The lines of the refusal, without the folder in front."""
    file = write(tmp_path, *rows)
    with pytest.raises(CampusError) as refused:
        read_roster(file)
    return str(refused.value).replace(f"{tmp_path}/", "").split("\n")


def test_does_the_example_cohort_have_the_people_that_the_programme_needs():
    roles = [person.role for person in read_roster(first_roster())]
    counts = {role: roles.count(role) for role in roles}
    assert counts == {"associate": 6, "tutor": 2, "mentor": 1, "supervisor": 1, "lead": 1}


def test_do_the_example_associates_come_from_all_three_sectors():
    sectors = {person.sector for person in read_roster(first_roster()) if person.role == "associate"}
    assert sectors == {"health", "social care", "policing"}


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("utf-16", "UTF-16"), ("cp1252", "Windows-1252")],
)
@pytest.mark.parametrize(("separator", "word"), [(",", "commas"), (";", "semicolons"), ("\t", "tabs")])
def test_is_a_file_saved_by_excel_read(tmp_path, encoding, name, separator, word):
    rows = [HEADER, TUTOR.replace("Tara", "Zoë"), ASSOCIATE, ",,,,,,,,,,", ""]
    found = check_roster(write(tmp_path, *(row.replace(",", separator) for row in rows), encoding=encoding))
    assert (found.encoding, found.separator, found.problems) == (name, word, ())
    assert [(row, person.name) for row, person in found.people] == [(2, "Zoë Example"), (3, "Asha Example")]


def test_are_capitals_of_columns_and_spaces_no_fault(tmp_path):
    header = HEADER.replace("username", " Username ").replace("role", "ROLE")
    odd = ASSOCIATE.replace("Asha Example", "  Asha\u00a0  Example ").replace("associate", "Associate ")
    people = read_roster(write(tmp_path, f"{header},,", f"{TUTOR},,", f"{odd},,"))
    assert (people[1].name, people[1].role) == ("Asha Example", "associate")


@pytest.mark.parametrize(
    ("changed", "field", "told"),
    [
        (("asha,", "Asha,"), "username", "'Asha' is not a username"),
        (("asha,", "a/../b,"), "username", "'a/../b' is not a username"),
        (("asha,", "asha b,"), "username", "'asha b' is not a username"),
        (("asha,", ","), "username", "it is empty, and everybody needs one."),
        (("asha,", f"{GRADER},"), "username", "belongs to the marking service"),
        (("asha,", "root,"), "username", "belongs to the machine"),
        (("associate", "student"), "role", "'student' is not one of associate, tutor, mentor, supervisor, lead."),
        (("health", "navy"), "sector", "'navy' is not one of health, policing, social care."),
        (("health", ""), "sector", "it is empty, and an associate needs one."),
        (("asha@", "asha at "), "email", "is not an email address"),
        (("@example.org", "@example..org"), "email", "is not an email address"),
        (("asha@example.org", "a@example.org; b@example.org"), "email", "is not an email address"),
        (("2026,tara", "Sep-26,tara"), "cohort", "'Sep-26' is not a date that everybody reads alike"),
        (("2026,tara", "01/09/2026,tara"), "cohort", "write the cohort as 2026, 2026-09 or 2026-09-07."),
        (("2026,tara", "2026-13,tara"), "cohort", "'2026-13' is not a date"),
        (("2026,tara", "46266,tara"), "cohort", "'46266' is not a date"),
        (("2026,tara", "2026,tim"), "tutor", "'tim' is not the username of a tutor on this roster: add them"),
        (
            ("2026,tara", "2026,Tara"),
            "tutor",
            "of a tutor on this roster: did you mean 'tara'?",
        ),
        (("2026,tara", "2026,tara example"), "tutor", "did you mean 'tara'?"),
        (("2026,tara", "2026,"), "tutor", "it is empty, and an associate needs one."),
        (("tara,,", "tara,tara,"), "mentor", "'tara' is not the username of a mentor"),
        (("tara,,", "tara,,asha"), "supervisor", "'asha' is not the username of a supervisor"),
        (("Asha Example", "=1+1"), "name", "a spreadsheet takes '=' at the start for a formula: leave it out."),
        (("Example Trust", "@SUM(A1)"), "organisation", "a spreadsheet takes '@' at the start for a formula"),
        (("South West", "-"), "region", "a spreadsheet takes '-' at the start for a formula"),
        (("asha@", "+asha@"), "email", "a spreadsheet takes '+' at the start for a formula"),
        (("2026,tara", "2026, =tara"), "tutor", "a spreadsheet takes '=' at the start for a formula"),
        (("Asha Ex", "Asha\u200b Ex"), "name", "'Asha? Example' holds a letter that nobody sees (?): type it anew."),
        (("Asha Example", "A" * 300), "name", "it has 300 letters, and 254 are the most: shorten it."),
    ],
)
def test_is_a_bad_field_told_with_file_row_and_field(tmp_path, changed, field, told):
    lines = refuse(tmp_path, HEADER, TUTOR, ASSOCIATE.replace(*changed, 1))
    assert len(lines) == 1 and lines[0].startswith(f"roster.csv, row 3, {field}: ") and told in lines[0], lines


@pytest.mark.parametrize("cohort", ["2026", "2026-09", "2026-09-07", "Autumn 2026", "North 3", "may be later"])
def test_is_a_cohort_a_name_or_a_date_of_one_meaning(tmp_path, cohort):
    assert read_roster(write(tmp_path, HEADER, TUTOR.replace("2026", cohort)))[0].cohort == cohort


def test_are_all_bad_rows_told_at_once(tmp_path):
    lines = refuse(tmp_path, HEADER, TUTOR.replace(",tutor", ",teacher"), ASSOCIATE)
    assert [line.split(":")[0] for line in lines] == ["roster.csv, row 2, role", "roster.csv, row 3, tutor"]


def test_are_missing_columns_and_bad_fields_told_together(tmp_path):
    header = HEADER.replace(",region", "").replace("sector", "job")
    lines = refuse(tmp_path, header, ASSOCIATE.replace(",South West", ""))
    assert [line.split(":")[0] for line in lines] == [
        "roster.csv, row 1, sector",
        "roster.csv, row 1, region",
        "roster.csv, row 1",
        "roster.csv, row 2, tutor",
    ]


def test_does_a_row_that_cannot_be_read_make_no_fault_of_those_who_name_it(tmp_path):
    lines = refuse(tmp_path, HEADER, TUTOR.replace("Office", "Office, London"), ASSOCIATE)
    assert len(lines) == 1 and lines[0].startswith("roster.csv, row 2: it has 12 fields, and 11 are wanted: put ")


@pytest.mark.parametrize(
    ("second", "field", "told"),
    [
        (ASSOCIATE.replace("asha@", "other@"), "username", "'asha' stands on row 3 too: give each person their own."),
        (ASSOCIATE.replace("asha,", "asha-2,"), "email", "'asha@example.org' stands on row 3 too"),
        (
            ASSOCIATE.replace("asha,", "asha-2,").replace("asha@", "ASHA@"),
            "email",
            "'asha@example.org' stands on row 3",
        ),
    ],
)
def test_is_a_person_who_stands_there_twice_refused(tmp_path, second, field, told):
    lines = refuse(tmp_path, HEADER, TUTOR, ASSOCIATE, second)
    assert len(lines) == 1 and lines[0].startswith(f"roster.csv, row 4, {field}: {told}")


def test_is_a_twin_in_capitals_told_as_both(tmp_path):
    lines = refuse(tmp_path, HEADER, TUTOR, ASSOCIATE, ASSOCIATE.replace("asha,", "ASHA,").replace("asha@", "other@"))
    assert [line.split(": ")[1] for line in lines] == [
        "'ASHA' is not a username",
        "'asha' stands on row 3 too",
    ]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "roster.csv: it is empty"),
        (["", " , ", ""], "roster.csv: it is empty"),
        ([HEADER], "roster.csv: it names nobody"),
        ([HEADER.replace(",role", "")], "roster.csv, row 1, role: the column role is missing: add it."),
        (["one;two", "1;2"], "roster.csv, row 1: none of the columns username, name, "),
        ([HEADER + ",role"], "roster.csv, row 1, role: the column role stands there twice: take one out."),
        ([HEADER + ",=cmd"], "roster.csv, row 1: the column =cmd is not one of username, "),
        ([HEADER, '"tara'], "roster.csv, row 2: this is not CSV"),
    ],
)
def test_is_a_bad_file_told(tmp_path, rows, told):
    assert refuse(tmp_path, *rows)[0].startswith(told)


@pytest.mark.parametrize("content", [b"PK\x03\x04\x00\x00 a workbook", b"\x81\x8d\x8f", b"\xff\xfe\x00"])
def test_is_a_workbook_or_picture_one_sentence(tmp_path, content):
    (tmp_path / "roster.csv").write_bytes(content)
    (problem,) = check_roster(tmp_path / "roster.csv").problems
    assert problem.text == "it is not a text that a spreadsheet saves: save it as CSV UTF-8."


def test_is_a_huge_file_refused_unread(tmp_path):
    with (tmp_path / "roster.csv").open("wb") as file:
        file.truncate(4 * 1024**3)
    (problem,) = check_roster(tmp_path / "roster.csv").problems
    assert problem.text.startswith("it is larger than a roster, which holds at most 5 MB")


def test_are_too_many_rows_one_sentence(tmp_path):
    file = write(tmp_path, HEADER, *["a,,,,,,,,,,"] * 10_001)
    assert [problem.text for problem in check_roster(file).problems] == [
        "it has more than 10000 rows: is this the right file?"
    ]


def test_is_a_missing_file_told(tmp_path):
    with pytest.raises(CampusError, match="cannot be read"):
        read_roster(tmp_path / "roster.csv")
