"""Does the book that is being written show what is saved, run what has to be run, and outlive what is wrong?"""

import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect

from campus.folders import BOOK, ROOT
from campus.serve import find_free_ports

from .conftest import FIXTURE, PAGE
from .reader import browse

NAME = PAGE.removesuffix(".md")
PATIENCE = 120  # seconds, on a busy machine


class Written:
    """A tiny course in a checkout of its own, with `campus live` at work on it."""

    def __init__(self, folder: Path):
        self.root, self.said = folder, queue.Queue()
        for name in ("campus", "autograder"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("_ext", "_static", "_templates"):
            shutil.copytree(BOOK / name, folder / "book" / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(FIXTURE, folder, dirs_exist_ok=True)
        shutil.copy(BOOK / "_config.yml", folder / "book")
        (folder / "modules" / "course.mplstyle").write_text("figure.dpi: 72\n")
        (folder / "modules" / "03-queues" / "data").mkdir()
        (folder / "modules" / "03-queues" / "data" / "clinic.csv").write_text("wait\n4\n")
        (folder / "requirements.txt").write_text("")
        self.port = find_free_ports(1)[0]
        self.address = f"http://127.0.0.1:{self.port}"
        self.page = folder / "modules" / PAGE

    def run(self, *command: str) -> subprocess.Popen:
        paths = {"PYTHONPATH": str(self.root), "PYTHONUNBUFFERED": "1"}
        return subprocess.Popen(
            [sys.executable, "-m", "campus.cli", *command],
            cwd=self.root,
            env=os.environ | paths,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def start(self) -> None:
        self.process = self.run("live", "--port", str(self.port))
        threading.Thread(target=self.listen, daemon=True).start()
        self.first = self.wait_for("what you save shows there by itself")

    def listen(self) -> None:
        for line in self.process.stdout:
            self.said.put(line)

    def wait_for(self, words: str) -> str:
        """Everything that is said up to a line with those words."""
        told = ""
        while words not in told:
            try:
                told += self.said.get(timeout=PATIENCE)
            except queue.Empty:
                raise AssertionError(f"'{words}' was not said, but: {told}") from None
        return told

    def edit(self, old: str, new: str, file: Path | None = None) -> None:
        file = file or self.page
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    course = Written(tmp_path_factory.mktemp("written"))
    course.start()
    yield course
    if course.process.poll() is None:
        course.process.kill()
        course.process.wait()


@pytest.fixture(scope="module")
def page(written):
    """The course's session, open in a browser that never loads it anew by itself."""
    with browse() as visit:
        opened = visit.context.new_page()
        opened.set_default_timeout(PATIENCE * 1000)
        expect.set_options(timeout=PATIENCE * 1000)
        opened.goto(f"{written.address}/modules/{NAME}.html")
        yield opened
    assert visit.outside == []


def test_is_a_session_without_a_notebook_run_first(written):
    assert "Running " in written.first and "03-3-clinic.md for the first time" in written.first


def test_does_an_edit_of_words_show_in_the_open_page_without_a_run(written, page):
    written.edit("Everywhere.", "Everywhere, and on Mondays.")
    expect(page.get_by_text("Everywhere, and on Mondays.")).to_be_visible()
    assert "run again" not in written.wait_for("shown after")


def test_does_an_edit_of_code_run_that_session_again_and_say_so(written, page):
    written.edit("nurses = 4\n", "nurses = 5\nprint(nurses * 1111)\n")
    expect(page.locator(".course-solution .cell_output")).to_contain_text("5555")
    told = written.wait_for("shown after")
    assert told.count("run again") == 1 and "03-3-clinic.md: run again" in told


def test_is_a_fault_told_on_the_page_and_gone_when_it_is_mended(written, page):
    written.edit("Everywhere, and", "See [nothing](nowhere.md). Everywhere, and")
    fault = page.get_by_role("alert")
    expect(fault).to_contain_text("03-3-clinic.md, line ")
    assert "See nothing" not in page.locator("article").inner_text()
    assert "Traceback" not in written.wait_for("The last good page stays")
    written.edit("See [nothing](nowhere.md). Everywhere, and", "Nearly everywhere, and")
    expect(page.get_by_text("Nearly everywhere, and on Mondays.")).to_be_visible()
    expect(fault).to_have_count(0)


def test_does_a_cell_that_fails_leave_the_last_good_page(written, page):
    written.edit("nurses * 1111", "nurses / 0")
    expect(page.get_by_role("alert")).to_contain_text("failed with ZeroDivisionError: division by zero")
    assert "5555" in page.locator(".course-solution").text_content()
    written.edit("nurses / 0", "nurses * 2222")
    expect(page.locator(".course-solution .cell_output")).to_contain_text("11110")


def test_does_a_new_heading_show_in_the_contents_of_other_pages(written, page):
    written.edit("# A clinic: who waits?", "# A clinic: who waits longest?")
    expect(page.locator("article").get_by_role("heading", level=1)).to_contain_text("who waits longest?")
    guide = read_text(f"{written.address}/guides/first-day.html")
    assert "who waits longest?" in guide


def test_does_a_change_of_the_glossary_start_anew_and_show(written, page):
    written.edit(
        "arrivals times stay", "arrivals times length of stay", written.root / "book" / "guides" / "glossary.md"
    )
    expect(page.locator(".course-said").first).to_have_text("People present are arrivals times length of stay.")


def test_does_it_serve_pages_under_the_books_content_policy(written):
    with urllib.request.urlopen(f"{written.address}/index.html") as answer:
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_is_a_page_that_is_not_there_told(written):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        read_text(f"{written.address}/nowhere.html")


def test_does_a_second_one_on_the_same_port_say_so(written):
    said, _ = written.run("live", "--port", str(written.port)).communicate(timeout=PATIENCE)
    assert f"Port {written.port} cannot be used" in said and "Traceback" not in said


def test_does_ctrl_c_end_it_and_let_go_of_the_port(written, page):
    assert written.stop() == 0
    assert "Stopped." in written.wait_for("Stopped.")
    with pytest.raises(urllib.error.URLError, match="refused"):
        read_text(f"{written.address}/index.html")


def read_text(address: str) -> str:
    with urllib.request.urlopen(address) as answer:
        return answer.read().decode()
