"""Does marking give what an answer deserves, and nothing more to one that cheats?"""

import nbformat
import pytest

from autograder import marking
from autograder.assignment import authored, read
from autograder.marking import grade, mark_file
from autograder.variants import alternatives, blank, mistakes, substitute, together
from autograder.warm import Warm
from campus.errors import CampusError
from campus.folders import EXERCISES

CLINIC = read(EXERCISES / "clinic-queue")
BY_MACHINE = sum(question.points for question in CLINIC.by_machine)

every_assignment = pytest.mark.parametrize("name", authored())


@pytest.fixture(scope="module")
def warm():
    with Warm() as process:
        yield process


def with_answer(source):
    """The clinic's assignment, all right but for the answer to its first question."""
    return substitute(CLINIC, {"utilisation": source})


def scores(result):
    return {mark.question: mark.score for mark in result.marks}


@every_assignment
def test_the_authors_answers_earn_all_and_blank_ones_none(warm, name):
    """Are the two ends of the scale where they should be, and written answers left to a tutor?"""
    assignment = read(EXERCISES / name)
    full = {question.id: question.points if question.marked == "machine" else None for question in assignment.questions}
    assert scores(grade(assignment, assignment.notebook, warm)) == full
    assert grade(assignment, blank(assignment), warm).score == 0


@every_assignment
def test_another_right_answer_earns_all(warm, name):
    """Is a right answer by another route never marked wrong?"""
    assignment = read(EXERCISES / name)
    for group in together(assignment, alternatives(assignment)):
        result = grade(assignment, substitute(assignment, {other.question: other.source for other in group}), warm)
        assert result.score == sum(question.points for question in assignment.by_machine), result.marks


@every_assignment
def test_every_mistake_loses_what_it_should(warm, name):
    """Does each listed mistake cost its marks, with others beside it, and no other question any?"""
    assignment = read(EXERCISES / name)
    for group in together(assignment, mistakes(assignment)):
        result = grade(assignment, substitute(assignment, {wrong.question: wrong.source for wrong in group}), warm)
        lost = {mark.question: mark.points - mark.score for mark in result.marks if mark.score is not None}
        loses = {wrong.question: wrong.loses for wrong in group}
        assert lost == {question.id: loses.get(question.id, 0) for question in assignment.by_machine}, result.marks


# Cheating: each answer is wrong, and each of these once won full marks somewhere

WRONG = "def utilisation(calls_per_hour, seconds_per_call, staff):\n    return 0\n"
CHEATS = {
    "an object that equals everything": """
class Always(float):
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = lambda self, other: True
    __sub__ = __rsub__ = __abs__ = __mul__ = __truediv__ = lambda self, *other: self
def utilisation(*args):
    return Always(0)
""",
    "an input transformer": WRONG + "get_ipython().input_transformers_cleanup.append(lambda lines: ['pass\\n'])\n",
    "a syntax tree transformer": WRONG
    + """
import ast
class Drop(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
get_ipython().ast_transformers.append(Drop())
""",
    "a patched shell": WRONG
    + """
shell = get_ipython()
type(shell).run_cell = lambda self, *args, **kwargs: type("Done", (), dict(
    error_before_exec=None, error_in_exec=None, result=None, success=True))()
""",
    "patched builtins": WRONG
    + "import builtins\nbuiltins.abs = lambda value: 0\nbuiltins.AssertionError = Exception\n",
    "patched libraries": WRONG + "import numpy as np\nnp.allclose = np.isclose = lambda *args, **kwargs: True\n",
    "python -O by hand": WRONG + "import sys\nsys.flags = None\nimport os\nos._exit(0)\n",
    "an exit that looks like success": "def utilisation(*args):\n    import os\n    os._exit(0)\n",
    "SystemExit": "def utilisation(*args):\n    raise SystemExit(0)\n",
    "StopIteration": "def utilisation(*args):\n    raise StopIteration\n",
    "a forged reply": """
def utilisation(*args):
    import os, struct
    from autograder.plain import dump
    reply = dump({"error": None, "message": "", "text": ""})
    for number in range(3, 30):
        try:
            os.write(number, struct.pack(">I", len(reply)) + reply)
        except OSError:
            pass
    return 0
""",
    "a tracer in the caller's frames": """
def utilisation(*args):
    import sys
    frame = sys._getframe()
    while frame:
        frame.f_globals["abs"] = lambda value: 0
        frame.f_locals["passed"] = True
        frame = frame.f_back
    return 0
""",
}


