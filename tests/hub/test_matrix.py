"""Does everybody do on a running hub what the table of roles says, and nothing else?

Every visitor, with every request that the exchange answers to and those of formgrader, the campus pages and the hub
that matter, on every kind of thing: their own, another's, another course's. The table is `ACTIONS` of
`campus.cohort.roles`, which docs/roles.md shows.
"""

import re
import signal
import time
from dataclasses import dataclass, field

import nbformat
import pytest
import requests
import yaml
from nbformat.v4 import new_notebook

from campus.cohort.people import load_roster
from campus.cohort.roles import ACTIONS, ALL, MARKERS, MARKING, NONE, OWN, ROLES, reach, with_also
from campus.cohort.roster import COLUMNS
from campus.exchange.client import Local
from campus.exchange.desk import Visitor
from campus.exchange.pages import Page, page_routes
from campus.exchange.parcel import MEDIA_TYPE, pack
from campus.exchange.service import OPENAPI, api_routes
from campus.exchange.store import Store
from campus.folders import COURSE_ID, ROOT
from tests.hub.served import Hub

OURS, OTHERS = "/services/exchange", "/services/exchange-another"
FORMGRADER = f"/services/{COURSE_ID}/formgrader"
BEDS = "bed-days"  # released; hidden, set, withdrawn and released again are assignments of their own
NOTEBOOK = nbformat.writes(new_notebook()).encode()
FILES = {f"{BEDS}.ipynb": NOTEBOOK, "data/stays.csv": b"days\n3\n"}
PAGES = {f"{BEDS}.html": b"<p>Well done.</p>"}
TERMS = {"deadline": None, "late": "marked", "marks": "at once"}

PEOPLE = {  # username: role, and who looks after them; the two of a role look after one associate each
    **{"tara": ("tutor",), "tom": ("tutor",), "tia": ("tutor",), "mina": ("mentor",), "mo": ("mentor",)},
    **{"sol": ("supervisor",), "sid": ("supervisor",), "lena": ("lead",)},
    "asha": ("associate", "tara", "mina", "sol"),
    "ben": ("associate", "tom", "mo", "sid"),
}
COHORT, COHORTS = "Autumn 2", {"ben": "Spring 3"}
LEAVER = "tia"  # a tutor, whose session and token are from before
OTHER_COURSE = {"olaf": "an associate of another course", "nina": "a tutor of another course"}
SIGNED_OUT, LEFT = "signed out", "a tutor who left"
SERVICES = {MARKING: COURSE_ID, "service campus": "campus", "service exchange": "exchange"}
VISITORS = {"associate": "asha", "tutor": "tara", "mentor": "mina", "supervisor": "sol", "lead": "lena"}
VISITORS |= {LEFT: LEAVER, **{words: name for name, words in OTHER_COURSE.items()}}
KINDS = (*VISITORS, SIGNED_OUT, *SERVICES)
OWN_THING, ANOTHERS, OTHER_COURSES = "own", "another's", "another course's"


@dataclass(frozen=True)
class Ask:
    """A request for an action; `{who}`, `{id}` and `{beds}` in its path stand for the thing that it is about."""

    action: str
    verb: str
    path: str
    way: str = "api"  # `api`: with a token; `page`: with a browser's session
    sent: object = None
    things: tuple[str, ...] = (OWN_THING, ANOTHERS, OTHER_COURSES)
    shows: str = ""  # what the page must hold, where a request is allowed to everybody and its content is not


