"""Serving: JupyterHub on this machine with the cohort of the roster, from the first step until Ctrl-C.

Every process of a hub carries the mark of its state folder in its environment, and so do the processes that it starts,
down to the kernels. That mark is how a stop, or the next start after a crash, finds all that is ours and nothing else.
"""

import errno
import fcntl
import os
import re
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from campus import folders, unix_users
from campus.cohort.people import ensure_people
from campus.cohort.roles import GRADER
from campus.cohort.roster import Person
from campus.errors import CampusError
from campus.folders import COURSE_ID, HUB_CONFIG, ensure_state
from campus.sessions import publish_sessions

HOST = "127.0.0.1"
MARK = "CAMPUS_SERVED_FROM"
SHORTEST_PASSWORD = 8
READY_SECONDS = 120
STOP_SECONDS = 12
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that are read for one another
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
KEPT = ("HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "CAMPUS_DATABASE_URL")  # of our environment, what the hub is told

PROFILES = {"laptop": "jupyterhub_config.py", "server": "server.py"}  # and their settings in hub-config/
PROMISES = {
    "laptop": (
        "This is the laptop profile: one Unix user runs everything, and one password opens every account. It is a\n"
        "demonstration and an author's bench for one person on this machine; do not put real people's work in it."
    ),
    "server": (
        "This is the server profile, its first part: each workspace runs as a Unix user of its person's own, who can\n"
        "read nobody else's files. One password still opens every account: do not put real people's work in it yet."
    ),
}

out = Console(soft_wrap=True, highlight=False)


class Stopped(BaseException):
    """Somebody asked us to stop: Ctrl-C, a closed terminal, or a polite end from the system."""


def serve(port: int | None = None, profile: str = "laptop") -> None:
    """Start the hub and stay until a signal; afterwards no process of it is left. CampusError says why it cannot be."""
    if profile not in PROFILES:
        raise CampusError(f"'{profile}' is not a profile: choose one of {', '.join(PROFILES)}.")
    port = choose_port(port)
    folder = ensure_state()
    if profile == "server":
        unix_users.refuse_unready()
    password = ensure_password(folder)
    with hold_state(folder, port), signals_stop_us():
        try:
            end_ours(folder)
            refuse_taken_port(port)
            refuse_damaged_databases(folder)
            people = ensure_people()
            ensure_folders(folder, people if profile == "laptop" else [])
            if profile == "server":
                unix_users.close_folders()
            say("Starting the hub, and bringing the course up to date meanwhile")
            hub = start_hub(folder, port, password, PROFILES[profile])
            prepare_course(people)
            wait_until_ready(hub, folder, port)
            say_welcome(people, port, password)
            say(PROMISES[profile])
            say(f"State and logs are in {folder}.")
            say_who_marks()
            say("Ctrl-C stops everything.")
            wait_for_end(hub, folder)
        except Stopped:
            say("Stopping ...")
        finally:
            stop_all(folder)
    say("Stopped: no process is left behind.")


def choose_port(port: int | None) -> int:
    """The given port, else CAMPUS_PORT, else 8000."""
    text = str(port or os.environ.get("CAMPUS_PORT") or 8000)
    if not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise CampusError(f"CAMPUS_PORT is '{text}', which is not a port: use a number from 1024 to 65535.")
    return int(text)


def ensure_password(folder: Path) -> str:
    """The password that all share: CAMPUS_PASSWORD, else the one in the state folder, made at the first start."""
    given = os.environ.get("CAMPUS_PASSWORD")
    file = folder / "password"
    if not given and not file.exists():
        text = "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
            handle.write(f"{text}\n")
    password = given or file.read_text().strip()
    if len(password) < SHORTEST_PASSWORD:
        whose = "CAMPUS_PASSWORD" if given else str(file)
        raise CampusError(f"The password in {whose} is shorter than {SHORTEST_PASSWORD} letters: make it longer.")
    return password


@contextmanager
def hold_state(folder: Path, port: int) -> Iterator[None]:
    """Keep the state folder to this process: a lock that the system lets go of when we end, however we end."""
    with (folder / "serve.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise CampusError(
                f"The state folder {folder} is being served already ({lock.read().strip() or 'starting'}): "
                "stop that one, or name another folder in CAMPUS_STATE."
            ) from None
        lock.truncate(0)
        lock.write(f"by process {os.getpid()} at http://{HOST}:{port}\n")
        lock.flush()
        yield


@contextmanager
def signals_stop_us() -> Iterator[None]:
    """Turn each stop signal into Stopped; put the old handlers back afterwards."""

    def stop(number: int, frame: object) -> None:
        ignore_signals()  # a second Ctrl-C must not interrupt the cleaning up
        raise Stopped

    with ExitStack() as stack:
        for number in STOP_SIGNALS:
            stack.callback(signal.signal, number, signal.signal(number, stop))
        yield


def ignore_signals() -> None:
    """Let nothing interrupt us any more."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def refuse_taken_port(port: int) -> None:
    """CampusError when the port cannot be had, naming the process that holds it where the system tells."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CampusError(
                    f"Port {port} is taken by {find_holder(port)}: stop it, or choose another, as in "
                    f"'CAMPUS_PORT={port + 1 if port < 65535 else 8000} make serve'."
                ) from None
            raise CampusError(
                f"Port {port} cannot be used ({error.strerror}): choose another, as in 'CAMPUS_PORT=8000 make serve'."
            ) from None


