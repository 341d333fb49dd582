"""A hub that the tests serve to themselves, and people who visit it with a real browser."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from campus.folders import BUILD
from campus.serve import find_free_ports
from tests.browser import QUIET, Visit, ensure_chromium

PASSWORD = "only-for-this-test"
READY = "Ctrl-C stops everything"
SCREENSHOTS = BUILD / "screenshots"
PATIENCE = 90_000  # milliseconds: a busy machine takes its time to start a workspace

expect.set_options(timeout=PATIENCE)


class Person(Visit):
    """Somebody signed in, with a browser of their own."""

    def __init__(self, browser, hub: str, username: str):
        super().__init__(browser, viewport={"width": 1280, "height": 900})
        self.hub = hub
        self.username = username
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()

    def sign_in(self) -> None:
        """Fill the sign-in form and land on the page that says what to do next."""
        self.page.goto(self.hub)
        self.page.get_by_label("Username").fill(self.username)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/services/campus/")

    def picture(self, name: str, page=None) -> None:
        """Keep a screenshot of what is seen now."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        (page or self.page).screenshot(path=str(SCREENSHOTS / f"{name}.png"))


@pytest.fixture(scope="session")
def hub(tmp_path_factory) -> str:
    """The address of a hub served from a state folder of its own, by the command that people use."""
    folder = tmp_path_factory.mktemp("end-to-end")
    port = find_free_ports(1)[0]
    settings = {"CAMPUS_STATE": str(folder / "var"), "CAMPUS_PORT": str(port), "CAMPUS_PASSWORD": PASSWORD}
    own = {name: value for name, value in os.environ.items() if not name.startswith("CAMPUS_")}
    log = folder / "said.txt"
    command = [str(Path(sys.executable).with_name("campus")), "serve"]
    with log.open("w") as file:
        process = subprocess.Popen(
            command, env={**own, **settings}, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )
    deadline = time.monotonic() + 300
    while READY not in log.read_text():
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0, log.read_text()


@pytest.fixture(scope="session")
def browser():
    """A real Chromium."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=ensure_chromium(), args=list(QUIET))
        yield opened
        opened.close()
