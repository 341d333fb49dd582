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
