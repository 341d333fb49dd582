"""Does the service hold against somebody who means harm: forged names, path tricks, bombs, injections, replays?"""

import io
import json
import socket
import tarfile
import time
import zipfile

import pytest

from campus.exchange import parcel, service
from campus.exchange.parcel import MEDIA_TYPE, pack
from tests.campus.exchange.conftest import BEDS, NOTEBOOK, RELEASED, answer, kept
from tests.campus.exchange.served import ACCESS, LEARNERS, MARKERS, user

HAND_IN = f"api/assignments/{BEDS}/submissions"
TERMS = {"deadline": None, "late": "marked", "marks": "at once"}
EVIL = "X-Evil"


@pytest.fixture
def unharmed(exchange):
    """See afterwards that no file, no row and no line of the log came or went."""

    def state():
        return kept(exchange.store), len(exchange.store.submissions()), len(exchange.store.audit())

    before = state()
    yield exchange
    time.sleep(0.05)
    assert state() == before and not list((exchange.store.folder / "scratch").iterdir())


def refused(reply, *statuses):
    """See that an answer is a refusal with one of these codes, in one sentence, with nothing of the attacker's."""
    assert reply.status_code in statuses, reply.text
    assert reply.json()["error"].endswith(".") and EVIL not in reply.headers
    assert not any(name.lower().startswith("access-control") for name in reply.headers)
    assert "Traceback" not in reply.text and "Set-Cookie" not in reply.headers


# Who one is


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "token "},
        {"Authorization": "token-of-tara"},
        {"Authorization": "Basic dGFyYTp0YXJh"},
        {"Authorization": "token token-of-asha,token token-of-tara"},
        {"Authorization": "token token-of-tara\u00a0".encode("latin-1")},
        {"Authorization": "token " + "a" * 20_000},
        {"Authorization": "token t\u00f6ken".encode()},
        {"Authorization": "token ../user"},
        {"Authorization": "token token-of-the-service"},
        {"Cookie": "service-exchange=token-of-tara; jupyterhub-session-id=1"},
        {"X-Forwarded-User": "tara", "Remote-User": "tara", "X-Remote-User": "tara"},
        {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1;host=localhost"},
    ],
)
def test_is_nobody_somebody_without_the_hubs_word(unharmed, headers):
    refused(unharmed.send("POST", HAND_IN, None, answer(), **headers), 401)


@pytest.mark.parametrize("query", ["token=token-of-tara", "access_token=token-of-tara", "user=tara&admin=1"])
def test_does_a_token_in_an_address_open_nothing(unharmed, query):
    refused(unharmed.ask("GET", f"api/audit?{query}"), 401)


@pytest.mark.parametrize(
    "model",
    [
        {"name": "eve", "groups": [], "admin": True},
        {"name": "eve", "groups": None},
        {"name": "eve", "groups": [f"{LEARNERS}-old", "formgrade-", "FORMGRADE-MODELLING", "nbgrader"]},
        {"name": "modelling", "groups": []},
        {"name": "service:modelling", "groups": []},
        {"name": "eve", "kind": "service", "groups": [LEARNERS, MARKERS]},
        {"name": "tara", "groups": ["nbgrader-another", "formgrade-another"]},
    ],
)
def test_is_a_tutor_of_something_else_nobody_here(unharmed, hub, model):
    hub.models["token-of-eve"] = user("eve", []) | model
    refused(unharmed.ask("GET", "api/audit", "eve"), 403)
    refused(unharmed.send("POST", HAND_IN, "eve", answer()), 403)
    unharmed.application.settings["hub"].cache.clear()


def test_is_a_token_for_another_service_worth_nothing_here(unharmed, hub):
    hub.models["token-of-eve"] = user("tara", [LEARNERS, MARKERS]) | {"scopes": [ACCESS.replace("exchange", "campus")]}
    refused(unharmed.ask("GET", "api/audit", "eve"), 403)
    unharmed.application.settings["hub"].cache.clear()


