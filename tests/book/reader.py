"""A reader of the site: served with the campus's content policy, in a browser that reaches this machine only."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

from campus.browser import QUIET, Visit, ensure_chromium
from campus.pages import serve

__all__ = ["browse", "read", "serve"]


@contextmanager
def browse(**options) -> Iterator[Visit]:
    """A visit in a real Chromium; `outside` lists every other host's address that was asked for."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=ensure_chromium(), args=list(QUIET))
        try:
            yield Visit(browser, **options)
        finally:
            browser.close()


def read(visit: Visit, address: str) -> Page:
    """A page, scrolled to its end, once nothing on it is being fetched any more."""
    page = visit.context.new_page()
    page.goto(address)
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_load_state("networkidle")
    return page
