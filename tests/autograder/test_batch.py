"""Is everything marked once, whatever is killed in between, and does one that cannot be marked stop nobody else?"""

import os
import signal

import pytest

from autograder.queue import DONE, FAILED, REPLACED, TRIES, Queue
from autograder.workers import BROKEN, LOST, REFUSED, Answer
from campus.errors import CampusError
from tests.autograder.released import NAME, RIGHT, WRONG, Instant
from tests.postgres import ensure_postgres

ANSWERS = {
    "ann": {"occupancy": RIGHT, "longest": RIGHT, "advice": RIGHT},
    "ben": {"occupancy": WRONG, "longest": RIGHT},
}


@pytest.fixture
def course(released):
    """The released assignment, handed in by two."""
    released.forget()
    for student, answers in ANSWERS.items():
        released.hand_in(student, answers)
    return released


@pytest.fixture
def undisturbed(course):
    """What marking writes when nothing happens to it, and the steps that it takes."""
    steps = []
    course.mark(queue=Queue(course.url, step=steps.append))
    wanted = course.recorded()
    assert {entry["states"][0] for entry in wanted.values()} == {DONE} and len(wanted) == 2
    start_again(course)
    return wanted, steps


def start_again(course):
    course.forget()
    for student, answers in ANSWERS.items():
        course.hand_in(student, answers)


class Counter:
    """Does something at one step, by its number, once."""

    def __init__(self, number, act):
        self.left, self.act = number, act

    def __call__(self, name):
        self.left -= 1
        if self.left == -1:
            self.act()


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def killed_at(course, number):
    """Mark in a process that is killed at a step; whether it was."""
    pid = os.fork()
    if pid == 0:
        try:
            course.mark(queue=Queue(course.url, step=Counter(number, die)))
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def test_does_a_killed_process_lose_nothing_and_mark_nothing_twice(course, undisturbed):
    """Killed at each step in turn, do the next run's marks, comments, states and files equal an undisturbed run's?"""
    wanted, steps = undisturbed
    assert {"enqueued", "claimed", "given", "answered", "drafted", "checked", "scores", "marks", "stamped"} <= set(
        steps
    )
    for number in range(len(steps)):
        assert killed_at(course, number), number
        half = course.recorded()
        for student, entry in half.items():
            if entry.get("states") == [DONE]:  # whole, or not there
                assert entry["grades"] == wanted[student]["grades"], (number, steps[number])
        course.mark()
        assert course.recorded() == wanted, (number, steps[number])
        start_again(course)


def test_does_a_process_killed_over_and_over_come_to_the_same_end(course, undisturbed):
    """Is no try counted against submissions whose marks were written, and none lost, over many kills?"""
    wanted, _ = undisturbed
    number = 5
    while killed_at(course, number):
        number += 2
    found = course.recorded()
    assert {entry["states"][0] for entry in found.values()} <= {DONE, FAILED}
    course.mark(again=True)
    assert course.recorded() == wanted


def test_does_a_dropped_connection_at_any_step_change_nothing(released_on_postgresql):
    """Are marks the same where the database ends all connections, at each step in turn?"""
    course, steps = released_on_postgresql, []

    def drop():
        ensure_postgres().drop_connections(course.url)

    start_again(course)
    course.mark(queue=Queue(course.url, step=steps.append))
    wanted = course.recorded()
    for number in range(len(steps)):
        start_again(course)
        course.mark(
            queue=Queue(course.url, step=Counter(number, lambda: ensure_postgres().drop_connections(course.url)))
        )
        assert course.recorded() == wanted, (number, steps[number])


class Failing(Instant):
    """A marker that gives the same bad answer for one person, so many times."""

    def __init__(self, answer, times=99):
        super().__init__()
        self.bad, self.times = answer, times

    def answer(self, order):
        if b"WRONG" in order.data and self.times:  # ben's
            self.times -= 1
            return self.bad
        return super().answer(order)


