"""Learners: whose work the exchange takes, found by what a tutor writes, so that nothing is given to nobody."""

from collections.abc import Collection

from campus.cohort.people import Member
from campus.cohort.roles import reach, with_also
from campus.cohort.roster import guess
from campus.exchange.refusal import Refusal, printable


def find_learner(written: str, members: Collection[Member], seen: Collection[str]) -> str:
    """The account of who is meant by a username or address of the roster, signed in yet or not, or by an account.

    Without any roster it is one of those whom the exchange has seen. Refusal says who is not known, and what to do.
    """
    wanted, shown = written.strip().casefold(), f"'{printable(written)}'"
    if not members:
        if wanted in seen:
            return wanted
        meant = guess(wanted, dict.fromkeys(seen, ""))
        advice = f"did you mean '{meant}'?" if meant else "correct it, or have the roster loaded first."
        raise Refusal(
            422, f"{shown} has fetched and handed in nothing here, and there is no roster to look in: {advice}"
        )
    found = [one for one in members if wanted in (one.username.casefold(), one.email.casefold())]
    found = found or [one for one in members if one.account == wanted]
    if not found:
        meant = guess(wanted, {one.username: one.name for one in members if one.left_at is None and learns(one)})
        advice = f"did you mean '{meant}'?" if meant else "correct it, or ask the lead to add them."
        raise Refusal(422, f"{shown} is not the username of an associate on the roster: {advice}")
    member = next((one for one in found if one.left_at is None), found[0])
    who = f"{printable(member.name)} ({member.username})"
    if member.left_at is not None:
        raise Refusal(422, f"{who} has left the programme: ask the lead to put them back on the roster first.")
    if not learns(member):
        raise Refusal(422, f"{who} is a {member.role}, and hands nothing in: give the username of an associate.")
    return member.account


def learns(member: Member) -> bool:
    """Whether somebody's role hands in work."""
    return bool(reach(with_also(member.role), "hand in"))
