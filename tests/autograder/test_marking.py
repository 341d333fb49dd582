"""Does marking give what an answer deserves, and nothing more to one that cheats?"""

import base64
import hashlib
import json
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbgrader.preprocessors import Execute
from nbgrader.utils import determine_grade

from autograder import marking
from autograder.assignment import authored, read
from autograder.marking import Result, grade, mark_file
from autograder.rebuilt import plan
from autograder.variants import alternatives, blank, mistakes, substitute, together
from campus.folders import EXERCISES

CLINIC = read(EXERCISES / "clinic-queue")
BY_MACHINE = sum(question.points for question in CLINIC.by_machine)

every_assignment = pytest.mark.parametrize("name", authored())


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
def test_every_mistake_loses_what_it_should(mistaken, name):
    """Does each listed mistake cost its marks and get its name, with others beside it, and no other question any?"""
    for group, result in mistaken(name):
        lost = {mark.question: mark.points - mark.score for mark in result.marks if mark.score is not None}
        loses = {wrong.question: wrong.loses for wrong in group}
        assert lost == {mark.question: loses.get(mark.question, 0) for mark in result.marks if mark.score is not None}
        named = {mark.question: mark.mistake for mark in result.marks if mark.mistake}
        assert named == {wrong.question: wrong.name for wrong in group}


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


SLEEPS = {
    "utilisation": "kept = 3600\ndef utilisation(calls, seconds, staff):\n    return calls * seconds / kept / staff\n",
    "chance-of-waiting": "import time\ntime.sleep(1000)\n",
    "mean-wait": "import time\ndef mean_wait(events):\n    time.sleep(1000)\n",
    "confidence-interval": "def confidence_interval(means):\n    assert utilisation(96, 240, 8) == 0.8\n",
}


def test_what_was_defined_before_a_timeout_is_still_there_after_it(warm, monkeypatch):
    """Do answers that sleep for ever, as a cell and in a call, cost their own questions only?"""
    monkeypatch.setattr(marking, "CELL_SECONDS", 6)
    result = grade(CLINIC, substitute(CLINIC, SLEEPS), warm)
    assert [mark.score for mark in result.marks] == [2, 0, 0, 3, 0, None]
    assert "more than 6 seconds" in result.marks[1].told and "more than 6 seconds" in result.marks[2].told
    assert "returned nothing" in result.marks[4].failure  # it could call what the first answer defined


def test_time_is_shared_out_so_that_the_last_cell_gets_its_part(monkeypatch):
    """Where every cell takes all it may: does each get its least, and do all stay within the total?"""
    now = [100.0]
    monkeypatch.setattr(marking.time, "monotonic", lambda: now[0])
    for cells in (2, 12, 30):
        start, clock, given = now[0], marking.Clock(cells), []
        for _ in range(cells):
            now[0] = clock.next()
            given.append(clock.allowed)
        assert min(given) >= marking.LEAST_SECONDS and max(given) <= marking.CELL_SECONDS
        assert now[0] - start <= marking.TOTAL_SECONDS + 1e-6


RUINS = {
    "an error": "1 / 0",
    "no Python": "def (",
    "an exit": "import os\nos._exit(0)",
    "an exit of Python": "raise SystemExit",
    "more memory than there is": "held = [bytearray(2**26) for _ in range(100)]",
    "names of the author's taken away": "del chance_of_waiting, utilisation",
}


@pytest.mark.parametrize("name", RUINS)
def test_a_mistake_in_one_answer_does_not_hide_the_others(warm, name):
    """Whatever the second answer does: do the first and the later ones get their marks?"""
    result = grade(CLINIC, substitute(CLINIC, {"chance-of-waiting": RUINS[name]}), warm)
    assert [mark.score for mark in result.marks] == [2, 0, 4, 3, 3, None]
    assert result.marks[1].told and "Traceback" not in result.marks[1].told


def test_chance_is_the_same_in_each_marking(warm):
    """Does an answer that draws numbers without a seed draw the same ones again?"""
    draw = "import random\nimport numpy as np\nprint(random.random(), np.random.rand())\nutilisation = None"
    texts = {grade(CLINIC, with_answer(draw), warm).marks[0].text for _ in range(2)}
    assert len(texts) == 1 and texts != {""}


