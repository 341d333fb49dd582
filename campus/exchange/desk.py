"""The desk: what one person may do at the exchange, the same over HTTP and on the operator's own machine.

Who may do what stands in one table, `campus.cohort.roles`, which each method asks for its action. What somebody may not
see does not exist for them. Assignments of a module that has not opened wait, with the sentence that says until when.
"""

from dataclasses import dataclass
from pathlib import Path

from campus.cohort.roles import ACTIONS, ALL, MARKING, reach, who_may
from campus.errors import CampusError
from campus.exchange import moment
from campus.exchange.learner import find_learner
from campus.exchange.parcel import FEEDBACK, RELEASE, SUBMISSION, Entry, Parcel, Unpacker
from campus.exchange.refusal import Refusal, printable
from campus.exchange.store import LATE, MARKS, STATES, Store, Terms, entries

WAYS = ("workspace", "page")


@dataclass(frozen=True)
class Visitor:
    """Who stands at the desk, as the hub says: `learns` and `teaches` are about this course, `marks` is its service."""

    name: str
    learns: bool = False
    teaches: bool = False
    marks: bool = False

    @property
    def roles(self) -> list[str]:
        """The roles of the table that somebody has here."""
        held = {"associate": self.learns, "tutor": self.teaches, MARKING: self.marks}
        return [role for role, has in held.items() if has]


@dataclass(frozen=True)
class Files:
    """Files to hand over: where they lie, and what they are."""

    folder: Path
    entries: tuple[Entry, ...]
    number: int = 0


