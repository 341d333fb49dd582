"""Do workers mark what they are given, here and on a cluster, and does their death cost nothing but time?"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from autograder import grading, workers
from autograder.assignment import version
from autograder.queue import DONE
from autograder.workers import LOST, MARKED, REFUSED, Cluster, Order, Processes, own_slot
from campus import folders
from campus.errors import CampusError
from tests.autograder.released import NAME

RIGHT = "def occupancy(days, beds, period):\n    return days / (beds * period)"
LAST_ROW = 'def longest(table):\n    # the last one\n    return table.iloc[-1]["days"]'
SLEEP = "import time\ntime.sleep(8)\n"
READY_SECONDS = 120


@pytest.fixture(scope="module")
def course_here(released_on_sqlite):
    return released_on_sqlite


@pytest.fixture
def handed_in(course_here):
    """Three submissions: one right, one with a listed mistake, one that takes its time."""
    course_here.forget()
    course_here.hand_in("ann", {"occupancy": RIGHT})
    course_here.hand_in("ben", {"longest": LAST_ROW})
    course_here.hand_in("cat", {"occupancy": SLEEP + RIGHT})
    return course_here


def scores(course_here):
    """The machine's marks by person."""
    found = course_here.recorded()
    assert {state for entry in found.values() for state in entry["states"]} == {DONE}
    return {student: [grade[1] for grade in entry["grades"]] for student, entry in found.items()}


def workers_of(nursery):
    """The workers that a nursery forked; the first of its forks is none, but what each warm process is a fork of."""
    return sorted(psutil.Process(nursery.process.pid).children(), key=lambda child: child.create_time())[1:]


def with_warm_process(nursery):
    """The first of a nursery's forks, and the warm process that it forked for a worker."""
    first = min(psutil.Process(nursery.process.pid).children(), key=lambda child: child.create_time())
    while not (warm := first.children()):  # it may still import: an empty submission needs nobody who seals
        time.sleep(0.05)
    return first, warm[0]


EXPECTED = {"ann": [0, 0, 0, 3], "ben": [0, 0, 0, 0], "cat": [0, 0, 0, 3]}


def order_of(course_here, **other):
    folder = course_here.folder
    given = {"folder": str(folder), "version": version(folder), "data": b"", "build": str(folders.BUILD)}
    return Order(**given | other)


def answer_of(executor, order):
    executor.give("one", order)
    while not (found := executor.collect(1)):
        pass
    ((key, answer),) = found
    assert key == "one"
    return answer


@pytest.fixture(scope="module")
def one():
    with Processes(1) as executor:
        yield executor


def test_do_processes_of_this_machine_mark_and_name_mistakes(handed_in, one):
    entry = handed_in.mark(one)
    assert scores(handed_in) == EXPECTED
    ben = entry["submissions"][1]["questions"][1]
    assert (ben["mistake"], ben["told"].split(".")[0]) == ("longest-last", "You took the last row")


def test_is_what_a_killed_worker_had_marked_by_the_next(handed_in):
    """Is a worker that is killed in the middle of its work started again, and nothing lost?"""
    with Processes(1) as executor:
        collect, killed = executor.collect, []

        def kill_once(seconds):
            if not killed and (found := workers_of(executor.nursery)):
                killed.append(found[0])
                found[0].kill()
            return collect(seconds)

        executor.collect = kill_once
        handed_in.mark(executor)
        assert killed and scores(handed_in) == EXPECTED


def test_does_a_worker_without_its_warm_process_make_way_for_a_new_one(course_here):
    with Processes(1) as executor:
        assert answer_of(executor, order_of(course_here)).kind == MARKED
        _, warm = with_warm_process(executor.nursery)
        warm.kill()
        warm.wait()
        assert answer_of(executor, order_of(course_here)).kind == LOST
        assert answer_of(executor, order_of(course_here)).kind == MARKED


def test_does_a_nursery_that_can_make_no_warm_process_make_way_for_a_new_one(course_here):
    with Processes(1) as executor:
        assert answer_of(executor, order_of(course_here)).kind == MARKED
        (worker,) = workers_of(executor.nursery)
        first, _ = with_warm_process(executor.nursery)
        first.kill()
        executor.nursery.process.wait()
        assert answer_of(executor, order_of(course_here)).kind == MARKED  # by the worker that is there
        worker.kill()
        assert answer_of(executor, order_of(course_here)).kind == LOST
        assert answer_of(executor, order_of(course_here)).kind == MARKED


