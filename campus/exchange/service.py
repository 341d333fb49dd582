"""The exchange as a service of the hub: who asks comes from the hub's token, and the time from this machine.

The API takes tokens in a header and never a cookie, so that no page of another site can act for somebody. Every refusal
is a status code and one sentence. What it answers to is written down in `openapi.yaml`.
"""

import asyncio
import errno
import json
import logging
import os
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlparse

import yaml
from jupyterhub.services.auth import HubOAuth
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.web import Application, HTTPError, RequestHandler, stream_request_body

from campus import folders
from campus.cohort.roles import LEARNERS, MARKERS, MARKING_SERVICES
from campus.ending import until_told_to_end
from campus.errors import FULL as FULL_DISK
from campus.exchange import moment
from campus.exchange.desk import Desk, Files, Visitor
from campus.exchange.parcel import (
    FEEDBACK,
    MANIFEST_BYTES,
    MEDIA_TYPE,
    RELEASE,
    SUBMISSION,
    Limits,
    Parcel,
    Unpacker,
    read_chunks,
)
from campus.exchange.refusal import Refusal, printable
from campus.exchange.store import Store, check_username

log = logging.getLogger("campus.exchange")

OPENAPI = Path(__file__).with_name("openapi.yaml")
THREADS = 8
JSON_BYTES = 16 * 1024
AT_ONCE = 4  # uploads of one person
TOKEN_SECONDS = 15  # how long the hub's word about a token holds: after that a revoked one is worth nothing
UPLOAD_SECONDS = 1800
IDLE_SECONDS = 120
FULL = (*FULL_DISK, errno.EFBIG)  # the last where a quota is a limit on files
SWEEP_SECONDS = 3600
RETRY_SECONDS = 5
END_SECONDS = 3  # for what is being answered when this ends; what is cut off is sent again
WAIT_SECONDS = 20  # how long an answer is held for somebody who waits; a proxy on the way may allow 30
ANSWER_SECONDS = 30  # the longest that disk and database may take; a database that hangs says nothing
NAME, ID, PERSON = "([A-Za-z0-9][A-Za-z0-9_-]{0,63})", "([0-9a-f]{32})", "([a-z0-9][a-z0-9_.@-]{0,63})"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
HANGS = "The exchange waits for its disk or database: try again in a minute; what is sent twice is kept once."
SENTENCES = {  # for what Tornado and the hub's library refuse by themselves
    400: "The request cannot be read: look into the description at openapi.json.",
    403: "This came from another site or page: open the exchange itself and try again.",
    404: "There is no such address here.",
    405: "This address does not do that.",
}
T = TypeVar("T")


def read_visitor(model: dict) -> Visitor:
    """Who somebody is, from the hub's own answer about their token: groups of this course say what they may do."""
    if model.get("kind") == "service":
        return Visitor(f"service:{model['name']}", marks=model["name"] in MARKING_SERVICES)
    groups = model.get("groups") or []
    return Visitor(model["name"], learns=LEARNERS in groups, teaches=MARKERS in groups)


class Bell:
    """Rings when something is handed in: whoever waits for that goes on at once; at the end it rings for good."""

    def __init__(self) -> None:
        self.waiting: set[asyncio.Future] = set()
        self.ended = False

    def end(self) -> None:
        """Let nobody wait any more."""
        self.ended = True
        self.ring()

    def ring(self) -> None:
        for one in self.waiting:
            if not one.done():
                one.set_result(None)

    @contextmanager
    def hear(self) -> Iterator[asyncio.Future]:
        """What is done at the next ring."""
        one = asyncio.get_running_loop().create_future()
        self.waiting.add(one)
        if self.ended:
            one.set_result(None)
        try:
            yield one
        finally:
            self.waiting.discard(one)