FLOODS = {
    "text": "for _ in range(1000):\n    print('x' * 100_000)\n",
    "lines": "for number in range(100_000):\n    print(number)\n",
    "values": "from IPython.display import display\nfor number in range(2000):\n    display(number)\n",
    "figures": "import matplotlib.pyplot as plt\nfor _ in range(12):\n    plt.figure(figsize=(1, 1))\n",
    "an error": "raise ValueError('x' * 10_000_000)\n",
    "a name": "raise type('x' * 100_000, (Exception,), {})()\n",
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_is_cut_short(warm, name):
    """Is what a tutor reads and a database keeps of a flood small, and the rest of the submission marked?"""
    answer = "def utilisation(calls, seconds, staff):\n    return calls * seconds / 3600 / staff\n"
    result = grade(CLINIC, with_answer(answer + FLOODS[name]), warm)
    assert result.score == BY_MACHINE
    assert len(json.dumps(result.asdict())) < 400_000
    cell = next(cell for cell in result.notebook.cells if cell.source.startswith(answer))
    assert len(cell.outputs) <= 201


# A test that needs the learner's own objects


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """The clinic's assignment whose first test is live, and asks for a class's own object."""
    folder = tmp_path_factory.mktemp("live") / CLINIC.name
    shutil.copytree(CLINIC.folder, folder)
    text = (folder / "assignment.md").read_text()
    text = text.replace(
        "utilisation, minutes: 5, marked: machine", "utilisation, minutes: 5, marked: machine, live: true"
    )
    own = "assert utilisation.__code__.co_argcount == 3, 'three arguments'\n"
    text = text.replace("busy = utilisation(30, 90, 3)", own + "busy = utilisation(30, 90, 3)")
    (folder / "assignment.md").write_text(text)
    assignment = read(folder)
    plan(assignment).__dict__["known"] = plan(CLINIC).known
    return assignment


def test_a_live_test_sees_the_learners_own_objects_and_says_so(warm, live):
    """Does it run where the answer is, is its mark weaker, and is the tutor told?"""
    result = grade(live, substitute(live, {}), warm)
    assert result.score == BY_MACHINE
    assert [mark.weaker for mark in result.marks] == [True, *[False] * 5]
    (flag,) = result.flags
    assert "utilisation" in flag and "learner's own process" in flag


def test_a_live_test_tells_its_associate_nothing_that_an_answer_can_choose(warm, live):
    """Can an answer that reads a live test give it out?"""
    thief = "def utilisation(*given):\n    import linecache, sys\n"
    thief += "    raise AssertionError(linecache.getlines(sys._getframe(1).f_code.co_filename))\n"
    later = "import linecache\nprint(linecache.cache)\n"
    answers = {"utilisation": thief, "chance-of-waiting": later}
    mark, other, *rest = grade(live, substitute(live, answers), warm).marks
    assert mark.score == 0 and "1.6" in mark.failure
    assert mark.told == "Your answer does not pass its test. See 'What the clinic's own log says' in session 3.3."
    assert "1.6" not in other.text and [one.score for one in rest] == [4, 3, 3, None]


# nbgrader


def test_the_marks_are_those_of_nbgrader(warm, mistaken):
    """Does nbgrader's own execution give an honest submission the marks that we give it?"""
    groups = [{other.question: other.source for other in group} for group in together(CLINIC, alternatives(CLINIC))]
    honest = [substitute(CLINIC, given) for given in ({}, *groups)] + [blank(CLINIC)]
    ours = [(notebook, grade(CLINIC, notebook, warm)) for notebook in honest]
    wrong = [substitute(CLINIC, {one.question: one.source for one in group}) for group, _ in mistaken(CLINIC.name)]
    ours += list(zip(wrong, [result for _, result in mistaken(CLINIC.name)], strict=True))
    # It leaves threads behind, and later tests fork this process.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        marked = apart.submit(mark_as_nbgrader, [notebook for notebook, _ in ours]).result()
    for theirs, (_, result) in zip(marked, ours, strict=True):
        assert theirs == {mark.question: mark.score for mark in result.marks if mark.question in theirs}


def mark_as_nbgrader(notebooks):
    """The scores of the clinic's questions in notebooks that nbgrader executes, a kernel for all of them."""
    manager, client = start_new_kernel(cwd=CLINIC.folder)
    client.stop_channels()
    marked = []
    try:
        for notebook in notebooks:
            notebook.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))  # no import is paid twice
            Execute().preprocess(notebook, {}, km=manager)
            names = [cell.metadata.get("nbgrader", {}).get("grade_id", "") for cell in notebook.cells]
            tests = [(name, cell) for name, cell in zip(names, notebook.cells, strict=True) if name.startswith("test-")]
            marked.append({name.removeprefix("test-"): determine_grade(cell)[0] for name, cell in tests})
    finally:
        manager.shutdown_kernel(now=True)
    return marked


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


RUBBISH = {
    "nothing": b"",
    "half a file": b'{"cells": [',
    "a list": b"[]",
    "no text": b"\xff\xfe",
    "a number of cells": b'{"cells": 3}',
    "null": b"null",
    "depth without end": b'{"cells": ' + b"[" * 100_000,
    "a number too long": b'{"cells": ' + b"9" * 100_000 + b"}",
    "millions of cells": b'{"cells": [' + b"{}," * 2_000_000 + b"{}]}",
    "a file too long": b" " * (33 * 2**20),
}


