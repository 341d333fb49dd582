"""Does the service let each role do what is theirs, and refuse everything else in a sentence?"""

import hashlib
import threading
import time

import pytest

from campus.exchange import service
from campus.exchange.parcel import pack
from campus.exchange.refusal import Refusal
from campus.exchange.store import Terms
from tests.campus.exchange.conftest import BEDS, RELEASED, answer, kept
from tests.campus.exchange.served import GROUPS

TERMS = {"deadline": "2026-12-01T17:00", "late": "refused", "marks": "at once"}
MARKED = {"state": "marked", "score": 3, "points": 20}
PAGES = {f"{BEDS}.html": b"<p>Well done.</p>"}
ASSOCIATE, TUTOR, NOBODY = "asha", "tara", "mina"

# Every action, and the status for: an associate (own, another's), a tutor, a marker who does not learn, everybody else.
ACTIONS = {
    "look at me": ("GET", "me", None),
    "list assignments": ("GET", "assignments", None),
    "look at an assignment": ("GET", f"assignments/{BEDS}", None),
    "fetch a release": ("GET", f"assignments/{BEDS}/releases/1", None),
    "fetch the latest release": ("GET", f"assignments/{BEDS}/releases/latest", None),
    "list submissions": ("GET", "submissions", None),
    "list submissions of an assignment": ("GET", f"assignments/{BEDS}/submissions", None),
    "list Asha's submissions": ("GET", "submissions?username=asha", None),
    "hand in": ("POST", f"assignments/{BEDS}/submissions", answer("new")),
    "see Asha's receipt": ("GET", "submissions/{id}", None),
    "take Asha's files": ("GET", "submissions/{id}/files", None),
    "read Asha's feedback": ("GET", "submissions/{id}/feedback", None),
    "release": ("POST", f"assignments/{BEDS}/releases", RELEASED),
    "set terms": ("PUT", f"assignments/{BEDS}", TERMS),
    "give time": ("PUT", f"assignments/{BEDS}/extensions/asha", {"deadline": None}),
    "report marks": ("PUT", "submissions/{id}/marking", MARKED),
    "give feedback": ("PUT", "submissions/{id}/feedback", PAGES),
    "see what arrives": ("GET", "arrivals", None),
    "read the audit log": ("GET", "audit", None),
    "withdraw": ("DELETE", f"assignments/{BEDS}", None),
}
BOTH = {"look at me", "list assignments", "look at an assignment", "fetch a release", "fetch the latest release"}
BOTH |= {"list submissions", "list submissions of an assignment"}
OWN = {"list Asha's submissions", "see Asha's receipt", "take Asha's files", "read Asha's feedback"}
PEOPLES = {"fetch a release", "fetch the latest release", "read Asha's feedback"}  # not formgrader's
PEOPLES |= {"set terms", "give time", "read the audit log"}
TEACHING = {"release", "set terms", "give time", "report marks", "give feedback", "withdraw"}
TEACHING |= {"see what arrives", "read the audit log"}


def expected(who, action):
    """What the table of roles says."""
    if who is None or who == "unknown":
        return 401
    learns = who in ("asha", "ben", "tara")
    services = ("formgrader", "marking")
    teaches = who in ("tara", "grader", *services)
    if not (learns or teaches) or who in services and action in PEOPLES:
        return 403
    if action in BOTH or teaches and action in OWN | TEACHING or learns and action == "hand in":
        return 201 if action == "hand in" else 200
    if action in OWN and who == "asha":
        return 200
    return 404 if action in OWN - {"list Asha's submissions"} else 403


@pytest.fixture
def handed_in(exchange):
    """The id of a submission of Asha's with feedback."""
    receipt = exchange.remote("asha").submit(BEDS, answer())
    exchange.remote("tara").give_feedback(receipt["id"], PAGES)
    return receipt["id"]


