"""A private PostgreSQL for tests: in a temporary folder, on a socket of its own, gone with the process that asked."""

import atexit
import ctypes
import functools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import create_engine, make_url

SET_PARENT_DEATH_SIGNAL = 1  # of prctl
READY_SECONDS = 60
SERVANTS = ("postgres", "nobody")  # PostgreSQL refuses to run as root


@dataclass(frozen=True)
class Postgres:
    """A running server."""

    folder: Path
    process: subprocess.Popen

    def url(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgresql+psycopg://campus@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """The address of an empty database."""
        name = f"test_{uuid.uuid4().hex}"
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        return self.url(name)

    def drop_connections(self, url: str) -> int:
        """End every connection to a database, as a restart would; how many there were."""
        name = make_url(url).database
        engine = create_engine(self.url("postgres"))
        with engine.connect() as connection:
            found = connection.exec_driver_sql(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s", (name,)
            ).scalar()
        engine.dispose()
        return found

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Have the server answer nobody, while its connections stay open."""
        parent = psutil.Process(self.process.pid)
        parent.suspend()  # first, so that it has no more children
        children = parent.children()
        for child in children:
            child.suspend()
        try:
            yield
        finally:
            for process in (parent, *children):
                process.resume()


@functools.cache
def ensure_postgres() -> Postgres:
    """Start the server at the first call; it ends with this process, however that ends."""
    programs = find_programs()
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"pg-{os.getpid()}-"))
    who = {}
    if os.geteuid() == 0:
        servant = next(entry for entry in pwd.getpwall() if entry.pw_name in SERVANTS)
        os.chown(folder, servant.pw_uid, servant.pw_gid)
        who = {"user": servant.pw_uid, "group": servant.pw_gid, "extra_groups": []}
    log = (folder.parent / f"{folder.name}.log").open("w+")
    data = folder / "data"
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "campus", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"],
        check=True,
        stdout=log,
        stderr=log,
        cwd=folder,
        **who,
    )
    process = subprocess.Popen(
        [programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"],
        stdout=log,
        stderr=log,
        cwd=folder,
        preexec_fn=end_with_parent,  # after the change of user, which would undo it
        start_new_session=True,
        **who,
    )
    server = Postgres(folder, process)
    atexit.register(stop, server, Path(log.name))
    wait_until_ready(server, log)
    return server


def sweep() -> None:
    """Remove what runs that were killed have left."""
    for left in Path(tempfile.gettempdir()).glob("pg-*-*"):
        owner = left.name.split("-")[1]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left) if left.is_dir() else left.unlink()


def find_programs() -> Path:
    """The folder of PostgreSQL's programs, which are installed where they are missing and that is allowed."""
    for attempt in range(2):
        found = shutil.which("initdb")
        folders = [Path(found).resolve().parent] if found else []
        folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        for folder in folders:
            if (folder / "postgres").exists():
                return folder
        if attempt == 0 and os.geteuid() == 0 and shutil.which("apt-get"):
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            settings = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            subprocess.run(["apt-get", "update"], check=False, env=settings, **quiet)
            subprocess.run(["apt-get", "install", "-y", "postgresql"], check=False, env=settings, **quiet)
    raise RuntimeError("PostgreSQL is missing: install the package postgresql, which these tests need.")


def end_with_parent() -> None:
    """Let the server stop at once when this process has ended, be it killed."""
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGQUIT)


def wait_until_ready(server: Postgres, log: object) -> None:
    """Return when the server takes connections."""
    deadline = time.monotonic() + READY_SECONDS
    engine = create_engine(server.url("postgres"))
    while True:
        try:
            engine.connect().close()
            break
        except Exception as error:
            if server.process.poll() is not None or time.monotonic() > deadline:
                log.seek(0)
                raise RuntimeError(f"PostgreSQL did not start: {log.read()[-500:]}") from error
            time.sleep(0.05)
    engine.dispose()


def stop(server: Postgres, log: Path) -> None:
    """End the server and take its folder away."""
    server.process.send_signal(signal.SIGINT)
    server.process.wait()
    shutil.rmtree(server.folder, ignore_errors=True)
    log.unlink(missing_ok=True)
