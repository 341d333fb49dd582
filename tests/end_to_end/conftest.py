"""A hub that the tests serve to themselves, and people who visit it with a real browser."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect, sync_playwright

from campus.serve import find_free_ports
from tests.browser import QUIET, Visit, ensure_chromium
from tests.end_to_end.pictures import take

PASSWORD = "only-for-this-test"
READY = "Ctrl-C stops everything"
PATIENCE = 90_000  # milliseconds: a busy machine takes its time to start a workspace

expect.set_options(timeout=PATIENCE)


BIN = Path(sys.executable).parent


def bare_environment() -> dict[str, str]:
    """Our environment without settings of somebody's own campus."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CAMPUS_")}


@dataclass(frozen=True)
class Hub:
    """A running hub: its address, and the folder of its state."""

    address: str
    state: Path

    def run(self, *command: str) -> str:
        """What a command of whoever looks after the machine says on the same state."""
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            env={**bare_environment(), "CAMPUS_STATE": str(self.state), "COLUMNS": "120"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


class Person(Visit):
    """Somebody signed in, with a browser of their own."""

    def __init__(self, browser, hub: Hub, username: str):
        super().__init__(browser, viewport={"width": 1280, "height": 900}, locale="en-GB", timezone_id="Europe/London")
        self.hub = hub.address
        self.username = username
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()

    def open_sign_in(self) -> None:
        """The form that asks who somebody is."""
        self.page.goto(self.hub)
        expect(self.page.get_by_role("button", name="Sign in")).to_be_visible()

    def sign_in(self) -> None:
        """Fill the sign-in form and land on the page that says what to do next."""
        self.open_sign_in()
        self.page.get_by_label("Username").fill(self.username)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/services/campus/")

    def picture(self, name: str, *around: Locator, mark: Locator | None = None) -> None:
        """Keep a picture of what is seen now: of the window, or of some parts; what is marked gets an outline."""
        take(self.page, name, around, [mark] if mark else [])


@pytest.fixture(scope="session")
def hub(tmp_path_factory) -> Hub:
    """A hub served from a state folder of its own, by the command that people use."""
    folder = tmp_path_factory.mktemp("end-to-end")
    port = find_free_ports(1)[0]
    settings = {"CAMPUS_STATE": str(folder / "var"), "CAMPUS_PORT": str(port), "CAMPUS_PASSWORD": PASSWORD}
    log = folder / "said.txt"
    command = [str(BIN / "campus"), "serve"]
    with log.open("w") as file:
        process = subprocess.Popen(
            command,
            env={**bare_environment(), **settings},
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + 300
    while READY not in log.read_text():
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
    yield Hub(f"http://127.0.0.1:{port}", folder / "var")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0, log.read_text()


@pytest.fixture(scope="session")
def browser():
    """A real Chromium."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=ensure_chromium(), args=list(QUIET))
        yield opened
        opened.close()
