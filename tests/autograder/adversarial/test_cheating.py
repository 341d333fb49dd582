"""Does a wrong answer win anything by a trick?

Cases with `wins` win all marks of their question where answers and tests share one shell, as they do in stock nbgrader;
`test_the_tricks_work_where_answers_and_tests_share_a_shell` holds them to that, so that none of them is a dud.
"""

import copy
import json
from html.parser import HTMLParser

import pytest
from nbconvert.exporters import HTMLExporter
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import Config

from autograder.course import course_config
from autograder.execution import Job, run
from autograder.feedback import page as feedback_page
from tests.autograder.adversarial.trial import FULL, SECRETS, TRIAGE, WRONG, Case, answered

NOTHING = WRONG["share"]
FORGE = """
import os, struct
from autograder.plain import dump

def forge(value, raw=None):
    data = dump(value) if raw is None else raw
    for number in range(3, 64):
        try:
            os.write(number, struct.pack(">I", len(data)) + data)
        except OSError:
            pass
"""

CASES = {
    # The shell
    "an input transformer that drops the lines of tests": Case(
        NOTHING
        + """
def drop(lines):
    return ["pass\\n"] if any("assert" in line for line in lines) else lines
get_ipython().input_transformers_cleanup.append(drop)
""",
        wins=True,
    ),
    "a syntax tree transformer that drops asserts": Case(
        NOTHING
        + """
import ast
class Drop(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
get_ipython().ast_transformers.append(Drop())
""",
        wins=True,
    ),
    "a shell whose run_cell says that all went well": Case(
        NOTHING
        + """
type(get_ipython()).run_cell = lambda self, *args, **kwargs: type("Done", (), dict(
    error_before_exec=None, error_in_exec=None, result=None, success=True))()
""",
        wins=True,
        ruins=True,
    ),
    "a shell whose run_code runs nothing": Case(
        NOTHING
        + """
async def run_code(self, code, result=None, **kwargs):
    return False
type(get_ipython()).run_code = run_code
""",
        wins=True,
        ruins=True,
    ),
    "a compiler that optimises asserts away": Case(
        NOTHING
        + """
import builtins
real = builtins.compile
get_ipython().compile.__class__.__call__ = lambda self, tree, name, symbol: real(tree, name, symbol, optimize=1)
""",
        wins=True,
        ruins=True,
    ),
    "a hook before each cell that mends the names of tests": Case(
        NOTHING
        + """
get_ipython().events.register("pre_run_cell", lambda info: get_ipython().user_ns.update(abs=lambda value: 0, np=Fake))
class Fake:
    isclose = staticmethod(lambda *args: True)
""",
        wins=True,
    ),
    "a hook that sets the result of each cell": Case(
        NOTHING
        + """
def forgive(result):
    result.error_in_exec = result.error_before_exec = None
get_ipython().events.register("post_run_cell", forgive)
""",
    ),
    "an error handler that takes all": Case(
        NOTHING + "get_ipython().set_custom_exc((Exception,), lambda *args, **kwargs: None)\n"
    ),
    # Libraries
    "numpy's isclose and the built-in abs": Case(
        NOTHING + "import builtins\nnp.isclose = np.allclose = lambda *args: True\nbuiltins.abs = lambda value: 0\n",
        wins=True,
        ruins=True,
    ),
    "pandas.testing that agrees with all": Case(
        """
def by_ward(visits):
    class Column:
        def __eq__(self, other):
            return np.array([True])
    class Table(pd.DataFrame):
        def __getitem__(self, name):
            return Column()
        def reset_index(self, **kwargs):
            return self
    return Table(columns=["ward", "visits", "urgent"])
pd.testing.assert_frame_equal = lambda *args, **kwargs: None
""",
        question="by-ward",
        wins=True,
    ),
    "another pandas in sys.modules": Case(
        """
import sys, types
real = pd
class Table:
    columns = ["ward", "visits", "urgent"]
    reset_index = lambda self, **kwargs: self
    __getitem__ = lambda self, name: np.array([2])
fake = types.ModuleType("pandas")
vars(fake).update(vars(real))
fake.DataFrame, fake.testing = real.DataFrame, types.SimpleNamespace(assert_frame_equal=lambda *args, **kwargs: None)
sys.modules["pandas"] = fake
def by_ward(visits):
    return Table()
""",
        question="by-ward",
        wins=True,
        ruins=True,
    ),
    "a finder of imports that changes what tests import": Case(
        """
import sys
for name in [name for name in sys.modules if name == "pandas"]:
    del sys.modules[name]
class Table:
    columns = ["ward", "visits", "urgent"]
    reset_index = lambda self, **kwargs: self
    __getitem__ = lambda self, name: np.array([2])
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "pandas":
            import importlib.machinery
            return importlib.machinery.ModuleSpec(name, self)
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        module.DataFrame = lambda *args, **kwargs: None
        module.testing = type("Testing", (), {"assert_frame_equal": lambda *args, **kwargs: None})
sys.meta_path.insert(0, Finder())
def by_ward(visits):
    return Table()
""",
        question="by-ward",
        wins=True,
        ruins=True,
    ),
    "AssertionError that is no error": Case(
        NOTHING + "import builtins\nbuiltins.AssertionError = builtins.Exception = type('Fine', (), {})\n", ruins=True
    ),
    "a map that is empty": Case(
        "import builtins\nbuiltins.map = lambda *args: []\ndef is_urgent(word):\n    return False\n",
        question="is-urgent",
        wins=True,
        ruins=True,
    ),
    # Frames, tracing, memory
    "names put into the frame that calls": Case(
        """
def share(part, whole):
    import sys
    class Fake:
        isclose = staticmethod(lambda *args: True)
    frame = sys._getframe(1)
    while frame:
        frame.f_globals.update(abs=lambda value: 0, np=Fake)
        frame = frame.f_back
    return 0
""",
        wins=True,
        ruins=True,
    ),
    "the expected value from any object in memory": Case(
        """
import gc, re
def share(part, whole):
    texts = [one for one in gc.get_objects() if isinstance(one, list | dict)]
    held = [item for one in texts for item in (one.values() if isinstance(one, dict) else one) if type(item) is str]
    for text in held:
        for line in text.splitlines() if "king" + "fisher" in text or "For 3 " + "of 12" in text else []:
            if part != 1 and "ab" + "s(found - " in line and (found := re.search(r"found - ([0-9.]+)", line)):
                if (part == 3) == (found[1] == "0.25"):
                    return float(found[1])
            if part == 1 and (found := re.search(r"1, 3\\), ([0-9.]+)", line)):
                return float(found[1])
    return 0
""",
        wins=True,
    ),
    "a tracer that jumps over asserts": Case(
        NOTHING
        + """
import sys, ast
def trace(frame, event, argument):
    frame.f_globals["abs"] = lambda value: 0
    if "np" in frame.f_globals and "found" in frame.f_globals:
        frame.f_globals["np"] = type("Fake", (), {"isclose": staticmethod(lambda *args: True)})
    return trace
sys.settrace(trace)
sys.setprofile(lambda frame, event, argument: trace(frame, event, argument) and None)
""",
        wins=True,
        ruins=True,
    ),
    "the test's callback and its globals": Case(
        """
def apply_rule(rule, ages):
    inside = getattr(rule, "__globals__", {})
    if "asked" in inside or "limit" in inside:
        inside["asked"][:] = ages
        return [age for age in ages if age > inside["limit"]]
    if "rule" in inside or ages == [3, 70, 65]:
        return [70, 65] if rule.__code__.co_name == "<lambda>" else []
    return []
""",
        question="apply-rule",
        wins=True,
    ),
    "inspect and linecache of the caller": Case(
        """
import inspect, linecache, re
def share(part, whole):
    frame = inspect.stack()[1].frame
    text = "".join(linecache.getlines(frame.f_code.co_filename))
    if part == 1:
        return float(re.search(r"1, 3\\), ([0-9.]+)", text)[1])
    return [float(found) for found in re.findall(r"found - ([0-9.]+)", text)][part != 3]
""",
        wins=True,
    ),
    "the history of the shell": Case(
        """
def share(part, whole):
    shell = get_ipython()
    held = [*shell.history_manager.input_hist_raw, *shell.user_ns.get("In", []), str(shell.user_ns.get("_ih"))]
    text = "".join(map(str, held))
    print(text)
    return 0.25 if "0.25" in text else 0
"""
    ),
    "what the exception of an earlier test holds": Case(
        """
def share(part, whole):
    import sys, re
    frame = getattr(getattr(sys, "last_traceback", None), "tb_frame", None)
    return float(re.search(r"expected ([0-9.]+)", str(getattr(sys, "last_value", "")))[1]) if frame else 0
"""
    ),
    # Objects that lie
    "a float that is equal to all": Case(
        """
class Always(float):
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = lambda self, other: True
    __sub__ = __rsub__ = __abs__ = __mul__ = __truediv__ = lambda self, *other: self
    __array__ = lambda self, *args, **kwargs: np.array(1 / 3)
def share(part, whole):
    return Always(0)
""",
        wins=True,
    ),
    "an int that is equal to all": Case(
        "class Always(int):\n    __eq__ = lambda self, other: True\n    __hash__ = int.__hash__\nlongest = Always(3)\n",
        question="longest",
        wins=True,
    ),
    "a value of a class of its own that is equal to all": Case(
        "class Always:\n    __eq__ = lambda self, other: True\nlongest = Always()\n", question="longest", wins=True
    ),
    "an array that is equal to all": Case(
        """
class Always(np.ndarray):
    __eq__ = lambda self, other: True
longest = np.zeros(3).view(Always)
""",
        question="longest",
        wins=True,
    ),
    "a name for any other: __class__, __bool__ and __array_ufunc__ lie": Case(
        """
class Always:
    __class__ = property(lambda self: int)
    __bool__ = lambda self: True
    __eq__ = __req__ = __array_ufunc__ = lambda self, *args, **kwargs: self
    __format__ = lambda self, how: "95"
longest = Always()
""",
        question="longest",
        wins=True,
    ),
    "a dict, a list and a text that lie": Case(
        """
class Text(str):
    __eq__ = lambda self, other: True
class List(list):
    __eq__ = lambda self, other: True
    __len__ = lambda self: 2
class Lies(dict):
    __eq__ = lambda self, other: True
    __len__ = lambda self: 3
    __missing__ = lambda self, key: Text() if key == "first" else List() if key == "words" else Text()
def summary(text):
    return Lies()
""",
        question="summary",
        wins=True,
    ),
    "a table whose columns and values lie": Case(
        """
class Table(pd.DataFrame):
    columns = ["ward", "visits", "urgent"]
    def reset_index(self, **kwargs):
        return pd.DataFrame({"ward": ["ash", "birch"], "visits": [2, 3], "urgent": [1, 2]})
    def __getitem__(self, name):
        return np.array([2])
def by_ward(visits):
    return Table()
""",
        question="by-ward",
        wins=True,
    ),
    "a list of a class with a hash and an equality of its own": Case(
        """
class Always(int):
    __eq__ = lambda self, other: True
    __hash__ = lambda self: 0
def apply_rule(rule, ages):
    for age in ages:
        rule(age)
    return [Always(), Always()]
""",
        question="apply-rule",
        wins=True,
    ),
    "an object with a __reduce__ that writes an answer": Case(
        """
class Reduced:
    def __reduce__(self):
        return eval, ("1 / 0 if False else 95",)
    __reduce_ex__ = lambda self, version: self.__reduce__()
    __getstate__ = __deepcopy__ = lambda self, *args: 95
longest = Reduced()
""",
        question="longest",
    ),
    "a pickle that runs code when it is read": Case(
        """
import pickle
class Reduced:
    def __reduce__(self):
        return exec, ("import builtins; builtins.abs = lambda value: 0",)
def share(part, whole):
    return pickle.dumps(Reduced())
"""
    ),
    "a generator for a list": Case(
        "def apply_rule(rule, ages):\n    yield from (age for age in ages if age > 41 and rule(age))\n",
        question="apply-rule",
    ),
    "a class in place of a function": Case(
        """
class share(float):
    __sub__ = __rsub__ = __abs__ = lambda self, *other: 0
    __array__ = lambda self, *args, **kwargs: np.array(1 / 3)
    def __new__(cls, part, whole):
        return float.__new__(cls, 0)
""",
        wins=True,
    ),
    "a name that is neither value nor function": Case("import sys as longest\n", question="longest"),
    # Ends that look like success
    "StopIteration, which ends a map early": Case(
        "def is_urgent(word):\n    raise StopIteration\n", question="is-urgent", wins=True
    ),
    "an exit": Case("def share(part, whole):\n    raise SystemExit(0)\n"),
    "an exit of the process": Case("def share(part, whole):\n    import os\n    os._exit(0)\n"),
    "KeyboardInterrupt": Case("def share(part, whole):\n    raise KeyboardInterrupt\n"),
    "GeneratorExit": Case("def share(part, whole):\n    raise GeneratorExit\n"),
    "an exception that is named like another": Case(
        "def share(part, whole):\n    raise type('StopIteration', (BaseException,), {'__str__': lambda self: 'x'})()\n"
    ),
    "an exception of its own whose text asks for the caller": Case(
        """
class Odd(Exception):
    def __str__(self):
        import sys
        sys._getframe(1).f_globals["abs"] = lambda value: 0
        raise SystemExit(0)
def share(part, whole):
    raise Odd
"""
    ),
    # The socket
    "a forged answer that a test ran": Case(
        FORGE
        + """
def share(part, whole):
    forge({"error": None, "message": "", "text": ""})
    return 0
""",
        ruins=True,
    ),
    "forged answers to all that is still to be asked": Case(
        FORGE
        + NOTHING
        + """
for _ in range(50):
    forge({"error": None, "message": "", "text": ""})
""",
        ruins=True,
    ),
    "two replies to each call": Case(
        FORGE
        + """
def share(part, whole):
    forge({"value": 0.25})
    return {3: 0.2, 7919: 0.7}.get(part, 0)
""",
        ruins=True,
    ),
    "a forged StopIteration": Case(
        FORGE
        + """
def is_urgent(word):
    forge({"error": "StopIteration", "message": ""})
    os._exit(0)
""",
        question="is-urgent",
        ruins=True,
    ),
    "a forged error with an odd name and a text that fills pages": Case(
        FORGE
        + """
def share(part, whole):
    forge({"error": "\\0\\ud800" * 2**20, "message": "\\0\\udfff<script>" * 2**20})
    os._exit(0)
"""
    ),
    "a forged cell whose text fills a database": Case(
        FORGE
        + """
forge({"error": None, "message": "", "text": "\\0\\ud800<b>" * 2**20})
os._exit(0)
""",
        ruins=True,
    ),
    "a forged description without its parts": Case(
        FORGE
        + """
forge({"error": None, "message": "", "text": ""})
forge({"share": {}})
"""
        + NOTHING,
        ruins=True,
    ),
    "a forged description of a kind that nobody knows": Case(
        FORGE
        + """
forge({"error": None, "message": "", "text": ""})
forge({"share": {"kind": ["function"], "value": {}}})
os._exit(0)
""",
        ruins=True,
    ),
    "a forged description of other names": Case(
        FORGE
        + """
forge({"error": None, "message": "", "text": ""})
forge({name: {"kind": "function"} for name in ("abs", "np", "share", "isinstance", "__builtins__")})
forge({"value": 0})
""",
        ruins=True,
    ),
    "a call back to a function that was never given": Case(
        FORGE
        + """
def share(part, whole):
    for number in (-1, 0, 10**30, True):
        forge({"back": number, "args": [], "kwargs": {}})
    return 0
""",
        ruins=True,
    ),
    "a call back with the wrong arguments": Case(
        "def apply_rule(rule, ages):\n    return [age for age in ages if rule(age, age, age=age) or True]\n",
        question="apply-rule",
    ),
    "a frame that is no plain value": Case(
        FORGE
        + """
import pickle
class Reduced:
    __reduce__ = lambda self: (exec, ("raise SystemExit(0)",))
def share(part, whole):
    forge(None, pickle.dumps(Reduced()))
    os._exit(0)
"""
    ),
    "patched dump, load and send of the grader's own": Case(
        NOTHING
        + """
import autograder.plain, autograder.sealed
real = autograder.plain.dump
autograder.sealed.dump = lambda value: real({"error": None, "message": "", "text": ""})
""",
        ruins=True,
    ),
    # What is in memory, and what is not
    "the assignment and its catalogue in memory": Case(
        NOTHING
        + """
import gc, sys, types
word = "king" + "fisher"
held = []
gc.unfreeze()
for thing in gc.get_objects():
    parts = thing.values() if type(thing) is dict else thing if type(thing) in (list, tuple, set) else ()
    if type(thing) is types.FunctionType:
        parts = thing.__code__.co_consts
    held += [part for part in parts if type(part) in (str, bytes)]
hits = [text for text in held if (word if type(text) is str else word.encode()) in text and text != word]
print("searched", len(held) > 10_000, "found", len(hits), [name for name in sys.modules if name.endswith("catalogue")])
""",
        says="searched True found 0 []",
    ),
    "tests, secrets and tokens in the environment and the command line": Case(
        NOTHING
        + """
import os, sys
from pathlib import Path
held = [*os.environ.items(), sys.argv, sys.orig_argv, Path("/proc/self/cmdline").read_bytes()]
print("found", [one for one in held if any(word in str(one).lower() for word in ("triage", "token", "campus_"))])
""",
        says="found []",
    ),
    "tests read through /proc": Case(
        NOTHING
        + """
import os
seen = []
for name in ("mem", "environ", "maps", "root/work", "cwd", "task", "fd", "fdinfo"):
    for pid in range(1, 40):
        try:
            if pid != os.getpid():
                path = f"/proc/{pid}/{name}"
                seen.append(os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(100))
        except OSError:
            pass
print("seen", seen)
""",
        says="seen []",
    ),
    "an answer under another question": Case(
        NOTHING + "longest = 95\ndef is_urgent(word):\n    return word in ('fall', 'stroke')\n"
    ),
    "an exit handler, a finaliser and a thread that write replies": Case(
        FORGE
        + NOTHING
        + """
import atexit, threading, time, weakref
class Last:
    __del__ = lambda self: forge({"value": 0.25})
last = Last()
atexit.register(forge, {"value": 0.25})
weakref.finalize(share, forge, {"value": 0.25})
def write():
    while True:
        forge({"value": 0.25})
        time.sleep(0.0001)
threading.Thread(target=write).start()
""",
        ruins=True,
    ),
}


