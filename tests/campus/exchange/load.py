"""Load: a cohort hands in before a deadline, while tutors collect and return feedback, and feedback is read.

Everybody asks once and waits for the answer: nothing is sent again, so that each error shows.
"""

import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from campus.exchange import moment
from campus.exchange.client import Remote
from campus.exchange.parcel import describe, digest
from campus.exchange.refusal import Refusal
from tests.campus.exchange.conftest import BEDS, RELEASED, answer

EARLIER = "earlier-work"
TUTORS = ("tara", "tom")
PADDING = "x" * 150_000  # a notebook with a figure or two
LOOK_SECONDS = 0.5  # between two looks of a tutor


@dataclass
class Outcome:
    """What a cohort met: seconds of each kind of request, problems in words, and what was lost."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    receipts: list[dict] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    wall: float = 0.0

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Count a request; one that is refused or fails is a problem."""
        start = time.monotonic()
        try:
            yield
        except Exception as error:
            self.problems.append(f"{what}: {type(error).__name__}: {error}")
            raise
        self.seconds.setdefault(what, []).append(time.monotonic() - start)

    def rows(self) -> list[list[str]]:
        """Each kind of request: how many, median, 99th percentile and longest, in milliseconds."""
        rows = []
        for what, seconds in self.seconds.items():
            cuts = statistics.quantiles(seconds, n=100, method="inclusive")
            figures = (statistics.median(seconds), cuts[98], max(seconds))
            rows.append([what, str(len(seconds)), *(f"{figure * 1000:.0f}" for figure in figures)])
        return rows


def hand_in(remote: Callable[[str], Remote], names: list[str], seconds: float, feedback: dict[str, str]) -> Outcome:
    """Have everybody of `names` hand in during the last `seconds` before a deadline; `remote` gives a person's client.

    `feedback` holds the ids of earlier submissions whose feedback their associates read. Once all have a receipt,
    tutors go on until all is collected and marked; then each receipt is compared with what the exchange holds.
    """
    outcome, done = Outcome(), threading.Event()
    deadline = datetime.now(UTC) + timedelta(seconds=seconds)
    remote(TUTORS[0]).set_terms(BEDS, moment.write(deadline), "marked", "at once")
    moments = random.Random(80)
    visits = [
        threading.Thread(target=visit, args=(outcome, remote(name), name, moments.uniform(0, seconds), feedback))
        for name in names
    ]
    teaching = [
        threading.Thread(target=teach, args=(outcome, remote(who), who, names[number :: len(TUTORS)], done))
        for number, who in enumerate(TUTORS)
    ]
    start = time.monotonic()
    for thread in (*teaching, *visits):
        thread.start()
    for thread in visits:
        thread.join()
    done.set()
    for thread in teaching:
        thread.join()
    outcome.wall = time.monotonic() - start
    outcome.lost = find_lost(remote(TUTORS[0]), outcome)
    return outcome


def visit(outcome: Outcome, mine: Remote, name: str, wait: float, feedback: dict[str, str]) -> None:
    """What an associate does shortly before a deadline."""
    time.sleep(wait)
    with suppress(Exception):  # it is counted, and ends this visit
        with outcome.timed("list assignments"):
            mine.assignments()
        if name in feedback:
            with outcome.timed("read feedback"):
                mine.feedback(feedback[name])
        with outcome.timed("hand in"):
            outcome.receipts.append(mine.submit(BEDS, work_of(name)))
        with outcome.timed("see own receipts"):
            mine.submissions()


def teach(outcome: Outcome, mine: Remote, who: str, names: list[str], done: threading.Event) -> None:
    """What a tutor does meanwhile: look who handed in, collect, report marks, return feedback."""
    seen: set[str] = set()
    with suppress(Exception):
        while True:
            last_look = done.is_set()
            with outcome.timed("see all receipts"):
                receipts = mine.submissions(BEDS)
            for id in (one["id"] for one in receipts if one["username"] in names and one["id"] not in seen):
                with outcome.timed("collect"):
                    mine.submitted_files(id)
                with outcome.timed("report marks"):
                    mine.report(id, "marked", 3, 20)
                with outcome.timed("return feedback"):
                    mine.give_feedback(id, page(who))
                seen.add(id)
            if last_look:
                return
            done.wait(LOOK_SECONDS)


def prepare(remote: Callable[[str], Remote], names: list[str]) -> dict[str, str]:
    """Release two assignments; all of `names` have feedback on the earlier one: the ids of what they handed in."""
    tara = remote(TUTORS[0])
    tara.release(BEDS, RELEASED)
    tara.release(EARLIER, {f"{EARLIER}.ipynb": RELEASED[f"{BEDS}.ipynb"]})
    ids = {name: remote(name).submit(EARLIER, {f"{EARLIER}.ipynb": name.encode()})["id"] for name in names}
    for id in ids.values():
        tara.give_feedback(id, page("tara"))
    return ids


def find_lost(tara: Remote, outcome: Outcome) -> list[str]:
    """Receipts that the exchange does not hold to, in words."""
    held = {one["id"]: one for one in tara.submissions(BEDS)}
    lost = []
    for receipt in outcome.receipts:
        id, wanted = receipt["id"], digest(describe(work_of(receipt["username"])))
        try:
            found = digest(describe(tara.submitted_files(id)))
        except Refusal as refusal:
            found = str(refusal)
        kept = {key: held.get(id, {}).get(key) for key in ("at", "username", "sha256")}
        if found != wanted or kept != {key: receipt[key] for key in kept}:
            lost.append(f"{id} of {receipt['username']}: {found}")
    return lost


def work_of(name: str) -> dict[str, bytes]:
    """What somebody hands in."""
    return answer(f"{name} {PADDING}") | {"data/stays.csv": b"days\n3\n"}


def page(who: str) -> dict[str, bytes]:
    return {f"{BEDS}.html": f"<p>Well done, says {who}.</p>".encode() * 1000}