def test_can_nobody_hand_in_under_another_name(exchange):
    refused(exchange.send("POST", HAND_IN + "?student_id=ben", "asha", answer()), 422)
    receipt = exchange.send("POST", HAND_IN + "?username=ben", "asha", answer(), **{"X-User": "ben"}).json()["result"]
    assert receipt["username"] == "asha"
    assert {row["username"] for row in exchange.store.submissions()} == {"asha"}


# Where things are


@pytest.mark.parametrize(
    "path",
    [
        "api/assignments/..",
        "api/assignments/../../../etc/passwd",
        "api/assignments/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "api/assignments/%252e%252e%252f",
        "api/assignments/bed-days%00",
        "api/assignments/bed-days%0d%0aX-Evil:%201",
        "api/assignments/bed-days/",
        "api/assignments//bed-days",
        "api/assignments/%F0%9F%8F%A5",
        "api/assignments/" + "a" * 65,
        "api/assignments/bed-days/releases/-1",
        "api/assignments/bed-days/releases/0",
        "api/assignments/bed-days/releases/99",
        "api/assignments/bed-days/releases/9999999999999999999999",
        "api/assignments/bed-days/releases/1%2f..%2f..",
        "api/assignments/bed-days/releases/LATEST",
        "api/submissions/%2e%2e",
        "api/submissions/'%20OR%20'1'='1",
        "api/submissions/" + "F" * 32,
        "api/submissions/" + "0" * 32 + "/files",
        "api/../index.db",
        "files/index.db",
        "static/../service.py",
        "%c0%ae%c0%ae/",
    ],
)
def test_does_no_address_lead_out_of_what_is_there(unharmed, path):
    reply = unharmed.raw(
        f"GET /services/exchange/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: token token-of-tara\r\n"
        "Connection: close\r\n\r\n".encode()
    )
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.split()[1] in (b"400", b"404") and EVIL.encode() not in head
    assert json.loads(body)["error"].endswith(".")


@pytest.mark.parametrize(
    "query",
    [
        "username=%27%3B%20DROP%20TABLE%20x",
        "username=%00",
        "username=*",
        "username=..%2F",
        "after=-1",
        "after=1e9",
        "limit=x",
    ],
)
def test_does_no_query_reach_the_database_as_it_is(unharmed, query):
    path = "api/audit" if "username" not in query else "api/submissions"
    refused(unharmed.ask("GET", f"{path}?{query}", "tara"), 422)


# What is sent


def tar_with_link():
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as tar:
        link = tarfile.TarInfo(f"{BEDS}.ipynb")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return body.getvalue()


def zip_bomb():
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr(f"{BEDS}.ipynb", b"0" * 20_000_000)
    return body.getvalue()


def announce(*files):
    """A first line that says what the attacker likes."""
    listed = [{"path": path, "size": size, "sha256": "0" * 64} for path, size in files]
    return json.dumps({"files": listed}).encode() + b"\n"


@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        (b"", (400,)),
        (tar_with_link(), (400,)),
        (zip_bomb(), (400,)),
        (announce((f"{BEDS}.ipynb", 10**18)), (413,)),
        (announce((f"{BEDS}.ipynb", 2**63)), (413,)),
        (announce(*((f"{n}.csv", 0) for n in range(1500))), (413,)),
        (b"{" * 300_000, (413,)),
        (announce(("../../releases/bed-days.ipynb", 0)), (422,)),
        (announce(("/etc/cron.d/evil", 0)), (422,)),
        (announce(("bed-days.ipynb\r\nX-Evil: 1", 0)), (422,)),
        (announce((f"{BEDS}.ipynb", 5)) + b"12345", (422,)),
        (pack(answer()) + pack(answer()), (400,)),
        (pack({"another.ipynb": NOTEBOOK}), (422,)),
        (pack({f"deeper/{BEDS}.ipynb": NOTEBOOK}), (422,)),
        (pack({BEDS.upper() + ".ipynb": NOTEBOOK}), (422,)),
    ],
)
def test_does_nothing_but_a_submission_become_one(unharmed, body, statuses):
    refused(unharmed.send("POST", HAND_IN, "asha", body), *statuses)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/zip"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "text/plain"},
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "identity, br"},
    ],
)
def test_is_what_would_have_to_be_unpacked_refused(unharmed, headers):
    refused(unharmed.send("POST", HAND_IN, "asha", answer(), **headers), 415)