@pytest.mark.parametrize("kind", [LOST, BROKEN])
def test_is_one_that_cannot_be_marked_left_to_a_tutor_and_all_others_marked(course, kind):
    entry = course.mark(Failing(Answer(kind, why="It went wrong.")))
    found = course.recorded()
    assert [found[name]["states"] for name in ("ann", "ben")] == [[DONE], [FAILED]]
    assert {grade[1:] for grade in found["ben"]["grades"]} == {(None, None, True)} and found["ben"]["flagged"]
    assert not entry["ok"]
    (problem,) = entry["problems"]
    said = f"could not be marked: It could not be marked in {TRIES} tries (It went wrong): mark it by hand"
    assert said in problem and "\n" not in problem
    assert "in 3 tries" in found["ben"]["files"][f"{NAME}.ipynb"] and WRONG in found["ben"]["files"][f"{NAME}.ipynb"]


def test_is_it_marked_after_all_where_a_later_try_goes_well(course, undisturbed):
    wanted, _ = undisturbed
    course.mark(Failing(Answer(LOST), times=TRIES - 1))
    assert course.recorded() == wanted


def test_does_a_failed_one_get_its_marks_when_it_is_marked_again(course, undisturbed):
    wanted, _ = undisturbed
    course.mark(Failing(Answer(LOST)))
    assert course.mark()["submissions"][1]["graded"] is None  # it stays with the tutor
    course.mark(again=True)
    assert course.recorded() == wanted


def test_does_a_machine_that_cannot_seal_stop_with_its_sentence_and_lose_no_try(course, undisturbed):
    wanted, _ = undisturbed
    for _ in range(TRIES + 1):
        with pytest.raises(CampusError, match="This machine cannot seal"):
            course.mark(Failing(Answer(REFUSED, why="This machine cannot seal.")))
    course.mark()
    assert course.recorded() == wanted


def test_is_one_whose_marks_cannot_be_written_no_obstacle_for_others(course, monkeypatch):
    from autograder import gradebook

    write = gradebook.write_marks

    def fail(db, marked, before):
        if marked.work.student == "ben":
            raise ZeroDivisionError("no such thing")
        write(db, marked, before)

    monkeypatch.setattr(gradebook, "write_marks", fail)
    entry = course.mark()
    found = course.recorded()
    assert [found[name]["states"] for name in ("ann", "ben")] == [[DONE], [FAILED]]
    assert "its marks could not be written, no such thing" in entry["problems"][0]


def test_does_ctrl_c_give_back_what_was_begun(course, undisturbed):
    wanted, _ = undisturbed

    class Interrupted(Instant):
        def collect(self, seconds):
            raise KeyboardInterrupt

    for _ in range(TRIES + 1):
        with pytest.raises(KeyboardInterrupt):
            course.mark(Interrupted())
    course.mark()
    assert course.recorded() == wanted


def test_does_a_later_submission_win_that_arrives_while_the_first_is_marked(course):
    class Late(Instant):
        def answer(self, order):
            found = super().answer(order)
            if self.marked == 1:  # ann's
                course.hand_in("ann", {"occupancy": WRONG}, at="2026-11-02 13:00:00.000000 UTC")
            return found

    course.mark(Late())
    course.mark()
    found = course.recorded()["ann"]
    assert sorted(found["states"]) == [DONE, DONE] and found["at"] == "2026-11-02 13:00:00"
    assert dict(grade[:2] for grade in found["grades"])["test-occupancy"] == 0


def test_is_what_was_collected_after_it_was_queued_what_is_marked(course):
    with Queue(course.url) as queue:
        from autograder import grading

        found = grading.enqueue(queue, [course.folder])
        course.hand_in("ben", {"occupancy": RIGHT}, at="2026-11-02 13:00:00.000000 UTC")
        executor = Instant()
        grading.mark_all(queue, executor, [course.folder], found.wanted, lambda *told: None)
        assert executor.marked == 2
    ben = course.recorded()["ben"]
    assert sorted(ben["states"]) == [DONE, REPLACED] and ben["at"] == "2026-11-02 13:00:00"
    assert dict(grade[:2] for grade in ben["grades"])["test-occupancy"] == 3


def test_is_a_marked_notebook_that_was_lost_made_again(course, undisturbed):
    from autograder.gradebook import marked_folder

    wanted, _ = undisturbed
    course.mark()
    (marked_folder(NAME, "ann") / f"{NAME}.ipynb").unlink()
    executor = Instant()
    course.mark(executor)
    assert executor.marked == 1 and course.recorded() == wanted
