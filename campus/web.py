"""The campus pages behind the hub: what to do next by role, the book, and the way from a page into a workspace."""

import asyncio
import json
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import quote, unquote, urlencode, urlparse

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated
from tornado.web import Application, HTTPError, RedirectHandler, RequestHandler, StaticFileHandler, authenticated
from tornado.websocket import WebSocketHandler

from campus import folders
from campus.cohort.people import People
from campus.cohort.roles import ACTIONS, ALL, OWN, reach, who_may
from campus.cohort.roster import Person
from campus.ending import until_told_to_end
from campus.errors import CampusError
from campus.exchange.client import connect
from campus.exchange.deadline import say_deadline
from campus.exchange.moment import for_people
from campus.opening import (
    Decisions,
    Opening,
    check_cohort,
    check_module,
    find_openings,
    follow_plan,
    list_closed,
    list_cohorts,
    list_weeks,
    read_changes,
    read_day,
    read_decisions,
    say_pace,
    set_opening,
    set_pace,
    today,
)
from campus.pace import (
    MOST_BREAKS,
    PLANS,
    Standing,
    Week,
    check_pace,
    find_standing,
    find_week,
    say_day,
    say_time,
)
from campus.progress import keep_progress, read_done, read_progress
from campus.sessions import BRANCH, repository
from campus.standings import count_people, count_weeks, list_assigned
from campus.syllabus import Module, Session, read_syllabus
from campus.work import STATES, Work, read_course

