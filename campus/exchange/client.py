"""The client: the exchange from an associate's or a tutor's process, over the service or, for its operator, directly.

Both have the same methods and refuse with the same sentences. Every request may be repeated without harm, so what the
network loses is simply sent again.
"""

import functools
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import requests

from campus.exchange.desk import Desk, Files, Visitor
from campus.exchange.parcel import (
    FEEDBACK,
    MEDIA_TYPE,
    RELEASE,
    SUBMISSION,
    Limits,
    Parcel,
    Unpacker,
    check_limits,
    describe,
    pack,
    read_chunks,
    unpack,
)
from campus.exchange.refusal import Refusal, printable
from campus.exchange.store import Store, default_folder, default_url

PATIENCE = 75.0  # seconds in which a request is sent again
PAUSES = (0.25, 0.5, 1, 2, 4, 8)  # the last one again and again
TIMEOUTS = (5, 120)  # for the connection, and for each piece of the answer
LOOK_SECONDS = 2.0  # between two looks at an exchange that nobody serves
AGAIN = (429, 502, 503, 504)


class Remote:
    """The exchange over HTTP, for the owner of a token."""

    def __init__(self, address: str, token: str, patience: float = PATIENCE):
        self.address = address.rstrip("/") + "/api"
        self.patience = patience
        self.session = requests.Session()
        self.session.trust_env = False  # the exchange is never behind a proxy of the environment
        self.session.headers["Authorization"] = f"token {token}"

    def me(self) -> dict:
        return self.ask("GET", "me")

    def assignments(self) -> list[dict]:
        return self.ask("GET", "assignments")

    def assignment(self, name: str) -> dict:
        return self.ask("GET", f"assignments/{name}")

    def set_terms(self, name: str, deadline: str | None, late: str, marks: str) -> dict:
        return self.ask("PUT", f"assignments/{name}", json={"deadline": deadline, "late": late, "marks": marks})

    def extend(self, name: str, username: str, deadline: str | None) -> None:
        self.ask("PUT", f"assignments/{name}/extensions/{quote(username)}", json={"deadline": deadline})

    def withdraw(self, name: str) -> None:
        self.ask("DELETE", f"assignments/{name}")

    def release(self, name: str, files: dict[str, bytes]) -> dict:
        return self.send("POST", f"assignments/{name}/releases", files, RELEASE)

    def fetch(self, name: str, number: int | None = None) -> tuple[int, dict[str, bytes]]:
        """The number of a release, the latest where none is given, and its files."""
        return self.take(f"assignments/{name}/releases/{number or 'latest'}", RELEASE)

    def submit(self, name: str, files: dict[str, bytes]) -> dict:
        """The receipt of what is handed in."""
        return self.send("POST", f"assignments/{name}/submissions", files, SUBMISSION)

    def submissions(self, name: str | None = None, username: str | None = None) -> list[dict]:
        where = f"assignments/{name}/submissions" if name else "submissions"
        return self.ask("GET", where, params={"username": username} if username else None)

    def submission(self, id: str) -> dict:
        return self.ask("GET", f"submissions/{id}")

    def submitted_files(self, id: str) -> dict[str, bytes]:
        return self.take(f"submissions/{id}/files", SUBMISSION)[1]

    def report(self, id: str, state: str, score: float | None = None, points: float | None = None) -> dict:
        told = {"state": state, "score": score, "points": points}
        return self.ask("PUT", f"submissions/{id}/marking", json=told)

    def give_feedback(self, id: str, files: dict[str, bytes]) -> dict:
        return self.send("PUT", f"submissions/{id}/feedback", files, FEEDBACK)

    def feedback(self, id: str) -> dict[str, bytes]:
        return self.take(f"submissions/{id}/feedback", FEEDBACK)[1]

    def arrivals(self, after: int = 0, wait: bool = False) -> list[dict]:
        """Who handed in what behind a number; with `wait` the answer comes when there is some, or after a while."""
        return self.ask("GET", "arrivals", params={"after": after, "wait": int(wait)})

    def audit(self, after: int = 0, limit: int = 500) -> list[dict]:
        return self.ask("GET", "audit", params={"after": after, "limit": limit})

    # How

    def ask(self, verb: str, path: str, **sent: object) -> object:
        """The result of a request; Refusal with the exchange's sentence."""
        return self.request(verb, path, **sent).json()["result"]

    def send(self, verb: str, path: str, files: dict[str, bytes], limits: Limits) -> dict:
        """The result of sending files, which are not sent where they are too many."""
        check_limits(describe(files), limits)
        return self.ask(verb, path, data=pack(files), headers={"Content-Type": MEDIA_TYPE})

    def take(self, path: str, limits: Limits) -> tuple[int, dict[str, bytes]]:
        """The release's number, where there is one, and the files that came."""
        answer = self.request("GET", path)
        return int(answer.headers.get("X-Release", 0)), unpack(answer.content, limits)

    def request(self, verb: str, path: str, **sent: object) -> requests.Response:
        """A request, sent again while the exchange or the way to it is away; Refusal otherwise."""
        deadline = time.monotonic() + self.patience
        pauses = iter(PAUSES)
        while True:
            try:
                answer = self.session.request(verb, f"{self.address}/{path}", timeout=TIMEOUTS, **sent)
                if answer.ok:
                    return answer
                refusal = read_refusal(answer)
            except requests.RequestException as error:
                refusal = Refusal(503, f"The exchange cannot be reached ({type(error).__name__}): try again later.")
            pause = next(pauses, PAUSES[-1]) * random.uniform(0.75, 1.25)  # so that not all come back at one moment
            if refusal.status not in AGAIN or time.monotonic() + pause > deadline:
                raise refusal
            time.sleep(pause)