WHOLE = (ANOTHERS, OTHER_COURSES)  # of what belongs to a course and not to a person
MINE = (OWN_THING, OTHER_COURSES)
HERE = (OWN_THING, ANOTHERS)
API = [
    Ask("see assignments", "GET", "/api/me", things=WHOLE),
    Ask("see assignments", "GET", "/api/assignments", things=WHOLE),
    Ask("see assignments", "GET", f"/api/assignments/{BEDS}", things=WHOLE),
    Ask("see unreleased", "GET", "/api/assignments/hidden", things=WHOLE),
    Ask("fetch", "GET", f"/api/assignments/{BEDS}/releases/1", things=WHOLE),
    Ask("fetch", "GET", f"/api/assignments/{BEDS}/releases/latest", things=WHOLE),
    Ask("hand in", "POST", f"/api/assignments/{BEDS}/submissions", sent=pack(FILES), things=MINE),
    Ask("see receipts", "GET", "/api/submissions?username={who}"),
    Ask("see receipts", "GET", f"/api/assignments/{BEDS}/submissions?username={{who}}"),
    Ask("see receipts", "GET", "/api/submissions/{id}"),
    Ask("see receipts", "GET", "/api/arrivals", things=WHOLE),
    Ask("take work", "GET", "/api/submissions/{id}/files"),
    Ask("read feedback", "GET", "/api/submissions/{id}/feedback"),
    Ask("release", "POST", "/api/assignments/again/releases", sent=pack({"again.ipynb": NOTEBOOK}), things=WHOLE),
    Ask("withdraw", "DELETE", "/api/assignments/withdrawn", things=WHOLE),
    Ask("set terms", "PUT", "/api/assignments/set", sent=TERMS, things=WHOLE),
    Ask("give time", "PUT", f"/api/assignments/{BEDS}/extensions/asha", sent={"deadline": None}, things=WHOLE),
    Ask("report marks", "PUT", "/api/submissions/{id}/marking", sent={"state": "marked", "score": 3, "points": 20}),
    Ask("give feedback", "PUT", "/api/submissions/{id}/feedback", sent=pack(PAGES)),
    Ask("read the log", "GET", "/api/audit?limit=1", things=WHOLE),
]
ANSWER = {"answer": (f"{BEDS}.ipynb", NOTEBOOK)}
FORM = {"late": (None, "marked"), "marks": (None, "at once"), "deadline": (None, "")}
EXTENSION = {"username": (None, "asha"), "deadline": (None, "")}
CLOSING = {"cohort": (None, "Spring 3"), "module": (None, "3"), "how": (None, "close")}
EXCHANGE_PAGES = [
    Ask("see assignments", "GET", "/", "page", things=WHOLE),
    Ask("fetch", "GET", f"/assignments/{BEDS}", "page", things=WHOLE),
    *(
        Ask("fetch", "GET", f"/assignments/{BEDS}/download/{end}", "page", things=WHOLE)
        for end in ("ipynb", "md", "py")
    ),
    Ask("fetch", "GET", f"/assignments/{BEDS}/files/data/stays.csv", "page", things=WHOLE),
    Ask("hand in", "POST", f"/assignments/{BEDS}", "page", ANSWER, MINE),
    Ask("set terms", "POST", "/assignments/set/terms", "page", FORM, WHOLE),
    Ask("give time", "POST", f"/assignments/{BEDS}/terms", "page", EXTENSION, WHOLE),
    Ask("see receipts", "GET", "/receipts/{id}", "page"),
    Ask("see receipts", "GET", "/receipts/{id}/text", "page"),
    Ask("read feedback", "GET", f"/feedback/{{id}}/{BEDS}.html", "page"),
]
ELSEWHERE = [
    Ask("mark", "GET", f"{FORMGRADER}/manage_assignments", "page", things=(ANOTHERS,)),
    Ask("mark", "GET", f"{FORMGRADER}/notebook/source/{BEDS}", "page", things=(ANOTHERS,)),
    Ask("mark", "GET", f"{FORMGRADER}/api/assignments", "page", things=(ANOTHERS,)),
    Ask("mark", "PUT", f"{FORMGRADER}/api/assignment/matrix", "page", {}, (ANOTHERS,)),
    Ask("read the book", "GET", "/services/campus/", "page", things=(ANOTHERS,)),
    Ask("read the book", "GET", "/services/campus/book/index.html", "page", things=(ANOTHERS,)),
    Ask("follow an associate", "GET", "/services/campus/", "page", shows="{associate}"),
    Ask("see the plan", "GET", "/services/campus/pace?cohort={cohort}", "page", shows="{cohort}"),
    Ask("see who is behind", "GET", "/services/campus/behind?cohort={cohort}", "page", shows="{associate}"),
    Ask("open modules", "POST", "/services/campus/opening", "page", CLOSING, (ANOTHERS,)),
    Ask("keep progress", "GET", "/services/campus/api/progress", "page", things=(OWN_THING,)),
    Ask(
        "keep progress",
        "PUT",
        "/services/campus/api/progress",
        "page",
        {"kind": "done", "session": "3.3", "name": "session", "value": "yes"},
        (OWN_THING,),
    ),
    Ask("work", "GET", "/hub/user/{who}/lab", "page"),
    Ask("make a token", "POST", "/hub/api/users/{who}/tokens", sent={"expires_in": 60}),
    Ask("make a token", "GET", "/hub/api/users/{who}/tokens"),
    Ask("see an account", "GET", "/hub/api/users/{who}"),
    Ask("list accounts", "GET", "/hub/api/users?include_stopped_servers=1", things=(ANOTHERS,)),
    Ask("list accounts", "GET", "/hub/api/groups", things=(ANOTHERS,)),
    Ask("list accounts", "GET", f"/hub/api/groups/{MARKERS}", things=(ANOTHERS,)),
    Ask("list accounts", "GET", "/hub/api/proxy", things=(ANOTHERS,)),
    Ask("list accounts", "GET", "/hub/admin", "page", things=(ANOTHERS,)),
    Ask("change accounts", "POST", "/hub/api/users/newcomer", things=(ANOTHERS,)),
    Ask("change accounts", "DELETE", "/hub/api/users/{who}"),
    Ask("change accounts", "PATCH", "/hub/api/users/{who}", sent={"admin": True}),
    Ask("change accounts", "POST", f"/hub/api/groups/{MARKERS}/users", sent={"users": ["{who}"]}, things=HERE),
    Ask("change accounts", "DELETE", f"/hub/api/groups/{MARKERS}", things=(ANOTHERS,)),
    Ask("run the hub", "GET", "/hub/api/info", things=(ANOTHERS,)),
    Ask("run the hub", "PATCH", "/hub/api/proxy", sent={"auth_token": "new"}, things=(ANOTHERS,)),
    Ask("run the hub", "POST", "/hub/api/shutdown", things=(ANOTHERS,)),
]
ASKS = [*API, *EXCHANGE_PAGES, *ELSEWHERE]


