"""Do the plain pages work in a real browser by keyboard alone, and does axe-core find nothing wrong with them?"""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright

from campus.folders import ROOT
from campus.site_check import RULES, RUN_AXE, read_axe
from tests.browser import QUIET, Visit, ensure_chromium
from tests.campus.exchange import test_pages
from tests.campus.exchange.conftest import BEDS
from tests.campus.exchange.test_pages import Browser, released  # noqa: F401

STYLE = (ROOT / "campus" / "static" / "campus.css").read_text()
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=ensure_chromium(), args=list(QUIET))
        yield opened
        opened.close()


@pytest.fixture
def visit(released, chromium):  # noqa: F811
    """A function that gives a page to somebody who signed in; the campus' own style comes from its file."""
    visits = []

    def begin(who):
        visit = Visit(chromium, viewport=PHONE)
        visits.append(visit)
        address = urlsplit(released.url)
        cookies = [
            {"name": name, "value": value, "domain": address.hostname, "path": "/"}
            for name, value in Browser(released, who).cookies.items()
        ]
        visit.context.add_cookies(cookies)
        visit.context.route("**/campus.css", lambda route: route.fulfill(body=STYLE, content_type="text/css"))
        page = visit.context.new_page()
        page.goto(f"{released.url}/")
        return page

    yield begin
    for one in visits:
        one.context.close()


def tab_to(page, words):
    """Press Tab until what has these words, or this label, has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        told = page.evaluate(
            "() => { const e = document.activeElement; if (e.matches('[role=region]')) return '';"
            " return (e.innerText || '') + ' ' + [...(e.labels || [])].map(l => l.innerText).join(' ') }"
        )
        if words in told:
            return
    raise AssertionError(f"Tab does not reach '{words}'.")


def check(page):
    """See that axe-core finds nothing, in light and in dark, and that nothing sticks out of a phone's screen."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.evaluate(read_axe())
        found = page.evaluate(RUN_AXE, list(RULES))
        assert found == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_can_an_associate_hand_in_by_keyboard_alone(visit, released, tmp_path):  # noqa: F811
    page = visit("asha")
    check(page)
    tab_to(page, BEDS)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(BEDS)
    check(page)
    tab_to(page, f"{BEDS}.md")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    text = tmp_path / f"{BEDS}.md"
    written = download.value.path().read_text()
    for old, new in test_pages.ANSWER.items():
        assert old in written
        written = written.replace(old, new)
    text.write_text(written)
    tab_to(page, "The file with your answers")
    field = page.locator("input[type=file]:enabled:focus")
    expect(field).to_be_focused()
    field.set_input_files(text)  # the dialogue that Enter opens is the browser's own, and not ours to prove
    tab_to(page, f"Hand in {BEDS}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("State: received")
    check(page)
    (row,) = released.store.submissions()
    released.remote("tara").report(row["id"], "marked", 3, 20)
    released.remote("tara").give_feedback(row["id"], {f"{BEDS}.html": b"<!doctype html><title>F</title><p>Well done."})
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("marked, 3 of 20")
    check(page)
    tab_to(page, "Read the feedback")
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_contain_text("Well done.")


def test_is_a_tutors_page_and_a_refusal_as_good(visit, released):  # noqa: F811
    page = visit("tara")
    page.goto(f"{released.url}/assignments/{BEDS}")
    tab_to(page, "Late work is")
    check(page)
    page.goto(f"{released.url}/receipts/{'0' * 32}")
    expect(page.get_by_role("alert")).to_have_text("There is no such submission.")
    check(page)
