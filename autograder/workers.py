"""Workers: processes that mark, here or on a cluster. Each has a warm process of its own, and knows no gradebook.

On this machine all are forks of one nursery, so that what they need is imported once.

A worker is given an assignment's folder and the bytes of a submission, and gives back a result as plain data. Who gives
the work out writes the marks, so that a worker may be killed at any moment: its work is given out again.
"""

import itertools
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol

from autograder.warm import Warm, answer, prepare, warm_environment
from campus import folders
from campus.errors import CampusError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

MARKED, REFUSED, BROKEN, LOST = "marked", "refused", "broken", "lost"
SECRETS = ("CAMPUS_DATABASE_URL", "CAMPUS_PASSWORD", "JUPYTERHUB_API_TOKEN", "CONFIGPROXY_AUTH_TOKEN")
MOST_DEATHS = 5  # of workers in a row, with no answer between
CLUSTER_SECONDS = 30  # how long a cluster may be without any worker of ours
RESOURCE = "marking"  # what a Dask worker of ours offers: one submission at a time
REST_SECONDS = 1.0  # before a dead worker of a cluster is started again


@dataclass(frozen=True)
class Order:
    """A submission to be marked; `version` is what the assignment in `folder` must be."""

    folder: str
    version: str
    data: bytes
    build: str  # the folder of kept checks, which know the listed mistakes


@dataclass(frozen=True)
class Answer:
    """What became of an order: `marked` with a result; `refused`, `broken` or `lost` with a sentence."""

    kind: str
    result: dict | None = None
    why: str = ""


class Executor(Protocol):
    """Whoever marks: takes orders while it is `idle`, and gives answers back by the order's key."""

    def idle(self) -> bool: ...

    def give(self, key: str, order: Order) -> None: ...

    def collect(self, seconds: float) -> list[tuple[str, Answer]]: ...


def cores() -> int:
    """How many workers this machine has room for."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def open_executor(workers: int | None = None, scheduler: str | None = None, unsealed: bool = False) -> Iterator:
    """Processes on this machine, as many as it has cores by default, or the cluster of a Dask scheduler."""
    with Cluster(scheduler) if scheduler else Processes(workers, unsealed) as executor:
        yield executor


# On this machine


class Processes:
    """Workers on this machine, begun when there is work; one that dies is replaced, and its order answered as lost."""

    def __init__(self, count: int | None = None, unsealed: bool = False) -> None:
        self.count = count or cores()
        self.deaths = 0
        self.workers: list[Worker] = []
        self.nursery = Nursery(unsealed)  # it imports while we do something else

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self.workers:
            worker.connection.close()
        self.nursery.end()

    def idle(self) -> bool:
        return len(self.workers) < self.count or any(worker.key is None for worker in self.workers)

    def give(self, key: str, order: Order) -> None:
        """Hand an order to a worker that has none."""
        worker = next((worker for worker in self.workers if worker.key is None), None)
        if worker is None:
            worker = self.nursery.begin()
            self.workers.append(worker)
        worker.key = key
        with suppress(OSError):  # one that died meanwhile is found when answers are collected
            worker.connection.send(order)

    def collect(self, seconds: float) -> list[tuple[str, Answer]]:
        """The answers that are there, after waiting so long for the first."""
        found = []
        if not self.workers:
            time.sleep(seconds)
        for connection in wait([worker.connection for worker in self.workers], seconds):
            worker = next(worker for worker in self.workers if worker.connection is connection)
            try:
                answer = connection.recv()
                self.deaths = 0
            except (EOFError, OSError):
                answer = Answer(LOST, why="The process that marked it ended.")
                self.forget(worker)
            if worker.key is not None:
                found.append((worker.key, answer))
            worker.key = None
        return found

    def forget(self, worker: "Worker") -> None:
        """Let another take the place of a worker that died; CampusError where all die."""
        worker.connection.close()
        self.workers.remove(worker)
        self.deaths += 1
        if self.deaths >= MOST_DEATHS:
            raise CampusError(f"The processes that mark end as soon as they start: {log_file()} says why.")
        if not self.nursery.lives():
            self.nursery = Nursery(self.nursery.unsealed)


@dataclass
class Worker:
    """A worker of this machine, which ends with its connection, and the key of the order that it has."""

    connection: Connection
    key: str | None = None


class Nursery:
    """A process that has imported all that marking needs, of which each worker is a fork.

    It has one below it that has imported only what courses use, of which each worker's warm process is a fork.
    """

    def __init__(self, unsealed: bool) -> None:
        self.unsealed = unsealed or os.environ.get("CAMPUS_UNSEALED") == "1"
        self.socket, theirs = socket.socketpair()
        with open_log() as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "autograder.workers", str(theirs.fileno()), *["unsealed"] * self.unsealed],
                pass_fds=[theirs.fileno()],
                env=warm_environment(),
                cwd=folders.ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us: we end it
            )
        theirs.close()

    def begin(self) -> Worker:
        """A new worker. Where the nursery cannot make one, its connection is found at its end."""
        ours, theirs = socket.socketpair()
        with suppress(OSError):
            socket.send_fds(self.socket, [b"W"], [theirs.fileno()])
        theirs.close()
        return Worker(Connection(ours.detach()))

    def lives(self) -> bool:
        return self.process.poll() is None

    def end(self) -> None:
        """End it; workers end with their own connections."""
        self.socket.close()
        self.process.kill()
        self.process.wait()


def log_file() -> Path:
    """Where workers say what went wrong with them."""
    return folders.state() / "logs" / "marking.log"


def open_log() -> object:
    """The log, to be written at its end."""
    log_file().parent.mkdir(parents=True, exist_ok=True)
    return log_file().open("ab")


# The nursery, and the worker itself


def rear(descriptor: int, unsealed: bool) -> None:
    """Import what marking needs, then fork a worker for each connection that comes, until nobody holds the other end.

    What seals for the workers is forked off first and imports beside it what courses use: a fork costs by its memory.
    """
    ours, theirs = socket.socketpair()
    with socket.socket(fileno=descriptor) as controller:
        if os.fork() == 0:
            controller.close()
            ours.close()
            shell = prepare()
            fork_each([theirs], lambda given: be_warm(given, shell))
        theirs.close()
        from autograder import marking  # noqa: F401

        fork_each([controller, ours], lambda given: be_worker(given, unsealed, ours))


def fork_each(ends: list[socket.socket], be: Callable[[int], NoReturn]) -> NoReturn:
    """Be a fork of this process for each descriptor that comes, until nobody holds the other end of one of these."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever ends is buried by the system
    while True:
        for end in select.select(ends, [], [])[0]:
            message, given, _, _ = socket.recv_fds(end, 1, 1)
            if not message:
                os._exit(0)
            if os.fork() == 0:
                ends[0].close()
                be(given[0])
            os.close(given[0])