def fits(kind, ask, thing):
    """Whether there is such a thing for such a visitor: services have no session, and nothing of their own."""
    if kind in SERVICES and (ask.way == "page" or thing == OWN_THING):
        return False
    if thing == OWN_THING:
        stranger = kind in OTHER_COURSE.values() and ask.path.startswith("/hub/")  # their own account is theirs
        return kind in VISITORS and not stranger
    return True


CELLS = [(kind, ask, thing) for kind in KINDS for ask in ASKS for thing in ask.things if fits(kind, ask, thing)]


def may(kind, ask, thing):
    """What the table says of a cell."""
    far = reach(with_also(kind), ask.action) if kind in ROLES or kind == MARKING else NONE
    return thing != OTHER_COURSES and (far == ALL or far == OWN and thing == OWN_THING)


@dataclass
class World:
    """A hub with two courses, everybody's session and token, and everybody's work."""

    hub: Hub
    sessions: dict[str, requests.Session] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    work: dict[str, str] = field(default_factory=dict)  # submissions by username

    def describe(self, kind, ask, thing):
        """What stands in a path for a thing."""
        mine = VISITORS.get(kind, "")
        if thing == OTHER_COURSES:
            who = "olaf" if mine != "olaf" else "asha"
        else:
            who = mine if thing == OWN_THING else "ben"
        looked_after = "Asha Example" if thing == OWN_THING else "Ben Example"
        elsewhere = thing == OTHER_COURSES and mine not in OTHER_COURSE
        own = {"who": who, "id": self.work["olaf" if elsewhere else who if who in self.work else "asha"]}
        own["cohort"] = {OWN_THING: COHORT, ANOTHERS: COHORTS["ben"]}.get(thing, "Winter 9")
        return own | {"associate": "Olaf Example" if thing == OTHER_COURSES else looked_after}

    def base(self, kind, ask, thing):
        """Where a request goes: to our course, or to the other one."""
        if ask.path.startswith(("/hub/", "/services/")):
            return self.hub.base
        ours = thing != OTHER_COURSES or VISITORS.get(kind) in OTHER_COURSE
        return self.hub.base + (OURS if ours else OTHERS)

    def ask(self, kind, ask, thing):
        """Whether a request is done: True or False; anything else that comes back is a fault of the test."""
        about = self.describe(kind, ask, thing)
        address = self.base(kind, ask, thing) + ask.path.format(**about)
        session, headers = self.sessions.get(kind, self.bare()), {}
        if ask.way == "api" and kind in self.tokens:
            session, headers = self.bare(), {"Authorization": f"token {self.tokens[kind]}"}
        elif ask.way == "page" and ask.verb != "GET":
            address, headers = self.prove(session, address)
        sent = {}
        if isinstance(ask.sent, bytes):
            sent, headers = {"data": ask.sent}, headers | {"Content-Type": MEDIA_TYPE}
        elif isinstance(ask.sent, dict) and any(isinstance(value, tuple) for value in ask.sent.values()):
            sent = {"files": ask.sent}
        elif ask.sent is not None:
            sent = {"json": {key: [about["who"]] if value == ["{who}"] else value for key, value in ask.sent.items()}}
        answer = session.request(ask.verb, address, headers=headers, timeout=60, allow_redirects=False, **sent)
        return self.judge(ask, answer, about)

    def judge(self, ask, answer, about):
        """Whether an answer is one of somebody who may, or a refusal."""
        status, there = answer.status_code, answer.headers.get("Location", "")
        if status in (401, 403, 404) or status == 302 and re.search("/hub/login|/oauth2/authorize|/hub/?$", there):
            return False
        done = {200, 201, 204, 303} | ({424} if ask.action == "work" else set())  # 424: it is not running
        assert status in done, (status, there, answer.text[:500])
        return ask.shows.format(**about) in answer.text

    def prove(self, session, address):
        """A page's address and headers with the token that the hub gave to this session there."""
        path = address.removeprefix(self.hub.base)
        place = re.match(r"/services/[\w-]+/", path)[0]
        session.get(self.hub.base + (place if "campus" not in place else f"{place}book/index.html"), timeout=60)
        given = [one.value for one in session.cookies if one.name == "_xsrf" and one.path == place]
        return f"{address}?_xsrf={given[0] if given else 'none'}", {"X-XSRFToken": given[0] if given else "none"}

    def bare(self):
        session = requests.Session()
        session.trust_env = False
        return session

    def enter(self, kind, username):
        """Sign somebody in as a browser does, and have them make a token."""
        session, _ = self.hub.sign_in(username)
        for door in (f"{OURS}/", FORMGRADER):
            session.get(self.hub.base + door, timeout=60)
        home = session.get(f"{self.hub.base}/hub/token", timeout=60)
        assert home.status_code == 200, (username, home.status_code)
        xsrf = next(one.value for one in session.cookies if one.name == "_xsrf" and one.path == "/hub/")
        made = session.post(
            f"{self.hub.base}/hub/api/users/{username}/tokens",
            json={"note": "matrix"},
            headers={"X-XSRFToken": xsrf, "Referer": f"{self.hub.base}/hub/token"},
        )
        assert made.status_code == 201, made.text
        self.sessions[kind], self.tokens[kind] = session, made.json()["token"]