def begin(verb, path, who="asha", **headers):
    """The head of a request, to be followed by what the attacker likes."""
    headers = {"Host": "x", "Authorization": f"token token-of-{who}", "Content-Type": MEDIA_TYPE} | headers
    lines = [f"{verb} /services/exchange/{path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def test_is_a_body_that_says_it_is_too_long_refused_before_it_comes(unharmed):
    length = str(parcel.SUBMISSION.bytes + parcel.MANIFEST_BYTES + 1)
    reply = unharmed.raw(begin("POST", HAND_IN, **{"Content-Length": length}))
    assert b" 413 " in reply.split(b"\r\n")[0]


def test_is_a_body_without_end_cut_while_it_comes(unharmed):
    first = announce((f"{BEDS}.ipynb", 10))
    chunk = b"2000\r\n" + b"x" * 0x2000 + b"\r\n"
    head = begin("POST", HAND_IN, **{"Transfer-Encoding": "chunked"})
    reply = unharmed.raw(head + f"{len(first):x}\r\n".encode() + first + b"\r\n" + chunk)
    assert reply.split(b"\r\n")[0].split()[1] in (b"400", b"422")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": "5", "Transfer-Encoding": "chunked"},
        {"Content-Length": "-5"},
        {"Content-Length": "5, 6"},
        {"Content-Length": "0x5"},
        {"Transfer-Encoding": "gzip, chunked"},
        {"X": "y" * 40_000},
    ],
)
def test_is_a_head_that_two_servers_could_read_in_two_ways_refused(unharmed, headers):
    reply = unharmed.raw(begin("POST", HAND_IN, **headers) + b"5\r\nhello\r\n0\r\n\r\n", wait=2)
    assert not reply or reply.split()[1] in (b"400", b"431")


def test_can_one_person_not_hold_all_connections_with_slow_uploads(exchange):
    head = begin("POST", HAND_IN, **{"Content-Length": "1000"}) + b'{"files"'
    slow = [socket.create_connection(("127.0.0.1", exchange.port)) for _ in range(service.AT_ONCE)]
    try:
        for connection in slow:
            connection.sendall(head)
        deadline = time.monotonic() + 10
        while exchange.application.settings["uploads"]["asha"] < service.AT_ONCE:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        refused(exchange.send("POST", HAND_IN, "asha", answer()), 429)
        assert exchange.send("POST", HAND_IN, "ben", answer()).status_code == 201
    finally:
        for connection in slow:
            connection.close()


@pytest.mark.parametrize(
    ("sent", "statuses"),
    [
        (b"", (422,)),
        (b"[]", (422,)),
        (b"null", (422,)),
        (b"[" * 10_000, (422,)),
        (b'{"late": "marked", "marks": "at once", "released": true}', (422,)),
        (b'{"late": "never", "marks": "at once"}', (422,)),
        (b'{"late": ["marked"], "marks": "at once"}', (422,)),
        (b'{"late": "marked", "marks": "at once", "deadline": 0}', (422,)),
        (b'{"late": "marked", "marks": "at once", "deadline": "0001-01-01T00:00+14:00"}', (422,)),
        (b'{"late": "marked", "marks": "at once", "deadline": "9999-12-31T23:59-14:00"}', (422,)),
        (b'{"late": "marked", "marks": "at once", "deadline": "tomorrow\\r\\nX-Evil: 1"}', (422,)),
        (b'{"late": "marked", "marks": "at once", "deadline": "\\ud800"}', (422,)),
        (b'"' + b"x" * 20_000 + b'"', (413,)),
    ],
)
def test_are_terms_that_are_none_refused(unharmed, sent, statuses):
    headers = {"Content-Type": "application/json"}
    refused(unharmed.ask("PUT", f"api/assignments/{BEDS}", "tara", data=sent, headers=headers), *statuses)


