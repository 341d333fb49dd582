"""Does an associate read by when work is due, by which clock, and what becomes of what comes later?"""

import pytest

from campus.exchange.deadline import say_deadline
from campus.exchange.desk import Desk
from campus.exchange.store import Terms
from tests.campus.exchange.conftest import ASHA, BEDS, BEN, release

UNTIL = "2026-12-01T17:00:00.000000+00:00"
WORDS = "Tuesday 1 December 2026, 17:00 London time (GMT)"


def describe(deadline=UNTIL, extended=False, passed=False, late="marked"):
    return {"deadline": deadline, "extended": extended, "passed": passed, "late": late}


@pytest.mark.parametrize(
    ("one", "handed_in", "told"),
    [
        (describe(None), False, "There is no deadline."),
        (describe(), False, f"Hand in by {WORDS}; later work is taken, and called late."),
        (describe(late="refused"), False, f"Hand in by {WORDS}; later work is refused."),
        (
            describe(extended=True),
            False,
            f"Hand in by {WORDS}, your own deadline; later work is taken, and called late.",
        ),
        (
            describe(passed=True),
            False,
            f"The deadline has passed: {WORDS}. You can still hand it in: it is taken, and called late.",
        ),
        (
            describe(passed=True, late="refused"),
            False,
            f"The deadline has passed: {WORDS}. Late work is refused: ask your tutor for more time.",
        ),
        (describe(), True, f"The deadline is {WORDS}: you can hand it in again before."),
        (describe(passed=True), True, f"The deadline was {WORDS}."),
    ],
)
def test_does_it_say_until_when_and_what_then(one, handed_in, told):
    assert say_deadline(one, handed_in) == told


def test_is_it_told_in_londons_time_in_summer_too():
    told = say_deadline(describe("2026-07-01T16:00:30.000000+00:00"))
    assert told.startswith("Hand in by Wednesday 1 July 2026, 17:00:30 London time (BST);")


def test_has_it_passed_by_the_exchanges_clock_for_each_by_their_own(store, clock):
    release(store)
    store.set_terms(BEDS, Terms(clock.go(hours=1)), "tara")
    own = clock.go(hours=1)
    store.extend(BEDS, "ben", own, "tara")
    asha, ben = (Desk(store, who).assignment(BEDS) for who in (ASHA, BEN))
    assert (asha["extended"], asha["passed"]) == (False, True)
    assert (ben["extended"], ben["passed"], ben["deadline"]) == (True, False, own)
    clock.go(seconds=1)
    assert Desk(store, BEN).assignment(BEDS)["passed"]
