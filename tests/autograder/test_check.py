"""Does the check pass what is right, and say of each thing that is wrong what it is?"""

import shutil
from pathlib import Path

import pytest

from autograder import check
from autograder.catalogue import catalogue
from campus import folders
from tests.autograder.conftest import BED_DAYS

MISTAKE = "---\nquestion: {question}\nloses: {loses}\ntold: A sentence.\n---\n```{{code-cell}} ipython3\n{code}\n```\n"
ALTERNATIVE = "---\nquestion: {question}\ntitle: A title\n---\n```{{code-cell}} ipython3\n{code}\n```\n"


def edit(folder: Path, file: str, old: str, new: str) -> None:
    """Change one place of a file."""
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))


def write(folder: Path, file: str, text: str, **fields) -> None:
    """Write a variant."""
    (folder / file).write_text(text.format(**fields))


def wrong_solution(folder):
    edit(folder, "assignment.md", "return days / available", "return 2 * days / available")


def blank_that_earns(folder):
    edit(folder, "assignment.md", "share = occupancy(90, 10, 30)", "share = 0.3")


def no_hidden_tests(folder):
    edit(folder, "assignment.md", "### BEGIN HIDDEN TESTS\n", "")
    edit(folder, "assignment.md", "### END HIDDEN TESTS\n", "")


def no_visible_test(folder):
    edit(
        folder, "assignment.md", 'assert share is not None, "occupancy returned nothing: does it end with return?"', ""
    )


def assert_without_message(folder):
    edit(folder, "assignment.md", 'is not None, "occupancy returned nothing: does it end with return?"', "is not None")


def solution_in_the_text(folder):
    edit(folder, "assignment.md", "that was read above.", 'above.\n\n    return int(stays["days"].max())')


def too_short(folder):
    edit(folder, "assignment.md", "minutes: 10", "minutes: 5")


def short_capstone(folder):
    edit(folder, "assignment.md", "  questions:", "  capstone: true\n  questions:")


def directive(folder):
    edit(folder, "assignment.md", "Write two sentences.", "```{note}\nWrite two sentences.\n```")


def no_alternative(folder):
    (folder / "alternatives" / "longest-by-loop.md").unlink()


def wrong_alternative(folder):
    write(folder, "alternatives/half.md", ALTERNATIVE, question="occupancy", code="def occupancy(d, b, p): return 0.5")


def alternative_that_spoils(folder):
    code = "def occupancy(d, b, p): return d / b / p\n\npd = None"
    write(folder, "alternatives/spoils.md", ALTERNATIVE, question="occupancy", code=code)


def one_mistake(folder):
    (folder / "mistakes" / "longest-last.md").unlink()


def mistake_that_no_test_fails(folder):
    write(folder, "mistakes/none.md", MISTAKE, question="occupancy", loses=3, code="def occupancy(d, b, p): return 0.3")


def mistake_that_loses_less(folder):
    write(folder, "mistakes/less.md", MISTAKE, question="occupancy", loses=2, code="def occupancy(d, b, p): return 0.4")


def same_message(folder):
    write(folder, "mistakes/a.md", MISTAKE, question="longest", loses=2, code="def longest(stays): return 22")
    write(folder, "mistakes/b.md", MISTAKE, question="longest", loses=2, code="def longest(stays): return 22")


def message_of_a_blank(folder):
    write(
        folder,
        "mistakes/c.md",
        MISTAKE,
        question="longest",
        loses=2,
        code="def longest(s): raise NotImplementedError()",
    )


def message_with_an_address(folder):
    write(folder, "mistakes/d.md", MISTAKE, question="longest", loses=2, code="def longest(stays): return object()")


def message_that_changes(folder):
    code = "def longest(stays): return {'a', 'b', 'c', 'd', 'e'}"
    write(folder, "mistakes/e.md", MISTAKE, question="longest", loses=2, code=code)


def warning_in_a_test(folder):
    code = "def longest(stays):\n    import warnings\n    warnings.warn('careful')\n    return 21"
    write(folder, "alternatives/warns.md", ALTERNATIVE, question="longest", code=code)


def two_unreadable_variants(folder):
    edit(folder, "mistakes/longest-last.md", "loses: 2", "loses: 5")
    edit(folder, "mistakes/longest-mean.md", "told: ", "tell: ")


