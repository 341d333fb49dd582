"""Marking: one function from an assignment and a submission to marks, with the learner's code sealed and apart.

The notebook that runs is the author's; of the submission only the sources of answer cells are put in. What they define
runs in one sealed process; the author's tests run in another, which calls into the first and gets plain data back.
A question earns its marks when its whole test cell ran to its end, and in no other way.
"""

import dataclasses
import time
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode
from nbgrader.utils import determine_grade

from autograder.assignment import Assignment, Question, read
from autograder.plain import BadData, dump, load
from autograder.rebuilt import Plan, as_error, as_outputs, name_of, plan, rebuild
from autograder.seal import Limits
from autograder.sealed import LONGEST_TEXT, MOST_IMAGES, MOST_OUTPUTS, Gone, receive_frame, send, send_frame
from autograder.submission import Submission, clean, defuse, read_submission
from autograder.warm import Process, Warm
from campus.errors import CampusError

CELL_SECONDS = 20  # wall time of one cell of the answers, or of one whole test with all that it calls
TOTAL_SECONDS = 120  # wall time of all cells of a submission
LEAST_SECONDS = 3  # what is kept for each cell that is still to come, however long those before it took
GRACE_SECONDS = 5  # for the tests' own process, when the answers' has been stopped
LONGEST_SAID = 2_000  # characters that an associate is told
PNG = b"\x89PNG\r\n\x1a\n"
ENDS = {
    "cpu": "It used all the processor time that it may use.",
    "wall": "It ran for longer than it may.",
    "memory": "It used more memory than it may.",
}
APART = ("TimeoutError", "SystemError")  # of a process that gave no answer
NEUTRAL = "Your answer does not pass its test. See {where}."
BLANK = "You left this question open. See {where}."
ALONE = "Only the answer cells of your notebook are run: what an answer needs stands in its own cell."
UNREAD = "Your file could not be read: hand it in again."
LIVE = "The test of {question} runs in the learner's own process, where an answer can deceive it: look at the answer."
HIDDEN = "Your answer passes the tests that you can see and {how}, which is not shown: try other cases. See {where}."
UNSEALED = "This was marked without a seal: the learner's code ran as the user who marks."


@dataclass(frozen=True)
class Mark:
    """One question: marks earned of those there are (None until a tutor marks it), and why marks were lost.

    `failure` is for tutors: it may hold what hidden tests expect. `told` is for the associate and never does.
    """

    question: str
    points: int
    score: float | None
    failure: str | None = None  # kind and text of what its test ended with
    mistake: str | None = None  # the listed mistake that the failure is known as
    told: str | None = None
    weaker: bool = False  # its test ran in the learner's process, where it can be deceived
    text: str = ""  # what the answer printed
    seconds: float = 0.0


@dataclass(frozen=True)
class Result:
    """A marked submission."""

    assignment: str
    digest: str  # sha256 of the submission's bytes
    marks: tuple[Mark, ...]
    flags: tuple[str, ...]  # sentences for the tutor about what is odd in the submission
    notebook: NotebookNode = field(repr=False)  # the author's with the learner's answers, and all outputs
    seconds: dict[str, float] = field(default_factory=dict)  # wall time by phase
    sealed: bool = True

    @property
    def score(self) -> float:
        """Marks earned so far."""
        return sum(mark.score or 0 for mark in self.marks)

    def asdict(self) -> dict:
        """The same as plain data, for JSON; `from_dict` makes a result of it again."""
        found = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self)}
        marks = [dataclasses.asdict(mark) for mark in self.marks]
        return found | {"marks": marks, "flags": list(self.flags), "score": self.score}

    @classmethod
    def from_dict(cls, found: dict) -> "Result":
        """The result that `asdict` made this of."""
        given = {key: value for key, value in found.items() if key != "score"}
        marks = tuple(Mark(**mark) for mark in found["marks"])
        notebook = from_plain(found["notebook"])
        return cls(**given | {"marks": marks, "flags": tuple(found["flags"]), "notebook": notebook})


def from_plain(value: object) -> object:
    """A notebook out of dicts and lists."""
    if isinstance(value, dict):
        return NotebookNode({key: from_plain(entry) for key, entry in value.items()})
    return [from_plain(entry) for entry in value] if isinstance(value, list) else value