def refuse_damaged_databases(folder: Path) -> None:
    """CampusError for a database that is there but empty or not whole: to go on would hide that its content is lost."""
    for file in (
        folder / "course" / "gradebook.db",
        folder / "exchange" / "index.db",
        folder / "openings.db",
        folder / "hub" / "jupyterhub.sqlite",
        folder / "people.db",
    ):
        if file.exists() and (found := check_database(file)) != "ok":
            raise CampusError(
                f"{file} cannot be used ({found}): restore it from a backup, or name another folder in CAMPUS_STATE."
            )


def check_database(file: Path) -> str:
    """What SQLite finds wrong first in a database, or `ok`."""
    if not file.stat().st_size:
        return "it is empty"
    try:
        with closing(sqlite3.connect(file)) as database:
            return database.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        return str(error)


def find_holder(port: int) -> str:
    """Who listens on a port, in words."""
    with suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
                if connection.pid is None:
                    return "a process of another user"
                process = psutil.Process(connection.pid)
                command = " ".join(process.cmdline())[:120] or process.name()
                return f"process {process.pid} ({command})"
    return "another process"


def find_free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody uses at this moment, all different."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((HOST, 0))
        return [probe.getsockname()[1] for probe in probes]


def ensure_folders(folder: Path, people: list[Person]) -> None:
    """Homes closed to other Unix users, and places for logs, the hub's own files and the course."""
    for name in (
        "logs",
        "hub",
        "course",
        *(f"homes/{username}" for username in [GRADER, *(one.username for one in people)]),
    ):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "proxy.pid").unlink(missing_ok=True)  # its process is gone, and its number may be somebody else's now


def prepare_course(people: list[Person]) -> None:
    """Bring sessions, course, gradebook and exchange up to date: what is there already is left as it is."""
    from autograder.course import ensure_course, ensure_students, release  # nbgrader takes seconds to import
    from campus.cli import progress_bar

    if folders.CLEAN.is_dir():
        publish_sessions()
    ensure_course()
    ensure_students(person for person in people if person.role == "associate")
    with progress_bar("Releasing assignments") as bar:
        released = release(progress=lambda done, total, name: bar(name, done, total))
    for refused in (entry for entry in released["assignments"] if not entry["ok"]):
        say(refused["problem"])


def start_hub(folder: Path, port: int, password: str, settings: str = PROFILES["laptop"]) -> subprocess.Popen:
    """Start JupyterHub in a session of its own, so that a Ctrl-C reaches us alone, with a small environment."""
    binaries = str(Path(sys.executable).parent)  # the proxy, the workspaces and alembic are found there
    environment = {
        **{name: os.environ[name] for name in KEPT if name in os.environ},
        "PATH": os.pathsep.join([binaries, os.environ.get("PATH", os.defpath)]),
        "CAMPUS_STATE": str(folder),
        "CAMPUS_PORT": str(port),
        "CAMPUS_PASSWORD": password,
        MARK: str(folder),
    }
    with (folder / "logs" / "hub.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "--config", str(HUB_CONFIG / settings)],
            cwd=folder / "hub",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,  # of services and workspaces too: what they write is their own
        )