class Handler(RequestHandler):
    """What every address of the exchange has in common: refusals as sentences, and work in threads."""

    def initialize(self) -> None:
        self.settings["answering"].add(self)

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in HEADERS.items():
            self.set_header(name, value)

    @property
    def store(self) -> Store:
        return self.settings["store"]

    @property
    def hub(self) -> HubOAuth:
        return self.settings["hub"]

    async def work(self, task: Callable[..., T], *arguments: object) -> T:
        """Do something that waits for disk or database, while others are served; Refusal where that takes too long."""
        doing = IOLoop.current().run_in_executor(self.settings["pool"], task, *arguments)
        try:
            return await asyncio.wait_for(doing, ANSWER_SECONDS)
        except TimeoutError:
            raise Refusal(503, HANGS) from None

    async def identify(self, token: str | None) -> Visitor:
        """Whose token it is; Refusal where the hub knows no such token, or does not let its owner come here."""
        if not token:
            raise Refusal(401, "Sign in first: send the hub's token in the header 'Authorization: token ...'.")
        try:
            model = await self.hub.user_for_token(token, sync=False)
        except HTTPError as error:
            raise Refusal(503, "The hub does not answer: try again in a minute.") from error
        if model is None:
            raise Refusal(401, "The hub does not know this token, or it has expired: sign in again.")
        if not self.hub.check_scopes(self.hub.access_scopes, model):
            raise Refusal(403, "The hub does not let this account use the exchange.")
        return read_visitor(model)

    def begin_upload(self, who: str) -> None:
        """Count somebody's uploads; Refusal of too many at once."""
        uploads: Counter = self.settings["uploads"]
        if uploads[who] >= AT_ONCE:
            raise Refusal(429, f"You are sending {AT_ONCE} things already: wait until one has arrived.")
        uploads[who] += 1
        self.uploading = who

    def end_upload(self) -> None:
        """Leave nothing of what did not arrive; may be called twice."""
        unpacker = getattr(self, "unpacker", None)
        if unpacker is not None:
            unpacker.discard()
            self.unpacker = None
        if getattr(self, "uploading", None) is not None:
            self.settings["uploads"][self.uploading] -= 1
            self.settings["uploads"] += Counter()  # drops those at zero
            self.uploading = None

    def on_finish(self) -> None:
        self.end_upload()
        self.settings["answering"].discard(self)

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self.end_upload()
        self.settings["answering"].discard(self)

    def log_exception(self, kind: type, error: BaseException, trace: object) -> None:
        if not isinstance(error, Refusal):
            super().log_exception(kind, error, trace)

    def send_error(self, status_code: int = 500, **kwargs: object) -> None:
        """Turn what went wrong into its status code and sentence."""
        self.end_upload()
        error = kwargs["exc_info"][1] if kwargs.get("exc_info") else None
        status, sentence = self.explain(status_code, error)
        if self._headers_written:
            super().send_error(status, **kwargs)  # too late for words: the connection ends, and the reader sees a cut
            return
        allowed = self._headers.get("Allow")
        self.clear()
        self.set_status(status)
        if status == 401:
            self.set_header("WWW-Authenticate", 'Bearer realm="exchange"')
        if status in (429, 503):
            self.set_header("Retry-After", str(RETRY_SECONDS))
        if allowed or status == 405:
            self.set_header("Allow", allowed or ", ".join(self.verbs()))
        try:
            self.say(status, sentence)
        except Exception:  # a page that cannot be made must not leave its reader waiting
            log.exception("The refusal of %s could not be shown", self.request.path)
            if not self._finished:
                self.finish()

    def explain(self, status: int, error: BaseException | None) -> tuple[int, str]:
        """The status code and the sentence for an error."""
        if isinstance(error, Refusal):
            return error.status, str(error)
        if error is not None and not isinstance(error, HTTPError):
            if isinstance(error, OSError) and error.errno in FULL:
                return 507, "The exchange's disk is full, and nothing was kept: tell your tutor, and try again later."
            return 500, "The exchange could not do this, and nothing was kept: its log says why."
        return status, SENTENCES.get(status, "The exchange could not do this: its log says why.")

    def say(self, status: int, sentence: str) -> None:
        """Send a refusal."""
        self.finish({"status": status, "error": sentence})

    def verbs(self) -> list[str]:
        """The methods that this address knows."""
        known = (verb for verb in self.SUPPORTED_METHODS if verb.lower() in self.does)
        return sorted(known)

    does: frozenset[str] = frozenset()

    def __init_subclass__(cls) -> None:
        cls.does = frozenset(
            verb.lower()
            for verb in cls.SUPPORTED_METHODS
            if getattr(cls, verb.lower()) is not getattr(RequestHandler, verb.lower())
        )


