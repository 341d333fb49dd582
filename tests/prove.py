"""The whole proof, a step at a time: `make test`.

Every step runs, also after one that failed, so that a reader sees all that is wrong; a table has the times.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.browser import ensure_chromium

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
PYTEST = [sys.executable, "-m", "pytest", "-q"]
BROWSER_TESTS = "tests/end_to_end"

STEPS = [
    ("Lint", [BIN / "ruff", "check", "."]),
    ("Format", [BIN / "ruff", "format", "--check", "--quiet", "."]),
    ("Notebooks run", [BIN / "campus", "notebooks"]),
    ("Notebooks show what they give (nbval)", [BIN / "campus", "verify"]),
    ("Assignments are marked right", [BIN / "autograder", "check"]),
    ("Book builds, warnings are errors", [BIN / "campus", "book"]),
    ("Study time", [BIN / "campus", "hours"]),
    ("Units and parts", [*PYTEST, "--durations=10", f"--ignore={BROWSER_TESTS}"]),
    ("The whole way, in a browser", [*PYTEST, BROWSER_TESTS]),
]

console = Console(soft_wrap=True)


def prove() -> int:
    """Run every step; 0 if all passed."""
    start = time.monotonic()
    # Started in the background we would ignore Ctrl-C, and so would all that the tests start and then stop with it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    results = [("Chromium", *timed(find_browser))]
    results += [(name, *timed(run, name, command)) for name, command in STEPS]
    show(results, time.monotonic() - start)
    failed = sum(not passed for _, passed, _ in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


def find_browser() -> bool:
    """Find Chromium, or install it where root may; without one this step fails and says what to install."""
    try:
        console.print(f"Chromium: {ensure_chromium()}", highlight=False)
    except RuntimeError as error:
        console.print(str(error), style="red", highlight=False)
        return False
    return True


def run(name: str, command: list) -> bool:
    """Run one step with its output shown."""
    console.rule(name)
    return subprocess.run([str(word) for word in command], cwd=ROOT, env=environment()).returncode == 0


def environment() -> dict[str, str]:
    """The environment of a step: this one's commands first, and one thread a process for linear algebra."""
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    return {**os.environ, **threads, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def timed(step, *arguments) -> tuple[bool, float]:
    """Whether a step passed, and its seconds."""
    start = time.monotonic()
    return step(*arguments), time.monotonic() - start


def in_words(seconds: float) -> str:
    """`3 min 07 s`."""
    return f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"


def show(results: list[tuple[str, bool, float]], seconds: float) -> None:
    """Print the steps with their times, and what this run could not prove."""
    table = Table("Step", "Result", "Time")
    for name, passed, took in results:
        table.add_row(name, "[green]passed[/]" if passed else "[red]failed[/]", in_words(took))
    console.print(table)
    console.print(f"In all {in_words(seconds)}.", highlight=False)
    if os.geteuid() != 0:
        console.print(
            "Not proved without root: the hub as root, as in a container, and the server profile's Unix users."
        )


if __name__ == "__main__":
    sys.exit(prove())
