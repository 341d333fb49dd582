"""Does `autograder watch` mark what arrives, once, and end cleanly?"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from autograder import course, grading
from autograder.assignment import read
from autograder.handed_in import collected_folder
from campus.exchange import client
from campus.exchange.client import connect, open_store
from campus.exchange.store import default_folder
from tests.autograder.released import NAME, RIGHT, WRONG, Instant


@pytest.fixture
def watched(released_on_sqlite, monkeypatch):
    """The released assignment, watched without pauses by a marker that needs no process."""
    released_on_sqlite.forget()
    shutil.rmtree(default_folder())
    open_store.cache_clear()
    connect().release(NAME, {f"{NAME}.ipynb": (course.root() / "release" / NAME / f"{NAME}.ipynb").read_bytes()})
    monkeypatch.setattr(client, "LOOK_SECONDS", 0.01)
    return released_on_sqlite


def arrive(watched, student, answers):
    """Hand in as somebody does; the id of the submission."""
    made = watched.hand_in(student, answers)
    receipt = connect(student).submit(NAME, {f"{NAME}.ipynb": (made / f"{NAME}.ipynb").read_bytes()})
    shutil.rmtree(collected_folder(NAME, student))
    return receipt["id"]


def test_is_what_arrives_marked_once_and_a_later_one_in_its_place(watched):
    stop, heard = threading.Event(), []
    arrive(watched, "ann", {"occupancy": WRONG})

    def told(entry):
        heard.append([(one["student"], one["score"]) for one in entry["submissions"]])
        if len(heard) == 1:
            arrive(watched, "ben", {"occupancy": RIGHT})
        elif len(heard) == 2:
            arrive(watched, "ann", {"occupancy": RIGHT})
        else:
            stop.set()

    grading.watch([watched.folder], told, stop, Instant())
    assert heard == [[("ann", 0)], [("ben", 3)], [("ann", 3)]]


def test_is_a_submission_that_is_lost_told_once(watched):
    stop, heard = threading.Event(), []
    lost = arrive(watched, "mal", {"occupancy": RIGHT})
    shutil.rmtree(default_folder() / "submissions" / NAME / "mal" / lost)

    def told(entry):
        heard.append(entry["problems"])
        if len(heard) == 1:
            arrive(watched, "ann", {"occupancy": RIGHT})
        else:
            stop.set()

    grading.watch([watched.folder], told, stop, Instant())
    assert heard[0][0].startswith(f"The submission of mal for {NAME} could not be collected") and heard[1] == []


@pytest.mark.parametrize(("marks", "seen"), [("at once", ("marked", 3)), ("with feedback", ("being marked", None))])
def test_does_an_associate_see_the_marks_when_the_tutors_terms_say_so(watched, marks, seen):
    connect().set_terms(NAME, None, "marked", marks)
    arrive(watched, "ann", {"occupancy": RIGHT})
    stop = threading.Event()
    grading.watch([watched.folder], lambda entry: stop.set(), stop, Instant())
    (receipt,) = connect("ann").submissions(NAME)
    assert (receipt["state"], receipt["score"]) == seen


def test_does_an_associate_see_the_marks_so_far_while_a_written_answer_waits_for_a_tutor(watched):
    connect().set_terms(NAME, None, "marked", "at once")
    arrive(watched, "ann", {"occupancy": RIGHT, "advice": "RIGHT: open two more beds."})
    stop = threading.Event()
    grading.watch([watched.folder], lambda entry: stop.set(), stop, Instant())
    (receipt,) = connect("ann").submissions(NAME)
    points = sum(question.points for question in read(watched.folder).questions if question.id != "advice")
    assert (receipt["state"], receipt["score"], receipt["points"]) == ("being marked", 3, points)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_does_a_signal_end_it_cleanly(tmp_path, number):
    program = Path(sys.executable).with_name("autograder")
    process = subprocess.Popen(
        [program, "watch", "clinic-queue", "--workers", "1"],
        env=os.environ | {"CAMPUS_STATE": str(tmp_path), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "Watching for submissions of clinic-queue; Ctrl-C ends it.\n"
    while not (tmp_path / "course" / "gradebook.db").exists():  # it is at work
        assert process.poll() is None
    process.send_signal(number)
    said, wrong = process.communicate(timeout=120)
    assert (process.returncode, wrong) == (0, "")
    assert said == "Stopped: what was being marked waits for the next run.\n"