def be_warm(descriptor: int, shell: "InteractiveShell") -> NoReturn:
    """Be a warm process in a fork."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        answer(socket.socket(fileno=descriptor), shell)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(1)


def be_worker(descriptor: int, unsealed: bool, nursery: socket.socket) -> NoReturn:
    """Be a worker in a fork, with a warm process of its own."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        ours, theirs = socket.socketpair()
        with nursery, theirs:
            socket.send_fds(nursery, [b"W"], [theirs.fileno()])
        serve(descriptor, unsealed, ours)
        os._exit(0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(1)


def serve(descriptor: int, unsealed: bool, sealer: socket.socket) -> None:
    """Mark what comes, until nobody holds the other end."""
    with Warm(unsealed, sealer) as warm, own_slot() as slot:
        controller = Connection(descriptor)
        threading.Thread(target=end_at_hangup, args=(descriptor,), daemon=True).start()
        while True:
            try:
                order = controller.recv()
            except (EOFError, OSError):
                return
            answer = mark(order, warm, slot)
            if warm.gone():
                return  # what seals is gone, so this was no fault of the submission's
            with suppress(OSError):  # nobody is there any more: the next turn ends us
                controller.send(answer)


def end_at_hangup(descriptor: int) -> None:
    """End this process as soon as nobody holds the other end, also in the middle of a submission."""
    ended = select.poll()
    ended.register(descriptor, 0)  # a hang-up is told unasked
    ended.poll()
    os._exit(0)


def mark(order: Order, warm: Warm, slot: int) -> Answer:
    """Mark a submission. Nothing raises: what goes wrong is answered in a sentence."""
    from autograder.assignment import first_line
    from autograder.marking import grade

    try:
        folders.BUILD = Path(order.build)
        assignment = read_version(order.folder, order.version)
        return Answer(MARKED, grade(assignment, order.data, warm, slot=slot).asdict())
    except CampusError as error:
        return Answer(REFUSED, why=str(error))
    except Exception as error:
        sys.excepthook(*sys.exc_info())
        return Answer(BROKEN, why=f"{type(error).__name__}: {first_line(error)}")


ASSIGNMENTS: dict[tuple[str, str], object] = {}


def read_version(folder: str, version: str) -> object:
    """An assignment as it was when its version was taken; CampusError where it is another one here."""
    from autograder import assignment

    if (folder, version) not in ASSIGNMENTS:
        found = assignment.read(Path(folder))
        if assignment.version(Path(folder)) != version:
            raise CampusError(
                f"{found.name} is another version on {socket.gethostname()} than where it was released: "
                "bring the checkouts to the same state."
            )
        ASSIGNMENTS[folder, version] = found
    return ASSIGNMENTS[folder, version]


@contextmanager
def own_slot() -> Iterator[int]:
    """A number that no other worker of this machine has meanwhile: what it seals runs as a user of its own."""
    if not sys.platform.startswith("linux"):
        yield 0  # nothing seals there
        return
    for number in itertools.count():
        with socket.socket(socket.AF_UNIX) as taken:
            try:
                taken.bind(f"\0campus-marking-{number}")  # a name that the system frees, however we end
            except OSError:
                continue
            yield number
            return


# On a cluster


class Cluster:
    """The workers of a Dask scheduler that `autograder worker` started; Dask gives work of a dead one to another."""

    def __init__(self, url: str) -> None:
        from distributed import Client

        self.url = url
        self.answers: queue.SimpleQueue = queue.SimpleQueue()
        self.given: dict[str, object] = {}
        self.alone_since: float | None = None
        try:
            self.client = Client(url, timeout=10, set_as_default=False, name="autograder")
        except (OSError, ValueError) as error:
            raise CampusError(
                f"There is no Dask scheduler at {url} ({type(error).__name__}): start one with 'dask scheduler', "
                "or leave --scheduler out to mark on this machine."
            ) from error

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *error: object) -> None:
        for future in self.given.values():
            future.cancel()
        self.client.close()

    def size(self) -> int:
        """How many submissions its workers mark at one time."""
        workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
        return int(sum(worker.get("resources", {}).get(RESOURCE, 0) for worker in workers))

    def idle(self) -> bool:
        """Whether there is a worker without work; CampusError where there has been none at all for long."""
        size = self.size()
        if size:
            self.alone_since = None
        elif self.alone_since is None:
            self.alone_since = time.monotonic()
        elif time.monotonic() - self.alone_since > CLUSTER_SECONDS:
            raise CampusError(
                f"No worker of ours is at {self.url}: start some with 'autograder worker --scheduler {self.url}'."
            )
        return len(self.given) < size

    def give(self, key: str, order: Order) -> None:
        """Hand an order to the cluster."""
        future = self.client.submit(mark_there, asdict(order), key=f"mark-{key}", resources={RESOURCE: 1}, pure=False)
        self.given[key] = future
        future.add_done_callback(lambda done: self.answers.put((key, done)))

    def collect(self, seconds: float) -> list[tuple[str, Answer]]:
        """The answers that are there, after waiting so long for the first."""
        found = []
        with suppress(queue.Empty):
            found.append(self.answers.get(timeout=seconds))
            while True:
                found.append(self.answers.get_nowait())
        return [(key, self.read(key, future)) for key, future in found if self.given.pop(key, None) is not None]

    def read(self, key: str, future: object) -> Answer:
        """The answer of a future that is done."""
        try:
            return Answer(**future.result(timeout=10))
        except CancelledError:
            raise CampusError(f"The Dask scheduler at {self.url} ended: start it, and run the command again.") from None
        except Exception as error:  # KilledWorker, and what a broken worker raises
            return Answer(LOST, why=f"The workers that marked it ended ({type(error).__name__}).")


