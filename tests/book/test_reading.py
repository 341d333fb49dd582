"""Reading in a real browser: no page asks another host for anything, and nothing is cut off on a phone."""

import asyncio
import queue
import threading

import pytest
from playwright.sync_api import expect
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from campus import web
from campus.book import build_book
from campus.cohort.people import first_roster
from campus.cohort.roster import read_roster
from campus.folders import SITE
from campus.progress import read_progress
from campus.site_check import FETCH_IMAGES
from campus.syllabus import list_sessions

from .reader import browse, read, serve

TABS = 6  # pages that are read side by side
ZOOMED = (640, 320)  # 1280 pixels at 200% and at 400%


@pytest.fixture
def signed_in(tmp_path, monkeypatch):
    """The address of the campus's own pages, for asha, signed in."""
    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path))
    monkeypatch.delenv("CAMPUS_DATABASE_URL", raising=False)
    monkeypatch.setattr(web.Page, "get_current_user", lambda page: {"name": "asha"})
    started: queue.Queue = queue.Queue()

    async def answer() -> None:
        sockets = bind_sockets(0, "127.0.0.1")
        server = HTTPServer(web.make_application("/services/campus/", lambda: read_roster(first_roster())))
        server.add_sockets(sockets)
        stop = asyncio.Event()
        started.put((sockets[0].getsockname()[1], asyncio.get_running_loop(), stop))
        await stop.wait()
        server.stop()

    thread = threading.Thread(target=lambda: asyncio.run(answer()), daemon=True)
    thread.start()
    port, loop, stop = started.get(timeout=30)
    yield f"http://127.0.0.1:{port}/services/campus/"
    loop.call_soon_threadsafe(stop.set)
    thread.join(timeout=30)


@pytest.fixture(scope="module")
def pages() -> list[str]:
    """Every page of the real book, built if it is not."""
    build_book()
    return sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))


@pytest.fixture(scope="module")
def seen(pages) -> dict[str, set]:
    """Every page of the book, read to its end: what it asked other hosts for, its fonts, how wide it is zoomed."""
    fonts, wide = set(), set()
    with serve(SITE) as address, browse() as visit:
        visit.context.on("request", lambda sent: sent.resource_type == "font" and fonts.add(sent.url))
        for start in range(0, len(pages), TABS):
            tabs = {name: visit.context.new_page() for name in pages[start : start + TABS]}
            for name, page in tabs.items():
                page.goto(f"{address}/{name}")
                page.evaluate(FETCH_IMAGES)
                page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
            for name, page in tabs.items():
                page.wait_for_load_state("networkidle")
                for width in ZOOMED:
                    page.set_viewport_size({"width": width, "height": 640})
                    wide.add((name, width, page.evaluate("document.documentElement.scrollWidth")))
                page.close()
    return {"outside": set(visit.outside), "fonts": fonts, "wide": wide}


def test_is_no_other_host_asked_for_anything(seen):
    assert seen["outside"] == set()


def test_does_no_page_load_a_font(seen):
    assert seen["fonts"] == set()


def test_does_the_search_find_a_session_without_another_host(pages):
    with serve(SITE) as address, browse() as visit:
        page = read(visit, f"{address}/search.html?q=Erlang")
        page.wait_for_selector("#search-results li a", timeout=10_000)
        assert "clinic" in page.inner_html("#search-results").lower()
    assert not visit.outside


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("how many servers do I need", "3.3"),
        ("Who is at risk?", "7.2"),
        ("groupby", "3.3"),
        ("default_rng", "3.3"),
    ],
)
def test_does_the_search_answer_a_question_and_a_function_name(pages, asked, found):
    with serve(SITE) as address, browse() as visit:
        page = read(visit, f"{address}/search.html?q={asked.replace(' ', '+')}")
        page.wait_for_selector("#search-results li a", timeout=10_000)
        titles = page.locator("#search-results li > a").all_inner_texts()
    assert any(title.startswith(found) for title in titles[:4]), titles


def test_is_how_many_servers_do_i_need_three_clicks_from_the_landing_page(pages):
    with serve(SITE) as address, browse() as visit:
        page = read(visit, f"{address}/index.html")
        page.locator("article").get_by_role("link", name="Worked examples by question").click()
        page.get_by_role("link", name="How many servers do I need?").click()
        assert "how many nurses" in page.locator("article").get_by_role("heading", level=1).inner_text()


