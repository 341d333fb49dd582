"""What all attacks have in common: a case is data, and one helper marks it and asks what it won and what it left."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from autograder import marking
from autograder.assignment import read
from autograder.marking import Result, grade
from autograder.seal import FIRST_UID, Limits
from autograder.variants import substitute
from autograder.warm import Warm

TRIAGE = read(Path(__file__).parent / "exercises" / "triage")
SLOT = 1000 + os.getpid() % 20_000  # of our own, so that its users' processes are ours
SECRETS = ("kingfisher", "7919", "10007", "0.7913", "791346")  # in the hidden tests, and nowhere else
LOOK = """
import os
print("left:", sorted(os.listdir(".")), sorted(os.listdir("/tmp")), sorted(os.listdir("/dev/shm")))
"""

# The honest twins: wrong answers that try nothing.
WRONG = {
    "share": "def share(part, whole):\n    return 0\n",
    "longest": "longest = 0\n",
    "by-ward": "def by_ward(visits):\n    return visits\n",
    "apply-rule": "def apply_rule(rule, ages):\n    return []\n",
    "is-urgent": "def is_urgent(word):\n    return False\n",
    "summary": "def summary(text):\n    return {}\n",
}


@dataclass(frozen=True)
class Case:
    """An attack on one question.

    `says` is what it prints if it was really tried, `fails` what its test then ends with. `wins` tells that it wins
    where answers and tests share one shell; a test holds that too. An attack that ruins its own later cells has
    `ruins`: then nothing is asked of those. `seconds` are what a cell may take.
    """

    source: str
    question: str = "share"
    says: str = ""
    fails: str = ""
    wins: bool = False
    ruins: bool = False
    limits: Limits | None = None
    seconds: float = marking.CELL_SECONDS


def marked(submission, warm: Warm, limits: Limits | None = None, seconds: float = marking.CELL_SECONDS) -> Result:
    """The result of a submission of the small assignment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(marking, "CELL_SECONDS", seconds)
        return grade(TRIAGE, submission, warm, limits=limits, slot=SLOT)


def answered(answers: dict[str, str]):
    """The assignment, all right but for these answers."""
    return substitute(TRIAGE, answers)


def scores(result: Result) -> dict[str, int | None]:
    return {mark.question: mark.score for mark in result.marks}


FULL = {question.id: question.points if question.marked == "machine" else None for question in TRIAGE.questions}


class Trial:
    """A warm process, and what there was before anybody attacked."""

    def __init__(self, warm: Warm, token: str):
        self.warm, self.token, self.twins = warm, token, {}
        self.scratch = self.honest()
        self.before = self.state()

    def try_case(self, case: Case) -> Result:
        """Mark an attack: it wins no more than its twin, leaves nothing, and the next submission gets its marks."""
        submission = answered({case.question: case.source})
        result = self.attack(submission, self.twin(case.question), case.ruins, case.limits, case.seconds)
        (mark,) = (mark for mark in result.marks if mark.question == case.question)
        assert case.says in mark.text, mark
        assert case.fails in mark.failure, mark
        return result

    def attack(self, submission, twin: dict, ruins: bool = False, *how) -> Result:
        """The same for any submission and the marks of its twin."""
        result = marked(submission, self.warm, *how)
        won = scores(result)
        if ruins:
            assert won.keys() == twin.keys()
            assert all((won[name] or 0) <= (twin[name] or 0) for name in twin), result.marks
        else:
            assert won == twin, result.marks
        check_storable(result)
        self.check_nothing_left()
        return result

    def twin(self, question: str) -> dict[str, int | None]:
        """The marks of the honest twin: none for its question, and all others."""
        if question not in self.twins:
            self.twins[question] = scores(marked(answered({question: WRONG[question]}), self.warm))
            assert self.twins[question] == {**FULL, question: 0}
        return self.twins[question]

    def honest(self) -> str:
        """What an honest submission, which gets all its marks, sees in its scratch."""
        result = marked(answered({"longest": "longest = int(visits['minutes'].max())\n" + LOOK}), self.warm)
        assert scores(result) == FULL, result.marks
        return next(mark.text for mark in result.marks if mark.question == "longest")

    def check_nothing_left(self) -> None:
        assert self.state() == self.before
        assert self.honest() == self.scratch
        assert self.state() == self.before

    def state(self) -> dict:
        """All that a submission could leave behind."""
        warm = Path(f"/proc/{self.warm.pid}")
        places = [Path(place) for place in ("/tmp", "/dev/shm", "/var/tmp", "/run", Path.home(), TRIAGE.folder)]
        return {
            "processes": processes(self.warm.pid),
            "threads of the warm process": len(os.listdir(warm / "task")),
            "its descriptors": len(os.listdir(warm / "fd")),
            "our descriptors": len(os.listdir("/proc/self/fd")),
            "its mounts": (warm / "mountinfo").read_text(),
            "our mounts": Path("/proc/self/mountinfo").read_text(),
            "files": [path for place in places if place.is_dir() for path in place.glob(f"*{self.token}*")],
            "sockets": [line for line in Path("/proc/net/unix").read_text().splitlines() if self.token in line],
            "assignment": {path: digest(path) for path in sorted(TRIAGE.folder.rglob("*")) if path.is_file()},
        }


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def processes(warm: int) -> list[str]:
    """What lives below the warm process, and what runs as a user of our slot, wherever it went."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            ours = path.stat().st_uid in (FIRST_UID + 2 * SLOT, FIRST_UID + 2 * SLOT + 1)
        except OSError:
            continue
        if parent == warm or ours:
            found.append(path.name)
    return found


def check_storable(result: Result) -> None:
    """Whatever it was: the result can be kept in a database and shown, is not endless, and gives no secret away."""
    kept = json.dumps(result.asdict(), ensure_ascii=False)
    assert len(kept.encode("utf-8")) < 2 * 2**20
    assert "\\u0000" not in kept and not any(ord(letter) < 32 for letter in kept)
    nbformat.validate(result.notebook)
    told = [mark.told or "" for mark in result.marks]
    assert not [text for text in told for secret in SECRETS if secret in text]