def write_roster(file, left=(), changes=()):
    """The roster of PEOPLE without some, and with each of `changes` (old, new) made in its text."""
    rows = [
        f"{name},{name.capitalize()} Example,{name}@example.org,Example,health,London,{role},"
        + ",".join([COHORTS.get(name, COHORT), *after, "", "", ""][:4])
        for name, (role, *after) in PEOPLE.items()
        if name not in left
    ]
    text = "\n".join([",".join(COLUMNS), *rows]) + "\n"
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
    return file


def load(world, file):
    """Load a roster while the hub runs, as `campus roster load` does; what it says."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CAMPUS_STATE", str(world.hub.state))
        patch.delenv("CAMPUS_DATABASE_URL", raising=False)
        return load_roster(file)


def fill(folder, names):
    """Put assignments, everybody's work and its feedback into an exchange; the submissions by username."""
    store = Store(folder).ensure()
    tutor = Local(store, Visitor("operator", teaches=True))
    for name in (BEDS, "hidden", "set", "withdrawn", "again"):
        tutor.release(name, {f"{name}.ipynb": NOTEBOOK, "data/stays.csv": b"days\n3\n"})
    tutor.withdraw("hidden")
    work = {}
    for name in names:
        work[name] = Local(store, Visitor(name, learns=True)).submit(BEDS, FILES)["id"]
        tutor.give_feedback(work[name], PAGES)
    store.close()
    return work


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("matrix")
    hub = Hub(folder, write_roster(folder / "roster.csv"), ROOT / "tests" / "hub" / "two_courses")
    hub.start()
    made = World(hub)
    try:
        made.work = fill(hub.state / "exchange", PEOPLE) | fill(hub.state / "another" / "exchange", ["olaf", "nina"])
        source = hub.state / "course" / "source" / BEDS / f"{BEDS}.ipynb"
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes(NOTEBOOK)
        for kind, username in VISITORS.items():
            made.enter(kind, username)
        for service, name in SERVICES.items():
            made.tokens[service] = token_of(hub, name)
        leave(made, folder)
        yield made
    finally:
        hub.process.send_signal(signal.SIGTERM)
        hub.process.wait(timeout=60)


