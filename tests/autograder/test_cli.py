"""Does the command line print tables or pure JSON, say what is wrong in a sentence, and end with the right code?"""

import json

import pytest
from typer.testing import CliRunner

from autograder.cli import app
from campus import folders

run = CliRunner().invoke


@pytest.fixture(scope="module")
def course(campus):
    """A course with its assignment released, over the command line."""
    result = run(app, ["release"])
    assert result.exit_code == 0, result.output
    return result


def test_does_release_print_a_table(course):
    assert "bed-days" in course.stdout and "released" in course.stdout and course.stderr == ""


@pytest.mark.parametrize("verb", ["release", "collect", "grade", "feedback", "status"])
def test_is_json_all_that_is_printed(course, verb):
    result = run(app, [verb, "bed-days", "--json"])
    found = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (0, "")
    assert found["ok"] and [entry["name"] for entry in found["assignments"]] == ["bed-days"]


@pytest.mark.parametrize("verb", ["release", "collect", "grade", "feedback", "status"])
def test_may_each_verb_be_repeated(course, verb):
    first, second = run(app, [verb]), run(app, [verb])
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stdout == second.stdout != ""


@pytest.mark.parametrize("verb", ["check", "release", "collect", "grade", "feedback", "status"])
def test_is_an_unknown_assignment_a_sentence_and_code_2(course, verb):
    result = run(app, [verb, "beds"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("There is no assignment 'beds' in") and result.stderr.count("\n") == 1


def test_is_an_unknown_option_code_2(course):
    assert run(app, ["grade", "--students", "x"]).exit_code == 2


def test_is_all_beside_a_name_code_2(course):
    result = run(app, ["grade", "bed-days", "--all"])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("verb", ["grade", "watch", "worker"])
def test_does_the_help_say_what_exit_codes_mean(verb):
    told = " ".join(run(app, [verb, "--help"]).stdout.split())
    assert "0 all well; 1 something could not be marked" in told


def test_is_a_person_without_submission_a_sentence_and_code_1(course):
    result = run(app, ["grade", "--student", "nobody"])
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith("No submission of nobody is there to be marked")


def test_is_an_assignment_with_a_problem_code_1_and_not_released(course):
    path = folders.EXERCISES / "bed-days" / "assignment.md"
    text = path.read_text()
    path.write_text(text.replace("points: 3, ", ""))
    try:
        checked, released = run(app, ["check"]), run(app, ["release"])
        as_json = run(app, ["check", "--json"])
    finally:
        path.write_text(text)
    assert checked.exit_code == released.exit_code == as_json.exit_code == 1
    assert "cell 'test-occupancy' needs points" in checked.stdout
    assert "bed-days is not released, it has 1 problem: run 'autograder check bed-days'." in released.stderr
    assert json.loads(as_json.stdout)["assignments"][0]["ok"] is False


def test_is_a_newer_state_folder_a_sentence_and_code_1(course, tmp_path, monkeypatch):
    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path))
    (tmp_path / "VERSION").write_text("99\n")
    result = run(app, ["status"])
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "newer version" in result.stderr


def test_does_no_command_given_show_the_commands():
    assert "check" in run(app, []).output
