"""Roles: one table of who may do what. The hub's settings, the exchange, docs/roles.md and the matrix test read it.

A role is a group of the hub. The group brings scopes, which say where somebody may come in; what they may do there, the
table of actions says. Whatever the table does not name is refused.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from campus.folders import COURSE_ID

LEARNERS, MARKERS = f"nbgrader-{COURSE_ID}", f"formgrade-{COURSE_ID}"  # the names that nbgrader looks for
GRADER = f"grader-{COURSE_ID}"  # the account of the marking service; nobody signs in with it
MARKING = "marking service"
MARKING_SERVICES = (COURSE_ID, "marking")  # at the hub: formgrader, and the one that marks on arrival
OWN, ALL, NONE = "own", "all", ""

OWN_PAGE = "access:services!service=campus"
EXCHANGE = "access:services!service=exchange"
READ_COURSE = ("list:services", f"read:services!service={COURSE_ID}")


@dataclass(frozen=True)
class Role:
    """Who somebody is: groups and scopes at the hub, and a workspace's tools (a folder of hub-config/jupyter)."""

    words: str
    groups: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    tools: str = "other"
    also: tuple[str, ...] = ()  # roles whose rights it has too


ROLES = {
    "associate": Role("learns, and hands in work", (LEARNERS,), (OWN_PAGE, EXCHANGE), "associate"),
    "tutor": Role(
        "teaches and marks; may try what associates do",
        (MARKERS,),
        (f"access:services!service={COURSE_ID}", *READ_COURSE),
        "tutor",
        also=("associate",),
    ),
    "mentor": Role("supports projects", scopes=(OWN_PAGE,)),
    "supervisor": Role("manages an associate at work", scopes=(OWN_PAGE,)),
    "lead": Role("runs the programme", scopes=(OWN_PAGE,)),
}
PEOPLE = tuple(ROLES)
SERVICES = {
    MARKING: "formgrader, which marks for a tutor who is signed in there, and `marking`, which marks on arrival; their "
    "tokens are their own",
}
WORKSPACE = (  # what a workspace's own token may ask: never more than its owner
    "users:activity!user",
    "access:servers!server",
    EXCHANGE,
    "read:users:name!user",
    "read:users:groups!user",
    *READ_COURSE,
)
MARKING_SCOPES = (EXCHANGE, f"read:users:name!user={GRADER}", f"read:users:groups!user={GRADER}", *READ_COURSE)


@dataclass(frozen=True)
class Action:
    """Something that can be done in a part of the platform, and who may: with what is their own, or with all."""

    part: str
    words: str  # after 'may'
    who: dict[str, str] = field(default_factory=dict)


def act(part: str, words: str, people: dict[str, str] | None = None, marking: str = NONE) -> Action:
    """One row of the table."""
    return Action(part, words, {**(people or {}), **({MARKING: marking} if marking else {})})


EVERYBODY = dict.fromkeys(PEOPLE, ALL)
EACH = dict.fromkeys(PEOPLE, OWN)
TUTORS, ASSOCIATES = {"tutor": ALL}, {"associate": ALL}
BOTH = {"associate": OWN, "tutor": ALL}
ACTIONS = {
    # The exchange
    "see assignments": act("exchange", "see the course's released assignments", ASSOCIATES | TUTORS, ALL),
    "see unreleased": act("exchange", "see assignments that are not released, or withdrawn", TUTORS, ALL),
    "fetch": act("exchange", "fetch an assignment with its files", ASSOCIATES | TUTORS),
    "hand in": act("exchange", "hand in work", {"associate": OWN}),
    "see receipts": act("exchange", "see receipts, and how far the marking is", BOTH, ALL),
    "take work": act("exchange", "take what was handed in", BOTH, ALL),
    "read feedback": act("exchange", "read feedback", BOTH),
    "release": act("exchange", "release an assignment", TUTORS, ALL),
    "withdraw": act("exchange", "withdraw an assignment", TUTORS, ALL),
    "set terms": act("exchange", "set deadline and terms of an assignment", TUTORS),
    "give time": act("exchange", "give an associate more time", TUTORS),
    "report marks": act("exchange", "report marks", TUTORS, ALL),
    "give feedback": act("exchange", "give feedback", TUTORS, ALL),
    "read the log": act("exchange", "read the log of who did what", TUTORS),
    # Formgrader
    "mark": act("formgrader", "mark in formgrader, and read assignments with their solutions", TUTORS),
    # The campus pages
    "read the book": act("campus pages", "read the start page and the book", EVERYBODY),
    "follow an associate": act(
        "campus pages",
        "see how an associate gets on (own: oneself, or whom one looks after)",
        EACH | {"lead": ALL},
    ),
    "keep progress": act("campus pages", "keep and read what one did in the book", EACH),
    "see the plan": act(
        "campus pages", "see when modules open, and the pace plan (own: one's cohort's)", EVERYBODY | {"associate": OWN}
    ),
    "see who is behind": act(
        "campus pages",
        "see who is behind the pace plan, to offer help (own: those whom one teaches)",
        {"tutor": OWN, "lead": ALL},
    ),
    "open modules": act("campus pages", "open and close modules, and set the pace of a cohort", {"lead": ALL}),
    # The hub
    "work": act("hub", "enter a workspace", EACH),
    "make a token": act("hub", "make and revoke a token", EACH),
    "see an account": act("hub", "see an account of the hub", EACH),
    "list accounts": act("hub", "list all accounts, groups or running workspaces"),
    "change accounts": act("hub", "make, change or remove accounts and groups, or sign in as another"),
    "run the hub": act("hub", "stop or configure the hub"),
}


