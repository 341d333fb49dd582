"""Can the lead, and nobody else, open modules and set the pace on the pages, and does everybody see what follows?"""

import re
from datetime import date
from urllib.parse import urlencode

import pytest
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.testing import bind_unused_port

from campus import opening, web
from campus.cohort.people import first_roster
from campus.cohort.roster import Person, read_roster
from campus.opening import read_changes, read_decisions, set_opening, set_pace
from campus.pace import Pace
from campus.progress import keep_progress
from campus.syllabus import Module
from tests.campus.test_web import CLINIC, PREFIX, campus, hand_in, make_session, visit  # noqa: F401

pytestmark = pytest.mark.usefixtures("campus")
MONDAY = date(2027, 1, 4)
SIX = Pace("six-months", MONDAY)
OPENS = "opens on Tuesday 12 January 2027"


@pytest.fixture
def modules(campus, monkeypatch):  # noqa: F811
    """Module 3 with a written session and one planned, and module 4 with a planned one; no database of a service."""
    queues = Module("03-queues", 3, "Queues", 6, (make_session(campus),), ({"code": "3.1", "title": "Pathways"},))
    optional = ({"code": "4.1", "title": "Networks"}, {"code": "4.2", "title": "Players", "optional": True})
    monkeypatch.setattr(web, "read_syllabus", lambda: [queues, Module("04-networks", 4, "Networks", 6, (), optional)])
    monkeypatch.delenv("CAMPUS_DATABASE_URL", raising=False)


@pytest.fixture
def on(monkeypatch, modules):
    """A function that sets the day on the server's clock."""

    def put(day):
        monkeypatch.setattr(opening.moment, "now", lambda: f"{day}T12:00:00.000000+00:00")

    put(MONDAY)
    return put


@pytest.fixture
def send(on, monkeypatch):
    """A function that sends a form as somebody: (status, address it leads to, page)."""

    async def post(username, path, fields, token, people, headers):
        monkeypatch.setattr(web.Page, "get_current_user", lambda page: {"name": username} if username else None)
        socket, port = bind_unused_port()
        server = HTTPServer(web.make_application(PREFIX, lambda: people))
        server.add_socket(socket)
        here, client = f"http://127.0.0.1:{port}{PREFIX}", AsyncHTTPClient()
        quiet = {"raise_error": False, "follow_redirects": False}
        try:
            page = await client.fetch(here, **quiet)
            cookies = [cookie.split(";")[0] for cookie in page.headers.get_list("Set-Cookie")]
            found = re.search(rf'action="{PREFIX}{path}\?_xsrf=([^"]+)"', page.body.decode())
            given = found[1] if found else next((c.split("=", 1)[1] for c in cookies if c.startswith("_xsrf=")), "")
            address = f"{here}{path}?_xsrf={given if token else 'forged'}"
            told = {"Cookie": "; ".join(cookies)} | headers
            answer = await client.fetch(address, method="POST", body=urlencode(fields, True), headers=told, **quiet)
        finally:
            server.stop()
        return answer.code, answer.headers.get("Location"), answer.body.decode()

    def run(username, path, token=True, people=None, headers=None, **fields):
        task = lambda: post(username, path, fields, token, people or read_roster(first_roster()), headers or {})  # noqa: E731
        return IOLoop(make_current=False).run_sync(task)

    return run


