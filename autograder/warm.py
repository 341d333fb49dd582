"""The warm process: it imports what the course uses, and forks a sealed process for each request.

It never sees a test, an answer or an expected value: they reach the sealed processes by their own sockets, after it
forked.
Started by `Warm`; run as a program it speaks on the socket whose number is its argument.
"""

import contextlib
import gc
import importlib
import json
import os
import socket
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from autograder.execution import LIBRARIES, THREADS, make_shell
from autograder.plain import zone_names
from autograder.seal import Limits, Sealed, run_sealed
from autograder.sealed import serve_cells
from autograder.unsealed import Unsealed, run_unsealed
from campus.errors import CampusError

LONGEST_REQUEST = 65536
END_SECONDS = 5  # between a process closing its files and its end
FIGURES = "module://matplotlib_inline.backend_inline"  # shows them where they are drawn, as a kernel does


@dataclass(frozen=True)
class Process:
    """A sealed process: its number with the warm process, and our end of its socket."""

    number: int
    socket: socket.socket


class Warm:
    """A warm process of our own; use it in a `with` statement. If we die, it and all that it sealed die too.

    `unsealed` runs learners' code without a seal: for a machine that has none, by an order in words only.
    """

    def __init__(self, unsealed: bool = False) -> None:
        self.unsealed = unsealed or os.environ.get("CAMPUS_UNSEALED") == "1"

    def __enter__(self) -> "Warm":
        ours, theirs = socket.socketpair()
        environment = {
            **{name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ},
            **THREADS,
            "MPLBACKEND": FIGURES,
            "PYTHONHASHSEED": "0",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "autograder.warm", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=environment,
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self.socket = ours
        return self

    def __exit__(self, *error) -> None:
        self.socket.close()
        self.process.wait()

    def fork(self, data: Path | None, limits: Limits, slot: int = 0) -> Process:
        """A new sealed process that waits for cells; `data` is what it may read. CampusError where nothing can seal."""
        order = {"data": data and str(data), "limits": asdict(limits), "slot": slot, "unsealed": self.unsealed}
        answer, descriptors = self.ask(order)
        if not descriptors:
            raise CampusError(answer["refused"])
        return Process(answer["number"], socket.socket(fileno=descriptors[0]))

    def end(self, process: Process) -> str:
        """Kill a sealed process and all that it started; why it had ended, if it had."""
        try:
            return self.ask({"end": process.number})[0]["reason"]
        finally:
            process.socket.close()  # not before: it would end by itself

    def ask(self, order: dict) -> tuple[dict, list[int]]:
        """The warm process's answer, and the descriptors that came with it; CampusError where it is gone."""
        try:
            self.socket.sendall(json.dumps(order).encode())
            message, descriptors, _, _ = socket.recv_fds(self.socket, LONGEST_REQUEST, 1)
        except OSError:
            message = b""
        if not message:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(END_SECONDS)  # it has closed its end, and ends: callers ask whether it has
            raise CampusError("The process that seals learners' code ended early: try again.")
        return json.loads(message), descriptors


def main(descriptor: int) -> None:
    """Import, then answer requests until nobody holds the other end."""
    for library in LIBRARIES:
        importlib.import_module(library)
    shell = make_shell()
    draw_figures(shell)
    zone_names()  # read once, here, for all forks
    gc.collect()
    gc.freeze()  # what is here now is nothing that a fork should look through, and so copy
    controller = socket.socket(fileno=descriptor)
    running: dict[int, Sealed | Unsealed] = {}
    with contextlib.suppress(OSError):  # the other end may go at any time
        serve(controller, shell, running)
    leave(running)


def serve(controller: socket.socket, shell, running: dict[int, Sealed | Unsealed]) -> None:
    """Fork and end what is asked for until the other end is closed; `running` says what there is."""
    count = 0
    while request := controller.recv(LONGEST_REQUEST):
        order = json.loads(request)
        if "end" in order:
            process = running.pop(order["end"])
            process.kill()
            controller.sendall(json.dumps({"reason": process.wait().reason}).encode())
            continue
        count += 1
        data = Path(order["data"]) if order["data"] else None
        try:
            run = run_unsealed if order["unsealed"] else run_sealed
            process = run(lambda end: serve_cells(end, shell), data, Limits(**order["limits"]), order["slot"])
        except CampusError as error:
            controller.sendall(json.dumps({"refused": str(error)}).encode())
            continue
        running[count] = process
        socket.send_fds(controller, [json.dumps({"number": count}).encode()], [process.socket.fileno()])
        process.socket.close()


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
