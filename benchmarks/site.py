"""`make bench-site`: the book with 60 sessions, from cold and after an edit, beside stock `jupyter-book build`.

Copies stand in for sessions that are not written yet. All of it happens in `build/bench-site/`; the tables go to
`docs/site-speed.md`, which the maintainers' page of the book shows.
"""

import argparse
import datetime
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

import yaml

from benchmarks.marking import console, table
from benchmarks.measure import Usage, measured
from campus import folders
from campus.book import Places, list_staged, write_staged
from campus.errors import CampusError
from campus.execution import Run, key, load_outputs
from campus.notebooks import read_notebook
from campus.serve import find_free_ports
from campus.site_check import browse
from campus.syllabus import Session, list_sessions, read_session, read_syllabus, split_front_matter

PLACE = folders.BUILD / "bench-site"
REPORT = folders.ROOT / "docs" / "site-speed.md"
FULL, EDITS = 60, 5
PATIENCE = 300_000  # milliseconds
COPIED = ("campus", "autograder", "book", "modules", "exercises", "docs")
FIRST_COPY = 21  # their numbers within a module stand above those that are planned
STOCK_EXTENSIONS = (
    "course_boxes",
    "course_pages",
    "course_pictures",
    "course_play",
    "course_reports",
)  # our directives, nothing else
HEADER = {"jupytext": {"text_representation": {"extension": ".md", "format_name": "myst"}}}
PROSE = "## Where this goes wrong"


# Sixty sessions


@dataclass(frozen=True)
class Checkout:
    """A copy of this checkout in a folder of its own, and which of its sessions are copies of which."""

    root: Path
    copies: dict[Path, Path] = field(default_factory=dict)

    @property
    def places(self) -> Places:
        """The folders of its book."""
        build = self.root / "build"
        return Places(
            book=self.root / "book",
            modules=self.root / "modules",
            exercises=self.root / "exercises",
            executed=build / "executed",
            clean=build / "clean",
            pictures=build / "pictures",
            source=build / "site-source",
            work=build / "site-build",
            site=build / "book",
            report=build / "site-check" / "site-check.json",
        )

    @property
    def sessions(self) -> list[Session]:
        """Its sessions, copies included."""
        return list_sessions(read_syllabus(self.places.book / "_toc.yml", self.places.modules))

    def environment(self) -> dict[str, str]:
        """What its own commands are told, so that they are its own."""
        return {**os.environ, "PYTHONPATH": str(self.root), "PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1"}

    def command(self, *words: str) -> list:
        """A command of its own."""
        return [sys.executable, "-m", "campus.cli", *words]

    def measured(self, *words: str) -> Usage:
        """What a command of its own costs."""
        return measured(self.command(*words), self.root / "log.txt", cwd=self.root, env=self.environment())


