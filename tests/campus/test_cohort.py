"""Does the roster tell who takes part, and does each bad row tell where it is bad?"""

import pytest

from campus.cohort import COLUMNS, GRADER, read_roster
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
    roles = [person.role for person in read_roster()]
    counts = {role: roles.count(role) for role in roles}
    assert counts == {"associate": 6, "tutor": 2, "mentor": 1, "supervisor": 1, "lead": 1}


def test_do_the_example_associates_come_from_all_three_sectors():
    sectors = {person.sector for person in read_roster() if person.role == "associate"}
    assert sectors == {"health", "social care", "policing"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_is_a_file_saved_by_excel_read(tmp_path, encoding):
    people = read_roster(write(tmp_path, HEADER, TUTOR, ASSOCIATE, ",,,,,,,,,,", "", encoding=encoding))
    assert [person.username for person in people] == ["tara", "asha"]


@pytest.mark.parametrize(
    ("changed", "field", "told"),
    [
        (("asha,", "Asha,"), "username", "'Asha' is not a username"),
        (("asha,", "a/../b,"), "username", "'a/../b' is not a username"),
        (("asha,", ","), "username", "it is empty, and everybody needs one."),
        (("asha,", f"{GRADER},"), "username", "belongs to the marking service"),
        (("associate", "student"), "role", "'student' is not one of associate, tutor, mentor, supervisor, lead."),
        (("health", "navy"), "sector", "'navy' is not one of health, policing, social care."),
        (("asha@", "asha at "), "email", "is not an email address"),
        (("2026,tara", "2026,tim"), "tutor", "'tim' is not the username of a tutor on this roster"),
        (("2026,tara", "2026,"), "tutor", "it is empty, and an associate needs one."),
        (("tara,,", "tara,tara,"), "mentor", "'tara' is not the username of a mentor"),
        (("tara,,", "tara,,asha"), "supervisor", "'asha' is not the username of a supervisor"),
    ],
)
def test_is_a_bad_field_told_with_file_row_and_field(tmp_path, changed, field, told):
    lines = refuse(tmp_path, HEADER, TUTOR, ASSOCIATE.replace(*changed, 1))
    assert len(lines) == 1 and lines[0].startswith(f"roster.csv, row 3, {field}: ") and told in lines[0], lines


def test_are_all_bad_rows_told_at_once(tmp_path):
    lines = refuse(tmp_path, HEADER, TUTOR.replace(",tutor", ",teacher"), ASSOCIATE)
    assert [line.split(":")[0] for line in lines] == ["roster.csv, row 2, role", "roster.csv, row 3, tutor"]


def test_is_a_person_who_stands_there_twice_refused(tmp_path):
    lines = refuse(tmp_path, HEADER, TUTOR, ASSOCIATE, ASSOCIATE.replace("asha@", "other@"))
    assert lines == ["roster.csv, row 4, username: 'asha' stands on row 3 too: give each person their own."]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "roster.csv is empty"),
        ([HEADER], "roster.csv names nobody"),
        ([HEADER.replace(",role", "")], "roster.csv, row 1: the column role is missing: add it."),
        ([HEADER.replace("role", "job")], "roster.csv, row 1: the column role is missing: add it."),
        ([HEADER.replace(",", ";")], "roster.csv, row 1: none of the columns username, name, "),
        ([HEADER + ",role"], "roster.csv, row 1: the column role stands there twice: take one out."),
        ([HEADER, TUTOR.replace("Office", "Office, London")], "roster.csv, row 2: it has 12 fields, and 11 are wanted"),
        ([HEADER, '"tara'], "roster.csv, row 2: this is not CSV"),
    ],
)
def test_is_a_bad_file_told(tmp_path, rows, told):
    assert refuse(tmp_path, *rows)[0].startswith(told)


def test_is_a_file_with_semicolons_one_sentence(tmp_path):
    """Excel writes these where the comma is the decimal sign."""
    assert len(refuse(tmp_path, HEADER.replace(",", ";"), TUTOR.replace(",", ";"))) == 1


def test_is_a_file_in_another_encoding_told_with_its_row(tmp_path):
    file = write(tmp_path, HEADER, TUTOR.replace("Tara E", "Zoë E"), encoding="cp1252")
    with pytest.raises(CampusError, match="row 2: a letter is not UTF-8: save it as CSV UTF-8"):
        read_roster(file)


def test_is_a_missing_file_told(tmp_path):
    with pytest.raises(CampusError, match="cannot be read"):
        read_roster(tmp_path / "roster.csv")