def mark_file(folder: Path, path: Path, unsealed: bool = False) -> dict:
    """Mark a notebook file for the assignment in `folder`, without any gradebook.

    {"ok", "name", "file", "digest", "score", "points", "seconds", "sealed", "flags": [sentence...], "questions":
    [{"id", "points", "score" (None for a tutor), "failure", "mistake", "told", "weaker"}...]}; CampusError where there
    is no such file, or nothing can seal.
    """
    if not path.exists():
        raise CampusError(f"{path} does not exist: name the notebook that was handed in.")
    assignment = read(folder)
    result = grade(assignment, path, unsealed=unsealed)
    fields = ("points", "score", "failure", "mistake", "told", "weaker")
    return {
        "ok": True,
        "name": assignment.name,
        "file": str(path),
        "digest": result.digest,
        "score": result.score,
        "points": assignment.points,
        "seconds": round(sum(result.seconds.values()), 2),
        "sealed": result.sealed,
        "flags": list(result.flags),
        "questions": [{"id": mark.question} | {name: getattr(mark, name) for name in fields} for mark in result.marks],
    }


def grade(
    assignment: Assignment,
    submission: bytes | Path | NotebookNode,
    warm: Warm | None = None,
    *,
    limits: Limits | None = None,
    slot: int = 0,
    unsealed: bool = False,
) -> Result:
    """Mark a submission of an assignment. Nothing in it raises: what cannot be marked earns nothing, and is flagged.

    `warm` is used where it is given; `slot` keeps submissions that are marked at one time apart. CampusError where
    this machine cannot seal, unless `unsealed` says that learners' code may run as it is.
    """
    if warm is None:
        with Warm(unsealed) as own:
            return grade(assignment, submission, own, limits=limits, slot=slot)
    spent = Spent()
    with spent.on("read"):
        prepared = plan(assignment)
        found = read_submission(assignment, submission)
    if found.broken:
        marked = Marked(prepared, found)
    else:
        run = Run(prepared, found, warm, limits or Limits(), slot, spent)
        marked = run.all()
    with spent.on("write"):
        return marked.result(spent, sealed=not warm.unsealed)


