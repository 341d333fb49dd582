"""A reader of the site: a plain static server on loopback, and a browser that reaches this machine only."""

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser import QUIET, Visit, ensure_chromium


class Silent(http.server.SimpleHTTPRequestHandler):
    """The static server without its log."""

    def log_message(self, *arguments) -> None:
        pass


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """The address of a static server for a folder, on a free port of the loopback."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


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