class Desk:
    """The exchange for one visitor; every refusal is a Refusal."""

    def __init__(self, store: Store, visitor: Visitor):
        self.store = store
        self.visitor = visitor
        if not visitor.roles:
            raise Refusal(403, f"{printable(visitor.name)} is neither an associate nor a tutor of this course.")

    # What both may do

    def assignments(self) -> list[dict]:
        """The assignments with terms, deadline and the releases there are, those not released for who may see them."""
        self.demand("see assignments")
        extensions, fetches = self.store.extensions(), self.store.fetches(self.visitor.name)
        everything = self.may("see unreleased") == ALL
        closed = self.closed().keys() - fetches.keys()  # closing a module takes nothing away from who has its work
        found = [
            one for one in self.store.assignments() if everything or (one["released"] and one["name"] not in closed)
        ]
        now = self.store.now()
        for one in found:
            own = extensions.get((one["name"], self.visitor.name))
            one["deadline"], one["extended"] = own or one["deadline"], own is not None
            one["passed"] = one["deadline"] is not None and now > one["deadline"]
            one["fetched"] = fetches.get(one["name"])
        return found

    def assignment(self, name: str) -> dict:
        """One of them."""
        found = [one for one in self.assignments() if one["name"] == name]
        if not found and name in self.closed():
            raise Refusal(403, self.closed()[name])
        if not found:
            raise Refusal(404, f"There is no assignment '{printable(name)}' here.")
        return found[0]

    def waiting(self) -> list[str]:
        """When what is released and not here yet will be: a sentence for each module that has not opened."""
        here, closed = {one["name"] for one in self.assignments()}, self.closed()
        released = {one["name"] for one in self.store.assignments() if one["released"]}
        return sorted({closed[name] for name in closed.keys() & released - here})

    def fetch(self, name: str, number: int | None = None) -> Files:
        """A release's files, the latest without a number; the exchange remembers which one somebody has."""
        self.demand("fetch")
        self.assignment(name)
        found = self.store.release(name, number)
        self.store.fetched(name, self.visitor.name, found["number"])
        return self.files("releases", found, name)

    def look(self, name: str) -> Files:
        """The latest release's files, without fetching it."""
        self.demand("fetch")
        self.assignment(name)
        return self.files("releases", self.store.release(name), name)

    def submissions(self, name: str | None = None, username: str | None = None) -> list[dict]:
        """Receipts in the order of hand-in: one's own, or anybody's for who may see all."""
        self.demand("see receipts")
        if self.may("see receipts") != ALL:
            if username not in (None, self.visitor.name):
                raise Refusal(403, "You can see your own submissions only.")
            username = self.visitor.name
        extensions = self.store.extensions()
        terms = {one["name"]: one for one in self.store.assignments()}
        return [self.receipt(row, terms, extensions) for row in self.store.submissions(name, username)]

    def submission(self, id: str) -> dict:
        """One receipt."""
        row = self.find(id, "see receipts")
        return self.receipt(row, {one["name"]: one for one in self.store.assignments()}, self.store.extensions())

    def submitted_files(self, id: str) -> Files:
        """What was handed in; the log says when a tutor took it."""
        row = self.find(id, "take work")
        if row["username"] != self.visitor.name:
            self.store.note_alone(self.visitor.name, "collected", row["assignment"], row["username"], id)
        return self.files("submissions", row, row["assignment"], row["username"])

    def feedback(self, id: str) -> Files:
        """The latest feedback on a submission."""
        row = self.find(id, "read feedback")
        return self.files("feedback", self.store.feedback(id), row["assignment"], row["username"])

    # What an associate may do

    def accept_submission(self, name: str) -> Unpacker:
        """Somewhere to write a submission that arrives."""
        self.demand("hand in")
        if not self.assignment(name)["released"]:
            raise Refusal(404, f"There is no assignment '{printable(name)}' here.")
        return self.store.unpacker(SUBMISSION)

    def submit(self, name: str, parcel: Parcel, way: str) -> tuple[dict, bool]:
        """The receipt for a submission, and whether it is a new one."""
        self.demand("hand in")
        if way not in WAYS:
            raise Refusal(422, f"'{printable(way)}' is not a way to hand in.")
        self.demand_notebooks(name, parcel)
        row, new = self.store.add_submission(name, self.visitor.name, parcel, way)
        return self.submission(row["id"]), new

    def demand_notebooks(self, name: str, parcel: Parcel) -> None:
        """Refusal where a notebook of the release is missing."""
        wanted = [entry.path for entry in entries(self.store.release(name)) if is_notebook(entry.path)]
        missing = [path for path in wanted if path not in {entry.path for entry in parcel.entries}]
        if missing:
            raise Refusal(422, f"{missing[0]} is missing: hand in {name} with the notebook under this name.")

    # What a tutor may do

    def accept_release(self, name: str) -> Unpacker:
        """Somewhere to write a release that arrives."""
        self.demand("release")
        return self.store.unpacker(RELEASE)

    def release(self, name: str, parcel: Parcel) -> tuple[dict, bool]:
        """Put an assignment out; the next number, or the latest where nothing changed."""
        self.demand("release")
        if not any(is_notebook(entry.path) for entry in parcel.entries):
            raise Refusal(422, f"The release of {printable(name)} holds no notebook: put one into its first folder.")
        return self.store.add_release(name, parcel, self.visitor.name)

    def withdraw(self, name: str) -> None:
        """Hide an assignment from associates; what they handed in stays."""
        self.demand("withdraw")
        self.store.withdraw(name, self.visitor.name)

    def set_terms(self, name: str, deadline: object, late: object, marks: object) -> dict:
        """Give an assignment its deadline (or None), what becomes of late work, and when marks are shown."""
        self.demand("set terms")
        for value, allowed in ((late, LATE), (marks, MARKS)):
            if value not in allowed:
                raise Refusal(422, f"'{printable(value)}' is not one of {', '.join(allowed)}.")
        terms = Terms(None if deadline is None else moment.read(deadline), late, marks)
        self.store.set_terms(name, terms, self.visitor.name)
        return self.assignment(name)

    def extend(self, name: str, username: str, deadline: object) -> None:
        """Give an associate a deadline of their own; None takes it back, whoever has it."""
        self.demand("give time")
        until = None if deadline is None else moment.read(deadline)
        if until is not None or (name, username) not in self.store.extensions():
            username = self.find_learner(username)
        self.store.extend(name, username, until, self.visitor.name)

    def find_learner(self, written: str) -> str:
        """The account of who is meant by what a tutor wrote; Refusal where nobody is."""
        try:
            members = self.store.people()
        except CampusError as error:
            raise Refusal(503, str(error)) from error
        return find_learner(written, members, () if members else self.store.visitors())

    def extensions(self, name: str) -> dict[str, str]:
        """The deadlines of single associates in an assignment, by username."""
        self.demand("give time")
        return {who: deadline for (one, who), deadline in sorted(self.store.extensions().items()) if one == name}

    def report(self, id: str, state: object, score: object = None, points: object = None) -> dict:
        """Say how far the marking of a submission is, with marks once there are any."""
        self.demand("report marks")
        if state not in STATES:
            raise Refusal(422, f"'{printable(state)}' is not one of {', '.join(STATES)}.")
        if (score is None) != (points is None) or not all(is_mark(mark) for mark in (score, points)):
            raise Refusal(422, "Give score and points as numbers from 0 to a million, or neither.")
        self.store.report(id, state, score, points, self.visitor.name)
        return self.submission(id)

    def accept_feedback(self, id: str) -> Unpacker:
        """Somewhere to write feedback that arrives."""
        self.find(id, "give feedback")
        return self.store.unpacker(FEEDBACK)

    def give_feedback(self, id: str, parcel: Parcel) -> tuple[dict, bool]:
        """Return feedback on a submission to its associate."""
        self.demand("give feedback")
        return self.store.add_feedback(id, parcel, self.visitor.name)

    def arrivals(self, after: int = 0) -> list[dict]:
        """Who handed in what behind a number, in order: what the marking queue asks for."""
        self.demand("see receipts")
        if self.may("see receipts") != ALL:
            raise Refusal(403, "You can see your own submissions only.")
        return self.store.arrivals(after)

    def audit(self, after: int = 0, limit: int = 500) -> list[dict]:
        """Who did what, oldest first."""
        self.demand("read the log")
        return self.store.audit(after, limit)

    # How

    def may(self, action: str) -> str:
        """How far the visitor may do an action."""
        return reach(self.visitor.roles, action)

    def demand(self, action: str) -> None:
        """Refusal where the visitor may not do an action at all."""
        if not self.may(action):
            raise Refusal(403, f"Only {who_may(action)} of this course may {ACTIONS[action].words}.")

    def find(self, id: str, action: str) -> dict:
        """A submission with which the visitor may do an action; Refusal as if it did not exist otherwise."""
        self.demand(action)
        found = self.store.submissions(id=id)
        if not found or not (self.may(action) == ALL or found[0]["username"] == self.visitor.name):
            raise Refusal(404, "There is no such submission.")
        return found[0]

    def closed(self) -> dict[str, str]:
        """The assignments whose module has not opened for the visitor, with the sentence that says when it does."""
        everything = self.may("see unreleased") == ALL
        return {} if everything else self.store.closed(self.visitor.name, self.store.now())

    def files(self, kind: str, row: dict, *place: str) -> Files:
        folder = self.store.place(kind, *place, row["id"])
        return Files(folder, entries(row), row["number"])

    def receipt(self, row: dict, terms: dict[str, dict], extensions: dict[tuple[str, str], str]) -> dict:
        """What is told about a submission: marks only when its associate may see them."""
        assignment = terms[row["assignment"]]
        deadline = extensions.get((row["assignment"], row["username"]), assignment["deadline"])
        shown = self.may("report marks") or row["feedback"] or assignment["marks"] == "at once"
        state = "marked" if row["feedback"] else row["state"] or "received"
        if state == "marked" and not shown:
            state = "being marked"  # until its tutor gives it back
        return {
            "id": row["id"],
            "assignment": row["assignment"],
            "username": row["username"],
            "at": row["at"],
            "sha256": row["sha256"],
            "files": row["files"],
            "way": row["way"],
            "deadline": deadline,
            "late": deadline is not None and row["at"] > deadline,
            "state": state,
            "score": row["score"] if shown else None,
            "points": row["points"] if shown else None,
            "feedback": row["feedback"],
        }


def is_notebook(path: str) -> bool:
    """Whether a path names a notebook that is marked: one in the first folder."""
    return path.endswith(".ipynb") and "/" not in path


def is_mark(mark: object) -> bool:
    return mark is None or (type(mark) in (int, float) and 0 <= mark <= 1_000_000)