HERE = Path(__file__).resolve().parent
TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
TEMPLATES.filters |= {"day": say_day, "time": say_time, "people": for_people, "deadline": say_deadline}
HEADERS = {"Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
PAGE_POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
BOOK_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
NAMED_BY_CONTENT = re.compile(r"_images/[0-9a-f]{64}\.|\?v=[0-9a-f]{8}$")


ENTRY_BYTES = 500


@dataclass(frozen=True)
class Step:
    """A written session as a page shows it: addresses are empty where there is nothing to open yet."""

    code: str
    title: str
    module: int
    minutes: int
    book: str
    notebook: str
    assignment: str
    released: bool


@dataclass(frozen=True)
class Campus:
    """What there is to tell: roster, programme, written sessions, what is released, all work, the cohort asked for."""

    people: list[Person]
    modules: list[Module]
    steps: list[Step]
    released: set[str]
    work: list[Work]
    cohort: str = ""


# ---- What the pages tell ----


def list_modules() -> list[Module]:
    """The programme, as far as it is there."""
    return read_syllabus() if folders.TOC.exists() else []


def list_steps(modules: list[Module], released: set[str], prefix: str) -> list[Step]:
    """Every written session in reading order, with the addresses of what is there."""
    return [make_step(module, session, released, prefix) for module in modules for session in module.sessions]


def make_step(module: Module, session: Session, released: set[str], prefix: str) -> Step:
    page = f"modules/{session.name}.html"
    notebook = f"{session.name}.ipynb"
    return Step(
        code=session.code,
        title=session.title,
        module=module.number,
        minutes=session.minutes,
        book=f"{prefix}book/{quote(page)}" if (folders.SITE / page).is_file() else "",
        notebook=f"{prefix}open/{quote(notebook)}" if find_notebook(notebook) else "",
        assignment=session.assignment or "",
        released=session.assignment in released,
    )


def find_notebook(path: str) -> Path | None:
    """A published notebook by its path under the sessions, or None; never a file from anywhere else."""
    top = folders.CLEAN.resolve()
    file = (top / path).resolve() if "\0" not in path else top
    return file if file.is_relative_to(top) and file.suffix == ".ipynb" and file.is_file() else None


def tell_associate(me: Person, campus: Campus) -> dict:
    """Where an associate goes on: the first session of an open module whose assignment is not handed in."""
    mine = {one.assignment: one.state for one in campus.work if one.username == me.username}
    decisions = read_decisions(me.cohort)
    closed = list_closed(decisions, campus.modules, today())
    todo = [step for step in campus.steps if step.assignment not in mine]
    exchange = connect(me.username)  # as they see it themselves: with their own deadlines
    terms = {one["name"]: one for one in exchange.assignments()}
    following = next((step for step in todo if step.module not in closed), None)
    shown = {*mine, following.assignment if following else None}
    waiting = [one for name, one in terms.items() if one["deadline"] and name not in shown]
    return {
        "steps": campus.steps,
        "mine": mine,
        "terms": terms,
        "due": sorted(waiting, key=lambda one: one["deadline"]),
        "late": {receipt["assignment"]: receipt["late"] for receipt in exchange.submissions()},
        "states": STATES,
        "next": following,
        "later": next((step for step in todo if step.module in closed), None),
        "closed": closed,
        "week": tell_week(me, campus, decisions, set(mine)),
        "tutor": find_name(campus.people, me.tutor),
    }


def tell_week(me: Person, campus: Campus, decisions: Decisions, handed_in: set[str]) -> dict | None:
    """What an associate's pace plan has for this week, and where they are in it; None without a plan."""
    weeks, day = list_weeks(decisions, campus.modules), today()
    if not weeks:
        return None
    steps = {step.code: step for step in campus.steps}
    done = read_done([me.username])[me.username]
    done |= {step.code for step in campus.steps if step.assignment in handed_in}
    closed = list_closed(decisions, campus.modules, today())
    standing = find_standing(weeks, done, day)
    behind = tuple(study for study in standing.behind if study.module not in closed)
    week = find_week(weeks, day)
    return {
        "title": name_week(weeks, week, day),
        "week": week,
        "studies": [(study, steps.get(study.code), study.code in done) for study in list_studies_of(week)],
        "standing": say_standing(Standing(behind, standing.ahead), weeks, day),
    }


def list_studies_of(week: Week | None) -> tuple:
    """The sessions of a week, core ones first."""
    return (*week.core, *week.optional) if week else ()


def name_week(weeks: tuple[Week, ...], week: Week | None, day: date, whose: str = "Your plan") -> str:
    """Where in a plan a day lies, as a heading."""
    if week is None:
        early = day < weeks[0].start
        return f"{whose} starts on {say_day(weeks[0].start)}" if early else f"{whose} ended on {say_day(weeks[-1].end)}"
    return f"This week: {week.off}" if week.off else f"This week: week {week.number} of {weeks[-1].number}"


def say_standing(standing: Standing, weeks: tuple[Week, ...], day: date) -> str:
    """Where somebody is in their plan, kindly."""
    behind, ahead = (list_codes(studies) for studies in (standing.behind, standing.ahead))
    if day < weeks[0].start:
        early = f" You have done {ahead} already: a good start." if ahead else ""
        return f"Nothing is expected of you before then; the book is open to read.{early}"
    if behind:
        also = f" You have done {ahead} of later weeks already." if ahead else ""
        return (
            f"From earlier weeks there is still {behind}. There is no harm in that: go on from there, one at a time, "
            f"and tell your tutor if another pace would suit your work better.{also}"
        )
    if ahead:
        return f"You are ahead of the plan: {ahead} of later weeks is done already. Take your time."
    return "You are where the plan is." if day > weeks[0].end else "Welcome: this is your first week."


def list_codes(studies: tuple, most: int = 6) -> str:
    """Sessions by their codes, the first few of many."""
    codes = [study.code for study in studies]
    if len(codes) > most:
        return f"{', '.join(codes[:most])} and {len(codes) - most} more"
    return " and ".join([", ".join(codes[:-1]), codes[-1]] if codes[1:] else codes)


def tell_tutor(me: Person, campus: Campus) -> dict:
    """The numbers of each assignment, and what each of the tutor's own associates has handed in."""
    names = [step.assignment for step in campus.steps if step.assignment]
    names += sorted((campus.released | {one.assignment for one in campus.work}) - set(names))
    states = [(name, [one.state for one in campus.work if one.assignment == name]) for name in dict.fromkeys(names)]
    own = [person for person in campus.people if person.role == "associate" and person.tutor == me.username]
    return {
        "rows": [
            {
                "name": name,
                "released": name in campus.released,
                "submitted": len(found),
                "to_grade": found.count("handed in"),
                "by_hand": found.count("marked by machine"),
                "marked": found.count("marked") + found.count("feedback"),
            }
            for name, found in states
        ],
        "own": count_work(own, campus.work),
        "formgrader": f"/services/{folders.COURSE_ID}/formgrader",
        "course": folders.COURSE_ID,
    }


def tell_mentor(me: Person, campus: Campus) -> dict:
    """The associates that a mentor supports."""
    return {"own": [person for person in campus.people if person.role == "associate" and person.mentor == me.username]}


def tell_supervisor(me: Person, campus: Campus) -> dict:
    """How far the supervisor's associates are."""
    own = [person for person in campus.people if person.role == "associate" and person.supervisor == me.username]
    return {
        "own": count_work(own, campus.work),
        "released": len(campus.released),
    }


def tell_lead(me: Person, campus: Campus) -> dict:
    """The cohort, and how much of the programme stands."""
    associates = [person for person in campus.people if person.role == "associate"]
    cohort = choose_cohort(me, campus.people, campus.cohort)
    return {
        "opening": tell_opening(cohort, campus) if cohort else None,
        "cohorts": list_cohorts(campus.people),
        "people": campus.people,
        "associates": count_work(associates, campus.work),
        "modules": campus.modules,
        "hours": round(sum(step.minutes for step in campus.steps) / 60, 1),
        "complete": sum(module.hours for module in campus.modules),
        "ready": sum(1 for module in campus.modules if module.sessions),
    }


def choose_cohort(me: Person, people: list[Person], asked: str = "") -> str:
    """The cohort that a page is about: an associate's own; else the one asked for, one's own, or the last; or none."""
    cohorts = list_cohorts(people)
    if reach([me.role], "see the plan") == OWN:
        return me.cohort
    return next((cohort for cohort in (asked, me.cohort, *reversed(cohorts)) if cohort in cohorts), "")


def tell_opening(cohort: str, campus: Campus) -> dict:
    """When modules open for a cohort, by what pace, and what was decided last."""
    decisions = read_decisions(cohort)
    breaks = decisions.pace.breaks if decisions.pace else ()
    return {
        "cohort": cohort,
        "modules": find_openings(decisions, campus.modules).values(),
        "today": today(),
        "pace": decisions.pace,
        "said": say_pace(decisions.pace) if decisions.pace else "",
        "plans": PLANS,
        "breaks": [*(str(day) for day in breaks), "", ""][:MOST_BREAKS],
        "changes": [
            change | {"who": find_name(campus.people, change["who"]) or change["who"]}
            for change in read_changes(cohort, 5)
        ],
    }


def tell_behind(people: list[Person], cohort: str) -> dict:
    """Where some associates of a cohort are beside its pace plan today, each by name and week by week."""
    day, decisions, modules = today(), read_decisions(cohort), list_modules()
    released, work = read_course()
    weeks, assigned = list_weeks(decisions, modules), list_assigned(decisions, modules, released, day)
    return {
        "week": name_week(weeks, find_week(weeks, day), day, "The plan") if weeks else "",
        "people": count_people(people, assigned, work, read_done([person.username for person in people]), day),
        "weeks": count_weeks(people, assigned, work),
        "today": day,
    }


def count_work(people: list[Person], work: list[Work]) -> list[dict]:
    """For each person how many assignments they have handed in, and how many of them are marked."""
    return [
        {
            "person": person,
            "submitted": sum(one.username == person.username for one in work),
            "marked": sum(one.username == person.username and one.state in ("marked", "feedback") for one in work),
        }
        for person in people
    ]


def find_name(people: list[Person], username: str) -> str:
    """The name that belongs to a username, or nothing."""
    return next((person.name for person in people if person.username == username), "")


TELL = {
    "associate": tell_associate,
    "tutor": tell_tutor,
    "mentor": tell_mentor,
    "supervisor": tell_supervisor,
    "lead": tell_lead,
}


# ---- The pages ----


class Page(HubOAuthenticated, RequestHandler):
    """A page for signed-in people of the roster; `me` is whose it is."""

    policy = PAGE_POLICY

    def set_default_headers(self) -> None:
        for name, value in HEADERS.items():
            self.set_header(name, value)
        self.set_header("Content-Security-Policy", self.policy)

    @property
    def people(self) -> list[Person]:
        return self.settings["people"]()

    @property
    def me(self) -> Person:
        username = self.current_user["name"]
        found = [person for person in self.people if person.username == username]
        if not found:
            raise HTTPError(403, reason=f"{username} is not on the roster: ask the programme's lead.")
        return found[0]

    def show(self, template: str, **told: object) -> None:
        """Send a page; everything told is escaped."""
        self.finish(TEMPLATES.get_template(template).render(prefix=self.settings["prefix"], **told))

    def refuse(self, status: int, sentence: str, title: str = "This did not work") -> None:
        """Send a sentence instead of what was asked for."""
        self.set_status(status)
        self.show("message.html", title=title, sentence=sentence)

    def write_error(self, status_code: int, **kwargs: object) -> None:
        """An error is a page with one sentence, never a traceback."""
        error = kwargs["exc_info"][1] if kwargs.get("exc_info") else None
        if isinstance(error, CampusError):
            sentence = str(error)
        elif status_code < 500 and self._reason and isinstance(error, HTTPError) and error.reason:
            sentence = error.reason
        elif status_code == 404:
            sentence = "There is no such page: go back to the start."
        else:
            sentence = "This page could not be shown: try again, and if it stays so look into the hub's log."
        self.show("message.html", title="This did not work", sentence=sentence)


class NextHandler(Page):
    """What to do next."""

    @authenticated
    def get(self) -> None:
        prefix = self.settings["prefix"]
        released, work = read_course()
        modules, asked = list_modules(), self.get_query_argument("cohort", "")
        campus = Campus(self.people, modules, list_steps(modules, released, prefix), released, work, asked)
        told = TELL[self.me.role](self.me, campus)
        book = f"{prefix}book/index.html" if (folders.SITE / "index.html").is_file() else ""
        self.show(f"{self.me.role}.html", me=self.me, book=book, xsrf=quote(self.xsrf_token), **told)


class DecisionPage(Page):
    """What the lead alone may send: a form from a page of ours, with that page's token."""

    def prepare(self) -> None:
        if self.request.method != "POST":
            return
        if not self.current_user:
            raise HTTPError(403, reason="You are signed out: sign in again, and send it again.")
        if self.request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
            raise HTTPError(403, reason="This came from another site: open the page itself, and send it again.")
        self.check_xsrf_cookie()
        if not reach([self.me.role], "open modules"):
            raise HTTPError(403, reason=f"Only {who_may('open modules')} may {ACTIONS['open modules'].words}.")

    def post(self) -> None:
        try:
            cohort = check_cohort(self.get_body_argument("cohort", None), self.people)
            self.decide(cohort)
        except CampusError as error:
            self.refuse(getattr(error, "status", 422), str(error))
            return
        self.redirect(f"{self.settings['prefix']}?{urlencode({'cohort': cohort})}#opening", status=303)

    def decide(self, cohort: str) -> None:
        """Do what the form says; CampusError where it cannot be done."""


class OpeningHandler(DecisionPage):
    """The lead opens or closes a module."""

    def decide(self, cohort: str) -> None:
        number, how, day = (self.get_body_argument(name, "") for name in ("module", "how", "day"))
        module = check_module(int(number) if re.fullmatch("[0-9]{1,3}", number) else 0, list_modules())
        if how == "plan":
            follow_plan(cohort, module, self.me.username)
        elif how == "close":
            set_opening(cohort, module, None, self.me.username)
        elif how in ("now", "on"):
            set_opening(cohort, module, today() if how == "now" else read_day(day), self.me.username)
        else:
            raise CampusError("Choose when the module opens.")


class PaceHandler(DecisionPage):
    """A cohort's pace plan, week by week; the lead sets it."""

    @authenticated
    def get(self) -> None:
        cohort = choose_cohort(self.me, self.people, self.get_query_argument("cohort", ""))
        modules, decisions = list_modules(), read_decisions(cohort)
        self.show(
            "pace.html",
            me=self.me,
            cohort=cohort,
            cohorts=list_cohorts(self.people) if reach([self.me.role], "see the plan") == ALL else [],
            openings=find_openings(decisions, modules),
            weeks=list_weeks(decisions, modules),
            said=say_pace(decisions.pace) if decisions.pace else "",
            today=today(),
            steps={step.code: step for step in list_steps(modules, set(), self.settings["prefix"])},
        )

    def decide(self, cohort: str) -> None:
        plan, start = (self.get_body_argument(name, "") for name in ("plan", "start"))
        breaks = [read_day(day) for day in self.get_body_arguments("off") if day]
        set_pace(cohort, check_pace(plan, read_day(start), breaks), self.me.username)


class BehindHandler(Page):
    """Who of a cohort is behind its pace plan: of all for the lead, of their own for tutors."""

    @authenticated
    def get(self) -> None:
        far = reach([self.me.role], "see who is behind")
        if not far:
            raise HTTPError(
                403, reason=f"Only {who_may('see who is behind')} may {ACTIONS['see who is behind'].words}."
            )
        people = [person for person in self.people if person.role == "associate"]
        if far == OWN:
            people = [person for person in people if person.tutor == self.me.username]
        cohorts = list_cohorts(people)
        cohort = choose_cohort(self.me, people, self.get_query_argument("cohort", ""))
        self.show(
            "behind.html",
            cohort=cohort,
            cohorts=cohorts,
            tutors={person.username: person.name for person in self.people} if far == ALL else None,
            alone=self.get_query_argument("only", "") == "behind",
            **tell_behind([person for person in people if person.cohort == cohort], cohort),
        )


class WorkspaceHandler(Page):
    """One's own workspace, with the sessions pulled fresh where there are any."""

    @authenticated
    def get(self) -> None:
        self.redirect(pull_address() if self.me and repository().is_dir() else "/hub/user-redirect/lab")


class OpenHandler(Page):
    """From a page of the book into the same notebook in one's own workspace, pulled fresh, own work kept."""

    @authenticated
    def get(self, path: str) -> None:
        if self.me and not find_notebook(path):
            raise HTTPError(404, reason=f"There is no published notebook '{printable(path)}': look for it in the book.")
        if opening := self.wait_for(path):
            page = f"{self.settings['prefix']}book/modules/{quote(path.removesuffix('.ipynb'))}.html"
            self.set_status(403)
            self.show("closed.html", opening=opening, page=page)
            return
        self.redirect(pull_address(path))

    def wait_for(self, path: str) -> Opening | None:
        """The module of a notebook, where it has not opened for an associate."""
        decisions = read_decisions(self.me.cohort) if self.me.role == "associate" else Decisions()
        modules = list_modules() if decisions != Decisions() else []
        number = next((module.number for module in modules if module.folder == path.split("/")[0]), None)
        return list_closed(decisions, modules, today()).get(number)


def pull_address(path: str = "") -> str:
    """The address that pulls the sessions into a workspace (nbgitpuller) and opens one of them there."""
    asked = {
        "repo": f"file://{repository()}",
        "branch": BRANCH,
        "targetPath": "sessions",
        "urlpath": f"lab/tree/sessions/{quote(path)}",
    }
    return f"/hub/user-redirect/git-pull?{urlencode(asked)}"


def printable(text: str) -> str:
    """A path as it may stand in a reason: one line of ordinary letters."""
    return "".join(letter for letter in text if letter.isprintable() and ord(letter) < 256)[:200]


def keep_for(address: str) -> str:
    """How a browser may keep a file of the book: a year where other content has another address; else it asks again."""
    return "private, max-age=31536000, immutable" if NAMED_BY_CONTENT.search(address) else "no-cache"


class BookHandler(Page, StaticFileHandler):
    """The book's static files."""

    policy = BOOK_POLICY

    def check_xsrf_cookie(self) -> None:
        """Fonts and search ask in a way that JupyterHub takes for forged; whoever is signed in may read the book."""

    @authenticated
    async def get(self, path: str, include_body: bool = True) -> None:
        if self.me and not (folders.SITE / "index.html").is_file():
            raise HTTPError(404, reason="The book is not built yet: run 'make book' and reload this page.")
        if path.endswith(".html"):
            _ = self.xsrf_token  # sets its cookie, which the page's script sends back with what it keeps
        await super().get(path, include_body)

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", keep_for(self.request.uri))


class ProgressHandler(Page):
    """What the signed-in person did in the book, as JSON: GET gives all of it, PUT keeps one entry."""

    def prepare(self) -> None:
        if not self.current_user:
            raise HTTPError(403, reason="Sign in first.")
        if self.request.method == "PUT":
            self.check_xsrf_cookie()

    def get(self) -> None:
        self.finish({"progress": read_progress(self.me.username)})

    def put(self) -> None:
        if len(self.request.body) > ENTRY_BYTES:
            raise HTTPError(413, reason="This is more than an entry holds.")
        try:
            kept = keep_progress(self.me.username, json.loads(self.request.body))
        except (ValueError, CampusError) as error:
            raise HTTPError(400, reason=str(error) if isinstance(error, CampusError) else "This is not JSON.") from None
        self.finish(kept)

    def write_error(self, status_code: int, **kwargs: object) -> None:
        self.finish({"error": self._reason})


class NetworkHandler(Page):
    """Counts what arrives, for the page that tests a reader's network; keeps nothing."""

    def prepare(self) -> None:
        if not self.current_user:
            raise HTTPError(403, reason="Sign in first.")
        self.check_xsrf_cookie()

    def post(self) -> None:
        self.finish({"bytes": len(self.request.body)})

    def write_error(self, status_code: int, **kwargs: object) -> None:
        self.finish({"error": self._reason})


class EchoHandler(Page, WebSocketHandler):
    """Says back what it hears, for the same page."""

    def prepare(self) -> None:
        if not self.current_user:
            raise HTTPError(403, reason="Sign in first.")

    def on_message(self, message: str | bytes) -> None:
        self.write_message(message[:100])
        self.close()


class LostHandler(Page):
    """Everything else."""

    @authenticated
    def get(self) -> None:
        raise HTTPError(404)


def make_application(prefix: str, people: Callable[[], list[Person]]) -> Application:
    """The pages under a prefix that ends with a slash, for those who take part at the moment of asking."""
    settings = {"prefix": prefix, "people": people, "cookie_secret": secrets.token_bytes(32)}
    # Only the book is sent compressed: its pages say the same to everybody, so that their length betrays nothing.
    folder = {"path": str(folders.SITE), "default_filename": "index.html"}
    book = Application([(f"{prefix}book/(.+)", BookHandler, folder)], compress_response=True, **settings)
    return Application(
        [
            (prefix, NextHandler),
            (prefix.rstrip("/"), RedirectHandler, {"url": prefix}),
            (f"{prefix}oauth_callback", HubOAuthCallbackHandler),
            (f"{prefix}static/(.*)", StaticFileHandler, {"path": str(HERE / "static")}),
            (f"{prefix}book/?", RedirectHandler, {"url": f"{prefix}book/index.html"}),
            (f"{prefix}book/.+", book),
            (f"{prefix}open/(.*)", OpenHandler),
            (f"{prefix}workspace", WorkspaceHandler),
            (f"{prefix}opening", OpeningHandler),
            (f"{prefix}pace", PaceHandler),
            (f"{prefix}behind", BehindHandler),
            (f"{prefix}api/progress", ProgressHandler),
            (f"{prefix}api/network", NetworkHandler),
            (f"{prefix}api/network/socket", EchoHandler),
            (".*", LostHandler),
        ],
        **settings,
    )


def main() -> None:
    """Answer where the hub says, until it ends us."""
    asyncio.run(serve(os.environ["JUPYTERHUB_SERVICE_URL"], unquote(os.environ["JUPYTERHUB_SERVICE_PREFIX"])))


async def serve(address: str, prefix: str) -> None:
    """Answer at an address until somebody ends this process."""
    where = urlparse(address)
    server = make_application(prefix, People().ensure().present).listen(where.port, where.hostname)
    asyncio.get_running_loop().call_later(10, read_course)  # what the first page imports, when the start is over
    await until_told_to_end()
    server.stop()
    await server.close_all_connections()


if __name__ == "__main__":
    main()