# In the notebook: the answer to `share` is wrong, and the file tells otherwise


def change(name: str, **fields):
    """Change fields of a cell."""
    return lambda cells: [cell.update(copy.deepcopy(fields)) for cell in cells if name_of(cell) == name]


def change_meta(name: str, **fields):
    """Change what nbgrader is told of a cell."""
    return lambda cells: [cell["metadata"]["nbgrader"].update(fields) for cell in cells if name_of(cell) == name]


def name_of(cell: dict) -> str | None:
    return cell["metadata"].get("nbgrader", {}).get("grade_id")


def insert(cell: dict, first: bool = True):
    """Put a cell before all others, or behind them."""
    return lambda cells: cells.insert(0 if first else len(cells), {"outputs": [], "metadata": {}, **cell})


def repeat_test(cells: list) -> None:
    cells += [cell | {"source": "pass"} for cell in cells if name_of(cell) == "test-share"]


def swap(cells: list) -> None:
    """Call the answer a test and the test an answer."""
    found = {name_of(cell): cell["metadata"]["nbgrader"] for cell in cells if name_of(cell)}
    found["share"]["grade_id"], found["test-share"]["grade_id"] = "test-share", "share"


def give_all_to_one(cells: list) -> None:
    for cell in cells:
        if name_of(cell):
            cell["metadata"]["nbgrader"]["points"] = 100 if name_of(cell) == "test-longest" else 0