@stream_request_body
class Api(Handler):
    """An address of the API. A body is taken piece by piece, by `unpacker` for a parcel and else as JSON."""

    unpacker: Unpacker | None = None

    def check_xsrf_cookie(self) -> None:
        """A token in a header cannot be sent by a page of another site."""

    async def prepare(self) -> None:
        self.json = bytearray()
        if self.request.method.lower() not in self.does:
            raise HTTPError(405)
        visitor = await self.identify(self.hub.get_token(self, in_cookie=False))
        self.desk = Desk(self.store, visitor)
        if strange := set(self.request.query_arguments) - self.asks:
            raise Refusal(422, f"This address does not ask for '{printable(min(strange))}': leave it out.")
        self.check_body()
        await self.expect(*self.path_args)

    def check_body(self) -> None:
        """Refusal of a body that is not what this address takes, before any of it is read."""
        if self.request.method not in ("POST", "PUT"):
            return
        wanted = self.takes
        given = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if given != wanted or "Content-Encoding" in self.request.headers:
            raise Refusal(415, f"Send this as {wanted}, and not compressed.")
        self.refuse_longer(self.request.headers.get("Content-Length"), self.limits)

    takes = "application/json"
    limits = Limits(JSON_BYTES, 1)
    asks: frozenset[str] = frozenset()  # what the query may hold

    def refuse_longer(self, length: str | None, limits: Limits) -> None:
        """Refusal of a body that says of itself that it is too long."""
        most = limits.bytes + (MANIFEST_BYTES if self.takes == MEDIA_TYPE else 0)
        if length is not None and length.isdigit() and int(length) > most:
            raise Refusal(413, f"This is larger than {most // 1024} KB, the most that is allowed here.")

    async def expect(self, *names: str) -> None:
        """Get ready for a body, where this address takes a parcel."""

    async def expect_parcel(self, accept: Callable[[str], Unpacker], name: str) -> None:
        """Take a parcel into a folder of its own."""
        self.begin_upload(self.desk.visitor.name)
        self.unpacker = await self.work(accept, name)

    def data_received(self, chunk: bytes) -> None:
        if self._finished:
            return
        try:
            if self.unpacker is not None:
                self.unpacker.feed(chunk)
            else:
                self.json += chunk
                if len(self.json) > JSON_BYTES:
                    raise Refusal(413, f"This is larger than {JSON_BYTES // 1024} KB, the most that is allowed here.")
        except Exception as error:
            self.log_exception(type(error), error, error.__traceback__)
            self.send_error(500, exc_info=(type(error), error, error.__traceback__))
            super().on_connection_close()  # nobody waits for the rest

    async def arrived(self) -> Parcel:
        """The parcel, whole and on the disk."""
        return await self.work(self.unpacker.finish)

    def body(self, *names: str) -> list[object]:
        """The named fields of a JSON body, None where one is missing; Refusal of others."""
        try:
            given = json.loads(bytes(self.json))
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict) or set(given) - set(names):
            raise Refusal(422, f"Send a JSON object with the fields {', '.join(names)}.")
        return [given.get(name) for name in names]

    def answer(self, found: object, status: int = 200) -> None:
        self.set_status(status)
        self.finish({"result": found})

    async def hand_over(self, files: Files) -> None:
        """Send files as a parcel."""
        self.set_header("Content-Type", MEDIA_TYPE)
        self.set_header("X-Release", str(files.number))
        for chunk in read_chunks(files.folder, files.entries):
            self.write(chunk)
            await self.flush()


class WhoHandler(Api):
    """Who the exchange takes somebody for, and what time it is there."""

    def get(self) -> None:
        who = self.desk.visitor
        self.answer({"name": who.name, "learns": who.learns, "teaches": who.teaches, "time": self.store.now()})


class AssignmentsHandler(Api):
    """What is released."""

    async def get(self) -> None:
        self.answer(await self.work(self.desk.assignments))


class AssignmentHandler(Api):
    """One assignment: look, set its terms, withdraw it."""

    async def get(self, name: str) -> None:
        self.answer(await self.work(self.desk.assignment, name))

    async def put(self, name: str) -> None:
        self.answer(await self.work(self.desk.set_terms, name, *self.body("deadline", "late", "marks")))

    async def delete(self, name: str) -> None:
        await self.work(self.desk.withdraw, name)
        self.answer(None)


