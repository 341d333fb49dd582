"""Do forks of the warm process tell what each cell did, stay apart, keep to their limit, and end when they should?"""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from autograder import execution
from autograder.execution import Job, Ran

WROTE = 'open("mark", "w").write("x"); open("data/list.csv", "w").write("x")'


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The outcomes of a few notebooks, run two at a time."""
    data = tmp_path_factory.mktemp("data")
    (data / "list.csv").write_text("1")
    away = tmp_path_factory.mktemp("away")
    cells = {
        "errors": ["1 / 0", "assert False, 'told you'", "x = (", "assert True", "7"],
        "stderr": ["import warnings; warnings.warn('careful')", "import logging; 2"],
        "kernel": ["%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1]); plt.show()", "display(1)"],
        "data": ["open('data/list.csv').read()", WROTE],
        "data again": ["open('data/list.csv').read()", "import os; os.path.exists('mark')"],
        "names": ["x = 1", "x + 1"],
        "names again": ["x"],
        "slow": ["'before'", "while True: pass", "'after'"],
        "dead": ["'before'", "import os; os._exit(3)", "'after'"],
        "exit": ["import sys; sys.exit(0)", "'after'"],
        "child": [f"import subprocess; subprocess.Popen(['sleep', '60'], cwd={str(away)!r}).pid"],
        "random": ["import random, numpy; (random.random(), numpy.random.rand())"],
        "random again": ["import random, numpy; (random.random(), numpy.random.rand())"],
        "threads": ["import os; len(os.listdir('/proc/self/task')) if os.path.isdir('/proc') else 1"],
    }
    jobs = [
        Job(name, sources, {n: str(n) for n in range(len(sources))}, str(data), 1.0 if name == "slow" else 60.0)
        for name, sources in cells.items()
    ]
    began = time.monotonic()
    found = {outcome.id: outcome for outcome in execution.run(jobs, workers=2)}
    assert time.monotonic() - began < 60
    assert (data / "list.csv").read_text() == "1"
    return found


def test_is_each_cell_run_although_one_before_it_failed(ran):
    cells = ran["errors"].cells
    assert cells["0"] == Ran("ZeroDivisionError", "division by zero")
    assert cells["1"].failure == "AssertionError: told you"
    assert cells["2"].error == "SyntaxError"
    assert cells["3"].failure is None
    assert cells["4"].value == "7"


def test_is_a_warning_seen(ran):
    assert "careful" in ran["stderr"].cells["0"].stderr
    assert ran["stderr"].cells["1"].stderr == ""


def test_do_cells_run_that_a_kernel_would_run(ran):
    assert [cell.failure for cell in ran["kernel"].cells.values()] == [None, None]
    assert ran["kernel"].cells["0"].stderr == ""


def test_has_each_notebook_its_own_copy_of_the_data(ran):
    assert ran["data"].cells["0"].value == ran["data again"].cells["0"].value == "'1'"
    assert ran["data again"].cells["1"].value == "False"


def test_has_each_notebook_its_own_names(ran):
    assert ran["names"].cells["1"].value == "2"
    assert ran["names again"].cells["0"].error == "NameError"


def test_is_an_endless_notebook_stopped_with_what_it_did_before(ran):
    assert ran["slow"].stopped and ran["slow"].seconds < 5
    assert ran["slow"].cells["0"].value == "'before'"
    assert ran["slow"].cells["2"].error == "TimeoutError"


def test_is_a_notebook_that_kills_its_process_told_from_others(ran):
    assert ran["dead"].cells["0"].value == "'before'"
    assert [ran["dead"].cells[n].error for n in "12"] == ["SystemError", "SystemError"]
    assert ran["exit"].cells["0"].error == "SystemExit"
    assert ran["exit"].cells["1"].value == "'after'"


def test_does_nothing_that_a_notebook_started_live_on(ran):
    pid = int(ran["child"].cells["0"].value)
    deadline = time.monotonic() + 10  # the system takes a moment to bury what was killed
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(pid)


def is_running(pid):
    """Whether a process is there and not a dead one that nobody has buried yet."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_are_random_numbers_seeded_anew_in_each_fork(ran):
    assert ran["random"].cells["0"].value != ran["random again"].cells["0"].value


def test_is_the_forked_process_of_one_thread(ran):
    assert ran["threads"].cells["0"].value == "1"


def test_does_the_warm_process_end_with_the_one_that_started_it(tmp_path):
    script = (
        "import os, sys\n"
        "from autograder.execution import Job, run\n"
        "jobs = [Job('a', ['1'], {0: 'a'}), Job('b', ['while True: pass'], {0: 'b'})]\n"
        "for outcome in run(jobs, workers=1):\n"
        "    print(open('/proc/self/task/%d/children' % os.getpid()).read(), flush=True)\n"
        "    os._exit(1)\n"
    )
    root = Path(execution.__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=60)
    warm = int(done.stdout.split()[0])
    limit = time.monotonic() + 2
    while Path(f"/proc/{warm}/cmdline").exists() and time.monotonic() < limit:
        time.sleep(0.05)
    assert not Path(f"/proc/{warm}/cmdline").exists()