def token_of(hub, name):
    """A service's own token, from the environment of its process."""
    told = [process.environ() for process in hub.processes()]
    return next(one["JUPYTERHUB_API_TOKEN"] for one in told if one.get("JUPYTERHUB_SERVICE_NAME") == name)


def leave(world, folder):
    """Load a roster without the leaver while the hub runs, and wait until the hub knows."""
    assert [one["account"] for one in load(world, write_roster(folder / "next.csv", [LEAVER]))["left"]] == [LEAVER]
    deadline = time.monotonic() + 60
    seen = [
        Ask("see an account", "GET", "/hub/api/users/{who}"),
        Ask("read the book", "GET", "/services/campus/", "page"),
    ]
    seen += [Ask("mark", "GET", f"{FORMGRADER}/manage_assignments", "page")]
    while any(world.ask(LEFT, ask, OWN_THING) for ask in seen):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def name_cell(value):
    return f"{value.verb} {value.path}" if isinstance(value, Ask) else str(value)


@pytest.mark.parametrize(("kind", "ask", "thing"), CELLS, ids=name_cell)
def test_may_they_do_what_the_table_says_and_nothing_else(world, kind, ask, thing):
    assert world.ask(kind, ask, thing) == may(kind, ask, thing)


def test_is_every_action_of_the_table_asked_for():
    assert {ask.action for ask in ASKS} == set(ACTIONS)


def test_is_every_reach_of_the_table_tried():
    tried = {(kind, ask.action) for kind, ask, thing in CELLS if may(kind, ask, thing)}
    granted = {(role, action) for role in (*ROLES, MARKING) for action in ACTIONS if reach(with_also(role), action)}
    assert granted == tried


def test_is_every_address_of_the_exchange_asked_for():
    """Each operation of the description, and each page."""
    described = yaml.safe_load(OPENAPI.read_text(encoding="utf-8"))["paths"]
    asked = {(ask.verb, find_route(ask.path.split("?")[0])) for ask in (*API, *EXCHANGE_PAGES)}
    places = {"{id}": "0" * 32, "{number}": "1", "{name}": "x", "{username}": "x"}
    operations = set()
    for path, verbs in described.items():
        for name, value in places.items():
            path = path.replace(name, value)
        operations |= {(verb.upper(), find_route(path)) for verb in verbs if verb in ("get", "put", "post", "delete")}
    shown = [(route, handler) for route, handler in page_routes("/") if issubclass(handler, Page)]
    pages = {(verb.upper(), route) for route, handler in shown for verb in handler.does}
    open_to_all = {("GET", "/openapi.json")}
    assert operations | pages <= asked | open_to_all


