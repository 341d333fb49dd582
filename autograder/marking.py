"""Marking: one function from an assignment and a submission to marks, with the learner's code sealed and apart.

The notebook that runs is the author's; of the submission only the sources of answer cells are put in. What they define
runs in one sealed process; the author's tests run in another, which calls into the first and gets plain data back.
A question earns its marks when its whole test cell ran to its end, and in no other way.
"""

import ast
import time
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.assignment import Assignment, Question, first_line, read
from autograder.catalogue import Catalogue, catalogue
from autograder.plain import BadData, dump, load
from autograder.seal import Limits
from autograder.sealed import Gone, receive_frame, send, send_frame
from autograder.warm import Process, Warm
from campus.errors import CampusError

CELL_SECONDS = 20  # wall time of one cell of the answers, or of one whole test


@dataclass(frozen=True)
class Mark:
    """One question: marks earned of those there are (None until a tutor marks it), and why marks were lost."""

    question: str
    points: int
    score: int | None
    failure: str | None = None  # kind and text of what its test ended with
    text: str = ""  # what the answer printed
    seconds: float = 0.0


@dataclass(frozen=True)
class Result:
    """A marked submission."""

    marks: tuple[Mark, ...]
    flags: tuple[str, ...]  # sentences for the tutor about what is odd in the submission
    seconds: float
    sealed: bool = True

    @property
    def score(self) -> int:
        """Marks earned so far."""
        return sum(mark.score or 0 for mark in self.marks)


@dataclass
class Apart:
    """The sealed process of the answers, and all that was run in it, so that it can be made again."""

    warm: Warm
    data: Path | None
    limits: Limits
    slot: int
    process: Process | None = None
    history: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """A new process in which everything that ran to its end runs again."""
        self.process = self.warm.fork(self.data, self.limits, self.slot)
        for source in self.history:
            self.ask({"run": source})

    def ask(self, request: dict) -> bytes:
        """Send a request and wait for its answer, at most a cell's time; Gone where none comes."""
        self.process.socket.settimeout(CELL_SECONDS)
        send(self.process.socket, request)
        return receive_frame(self.process.socket)

    def run(self, source: str) -> dict:
        """Run a cell; a process that does not answer is ended, and begun anew without that cell."""
        try:
            answer = read_ran(load(self.ask({"run": source})))
        except (Gone, BadData) as error:
            return self.renew(error)
        self.history.append(source)
        return answer

    def renew(self, error: Exception) -> dict:
        """End a process that gave no good answer, begin another, and say what happened."""
        timed_out = "timed out" in str(error)
        self.warm.end(self.process)
        self.begin()
        if timed_out:
            return {"error": "TimeoutError", "message": f"It ran for more than {CELL_SECONDS} seconds.", "text": ""}
        return {"error": "SystemError", "message": "It ended the process that ran it.", "text": ""}


def mark_file(folder: Path, path: Path) -> dict:
    """Mark a notebook file for the assignment in `folder`, without any gradebook.

    {"ok", "name", "file", "score", "points", "seconds", "flags": [sentence...], "questions": [{"id", "points", "score"
    (None for a tutor), "failure", "mistake", "told"}...]}; CampusError where the file is none, or nothing can seal.
    """
    submission = read_submission(path)
    assignment = read(folder)
    known = catalogue(folder)
    with Warm() as warm:
        result = grade(assignment, submission, warm)
    return {
        "ok": True,
        "name": assignment.name,
        "file": str(path),
        "score": result.score,
        "points": assignment.points,
        "seconds": round(result.seconds, 2),
        "flags": list(result.flags),
        "questions": [describe_mark(mark, known) for mark in result.marks],
    }


def read_submission(path: Path) -> NotebookNode:
    """A learner's notebook; one sentence where the file is none."""
    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise CampusError(f"{path} does not exist: name the notebook that was handed in.") from None
    except Exception as error:  # nbformat raises many kinds for a broken file
        raise CampusError(f"{path} is not a notebook ({first_line(error, 80)}): ask for it again.") from None


def describe_mark(mark: Mark, known: Catalogue) -> dict:
    """A mark as plain data, with the listed mistake that its failure is known as."""
    mistake, told = known.get(mark.question, {}).get(mark.failure, (None, None))
    return {
        "id": mark.question,
        "points": mark.points,
        "score": mark.score,
        "failure": mark.failure,
        "mistake": mistake,
        "told": told,
    }


def grade(
    assignment: Assignment, submission: NotebookNode, warm: Warm, limits: Limits | None = None, slot: int = 0
) -> Result:
    """Mark a submission of an assignment. Both run sealed; `slot` keeps submissions marked at one time apart."""
    start = time.monotonic()
    limits = limits or Limits()
    data = assignment.folder / "data"
    data = data if data.is_dir() else None
    answers, flags = take_answers(assignment, submission)
    apart = Apart(warm, data, limits, 2 * slot)
    apart.begin()
    tests = warm.fork(data, limits, 2 * slot + 1)
    try:
        marks = run_notebook(assignment, answers, apart, tests)
    finally:
        warm.end(apart.process)
        warm.end(tests)
    return Result(tuple(marks), tuple(flags), time.monotonic() - start)


