"""The warm process: it imports what the course uses, and forks a sealed process for each request.

It never sees a test, an answer or an expected value: they reach the sealed processes by their own sockets, after it
forked.
Started by `Warm` as a program, which speaks on the socket whose number is its argument; or a fork, as in `workers`, of
a process that has imported all of it already.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import socket
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.execution import LIBRARIES, THREADS, make_shell
from autograder.seal import Limits, Sealed, can_seal, start_sealed
from autograder.unsealed import Unsealed, run_unsealed
from campus.errors import CampusError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

LONGEST_REQUEST = 65536
MOST_FORKS = 2  # at one time
HUGE_PAGE = 2 * 2**20
MADV_COLLAPSE = 25  # Linux's <asm-generic/mman-common.h>
FIGURES = "module://matplotlib_inline.backend_inline"  # shows them where they are drawn, as a kernel does


@dataclass(frozen=True)
class Process:
    """A sealed process: its number with the warm process, and our end of its socket."""

    number: int
    socket: socket.socket


def warm_environment() -> dict[str, str]:
    """What a warm process finds in its environment: nothing that learners' code may not read."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    return {**kept, **THREADS, "MPLBACKEND": FIGURES, "PYTHONHASHSEED": "0"}


class Warm:
    """A warm process of our own; use it in a `with` statement. If we die, it and all that it sealed die too.

    `unsealed` runs learners' code without a seal: for a machine that has none, by an order in words only. One that
    somebody else started is used by its `given` socket.
    """

    def __init__(self, unsealed: bool = False, given: socket.socket | None = None) -> None:
        self.unsealed = unsealed or os.environ.get("CAMPUS_UNSEALED") == "1"
        self.given = given

    def __enter__(self) -> "Warm":
        self.pid = None
        if self.given:
            self.socket = self.given
        else:
            self.socket, theirs = socket.socketpair()
            self.pid = start_program(theirs)
            theirs.close()
        return self

    def __exit__(self, *error) -> None:
        self.socket.close()
        if self.pid is not None:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)

    def gone(self) -> bool:
        """Whether it has ended: it says nothing unasked, so what can be read then is the end."""
        return bool(select.select([self.socket], [], [], 0)[0])

    def fork(self, data: Path | None, limits: Limits, slot: int = 0) -> Process:
        """A new sealed process that waits for cells; `data` is what it may read. CampusError where nothing can seal."""
        return self.forks((data, limits, slot))[0]

    def forks(self, *wanted: tuple[Path | None, Limits, int]) -> list[Process]:
        """The same for several, which are sealed side by side."""
        orders = [
            {"data": data and str(data), "limits": asdict(limits), "slot": slot, "unsealed": self.unsealed}
            for data, limits, slot in wanted
        ]
        answer, descriptors = self.ask({"fork": orders})
        if not descriptors:
            raise CampusError(answer["refused"])
        sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        return [Process(number, end) for number, end in zip(answer["numbers"], sockets, strict=True)]

    def end(self, *processes: Process) -> list[str]:
        """Kill sealed processes and all that they started; why each had ended, if it had."""
        try:
            return self.ask({"end": [process.number for process in processes]})[0]["reasons"]
        finally:
            for process in processes:
                process.socket.close()  # not before: it would end by itself

    def ask(self, order: dict) -> tuple[dict, list[int]]:
        """The warm process's answer, and the descriptors that came with it; CampusError where it is gone."""
        try:
            self.socket.sendall(json.dumps(order).encode())
            message, descriptors, _, _ = socket.recv_fds(self.socket, LONGEST_REQUEST, MOST_FORKS)
        except OSError:
            message = b""
        if not message:
            raise CampusError("The process that seals learners' code ended early: try again.")
        return json.loads(message), descriptors


