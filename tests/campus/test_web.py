"""Do the campus pages tell each role what to do next, and nobody what is not theirs?"""

import json
import re

import pytest
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from campus import folders, web
from campus.cohort.people import first_roster
from campus.cohort.roster import Person, read_roster
from campus.exchange import moment
from campus.exchange.client import connect
from campus.syllabus import Module, Session

PREFIX = "/services/campus/"
CLINIC = "03-queues/03-3-clinic"
EVE = Person("eve", "<b>Eve</b>", "e@example.org", *["&"] * 3, "lead", "2026", "", "", "")


def make_session(tmp_path):
    return Session(
        path=tmp_path / "modules" / f"{CLINIC}.md",
        title="A clinic <as> a queue",
        code="3.3",
        outcomes=(),
        sectors=("health",),
        needs=(),
        data=(),
        assignment="clinic-queue",
        minutes=180,
    )


@pytest.fixture
def campus(tmp_path, monkeypatch):
    """A campus of one session whose notebook is published, whose page is built and whose assignment is released."""
    for name in ("SITE", "CLEAN"):
        monkeypatch.setattr(folders, name, tmp_path / name)
    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path / "state"))
    for file in ("SITE/index.html", f"SITE/modules/{CLINIC}.html", f"CLEAN/{CLINIC}.ipynb", "CLEAN/secret.txt"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(f"This is {file}.")
    (tmp_path / "outside.ipynb").write_text("{}")
    connect().release("clinic-queue", {"clinic-queue.ipynb": b"{}"})
    queues = Module("03-queues", 3, "Pathways and queues", 24, (make_session(tmp_path),), ({"code": "3.1"},))
    networks = Module("04-networks", 4, "Networks", 12, (), ({"code": "4.1"},))
    monkeypatch.setattr(web, "read_syllabus", lambda: [queues, networks])
    return tmp_path


@pytest.fixture
def hand_in(campus):
    """A function that hands in as somebody."""

    def put(username, assignment="clinic-queue"):
        connect(username).submit(assignment, {f"{assignment}.ipynb": b"{}"})

    return put


@pytest.fixture
def visit(campus, monkeypatch):
    """A function that fetches a page as somebody: (status, headers, text)."""
    people = [*read_roster(first_roster()), EVE]

    async def fetch(username, path):
        monkeypatch.setattr(web.Page, "get_current_user", lambda page: {"name": username})
        socket, port = bind_unused_port()
        server = HTTPServer(web.make_application(PREFIX, lambda: people))
        server.add_socket(socket)
        try:
            answer = await AsyncHTTPClient().fetch(
                f"http://127.0.0.1:{port}{PREFIX}{path}", follow_redirects=False, raise_error=False
            )
        finally:
            server.stop()
        return answer.code, answer.headers, answer.body.decode()

    def run(username, path=""):
        from tornado.ioloop import IOLoop

        return IOLoop(make_current=False).run_sync(lambda: fetch(username, path))

    return run


@pytest.mark.parametrize(
    ("username", "told"),
    [
        ("asha", "Continue at session 3.3"),
        ("tara", "Mark what was handed in"),
        ("mina", "Notebook templates for projects are in preparation"),
        ("sol", "See how your associates are getting on"),
        ("lena", "1 of 2 modules have a session, 3.0 of 36 hours are written"),
    ],
)
def test_does_each_role_learn_what_to_do_next(visit, username, told):
    status, _, page = visit(username)
    assert status == 200 and told in page


@pytest.mark.parametrize(
    ("username", "guide"),
    [
        ("asha", "assignments"),
        ("tara", "release-to-feedback"),
        ("mina", "mentor"),
        ("sol", "supervisor"),
        ("lena", "lead"),
    ],
)
def test_does_ones_own_page_lead_to_the_guide_of_ones_role(visit, username, guide):
    assert f'href="{PREFIX}book/guides/{guide}.html"' in visit(username)[2]


@pytest.mark.parametrize("username", ["asha", "mina", "sol", "lena"])
def test_is_a_tutors_view_kept_from_everybody_else(visit, username):
    _, _, page = visit(username)
    assert "formgrader" not in page and "To mark by hand" not in page


def test_is_an_associate_sent_to_the_page_the_notebook_and_the_assignment(visit):
    _, _, page = visit("asha")
    links = re.findall(r'href="([^"]+)"', page)
    wanted = {f"book/modules/{CLINIC}.html", f"open/{CLINIC}.ipynb", "workspace"}
    assert {PREFIX + path for path in wanted} <= set(links)


def test_is_a_newcomer_sent_to_the_first_day_until_something_is_handed_in(visit, hand_in):
    first_day = f'href="{PREFIX}book/guides/first-day.html"'
    assert first_day in visit("asha")[2]
    hand_in("asha")
    assert first_day not in visit("asha")[2]


def test_is_the_time_of_a_session_told(visit):
    assert "(3 h)" in visit("asha")[2]


def test_has_an_associate_who_handed_in_nothing_left_to_do(visit, hand_in):
    hand_in("asha")
    _, _, page = visit("asha")
    assert "Nothing is waiting for you" in page and "clinic-queue: handed in" in page


def test_does_nobody_see_the_work_of_another_associate_as_their_own(visit, hand_in):
    hand_in("ben")
    assert "clinic-queue: not handed in" in visit("asha")[2]


@pytest.fixture
def deadline(campus, monkeypatch):
    """A function that gives the assignment a deadline, or somebody one of their own; it is 25 November."""
    monkeypatch.setattr(opened := connect().desk.store, "now", lambda: "2026-11-25T12:00:00.000000+00:00")

    def put(until, late="marked", username=None):
        if username:
            opened.extend("clinic-queue", username, moment.read(until), "tara")
        else:
            connect().set_terms("clinic-queue", until, late, "at once")

    return put


def words(page):
    """The words of a page on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_does_an_associate_see_by_when_beside_what_to_do_next_and_in_the_list(visit, deadline):
    deadline("2026-12-01T17:00")
    told = "Hand in by Tuesday 1 December 2026, 17:00 London time (GMT); later work is taken, and called late."
    page = words(visit("asha")[2])
    assert f"then the menu Nbgrader, Assignment List. {told}" in page
    assert f"clinic-queue: not handed in {told}" in page


def test_is_a_deadline_that_has_passed_told_with_what_can_be_done(visit, deadline):
    deadline("2026-11-24T17:00", "refused")
    told = "The deadline has passed: Tuesday 24 November 2026, 17:00 London time (GMT). Late work is refused: ask your"
    assert words(visit("asha")[2]).count(told) == 2


def test_is_more_time_seen_by_who_has_it_alone(visit, deadline):
    deadline("2026-11-24T17:00")
    deadline("2026-12-08T17:00", username="asha")
    own = "Hand in by Tuesday 8 December 2026, 17:00 London time (GMT), your own deadline"
    assert own in visit("asha")[2] and own not in visit("ben")[2]


def test_is_what_came_late_called_late(visit, deadline, hand_in):
    deadline("2026-11-24T17:00")
    hand_in("asha")
    assert "clinic-queue: handed in, late The deadline was Tuesday 24 November" in words(visit("asha")[2])


def test_are_other_deadlines_told_in_their_order(visit, deadline):
    for name, until in (("later", "2026-12-09T17:00"), ("sooner", "2026-12-02T17:00"), ("whenever", None)):
        connect().release(name, {f"{name}.ipynb": b"{}"})
        connect().set_terms(name, until, "marked", "at once")
    page = words(visit("asha")[2])
    assert "Other deadlines sooner : Hand in by Wednesday 2 December" in page
    assert page.index("sooner") < page.index("later : Hand in by Wednesday 9") and "whenever" not in page


@pytest.mark.parametrize("username", ["tara", "sol"])
def test_are_submissions_counted_for_tutor_and_supervisor(visit, hand_in, username):
    hand_in("asha")
    row = re.search(r"Asha Example</th>.*?</tr>", visit(username)[2], re.DOTALL)[0]
    assert re.findall(r'"number">(\d+)<', row) == ["1", "0"]


def test_does_a_tutor_see_what_waits(visit, hand_in):
    hand_in("asha")
    hand_in("dev")
    row = re.search(r"clinic-queue</th>.*?</tr>", visit("tara")[2], re.DOTALL)[0]
    assert re.findall(r'"number">(\d+)<', row) == ["2", "2", "0", "0"]


def test_is_everything_escaped(visit):
    _, _, page = visit("eve")
    assert "&lt;b&gt;Eve" in page and "<b>Eve" not in page
    assert "A clinic &lt;as&gt; a queue" in visit("asha")[2]


def test_is_somebody_who_is_not_on_the_roster_refused(visit):
    status, _, page = visit("mallory")
    assert status == 403 and "mallory is not on the roster" in page


def test_does_a_page_without_scripts_forbid_scripts_and_other_hosts(visit):
    _, headers, page = visit("asha")
    assert headers["Content-Security-Policy"].startswith("default-src 'self'") and "<script" not in page


def test_is_a_page_of_the_book_served(visit):
    status, _, page = visit("asha", f"book/modules/{CLINIC}.html")
    assert (status, page) == (200, f"This is SITE/modules/{CLINIC}.html.")


def test_is_the_book_sent_compressed_and_nothing_else(visit, campus):
    (campus / "SITE" / "long.html").write_text("Words. " * 1000)
    _, headers, page = visit("asha", "book/long.html")
    assert headers["X-Consumed-Content-Encoding"] == "gzip" and page == "Words. " * 1000
    assert "X-Consumed-Content-Encoding" not in visit("asha")[1]


def test_may_a_page_of_the_book_ask_no_other_host(visit):
    _, headers, _ = visit("asha", "book/index.html")
    assert "http" not in headers["Content-Security-Policy"]


def test_does_the_book_have_a_front_door(visit):
    assert visit("asha", "book/")[1]["Location"] == f"{PREFIX}book/index.html"


def test_is_a_book_that_is_not_built_told(visit, campus):
    (campus / "SITE" / "index.html").unlink()
    status, _, page = visit("asha", "book/index.html")
    assert status == 404 and "The book is not built yet: run &#39;make book&#39;" in page


def test_is_a_notebook_opened_where_nbgitpuller_pulls_it(visit, campus):
    status, headers, _ = visit("asha", f"open/{CLINIC}.ipynb")
    assert status == 302
    assert headers["Location"] == (
        "/hub/user-redirect/git-pull?repo=file%3A%2F%2F"
        + str(campus / "state" / "sessions.git").replace("/", "%2F")
        + "&branch=main&targetPath=sessions&urlpath=lab%2Ftree%2Fsessions%2F03-queues%2F03-3-clinic.ipynb"
    )


def test_does_a_workspace_open_with_the_sessions_once_they_are_published(visit, campus):
    assert visit("asha", "workspace")[1]["Location"] == "/hub/user-redirect/lab"
    (campus / "state" / "sessions.git").mkdir()
    assert visit("asha", "workspace")[1]["Location"].endswith("&urlpath=lab%2Ftree%2Fsessions%2F")


@pytest.mark.parametrize(
    "path",
    ["03-queues/03-9-none.ipynb", "secret.txt", "..%2Foutside.ipynb", "%2E%2E/outside.ipynb", "", "%00", "%0Aa.ipynb"],
)
def test_is_what_is_not_a_published_notebook_not_opened(visit, path):
    status, headers, page = visit("asha", f"open/{path}")
    assert status == 404 and "Location" not in headers and "There is no published notebook" in page


def test_is_a_page_that_does_not_exist_told_in_a_sentence(visit):
    status, _, page = visit("asha", "nothing")
    assert status == 404 and "There is no such page" in page


ENTRY = {"kind": "done", "session": "3.3", "name": "session", "value": "yes"}


@pytest.fixture
def ask(campus, monkeypatch):
    """A function that asks the progress endpoint as somebody whom a page gave the token: (status, answer)."""

    async def fetch(username, body, token):
        monkeypatch.setattr(web.Page, "get_current_user", lambda page: {"name": username} if username else None)
        socket, port = bind_unused_port()
        server = HTTPServer(web.make_application(PREFIX, lambda: read_roster(first_roster())))
        server.add_socket(socket)
        here = f"http://127.0.0.1:{port}{PREFIX}"
        try:
            client = AsyncHTTPClient()
            page = await client.fetch(f"{here}book/index.html", raise_error=False, follow_redirects=False)
            cookies = [cookie.split(";")[0] for cookie in page.headers.get_list("Set-Cookie")]
            given = next((cookie.split("=", 1)[1] for cookie in cookies if cookie.startswith("_xsrf=")), "none")
            headers = {"Cookie": "; ".join(cookies), "X-XSRFToken": given if token else "forged"}
            method = {"method": "PUT", "body": body} if body is not None else {}
            answer = await client.fetch(f"{here}api/progress", raise_error=False, headers=headers, **method)
        finally:
            server.stop()
        return answer.code, json.loads(answer.body)

    def run(username, body=None, token=True):
        from tornado.ioloop import IOLoop

        return IOLoop(make_current=False).run_sync(lambda: fetch(username, body, token))

    return run


def test_is_what_a_person_did_kept_for_that_person(ask):
    assert ask("asha", json.dumps(ENTRY))[0] == 200
    assert [{k: v for k, v in e.items() if k != "at"} for e in ask("asha")[1]["progress"]] == [ENTRY]
    assert ask("ben")[1] == {"progress": []}


@pytest.mark.parametrize(
    ("username", "body", "token", "status"),
    [
        ("asha", json.dumps(ENTRY), False, 403),
        (None, json.dumps(ENTRY), True, 403),
        ("mallory", json.dumps(ENTRY), True, 403),
        ("asha", "not JSON", True, 400),
        ("asha", json.dumps(ENTRY | {"value": "all of them"}), True, 400),
        ("asha", json.dumps(ENTRY | {"value": "y" * 600}), True, 413),
    ],
)
def test_is_a_forged_malformed_or_large_entry_refused_in_a_sentence(ask, username, body, token, status):
    code, answer = ask(username, body, token)
    assert code == status and set(answer) == {"error"}
    assert ask("asha")[1] == {"progress": []}