def tell(page):
    """The words of a page on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


# The lead


@pytest.mark.parametrize(
    ("how", "day", "days"),
    [
        ("now", "", ((4, MONDAY),)),
        ("on", "2027-01-12", ((4, date(2027, 1, 12)),)),
        ("close", "", ((4, None),)),
        ("plan", "", ()),
    ],
)
def test_does_the_lead_decide_by_a_form_and_come_back_to_see_it(send, visit, how, day, days):  # noqa: F811
    set_opening("2026", 4, date(2028, 1, 1), "tom")
    status, address, _ = send("lena", "opening", cohort="2026", module="4", how=how, day=day)
    assert (status, address) == (303, f"{PREFIX}?cohort=2026#opening")
    assert read_decisions("2026").days == days and read_changes("2026")[0]["who"] == "lena"
    assert "(Lena Example, 4 January 2027, 12:00:00 GMT)" in tell(visit("lena")[2])


def test_does_the_lead_set_the_pace_with_weeks_off(send, visit):  # noqa: F811
    fields = {"plan": "six-months", "start": "2027-01-04", "off": ["2027-02-16", "", "2027-04-05"]}
    assert send("lena", "pace", cohort="2026", **fields)[0] == 303
    assert read_decisions("2026").pace == Pace("six-months", MONDAY, (date(2027, 2, 16), date(2027, 4, 5)))
    page = visit("lena")[2]
    assert 'value="2027-02-16"' in page and 'value="six-months" selected' in page
    assert "six months at one day a week from Monday 4 January 2027, 2 weeks off" in tell(page)


@pytest.mark.parametrize(
    ("path", "fields", "told"),
    [
        ("opening", {"module": "4", "how": "on", "day": ""}, "is not a day: write it as 2027-01-12"),
        ("opening", {"module": "4"}, "Choose when the module opens"),
        ("opening", {"module": "44", "how": "now"}, "There is no module 44: choose one of 3, 4"),
        ("opening", {"module": "four", "how": "now"}, "There is no module 0"),
        ("opening", {"module": "4" * 5000, "how": "now"}, "There is no module 0"),
        ("opening", {"module": "4", "how": "now", "cohort": "<b>"}, "There is no cohort &#39;&lt;b&gt;&#39;"),
        ("pace", {"plan": "a-week", "start": "2027-01-04"}, "is not a plan: choose three-months or six-months"),
        ("pace", {"plan": "six-months", "start": "soon"}, "is not a day"),
        ("pace", {"plan": "six-months", "start": "2027-01-04", "off": "2030-01-01"}, "is not within the plan"),
    ],
)
def test_is_a_form_that_cannot_be_kept_told_in_a_sentence(send, path, fields, told):
    status, _, page = send("lena", path, **{"cohort": "2026"} | fields)
    assert status == 422 and told in page and read_changes("2026") == []


@pytest.mark.parametrize("username", ["asha", "tara", "mina", "sol", "mallory", None])
@pytest.mark.parametrize("path", ["opening", "pace"])
def test_can_nobody_but_the_lead_decide(send, username, path):
    fields = {"cohort": "2026", "module": "4", "how": "close", "plan": "six-months", "start": "2027-01-04"}
    status, _, page = send(username, path, **fields)
    assert status == 403 and "<h1>This did not work</h1>" in page and read_changes("2026") == []


@pytest.mark.parametrize(
    ("token", "headers"),
    [(False, {}), (True, {"Sec-Fetch-Site": "cross-site"}), (True, {"Sec-Fetch-Site": "same-site"})],
)
def test_is_a_form_of_another_page_refused(send, token, headers):
    fields = {"cohort": "2026", "module": "4", "how": "close"}
    status, _, _ = send("lena", "opening", token=token, headers=headers, **fields)
    assert status == 403 and read_changes("2026") == []


def test_is_each_cohort_decided_on_its_own(send, on, monkeypatch):
    other = Person("zoe", "Zoe Example", "z@example.org", "O", "health", "London", "associate", "2027", "tara", "", "")
    people = [*read_roster(first_roster()), other]
    assert send("lena", "opening", people=people, cohort="2027", module="4", how="close")[0] == 303
    assert read_decisions("2027").days == ((4, None),) and read_decisions("2026").days == ()
    status, _, page = send("lena", "opening", people=people, module="4", how="close")
    assert status == 422 and "There are the cohorts 2026, 2027: say which one is meant" in page


def test_does_a_roster_without_associates_leave_the_leads_page_whole(on, visit):  # noqa: F811
    lead = next(person for person in read_roster(first_roster()) if person.role == "lead")
    told = web.tell_lead(lead, web.Campus([lead], web.read_syllabus(), [], set(), []))
    assert told["opening"] is None and told["cohorts"] == []


# The associate


def test_does_an_associate_who_starts_early_see_when_a_module_opens(on, visit):  # noqa: F811
    set_opening("2026", 3, date(2027, 1, 12), "lena")
    words = tell(visit("asha")[2])
    assert f"Module 3 {OPENS} Nothing is waiting for you before." in words
    assert "clinic-queue: not open yet" in words and "Open 3.3 in my workspace" not in words


def test_is_a_notebook_of_a_closed_module_told_and_not_failed(on, visit):  # noqa: F811
    set_opening("2026", 3, date(2027, 1, 12), "lena")
    status, headers, page = visit("asha", f"open/{CLINIC}.ipynb")
    assert status == 403 and "Location" not in headers and f"Module 3, Queues, {OPENS}." in page
    assert f'href="{PREFIX}book/modules/{CLINIC}.html"' in page
    assert visit("asha", f"book/modules/{CLINIC}.html")[0] == 200
    on("2027-01-12")
    assert visit("asha", f"open/{CLINIC}.ipynb")[0] == 302 and "Continue at session 3.3" in visit("asha")[2]


@pytest.mark.parametrize("username", ["tara", "mina", "sol", "lena"])
def test_do_others_open_the_notebook_of_a_closed_module(on, visit, username):  # noqa: F811
    set_opening("2026", 3, None, "lena")
    assert visit(username, f"open/{CLINIC}.ipynb")[0] == 302


def test_is_an_associate_told_this_weeks_sessions(on, visit):  # noqa: F811
    set_pace("2026", SIX, "lena")
    words = tell(visit("asha")[2])
    assert "This week: week 1 of 26 3.1 Pathways (3 h, in preparation) Welcome: this is your first week." in words


@pytest.mark.parametrize(
    ("day", "title", "told"),
    [
        (date(2026, 12, 24), "Your plan starts on Monday 4 January 2027", "Nothing is expected of you before then"),
        (date(2027, 1, 13), "This week: week 2 of 26", "You are where the plan is."),
        (
            date(2027, 1, 20),
            "This week: week 3 of 26",
            "From earlier weeks there is still 3.3. There is no harm in that",
        ),
        (date(2027, 3, 30), "This week: no study day: Easter Monday", "there is still 3.3"),
        (date(2027, 12, 24), "Your plan ended on", "there is still 3.3"),
    ],
)
def test_is_an_associate_told_where_they_are_in_the_plan(on, visit, day, title, told):  # noqa: F811
    set_pace("2026", SIX, "lena")
    on(day)
    words = tell(visit("asha")[2])
    assert title in words and told in words


def test_does_what_is_done_or_handed_in_count(on, visit, hand_in):  # noqa: F811
    set_pace("2026", SIX, "lena")
    hand_in("ben")
    keep_progress("carys", {"kind": "done", "session": "3.3", "name": "session", "value": "yes"})
    on(date(2027, 1, 20))
    for username in ("ben", "carys"):
        assert "You are where the plan is." in visit(username)[2]
    on(MONDAY)
    for username in ("ben", "carys"):
        assert "You are ahead of the plan: 3.3 of later weeks is done already." in visit(username)[2]


def test_is_nobody_behind_on_a_module_that_the_lead_closed(on, visit):  # noqa: F811
    set_pace("2026", SIX, "lena")
    set_opening("2026", 3, date(2027, 6, 1), "lena")
    on(date(2027, 1, 20))
    assert "From earlier weeks" not in visit("asha")[2]


def test_is_a_page_without_a_plan_as_it_was(on, visit):  # noqa: F811
    assert "This week" not in visit("asha")[2]
    assert "everybody goes at their own pace" in visit("asha", "pace")[2]


# All weeks


@pytest.mark.parametrize("username", ["asha", "tara", "mina", "sol", "lena"])
def test_are_all_weeks_there_for_everybody(on, visit, username):  # noqa: F811
    set_pace("2026", SIX, "lena")
    set_opening("2026", 4, date(2027, 1, 12), "lena")
    status, _, page = visit(username, "pace")
    words = tell(page)
    assert status == 200 and page.count("<tr") == 1 + 29 and "1 (this week) Monday 4 January 2027" in words
    assert f"Module 4, Networks: {OPENS} (by hand)." in words and "4.2 Players (3 h, optional, in preparation)" in words
    assert "No study day: Easter Monday." in words and f'href="{PREFIX}book/modules/{CLINIC}.html"' in page


def test_does_an_associate_see_the_plan_of_their_own_cohort_alone(on, visit):  # noqa: F811
    set_pace("2027", SIX, "lena")
    assert "everybody goes at their own pace" in visit("asha", "pace?cohort=2027")[2]


# Who is behind


def rows(page):
    """The words of each row of a page's first table, without its head."""
    table = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [tell(row) for row in table.split("<tr>")[1:]]


