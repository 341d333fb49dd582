"""Do the pages on which modules open work by keyboard alone, and does axe-core find nothing wrong with them?"""

import asyncio
import threading
from datetime import date

import pytest
from playwright.sync_api import expect
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from campus import web
from campus.cohort.people import first_roster
from campus.cohort.roster import read_roster
from campus.exchange.client import connect
from campus.opening import read_decisions, set_opening, set_pace
from campus.pace import Pace
from tests.browser import Visit
from tests.campus.exchange.test_pages_browser import PHONE, check, chromium, tab_to  # noqa: F401
from tests.campus.test_web import CLINIC, PREFIX, campus  # noqa: F401
from tests.campus.test_web_opening import MONDAY, modules, on  # noqa: F401


@pytest.fixture
def base(on, monkeypatch):  # noqa: F811
    """The campus pages served in a thread; who somebody is stands in a cookie."""

    def read_who(page):
        return {"name": page.get_cookie("who")}

    monkeypatch.setattr(web.Page, "get_current_user", read_who)
    loop, started = asyncio.new_event_loop(), threading.Event()
    found = {}

    async def begin():
        socket, found["port"] = bind_unused_port()
        found["server"] = HTTPServer(web.make_application(PREFIX, lambda: read_roster(first_roster())))
        found["server"].add_socket(socket)
        started.set()

    async def end():
        found["server"].stop()
        await found["server"].close_all_connections()

    loop.create_task(begin())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    assert started.wait(10)
    yield f"http://127.0.0.1:{found['port']}"
    asyncio.run_coroutine_threadsafe(end(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
def visit(base, chromium):  # noqa: F811
    """A function that opens a page as somebody, on a phone."""
    visits = []

    def begin(who, path=""):
        visit = Visit(chromium, viewport=PHONE)
        visits.append(visit)
        visit.context.add_cookies([{"name": "who", "value": who, "url": base}])
        page = visit.context.new_page()
        page.goto(f"{base}{PREFIX}{path}")
        return page

    yield begin
    for one in visits:
        one.context.close()


def test_does_the_lead_set_a_modules_day_and_the_pace_by_keyboard_alone(visit):
    page = visit("lena")
    check(page)
    tab_to(page, "Module")
    page.keyboard.type("4")
    tab_to(page, "now")
    page.keyboard.press("ArrowDown")
    tab_to(page, "Day")
    page.keyboard.type("02022027")  # the same in whichever order the browser asks for day and month
    tab_to(page, "Save the opening")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("module 4 opens on Tuesday 2 February 2027")
    assert read_decisions("2026").days == ((4, date(2027, 2, 2)),)
    tab_to(page, "Plan")
    page.keyboard.type("six")
    tab_to(page, "First day")
    page.keyboard.type("05052027")
    tab_to(page, "Week off 1")
    page.keyboard.type("06062027")
    tab_to(page, "Save the pace")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("the pace is six months at one day a week")
    assert read_decisions("2026").pace == Pace("six-months", date(2027, 5, 5), (date(2027, 6, 6),))
    check(page)
    tab_to(page, "all weeks of cohort 2026")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Pace plan of cohort 2026")
    check(page)


def test_does_a_lead_find_who_is_behind_by_keyboard_alone(visit, on):  # noqa: F811
    connect().release("clinic-queue", {"clinic-queue.ipynb": b"{}"})
    connect("ben").submit("clinic-queue", {"clinic-queue.ipynb": b"{}"})
    set_pace("2026", Pace("six-months", MONDAY), "lena")
    on(date(2027, 1, 20))
    page = visit("lena")
    tab_to(page, "Who is behind the pace plan")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Who is behind the pace plan: cohort 2026")
    expect(page.get_by_role("row", name="Ben Example")).to_be_visible()
    check(page)
    tab_to(page, "Show only who is behind")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name="Asha Example")).to_be_visible()
    expect(page.get_by_role("row", name="Ben Example")).to_have_count(0)
    check(page)


def test_are_an_associates_week_and_a_closed_module_as_good(visit):
    set_pace("2026", Pace("six-months", MONDAY), "lena")
    set_opening("2026", 3, date(2027, 1, 12), "lena")
    for name, until in (("clinic-queue", "2026-12-01T17:00"), ("bed-days", "2027-02-01T17:00")):
        connect().release(name, {f"{name}.ipynb": b"{}"})
        connect().set_terms(name, until, "refused", "at once")
    page = visit("asha")
    expect(page.get_by_role("heading", name="Other deadlines")).to_be_visible()
    expect(page.get_by_role("heading", name="This week: week 1 of 26")).to_be_visible()
    check(page)
    page.goto(page.url + f"open/{CLINIC}.ipynb")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not open yet")
    check(page)
