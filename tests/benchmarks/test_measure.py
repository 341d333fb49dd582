"""Does a measurement count all that a command starts?"""

import os
import subprocess
import sys

import pytest

from benchmarks.measure import Usage, measured, processor_time
from campus.errors import CampusError

BUSY = "import time\nwhile time.process_time() < 0.3: pass"
PARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BUSY!r}], check=True)"
HOLD = "import time\nheld = bytearray(64 * 2**20)\ntime.sleep(1.5)"


def test_is_the_time_of_a_child_that_was_waited_for_counted(tmp_path):
    assert measured([sys.executable, "-c", PARENT], tmp_path / "log").cpu >= 0.3


def test_is_the_memory_of_a_command_seen(tmp_path):
    assert measured([sys.executable, "-c", HOLD], tmp_path / "log").peak >= 64 * 2**20


def test_is_a_command_that_fails_one_sentence_with_the_place_of_its_log(tmp_path):
    with pytest.raises(CampusError, match=r"ended with 3 \(no such thing\).* log"):
        measured([sys.executable, "-c", "import sys; print('no such thing'); sys.exit(3)"], tmp_path / "my log")


def test_do_two_costs_add_up_to_their_sum_and_the_higher_peak():
    assert Usage(1, 2, 30) + Usage(2, 3, 20) == Usage(3, 5, 30)


def test_is_the_time_of_a_child_that_has_ended_part_of_its_parents():
    before = processor_time(os.getpid())
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    assert processor_time(os.getpid()) - before >= 0.3