@pytest.fixture
def behind(on, visit, hand_in):  # noqa: F811
    """A function that opens the page as somebody, in the week after the assignment's: Ben handed in, Carys ticked."""
    set_pace("2026", SIX, "lena")
    hand_in("ben")
    keep_progress("carys", {"kind": "done", "session": "3.3", "name": "session", "value": "yes"})
    on(date(2027, 1, 20))
    return lambda username, query="": visit(username, f"behind{query}")


def test_does_the_lead_see_of_everybody_by_name_who_is_behind_and_by_what(behind):
    status, _, page = behind("lena")
    assert status == 200 and "4 of 6 are behind." in page and "This week: week 3 of 26." in page
    assert rows(page)[:4] == [
        "Asha Example 1 3.3 clinic-queue (week 2) 1 0 0 0 Tara Example",
        "Ben Example 0 1 1 0 0 Tara Example",
        "Carys Example 0 1 0 0 1 Tara Example",
        "Dev Example 1 3.3 clinic-queue (week 2) 1 0 0 0 Tom Example",
    ]
    assert "2 Monday 11 January 2027 3.3 clinic-queue 6 1 0" in tell(page)


def test_does_a_tutor_see_their_own_associates_alone(behind):
    _, _, page = behind("tara")
    assert [row.split()[0] for row in rows(page)] == ["Asha", "Ben", "Carys"] and "1 of 3 are behind." in page
    assert "3.3 clinic-queue 3 1 0" in tell(page)


def test_can_one_see_only_who_is_behind(behind):
    assert [row.split()[0] for row in rows(behind("lena", "?only=behind")[2])] == ["Asha", "Dev", "Erin", "Femi"]


@pytest.mark.parametrize("username", ["asha", "mina", "sol"])
def test_does_nobody_else_see_who_is_behind(behind, username):
    status, _, page = behind(username)
    assert status == 403 and "Only tutors and leads may see who is behind the pace plan" in page and "Ben" not in page


def test_is_a_cohort_without_a_plan_told_so(on, visit, hand_in):  # noqa: F811
    page = visit("lena", "behind")[2]
    assert "no pace plan, so nobody can be behind it" in page and "Nobody is behind." in page
    assert rows(page)[0] == "Asha Example 0 0 0 0 0 Tara Example"


def test_is_a_tutor_without_associates_told_so(on, monkeypatch):
    me = Person("tia", "Tia Example", "t@example.org", "O", "health", "London", "tutor", "2026", "", "", "")
    assert web.choose_cohort(me, []) == ""


@pytest.mark.parametrize("username", ["tara", "lena"])
def test_does_ones_own_page_lead_there(visit, on, username):  # noqa: F811
    assert f'href="{PREFIX}behind"' in visit(username)[2]
