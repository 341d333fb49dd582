"""Is more time given to who is meant, and never silently to nobody?"""

from dataclasses import replace

import pytest

from campus.errors import CampusError
from campus.exchange.desk import Desk
from campus.exchange.learner import find_learner
from campus.exchange.refusal import Refusal
from tests.campus.exchange.conftest import ASHA, BEDS, MEMBERS, TARA, release, submit
from tests.campus.exchange.test_pages import Browser

UNTIL = "2026-12-08T17:00"
LEFT = replace(MEMBERS[5], left_at="2026-10-01T09:00:00.000000+00:00")  # Femi
MOVED = replace(MEMBERS[1], username="ben-b")  # whose account is ben as before
PEOPLE = [*(one for one in MEMBERS if one.account not in ("ben", "femi")), LEFT, MOVED]


@pytest.mark.parametrize(
    ("written", "account"),
    [
        ("carys", "carys"),  # who has not signed in yet
        (" Carys ", "carys"),
        ("carys@example.org", "carys"),
        ("ben-b", "ben"),  # a new username, the same account
        ("ben", "ben"),  # as formgrader and receipts call him
        ("tara", "tara"),  # a tutor may try what associates do
    ],
)
def test_is_who_is_on_the_roster_found_by_what_a_tutor_writes(written, account):
    assert find_learner(written, PEOPLE, ()) == account


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("caris", "'caris' is not the username of an associate on the roster: did you mean 'carys'?"),
        ("Carys Example", "did you mean 'carys'?"),
        ("zoe", "'zoe' is not the username of an associate on the roster: correct it, or ask the lead to add them."),
        ("femi", "Femi Example (femi) has left the programme: ask the lead to put them back on the roster first."),
        ("mina", "Mina Example (mina) is a mentor, and hands nothing in: give the username of an associate."),
        ("", "'' is not the username of an associate"),
        ("asha\nX: y", "'asha?X: y' is not the username"),
    ],
)
def test_is_who_cannot_be_meant_told_with_what_to_do(written, told):
    with pytest.raises(Refusal) as refusal:
        find_learner(written, PEOPLE, {"caris", "zoe"})
    assert told in str(refusal.value) and refusal.value.status == 422


def test_does_a_username_of_the_roster_count_before_an_account_of_the_same_letters():
    """Ben is called ben-b now, and somebody new has his old username, with an account of another name."""
    other = replace(MEMBERS[2], username="ben", account="ben-2")
    assert find_learner("ben", [MOVED, other], ()) == "ben-2"


def test_without_a_roster_is_it_who_fetched_or_handed_in(store):
    store.people = list
    release(store)
    for who in ("asha", "ashaa"):
        with pytest.raises(Refusal, match="there is no roster to look in: correct it, or have the roster loaded first"):
            Desk(store, TARA).extend(BEDS, who, UNTIL)
    submit(store, ASHA)
    Desk(store, TARA).extend(BEDS, "asha", UNTIL)
    with pytest.raises(Refusal, match="'ashaa' has fetched and handed in nothing here.* did you mean 'asha'?"):
        Desk(store, TARA).extend(BEDS, "ashaa", UNTIL)
    assert [who for _, who in store.extensions()] == ["asha"]


def test_can_time_that_somebody_has_always_be_taken_back(store):
    """Whoever left since, or was misspelt before anybody looked."""
    release(store)
    for who in ("caris", "femi"):
        store.extend(BEDS, who, UNTIL, "tara")
        Desk(store, TARA).extend(BEDS, who, None)
    assert store.extensions() == {}
    with pytest.raises(Refusal, match="did you mean 'carys'"):
        Desk(store, TARA).extend(BEDS, "caris", None)


def test_is_it_to_be_tried_again_where_nobody_can_say_who_takes_part(store):
    def away():
        raise CampusError("The table of people does not answer.")

    release(store)
    store.people = away
    with pytest.raises(Refusal, match="does not answer") as refusal:
        Desk(store, TARA).extend(BEDS, "asha", UNTIL)
    assert refusal.value.status == 503 and store.extensions() == {}


def test_does_the_page_say_it_and_keep_nothing(exchange):
    tara = Browser(exchange, "tara")
    path = tara.action(f"assignments/{BEDS}", "/terms")
    reply = tara.post(path, data={"username": "caris", "deadline": UNTIL})
    assert reply.status_code == 422 and "did you mean &#39;carys&#39;?" in reply.text
    assert exchange.store.extensions() == {}
    assert tara.post(path, data={"username": "carys", "deadline": UNTIL}).status_code == 303
    assert [who for _, who in exchange.store.extensions()] == ["carys"]