class ReleasesHandler(Api):
    """Release an assignment."""

    takes, limits = MEDIA_TYPE, RELEASE

    async def expect(self, name: str) -> None:
        await self.expect_parcel(self.desk.accept_release, name)

    async def post(self, name: str) -> None:
        found, new = await self.work(self.desk.release, name, await self.arrived())
        self.answer({key: found[key] for key in ("number", "sha256", "at")}, 201 if new else 200)


class ReleaseHandler(Api):
    """Fetch a release."""

    async def get(self, name: str, number: str) -> None:
        await self.hand_over(await self.work(self.desk.fetch, name, None if number == "latest" else int(number)))


class ExtensionHandler(Api):
    """Give somebody more time, or take it back."""

    async def put(self, name: str, username: str) -> None:
        (deadline,) = self.body("deadline")
        await self.work(self.desk.extend, name, username, deadline)
        self.answer(None)


class HandInHandler(Api):
    """Hand in, and see what was handed in for an assignment."""

    takes, limits = MEDIA_TYPE, SUBMISSION

    async def expect(self, name: str) -> None:
        if self.request.method == "POST":
            await self.expect_parcel(self.desk.accept_submission, name)

    asks = frozenset({"username"})

    async def get(self, name: str) -> None:
        self.answer(await self.work(self.desk.submissions, name, read_username(self)))

    async def post(self, name: str) -> None:
        receipt, new = await self.work(self.desk.submit, name, await self.arrived(), "workspace")
        self.settings["bell"].ring()
        self.answer(receipt, 201 if new else 200)


class SubmissionsHandler(Api):
    """All receipts."""

    asks = frozenset({"username"})

    async def get(self) -> None:
        self.answer(await self.work(self.desk.submissions, None, read_username(self)))


class SubmissionHandler(Api):
    """One receipt."""

    async def get(self, id: str) -> None:
        self.answer(await self.work(self.desk.submission, id))


class SubmittedHandler(Api):
    """What was handed in."""

    async def get(self, id: str) -> None:
        await self.hand_over(await self.work(self.desk.submitted_files, id))


class MarkingHandler(Api):
    """How far the marking of a submission is."""

    async def put(self, id: str) -> None:
        self.answer(await self.work(self.desk.report, id, *self.body("state", "score", "points")))


class FeedbackHandler(Api):
    """Feedback on a submission: fetch it, give it."""

    takes, limits = MEDIA_TYPE, FEEDBACK

    async def expect(self, id: str) -> None:
        if self.request.method == "PUT":
            await self.expect_parcel(self.desk.accept_feedback, id)

    async def get(self, id: str) -> None:
        await self.hand_over(await self.work(self.desk.feedback, id))

    async def put(self, id: str) -> None:
        found, new = await self.work(self.desk.give_feedback, id, await self.arrived())
        self.answer({key: found[key] for key in ("number", "sha256", "at")}, 201 if new else 200)


class ArrivalsHandler(Api):
    """Who handed in what behind a number. With `wait` the answer is held until there is something to tell."""

    asks = frozenset({"after", "wait"})

    async def get(self) -> None:
        after, wait = read_number(self, "after", 0), read_number(self, "wait", 0)
        with self.settings["bell"].hear() as ring:  # before we look, so that nothing comes between
            found = await self.work(self.desk.arrivals, after)
            if not found and wait:
                await asyncio.wait([ring], timeout=WAIT_SECONDS)
                found = await self.work(self.desk.arrivals, after)
        self.answer(found)


class AuditHandler(Api):
    """Who did what."""

    asks = frozenset({"after", "limit"})

    async def get(self) -> None:
        self.answer(await self.work(self.desk.audit, read_number(self, "after", 0), read_number(self, "limit", 500)))


class OpenApiHandler(Handler):
    """The description of the API, for everybody."""

    def get(self) -> None:
        self.finish(yaml.safe_load(OPENAPI.read_text(encoding="utf-8")))


class LostHandler(Handler):
    """Everything else."""

    def check_xsrf_cookie(self) -> None:
        """There is nothing here that could be changed."""

    def prepare(self) -> None:
        raise HTTPError(404)


def read_username(handler: RequestHandler) -> str | None:
    """The username that a query asks for, or None."""
    given = handler.get_query_argument("username", None)
    if given is not None:
        check_username(given)
    return given