def test_does_a_word_show_its_definition_at_the_tab_key_and_hide_it_at_escape(pages):
    with serve(SITE) as address, browse() as visit:
        page = read(visit, f"{address}/modules/{list_sessions()[0].name}.html")
        said = page.locator(".course-said").first
        assert not said.is_visible()
        page.locator(".course-term a").first.focus()
        assert said.is_visible()
        page.keyboard.press("Escape")
        assert not said.is_visible()


def test_does_the_first_tab_lead_past_the_contents(pages):
    with serve(SITE) as address, browse() as visit:
        page = read(visit, f"{address}/index.html")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
        page.keyboard.press("Enter")
        assert page.url.endswith("#main-content")


def test_does_no_page_scroll_sideways_when_it_is_zoomed(seen, pages):
    assert len(seen["wide"]) == len(pages) * len(ZOOMED)
    assert [(name, width, found) for name, width, found in seen["wide"] if found > width] == []


def test_does_no_word_stick_out_when_letters_alone_are_twice_as_large(pages):
    session = list_sessions()[0].name
    with serve(SITE) as address, browse() as visit:
        page = visit.context.new_page()
        for name in ("index.html", f"modules/{session}.html"):
            page.goto(f"{address}/{name}")
            page.add_style_tag(content="html { font-size: 200% }")
            assert page.evaluate("document.documentElement.scrollWidth") <= 1280, name


def answer_by_keyboard(page) -> tuple[str, str]:
    """Choose the second option of a page's first quick check, ask for the answer, and tick that the session is done."""
    form = page.locator(".course-form").first
    form.locator("input").nth(1).focus()
    page.keyboard.press("Space")
    form.get_by_role("button").focus()
    page.keyboard.press("Enter")
    verdict = form.locator(".course-verdict")
    verdict.locator("p").first.wait_for()
    page.locator(".course-done input").focus()
    page.keyboard.press("Space")
    expect(page.locator(".course-done p")).not_to_be_empty()
    return verdict.inner_text(), page.locator(".course-done p").inner_text()


def still_there(page) -> bool:
    """Whether the answer, its verdict and the tick show again after the page was loaded anew."""
    page.reload()
    expect(page.locator(".course-done input")).to_be_checked()
    form = page.locator(".course-form").first
    return form.locator("input").nth(1).is_checked() and form.locator(".course-verdict p").count() > 0


def test_are_answers_kept_in_the_browser_of_a_reader_who_is_not_signed_in(pages):
    with serve(SITE) as address, browse() as visit:
        page = read(visit, f"{address}/modules/{list_sessions()[0].name}.html")
        verdict, said = answer_by_keyboard(page)
        assert verdict.startswith(("Right.", "Not quite.")) and said == "Kept in this browser."
        assert still_there(page)
    assert not visit.outside


def test_are_answers_kept_for_the_person_who_is_signed_in(pages, signed_in):
    with browse() as visit:
        page = read(visit, f"{signed_in}book/modules/{list_sessions()[0].name}.html")
        assert answer_by_keyboard(page)[1] == "Kept for you."
        assert page.evaluate("localStorage.getItem('course-progress')") is None
    with browse() as visit:  # another browser of the same person
        page = read(visit, f"{signed_in}book/modules/{list_sessions()[0].name}.html")
        assert still_there(page)
    assert {entry["kind"] for entry in read_progress("asha")} == {"check", "done"}


def test_does_the_network_page_test_what_a_locked_down_network_breaks(pages, signed_in):
    with browse() as visit:
        page = read(visit, f"{signed_in}book/guides/network.html")
        for name in ("scripts", "campus", "upload", "socket"):
            expect(page.locator(f'[data-test="{name}"] td')).to_contain_text("works")


def test_does_the_network_page_tell_a_blocked_upload_and_socket(pages, signed_in):
    with browse() as visit:
        page = visit.context.new_page()
        page.route("**/api/network", lambda route: route.abort())
        page.route_web_socket("**/socket*", lambda socket: socket.close())
        page.goto(f"{signed_in}book/guides/network.html")
        for name in ("upload", "socket"):
            expect(page.locator(f'[data-test="{name}"] td')).to_contain_text("fails", timeout=20_000)


def test_do_quick_checks_and_solutions_open_by_keyboard_without_scripts(pages):
    session = list_sessions()[0].name
    with serve(SITE) as address, browse(java_script_enabled=False) as visit:
        page = visit.context.new_page()
        page.goto(f"{address}/modules/{session}.html")
        for kind in ("course-option", "course-solution"):
            fold = page.locator(f"details.{kind}").first
            fold.locator("summary").focus()
            page.keyboard.press("Enter")
            assert fold.get_attribute("open") is not None
