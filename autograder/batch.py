"""A batch: what waits in the queue goes to workers, and what comes back is written, until none of it is left."""

import hashlib
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Row

from autograder import assignment, gradebook
from autograder.assignment import first_line
from autograder.gradebook import Marked
from autograder.handed_in import Collected, read_collected
from autograder.marking import Mark, Result
from autograder.queue import DONE, FAILED, REPLACED, TRIES, Claim, HandedIn, Queue
from autograder.rebuilt import plan, rebuild
from autograder.submission import read_submission
from autograder.workers import BROKEN, LOST, MARKED, Answer, Executor, Order
from campus import folders
from campus.errors import CampusError

WAIT_SECONDS = 0.2
BEATS = 3  # claims are renewed so often in the time that they last
AHEAD = 2  # submissions that are claimed before a worker is idle, which then need not wait for the database


@dataclass(frozen=True)
class Given:
    """A submission that a worker has."""

    claim: Claim
    folder: Path
    collected: Collected


def waiting(folder: Path, student: str, version: str) -> HandedIn:
    """What somebody handed in, as the queue knows it."""
    found = read_collected(folder.name, student)
    return HandedIn(folder.name, student, digest_of(found), version, found.stamp)


def digest_of(found: Collected) -> str:
    """The digest of what was collected: of its notebook and of what is odd about the rest."""
    return hashlib.sha256(found.data + "\n".join(["", *found.flags]).encode()).hexdigest()


class Batch:
    """The submissions that one run marks: rows of the queue, or all that wait where none are named."""

    def __init__(self, queue: Queue, executor: Executor, given: list[Path]) -> None:
        self.queue = queue
        self.executor = executor
        self.folders = {folder.name: folder for folder in given}
        self.out: dict[str, Given] = {}  # by the token of the claim
        self.ahead: deque[Given] = deque()  # claimed, and not given out yet

    def run(self, wanted: list[int], told: Callable[[HandedIn, str], None]) -> None:
        """Mark these rows; `told` hears of each when it is written. What is not finished at an error waits again."""
        stop = threading.Event()
        heart = threading.Thread(target=self.beat, args=(stop,), daemon=True)
        heart.start()
        try:
            while self.out or self.ahead or self.queue.open(wanted):
                self.claim_ahead(wanted)
                self.give_out()
                self.claim_ahead(wanted)
                answered = self.executor.collect(WAIT_SECONDS)
                self.give_out()  # before marks are written, which takes a while
                for token, answer in answered:
                    given = self.out[token]
                    state = self.finish(given, answer)
                    del self.out[token]
                    if state is not None:
                        told(given.claim.work, state)
        finally:
            stop.set()
            heart.join()
            for given in (*self.out.values(), *self.ahead):
                self.queue.give_back(given.claim, counted=False)
            self.out.clear()
            self.ahead.clear()

    def beat(self, stop: threading.Event) -> None:
        """Renew our claims until the end."""
        while not stop.wait(self.queue.lease / BEATS):
            try:
                self.queue.renew([*self.out, *(given.claim.token for given in list(self.ahead))])
            except CampusError:
                continue  # who writes marks hears of it too, and says it

    def claim_ahead(self, wanted: list[int]) -> None:
        """Claim what idle workers are given next."""
        while len(self.ahead) < AHEAD:
            claim = self.queue.claim(wanted)
            if claim is None:
                return
            folder = self.folders[claim.work.assignment]
            given = Given(claim, folder, read_collected(folder.name, claim.work.student))
            if digest_of(given.collected) != claim.work.digest:  # another was collected meanwhile
                wanted += self.queue.enqueue([waiting(folder, claim.work.student, claim.work.version)])
                self.queue.write(claim, REPLACED, None, no_marks)
            elif claim.spent:
                self.fail(given, "the process that marked it ended each time")
            else:
                self.ahead.append(given)

    def give_out(self) -> None:
        """Give each idle worker something to do."""
        while self.ahead and self.executor.idle():
            given = self.ahead.popleft()
            self.out[given.claim.token] = given
            order = Order(str(given.folder), given.claim.work.version, given.collected.data, str(folders.BUILD))
            self.executor.give(given.claim.token, order)
            self.queue.step("given")

    def finish(self, given: Given, answer: Answer) -> str | None:
        """Write what a worker found; the state that the submission has now, None where it waits again."""
        self.queue.step("answered")
        if answer.kind == MARKED:
            try:
                result = Result.from_dict(answer.result)
                return self.write(given, DONE, Marked.of(given.claim.work, result, given.collected.flags))
            except CampusError:
                raise
            except Exception as error:  # one whose marks cannot be written stops nobody else's
                answer = Answer(BROKEN, why=f"its marks could not be written, {first_line(error)}")
        if answer.kind in (BROKEN, LOST):
            if given.claim.tries >= TRIES:
                return self.fail(given, answer.why)
            self.queue.give_back(given.claim)
            return None
        raise CampusError(answer.why)

    def fail(self, given: Given, why: str) -> str:
        """Leave a submission to a tutor: no marks, but its answers in formgrader and the reason before them."""
        authored = assignment.read(given.folder)
        found = read_submission(authored, given.collected.data)
        flag = f"It could not be marked in {TRIES} tries ({why.rstrip('.')}): mark it by hand, or run the grader again."
        flags = (flag, *given.collected.flags, *found.flags)
        notebook = rebuild(plan(authored), found.answers, {}, {}, flags)
        marks = tuple(Mark(question.id, question.points, None) for question in authored.questions)
        marked = Marked(given.claim.work, marks, flags, notebook, {}, True)
        try:
            return self.write(given, FAILED, marked)
        except CampusError:
            raise
        except Exception:
            return self.queue.write(given.claim, FAILED, marked.report(), no_marks)

    def write(self, given: Given, state: str, marked: Marked) -> str:
        """Write marks, notebook and state: all of it or, where the claim was lost, nothing."""
        draft = gradebook.draft_notebook(marked)
        self.queue.step("drafted")

        def write_all(db: Connection, before: Row | None) -> None:
            gradebook.write_marks(db, marked, before)
            self.queue.step("scores")
            gradebook.put_notebook(draft, marked.work.assignment)

        try:
            found = self.queue.write(given.claim, state, marked.report(), write_all)
        finally:
            draft.unlink(missing_ok=True)
        if found == state:
            gradebook.stamp_folder(marked.work)
        self.queue.step("stamped")
        return found


def no_marks(db: Connection, before: Row | None) -> None:
    """Nothing to write."""