def wait_until_ready(hub: subprocess.Popen, folder: Path, port: int) -> None:
    """Return when the hub and its services answer through the proxy."""
    paths = ("/hub/health", "/services/exchange/openapi.json", "/services/campus/", f"/services/{COURSE_ID}/")
    waiting = [f"http://{HOST}:{port}{path}" for path in paths]
    deadline = time.monotonic() + READY_SECONDS
    while waiting:
        if hub.poll() is not None:
            raise died(hub, folder)
        if time.monotonic() > deadline:
            raise CampusError(
                f"The hub did not answer within {READY_SECONDS} s: {folder / 'logs' / 'hub.log'} says why."
            )
        if answers(waiting[0]):
            waiting.pop(0)
        else:
            time.sleep(0.25)


class Stay(urllib.request.HTTPRedirectHandler):
    """An answer that sends us to the sign-in page is an answer."""

    def redirect_request(self, *arguments: object) -> None:
        return None


def answers(url: str) -> bool:
    """Whether somebody answers at the address, be it with a redirect or a refusal."""
    opener = urllib.request.build_opener(Stay, urllib.request.ProxyHandler({}))
    try:
        opener.open(url, timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
        return error.code in (302, 401, 403)
    except OSError:
        return False
    return True


def died(hub: subprocess.Popen, folder: Path) -> CampusError:
    """The sentence for a hub that ended by itself."""
    log = folder / "logs" / "hub.log"
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return CampusError(
        f"The hub ended by itself (exit code {hub.returncode}); {log} says why, last '{lines[-1] if lines else ''}'."
    )


def say_welcome(people: list[Person], port: int, password: str) -> None:
    """The people, the address, and how to sign in."""
    table = Table("Username", "Name", "Role", "Organisation", title_justify="left", title="Who takes part")
    for person in people:
        table.add_row(person.username, person.name, person.role, person.organisation)
    say(table)
    say(f"Open     http://{HOST}:{port}")
    say(f"Sign in  with a username from the table and the password {password}")


def say_who_marks() -> None:
    """Whether work is marked when it is handed in."""
    from autograder.seal import can_seal

    why = can_seal()
    if why is None:
        say("What is handed in is marked by machine at once; written answers wait for a tutor in formgrader.")
    else:
        say(f"{why} So nothing is marked when it is handed in: that is left to tutors.")


def say(what: object) -> None:
    """Print, unless the terminal has gone."""
    with suppress(OSError):
        out.print(what, markup=False)
        out.file.flush()


def wait_for_end(hub: subprocess.Popen, folder: Path) -> None:
    """Stay as long as the hub runs; it never ends by itself while all is well."""
    hub.wait()
    raise died(hub, folder)


def stop_all(folder: Path) -> None:
    """End the hub, which ends its proxy, services and servers; then whatever of ours is still there."""
    ignore_signals()
    ours = find_ours(folder)
    hubs = [process for process in ours if is_child(process)]
    below = [child for hub in hubs for child in list_children(hub)]
    for hub in hubs:
        with suppress(psutil.Error):
            hub.terminate()
    psutil.wait_procs(hubs, timeout=STOP_SECONDS)
    end_processes([*below, *find_ours(folder)])
    end_ours(folder)


def end_ours(folder: Path) -> None:
    """End what bears the mark of this state folder, and again what a hub that was ending started while we looked."""
    deadline = time.monotonic() + STOP_SECONDS
    while (left := find_ours(folder)) and time.monotonic() < deadline:
        end_processes(left)


def is_child(process: psutil.Process) -> bool:
    """Whether we started a process, which may have ended meanwhile."""
    with suppress(psutil.Error):
        return process.ppid() == os.getpid()
    return False


def list_children(process: psutil.Process) -> list[psutil.Process]:
    """All processes below one, or none when it has just ended."""
    with suppress(psutil.Error):
        return process.children(recursive=True)
    return []


def find_ours(folder: Path) -> list[psutil.Process]:
    """The running processes that bear the mark of this state folder; never ourselves, nor those who started us."""
    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            marked = process.pid not in spared and process.environ().get(MARK) == str(folder)
            if marked and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def end_processes(processes: list[psutil.Process]) -> None:
    """Ask each to end, and make those end that have not after three seconds."""
    for process in processes:
        with suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=3)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=3)
