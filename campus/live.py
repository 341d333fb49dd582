"""The book while it is written: what an author saves is built at once, and the browser shows it.

The builder stays in memory and reads again only what changed. A session whose code or data changed is run again, and no
other. What is wrong is told in a sentence, on the terminal and on the page, and the last good page stays. A change of
what every page depends on (settings, contents, extensions, the glossary) starts the whole command anew.
"""

import http.server
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from campus import folders
from campus.book import (
    ASSETS,
    EVERYWHERE,
    GLOSSARY,
    MACHINERY,
    Places,
    build_book,
    find_heading,
    hold,
    list_pages,
    list_staged,
    make_stamp,
    publish_new,
    read_stamp,
    refuse_faults,
    write_staged,
)
from campus.builder import Resident, keep_builder
from campus.errors import CampusError, tell
from campus.notebooks import STYLE, build_notebooks
from campus.pages import HOST, Pages, start_server
from campus.syllabus import list_sessions, where

PORT = 8001
LOOK_SECONDS = 0.1  # between two looks at the sources
REST_SECONDS = 0.03  # after which a source that did not change again counts as saved
CLOCK_SECONDS = 1  # by which a file's time may lag behind the clock
HEARTBEAT_SECONDS = 15  # between two signs of life to a browser, which finds out by them that we are gone
SCRIPT = "_live/live.js"
EVENTS = "_live/events"
TAG = f'<script defer src="/{SCRIPT}?{{build}}"></script></head>'


class Restart(Exception):
    """What every page depends on has changed: all of it has to be loaded anew."""


