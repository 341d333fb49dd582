"""Do the commands say what they found, for people and for programs, and end as other commands do?"""

import json

import pytest
from typer.testing import CliRunner

from autograder import course
from campus.cli import app
from campus.cohort.people import first_roster
from tests.campus.cohort.conftest import ASHA, BEN, COHORT, TARA, TOM


@pytest.fixture
def campus():
    """A function that runs `campus roster`: (exit code, what was said)."""

    def run(*words):
        found = CliRunner().invoke(app, ["roster", *map(str, words)])
        return found.exit_code, found.stdout + found.stderr

    return run


def test_does_check_tell_a_good_roster_by_its_numbers(campus, monkeypatch):
    monkeypatch.delenv("CAMPUS_ROSTER", raising=False)
    code, said = campus("check", first_roster())
    assert code == 0 and "11 people (6 associate, 2 tutor, 1 mentor, 1 supervisor, 1 lead), nothing is wrong." in said


def test_does_check_tell_every_problem_and_end_in_one(campus, cohort):
    code, said = campus("check", cohort.write(TARA.replace(",tutor", ",teacher"), ASHA))
    lines = said.splitlines()
    assert code == 1 and ", row 2, role: " in lines[1] and ", row 3, tutor: " in lines[2]
    assert lines[-1] == "2 people (1 teacher, 1 associate), 2 problems."


def test_is_what_check_finds_there_for_programs(campus, cohort):
    code, said = campus("check", cohort.write(TARA.replace(",tutor", ",teacher")), "--json")
    found = json.loads(said)
    assert (code, found["ok"], found["people"], found["encoding"]) == (1, False, 1, "UTF-8")
    assert (found["problems"][0]["row"], found["problems"][0]["field"]) == (2, "role")


@pytest.mark.parametrize("command", ["check", "load"])
def test_is_a_missing_file_one_sentence(campus, cohort, tmp_path, command):
    code, said = campus(command, tmp_path / "none.csv")
    assert code == 1 and said.strip().endswith("cannot be read (No such file or directory): put it there.")


def test_does_a_dry_run_say_each_change_and_that_it_was_one(campus, cohort):
    file = cohort.write(TARA, TOM, ASHA.replace(",tara,", ",tom,"))
    code, said = campus("load", file, "--dry-run")
    assert (code, said.splitlines()) == (
        0,
        [
            "changed: Asha Example (asha, associate): tutor from 'tara' to 'tom'",
            "left: Ben Example (ben, associate)",
            "0 added, 1 changed, 0 returned, 1 left, 2 as they were.",
            "This was a dry run: nothing was changed.",
        ],
    )
    assert cohort.people()["ben"].left_at is None


def test_does_a_refused_load_end_in_one_and_say_that_nothing_changed(campus, cohort):
    code, said = campus("load", cohort.write(TARA, BEN.replace("ben@", "ben")))
    assert code == 1 and said.splitlines()[-1] == "Nothing was changed."


def test_is_a_load_there_for_programs(campus, cohort):
    code, said = campus("load", cohort.write(*COHORT), "--json")
    assert code == 0 and json.loads(said)["unchanged"] == 4


def test_does_a_load_put_new_associates_into_the_gradebook(campus, cohort):
    course.ensure_course()
    newcomer = BEN.replace("ben", "bea").replace("Ben", "Bea")
    assert campus("load", cohort.write(*COHORT, newcomer))[0] == 0
    with course.gradebook() as book:
        assert {student.id for student in book.students} == {"asha", "ben", "bea"}


def test_do_marks_and_place_in_the_gradebook_outlive_a_leave(campus, cohort):
    course.ensure_course()
    campus("load", cohort.write(*COHORT))
    campus("load", cohort.write(TARA, TOM, ASHA))
    with course.gradebook() as book:
        assert {student.id for student in book.students} == {"asha", "ben"}