def start_program(theirs: socket.socket) -> int:
    """Start the warm process from nothing; its number."""
    process = subprocess.Popen(
        [sys.executable, "-m", "autograder.warm", str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        env=warm_environment(),
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.DEVNULL,
    )
    process.returncode = 0  # we bury it ourselves, as we do a fork
    return process.pid


def main(descriptor: int) -> None:
    """Import, then answer requests until nobody holds the other end."""
    answer(socket.socket(fileno=descriptor), prepare())


def prepare() -> "InteractiveShell":
    """Import what courses use; the shell in which cells will run."""
    can_seal()  # tried out here, where a fork has little to copy; those to come know the answer
    from autograder import plain, sealed  # noqa: F401  not before: who only asks a warm process needs none of it

    for library in LIBRARIES:
        importlib.import_module(library)
    shell = make_shell()
    draw_figures(shell)
    plain.zone_names()  # read once, here, for all forks
    gc.collect()
    gc.freeze()  # what is here now is nothing that a fork should look through, and so copy
    use_huge_pages()
    return shell


def use_huge_pages() -> None:
    """Gather this process's memory in huge pages, where Linux can (from 6.1 on): a fork is made and ended by pages."""
    madvise = getattr(ctypes.CDLL(None), "madvise", None)
    if sys.platform != "linux" or not madvise:
        return
    for line in Path("/proc/self/maps").read_text().splitlines():
        bounds, kind, _, _, _, *name = line.split()
        first, end = (int(bound, 16) // HUGE_PAGE * HUGE_PAGE for bound in bounds.split("-"))
        if kind == "rw-p" and name in ([], ["[heap]"]) and first + HUGE_PAGE < end:
            # Where it cannot be done all stays as it is.
            madvise(ctypes.c_void_p(first + HUGE_PAGE), ctypes.c_size_t(end - first - HUGE_PAGE), MADV_COLLAPSE)


def answer(controller: socket.socket, shell: "InteractiveShell") -> None:
    """Answer requests until nobody holds the other end, and leave nothing behind."""
    running: dict[int, Sealed | Unsealed] = {}
    with contextlib.suppress(OSError):  # the other end may go at any time
        serve(controller, shell, running)
    leave(running)


def serve(controller: socket.socket, shell, running: dict[int, Sealed | Unsealed]) -> None:
    """Fork and end what is asked for until the other end is closed; `running` says what there is."""
    while request := controller.recv(LONGEST_REQUEST):
        order = json.loads(request)
        if "end" in order:
            controller.sendall(json.dumps({"reasons": end(running, order["end"])}).encode())
            continue
        try:
            numbers = begin(running, order["fork"], shell)
        except CampusError as error:
            controller.sendall(json.dumps({"refused": str(error)}).encode())
            continue
        ends = [running[number].socket for number in numbers]
        socket.send_fds(controller, [json.dumps({"numbers": numbers}).encode()], [one.fileno() for one in ends])
        for one in ends:
            one.close()


def begin(running: dict[int, Sealed | Unsealed], orders: list[dict], shell: "InteractiveShell") -> list[int]:
    """Fork what is ordered; the numbers of the processes, of which there are none where one cannot be sealed."""
    from autograder.sealed import serve_cells

    first = max(running, default=0) + 1
    numbers = []
    try:
        for number, order in enumerate(orders, first):
            start = run_unsealed if order["unsealed"] else start_sealed
            data = Path(order["data"]) if order["data"] else None
            running[number] = start(lambda end: serve_cells(end, shell), data, Limits(**order["limits"]), order["slot"])
            numbers.append(number)
        for number in numbers:
            running[number].ready()
    except CampusError:
        end(running, numbers)
        raise
    return numbers


def end(running: dict[int, Sealed | Unsealed], numbers: list[int]) -> list[str]:
    """Kill processes, and wait until nothing of them is left; why each had ended."""
    ended = [running.pop(number) for number in numbers]
    for process in ended:
        process.kill()
    return [process.wait().reason for process in ended]


def leave(running: dict[int, Sealed | Unsealed]) -> None:
    """End at once, and all that runs below with us: sealed processes die with their parent, others leave a folder."""
    for process in running.values():
        process.kill()
    for process in running.values():
        if isinstance(process, Unsealed):
            process.wait()
    os._exit(0)


def draw_figures(shell) -> None:
    """Let a shell show figures as PNG images at the end of a cell."""
    from IPython.core.pylabtools import activate_matplotlib
    from matplotlib_inline.backend_inline import configure_inline_support

    activate_matplotlib(FIGURES)
    configure_inline_support(shell, FIGURES)


if __name__ == "__main__":
    main(int(sys.argv[1]))
