"""Verification: what a reader gets by running a notebook is what the page shows, by nbval in fresh kernels.

Each session is run twice: as the book has it, and as the associate has it, where solutions are text.
"""

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import nbformat

from campus.errors import CampusError
from campus.execution import SINGLE_THREAD
from campus.folders import BUILD, CLEAN, EXECUTED
from campus.notebooks import fill_clean, write_notebook

VERIFIED = BUILD / "verified"


@dataclass(frozen=True)
class Verified:
    """The cells of one notebook that nbval ran and compared, and what it said of those that differ."""

    name: str
    cells: int
    failures: tuple[str, ...]


def verify_notebooks(progress: Callable[[str, int, int], None] = lambda what, done, total: None) -> list[Verified]:
    """Run nbval over every executed notebook and its associate's twin, as many at once as there are cores."""
    stage()
    paths = sorted(VERIFIED.glob("*/*/*.ipynb"))
    if not paths:
        raise CampusError("There are no notebooks to verify: run 'make notebooks' first.")
    results = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        jobs = {pool.submit(verify, path): path for path in paths}
        for done, job in enumerate(as_completed(jobs), 1):
            results.append(job.result())
            progress(results[-1].name, done, len(paths))
    return sorted(results, key=lambda verified: verified.name)


def stage() -> None:
    """Copy both trees to a place of their own, the associate's with the outputs that the page shows."""
    shutil.rmtree(VERIFIED, ignore_errors=True)
    shutil.copytree(EXECUTED, VERIFIED / "book")
    shutil.copytree(CLEAN, VERIFIED / "associate")
    for path in (VERIFIED / "associate").glob("*/*.ipynb"):
        executed = nbformat.read(EXECUTED / path.parent.name / path.name, as_version=4)
        write_notebook(fill_clean(nbformat.read(path, as_version=4), executed), path)


def verify(path: Path) -> Verified:
    """Run nbval over one notebook and read its report."""
    report = path.with_suffix(".xml")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "campus.nbval_history",
        "--nbval",
        "--nbval-cell-timeout=60",
    ]
    command += ["--override-ini=addopts=", f"--rootdir={path.parent}", f"--junitxml={report}", str(path)]
    done = subprocess.run(command, env={**os.environ, **SINGLE_THREAD}, cwd=path.parent, capture_output=True, text=True)
    name = str(path.relative_to(VERIFIED))
    if not report.exists():
        raise CampusError(f"nbval gave no report on {name}: {(done.stdout + done.stderr).strip()[-300:]}")
    cases = list(ElementTree.parse(report).iter("testcase"))
    failed = [case.get("name") for case in cases if case.find("failure") is not None or case.find("error") is not None]
    if done.returncode not in (0, 1):
        failed.append(f"nbval ended with code {done.returncode}")
    elif done.returncode == 1:
        failed = [f"{case}\n{done.stdout.strip()[-3000:]}" for case in failed[:1]] + failed[1:]
    return Verified(name, len(cases), tuple(failed))
