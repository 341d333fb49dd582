"""Measure: what a command costs, with everything that it starts."""

import contextlib
import os
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import psutil

from campus.errors import CampusError

SAMPLE_SECONDS = 0.25  # between two looks at the memory


@dataclass(frozen=True)
class Usage:
    """Wall and CPU seconds, and the largest memory seen (bytes; pages that processes share count once)."""

    wall: float = 0.0
    cpu: float = 0.0
    peak: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        """One after the other."""
        return Usage(self.wall + other.wall, self.cpu + other.cpu, max(self.peak, other.peak))


def measured(command: list, log: Path, **options) -> Usage:
    """Run a command to its end; its output goes to `log`. CampusError where it fails.

    CPU seconds are those of the command and of all its descendants that were waited for, from the kernel's own account.
    """
    with log.open("ab") as file:
        before = os.times()
        process = subprocess.Popen([str(word) for word in command], stdout=file, stderr=file, **options)
        peak = Peak(process.pid)
        _, status, used = os.wait4(process.pid, 0)
        after = os.times()
        process.returncode = os.waitstatus_to_exitcode(status)
        highest = peak.stop()
    if process.returncode:
        last = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise CampusError(f"{command[0]} ended with {process.returncode} ({' '.join(last)}); all it said is in {log}.")
    return Usage(after.elapsed - before.elapsed, used.ru_utime + used.ru_stime, highest)


class Peak(threading.Thread):
    """Looks at the memory of a process and its descendants again and again, and keeps the largest sum."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.pid = pid
        self.highest = 0
        self.ended = threading.Event()
        self.start()

    def run(self) -> None:
        while not self.ended.wait(SAMPLE_SECONDS):
            self.highest = max(self.highest, memory(self.pid))

    def stop(self) -> int:
        """Look no more; bytes."""
        self.ended.set()
        self.join()
        return self.highest


def memory(pid: int) -> int:
    """Bytes that a process and its descendants take now; a page that several share counts as one."""
    total = 0
    with contextlib.suppress(psutil.Error, OSError):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.Error, OSError):
                total += process.memory_full_info().pss
    return total


def processor_time(pid: int) -> float:
    """CPU seconds of a process and its descendants so far, with those that have ended and were waited for."""
    total = 0.0
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total