def test_do_workers_end_with_whoever_started_them(course_here):
    code = "import sys, time\nfrom autograder.workers import Processes\n"
    code += "found = Processes(2)\nprint(found.nursery.process.pid, flush=True)\n"
    code += "found.workers = [found.nursery.begin(), found.nursery.begin()]\ntime.sleep(600)"
    starter = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=folders.ROOT)
    nursery = psutil.Process(int(starter.stdout.readline()))
    while len(family := nursery.children(recursive=True)) < 5:  # two workers, what seals for each, and what that is of
        time.sleep(0.05)
    starter.kill()
    starter.wait()
    _, alive = psutil.wait_procs([nursery, *family], timeout=60)
    assert alive == []


def test_do_workers_that_cannot_start_end_in_a_sentence(course_here, monkeypatch):
    monkeypatch.setattr(workers.sys, "executable", "/bin/false")
    with Processes(1) as executor, pytest.raises(CampusError, match="end as soon as they start"):
        while True:
            executor.give("one", order_of(course_here))
            executor.collect(1)


def test_is_another_version_of_the_assignment_refused_in_a_sentence(course_here, one):
    answer = answer_of(one, order_of(course_here, version="0" * 64))
    assert answer.kind == REFUSED and f"{NAME} is another version on" in answer.why


def test_is_a_worker_told_no_secret(monkeypatch):
    monkeypatch.setenv("CAMPUS_DATABASE_URL", "postgresql://name:open-sesame@host/database")
    with Processes(1) as executor:
        assert "open-sesame" not in " ".join(psutil.Process(executor.nursery.process.pid).environ().values())


def test_has_each_worker_of_a_machine_a_slot_of_its_own():
    with own_slot() as first, own_slot() as second:
        assert first != second
    with own_slot() as again:
        assert again <= max(first, second)


# A cluster


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """The address of a Dask scheduler."""
    file = tmp_path_factory.mktemp("dask") / "scheduler.json"
    command = [Path(sys.executable).with_name("dask"), "scheduler", "--host", "127.0.0.1", "--port", "0"]
    process = subprocess.Popen([*command, "--no-dashboard", "--scheduler-file", file], stderr=subprocess.DEVNULL)
    with Cluster(f"tcp://{wait_for_address(process, file)}") as cluster:
        yield cluster.url
    process.terminate()
    process.wait()


def wait_for_address(process, file):
    deadline = time.monotonic() + READY_SECONDS
    while not (file.exists() and file.read_text()):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    return json.loads(file.read_text())["address"].removeprefix("tcp://")


@pytest.fixture(scope="module")
def cluster_worker(scheduler):
    """`autograder worker` with two workers, and the processes of these."""
    program = Path(sys.executable).with_name("autograder")
    process = subprocess.Popen([program, "worker", "--scheduler", scheduler, "--workers", "2"], text=True)
    yield process
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0


def test_does_a_cluster_mark_the_same_though_a_worker_is_killed(handed_in, scheduler, cluster_worker):
    with Cluster(scheduler) as executor:
        killed, collect = [], executor.collect

        def kill_once(seconds):
            if executor.given and not killed and executor.client.processing():
                busy = [name for name, tasks in executor.client.processing().items() if tasks]
                if busy:
                    info = executor.client.scheduler_info(n_workers=-1)["workers"][busy[0]]
                    killed.append(info["name"])
                    number = executor.client.run(os.getpid, workers=busy[:1])[busy[0]]
                    os.kill(number, signal.SIGKILL)
            return collect(seconds)

        executor.collect = kill_once
        handed_in.mark(executor)
    assert killed and scores(handed_in) == EXPECTED


def test_does_a_worker_of_a_cluster_take_one_at_a_time(scheduler, cluster_worker):
    with Cluster(scheduler) as executor:
        deadline = time.monotonic() + READY_SECONDS
        while executor.size() != 2:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert executor.idle()


def test_is_a_scheduler_that_is_not_there_a_sentence(monkeypatch):
    with pytest.raises(CampusError, match=r"There is no Dask scheduler at tcp://127\.0\.0\.1:1 "):
        Cluster("tcp://127.0.0.1:1")


def test_is_a_cluster_without_workers_a_sentence(monkeypatch, scheduler):
    monkeypatch.setattr(workers, "CLUSTER_SECONDS", 0)
    with Cluster(scheduler) as executor:
        monkeypatch.setattr(executor, "size", lambda: 0)
        assert not executor.idle()
        with pytest.raises(CampusError, match="start some with 'autograder worker --scheduler"):
            executor.idle()


def test_does_grade_go_to_the_cluster_it_is_told(handed_in, scheduler, cluster_worker):
    with Cluster(scheduler) as executor:
        entry = grading.grade([handed_in.folder], executor=executor)["assignments"][0]
    assert entry["ok"] and scores(handed_in) == EXPECTED