@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_wins_no_more_than_its_honest_twin(warm, name):
    """Does the trick earn nothing for its question, and does the next submission get its marks?"""
    result = grade(CLINIC, with_answer(CHEATS[name]), warm)
    assert scores(result)["utilisation"] == 0, result.marks
    assert grade(CLINIC, CLINIC.notebook, warm).score == BY_MACHINE


def test_a_learners_test_cells_are_flagged_and_never_run(warm):
    """Does a test cell that was emptied and tagged change the marks?"""
    notebook = nbformat.from_dict(with_answer(WRONG))
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "test-utilisation":
            cell.source = "pass"
            cell.metadata["tags"] = ["skip-execution"]
    result = grade(CLINIC, notebook, warm)
    assert scores(result)["utilisation"] == 0
    assert any("was given tags" in flag for flag in result.flags)


def test_a_missing_and_a_repeated_answer_are_flagged(warm):
    """Is a damaged notebook marked as far as it goes, and the tutor told?"""
    notebook = nbformat.from_dict(CLINIC.notebook)
    cells = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") != "utilisation"]
    notebook.cells = [*cells, cells[CLINIC.questions[1].answer - 1]]
    result = grade(CLINIC, notebook, warm)
    assert scores(result)["utilisation"] == 0
    assert result.score == BY_MACHINE - CLINIC.questions[0].points
    assert [flag for flag in result.flags if "missing" in flag]


def test_an_endless_answer_costs_its_question_only(warm, monkeypatch):
    """Does a loop without end leave the other questions their marks?"""
    monkeypatch.setattr(marking, "CELL_SECONDS", 3)
    endless = "def utilisation(*args):\n    while True:\n        pass\n"
    result = grade(CLINIC, with_answer(endless), warm)
    assert scores(result)["utilisation"] == 0
    assert "more than 3 seconds" in result.marks[0].failure
    assert result.score == BY_MACHINE - CLINIC.questions[0].points


def test_a_warning_costs_nothing(warm):
    """Is an honest answer that warns marked right?"""
    answer = "def utilisation(calls, seconds, staff):\n    import warnings\n    warnings.warn('careful')\n"
    answer += "    return calls * seconds / 3600 / staff\n"
    assert grade(CLINIC, with_answer(answer), warm).score == BY_MACHINE


SPY = """
import glob, os
def readable(path):
    try:
        return bool(open(path, "rb").read(1))
    except OSError:
        return False
hidden = "assignment" + ".md"
print("top:", sorted(os.listdir("/")))
print("work:", sorted(glob.glob("**", recursive=True)))
print("secrets:", [path for path in ("/etc/shadow", "/proc/1/environ", "/proc/self/mem") if readable(path)])
print("variables:", sorted(name for name in os.environ if "CAMPUS" in name or "TOKEN" in name or name == "HOME"))
print("homes:", [path for home in ("/root", "/home") for path in glob.glob(home + "/**/" + hidden, recursive=True)])
print("end")
"""


def test_an_answer_sees_its_data_and_nothing_of_the_authors(warm):
    """Does the answers' process find the assignment's data, and neither tests, solutions, secrets nor homes?"""
    result = grade(CLINIC, with_answer(SPY), warm)
    said = dict(line.split(": ", 1) for line in result.marks[0].text.splitlines() if ": " in line)
    assert result.marks[0].text.strip().endswith("end")
    assert "data/events.csv" in said["work"] and "assignment" not in said["work"]
    assert said["secrets"] == "[]"
    assert said["homes"] == "[]"
    assert "CAMPUS" not in said["variables"] and "TOKEN" not in said["variables"]


def test_a_file_is_marked_and_its_mistake_named(tmp_path):
    """Does a tutor get marks, the listed mistake and its sentence for a notebook file?"""
    (wrong,) = (one for one in mistakes(CLINIC) if one.name == "mean-wait-in-system")
    path = tmp_path / "handed-in.ipynb"
    nbformat.write(substitute(CLINIC, {wrong.question: wrong.source}), path)
    found = mark_file(CLINIC.folder, path)
    (question,) = (one for one in found["questions"] if one["id"] == wrong.question)
    assert (question["score"], question["mistake"], question["told"]) == (0, wrong.name, wrong.told)
    assert found["score"] == BY_MACHINE - wrong.loses


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"cells": 3}', b"null"])
def test_a_file_that_is_no_notebook_is_one_sentence(tmp_path, content):
    """Is rubbish told, without a traceback?"""
    path = tmp_path / "handed-in.ipynb"
    path.write_bytes(content)
    with pytest.raises(CampusError, match="is not a notebook"):
        mark_file(CLINIC.folder, path)
