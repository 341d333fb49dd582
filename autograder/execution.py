"""Run the author's own variants of an assignment: one warm process imports the course's libraries and forks for each.

For `autograder check` only: the code comes from the checkout and is trusted. Nothing here is sealed.

This file is two programs. `run` is called by the grader; it starts this file as a process of its own (`main`), sends it
all jobs as one line of JSON, and reads a line of JSON for each as it ends.
"""

import contextlib
import importlib
import io
import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

SECONDS = 60  # wall time of one notebook
THREADS = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")}
LIBRARIES = [
    "numpy",
    "pandas",
    "scipy.stats",
    "scipy.optimize",
    "simpy",
    "networkx",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.model_selection",
    "sklearn.pipeline",
    "sklearn.preprocessing",
    "statsmodels.api",
    "statsmodels.tsa.api",
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "IPython.core.interactiveshell",
]


@dataclass(frozen=True)
class Job:
    """A notebook to run: the sources of its code cells in order, and which of them to report on by what name."""

    id: str
    cells: list[str]
    report: dict[int, str]
    data: str | None = None
    seconds: float = SECONDS


@dataclass(frozen=True)
class Ran:
    """What a reported cell did: the error it ended with, what it wrote to stderr, and the text of its last value."""

    error: str | None = None
    message: str = ""
    stderr: str = ""
    value: str | None = None

    @property
    def failure(self) -> str | None:
        """Kind and text of the error, by which a mistake is known; None where the cell ran through."""
        return f"{self.error}: {self.message}" if self.error else None


@dataclass(frozen=True)
class Outcome:
    """A finished job: its reported cells, the wall seconds it took, and whether it was stopped at its limit."""

    id: str
    cells: dict[str, Ran] = field(default_factory=dict)
    seconds: float = 0.0
    stopped: bool = False


def run(jobs: list[Job], hash_seed: int = 0, workers: int | None = None) -> Iterator[Outcome]:
    """Run jobs in forks of one warm process, `workers` at a time (a core each by default); outcomes as they come.

    `hash_seed` decides in which order sets are walked through: results that depend on it differ between seeds.
    """
    if not jobs:
        return
    environment = os.environ | THREADS | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    environment["PYTHONHASHSEED"] = str(hash_seed)
    with tempfile.TemporaryDirectory(prefix="autograder-", ignore_cleanup_errors=True) as scratch:
        environment["IPYTHONDIR"] = str(Path(scratch, "ipython"))
        # -P keeps this folder off the path: its file names are not modules for the author's code.
        command = [sys.executable, "-P", str(Path(__file__).resolve())]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True
        ) as warm:  # in a session of its own: a Ctrl-C is ours to answer
            try:
                order = {
                    "scratch": scratch,
                    "workers": workers or os.cpu_count() or 1,
                    "jobs": [asdict(j) for j in jobs],
                }
                warm.stdin.write(json.dumps(order).encode() + b"\n")
                warm.stdin.flush()  # and stays open: its end tells the warm process that we are gone
                for _ in jobs:
                    line = warm.stdout.readline()
                    if not line:
                        raise RuntimeError("the process that runs the notebooks ended early")
                    found = json.loads(line)
                    yield Outcome(**found | {"cells": {name: Ran(**ran) for name, ran in found["cells"].items()}})
            finally:
                warm.stdin.close()


def main() -> None:
    """The warm process: import, then fork for each job; end at once when nobody holds the other end of stdin."""
    order = json.loads(sys.stdin.readline())
    for library in LIBRARIES:
        importlib.import_module(library)
    shell = make_shell()
    waiting = [Job(**job | {"report": {int(k): v for k, v in job["report"].items()}}) for job in order["jobs"]]
    running: dict[int, tuple[Job, Path, float]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < order["workers"]:
                job = waiting.pop(0)
                folder = Path(tempfile.mkdtemp(dir=order["scratch"]))
                running[start(shell, job, folder)] = (job, folder, time.monotonic())
            if select.select([sys.stdin], [], [], 0.01)[0]:
                return
            for pid, (job, folder, began) in list(running.items()):
                stopped = time.monotonic() - began > job.seconds
                if stopped:
                    end(pid)
                elif os.waitpid(pid, os.WNOHANG) == (0, 0):
                    continue
                else:
                    end_group(pid)
                del running[pid]
                outcome = Outcome(job.id, read_result(job, folder, stopped), time.monotonic() - began, stopped)
                shutil.rmtree(folder, ignore_errors=True)
                print(json.dumps(asdict(outcome)), flush=True)
    finally:
        for pid in running:
            end(pid)
        if running:
            shutil.rmtree(order["scratch"], ignore_errors=True)  # whoever made it may be gone


def start(shell: "InteractiveShell", job: Job, folder: Path) -> int:
    """Fork; the child runs the job in a copy of its data and never returns."""
    work = folder / "work"
    work.mkdir()
    if job.data:
        shutil.copytree(job.data, work / "data")
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        os.chdir(work)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        with (folder / "result").open("w", encoding="utf-8") as result:
            run_cells(shell, job, result)
    finally:
        os._exit(0)


def make_shell() -> "InteractiveShell":
    """The IPython shell that runs cells as a kernel would; made before the fork, used once after it."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    InteractiveShell.enable_gui = lambda self, gui=None: None  # for %matplotlib, which has no window here
    shell = InteractiveShell.instance(config=config)
    # Nobody reads the tracebacks, and to write one takes 0.2 to 0.3 s: `inspect` looks through all modules.
    shell.showtraceback = shell.showsyntaxerror = shell.showindentationerror = lambda *args, **kwargs: None
    return shell


def run_cells(shell: "InteractiveShell", job: Job, result: io.TextIOBase) -> None:
    """Run all cells, carrying on after errors; one line of JSON for each reported cell."""
    import numpy

    random.seed()
    numpy.random.seed()
    for number, source in enumerate(job.cells):
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            done = shell.run_cell(source, store_history=False)  # storing writes the traceback too
        if number not in job.report:
            continue
        error = done.error_before_exec or done.error_in_exec
        value = None
        if done.result is not None:
            value = shell.display_formatter.format(done.result)[0].get("text/plain")
        ran = Ran(type(error).__name__ if error else None, str(error or ""), errors.getvalue(), value)
        result.write(json.dumps([job.report[number], asdict(ran)]) + "\n")
        result.flush()


def read_result(job: Job, folder: Path, stopped: bool) -> dict[str, Ran]:
    """What the child told of each reported cell; a cell that it did not reach has the error that explains it."""
    missing = (
        Ran("TimeoutError", f"stopped after {job.seconds:g} seconds") if stopped else Ran("SystemError", "it died")
    )
    cells = dict.fromkeys(job.report.values(), missing)
    with contextlib.suppress(OSError):
        for line in (folder / "result").read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(json.JSONDecodeError):  # the last line of a child that was stopped
                name, ran = json.loads(line)
                cells[name] = Ran(**ran)
    return cells


def end(pid: int) -> None:
    """Kill a child and what it started, and wait for it."""
    end_group(pid)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


def end_group(pid: int) -> None:
    """Kill what a child left running in its process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
