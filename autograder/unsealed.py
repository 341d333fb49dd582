"""Run learners' code in a process apart but not sealed off: for machines that cannot seal, where somebody says so.

It is bounded in processor time, files and, where the system can, memory, and ends with its controller. It is no wall:
the code runs as the user who grades, and may read and change what they may.
"""

import contextlib
import os
import resource
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from autograder.seal import Ended, Limits

PATIENCE = 2  # seconds for a killed process to be buried


class Unsealed:
    """A process apart, for use in a `with` statement: at its end neither it nor its process group runs."""

    def __init__(self, pid: int, ours: socket.socket, lifeline: int, folder: Path):
        self.pid, self.socket = pid, ours
        self._lifeline, self._folder = lifeline, folder
        self._killed = False
        self._ended: Ended | None = None

    def __enter__(self) -> "Unsealed":
        return self

    def __exit__(self, *error) -> None:
        self.kill()
        self.wait()
        self.socket.close()

    def ready(self) -> None:
        """Nothing to wait for."""

    def kill(self) -> None:
        """Kill it and its process group, unless it has ended."""
        if self._ended is None and not self._buried(0):
            self._killed = True
            self._kill_group()

    def wait(self) -> Ended:
        """Wait until it has ended, and clear up behind it; why it ended."""
        while self._ended is None:
            self._buried(PATIENCE)
        return self._ended

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def _buried(self, seconds: float) -> bool:
        """Whether it has ended, waiting for so long."""
        until = time.monotonic() + seconds
        while True:
            pid, status, used = os.wait4(self.pid, os.WNOHANG)
            if pid or time.monotonic() > until:
                break
            time.sleep(0.005)
        if not pid:
            return False
        self._kill_group()  # what it left behind
        reason = "killed" if self._killed else why(status)
        self._ended = Ended(reason, used.ru_utime + used.ru_stime, 0.0)
        os.close(self._lifeline)
        shutil.rmtree(self._folder, ignore_errors=True)
        return True


def why(status: int) -> str:
    """The reason that a wait status gives."""
    if not os.WIFSIGNALED(status):
        return "ended"
    number = os.WTERMSIG(status)
    return "cpu" if number == signal.SIGXCPU else f"signal {number}"


def run_unsealed(work: Callable[[socket.socket], None], data: Path | None, limits: Limits, slot: int = 0) -> Unsealed:
    """Fork a process that calls `work` with its end of a socket, in a folder of its own with a copy of `data`."""
    folder = Path(tempfile.mkdtemp(prefix="unsealed-"))
    if data is not None:
        shutil.copytree(data, folder / "data")
    ours, theirs = socket.socketpair()
    lifeline, our_lifeline = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            ours.detach()
            os.close(our_lifeline)
            settle(folder, limits, lifeline, theirs.fileno())
            work(theirs)
            os._exit(0)
        finally:
            os._exit(1)
    theirs.close()
    os.close(lifeline)
    return Unsealed(pid, ours, our_lifeline, folder)


def settle(folder: Path, limits: Limits, lifeline: int, end: int) -> None:
    """Leave the parent's session, files and folder; take the limits on."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    low, high = sorted((lifeline, end))
    os.closerange(3, low)
    os.closerange(low + 1, high)
    os.closerange(high + 1, 4096)
    os.chdir(folder)
    os.environ.update(HOME=str(folder), TMPDIR=str(folder))
    tempfile.tempdir = None
    most = {
        resource.RLIMIT_CPU: limits.cpu_seconds,
        resource.RLIMIT_NOFILE: limits.files,
        resource.RLIMIT_FSIZE: limits.file_mb * 2**20,
        resource.RLIMIT_CORE: 0,
    }
    with contextlib.suppress(OSError):  # beyond what it has; where that is not known, there is no limit
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        most[resource.RLIMIT_AS] = size + limits.memory_mb * 2**20
    for name, value in most.items():
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(name, (value, value))
    threading.Thread(target=end_with, args=(lifeline,), daemon=True).start()


def end_with(lifeline: int) -> None:
    """End this process and its group when nobody holds the other end of a pipe."""
    with contextlib.suppress(OSError):
        os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)