def run_notebook(assignment: Assignment, answers: dict[str, str], apart: Apart, tests: Process) -> list[Mark]:
    """Go through the author's cells in order: answers in their process, tests in theirs, all else in both."""
    by_answer = {question.answer: question for question in assignment.questions}
    by_test = {question.test: question for question in assignment.by_machine}
    marks, ran = [], {}
    for number, cell in enumerate(assignment.notebook.cells):
        if number in by_answer and by_answer[number].marked == "hand":
            question = by_answer[number]
            marks.append(Mark(question.id, question.points, None))
        elif cell.cell_type != "code":
            continue
        elif number in by_answer:
            ran[by_answer[number].id] = apart.run(answers[by_answer[number].id])
        elif number in by_test:
            marks.append(mark(by_test[number], assignment, ran[by_test[number].id], apart, tests))
        else:
            apart.run(cell.source)
            send(tests.socket, {"run": cell.source})
            read_ran(load(receive_frame(tests.socket)))
    return marks


def mark(question: Question, assignment: Assignment, ran: dict, apart: Apart, tests: Process) -> Mark:
    """Run one question's test; its marks are earned if it ran to its end."""
    start = time.monotonic()
    names = defined_names(assignment.notebook.cells[question.answer].source)
    try:
        ended = run_test(assignment.notebook.cells[question.test].source, names, apart, tests)
    except (Gone, BadData) as error:
        ended = apart.renew(error)
    passed = ended["error"] is None
    failure = None if passed else f"{ended['error']}: {ended['message']}"
    seconds = time.monotonic() - start
    return Mark(question.id, question.points, question.points if passed else 0, failure, ran["text"], seconds)


def run_test(source: str, names: list[str], apart: Apart, tests: Process) -> dict:
    """Bind what the answers define, run the test, and carry its calls to the answers until it ends."""
    found = load(apart.ask({"describe": names}))
    if not isinstance(found, dict) or not all(isinstance(entry, dict) for entry in found.values()):
        raise BadData("an answer that describes nothing")
    tests.socket.settimeout(CELL_SECONDS * 3)
    send(tests.socket, {"bind": {name: found.get(name) for name in names}})
    receive_frame(tests.socket)
    send(tests.socket, {"run": source})
    while True:
        said = load(receive_frame(tests.socket))
        if "ask" not in said:
            return read_ran(said)
        try:
            reply = carry_call(said["ask"], apart, tests)
        except (Gone, BadData) as error:
            reply = dump(apart.renew(error))
        send_frame(tests.socket, reply)


def carry_call(request: dict, apart: Apart, tests: Process) -> bytes:
    """Carry a call to the answers and what it calls back to the tests; the reply, checked."""
    deadline = time.monotonic() + CELL_SECONDS
    reply = apart.ask(request)
    while is_call_back(load(reply)):
        if time.monotonic() > deadline:
            raise Gone("timed out")
        send_frame(tests.socket, reply)
        send_frame(apart.process.socket, receive_frame(tests.socket))
        reply = receive_frame(apart.process.socket)
    read_called(load(reply))
    return reply


def read_ran(answer: object) -> dict:
    """The answer to a run, checked: it may come from a process that lies."""
    if not isinstance(answer, dict) or set(answer) != {"error", "message", "text"}:
        raise BadData("an answer that is none")
    if not all(isinstance(answer[name], str) for name in ("message", "text")):
        raise BadData("an answer whose text is none")
    if not isinstance(answer["error"], str | None):
        raise BadData("an answer whose error is none")
    return answer


def is_call_back(answer: object) -> bool:
    """Whether an answer asks for a function of the test's, in the form that the tests' process takes."""
    if not isinstance(answer, dict) or set(answer) != {"back", "args", "kwargs"}:
        return False
    named = isinstance(answer["kwargs"], dict) and all(isinstance(name, str) for name in answer["kwargs"])
    return isinstance(answer["back"], int) and isinstance(answer["args"], list) and named


def read_called(answer: object) -> dict:
    """The answer to a call, checked: a value, or the name and text of an error."""
    if isinstance(answer, dict) and set(answer) == {"value"}:
        return answer
    told = isinstance(answer, dict) and {"error", "message"} <= set(answer) <= {"error", "message", "text"}
    if told and isinstance(answer["error"], str) and isinstance(answer["message"], str):
        return answer
    raise BadData("a reply that is none")


# Reading


def defined_names(source: str) -> list[str]:
    """The names that the author's answer defines at its top level: what the tests may use of an answer."""
    names = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names += [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
    return list(dict.fromkeys(names))


def take_answers(assignment: Assignment, submission: NotebookNode) -> tuple[dict[str, str], list[str]]:
    """The sources of the answer cells by question, and sentences about all else that is not as it was handed out."""
    given: dict[str, list[NotebookNode]] = {}
    for cell in submission.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id") if hasattr(cell.metadata, "get") else None
        if isinstance(name, str):
            given.setdefault(name, []).append(cell)
    answers, flags = {}, []
    for question in assignment.questions:
        cells = given.get(question.id, [])
        answers[question.id] = cells[0].source if cells else ""
        if not cells:
            flags.append(f"The answer cell of {question.id} is missing: it counts as blank.")
        if len(cells) > 1:
            flags.append(f"The answer cell of {question.id} is there {len(cells)} times: the first counts.")
    return answers, flags + odd_tests(assignment, given)


def odd_tests(assignment: Assignment, given: dict[str, list[NotebookNode]]) -> list[str]:
    """Sentences about test cells that were taken out, repeated or given tags; the author's are run in any case."""
    flags = []
    for question in assignment.by_machine:
        cells = given.get(question.test_id, [])
        if len(cells) != 1:
            flags.append(f"The test cell of {question.id} is there {len(cells)} times, not once.")
        if any(cell.metadata.get("tags") for cell in cells):
            flags.append(f"The test cell of {question.id} was given tags.")
    return flags