class Spent:
    """Wall time by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def on(self, phase: str) -> "Spent":
        self.phase, self.start = phase, time.monotonic()
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error) -> None:
        self.last = time.monotonic() - self.start
        self.seconds[self.phase] = self.seconds.get(self.phase, 0.0) + self.last


class Clock:
    """Wall time that the cells of a submission may still take: the first cannot take the time of the last."""

    def __init__(self, cells: int) -> None:
        self.cells, self.end = cells, time.monotonic() + TOTAL_SECONDS

    def next(self) -> float:
        """Until when the next cell may run."""
        self.cells -= 1
        now = time.monotonic()
        spare = self.end - now - LEAST_SECONDS * self.cells
        self.allowed = min(CELL_SECONDS, max(LEAST_SECONDS, spare))
        self.until = now + self.allowed
        return self.until


@dataclass
class Side:
    """A sealed process, and all that was run in it, so that it can be made again."""

    warm: Warm
    data: Path | None
    limits: Limits
    slot: int
    process: Process | None = None
    history: list[str] = field(default_factory=list)

    @property
    def order(self) -> tuple[Path | None, Limits, int]:
        """What the warm process is asked for."""
        return self.data, self.limits, self.slot

    def begin(self, until: float) -> None:
        """A new process in which everything that ran to its end runs again, but for what fails this time."""
        self.process = self.warm.fork(*self.order)
        for source in list(self.history):
            try:
                self.ask({"run": source}, until)
            except Gone:
                self.history.remove(source)
                self.end()
                return self.begin(until)

    def end(self) -> str:
        """End the process; why it had ended, if it had."""
        process, self.process = self.process, None
        return self.warm.end(process)[0] if process else "killed"

    def ask(self, request: dict, until: float) -> bytes:
        """Send a request and wait for its answer; Gone where none comes in time."""
        self.send(request, until)
        return self.receive(until)

    def send(self, request: dict | bytes, until: float) -> None:
        """Send a request, or the bytes of one."""
        try:
            self.process.socket.settimeout(max(0.001, until - time.monotonic()))
            (send_frame if isinstance(request, bytes) else send)(self.process.socket, request)
        except Gone as error:
            error.side = self
            raise

    def receive(self, until: float) -> bytes:
        """The next frame."""
        try:
            return receive_frame(self.process.socket, until)
        except Gone as error:
            error.side = self
            raise

    def renew(self, error: Exception, clock: Clock) -> dict:
        """End a process that gave no good answer, begin another, and say what happened."""
        reason = self.end()
        self.begin(max(clock.until, time.monotonic() + LEAST_SECONDS))
        if "timed out" in str(error):
            return failed("TimeoutError", f"It ran for more than {clock.allowed:.0f} seconds.")
        return failed("SystemError", ENDS.get(reason, "It ended the process that ran it."))


def failed(error: str, message: str) -> dict:
    """What is said of a cell that gave no answer."""
    return {"error": error, "message": message, "outputs": [], "value": None, "lines": [], "trace": []}


class Run:
    """One submission on its way through the author's cells."""

    def __init__(
        self, prepared: Plan, submission: Submission, warm: Warm, limits: Limits, slot: int, spent: Spent
    ) -> None:
        data = prepared.assignment.folder / "data"
        data = data if data.is_dir() else None
        self.plan, self.submission, self.spent, self.warm = prepared, submission, spent, warm
        self.answers = Side(warm, data, limits, 2 * slot)
        patient = dataclasses.replace(limits, wall_seconds=max(limits.wall_seconds, 2 * TOTAL_SECONDS))
        self.tests = Side(warm, data, patient, 2 * slot + 1)
        self.clock = Clock(len(prepared.code))
        self.marked = Marked(prepared, submission)

    def all(self) -> "Marked":
        """Go through the cells in order: answers in their process, tests in theirs, what both may need in both."""
        try:
            with self.spent.on("fork"):
                both = self.warm.forks(self.answers.order, self.tests.order)
                self.answers.process, self.tests.process = both
            tests = [number for number, cell in enumerate(self.plan.code) if name_of(cell) in self.plan.tests]
            last_test = max(tests, default=0)
            for number, cell in enumerate(self.plan.code):
                self.step(cell, is_needed=number < last_test)
            if self.marked.again:
                with self.spent.on("again"):
                    self.tell_again()
            for question in self.plan.assignment.by_machine:
                if question.live:
                    with self.spent.on("tests"):
                        ran = self.test_live(question)
                    self.marked.tested(question, ran, "", self.spent.last)
        finally:
            with self.spent.on("end"):
                self.warm.end(*filter(None, (self.answers.process, self.tests.process)))
        return self.marked

    def step(self, cell: NotebookNode, is_needed: bool) -> None:
        """One code cell; one of the author's that no later test needs runs beside the answers only."""
        question = self.plan.questions.get(name_of(cell))
        if question is None or name_of(cell) == question.id:
            with self.spent.on("answers"):
                self.marked.shown[cell.id] = self.run_answer(self.source(cell))
        if question is None:
            if is_needed:
                with self.spent.on("tests"):
                    self.run_beside(cell.source, self.clock.until)
        elif name_of(cell) == question.test_id and not question.live:
            with self.spent.on("tests"):
                ran, said = self.test(question, cell.source)
            self.marked.tested(question, ran, said, self.spent.last)

    def source(self, cell: NotebookNode) -> str:
        """What runs in a cell's place: the learner's answer, or the author's own."""
        return self.submission.answers.get(name_of(cell), cell.source)

    def tell_again(self) -> None:
        """Say anew what was said after hidden tests had run, from a process that sees none of them.

        An answer may keep what a hidden test called it with, and give it out in a later message or value.
        """
        self.begin_anew()
        shown = {}
        for cell in self.plan.code:
            question = self.plan.questions.get(name_of(cell))
            if question is None or name_of(cell) == question.id:
                shown[cell.id] = self.run_answer(self.source(cell))
            elif question.id in self.marked.again:
                ran, _ = self.test(question, self.plan.released[question.id])
                self.marked.retell(question, ran, shown[self.plan.cell(question.id).id])

    def test_live(self, question: Question) -> dict:
        """Run a test in the learner's process: in one of its own, from which the associate is told nothing."""
        self.begin_anew()
        for cell in self.plan.code:
            if name_of(cell) == question.test_id:
                return self.run_answer(cell.source)
            if name_of(cell) not in self.plan.tests:
                self.run_answer(self.source(cell))
        raise AssertionError("unreachable")

    def begin_anew(self) -> None:
        """A process for answers in which nothing ran."""
        self.answers.end()
        self.answers.history.clear()
        self.answers.begin(time.monotonic() + CELL_SECONDS)

    def run_answer(self, source: str) -> dict:
        """Run a cell in the answers' process; one that does not answer is ended, and begun anew without that cell."""
        until = self.clock.next()
        try:
            ran = read_ran(load(self.answers.ask({"run": source, "show": True}, until)))
        except (Gone, BadData) as error:
            return self.answers.renew(error, self.clock)
        self.answers.history.append(source)
        return ran

    def run_beside(self, source: str, until: float) -> None:
        """Run one of the author's other cells in the tests' process too."""
        try:
            self.converse(source, until, [])
            self.tests.history.append(source)
        except (Gone, BadData) as error:
            self.tests.renew(error, self.clock)

    def test(self, question: Question, source: str) -> tuple[dict, str]:
        """Run a question's test against what its answer defines; how it ended, and what it made the answer print."""
        until, said = self.clock.next(), []
        try:
            found = load(self.answers.ask({"describe": self.plan.names[question.id]}, until))
            if not isinstance(found, dict) or not all(isinstance(entry, dict) for entry in found.values()):
                raise BadData("an answer that describes nothing")
        except (Gone, BadData) as error:
            return self.answers.renew(error, self.clock), ""
        bound = {name: found.get(name) for name in self.plan.names[question.id]}
        try:
            self.tests.ask({"bind": bound}, until + GRACE_SECONDS)
            return self.converse(source, until, said), "".join(said)
        except (Gone, BadData) as error:
            return self.tests.renew(error, self.clock), "".join(said)

    def converse(self, source: str, until: float, said: list[str]) -> dict:
        """Run a cell in the tests' process, and carry its calls to the answers until it ends."""
        late = until + GRACE_SECONDS
        self.tests.send({"run": source}, late)
        while True:
            told = load(self.tests.receive(late))
            if "ask" not in told:
                return read_ran(told)
            self.tests.send(self.carry(told["ask"], until, said), late)

    def carry(self, request: dict, until: float, said: list[str]) -> bytes:
        """Carry a call to the answers and what it calls back to the tests; the reply, checked, as bytes."""
        try:
            if time.monotonic() > until:
                raise Gone("timed out")
            reply = self.answers.ask(request, until)
            while is_call_back(answer := load(reply)):
                self.tests.send(reply, until + GRACE_SECONDS)
                self.answers.send(self.tests.receive(until + GRACE_SECONDS), until)
                reply = self.answers.receive(until)
            said.append(read_called(answer)[:LONGEST_TEXT])
            return reply
        except (Gone, BadData) as error:
            if getattr(error, "side", None) is self.tests:
                raise
            ended = self.answers.renew(error, self.clock)
            return dump({"error": ended["error"], "message": ended["message"], "said": ""})


