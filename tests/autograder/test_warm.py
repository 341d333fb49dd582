"""Does the warm process fork what is asked of it, and end with whoever started it?"""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from autograder.marking import grade
from autograder.seal import Limits
from autograder.sealed import Gone, receive_frame, send
from autograder.warm import Warm
from campus import folders
from campus.errors import CampusError
from tests.autograder.test_marking import BY_MACHINE, CLINIC
from tests.autograder.test_seal import descendants

CONTROLLER = """
from autograder.assignment import read
from autograder.marking import grade
from autograder.variants import substitute
from autograder.warm import Warm
from campus.folders import EXERCISES

clinic = read(EXERCISES / "clinic-queue")
endless = "import os\\nos.fork()\\nos.fork()\\nwhile True:\\n    pass\\n"
with Warm() as warm:
    grade(clinic, clinic.notebook, warm)
    print(flush=True)
    grade(clinic, substitute(clinic, {"utilisation": endless}), warm)
"""


def test_is_all_gone_two_seconds_after_the_controller_is_killed_in_the_middle():
    with subprocess.Popen([sys.executable, "-c", CONTROLLER], cwd=folders.ROOT, stdout=subprocess.PIPE) as controller:
        controller.stdout.readline()
        deadline = time.monotonic() + 60
        while len(family := descendants(controller.pid) - {controller.pid}) < 8 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(family) == 8  # the warm process, two watchers, the tests, the answers and what they started
        controller.kill()
        controller.wait()
        killed = time.monotonic()
        while [pid for pid in family if is_alive(pid)]:
            assert time.monotonic() - killed < 2
            time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process can still do anything; a dead one may wait a while for the machine's init to bury it."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_is_one_sentence_said_where_the_warm_process_was_killed():
    with Warm() as own:
        os.kill(own.pid, signal.SIGKILL)
        with pytest.raises(CampusError, match="ended early: try again"):
            grade(CLINIC, CLINIC.notebook, own)


def test_does_nothing_of_one_fork_reach_the_next(warm):
    for _ in range(2):
        process = warm.fork(None, Limits())
        send(
            process.socket,
            {"run": "print('kept' in globals())\nkept = 1\nimport math\nprint(hasattr(math, 'kept'))\nmath.kept = 1"},
        )
        assert receive_frame(process.socket).count(b"False\nFalse\n") == 1
        warm.end(process)


def test_is_a_process_that_was_ended_gone(warm):
    process = warm.fork(None, Limits())
    assert warm.end(process) == ["killed"]
    with pytest.raises((Gone, OSError)):
        send(process.socket, {"run": "1"})
    assert grade(CLINIC, CLINIC.notebook, warm).score == BY_MACHINE
