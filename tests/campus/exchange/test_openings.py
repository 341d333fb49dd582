"""Do assignments of closed modules wait, for associates alone, and is nothing taken away that was theirs?"""

from datetime import date

import pytest

from campus.cohort.people import ensure_people
from campus.exchange.desk import Desk
from campus.exchange.refusal import Refusal
from campus.exchange.store import Store
from campus.opening import set_opening
from tests.campus.exchange.conftest import ASHA, BEDS, BEN, NOTEBOOK, TARA, answer, release, submit
from tests.campus.exchange.test_pages import Browser

SENTENCE = "Module 3, Queues, opens on Tuesday 12 January 2027."


@pytest.fixture
def store(store):
    """A store in which bed-days is of a module that opens on 12 January, for Asha and Ben alike."""
    release(store)
    store.closed = lambda username, now: {BEDS: SENTENCE} if now < "2027-01-12" and store.shut else {}
    store.shut = True
    return store


def test_is_a_closed_modules_assignment_not_there_for_associates_but_for_their_tutor(store):
    assert Desk(store, ASHA).assignments() == [] and Desk(store, ASHA).waiting() == [SENTENCE]
    assert [one["name"] for one in Desk(store, TARA).assignments()] == [BEDS] and Desk(store, TARA).waiting() == []


@pytest.mark.parametrize("ask", ["assignment", "fetch", "look", "accept_submission"])
def test_is_who_asks_for_it_told_when_the_module_opens(store, ask):
    with pytest.raises(Refusal, match="opens on Tuesday 12 January 2027") as refusal:
        getattr(Desk(store, ASHA), ask)(BEDS)
    assert refusal.value.status == 403 and store.fetches("asha") == {}


def test_is_it_there_once_the_server_says_that_the_day_has_come(store, clock):
    clock.go(days=48)
    assert [one["name"] for one in Desk(store, ASHA).assignments()] == [BEDS] and Desk(store, ASHA).waiting() == []
    assert Desk(store, ASHA).fetch(BEDS).number == 1


def test_does_closing_take_nothing_away_from_who_has_fetched(store):
    store.shut = False
    Desk(store, ASHA).fetch(BEDS)
    store.shut = True
    receipt, new = submit(store)
    assert new and Desk(store, ASHA).submissions() == [receipt] and Desk(store, ASHA).fetch(BEDS).number == 1
    assert Desk(store, BEN).assignments() == []


def test_is_what_somebody_handed_in_theirs_to_see_whatever_is_closed(store):
    store.shut = False
    receipt, _ = submit(store)
    store.shut = True
    assert Desk(store, ASHA).submissions(BEDS) == [receipt] and Desk(store, ASHA).submission(receipt["id"]) == receipt


def test_does_the_exchange_keep_to_what_the_lead_decided(tmp_path, monkeypatch, clock):
    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path))
    for name in ("CAMPUS_DATABASE_URL", "CAMPUS_ROSTER"):
        monkeypatch.delenv(name, raising=False)
    ensure_people()
    plain = Store(tmp_path / "exchange", None, clock).ensure()
    release(plain, {"clinic-queue.ipynb": NOTEBOOK}, "clinic-queue")
    assert [one["name"] for one in Desk(plain, ASHA).assignments()] == ["clinic-queue"]
    set_opening("2026", 3, date(2027, 1, 12), "lena")
    assert Desk(plain, ASHA).assignments() == []
    assert Desk(plain, ASHA).waiting() == [
        "Module 3, Pathways and queues: discrete event simulation, opens on Tuesday 12 January 2027."
    ]
    clock.go(days=48)
    assert Desk(plain, ASHA).fetch("clinic-queue").number == 1
    plain.close()


def test_does_the_service_refuse_and_the_page_tell(exchange):
    exchange.store.closed = lambda username, now: {BEDS: SENTENCE}
    for verb, path in (("GET", f"api/assignments/{BEDS}"), ("GET", f"api/assignments/{BEDS}/releases/latest")):
        reply = exchange.ask(verb, path, "asha")
        assert (reply.status_code, reply.json()["error"]) == (403, SENTENCE)
    reply = exchange.send("POST", f"api/assignments/{BEDS}/submissions", "asha", answer())
    assert (reply.status_code, reply.json()["error"]) == (403, SENTENCE) and exchange.store.submissions() == []
    page = Browser(exchange, "asha").get()
    assert SENTENCE in page.text and f"assignments/{BEDS}" not in page.text
    assert SENTENCE in Browser(exchange, "asha").get(f"assignments/{BEDS}").text
    assert SENTENCE not in Browser(exchange, "tara").get().text