@dataclass
class Marked:
    """What became of a submission so far, and the result that it makes."""

    plan: Plan
    submission: Submission
    shown: dict[str, dict] = field(default_factory=dict)  # by cell id: what cells did
    marks: dict[str, Mark] = field(default_factory=dict)
    exposed: bool = False  # a hidden test ran in the learner's process: it may keep what it was called with
    again: set[str] = field(default_factory=set)  # questions whose associates are told what such a process said

    def tested(self, question: Question, ran: dict, said: str, seconds: float) -> None:
        """Note how a question's test ended."""
        cell = self.plan.cell(question.test_id)
        said = clean(said)
        outputs = [{"output_type": "stream", "name": "stdout", "text": said}] if said else []
        outputs += [output | {"name": "stdout"} if "name" in output else output for output in ran["outputs"]]
        if ran["error"] is None and ran["value"] is not None:
            outputs = [output for output in outputs if output["output_type"] != "execute_result"]
            outputs.append({"output_type": "execute_result", "data": {"text/plain": ran["value"]}})
        ran = ran | {"outputs": outputs}
        score = points_of(cell, ran)
        if ran["error"] is None and score is None:
            ran = ran | failed("ValueError", f"The test gave {ran['value'][:40]} of {question.points} marks.")
        self.shown[cell.id] = ran
        hidden = self.plan.hidden[question.id]
        if hidden and not (ran["lines"] and max(ran["lines"]) < min(hidden)):
            self.exposed = True
        failure = f"{clean(ran['error'])}: {clean(ran['message'])}" if ran["error"] is not None else None
        mistake, told = self.explain(question, ran, failure)
        answer = self.shown[self.plan.cell(question.id).id]
        text = "".join(output["text"] for output in answer["outputs"] if output["output_type"] == "stream")
        self.marks[question.id] = Mark(
            question=question.id,
            points=question.points,
            score=score or 0,
            failure=failure,
            mistake=mistake,
            told=told,
            weaker=question.live,
            text=(clean(text) + said)[:LONGEST_TEXT],
            seconds=seconds,
        )

    def explain(self, question: Question, ran: dict, failure: str | None) -> tuple[str | None, str | None]:
        """The listed mistake that a failure is known as, and what its author is told: nothing of a hidden test."""
        if failure is None:
            return None, None
        mistake, told = self.plan.known.get(question.id, {}).get(failure, (None, None))
        if mistake is not None:
            return mistake, told
        if question.live:
            return None, NEUTRAL.format(where=self.plan.where[question.id])
        answer = self.shown[self.plan.cell(question.id).id]
        if answer["error"] is None and (not ran["lines"] or set(ran["lines"]) & self.plan.hidden[question.id]):
            if ran["error"] in APART and not ran["trace"]:
                return None, ran["message"]
            how = "fails another" if ran["error"] == "AssertionError" else "stops in another"
            return None, HIDDEN.format(how=how, where=self.plan.where[question.id])
        if self.submission.answers.get(question.id, "").strip() in ("", self.plan.cell(question.id).source.strip()):
            return None, BLANK.format(where=self.plan.where[question.id])
        if self.exposed:
            self.again.add(question.id)
            return None, NEUTRAL.format(where=self.plan.where[question.id])
        return None, self.tell(question, ran, answer)

    def tell(self, question: Question, ran: dict, answer: dict) -> str:
        """What an associate is told of an answer that did not run, or of a visible test that it fails."""
        where = self.plan.where[question.id]
        stopped = answer if answer["error"] is not None else ran
        message = defuse(clean(stopped["message"]))
        what = f"{defuse(clean(stopped['error']))}: {message}".rstrip(": ")
        if stopped is ran and ran["error"] == "AssertionError" and message:
            return message[:LONGEST_SAID]
        said = f"Your answer stopped {'when it was tested' if stopped is ran else 'before it could be tested'}. "
        said += f"{what[:LONGEST_SAID].rstrip('.')}."
        if stopped["error"] == "NameError":
            said += f" {ALONE}"
        return f"{said} See {where}."

    def retell(self, question: Question, ran: dict, answer: dict) -> None:
        """Tell an associate what a process said that no hidden test ran in."""
        if ran["error"] is not None or answer["error"] is not None:
            told = self.tell(question, ran, answer)
            self.marks[question.id] = dataclasses.replace(self.marks[question.id], told=told)

    def result(self, spent: Spent, sealed: bool) -> Result:
        """The result: marks in the author's order, and the notebook."""
        flags = list(self.submission.flags)
        flags += [LIVE.format(question=one.id) for one in self.plan.assignment.by_machine if one.live]
        if not sealed:
            flags.append(UNSEALED)
        marks = tuple(
            self.marks.get(question.id) or self.unrun(question) for question in self.plan.assignment.questions
        )
        notes = {}
        for mark in marks:
            if mark.question in self.plan.released:
                note = {"released": self.plan.released[mark.question], "mistake": mark.mistake, "told": mark.told}
                notes[f"test-{mark.question}"] = note
        outputs = {name: as_outputs(ran) for name, ran in self.shown.items()}
        for question in self.plan.assignment.by_machine:
            test = self.plan.cell(question.test_id)
            if test.id not in outputs:
                outputs[test.id] = [as_error(failed("NotMarked", "Nothing was handed in that could be run."))]
        notebook = rebuild(self.plan, self.submission.answers, outputs, notes, tuple(flags))
        name = self.plan.assignment.name
        return Result(name, self.submission.digest, marks, tuple(flags), notebook, spent.seconds, sealed)

    def unrun(self, question: Question) -> Mark:
        """The mark of a question that no machine marks, or of one that could not be run."""
        if question.marked == "machine":
            why = self.submission.flags[0]
            return Mark(question.id, question.points, 0, f"NotMarked: {why}", told=UNREAD, weaker=question.live)
        cell = self.plan.cell(question.id)
        blank = self.submission.answers.get(question.id, cell.source).strip() == cell.source.strip()
        return Mark(question.id, question.points, 0 if blank else None)