@pytest.mark.parametrize("name", RUBBISH)
def test_a_file_that_is_no_notebook_earns_nothing_and_is_one_sentence(warm, name):
    """Is rubbish told to the tutor, without an error, and are no marks given for it?"""
    result = grade(CLINIC, RUBBISH[name], warm)
    assert {mark.score for mark in result.marks} == {0}
    (flag,) = result.flags
    assert flag.startswith("The file") and "handed in again" in flag and "\n" not in flag
    assert result.digest == hashlib.sha256(RUBBISH[name]).hexdigest()


def test_a_link_a_folder_and_a_pipe_are_not_followed(warm, tmp_path):
    """Does what only looks like a file earn nothing, and hang nobody?"""
    nbformat.write(CLINIC.notebook, tmp_path / "right.ipynb")
    (tmp_path / "link").symlink_to(tmp_path / "right.ipynb")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "folder", "pipe", "nothing"):
        result = grade(CLINIC, tmp_path / name, warm)
        assert result.score == 0 and len(result.flags) == 1, name
    assert grade(CLINIC, tmp_path / "right.ipynb", warm).score == BY_MACHINE


def changed(**fields):
    """The author's notebook as a file whose parts are other than they should be."""
    return json.dumps(json.loads(nbformat.writes(CLINIC.notebook)) | fields).encode()


ODD = {
    "another kernel": (changed(metadata={"kernelspec": {"name": "ir", "language": "R"}}), "another kernel (r)", True),
    "metadata of no kind": (changed(metadata=7), None, True),
    "an old format": (
        json.dumps({"worksheets": [{"cells": json.loads(nbformat.writes(CLINIC.notebook))["cells"]}]}).encode(),
        "an old format",
        True,
    ),
    "bytes that are no text": (changed().replace(b"Question 1", b"Question \xff"), "bytes that are no text", True),
    "half a character": (changed().replace(b"Question 1", b"Question \\ud800"), None, True),
    "another assignment": (nbformat.writes(read(EXERCISES / "risk-model").notebook).encode(), "something else", False),
    "cells of no kind": (b'{"cells": [1, null, {"metadata": 3}, {"metadata": {"nbgrader": []}}]}', "no cell", False),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_notebook_is_marked_as_far_as_it_goes(warm, name):
    """Are right answers in an odd file marked right, and the tutor told what is odd?"""
    content, said, right = ODD[name]
    result = grade(CLINIC, content, warm)
    assert result.score == (BY_MACHINE if right else 0), result.marks
    assert said is None or any(said in flag for flag in result.flags), result.flags
    nbformat.validate(result.notebook)


# The notebook that a tutor sees


def test_the_notebook_gives_nbgrader_the_same_marks(warm):
    """Does nbgrader's own rule, applied to the rebuilt notebook, give the marks of the result?"""
    for given in (CLINIC.notebook, blank(CLINIC), with_answer("def utilisation(*args):\n    return 1"), b"{"):
        result = grade(CLINIC, given, warm)
        nbformat.validate(result.notebook)
        cells = [cell for cell in result.notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
        ours = {mark.question: mark.score for mark in result.marks}
        theirs = {cell.metadata.nbgrader.grade_id.removeprefix("test-"): determine_grade(cell)[0] for cell in cells}
        assert theirs == ours


SHOWING = """
import matplotlib.pyplot as plt
print("printed")
figure = plt.plot([1, 2], [3, 4])
def utilisation(calls, seconds, staff):
    print("called")
    return calls * seconds / 3600 / staff
utilisation(1, 3600, 4)
"""


def test_a_tutor_sees_answer_output_test_and_failure(warm):
    """Is what stands in front of a tutor what a kernel would have left there, as text and images only?"""
    result = grade(CLINIC, with_answer(SHOWING + "events.head()\n"), warm)
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in result.notebook.cells}
    answer, test = cells["utilisation"], cells["test-utilisation"]
    assert answer.source == SHOWING + "events.head()\n"
    assert [output.output_type for output in answer.outputs] == ["stream", "execute_result", "display_data"]
    assert answer.outputs[0].text == "printed\ncalled\n"
    assert set(answer.outputs[1].data) == {"text/plain"} and "second" in answer.outputs[1].data["text/plain"]
    assert base64.b64decode(answer.outputs[2].data["image/png"]).startswith(b"\x89PNG")
    assert "HIDDEN" in test.source and test.outputs[0].text.count("called") == 3


def test_a_result_becomes_plain_data_and_a_result_again(warm):
    """Does all of a result pass through JSON?"""
    result = grade(CLINIC, with_answer(SHOWING), warm)
    again = Result.from_dict(json.loads(json.dumps(result.asdict())))
    assert again == result and again.notebook.cells[0].source == result.notebook.cells[0].source
