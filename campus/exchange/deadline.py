"""Deadlines as associates read them: until when, whether that is over, and what becomes of work that comes later."""

from campus.exchange.moment import for_deadline

LATER = {"marked": "later work is taken, and called late", "refused": "later work is refused"}
NOW = {
    "marked": "You can still hand it in: it is taken, and called late.",
    "refused": "Late work is refused: ask your tutor for more time.",
}


def say_deadline(one: dict, handed_in: bool = False) -> str:
    """What an associate is told about the deadline of an assignment, as `Desk.assignments` describes it to them."""
    if one["deadline"] is None:
        return "There is no deadline."
    until = for_deadline(one["deadline"]) + (", your own deadline" if one["extended"] else "")
    if one["passed"]:
        return f"The deadline was {until}." if handed_in else f"The deadline has passed: {until}. {NOW[one['late']]}"
    if handed_in:
        return f"The deadline is {until}: you can hand it in again before."
    return f"Hand in by {until}; {LATER[one['late']]}."
