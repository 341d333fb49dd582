"""Do the commands open modules and set the pace, say what holds then, and end in one sentence where they cannot?"""

import json
from datetime import date

import pytest
from typer.testing import CliRunner

from campus import opening
from campus.cli import app
from campus.cohort.people import ensure_people
from campus.exchange.client import connect
from campus.opening import read_changes, read_decisions
from campus.pace import Pace

PACE = Pace("six-months", date(2027, 1, 4), (date(2027, 2, 16),))
SET = ("set-pace", "six-months", "2027-01-04", "--off", "2027-02-16")


@pytest.fixture
def campus(tmp_path, monkeypatch):
    """A function that runs `campus` for the example cohort on 27 November 2026: (exit code, what was said)."""
    for name in ("CAMPUS_DATABASE_URL", "CAMPUS_ROSTER", "SUDO_USER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path))
    monkeypatch.setenv("LOGNAME", "olive")
    monkeypatch.setattr(opening.moment, "now", lambda: "2026-11-27T12:00:00.000000+00:00")
    ensure_people()

    def run(*words):
        found = CliRunner().invoke(app, words)
        return found.exit_code, " ".join((found.stdout + found.stderr).split())

    return run


@pytest.mark.parametrize(
    ("words", "days", "said"),
    [
        (("open", "4"), ((4, date(2026, 11, 27)),), "open since Friday 27 November 2026."),
        (("open", "4", "--on", "2027-01-12"), ((4, date(2027, 1, 12)),), "opens on Tuesday 12 January 2027."),
        (("close", "4"), ((4, None),), "closed until somebody opens it."),
        (("open", "4", "--by-plan"), (), "opens on Monday 5 April 2027."),
    ],
)
def test_does_a_module_open_as_the_command_says(campus, words, days, said):
    campus(*SET)
    assert campus(*words) == (0, f"Cohort 2026: module 4, Networks: {said}")
    assert read_decisions("2026").days == days and read_changes("2026")[0]["who"] == "operator olive"


def test_is_a_pace_kept_and_shown(campus):
    kept = "Cohort 2026 takes six months at one day a week from Monday 4 January 2027, 1 week off."
    assert campus(*SET) == (0, kept) and read_decisions("2026").pace == PACE
    code, said = campus("pace")
    assert code == 0 and "operator olive: the pace is six months at one day a week" in said
    assert "│ 26 │" in said and "│ 29 Mar 2027 │ │ off │" in said  # Easter Monday


def test_is_a_dry_run_shown_and_not_kept(campus):
    code, said = campus(*SET, "--dry-run")
    assert code == 0 and "│ 26 │" in said and said.endswith("Nothing was changed.")
    assert read_decisions("2026").pace is None and read_changes("2026") == []


def test_is_all_of_it_there_for_programs(campus):
    campus(*SET)
    campus("open", "4", "--on", "2027-01-12")
    found = json.loads(campus("pace", "--json")[1])
    assert found["pace"] == {"plan": "six-months", "start": "2027-01-04", "off": ["2027-02-16"]}
    networks = next(one for one in found["modules"] if one["module"] == 4)
    assert (networks["opens"], networks["by"], networks["open"]) == ("2027-01-12", "hand", False)
    assert [week["week"] for week in found["weeks"] if week["week"]] == list(range(1, 27))
    assert sum(week["minutes"] for week in found["weeks"]) == sum(
        study["minutes"] for week in found["weeks"] for study in week["core"]
    )
    assert [change["what"] for change in found["changes"]][0] == "module 4 opens on Tuesday 12 January 2027"


def test_is_it_shown_by_name_who_is_behind(campus, monkeypatch):
    campus("set-pace", "six-months", "2026-09-07")
    for name in ("referral-pathway", "call-handlers"):
        connect().release(name, {f"{name}.ipynb": b"{}"})
    connect("ben").submit("call-handlers", {"call-handlers.ipynb": b"{}"})
    monkeypatch.setattr(opening.moment, "now", lambda: "2027-03-12T12:00:00.000000+00:00")  # near the end of the plan
    code, said = campus("pace", "--behind")
    assert code == 0 and "6 of 6 are behind: offer them help." in said
    found = json.loads(campus("pace", "--behind", "--json")[1])
    assert [one["behind"] for one in found["people"][:2]] == [
        ["referral-pathway", "call-handlers"],
        ["referral-pathway"],
    ]
    assert [one["handed_in"] for one in found["weeks"] if "call-handlers" in one["assignments"]] == [1]


def test_is_nobody_behind_without_a_plan(campus):
    code, said = campus("pace", "--behind")
    assert code == 0 and "no pace plan, so nobody can be behind it" in said and said.endswith("Nobody is behind.")


def test_is_a_cohort_without_a_plan_told_how_to_get_one(campus):
    code, said = campus("pace")
    assert code == 0 and "There is no pace plan: set one, as in 'campus set-pace six-months 2027-01-04'." in said
    assert json.loads(campus("pace", "--json")[1])["weeks"] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("open", "12"), "There is no module 12: choose one of 1, 2"),
        (("open", "4", "--on", "soon"), "'soon' is not a day: write it as 2027-01-12."),
        (("open", "4", "--on", "2027-01-12", "--by-plan"), "--on and --by-plan exclude each other: give one of them."),
        (("close", "4", "--cohort", "2030"), "There is no cohort '2030': choose one of 2026."),
        (("set-pace", "a-week", "2027-01-04"), "'a-week' is not a plan: choose three-months or six-months."),
        (("set-pace", "six-months", "2027-01-04", "--off", "2030-01-01"), "is not within the plan"),
    ],
)
def test_is_what_cannot_be_done_one_sentence(campus, words, told):
    code, said = campus(*words)
    assert code == 1 and told in said and "Traceback" not in said and read_changes("2026") == []