def read_refusal(answer: requests.Response) -> Refusal:
    """The exchange's own sentence, or one for an answer that is not the exchange's."""
    try:
        return Refusal(answer.status_code, str(answer.json()["error"]))
    except (ValueError, KeyError, TypeError):
        words = printable(answer.reason or "no reason given")
        return Refusal(
            answer.status_code, f"The exchange did not answer in its own words ({answer.status_code} {words})."
        )


class Local:
    """The exchange on the machine that keeps it, for whoever may read and write its files: its operator."""

    def __init__(self, store: Store, visitor: Visitor):
        self.desk = Desk(store, visitor)
        for name in ("assignments", "assignment", "set_terms", "extend", "withdraw"):
            setattr(self, name, getattr(self.desk, name))
        for name in ("submissions", "submission", "report", "audit"):
            setattr(self, name, getattr(self.desk, name))

    def me(self) -> dict:
        who = self.desk.visitor
        return {"name": who.name, "learns": who.learns, "teaches": who.teaches, "time": self.desk.store.now()}

    def arrivals(self, after: int = 0, wait: bool = False) -> list[dict]:
        """Who handed in what behind a number; with `wait` it looks again once, as nobody tells us."""
        found = self.desk.arrivals(after)
        if not found and wait:
            time.sleep(LOOK_SECONDS)
            found = self.desk.arrivals(after)
        return found

    def release(self, name: str, files: dict[str, bytes]) -> dict:
        return self.send(self.desk.accept_release, self.desk.release, name, files)

    def fetch(self, name: str, number: int | None = None) -> tuple[int, dict[str, bytes]]:
        found = self.desk.fetch(name, number)
        return found.number, read_files(found)

    def submit(self, name: str, files: dict[str, bytes]) -> dict:
        return self.send(
            self.desk.accept_submission, lambda name, parcel: self.desk.submit(name, parcel, "workspace"), name, files
        )

    def submitted_files(self, id: str) -> dict[str, bytes]:
        return read_files(self.desk.submitted_files(id))

    def give_feedback(self, id: str, files: dict[str, bytes]) -> dict:
        return self.send(self.desk.accept_feedback, self.desk.give_feedback, id, files)

    def feedback(self, id: str) -> dict[str, bytes]:
        return read_files(self.desk.feedback(id))

    def send(
        self,
        accept: Callable[[str], Unpacker],
        give: Callable[[str, Parcel], tuple[dict, bool]],
        name: str,
        files: dict[str, bytes],
    ) -> dict:
        """What the desk says to files that go the way of a parcel."""
        unpacker = accept(name)
        try:
            unpacker.feed(pack(files))
            return give(name, unpacker.finish())[0]
        finally:
            unpacker.discard()


def read_files(files: Files) -> dict[str, bytes]:
    """Files of the exchange in memory; Refusal where they are not what the index says."""
    return unpack(b"".join(read_chunks(files.folder, files.entries)), RELEASE)


def connect(username: str | None = None, patience: float = PATIENCE) -> Remote | Local:
    """The exchange: the service that CAMPUS_EXCHANGE_URL names, with one's own token from the hub, and else directly.

    Directly there is nobody to say who asks: it is `username` as an associate, and the operator as a tutor without one.
    """
    address = os.environ.get("CAMPUS_EXCHANGE_URL")
    if address:
        return Remote(address, os.environ.get("JUPYTERHUB_API_TOKEN", ""), patience)
    visitor = Visitor(username, learns=True) if username else Visitor("operator", teaches=True)
    folder = default_folder()
    return Local(open_store(folder, default_url(folder)), visitor)


@functools.lru_cache(maxsize=4)
def open_store(folder: Path, url: str) -> Store:
    """A store that is opened once in a process."""
    return Store(folder, url).ensure()