@pytest.mark.parametrize(
    "marks",
    [
        '"score": NaN, "points": 5',
        '"score": Infinity, "points": 5',
        '"score": 1e400, "points": 5',
        '"score": -1, "points": 5',
        '"score": true, "points": true',
        '"score": "5", "points": "5"',
        '"score": 5',
        '"points": 5',
    ],
)
def test_are_marks_that_are_none_refused(exchange, marks):
    id = exchange.remote("asha").submit(BEDS, answer())["id"]
    headers = {"Content-Type": "application/json"}
    sent = f'{{"state": "marked", {marks}}}'
    refused(exchange.ask("PUT", f"api/submissions/{id}/marking", "tara", data=sent, headers=headers), 422)
    assert exchange.store.submissions(id=id)[0]["state"] is None


# From where


@pytest.mark.parametrize("verb", ["HEAD", "OPTIONS", "TRACE", "PATCH", "CONNECT", "MOVE"])
def test_does_an_address_do_nothing_that_is_not_written_down(unharmed, verb):
    reply = unharmed.raw(begin(verb, f"api/assignments/{BEDS}", "tara", Connection="close"))
    assert reply.split()[1] in (b"405", b"400")


def test_cannot_a_method_be_smuggled_in_a_header(unharmed):
    headers = {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE", "X-HTTP-Method": "DELETE"}
    assert unharmed.ask("GET", f"api/assignments/{BEDS}", "tara", headers=headers).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:8000.evil.example"])
def test_does_a_page_of_another_site_get_no_leave_to_ask(unharmed, origin):
    wish = {"Origin": origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"}
    refused(unharmed.ask("OPTIONS", f"api/assignments/{BEDS}", headers=wish), 405)
    form = {"Origin": origin, "Content-Type": "text/plain", "Cookie": "service-exchange=token-of-tara"}
    refused(unharmed.ask("PUT", f"api/assignments/{BEDS}", data=json.dumps(TERMS), headers=form), 401)
    reply = unharmed.ask("GET", "api/me", "tara", headers={"Origin": origin})
    assert not any(name.lower().startswith("access-control") for name in reply.headers)


def test_does_no_answer_say_what_serves_it_or_stay_in_a_cache(exchange):
    for who, path in (("asha", "api/me"), (None, "api/me"), (None, "nothing"), (None, "openapi.json")):
        headers = exchange.ask("GET", path, who, headers={"Host": "evil.example"}).headers
        assert "Server" not in headers and headers["Cache-Control"] == "no-store" and "evil" not in str(headers)
        assert headers["X-Content-Type-Options"] == "nosniff" and "frame-ancestors 'none'" in str(headers)


# Again, and at the same time


def test_does_a_replayed_submission_change_nothing(exchange):
    body = pack(answer())
    first = exchange.send("POST", HAND_IN, "asha", body)
    again = exchange.send("POST", HAND_IN, "asha", body)
    assert (first.status_code, again.status_code) == (201, 200) and first.json() == again.json()
    assert len(exchange.store.submissions()) == 1
    refused(exchange.send("POST", HAND_IN, None, body), 401)


def test_does_anothers_replay_of_what_was_sent_not_count_for_its_author(exchange):
    body = pack(answer())
    exchange.send("POST", HAND_IN, "asha", body)
    copied = exchange.send("POST", HAND_IN, "ben", body).json()["result"]
    assert copied["username"] == "ben" and len(exchange.store.submissions(username="asha")) == 1


def test_does_a_release_that_comes_back_not_undo_the_newer_one(exchange):
    tara = exchange.remote("tara")
    tara.release(BEDS, RELEASED | {"hint.txt": b"2"})
    assert tara.release(BEDS, RELEASED)["number"] == 3  # a step forward, on the record, and not back
    assert [line["about"] for line in exchange.store.audit()] == ["1", "2", "3"]
    assert exchange.store.release(BEDS, 1)["sha256"] == exchange.store.release(BEDS, 3)["sha256"]
