"""Otter-Grader's side of the benchmark: the same tests in its own format, and a place for it to be installed."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

from autograder.assignment import Assignment
from campus import folders
from campus.errors import CampusError

LOCK = Path(__file__).parent / "otter.txt"
TARGET = folders.BUILD / "bench" / "otter"

TEST_FILE = """OK_FORMAT = False
from otter.test_files import test_case
name = {name!r}
points = {points}
@test_case(points={points}, hidden=True)
def test(env):
    exec({source!r}, env)
"""


def ensure_otter() -> Path:
    """Install Otter-Grader beside the environment; the folder to put on PYTHONPATH."""
    stamp = TARGET / ".lock"
    if stamp.exists() and stamp.read_bytes() == LOCK.read_bytes():
        return TARGET
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--upgrade"]
    done = subprocess.run(
        [*command, "--disable-pip-version-check", "--target", str(TARGET), "--requirement", str(LOCK)],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise CampusError(f"Otter-Grader could not be installed: {done.stderr.strip().splitlines()[-1]}")
    stamp.write_bytes(LOCK.read_bytes())
    return TARGET


def write_autograder(assignment: Assignment, path: Path) -> None:
    """`autograder.zip` for `otter run`: a test file for each question, and the assignment's data."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("otter_config.json", json.dumps({"lang": "python"}))
        for question in assignment.by_machine:
            source = assignment.notebook.cells[question.test].source
            text = TEST_FILE.format(name=question.id, points=question.points, source=source)
            archive.writestr(f"tests/{question.id}.py", text)
        for file in sorted((assignment.folder / "data").rglob("*")):
            if file.is_file():
                archive.write(file, Path("files") / file.relative_to(assignment.folder))


def read_scores(results: Path) -> dict[str, float]:
    """{question: points} from what `otter run` wrote."""
    tests = json.loads(results.read_text())["tests"]
    return {test["name"].split(" - ")[0]: float(test["score"]) for test in tests if "score" in test}
