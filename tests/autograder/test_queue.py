"""Does the queue lose nothing, mark nothing twice and starve nobody, on SQLite and on PostgreSQL?"""

import re
import threading

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, select
from sqlalchemy.exc import OperationalError

from autograder.queue import (
    CLAIMED,
    DONE,
    MARKING,
    REPLACED,
    TRIES,
    WAITING,
    HandedIn,
    Queue,
    ensure_queue,
    is_gone,
    this_process,
)
from campus.errors import CampusError
from tests.postgres import ensure_postgres

MARKS = Table("marks_of_tests", MetaData(), Column("row", Integer))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    return f"sqlite:///{tmp_path / 'gradebook.db'}" if request.param == "sqlite" else ensure_postgres().new_database()


@pytest.fixture
def queue(url):
    with Queue(url) as made:
        ensure_queue(made.engine)
        MARKS.create(made.engine)
        yield made


def handed_in(student, assignment="beds", digest="1", version="1", at="noon"):
    return HandedIn(assignment, student, digest, version, at)


def mark(queue, claim):
    """Write a mark for a claim."""
    return queue.write(claim, DONE, "{}", lambda db, before: db.execute(MARKS.insert().values(row=claim.id)))


def marks(queue):
    """The rows that marks were written for."""
    with queue.engine.begin() as db:
        return list(db.scalars(select(MARKS.c.row)))


def states(queue):
    with queue.engine.begin() as db:
        return dict(db.execute(select(MARKING.c.id, MARKING.c.state).order_by(MARKING.c.id)).all())


def order(queue):
    """Who is marked, one after the other."""
    found = []
    while claim := queue.claim():
        found.append(f"{claim.work.student} {claim.work.assignment}")
        mark(queue, claim)
    return found


def test_is_the_same_submission_queued_once(queue):
    first = queue.enqueue([handed_in("ann"), handed_in("ben")])
    assert queue.enqueue([handed_in("ann"), handed_in("ben")]) == first
    mark(queue, queue.claim())
    queue.enqueue([handed_in("ann")])
    assert list(states(queue).values()) == [DONE, WAITING]


def test_is_it_first_in_first_out(queue):
    for name in ("ann", "ben", "cat"):
        queue.enqueue([handed_in(name)])
    assert order(queue) == ["ann beds", "ben beds", "cat beds"]


def test_can_one_with_many_not_starve_the_rest(queue):
    queue.enqueue([handed_in("ann", f"a{n}") for n in range(5)] + [handed_in("ben"), handed_in("cat")])
    found = order(queue)
    assert found[:3] == ["ann a0", "ben beds", "cat beds"] and len(found) == 7


def test_does_one_who_hands_in_all_the_time_not_starve_the_rest(queue):
    queue.enqueue([handed_in("ann"), handed_in("ben", "first"), handed_in("ben", "second")])
    found = []
    for number in range(4):
        claim = queue.claim()
        found.append(claim.work.student)
        mark(queue, claim)
        queue.enqueue([handed_in("ann", digest=f"newer {number}")])
    assert found == ["ann", "ben", "ben", "ann"]


def test_does_one_being_marked_count_when_it_is_decided_who_is_next(queue):
    queue.enqueue([handed_in("ann", "first"), handed_in("ann", "second"), handed_in("ben")])
    claims = [queue.claim() for _ in range(3)]
    assert [claim.work.student for claim in claims] == ["ann", "ben", "ann"]


def test_is_only_the_newest_marked_and_in_the_place_of_the_first(queue):
    queue.enqueue([handed_in("ann"), handed_in("ben")])
    (newer,) = queue.enqueue([handed_in("ann", digest="2")])
    claim = queue.claim()
    assert claim.id == newer
    assert order(queue) == ["ben beds"] and list(states(queue).values()).count(REPLACED) == 1


def test_does_one_that_is_marked_give_way_to_a_newer_one(queue):
    queue.enqueue([handed_in("ann")])
    claim = queue.claim()
    queue.enqueue([handed_in("ann", digest="2")])
    assert mark(queue, claim) == REPLACED and marks(queue) == []
    assert mark(queue, queue.claim()) == DONE


def test_is_an_older_one_that_is_handed_in_again_marked_again(queue):
    for number, digest in enumerate("121"):
        queue.enqueue([handed_in("ann", digest=digest, at=str(number))])
        mark(queue, queue.claim())
    assert marks(queue) == [1, 2, 1] and queue.newest("beds")["ann"].digest == "1"


