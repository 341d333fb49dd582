"""Pages: the exchange without JupyterLab, for screen readers, phones and poor lines. Plain HTML, and no scripts.

The same desk, the same rules and the same receipts as over the API. A page is for whoever signed in at the hub; what
changes something carries the token that the hub's library gives to this session alone.
"""

from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler, HubOAuthenticated
from tornado.httputil import HTTPFile, parse_body_arguments
from tornado.web import HTTPError, stream_request_body

from campus.exchange import answers, moment
from campus.exchange.deadline import say_deadline
from campus.exchange.desk import Desk, Files, is_notebook
from campus.exchange.parcel import pack
from campus.exchange.refusal import Refusal, printable
from campus.exchange.service import ID, NAME, Handler, read_visitor

HERE = Path(__file__).resolve().parent
TEMPLATES = Environment(
    loader=FileSystemLoader([HERE / "templates", HERE.parent / "templates"]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
)
TEMPLATES.filters |= {"people": moment.for_people, "field": moment.for_field, "deadline": say_deadline}
CAMPUS = "/services/campus/"
FORM_BYTES = 20 * 1024**2
TEXT_BYTES = 1024**2
POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
FEEDBACK_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"


class CallbackHandler(HubOAuthCallbackHandler):
    """Back from the hub's sign-in."""

    @property
    def hub_auth(self) -> HubOAuth:
        return self.settings["hub"]


@stream_request_body
class Page(HubOAuthenticated, Handler):
    """A page for somebody who signed in."""

    @property
    def hub_auth(self) -> HubOAuth:
        return self.settings["hub"]

    async def prepare(self) -> None:
        self.set_header("Content-Security-Policy", POLICY)
        self.form = bytearray()
        if self.request.method.lower() not in self.does:
            raise HTTPError(405)
        if self.request.method == "POST" and self.request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
            raise HTTPError(403)
        try:
            model = await self.hub.get_user(self, sync=False)
        except HTTPError as error:
            raise Refusal(503, "The hub does not answer: try again in a minute.") from error
        if model is None:
            if self.request.method == "GET":
                self.redirect(self.get_login_url())
                return
            raise Refusal(401, "You are signed out: sign in again, and send it again.")
        if not self.hub.check_scopes(self.hub.access_scopes, model):
            raise Refusal(403, "The exchange is for associates and tutors of the course.")
        self.desk = Desk(self.store, read_visitor(model))
        length = self.request.headers.get("Content-Length", "0")
        if length.isdigit() and int(length) > FORM_BYTES:
            raise too_large()
        if self.request.method == "POST":
            self.begin_upload(self.desk.visitor.name)

    def data_received(self, chunk: bytes) -> None:
        if self._finished:
            return
        self.form += chunk
        if len(self.form) > FORM_BYTES:
            error = too_large()
            self.send_error(error.status, exc_info=(Refusal, error, None))
            super().on_connection_close()  # nobody waits for the rest

    def read_form(self) -> tuple[dict[str, str], dict[str, HTTPFile]]:
        """The fields and the files of a form that was sent, one of each name."""
        fields: dict[str, list[bytes]] = {}
        files: dict[str, list[HTTPFile]] = {}
        try:
            parse_body_arguments(self.request.headers.get("Content-Type", ""), bytes(self.form), fields, files)
            plain = {name: values[-1].decode() for name, values in fields.items()}
        except Exception as error:
            raise Refusal(400, "The form did not arrive whole: send it again.") from error
        return plain, {name: values[-1] for name, values in files.items()}

    def show(self, template: str, **told: object) -> None:
        """Send a page; everything told is escaped."""
        here = self.settings["prefix"]
        self.finish(TEMPLATES.get_template(template).render(prefix=CAMPUS, here=here, quote=quote, **told))

    def say(self, status: int, sentence: str) -> None:
        self.set_header("Content-Security-Policy", POLICY)
        self.show("refusal.html", sentence=sentence)

    async def read(self, files: Files, path: str) -> bytes:
        """One file of some that are handed over."""
        if path not in {entry.path for entry in files.entries}:
            raise Refusal(404, f"There is no file '{printable(path)}' here.")
        return await self.work((files.folder / path).read_bytes)

    def download(self, name: str, content: bytes | str) -> None:
        """Send a file to be saved."""
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{quote(name, safe='')}")
        self.finish(content)


class ListPage(Page):
    """The assignments, and what one handed in."""

    async def get(self) -> None:
        found = await self.work(self.desk.assignments)
        receipts = await self.work(self.desk.submissions, None, self.desk.visitor.name)
        latest = {receipt["assignment"]: receipt for receipt in receipts}
        waiting = await self.work(self.desk.waiting)
        self.show("exchange.html", assignments=found, latest=latest, waiting=waiting, me=self.desk.visitor)


class AssignmentPage(Page):
    """One assignment: download it, hand it in, and see what was handed in; a tutor sets its terms."""

    async def get(self, name: str) -> None:
        found = await self.work(self.desk.assignment, name)
        files = await self.work(self.desk.look, name)
        receipts = await self.work(self.desk.submissions, name, self.desk.visitor.name)
        gives_time = self.desk.may("give time")
        self.show(
            "assignment.html",
            one=found,
            extensions=await self.work(self.desk.extensions, name) if gives_time else {},
            data=[entry for entry in files.entries if not is_notebook(entry.path)],
            receipts=list(reversed(receipts)),
            me=self.desk.visitor,
            xsrf=self.xsrf_token.decode(),
        )

    async def post(self, name: str) -> None:
        _, files = self.read_form()
        if "answer" not in files or not files["answer"].body:
            raise Refusal(422, "Choose a file first: the notebook or the text that holds your answers.")
        receipt = await self.work(hand_in, self.desk, name, files["answer"])
        self.settings["bell"].ring()
        self.redirect(f"{self.settings['prefix']}receipts/{receipt['id']}", status=303)


class TermsPage(Page):
    """A tutor's terms for an assignment."""

    async def post(self, name: str) -> None:
        fields, _ = self.read_form()
        deadline = fields.get("deadline") or None
        if username := fields.get("username"):
            await self.work(self.desk.extend, name, username, deadline)
        else:
            await self.work(self.desk.set_terms, name, deadline, fields.get("late"), fields.get("marks"))
        self.redirect(f"{self.settings['prefix']}assignments/{name}", status=303)


class DownloadPage(Page):
    """An assignment's notebook, as it is or as text."""

    async def get(self, name: str, ending: str) -> None:
        files = await self.work(self.desk.fetch, name)
        content = await self.read(files, f"{name}.ipynb")
        if ending != "ipynb":
            content = await self.work(lambda: answers.write_text(answers.read_notebook(content, name), ending))
        self.download(f"{name}.{ending}", content)


class DataPage(Page):
    """A file that comes with an assignment."""

    async def get(self, name: str, path: str) -> None:
        files = await self.work(self.desk.look, name)
        self.download(Path(path).name, await self.read(files, path))


class ReceiptPage(Page):
    """A receipt: when what arrived, how far the marking is, marks and feedback."""

    async def get(self, id: str) -> None:
        receipt = await self.work(self.desk.submission, id)
        pages = (await self.work(self.desk.feedback, id)).entries if receipt["feedback"] else ()
        self.show("receipt.html", one=receipt, pages=pages)


class ReceiptText(Page):
    """A receipt to keep, which anybody can check with `sha256sum`."""

    async def get(self, id: str) -> None:
        receipt = await self.work(self.desk.submission, id)
        self.download(f"receipt-{receipt['assignment']}-{id[:8]}.txt", write_receipt(receipt))


class FeedbackPage(Page):
    """A page of feedback. It may hold what a learner's code wrote, so it can do nothing here."""

    async def get(self, id: str, path: str) -> None:
        content = await self.read(await self.work(self.desk.feedback, id), path)
        self.set_header("Content-Security-Policy", FEEDBACK_POLICY)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(content)


def hand_in(desk: Desk, name: str, sent: HTTPFile) -> dict:
    """The receipt for a notebook or a text that somebody sent: it goes in with the assignment's other files."""
    files = desk.look(name)
    released = {entry.path: (files.folder / entry.path).read_bytes() for entry in files.entries}
    notebook = f"{name}.ipynb"
    if notebook not in released:
        raise Refusal(422, f"{name} cannot be handed in here: hand it in from your workspace.")
    ending = sent.filename.rpartition(".")[2].lower()
    if ending == "ipynb":
        answers.read_notebook(sent.body, sent.filename)
        content = sent.body
    elif ending in answers.FORMS:
        if len(sent.body) > TEXT_BYTES:
            raise Refusal(413, f"This text is larger than {TEXT_BYTES // 1024} KB: send the notebook instead.")
        content = answers.to_bytes(
            answers.read_text(sent.body, ending, answers.read_notebook(released[notebook], notebook))
        )
    else:
        raise Refusal(
            422, f"'{printable(sent.filename)}' is neither a notebook (.ipynb) nor a text (.md, .py): send one."
        )
    others = {path: data for path, data in released.items() if not is_notebook(path)}
    unpacker = desk.accept_submission(name)
    try:
        unpacker.feed(pack(others | {notebook: content}))
        return desk.submit(name, unpacker.finish(), "page")[0]
    finally:
        unpacker.discard()


def write_receipt(receipt: dict) -> str:
    """A receipt as text."""
    lines = [
        f"Receipt {receipt['id']}",
        f"Assignment {receipt['assignment']}, handed in by {receipt['username']}",
        f"Received {receipt['at']} ({moment.for_people(receipt['at'])}){', late' if receipt['late'] else ''}",
        f"SHA-256 of the lines below: {receipt['sha256']}",
        "",
        *(f"{one['sha256']}  {one['path']}" for one in sorted(receipt["files"], key=lambda one: one["path"])),
    ]
    return "\n".join(lines) + "\n"


def too_large() -> Refusal:
    return Refusal(413, f"This is larger than {FORM_BYTES // 1024**2} MB: clear the outputs of the notebook first.")


def page_routes(prefix: str) -> list[tuple]:
    """The addresses of the pages under a prefix that ends with a slash."""
    return [
        (prefix, ListPage),
        (f"{prefix}oauth_callback", CallbackHandler),
        (f"{prefix}assignments/{NAME}", AssignmentPage),
        (f"{prefix}assignments/{NAME}/terms", TermsPage),
        (f"{prefix}assignments/{NAME}/download/(ipynb|md|py)", DownloadPage),
        (f"{prefix}assignments/{NAME}/files/(.+)", DataPage),
        (f"{prefix}receipts/{ID}", ReceiptPage),
        (f"{prefix}receipts/{ID}/text", ReceiptText),
        (f"{prefix}feedback/{ID}/(.+)", FeedbackPage),
    ]
