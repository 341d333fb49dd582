"""Is learners' code run without a seal only where somebody says so, and bounded all the same?"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograder.marking import UNSEALED, grade
from autograder.seal import Limits
from autograder.unsealed import run_unsealed
from autograder.variants import substitute
from autograder.warm import Warm
from campus import folders
from tests.autograder.test_marking import BY_MACHINE, CLINIC

WRONG = substitute(
    CLINIC, {"utilisation": "import os\nprint(sorted(os.listdir('data')))\ndef utilisation(*given):\n    return 0"}
)
LIMITS = Limits(cpu_seconds=2, wall_seconds=20)


@pytest.fixture(scope="module")
def open_warm():
    with Warm(unsealed=True) as process:
        yield process


def test_are_the_marks_the_same_and_is_it_said_that_nothing_was_sealed(warm, open_warm):
    sealed, unsealed = (grade(CLINIC, WRONG, process) for process in (warm, open_warm))
    assert sealed.sealed and UNSEALED not in sealed.flags
    assert not unsealed.sealed and UNSEALED in unsealed.flags
    marks = [[(mark.question, mark.score, mark.failure, mark.text) for mark in r.marks] for r in (sealed, unsealed)]
    assert marks[0] == marks[1]
    assert UNSEALED in unsealed.notebook.cells[0].source


def test_does_the_environment_say_so_too(monkeypatch):
    monkeypatch.setenv("CAMPUS_UNSEALED", "1")
    assert Warm().unsealed
    monkeypatch.setenv("CAMPUS_UNSEALED", "0")
    assert not Warm().unsealed


# Run as a program of its own: it forbids itself all new namespaces, for good.
FORBIDDEN = """
import ctypes, json
ctypes.CDLL(None).unshare(0x10000000)
with open("/proc/sys/user/max_user_namespaces", "w") as file:
    file.write("0")
from autograder.assignment import read
from autograder.marking import grade
from campus.errors import CampusError
from campus.folders import EXERCISES
clinic = read(EXERCISES / "clinic-queue")
try:
    grade(clinic, clinic.notebook)
    refused = None
except CampusError as error:
    refused = str(error)
result = grade(clinic, clinic.notebook, unsealed=True)
print(json.dumps([refused, result.score, result.sealed]))
"""


def test_does_a_machine_that_cannot_seal_refuse_unless_it_is_told():
    command = [sys.executable, "-c", FORBIDDEN]
    done = subprocess.run(command, cwd=folders.ROOT, capture_output=True, text=True, timeout=300)
    refused, score, sealed = json.loads(done.stdout)
    assert refused and "cannot be sealed" in refused and "\n" not in refused
    assert (score, sealed) == (BY_MACHINE, False)


def ended(work, limits=LIMITS):
    with run_unsealed(work, None, limits) as process:
        return process.wait().reason


def spin(end):
    while True:
        pass


def test_does_an_endless_loop_end_with_its_processor_time():
    assert ended(spin) in ("cpu", "signal 9")


def test_is_what_it_started_ended_with_it(tmp_path):
    def work(end):
        pid = os.fork()
        if pid == 0:
            signal.pause()
        end.sendall(str(pid).encode())
        signal.pause()

    with run_unsealed(work, tmp_path, LIMITS) as process:
        child = int(process.socket.recv(20))
        assert Path(f"/proc/{child}").exists()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{child}").exists()


def test_does_it_have_a_copy_of_the_data_and_leave_no_folder(tmp_path):
    (tmp_path / "numbers.csv").write_text("1\n")

    def work(end):
        Path("data/numbers.csv").write_text("2\n")
        end.sendall(os.getcwd().encode())

    with run_unsealed(work, tmp_path, LIMITS) as process:
        folder = Path(process.socket.recv(1000).decode())
        assert process.wait().reason == "ended"
    assert not folder.exists() and (tmp_path / "numbers.csv").read_text() == "1\n"


CONTROLLER = """
import os, time
from autograder.seal import Limits
from autograder.unsealed import run_unsealed

def work(end):
    end.sendall(str(os.getpid()).encode())
    while True:
        pass

held = run_unsealed(work, None, Limits())
print(held.socket.recv(20).decode(), flush=True)
time.sleep(60)
"""


def test_is_it_gone_when_its_controller_is_killed():
    with subprocess.Popen([sys.executable, "-c", CONTROLLER], cwd=folders.ROOT, stdout=subprocess.PIPE) as controller:
        pid = int(controller.stdout.readline())
        controller.kill()
        controller.wait()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()