@pytest.mark.parametrize(
    "who", [None, "unknown", *GROUPS, "formgrader", "marking", "another-service", "without-access"]
)
def test_may_each_role_do_what_the_table_says_and_nothing_else(exchange, handed_in, who):
    found, wanted = {}, {}
    for action, (verb, path, sent) in ACTIONS.items():
        before = kept(exchange.store), len(exchange.store.audit())
        path = "api/" + path.format(id=handed_in)
        if sent and all(isinstance(content, bytes) for content in sent.values()):
            reply = exchange.send(verb, path, who, sent)
        else:
            reply = exchange.ask(verb, path, who, json=sent)
        found[action], wanted[action] = reply.status_code, expected(who, action)
        if reply.status_code >= 400:
            assert reply.json()["status"] == reply.status_code and "\n" not in reply.json()["error"]
            assert reply.json()["error"].endswith(".")
            assert (kept(exchange.store), len(exchange.store.audit())) == before, action
    assert found == wanted and set(ACTIONS) == BOTH | OWN | TEACHING | {"hand in"}


@pytest.mark.parametrize("path", ["files", "feedback", ""])
def test_does_another_associates_work_not_even_exist(exchange, handed_in, path):
    theirs = exchange.ask("GET", f"api/submissions/{handed_in}/{path}".rstrip("/"), "ben")
    nobodys = exchange.ask("GET", f"api/submissions/{'0' * 32}/{path}".rstrip("/"), "ben")
    assert (theirs.status_code, theirs.content) == (nobodys.status_code, nobodys.content)


def test_do_releases_submissions_and_feedback_come_back_as_they_went(exchange):
    asha, tara = exchange.remote("asha"), exchange.remote("tara")
    assert asha.fetch(BEDS) == (1, RELEASED)
    receipt = asha.submit(BEDS, answer() | {"notes/why.txt": b""})
    assert tara.submitted_files(receipt["id"]) == answer() | {"notes/why.txt": b""}
    tara.give_feedback(receipt["id"], PAGES)
    assert asha.feedback(receipt["id"]) == PAGES
    tara.give_feedback(receipt["id"], {f"{BEDS}.html": b"Better."})
    assert asha.feedback(receipt["id"]) == {f"{BEDS}.html": b"Better."}


def test_is_the_receipt_what_its_associate_can_check(exchange, clock):
    at = clock.go(minutes=3)
    receipt = exchange.remote("asha").submit(BEDS, answer())
    content = answer()[f"{BEDS}.ipynb"]
    line = f"{hashlib.sha256(content).hexdigest()}  {BEDS}.ipynb\n"
    assert receipt["sha256"] == hashlib.sha256(line.encode()).hexdigest()
    assert (receipt["at"], receipt["username"], receipt["late"]) == (at, "asha", False)
    clock.go(days=1)
    assert exchange.remote("asha").submit(BEDS, answer()) == receipt


def test_does_the_associate_see_how_far_the_marking_is(exchange):
    asha, tara = exchange.remote("asha"), exchange.remote("tara")
    id = asha.submit(BEDS, answer())["id"]

    def seen():
        found = asha.submission(id)
        return found["state"], found["score"], found["points"]

    assert seen() == ("received", None, None)
    tara.report(id, "being marked")
    assert seen() == ("being marked", None, None)
    tara.report(id, "marked", 3, 20)
    assert seen() == ("being marked", None, None)  # the tutor has not given it back
    tara.set_terms(BEDS, None, "marked", "at once")
    assert seen() == ("marked", 3, 20)
    tara.set_terms(BEDS, None, "marked", "with feedback")
    tara.give_feedback(id, PAGES)
    assert seen() == ("marked", 3, 20)


def test_does_the_servers_clock_alone_say_what_is_late(exchange, clock):
    exchange.store.set_terms(BEDS, Terms(clock(), "marked"), "tara")
    clock.go(seconds=1)
    path = f"api/assignments/{BEDS}/submissions"
    early = {"Date": "Mon, 01 Jan 2001 00:00:00 GMT", "X-Timestamp": "2001-01-01"}
    receipt = exchange.send("POST", path, "asha", answer(), **early).json()["result"]
    assert receipt["late"] and receipt["at"] == clock()