def points_of(cell: NotebookNode, ran: dict) -> float | None:
    """The points of a test by nbgrader's own rule; None where the test gives more than there are."""
    shown = NotebookNode(cell_type="code", metadata=cell.metadata, source=cell.source, outputs=as_outputs(ran))
    try:
        points = determine_grade(shown)[0]
    except ValueError:
        return None
    return int(points) if points == int(points) else points


# Checking what comes from a process that may lie


def read_ran(answer: object) -> dict:
    """The answer to a run, checked."""
    if not isinstance(answer, dict) or set(answer) != {"error", "message", "outputs", "value", "lines", "trace"}:
        raise BadData("an answer that is none")
    optional = [answer[name] for name in ("error", "value") if answer[name] is not None]
    if not all(map(is_text, [answer["message"], *optional])):
        raise BadData("an answer whose text is none")
    if not is_list(answer["trace"], str, 100) or not is_list(answer["lines"], int, 100):
        raise BadData("an answer whose trace is none")
    if not is_list(answer["outputs"], dict, MOST_OUTPUTS) or not all(map(is_output, answer["outputs"])):
        raise BadData("an answer whose outputs are none")
    images = [out for out in answer["outputs"] if "image/png" in out.get("data", ())]
    texts = [out.get("text") or out.get("data", {}).get("text/plain", "") for out in answer["outputs"]]
    if len(images) > MOST_IMAGES or sum(map(len, texts)) > 2 * LONGEST_TEXT:
        raise BadData("an answer that is too long")
    return answer