def with_also(role: str) -> tuple[str, ...]:
    """A role and those whose rights it has too."""
    return (role, *ROLES[role].also) if role in ROLES else (role,)


def group_of(role: str) -> str:
    """The hub's group of a role."""
    return f"campus-{role}"


def groups_of(role: str) -> list[str]:
    """All groups that somebody of a role is in."""
    return [group_of(role), *(group for one in with_also(role) for group in ROLES[one].groups)]


def scopes_of(role: str) -> list[str]:
    """All scopes that a role brings, beyond one's own account and workspace."""
    return list(dict.fromkeys(scope for one in with_also(role) for scope in ROLES[one].scopes))


def reach(roles: Iterable[str], action: str) -> str:
    """How far some roles together let somebody do an action: with ALL, with their OWN, or NONE of it."""
    given = {ACTIONS[action].who.get(role, NONE) for role in roles}
    return next((far for far in (ALL, OWN) if far in given), NONE)


def who_may(action: str) -> str:
    """The roles that an action is for, in words."""
    return " and ".join(f"{role}s" for role in ROLES if role in ACTIONS[action].who)


# ---- For the hub ----


def hub_groups() -> dict[str, dict[str, list[str]]]:
    """JupyterHub's `load_groups`: people come into theirs as they sign in, the marking service's account at once."""
    names = [group for role in ROLES for group in groups_of(role)]
    return {name: {"users": [GRADER] if name == MARKERS else []} for name in dict.fromkeys(names)}


def hub_roles(services: Collection[str] = MARKING_SERVICES) -> list[dict]:
    """JupyterHub's `load_roles`: of services those that run, as the hub does not start with a role for another."""
    people = [
        {"name": group_of(role), "groups": [group_of(role)], "scopes": ["self", *scopes_of(role)]} for role in ROLES
    ]
    marking = [
        {"name": "marking-service", "services": [COURSE_ID], "scopes": list(MARKING_SCOPES)},
        {"name": "marking-on-arrival", "services": ["marking"], "scopes": [EXCHANGE]},
    ]
    running = [role for role in marking if set(role["services"]) <= set(services)]
    return [*people, {"name": "server", "scopes": list(WORKSPACE)}, *running]


# ---- For a reader ----


def write_page() -> str:
    """The table as a page in Markdown: docs/roles.md."""
    return "\n".join(write_lines())


def write_lines() -> Iterator[str]:
    columns = [*PEOPLE, *SERVICES]
    yield from INTRODUCTION.strip().split("\n")
    for part in dict.fromkeys(action.part for action in ACTIONS.values()):
        yield from ("", f"## {part.capitalize()}", "")
        yield from table_head(["may", *columns])
        for name, action in ACTIONS.items():
            if action.part == part:
                cells = [reach(with_also(column), name) or "no" for column in columns]
                yield f"| {action.words} | {' | '.join(cells)} |"
    yield from ("", "## Groups and scopes at the hub", "")
    yield from table_head(["role", "who", "groups", "scopes, beyond one's own account and workspace"])
    for role, facts in ROLES.items():
        yield f"| {role} | {facts.words} | {in_code(groups_of(role))} | {in_code(scopes_of(role))} |"
    yield f"| {MARKING} | {SERVICES[MARKING]} | `{MARKERS}` (its account `{GRADER}`) | {in_code(MARKING_SCOPES)} |"
    yield f"| a workspace | its own token, never more than its owner | none | {in_code(WORKSPACE)} |"
    yield ""


def table_head(names: list[str]) -> Iterator[str]:
    yield f"| {' | '.join(names)} |"
    yield f"| {' | '.join(['---'] * len(names))} |"


def in_code(names: Iterable[str]) -> str:
    return "<br>".join(f"`{name}`" for name in names)


INTRODUCTION = """
# Roles: who may do what

Written by `campus roles > docs/roles.md` from the table in `campus/cohort/roles.py`, which the hub's settings and the
exchange read as well. `tests/hub/test_matrix.py` tries every cell on a running hub.

**all**: with everybody's. **own**: with what is one's own. **no**: refused with a status code and a sentence; what
somebody may not see does not exist for them (404). Whoever is signed out, has left the programme, or belongs to another
course may do nothing of this here, and neither may the services `campus` and `exchange` with their own tokens. Nobody
reaches into another course: its assignments, submissions and marks are behind its own exchange, groups and formgrader.
A tutor has an associate's rights as well, to try what associates do.

A person's role comes from the roster (`campus roster load`). The operator of the machine, who can write its files and
databases, is outside this table; commands such as `autograder release` act as the operator, and the log says so.
"""