def drop(name: str):
    def take_out(cells: list) -> None:
        cells[:] = [cell for cell in cells if name_of(cell) != name]

    return take_out


RESULT = {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": {"text/plain": "3"}}
EVIL = "import numpy as np, builtins\nnp.isclose = lambda *args: True\nbuiltins.abs = lambda value: 0\n"
NOTEBOOKS = {  # name: what is done to the cells, and what a flag says of it
    "a tag that skips the test": (
        lambda cells: [cell["metadata"].update(tags=["skip-execution"]) for cell in cells],
        "was given tags",
    ),
    "an empty test": (change("test-share", source=""), None),
    "a test that passes": (change("test-share", source="pass"), None),
    "a test that does not run": (change("test-share", cell_type="raw"), None),
    "no test": (drop("test-share"), "0 times, not once"),
    "a test twice, the second passes": (repeat_test, "2 times, not once"),
    "a test under another name": (change_meta("test-share", grade_id="test-shares"), "0 times, not once"),
    "an answer and a test that change their names": (swap, None),
    "a hundred points": (change_meta("test-share", points=100), None),
    "points below nothing for others": (change_meta("test-longest", points=-100), None),
    "points that are no number": (change_meta("test-share", points=float("nan")), None),
    "all points for another question": (give_all_to_one, None),
    "an answer that a tutor should mark": (change_meta("share", grade=True, points=3, task=True), None),
    "a test that is not graded": (change_meta("test-share", grade=False, solution=True), None),
    "an answer that is locked": (change_meta("share", locked=True, solution=False), None),
    "a forged checksum": (change_meta("test-share", checksum="0" * 32), None),
    "a score in the metadata": (
        change_meta("test-share", score=3, auto_score=3, manual_score=3, extra_credit=9, needs_manual_grade=False),
        None,
    ),
    "a score of the written answer": (change_meta("advice", score=2, manual_score=2, points=50), None),
    "outputs that say three of three": (change("test-share", outputs=[RESULT]), None),
    "notes of our own in the metadata": (
        lambda cells: [
            cell["metadata"].update(campus={"told": "Full marks.", "flags": True, "mistake": None}) for cell in cells
        ],
        None,
    ),
    "a cell of its own before all": (insert({"cell_type": "code", "source": EVIL}), "of the learner's own"),
    "a changed cell of the author's": (
        lambda cells: [
            cell.update(source=EVIL + cell["source"])
            for cell in cells
            if cell["cell_type"] == "code" and not name_of(cell)
        ],
        None,
    ),
    "a written answer that is code": (change("advice", cell_type="code", source=EVIL), None),
    "an attachment": (change("share", attachments={"x.png": {"image/png": "eA=="}}), None),
}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_forged_notebook_wins_no_more_than_its_honest_twin(trial, name):
    """Does what a file says of itself change nothing, and is the author's own test what runs and is kept?"""
    edit, flag = NOTEBOOKS[name]
    notebook = json.loads(json.dumps(answered({"share": NOTHING})))
    edit(notebook["cells"])
    result = trial.attack(json.dumps(notebook).encode(), trial.twin("share"))
    assert flag is None or any(flag in told for told in result.flags), result.flags
    kept = {name_of(cell): cell for cell in result.notebook.cells}
    for question in TRIAGE.questions:
        meta = kept[question.test_id if question.test else question.id]["metadata"]["nbgrader"]
        assert (meta["points"], meta["grade"], "score" in meta) == (question.points, True, False)
    assert "kingfisher" in kept["test-share"].source


SCRIPTS = """
Ring them <script>alert('marks')</script><img src="https://example.org/x.png" onerror="alert('marks')">
![x](https://example.org/x.png) [here](javascript:alert('marks')) <a href="javascript:alert('marks')">there</a>
<svg onload="alert('marks')"></svg><iframe src="https://example.org"></iframe>
<form action="/services"><input autofocus onfocus="alert('marks')"></form><style>* {display: none}</style>
"""


def test_a_written_answer_runs_nothing_in_the_tutors_page(trial):
    """Does formgrader, which shows an answer as it is, run a script that could set marks as the tutor?"""
    notebook = answered({"advice": SCRIPTS})
    assert danger(page(notebook, Config())) >= {"script", "javascript:", "https:"}  # stock nbgrader lets them through
    result = trial.attack(notebook, FULL)
    assert danger(page(result.notebook, course_config())) == set()


class Danger(HTMLParser):
    """What in a page runs or asks something when it is shown, or when a link in it is followed."""

    def __init__(self):
        super().__init__()
        self.found = set()

    def handle_starttag(self, tag, attributes):
        if tag in ("script", "svg", "iframe", "form", "input", "style", "object", "embed", "base", "meta", "link"):
            self.found.add(tag)
        for name, value in attributes:
            if name.startswith("on"):
                self.found.add(name)
            if (value or "").startswith("javascript:") or (name == "src" and ":" in (value or "")):
                self.found.add(f"{value.partition(':')[0]}:")


def danger(text: str) -> set[str]:
    """The same for the written answer of a page of formgrader."""
    parser = Danger()
    parser.feed(text[text.index("Ring them") :].partition("</div>")[0])
    return parser.found


def page(notebook, config: Config) -> str:
    """What formgrader shows of a marked notebook."""
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    names = ("assignment_id", "notebook_id", "submission_id", "base_url", "last_name", "first_name", "mathjax_url")
    facts = {**dict.fromkeys((*names, "student", "prefix"), ""), "index": 0, "total": 1}
    return HTMLExporter(config=config).from_notebook_node(copy.deepcopy(notebook), resources=facts)[0]


KEPT = """
held = []
def share(part, whole):
    held.append((part, whole))
    open("held", "a").write(str((part, whole)))
    print("given", part, whole)
    return 0.25 if part == 3 else 0
"""
LEAKS = {
    "an answer that prints what a hidden test gives it": {"share": KEPT},
    "a later answer that prints what it was given": {"share": KEPT, "longest": "print(held)\nlongest = 0\n"},
    "a later answer that stops with what was given": {"share": KEPT, "summary": "raise ValueError(held)\n"},
    "a later call that stops with what was given": {
        "share": KEPT,
        "summary": "def summary(text):\n    raise ValueError(held, open('held').read())\n",
    },
    "a later call that gives back what was given": {
        "share": KEPT,
        "summary": "def summary(text):\n    return {'words': held, 'count': str(held), 'first': text}\n",
    },
    "an error with what was given": {
        "share": "def share(part, whole):\n    if part != 3:\n        raise TimeoutError((part, whole))\n"
        "    return 0.25\n"
    },
    "an error named after what was given": {
        "share": "def share(part, whole):\n    if part != 3:\n        raise type(f'E{part}_{whole}', (Exception,), {})"
        "\n    return 0.25\n"
    },
}


@pytest.mark.parametrize("name", LEAKS)
def test_an_associate_is_told_nothing_of_hidden_tests(trial, name):
    """Do neither what an associate is told nor their feedback page hold a hidden test's inputs or values?"""
    answers = LEAKS[name]
    result = trial.attack(answered(answers), {**FULL, **dict.fromkeys(answers, 0)})
    marks = {mark.question: (mark.score, mark.points) for mark in result.marks}
    told = feedback_page("triage", result.notebook, marks, {}) + str([mark.told for mark in result.marks])
    for cell in answers.values():
        told = told.replace(cell, "")
    assert "share" in told and not [secret for secret in SECRETS if secret in told]


@pytest.mark.parametrize("name", CASES)
def test_a_trick_wins_no_more_than_its_honest_twin(trial, name):
    trial.try_case(CASES[name])


PLANT = """
import builtins, os, sys
builtins.planted = sys.planted = np.planted = pd.planted = os.environ["PLANTED"] = "planted"
get_ipython().user_ns_hidden["planted"] = get_ipython().__class__.planted = "planted"
for folder in (".", "/tmp", "/dev/shm"):
    open(folder + "/planted", "w").close()
"""
FIND = """
import builtins, os, sys
places = (builtins, sys, np, pd, get_ipython(), get_ipython().__class__)
print("found", [place for place in places if hasattr(place, "planted")], "PLANTED" in os.environ,
      [folder for folder in (".", "/tmp", "/dev/shm") if os.path.exists(folder + "/planted")])
"""


def test_one_submission_leaves_nothing_for_another(trial):
    """Does what somebody put into memory, environment and folders reach their friend's submission?"""
    trial.try_case(Case(NOTHING + PLANT + FIND, says="found [<"))
    trial.try_case(Case(NOTHING + FIND, says="found [] False []"))


def test_the_warm_process_holds_no_secret(trial):
    """Is what a hidden test holds nowhere in the memory that each learner's process is a copy of?"""
    trial.honest()
    pid, known = trial.warm.pid, 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            first, last = (int(end, 16) for end in line.split()[0].split("-"))
            if " rw" not in line or last - first > 2**30:
                continue
            memory.seek(first)
            held = memory.read(last - first)
            assert b"kingfisher" not in held and b"BEGIN HIDDEN" not in held and b"BEGIN SOLUTION" not in held
            known += b"Python 3" in held or b"InteractiveShell" in held
    assert known  # it was memory that was read


def test_the_tricks_work_where_answers_and_tests_share_a_shell():
    """Could each of these attacks have won? Where nothing is apart, they win what their twins do not."""
    wanted = {name: case for name, case in CASES.items() if case.wins}
    twins = {f"twin of {case.question}": Case(WRONG[case.question], case.question) for case in wanted.values()}
    jobs = [job(name, case) for name, case in {**wanted, **twins}.items()]
    won = {outcome.id for outcome in run(jobs) if outcome.cells["test"].error is None}
    assert won == set(wanted)


def job(name: str, case: Case) -> Job:
    """All code cells up to the test of the case's question, in one shell that nothing seals."""
    (question,) = (one for one in TRIAGE.questions if one.id == case.question)
    cells = answered({case.question: case.source}).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    names = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in code]
    last = names.index(question.test_id)
    sources = [cell.source for cell, grade_id in zip(code, names, strict=True)][: last + 1]
    return Job(name, sources, {last: "test"}, data=str(TRIAGE.folder / "data"), seconds=20)