def test_does_whoever_marks_hear_of_a_submission_in_the_moment_of_its_arrival(exchange, monkeypatch):
    monkeypatch.setattr(service, "WAIT_SECONDS", 3600)  # so that nothing but the arrival ends the wait
    heard = []
    waiting = threading.Thread(target=lambda: heard.append(exchange.remote("formgrader").arrivals(0, wait=True)))
    waiting.start()
    while not exchange.application.settings["bell"].waiting:
        time.sleep(0.01)
    receipt = exchange.remote("asha").submit(BEDS, answer())
    waiting.join()
    ((told,),) = heard
    assert told == {"number": told["number"], "id": receipt["id"], "assignment": BEDS, "username": "asha"}
    assert exchange.remote("formgrader").arrivals(told["number"]) == []


def test_does_a_wait_for_what_arrives_end_by_itself(exchange, monkeypatch):
    monkeypatch.setattr(service, "WAIT_SECONDS", 0.01)
    assert exchange.remote("tara").arrivals(0, wait=True) == []


def test_does_a_revoked_token_soon_open_nothing(exchange, hub, monkeypatch):
    hub.models["token-of-cleo"] = hub.models["token-of-asha"] | {"name": "cleo"}
    assert exchange.ask("GET", "api/me", "cleo").json()["result"]["name"] == "cleo"
    del hub.models["token-of-cleo"]
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + service.TOKEN_SECONDS + 1)
    assert exchange.ask("GET", "api/me", "cleo").status_code == 401


def test_is_the_hub_not_asked_again_for_each_request(exchange, hub):
    exchange.ask("GET", "api/me", "asha")
    before = hub.asked
    for _ in range(20):
        exchange.ask("GET", "api/me", "asha")
    assert hub.asked == before


def test_does_a_hub_that_is_away_give_a_sentence(exchange, hub):
    exchange.application.settings["hub"].api_url = "http://127.0.0.1:1/hub/api"
    reply = exchange.ask("GET", "api/me", "ben")
    assert (reply.status_code, reply.json()["error"]) == (503, "The hub does not answer: try again in a minute.")
    assert "Retry-After" in reply.headers


def test_does_the_client_send_again_what_was_lost(exchange, monkeypatch):
    asha = exchange.remote("asha", patience=20)
    real, calls = asha.session.request, []

    def unlucky(*arguments, **more):
        reply = real(*arguments, **more)
        calls.append(reply.status_code)
        if len(calls) < 3:
            raise __import__("requests").ConnectionError("the answer is lost")
        return reply

    monkeypatch.setattr(asha.session, "request", unlucky)
    asha.submit(BEDS, answer())
    assert calls == [201, 200, 200] and len(exchange.store.submissions()) == 1


def test_does_the_client_not_repeat_what_is_refused_for_good(exchange, monkeypatch):
    ben = exchange.remote("ben", patience=20)
    with pytest.raises(Refusal, match="Only tutors of this course") as refusal:
        ben.release(BEDS, RELEASED)
    assert refusal.value.status == 403


def test_does_the_client_say_what_a_stranger_on_the_way_answered(exchange):
    asha = exchange.remote("asha")
    asha.address = f"http://127.0.0.1:{exchange.port}"
    with pytest.raises(Refusal) as refusal:
        asha.ask("GET", "nothing")
    assert refusal.value.status == 404
    asha.address = "http://127.0.0.1:1"
    with pytest.raises(Refusal, match="cannot be reached"):
        asha.me()


def test_is_the_description_of_the_api_there_for_everybody(exchange):
    described = exchange.ask("GET", "openapi.json").json()
    served = {route[0] for route in service.api_routes("/")}
    assert len(described["paths"]) == len(served) - 1  # the description does not describe itself


def test_is_an_unfinished_upload_gone_when_its_connection_ends(exchange):
    before = kept(exchange.store)
    body = pack(answer("x" * 100_000))
    head = (
        f"POST /services/exchange/api/assignments/{BEDS}/submissions HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: token token-of-asha\r\nContent-Type: application/vnd.campus.parcel\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    assert exchange.raw(head + body[:50_000], wait=0.5) == b""
    deadline = time.monotonic() + 10
    while list((exchange.store.folder / "scratch").iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert kept(exchange.store) == before and exchange.store.submissions() == []
    assert exchange.application.settings["uploads"] == {}
    assert exchange.remote("asha").submit(BEDS, answer("x" * 100_000))["state"] == "received"