EXPECTED = {
    wrong_solution: "The solution earns 0 of 3: AssertionError: With 90 bed days, 10 beds and 30 days expected 0.3",
    blank_that_earns: "An empty answer earns 3 of 3",
    no_hidden_tests: "Cell 'test-occupancy' has no hidden tests.",
    no_visible_test: "Cell 'test-occupancy' has no visible test",
    assert_without_message: "an assert without a message for the learner (line 2 of the cell)",
    solution_in_the_text: "The release version holds the solution of question longest.",
    too_short: "Its questions claim 44 minutes in all; an assignment takes 45 to 60.",
    short_capstone: "Its questions claim 49 minutes in all; a capstone takes 120 to 180.",
    directive: "the directive {note}",
    no_alternative: "It has no alternative",
    wrong_alternative: "Alternative half earns 0 of 3: AssertionError: With 90 bed days",
    alternative_that_spoils: "Alternative spoils also fails question longest.",
    one_mistake: "It has 1 mistake: at least 2 are needed.",
    mistake_that_no_test_fails: "Mistake none loses 0, not 3: no test fails on it.",
    mistake_that_loses_less: "Mistake less loses 3, not 2: AssertionError: With 90 bed days",
    same_message: "Mistake b fails with the same message as mistake a: AssertionError: The longest stay is 21",
    message_of_a_blank: "Mistake c fails with NotImplementedError and no message.",
    message_with_an_address: "Mistake d fails with a message that differs at each run",
    message_that_changes: "Mistake e ends otherwise when run again",
    warning_in_a_test: "the test cell wrote to stderr (<ipython",
    two_unreadable_variants: "mistakes/longest-last.md: loses is 5; it is a whole number from 1 to 2",
}


@pytest.fixture(scope="module")
def result(tmp_path_factory, build):
    """The check of the small assignment as it is, and with each thing broken in a copy of its own."""
    root = tmp_path_factory.mktemp("check")
    copies = [shutil.copytree(BED_DAYS, root / "whole" / "bed-days")]
    for spoil in EXPECTED:
        copies.append(shutil.copytree(BED_DAYS, root / spoil.__name__))
        edit(copies[-1], "assignment.md", "name: bed-days", f"name: {spoil.__name__}")
        spoil(copies[-1])
    steps = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folders, "BUILD", build)
        found = check.check(copies, lambda done, total, name: steps.append((done, total)))
        found["catalogue"] = catalogue(copies[0])
    found["steps"] = steps
    return found


def sentences(entry: dict) -> list[str]:
    """All problems of an assignment."""
    return entry["problems"] + [problem for question in entry["questions"] for problem in question["problems"]]


def test_is_a_sound_assignment_good(result):
    entry = result["assignments"][0]
    assert entry["ok"] and sentences(entry) == []
    assert (entry["name"], entry["points"], entry["minutes"]) == ("bed-days", 11, 49)
    assert [question["id"] for question in entry["questions"]] == ["occupancy", "longest", "advice", "limits"]


def test_is_each_mistake_in_the_result(result):
    mistake = result["assignments"][0]["questions"][1]["mistakes"][0]
    assert mistake == {
        "name": "longest-last",
        "loses": 2,
        "lost": 2,
        "told": "You took the last row. The table is in order of patients, not of days.",
        "failure": "AssertionError: The longest stay is 21 days, got 1.",
        "ok": True,
    }


@pytest.mark.parametrize("spoil", EXPECTED, ids=lambda spoil: spoil.__name__)
def test_is_what_is_wrong_said_in_a_sentence(result, spoil):
    entry = next(entry for entry in result["assignments"] if entry["name"] == spoil.__name__)
    found = sentences(entry)
    assert not entry["ok"] and not result["ok"]
    assert any(EXPECTED[spoil] in sentence for sentence in found), found
    assert all("\n" not in sentence and sentence.endswith((".", ")")) for sentence in found), found


def test_are_all_unreadable_variants_named_at_once(result):
    entry = next(entry for entry in result["assignments"] if entry["name"] == "two_unreadable_variants")
    assert len(entry["problems"]) == 2


def test_does_the_progress_reach_its_end(result):
    done, total = result["steps"][-1]
    assert done == total > 100


def test_does_the_catalogue_know_each_mistake_by_its_failure(result):
    assert result["catalogue"]["longest"] == {
        "AssertionError: The longest stay is 21 days, got 1.": (
            "longest-last",
            "You took the last row. The table is in order of patients, not of days.",
        ),
        "AssertionError: The longest stay is 21 days, got 7.5.": (
            "longest-mean",
            "You took the mean stay. The longest stay is the maximum of the column.",
        ),
    }


def test_is_a_check_kept_until_a_file_changes(exercises, monkeypatch):
    folder = exercises / "bed-days"
    runs = []
    monkeypatch.setattr(check, "check", lambda given: runs.append(given) or {"assignments": [{"ok": True}]})
    check.keep(folder, {"ok": True})
    check.checked(folder)
    assert runs == []
    (folder / "data" / "stays.csv").write_text("patient,days\n")
    check.checked(folder)
    assert runs == [[folder]]