def find_route(path):
    """The route of the exchange that answers to a path."""
    path = path.replace("{id}", "0" * 32)
    return next(route for route, *_ in [*api_routes("/"), *page_routes("/")] if re.fullmatch(route, path))


def test_is_what_an_associate_lists_their_own_alone(world):
    headers = {"Authorization": f"token {world.tokens['associate']}"}
    found = world.bare().get(f"{world.hub.base}{OURS}/api/submissions", headers=headers).json()["result"]
    assert {one["username"] for one in found} == {"asha"}


def test_is_the_other_course_there_for_its_own(world):
    """What refuses our people there is not that nothing works."""
    headers = {"Authorization": f"token {world.tokens[OTHER_COURSE['nina']]}"}
    found = world.bare().get(f"{world.hub.base}{OTHERS}/api/submissions/{world.work['olaf']}", headers=headers)
    assert found.status_code == 200 and found.json()["result"]["username"] == "olaf"


def test_can_who_left_not_sign_in_again(world):
    assert world.hub.sign_in(LEAVER)[1].status_code == 403
    assert world.hub.sign_in("tom")[1].status_code == 200


def test_is_the_work_of_who_left_still_there(world):
    headers = {"Authorization": f"token {world.tokens['tutor']}"}
    found = world.bare().get(f"{world.hub.base}{OURS}/api/submissions/{world.work[LEAVER]}", headers=headers)
    assert found.json()["result"]["username"] == LEAVER and (world.hub.state / "homes" / LEAVER).is_dir()


@pytest.fixture(scope="module")
def changed(world, tmp_path_factory):
    """The same hub a moment after a roster was loaded, in which somebody came, had a new username, or a new role."""
    newcomer = "nia,Nia Example,nia@example.org,Example,health,London,associate,Autumn 2,tara,,\n"
    ben = "ben,Ben Example,ben@example.org,Example,health,London,associate,Spring 3,tom,mo,sid\n"
    moved = [
        (ben, newcomer + ben.replace("ben,", "ben-b,", 1)),
        ("London,mentor,Autumn 2,,,\nmo,", "London,tutor,Autumn 2,,,\nmo,"),
    ]
    moved += [("tara,mina,sol", "tara,mo,sol")]
    found = load(world, write_roster(tmp_path_factory.mktemp("changed") / "roster.csv", [LEAVER], moved))
    assert ([one["account"] for one in found["added"]], found["problems"]) == (["nia"], [])
    return world


def soon(done):
    """Wait until something is so, for as long as the hub and the exchange may take to hear of it."""
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_can_a_newcomer_sign_in_and_fetch_at_once(changed):
    soon(lambda: changed.hub.sign_in("nia")[1].status_code == 200)
    session, _ = changed.hub.sign_in("nia")
    assert session.get(f"{changed.hub.base}{OURS}/assignments/{BEDS}").status_code == 200


def test_does_a_new_username_lead_to_the_same_account_and_work(changed):
    soon(lambda: changed.hub.sign_in("ben-b")[1].status_code == 200)
    session, page = changed.hub.sign_in("ben-b")
    assert "Hello Ben Example" in page.text
    assert session.get(f"{changed.hub.base}{OURS}/receipts/{changed.work['ben']}").status_code == 200
    assert changed.hub.sign_in("ben")[1].status_code == 403


def test_does_a_new_role_bring_its_rights_while_the_hub_runs(changed):
    headers = {"Authorization": f"token {changed.tokens['mentor']}"}
    address = f"{changed.hub.base}{OURS}/api/submissions/{changed.work['ben']}/files"
    soon(lambda: changed.bare().get(address, headers=headers).status_code == 200)
    assert "Mark what was handed in" in changed.sessions["mentor"].get(f"{changed.hub.base}/services/campus/").text
