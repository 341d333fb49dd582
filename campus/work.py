"""Work: what associates have handed in, and how far its marking is, from the exchange and nbgrader's gradebook."""

from dataclasses import dataclass

from campus.exchange.client import connect
from campus.exchange.moment import for_nbgrader

STATES = {  # as an associate reads them
    "handed in": "handed in",
    "marked by machine": "handed in, being marked",
    "marked": "marked, feedback follows",
    "feedback": "marked, feedback is there",
}


@dataclass(frozen=True)
class Work:
    """One associate's state in one assignment: one of STATES, in their order."""

    username: str
    assignment: str
    state: str


def read_course() -> tuple[set[str], list[Work]]:
    """The assignments that associates can fetch, and all work on them, from the exchange and nbgrader's gradebook."""
    from autograder import course  # takes seconds, so not before somebody asks

    exchange = connect()
    released = {one["name"] for one in exchange.assignments() if one["released"]}
    inbox = {(one["username"], one["assignment"]): for_nbgrader(one["at"]) for one in exchange.submissions()}
    by_hand = read_gradebook() if course.has_gradebook() else {}
    work = [Work(*key, find_state(*key, inbox.get(key), by_hand.get(key))) for key in sorted({*inbox, *by_hand})]
    return released, work


def read_gradebook() -> dict[tuple[str, str], bool]:
    """Whether a tutor's marks are wanting, of each submission that was graded by machine."""
    from autograder import course

    with course.gradebook() as book:
        return {
            (submission.student.id, assignment.name): submission.needs_manual_grade
            for assignment in book.assignments
            for submission in assignment.submissions
        }


def find_state(username: str, assignment: str, handed_in: str | None, by_hand: bool | None) -> str:
    """The state of what was handed in last; `by_hand` is None while the gradebook knows nothing of it."""
    from autograder.grading import has_feedback, is_graded, submitted_at

    newer = handed_in is not None and handed_in != submitted_at(assignment, username)
    if by_hand is None or newer or not is_graded(assignment, username):
        return "handed in"
    if by_hand:
        return "marked by machine"
    return "feedback" if has_feedback(assignment, username) else "marked"
