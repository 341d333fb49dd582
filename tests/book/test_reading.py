"""Reading in a real browser: no page asks another host for anything, and nothing is cut off on a phone."""

import pytest

from campus.book import build_book
from campus.folders import SITE
from campus.syllabus import list_sessions

from .reader import browse, read, serve


@pytest.fixture(scope="module")
def pages() -> list[str]:
    """Every page of the real book, built if it is not."""
    build_book()
    return sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))


def test_is_no_other_host_asked_for_anything(pages):
    with serve(SITE) as address, browse() as visit:
        for name in pages:
            read(visit, f"{address}/{name}").close()
    assert not visit.outside, f"other hosts were asked: {sorted(set(visit.outside))}"


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
        assert "how many nurses" in page.get_by_role("heading", level=1).inner_text()


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


def test_does_no_page_scroll_sideways_at_320_pixels(pages):
    with serve(SITE) as address, browse(viewport={"width": 320, "height": 640}) as visit:
        page = visit.context.new_page()
        for name in pages:
            page.goto(f"{address}/{name}")
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= 320, f"{name} is {width} pixels wide"


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