def is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 2 * LONGEST_TEXT


def is_list(value: object, kind: type, most: int) -> bool:
    return isinstance(value, list) and len(value) <= most and all(isinstance(entry, kind) for entry in value)


def is_output(output: dict) -> bool:
    """Whether an output is text on a stream, or a value or figure as text and PNG image."""
    if output.get("output_type") == "stream":
        return (
            set(output) == {"output_type", "name", "text"}
            and output["name"] in ("stdout", "stderr")
            and is_text(output["text"])
        )
    if output.get("output_type") not in ("display_data", "execute_result") or set(output) != {"output_type", "data"}:
        return False
    data = output["data"]
    if not isinstance(data, dict) or not set(data) <= {"text/plain", "image/png"}:
        return False
    image = data.get("image/png", PNG)
    return is_text(data.get("text/plain", "")) and isinstance(image, bytes) and image.startswith(PNG)


def is_call_back(answer: object) -> bool:
    """Whether an answer asks for a function of the test's, in the form that the tests' process takes."""
    if not isinstance(answer, dict) or set(answer) != {"back", "args", "kwargs"}:
        return False
    named = isinstance(answer["kwargs"], dict) and all(isinstance(name, str) for name in answer["kwargs"])
    return isinstance(answer["back"], int) and isinstance(answer["args"], list) and named


def read_called(answer: object) -> str:
    """What a call printed; BadData where the answer is neither a value nor the name and text of an error."""
    if not isinstance(answer, dict) or not isinstance(answer.get("said"), str):
        raise BadData("a reply that is none")
    if set(answer) == {"value", "said"}:
        return answer["said"]
    known = {"error", "message", "said"} <= set(answer) <= {"error", "message", "said", "trace"}
    if known and isinstance(answer["error"], str) and isinstance(answer["message"], str):
        return answer["said"]
    raise BadData("a reply that is none")