@dataclass
class News:
    """What browsers are told: a number that grows with each good build, and what is wrong since, if anything is."""

    build: int = field(default_factory=lambda: time.time_ns() // 1_000_000)  # greater than before a restart
    fault: str = ""
    changed: threading.Condition = field(default_factory=threading.Condition)

    def tell(self, fault: str = "") -> None:
        """Say that pages are new, or that they are not and why."""
        with self.changed:
            self.build += not fault
            self.fault = fault
            self.changed.notify_all()

    def wait(self, seen: tuple[int, str] | None) -> tuple[int, str]:
        """The next news after those seen, or the same after a while without any."""
        with self.changed:
            self.changed.wait_for(lambda: (self.build, self.fault) != seen, HEARTBEAT_SECONDS)
            return self.build, self.fault


# Serving


def make_pages(site: Path, news: News) -> type[Pages]:
    """A handler of the site's files, whose pages listen for news."""

    class LivePages(Pages):
        def do_GET(self) -> None:
            path = self.path.split("?")[0].lstrip("/")
            if path == EVENTS:
                self.send_events()
            elif path == SCRIPT:
                self.send((folders.ROOT / "campus" / "static" / "live.js").read_bytes(), "text/javascript")
            else:
                self.build = news.build  # before the page is read: it may be older than what it holds, never newer
                super().do_GET()

        def send(self, content: bytes, kind: str) -> None:
            if kind == "text/html":
                content = content.replace(b"</head>", TAG.format(build=self.build).encode(), 1)
            super().send(content, kind)

        def send_events(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            seen = None
            while True:
                seen = news.wait(seen)
                self.wfile.write(f"data: {json.dumps({'build': seen[0], 'fault': seen[1]})}\n\n".encode())
                self.wfile.flush()

    LivePages.site = site
    return LivePages


def open_port(port: int, pages: type[Pages]) -> http.server.ThreadingHTTPServer:
    """A server on a port of the loopback; CampusError where the port is taken."""
    try:
        return start_server(port, pages)
    except OSError as error:
        other = f"'.venv/bin/campus live --port {port + 1}'"
        raise CampusError(f"Port {port} cannot be used ({error.strerror}): choose another, as in {other}.") from None


# Sources


def look(places: Places) -> dict[Path, int]:
    """Every source that pages are made from, with the time of its last change."""
    found = [*places.modules.glob("*/*"), *places.modules.glob("*/data/*"), places.modules / STYLE]
    found += places.exercises.glob("*/assignment.md")
    found += [path for path in places.book.rglob("*") if "__pycache__" not in path.parts]
    found += [folders.ROOT / "campus" / f"{name}.py" for name in MACHINERY]
    found += folders.ROOT.glob("docs/*.md")  # which pages of the book take in
    seen = {}
    for path in found:
        with suppress(FileNotFoundError):  # gone since it was listed, as an editor's own files are
            if path.is_file() and path.name[0] != "." and not path.name.endswith(("~", ".swp")):
                seen[path] = path.stat().st_mtime_ns
    return seen


def wait_for_change(seen: dict[Path, int], places: Places) -> tuple[dict[Path, int], set[Path]]:
    """The sources once they differ from those seen and have come to rest, and which differ."""
    now = look(places)
    while now == seen:
        time.sleep(LOOK_SECONDS)
        now = look(places)
    while (later := wait_and_look(places)) != now:
        now = later
    return now, {path for path in seen.keys() | now.keys() if seen.get(path) != now.get(path)}


def wait_and_look(places: Places) -> dict[Path, int]:
    """The sources a moment later, when an editor may have written on."""
    time.sleep(REST_SECONDS)
    return look(places)


def is_common(path: Path, places: Places) -> bool:
    """Whether every page depends on a source, so that all is loaded anew."""
    if path.is_relative_to(folders.ROOT / "campus"):
        return True
    if not path.is_relative_to(places.book):
        return False
    name = path.relative_to(places.book)
    return name.parts[0] in ASSETS or name.as_posix() == GLOSSARY or path.suffix == ".yml"


def find_sessions(changed: set[Path], places: Places) -> list[Path]:
    """The sessions whose notebooks a change may alter: their own source, their module's data, the plotting style."""
    if not any(path.is_relative_to(places.modules) for path in changed):
        return []
    pages = [page for page in list_pages(places) if page.startswith("modules/") and not page.endswith("/index")]
    sessions = [places.modules / f"{page.removeprefix('modules/')}.md" for page in pages]
    if places.modules / STYLE in changed:
        return sessions
    data = {path.parent.parent for path in changed if path.parent.name == "data" and path.suffix != ".py"}
    return [path for path in sessions if path in changed or path.parent in data]


# Building


class LiveBook:
    """The book with its resident builder; what was saved and not built yet is owed."""

    def __init__(self, places: Places, builder: Resident, say: Callable[[str], None]):
        self.places, self.builder, self.say = places, builder, say
        self.owed: set[Path] = set()
        self.published = time.time() - CLOCK_SECONDS
        self.machinery = read_stamp(places.stamp)["machinery"]
        self.headings = {name: find_heading(name, content) for name, content in list_staged(places).items()}

    def update(self, changed: set[Path]) -> None:
        """Build and publish what changed; CampusError leaves the site as it was, and the change owed."""
        self.owed |= changed
        if any(is_common(path, self.places) for path in self.owed):
            raise Restart
        begun, start = time.time(), time.monotonic()
        sessions = find_sessions(self.owed, self.places)
        for name in self.run(sessions):
            self.say(f"{name}: run again, as its code or data changed.")
        staged = list_staged(self.places, changed={name_session(path) for path in sessions})
        headings = {name: find_heading(name, content) for name, content in staged.items()}
        renamed = any(self.headings[name] != heading for name, heading in headings.items())
        self.build(staged, renamed)
        self.headings |= headings
        self.published = begun - CLOCK_SECONDS
        told = ", ".join(sorted(where(path) for path in self.owed))
        self.owed.clear()
        self.say(f"{told}: shown after {time.monotonic() - start:.1f} s.")

    def run(self, sessions: list[Path]) -> tuple[str, ...]:
        """Bring the notebooks of sessions up to date; return which had to be run for it."""
        return build_notebooks(only=sessions).run if sessions else ()

    def build(self, staged: dict[str, bytes], renamed: bool) -> None:
        """Build and publish staged files; all pages where a heading changed, which every page's contents show."""
        with hold(self.places):
            self.places.stamp.unlink(missing_ok=True)  # until this build is known to be good
            write_staged(staged, self.places)
            refuse_faults(self.builder.build(everything=renamed), self.places)
            publish_new(self.places, self.published)
            if renamed:
                self.machinery = make_stamp(self.places)["machinery"]
            self.places.stamp.write_text(json.dumps({"machinery": self.machinery}))


def name_session(path: Path) -> str:
    """A session's name by its source: `03-queues/03-3-clinic`."""
    return f"{path.parent.name}/{path.stem}"


def live(port: int = PORT, places: Places = EVERYWHERE, say: Callable[[str], None] = print) -> None:
    """Build the book, serve it, and keep both up with what is saved, until Ctrl-C."""
    news = News()
    server = open_port(port, make_pages(places.site, news))
    try:
        keep_up(places, news, say, f"http://{HOST}:{server.server_port}/index.html")
    except Restart:
        say("What every page depends on has changed: the book is built anew, which takes longer.")
        server.server_close()
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-m", "campus.cli", "live", "--port", str(server.server_port)])
    except KeyboardInterrupt:
        say("Stopped.")
    finally:
        server.server_close()


def keep_up(places: Places, news: News, say: Callable[[str], None], address: str) -> None:
    """Build all, then what is saved; Restart where that needs a fresh start."""
    seen = look(places)
    say("Bringing the book up to date ...")
    try:
        run_missing(places, say)
        build_book(places=places)
    except CampusError as error:
        report(error, news, say)
        wait_for_change(seen, places)
        raise Restart from None
    with keep_builder(places.source, places.work) as builder:
        book = LiveBook(places, builder, say)
        news.tell()
        say(f"The book is at {address}: what you save shows there by itself. Ctrl-C stops.")
        while True:
            seen, changed = wait_for_change(seen, places)
            try:
                book.update(changed)
                news.tell()
            except Restart:
                raise
            except Exception as error:
                report(error, news, say)
                if not isinstance(error, CampusError):  # the builder broke off: what it knows is no longer sure
                    wait_for_change(seen, places)
                    raise Restart from None


def run_missing(places: Places, say: Callable[[str], None]) -> None:
    """Run sessions that have no notebook yet, as one whose line was just added to the table of contents."""
    missing = [one.path for one in list_sessions() if not (places.executed / f"{one.name}.ipynb").exists()]
    if missing:
        say(f"Running {', '.join(where(path) for path in missing)} for the first time ...")
        build_notebooks(only=missing)


def report(error: Exception, news: News, say: Callable[[str], None]) -> None:
    """Tell an error in words, here and in the browser."""
    said = tell(error) or f"The book could not be built ({type(error).__name__}: {error})."
    news.tell(fault=said)
    say(f"{said}\nThe last good page stays. Save again when it is mended.")