def test_is_a_new_version_of_the_assignment_a_new_task(queue):
    queue.enqueue([handed_in("ann")])
    mark(queue, queue.claim())
    queue.enqueue([handed_in("ann", version="2")])
    assert queue.claim().work.version == "2"


def test_is_again_marked_again_but_never_twice_at_once(queue):
    queue.enqueue([handed_in("ann")], again=True)
    claim = queue.claim()
    queue.enqueue([handed_in("ann")], again=True)
    assert queue.claim() is None
    mark(queue, claim)
    queue.enqueue([handed_in("ann")], again=True)
    assert queue.claim().tries == 1


def test_is_a_claim_renewed_in_time_nobody_elses(queue, url):
    queue.enqueue([handed_in("ann")])
    with Queue(url, lease=0.0) as short:
        claim = short.claim()
    queue.renew([claim.token])
    assert queue.claim() is None and mark(queue, claim) == DONE


def test_can_one_who_lost_a_claim_not_write(queue, url):
    queue.enqueue([handed_in("ann")])
    with Queue(url, lease=-1.0) as stale:
        old = stale.claim()
    new = queue.claim()
    assert mark(queue, old) == CLAIMED and marks(queue) == []
    assert mark(queue, new) == DONE and mark(queue, old) == DONE and marks(queue) == [new.id]
    queue.give_back(old)
    assert states(queue) == {new.id: DONE}


def test_is_what_a_dead_process_held_taken_over_at_once(queue, url):
    queue.enqueue([handed_in("ann")])
    with Queue(url) as dead:
        dead.owner = re.sub(r"/[^/]+$", "/1.00", this_process())
        dead.claim()
    assert is_gone(dead.owner) and not is_gone(this_process())
    assert queue.claim().tries == 2


def test_are_there_three_tries_and_then_a_claim_that_says_so(queue, url):
    queue.enqueue([handed_in("ann")])
    with Queue(url, lease=-1.0) as lost:
        assert [lost.claim().spent for _ in range(TRIES)] == [False] * TRIES
    assert queue.claim().spent


def test_does_giving_back_cost_a_try_only_where_it_is_counted(queue):
    queue.enqueue([handed_in("ann")])
    for counted, tries in ((False, 1), (True, 1), (True, 2)):
        claim = queue.claim()
        assert claim.tries == tries
        queue.give_back(claim, counted)


def test_does_an_error_while_writing_leave_neither_marks_nor_state(queue):
    queue.enqueue([handed_in("ann")])
    claim = queue.claim()

    def fail(db, before):
        db.execute(MARKS.insert().values(row=claim.id))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        queue.write(claim, DONE, "{}", fail)
    assert marks(queue) == [] and states(queue) == {claim.id: CLAIMED}


def test_is_the_row_that_was_marked_before_known_to_the_next(queue):
    seen = []
    for digest in "12":
        queue.enqueue([handed_in("ann", digest=digest)])
        queue.write(queue.claim(), DONE, digest, lambda db, before: seen.append(before and before.report))
    assert seen == [None, "1"]


def test_do_many_at_once_mark_each_once(queue, url):
    queue.enqueue([handed_in(f"person {n}") for n in range(40)])

    def work():
        with Queue(url) as mine:
            while claim := mine.claim():
                mark(mine, claim)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(marks(queue)) == list(range(1, 41)) and set(states(queue).values()) == {DONE}


@pytest.mark.parametrize("step", ["claimed", "checked", "marks", "commit", "committed", "written"])
def test_is_a_dropped_connection_no_loss_and_no_second_mark(step):
    """Is work done again after the database ended all connections at any step?"""
    server = ensure_postgres()
    url = server.new_database()
    with Queue(url) as queue:
        ensure_queue(queue.engine)
        MARKS.create(queue.engine)
        dropped = []

        def drop_once(name):
            if name == step and not dropped:
                dropped.append(server.drop_connections(url))

        queue.enqueue([handed_in("ann"), handed_in("ben")])
        queue.step = drop_once
        assert order(queue) == ["ann beds", "ben beds"]
        queue.step = lambda name: None
        assert sorted(marks(queue)) == [1, 2] and set(states(queue).values()) == {DONE} and dropped[0] >= 1


def test_is_a_database_that_stays_away_one_sentence(queue, monkeypatch):
    monkeypatch.setattr("autograder.queue.PAUSES", (0, 0))

    def away(db):
        raise OperationalError("select", {}, Exception("server closed the connection\nunexpectedly"))

    with pytest.raises(CampusError, match=r"does not answer \(server closed the connection\): see [^\n]+ lost\.$"):
        queue.transact(away)