def read_number(handler: RequestHandler, name: str, default: int) -> int:
    """A number of a query, from 0 to a thousand million."""
    given = handler.get_query_argument(name, str(default))
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise Refusal(422, f"'{name}' is a whole number of at most nine digits.")
    return int(given)


def api_routes(prefix: str) -> list[tuple]:
    """The addresses of the API under a prefix that ends with a slash."""
    api = f"{prefix}api"
    return [
        (f"{prefix}openapi.json", OpenApiHandler),
        (f"{api}/me", WhoHandler),
        (f"{api}/assignments", AssignmentsHandler),
        (f"{api}/assignments/{NAME}", AssignmentHandler),
        (f"{api}/assignments/{NAME}/releases", ReleasesHandler),
        (f"{api}/assignments/{NAME}/releases/([0-9]{{1,9}}|latest)", ReleaseHandler),
        (f"{api}/assignments/{NAME}/extensions/{PERSON}", ExtensionHandler),
        (f"{api}/assignments/{NAME}/submissions", HandInHandler),
        (f"{api}/submissions", SubmissionsHandler),
        (f"{api}/submissions/{ID}", SubmissionHandler),
        (f"{api}/submissions/{ID}/files", SubmittedHandler),
        (f"{api}/submissions/{ID}/marking", MarkingHandler),
        (f"{api}/submissions/{ID}/feedback", FeedbackHandler),
        (f"{api}/arrivals", ArrivalsHandler),
        (f"{api}/audit", AuditHandler),
    ]


def make_application(prefix: str, store: Store, hub: HubOAuth) -> Application:
    """The exchange under a prefix that ends with a slash: its API, and its pages."""
    from campus.exchange.pages import page_routes  # they are made of what stands here

    return Application(
        [*api_routes(prefix), *page_routes(prefix)],
        default_handler_class=LostHandler,
        prefix=prefix,
        store=store,
        hub=hub,
        pool=ThreadPoolExecutor(THREADS),
        uploads=Counter(),
        answering=set(),
        bell=Bell(),
        cookie_secret=secrets.token_bytes(32),
        xsrf_cookies=True,
    )


def make_server(application: Application) -> HTTPServer:
    """A server that lets large bodies arrive piece by piece, and nobody hold it for ever."""
    return HTTPServer(
        application,
        max_body_size=RELEASE.bytes + MANIFEST_BYTES,
        max_header_size=32 * 1024,
        body_timeout=UPLOAD_SECONDS,
        idle_connection_timeout=IDLE_SECONDS,
    )


async def reach(store: Store) -> None:
    """Make folders and tables, again and again while the database is away; who asks meanwhile is told so."""
    while True:
        try:
            await asyncio.to_thread(store.ensure)
            await asyncio.to_thread(store.sweep)
            return
        except Refusal as refusal:
            log.warning("%s", refusal)
            await asyncio.sleep(RETRY_SECONDS)


async def serve(address: str, prefix: str, store: Store, hub: HubOAuth) -> None:
    """Answer until somebody ends this process."""
    where = urlparse(address)
    application = make_application(prefix, store, hub)
    server = make_server(application)
    server.listen(where.port, where.hostname)
    log.warning("The exchange answers at %s since %s", address, moment.now())
    told, reached = asyncio.create_task(until_told_to_end()), asyncio.create_task(reach(store))
    await asyncio.wait([told, reached], return_when=asyncio.FIRST_COMPLETED)
    if reached.done():
        reached.result()  # what cannot be made ends us, with its reason
        PeriodicCallback(lambda: asyncio.to_thread(store.sweep), SWEEP_SECONDS * 1000).start()
    await told
    reached.cancel()
    await end(server, application)


async def end(server: HTTPServer, application: Application) -> None:
    """Take nothing more, answer whoever waits and what has arrived, and close."""
    server.stop()
    application.settings["bell"].end()
    deadline = time.monotonic() + END_SECONDS
    while application.settings["answering"] and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    await server.close_all_connections()


def main() -> None:
    """Answer where the hub says, until it ends us."""
    folders.ensure_state()
    prefix = unquote(os.environ["JUPYTERHUB_SERVICE_PREFIX"])
    asyncio.run(serve(os.environ["JUPYTERHUB_SERVICE_URL"], prefix, Store(), HubOAuth(cache_max_age=TOKEN_SECONDS)))


if __name__ == "__main__":
    main()