class There:
    """What a worker of a cluster keeps: its warm process and its slot."""

    warm: Warm
    slot: int


def mark_there(order: dict) -> dict:
    """Mark on a worker of a cluster: plain data in, plain data out."""
    answer = mark(Order(**order), There.warm, There.slot)
    if There.warm.gone():
        os._exit(1)
    return asdict(answer)


def serve_cluster(url: str, lifeline: int, unsealed: bool) -> None:
    """Be one Dask worker until the scheduler ends, or nobody holds the other end of a pipe."""
    import asyncio

    from distributed import Worker

    async def work() -> None:
        async with Worker(url, nthreads=1, resources={RESOURCE: 1}, death_timeout=60, dashboard=False) as worker:
            await worker.finished()

    threading.Thread(target=end_with, args=(lifeline,), daemon=True).start()
    with Warm(unsealed) as There.warm, own_slot() as There.slot:
        asyncio.run(work())


def end_with(lifeline: int) -> None:
    """End this process when nobody holds the other end of a pipe."""
    os.read(lifeline, 1)
    os._exit(0)


def work_for(url: str, count: int | None = None, unsealed: bool = False) -> None:
    """Keep so many workers of a cluster running on this machine until Ctrl-C; one that dies is started again."""
    lifeline, ours = os.pipe()
    command = [sys.executable, "-m", "autograder.workers", str(lifeline), *["unsealed"] * unsealed, url]

    def start() -> subprocess.Popen:
        environment = {name: value for name, value in os.environ.items() if name not in SECRETS}
        return subprocess.Popen(
            command, pass_fds=[lifeline], env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )

    running = [start() for _ in range(count or cores())]
    try:
        while True:
            time.sleep(REST_SECONDS)
            running = [process if process.poll() is None else start() for process in running]
    finally:
        os.close(ours)
        for process in running:
            process.kill()
            process.wait()


def main(arguments: list[str]) -> None:
    """`DESCRIPTOR [unsealed] [URL]`: the nursery of this machine, or a worker of the cluster at that address."""
    descriptor, *rest = arguments
    url = next((word for word in rest if "://" in word), None)
    if url:
        serve_cluster(url, int(descriptor), "unsealed" in rest)
    else:
        rear(int(descriptor), "unsealed" in rest)


if __name__ == "__main__":
    from autograder import workers  # under its own name, by which orders and answers know it

    workers.main(sys.argv[1:])