def make_checkout(root: Path, count: int) -> Checkout:
    """A checkout with so many sessions: those written, and copies of them in turn, each with code of its own."""
    shutil.rmtree(root, ignore_errors=True)
    for name in COPIED:
        shutil.copytree(folders.ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(folders.ROOT / "requirements.txt", root)
    written = Checkout(root).sessions
    if count < len(written):
        raise CampusError(f"{len(written)} sessions are written and link to each other: ask for as many or more.")
    originals = [written[number % len(written)] for number in range(count - len(written))]
    copies = {copy_session(session, number): session.path for number, session in enumerate(originals)}
    toc = yaml.safe_load((root / "book" / "_toc.yml").read_text(encoding="utf-8"))
    for part in toc["parts"]:
        for chapter in part["chapters"]:
            folder = Path(chapter["file"]).parent.name
            own = chapter.get("sections", [])
            own += [{"file": f"modules/{folder}/{path.stem}"} for path in copies if path.parent.name == folder]
            chapter |= {"sections": own} if own else {}
    (root / "book" / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")
    return Checkout(root, copies)


def lend_outputs(checkout: Checkout) -> None:
    """Give each session what it gave here, so that none has to be run before edits can be measured."""
    cache = checkout.root / "build" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for session in checkout.sessions:
        original = checkout.copies.get(session.path, session.path)
        outputs = load_outputs(make_run(original))
        if outputs is None:
            raise CampusError("Notebooks have no outputs to lend: run 'make notebooks' first.")
        (cache / f"{key(make_run(session.path))}.json").write_text(json.dumps(asdict(outputs)), encoding="utf-8")


def make_run(path: Path) -> Run:
    """How a session is run here, where its module's data are the same."""
    return Run(path.stem, read_notebook(read_session(path)), folders.RUNNING / path.parent.name)


def copy_session(session: Session, number: int) -> Path:
    """A copy under a code of its own, whose code differs by a comment, so that no cache knows it."""
    module = session.code.split(".")[0]
    code = f"{module}.{FIRST_COPY + number}"
    path = session.path.with_name(f"{int(module):02d}-{FIRST_COPY + number}-copy.md")
    text = session.path.read_text(encoding="utf-8")
    text = text.replace(f'title: "{session.code} ', f'title: "{code} Copy {number}: ', 1)
    text = re.sub(r"^  code: .*$", f'  code: "{code}"', text, count=1, flags=re.MULTILINE)
    text = text.replace(f"fig-{session.code.replace('.', '-')}-", f"fig-{code.replace('.', '-')}-")
    path.write_text(edit_code(text, f"copy {number}"), encoding="utf-8")
    return path


def edit_code(text: str, comment: str) -> str:
    """A session whose first code cell ends with a comment."""
    return re.sub(r"(```\{code-cell\}[^`]*?)\n```", rf"\1\n# {comment}\n```", text, count=1)


def edit_prose(text: str, words: str) -> str:
    """A session with a paragraph more."""
    head, place, rest = text.partition(PROSE)
    if not place:
        raise CampusError(f"A session has no heading '{PROSE}': choose another place for the edit.")
    return f"{head}{words}\n\n{place}{rest}"


EDITED = {"prose": edit_prose, "code": edit_code}


# Ours


def build_cold(checkout: Checkout) -> dict[str, float]:
    """Seconds of notebooks and of pages for the first time, and the processor time of the notebooks' own kernels."""
    notebooks, pages = checkout.measured("notebooks"), checkout.measured("book")
    runs = [json.loads(path.read_text())["seconds"] for path in (checkout.root / "build" / "cache").glob("*.json")]
    return {"notebooks": notebooks.wall, "pages": pages.wall, "all": notebooks.wall + pages.wall, "own": sum(runs)}


def edit_ours(checkout: Checkout, path: Path, edit: Callable[[str, str], str], words: str) -> float:
    """Seconds of a build by command after one edit."""
    path.write_text(edit(path.read_text(encoding="utf-8"), words), encoding="utf-8")
    return checkout.measured("notebooks").wall + checkout.measured("book").wall


@contextmanager
def live(checkout: Checkout) -> Iterator[str]:
    """The address of the book while `campus live` keeps it up."""
    port = find_free_ports(1)[0]
    with (checkout.root / "live.txt").open("w") as log:
        process = subprocess.Popen(
            checkout.command("live", "--port", str(port)),
            cwd=checkout.root,
            env=checkout.environment(),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        while "shows there by itself" not in (checkout.root / "live.txt").read_text():
            if process.poll() is not None:
                raise CampusError(f"campus live ended: {(checkout.root / 'live.txt').read_text()}")
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def see_edits(checkout: Checkout, edits: int) -> dict[str, list[float]]:
    """Seconds from saving until a browser shows it, by kind of edit."""
    session = checkout.sessions[0]
    with live(checkout) as address, browse() as browser:
        page = browser.new_page()
        page.goto(f"{address}/modules/{session.name}.html")
        return {kind: [see(page, session.path, *edit) for edit in list_edits(kind, edits)] for kind in EDITED}


def see(page, path: Path, edit: Callable[[str, str], str], words: str) -> float:
    """Seconds from saving an edit until the open page shows it."""
    text = edit(path.read_text(encoding="utf-8"), words)
    start = time.monotonic()
    path.write_text(text, encoding="utf-8")
    page.get_by_text(words).first.wait_for(timeout=PATIENCE)
    return time.monotonic() - start


# Stock


def stage_stock(checkout: Checkout, folder: Path) -> Path:
    """The same sources for `jupyter-book build`: sessions as MyST notebooks that it runs, its own theme and look."""
    shutil.rmtree(folder, ignore_errors=True)
    source = folder / "source"
    staged = {
        name: content
        for name, content in list_staged(checkout.places).items()
        if not name.startswith(("_static/", "_templates/")) and name != "_config.yml"
    }
    for session in checkout.sessions:
        del staged[f"modules/{session.name}.ipynb"]
        staged[f"modules/{session.name}.md"] = stage_stock_session(session).encode()
    pages = {name: content.replace(b".ipynb", b".md") for name, content in staged.items() if name.endswith(".md")}
    write_staged(staged | pages | {"_config.yml": yaml.safe_dump(stock_settings()).encode()}, checkout_at(source))
    for data in checkout.places.modules.glob("*/data"):
        shutil.copytree(data, source / "modules" / data.parent.name / "data")
    shutil.copy(checkout.places.modules / "course.mplstyle", source / "modules")
    return source


def checkout_at(source: Path) -> Places:
    """Places whose staged tree is a folder."""
    return Places(source=source)


def stage_stock_session(session: Session) -> str:
    """A session with the header by which Jupyter Book knows a MyST notebook."""
    front, text = split_front_matter(session.path)
    return f"---\n{yaml.safe_dump(HEADER | front, sort_keys=False)}---\n{text}"


def stock_settings() -> dict:
    """Jupyter Book's own settings, with the extensions that know our directives."""
    ours = yaml.safe_load((folders.BOOK / "_config.yml").read_text(encoding="utf-8"))
    return {
        "title": ours["title"],
        "only_build_toc_files": True,
        "execute": {"execute_notebooks": "cache", "timeout": 300},
        "parse": ours["parse"],
        "sphinx": {"local_extensions": dict.fromkeys(STOCK_EXTENSIONS, "_ext")},
    }


def build_stock(source: Path) -> Usage:
    """What `jupyter-book build` costs."""
    paths = os.pathsep.join([str(source / "_ext"), str(folders.ROOT)])
    program = Path(sys.executable).with_name("jupyter-book")
    command = [program, "build", source, "--path-output", source.parent]
    return measured(command, source.parent / "log.txt", cwd=source, env={**os.environ, "PYTHONPATH": paths})


def edit_stock(source: Path, page: Path, edit: Callable[[str, str], str], words: str) -> float:
    """Seconds of a stock build after one edit, whose words the page then has."""
    page.write_text(edit(page.read_text(encoding="utf-8"), words), encoding="utf-8")
    seconds = build_stock(source).wall
    built = source.parent / "_build" / "html" / page.relative_to(source).with_suffix(".html")
    if words not in re.sub(r"<[^>]+>", "", built.read_text(encoding="utf-8")):
        raise CampusError(f"jupyter-book built {built.name} without the edit '{words}': see {source.parent}/log.txt.")
    return seconds


# The report


def main() -> None:
    """Run all of it: more than an hour with 60 sessions on two quiet cores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=FULL, help="of the book that is kept up while it is written")
    parser.add_argument("--cold", type=int, default=FULL, help="sessions that are built from cold, by us and by stock")
    parser.add_argument("--edits", type=int, default=EDITS, help="of each kind, of which the median counts")
    given = parser.parse_args()
    trial = (given.sessions, given.cold, given.edits) != (FULL, FULL, EDITS)
    report = head(given, trial)
    if given.cold:
        report += compare(given.cold, given.edits)
    report += keep_up(given.sessions, given.edits)
    REPORT.write_text("\n".join(report) + "\n", encoding="utf-8")
    console.print(f"\nWritten to {REPORT.relative_to(folders.ROOT)}.")


def compare(count: int, edits: int) -> list[str]:
    """From cold and after edits by command, ours beside stock; and the cold build beside the notebooks' own time."""
    checkout = make_checkout(PLACE / "ours", count)
    cold = build_cold(checkout)
    console.print(f"ours, from cold: {cold}")
    path = checkout.sessions[0].path
    ours = {kind: median(edit_ours(checkout, path, *edit) for edit in list_edits(kind, edits)) for kind in EDITED}
    source = stage_stock(checkout, PLACE / "stock")
    page = source / "modules" / f"{checkout.sessions[0].name}.md"
    stock_cold = build_stock(source).wall
    stock = {kind: median(edit_stock(source, page, *edit) for edit in list_edits(kind, edits)) for kind in EDITED}
    rows = [
        ["from cold", cold["all"], stock_cold],
        *([f"one edit of {kind}", ours[kind], stock[kind]] for kind in EDITED),
    ]
    shown = [[what, f"{mine:.1f}", f"{other:.1f}", f"{other / mine:.1f}"] for what, mine, other in rows]
    title = f"Seconds of a build by command, {count} sessions"
    return [*table(title, ["after", "ours", "stock", "stock / ours"], shown), *cold_table(cold)]


def list_edits(kind: str, count: int) -> list[tuple[Callable[[str, str], str], str]]:
    """Edits of one kind, each with words of its own."""
    return [(EDITED[kind], f"An edit of {kind}, number {number}.") for number in range(count)]


def cold_table(cold: dict[str, float]) -> list[str]:
    """The cold build against the notebooks' own running time over the cores."""
    floor = cold["own"] / (os.cpu_count() or 1)
    rows = [
        ["the notebooks' own running time over the cores", f"{floor:.1f}", "1.00"],
        ["notebooks, by `make notebooks`", f"{cold['notebooks']:.1f}", f"{cold['notebooks'] / floor:.2f}"],
        ["pages, by `make book`", f"{cold['pages']:.1f}", f"{cold['pages'] / floor:.2f}"],
        ["both", f"{cold['all']:.1f}", f"{cold['all'] / floor:.2f}"],
    ]
    return table("The cold build (1.2 is the aim)", ["part", "seconds", "ratio"], rows)


def keep_up(count: int, edits: int) -> list[str]:
    """From saving until the browser shows it; sessions take over their outputs, as none of them has to run for it."""
    checkout = make_checkout(PLACE / "ours", count)
    lend_outputs(checkout)
    build_cold(checkout)
    seen = see_edits(checkout, edits)
    console.print(f"seen: {seen}")
    rows = [[f"one edit of {kind}", f"{median(times):.1f}", f"{max(times):.1f}"] for kind, times in seen.items()]
    title = f"Seconds from saving until the browser shows it, `make live`, {count} sessions (3 s for prose is the aim)"
    return table(title, ["after", "median", "longest"], rows)


def head(given: argparse.Namespace, trial: bool) -> list[str]:
    """When, where, and on what."""
    machine = f"{os.cpu_count()} cores ({platform.machine()}, {platform.system()})"
    stock = "Stock is `jupyter-book build` on the same sources in the same run, with our directives known."
    return [
        *(["A short trial, on a machine that others used at the same time.", ""] if trial else []),
        f"Measured on {datetime.date.today():%d %B %Y} with Python {platform.python_version()} on {machine}. Copies",
        f"stand in for sessions that are not written yet. Of edits the median of {given.edits} counts.",
        *([stock] if given.cold else []),
    ]


if __name__ == "__main__":
    main()
