"""Seal a freshly forked process, so that code nobody trusts can run in it: Linux on x86-64 and arm64, nothing compiled.

`run_sealed` forks twice. The first child is process 1 of new namespaces (user, mount, pid, net, ipc, uts, cgroup). It
builds a private root, gives up what it may do, and then only watches: when the work ends, time or memory is used up, or
the parent dies, it ends, and the kernel kills all that is left in its pid namespace. The second child goes into a user
namespace of its own, which owns none of the others; it takes another user id, drops everything, and does the work.

What a process holds in memory when it forks is not sealed off: a parent that knows secrets must not fork.
"""

import contextlib
import ctypes
import errno
import fcntl
import functools
import json
import os
import platform
import resource
import select
import signal
import socket
import stat
import struct
import sys
import sysconfig
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

try:
    from campus.errors import CampusError
except ModuleNotFoundError:  # this file alone, by its path

    class CampusError(Exception):
        """A sentence for the user."""


FIRST_UID = 600_000  # host user and group id of slot 0, where the parent is root; the watcher has the one below
LEARNER = 1000  # what the sealed process is called inside
HOME = "/work"
KERNEL = (5, 14)  # mount_setattr is 5.12; processes are counted for each user namespace since 5.14
TICK = 0.05  # seconds between two looks at memory and processor time
SET_UP_SECONDS = 20  # after which a process that is not sealed yet is given up; a busy machine may need a few
KEPT = {
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "MPLBACKEND",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "PYTHONHASHSEED",
}
INTERPRETER = os.path.realpath(sys.executable)  # looked up here: not every link on the way to it is there when sealed


@dataclass(frozen=True)
class Limits:
    """What a sealed process may use. Memory is beyond what it holds when forked, for each process and for all in sum.

    Processes include threads; files are open ones, `file_mb` the longest of them, and `scratch_mb` what `/work` and
    `/tmp` hold in sum. `output_mb` is for the reader of the socket, the only one who can count: beyond it, `kill`.
    """

    memory_mb: int = 1024
    cpu_seconds: int = 60
    wall_seconds: float = 60
    processes: int = 32
    files: int = 64
    file_mb: int = 64
    scratch_mb: int = 64
    output_mb: int = 64


@dataclass(frozen=True)
class Ended:
    """Why a sealed process ended, what it took of the processor with set-up and all it started, and its memory's peak.

    Reason: ended, wall, cpu, memory, killed, or signal N. The peak is beyond what the process held when forked.
    """

    reason: str
    cpu_seconds: float
    peak_mb: float


class Sealed:
    """A sealed process, for use in a `with` statement: at its end nothing of it runs.

    `socket` is our end of its socket, closed with the statement. `threads` says how many threads the parent had when it
    forked: 1 is safe; others are absent in the fork, and what they had locked stays locked.
    """

    def __init__(self, pid: int, ours: socket.socket, lifeline: int, status: int, limits: Limits, threads: int):
        self.pid, self.socket, self.threads = pid, ours, threads
        self._lifeline, self._status = lifeline, status
        self._handle = os.pidfd_open(pid)
        self._killed = False
        self._ended: Ended | None = None
        self._deadline = time.monotonic() + limits.wall_seconds + 5  # should the watcher itself hang

    def __enter__(self) -> "Sealed":
        return self

    def __exit__(self, *error) -> None:
        self.kill()
        self.wait()
        self.socket.close()

    def ready(self) -> None:
        """Wait until it is sealed; CampusError, and nothing of it left, where that cannot be."""
        said = os.read(self._status, 1) if _readable(self._status, SET_UP_SECONDS) else b""
        if said == b"S":
            return
        message = os.read(self._status, 1000).decode() if said == b"E" else "it died or hung before it was sealed"
        if said != b"E" and self.threads > 1:  # a library may wait for threads that its fork does not have
            message += f", perhaps as it was forked from {self.threads} threads: set OPENBLAS_NUM_THREADS=1"
        self.__exit__()
        raise CampusError(f"Learners' code cannot be sealed here: {message}.")

    def kill(self) -> None:
        """Kill it and all that it started; `wait` says when they are gone."""
        if not self._killed and self._ended is None:
            self._killed = True
            os.close(self._lifeline)  # the watcher sees that, tells what was used, and ends
            self._deadline = min(self._deadline, time.monotonic() + 1)

    def wait(self) -> Ended:
        """Wait until nothing of it runs; why it ended. A reason that was there before a `kill` stays."""
        if self._ended is None:
            if not _readable(self._handle, self._deadline - time.monotonic()):
                self.kill()
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            _, status, used = os.wait4(self.pid, 0)
            told = {}
            with contextlib.suppress(json.JSONDecodeError):  # nothing, or part of what failed in the set-up
                told = json.loads(_read_all(self._status))
            otherwise = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) and not self._killed else "killed"
            self._ended = Ended(
                told.get("reason", otherwise),
                used.ru_utime + used.ru_stime + told.get("unreaped", 0),
                told.get("peak", 0) / 2**20,
            )
            for descriptor in (self._handle, self._status, *([] if self._killed else [self._lifeline])):
                os.close(descriptor)
        return self._ended


@functools.cache
def can_seal() -> str | None:
    """Why this machine cannot seal, in one sentence; None where it can. Tried once, in a fork that is thrown away."""
    if sys.platform != "linux":
        return f"Learners' code cannot be sealed on {platform.system()}: grade on Linux."
    if platform.machine() not in ARCHITECTURES:
        return f"Learners' code cannot be sealed on a {platform.machine()} processor: grade on x86_64 or aarch64."
    if not Path("/proc/self/status").exists():
        return "Learners' code cannot be sealed without /proc: mount it."
    release = tuple(int(part) for part in platform.release().replace("-", ".").split(".")[:2])
    if release < KERNEL:
        return f"Linux {platform.release()} cannot seal learners' code: use Linux {KERNEL[0]}.{KERNEL[1]} or newer."
    try:
        with _start(_try_out, None, Limits(wall_seconds=20)) as sealed:
            sealed.ready()
            sealed.socket.settimeout(20)
            said = sealed.socket.recv(1000).decode()
            sealed.wait()
    except CampusError as error:
        return str(error)
    except OSError as error:
        return f"Learners' code cannot be sealed here: the trial ended early ({error.strerror or error})."
    return None if said == "sealed" else f"Learners' code cannot be sealed here: {said or 'the trial ended early'}."


def run_sealed(
    work: Callable[[socket.socket], None], data: Path | None, limits: Limits = Limits(), slot: int = 0
) -> Sealed:
    """Fork a sealed process that calls `work` with its end of a socket, and ends when it returns.

    It finds `data` read-only as `data/` in its working folder, and may write next to it. Returns once it is sealed;
    CampusError where that cannot be. `slot` tells sealed processes that run at one time apart.
    """
    sealed = start_sealed(work, data, limits, slot)
    sealed.ready()
    return sealed


def start_sealed(
    work: Callable[[socket.socket], None], data: Path | None, limits: Limits = Limits(), slot: int = 0
) -> Sealed:
    """The same without waiting until it is sealed: `ready` does, and until then others can be started."""
    if why := can_seal():
        raise CampusError(why)
    return _start(work, data, limits, slot)


def _try_out(end: socket.socket) -> None:
    """The trial's work: is the seal what it should be, and can Python be read?"""
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    said = "sealed"
    if any(int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")):
        said = "capabilities could not be dropped"
    elif status["NoNewPrivs"] != "1" or status["Seccomp"] != "2":
        said = "the filter of system calls is not in force"
    for path in (INTERPRETER, os.__file__):
        try:
            Path(path).open("rb").close()
        except OSError as error:
            said = f"another user cannot read {path} ({error.strerror}), so install Python where everybody can"
    end.sendall(said.encode())


# The parent's side


def _start(work: Callable, data: Path | None, limits: Limits, slot: int = 0) -> Sealed:
    root = os.geteuid() == 0
    uid = FIRST_UID + slot
    if root:
        _check_ids(uid)
    if data is not None:
        data = _check_data(data, root)
    ours, theirs = socket.socketpair()
    lifeline, our_lifeline = os.pipe()
    our_status, status = os.pipe()
    _tree()  # made once, here, for all forks
    _filter()
    threads = len(os.listdir("/proc/self/task"))
    flags = NAMESPACES | (0 if root else CLONE_NEWUSER)
    before = (os.getuid(), os.getgid())
    try:
        pid = _clone(flags)
    except OSError as error:
        for descriptor in (lifeline, our_lifeline, our_status, status):
            os.close(descriptor)
        ours.close(), theirs.close()
        if error.errno in (errno.EAGAIN, errno.ENOMEM):
            raise CampusError(
                f"No sealed process could be started ({error.strerror}): end other programs, or grade fewer at once."
            ) from None
        hint = "give root its capabilities back" if root else "run as root"
        raise CampusError(
            f"This system forbids new namespaces ({error.strerror}), so learners' code cannot be sealed: leave any "
            "chroot, allow user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone), "
            f"or {hint}."
        ) from None
    if pid == 0:
        try:
            ours.detach()
            _be_process_one(work, data, limits, uid if root else None, before, theirs.detach(), lifeline, status)
        finally:
            os._exit(1)
    theirs.close()
    os.close(lifeline)
    os.close(status)
    return Sealed(pid, ours, our_lifeline, our_status, limits, threads)


def _clone(flags: int) -> int:
    """Fork into new namespaces; Python has no call for it. The lock of the interpreter is held throughout."""
    python = ctypes.pythonapi
    python.PyOS_BeforeFork()
    pid = LIBC.syscall(_number("clone"), ctypes.c_ulong(flags | signal.SIGCHLD), None, None, None, None)
    if pid == 0:
        python.PyOS_AfterFork_Child()
        return 0
    number = ctypes.get_errno()
    python.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(number, os.strerror(number))
    return pid


def _check_ids(uid: int) -> None:
    """CampusError where root is of a container that has not got our user ids."""
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        first, _, count = (int(part) for part in line.split())
        if first <= FIRST_UID - 1 and uid < first + count:
            return
    raise CampusError(
        f"Learners' code cannot be sealed here: root of this container has no user id {uid}, so run the grader as an "
        "ordinary user, or map more ids."
    )


def _check_data(data: Path, root: bool) -> Path:
    """The real path of a folder of data; CampusError where it is none, or its files are only for their owner."""
    data = Path(data).resolve()
    if not data.is_dir():
        raise CampusError(f"{data} is not a folder: name the folder of the assignment's data.")
    needed = stat.S_IROTH | stat.S_IXOTH
    if root and data.stat().st_mode & needed != needed:
        raise CampusError(f"Another user cannot read {data}: allow it with 'chmod -R a+rX {data}'.")
    return data


def _readable(descriptor: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0, seconds) * 1000))


def _read_all(descriptor: int) -> bytes:
    return b"".join(iter(lambda: os.read(descriptor, 65536), b""))


# Process 1: builds the root, starts the worker, watches


def _be_process_one(work, data, limits, uid, before, end, lifeline, status) -> None:
    """Never returns. What fails before the work begins is said through `status`, in part of a sentence."""
    step = "the set-up"
    try:
        _quieten()
        null = os.open(os.devnull, os.O_RDWR)
        # At the upper end of the few descriptors a learner has: no forgotten object of the parent's closes them.
        places = [limits.files - 1, limits.files - 2, limits.files - 3]
        _keep([null, null, null, end, lifeline, status], [0, 1, 2, *places])
        end, lifeline, status = places
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        _prctl(PR_SET_DUMPABLE, 1)  # else the files that map user ids are root's
        if uid is None:
            step = "to map the user id"
            _map_ids("/proc/self", 0, *before)
        step = "to build the private root"
        processes = _build_root(data, limits.scratch_mb)
        step = "to start the worker"
        if uid is not None:
            os.setgroups([])
        ours, theirs = socket.socketpair()
        worker = os.fork()
        if worker == 0:
            _be_worker(work, limits, theirs, end, status)
        os.close(end)
        theirs.close()
        handle = os.pidfd_open(worker)
        ours.recv(1)
        step = "to map the worker's user id"
        _map_ids(f"{worker}", LEARNER, *((0, 0) if uid is None else (uid, uid)), processes)
        step = "to drop the watcher's powers"
        _drop(0 if uid is None else FIRST_UID - 1)
        ours.send(b"M")
        ours.close()
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.write(status, b"E" + f"{step} failed ({getattr(error, 'strerror', '') or repr(error)})".encode())
        os._exit(1)
    try:
        said = _watch(worker, handle, lifeline, processes, limits)
        os.write(status, json.dumps(said).encode())
        os._exit(0)
    finally:
        os._exit(1)


def _watch(worker: int, handle: int, lifeline: int, processes: int, limits: Limits) -> dict:
    """Why the work ended, the peak of its memory in bytes, and seconds of what the kernel is about to kill."""
    base, resident = _memory(processes, 1)
    until = time.monotonic() + limits.wall_seconds
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    poll.register(lifeline, select.POLLIN)
    peak, reason, status = 0, None, None
    while reason is None:
        poll.poll(min(TICK, max(0, until - time.monotonic())) * 1000)
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:  # orphans count as processes until somebody waits
                if found[0] == worker:
                    status = found[1]
        memory, living = _use(processes, base)
        reaped = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = reaped.ru_utime + reaped.ru_stime + living
        peak = max(peak, memory, reaped.ru_maxrss * 1024 - resident)
        if status is not None:
            reason = _why(status, cpu, limits)
        elif _readable(lifeline, 0):
            # The socket is closed before the worker is dead: who sees that and ends it may be quicker than we are.
            ended = _ending(processes, worker) and _readable(handle, 0.5)
            reason = _why(os.waitpid(worker, 0)[1], cpu, limits) if ended else "killed"
        elif time.monotonic() >= until:
            reason = "wall"
        elif cpu > limits.cpu_seconds:
            reason = "cpu"
        elif memory > limits.memory_mb * 2**20:
            reason = "memory"
    return {"reason": reason, "peak": peak, "unreaped": living}


def _why(status: int, cpu: float, limits: Limits) -> str:
    """The reason that a worker's wait status gives; past the soft limit on processor time the kernel sends SIGKILL."""
    if not os.WIFSIGNALED(status):
        return "ended"
    number = os.WTERMSIG(status)
    if number == signal.SIGXCPU or (number == signal.SIGKILL and cpu >= limits.cpu_seconds):
        return "cpu"
    return f"signal {number}"


def _use(processes: int, base: int) -> tuple[int, float]:
    """Bytes that all processes but the watcher hold beyond `base` each, and seconds of processor time they used."""
    memory, ticks = 0, 0
    for name in os.listdir(processes):
        if not name.isdigit() or name == "1":
            continue
        with contextlib.suppress(OSError, ValueError, IndexError):
            memory += max(0, _memory(processes, name)[0] - base)
            # Fields 14 to 17, counted behind the name, which may hold anything: its own time and its dead children's.
            ticks += sum(int(n) for n in _read_at(processes, f"{name}/stat").rpartition(")")[2].split()[11:15])
    return memory, ticks / os.sysconf("SC_CLK_TCK")


def _ending(processes: int, worker: int) -> bool:
    """Whether the kernel is about to bury a process: one of its flags."""
    return bool(int(_read_at(processes, f"{worker}/stat").rpartition(")")[2].split()[6]) & PF_EXITING)


def _memory(processes: int, name: int | str) -> tuple[int, int]:
    """Bytes of memory of its own that a process holds, and bytes with what it shares with files."""
    _, resident, shared = (int(number) * PAGE for number in _read_at(processes, f"{name}/statm").split()[:3])
    return resident - shared, resident


def _read_at(folder: int, name: str) -> str:
    descriptor = os.open(name, os.O_RDONLY, dir_fd=folder)
    try:
        return os.read(descriptor, 4096).decode("utf-8", "replace")
    finally:
        os.close(descriptor)


def _write_at(folder: int | None, name: str, text: str) -> None:
    descriptor = os.open(name, os.O_WRONLY, dir_fd=folder)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _map_ids(process: str, inside: int, uid: int, gid: int, folder: int | None = None) -> None:
    """Let a process's user namespace hold one user and one group."""
    _write_at(folder, f"{process}/setgroups", "deny")
    _write_at(folder, f"{process}/gid_map", f"{inside} {gid} 1")
    _write_at(folder, f"{process}/uid_map", f"{inside} {uid} 1")


def _quieten() -> None:
    """Signals as in a fresh Python without its own, nothing blocked, a session of its own."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        ignored = number in (signal.SIGPIPE, signal.SIGXFSZ)
        signal.signal(number, signal.SIG_IGN if ignored else signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.setsid()
    os.umask(0o022)


def _keep(descriptors: list[int], places: list[int]) -> None:
    """Put descriptors in their places, in rising order or not, and close all others."""
    above = max(places) + 1
    copies = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, above) for descriptor in descriptors]
    for copy, place in zip(copies, places, strict=True):
        os.dup2(copy, place, inheritable=place < 3)
    _close_all_but(places)


def _close_all_but(places: list[int]) -> None:
    for low, high in zip(sorted(places), [*sorted(places)[1:], 2**31 - 1], strict=True):
        os.closerange(low + 1, high)


# The private root


@functools.cache
def _tree() -> tuple[tuple[str, str], ...]:
    """What of this machine a sealed process can read: pairs of where it really is and where it is found.

    Python's own folders, the libraries that it loads, time zones and fonts; of a Python in /usr not the whole of /usr.
    """
    wanted = ["/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64"]
    wanted += ["/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo", "/etc/fonts", "/usr/share/fonts"]
    wanted += ["/usr/local/share/fonts", "/usr/share/fontconfig"]
    for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix):
        if os.path.realpath(prefix) not in ("/", "/usr", "/usr/local"):
            wanted.append(prefix)
    wanted += [path for name, path in sysconfig.get_paths().items() if name.endswith(("stdlib", "lib"))]
    wanted += [sys.executable, os.path.realpath(sys.executable)]
    found = {place: os.path.realpath(path) for path in wanted for place in (path, os.path.realpath(path))}
    pairs = []
    for place, source in sorted(found.items()):
        if os.path.exists(source) and not any(place.startswith(above + "/") for _, above in pairs):
            pairs.append((source, place))
    return tuple(pairs)


def _build_root(data: Path | None, scratch_mb: int) -> int:
    """Move into a root that holds only what `_tree` says; a descriptor of its /proc, in which nothing is hidden."""
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    # Nothing that is needed lies below /proc: there the new root stands until it is the root.
    new = "/proc"
    _mount("sealed", new, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m,nr_inodes=4k")
    for name in ("dev", "etc", "proc", "tmp", "work"):
        os.mkdir(f"{new}/{name}")
    # One scratch: /work is a folder of /tmp. Both stay root's, so that nobody moves what is mounted in them.
    _mount("scratch", f"{new}/tmp", "tmpfs", MS_NOSUID | MS_NODEV, f"mode=1777,size={scratch_mb}m,nr_inodes=16k")
    os.mkdir(f"{new}/tmp/.work")
    os.chmod(f"{new}/tmp/.work", 0o1777)
    _mount(f"{new}/tmp/.work", f"{new}/work", None, MS_BIND)
    for source, place in (*_tree(), *([(str(data), f"{HOME}/data")] if data else [])):
        _make_place(source, new + place)
        _mount(source, new + place, None, MS_BIND | MS_REC)
    os.symlink("/tmp", f"{new}/dev/shm")
    for name, text in (
        ("passwd", f"root:x:0:0::/:/bin/false\nlearner:x:{LEARNER}:{LEARNER}::{HOME}:/bin/false\n"),
        ("group", f"root:x:0:\nlearner:x:{LEARNER}:\n"),
    ):
        with open(f"{new}/etc/{name}", "w") as file:
            file.write(text)
    devices = ("null", "random", "urandom")  # not zero: mapped, it is memory that nobody is charged for
    for name in devices:
        _make_place("", f"{new}/dev/{name}")
    _set_mount(new, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, recursive=True)
    for name in ("tmp", "work"):
        _set_mount(f"{new}/{name}", MOUNT_ATTR_NOEXEC, MOUNT_ATTR_RDONLY)
    for name in devices:
        _mount(f"/dev/{name}", f"{new}/dev/{name}", None, MS_BIND)
        _set_mount(f"{new}/dev/{name}", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)
    # The watcher looks through the first of two; the second, on top of it, shows each process only itself.
    quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC
    try:
        _mount("proc", f"{new}/proc", "proc", quiet, "subset=pid")
    except PermissionError as error:
        raise PermissionError(
            error.errno, "no fresh /proc without root where a container masks parts of its own"
        ) from error
    processes = os.open(f"{new}/proc", os.O_RDONLY | os.O_DIRECTORY)
    _mount("proc", f"{new}/proc", "proc", quiet, "subset=pid,hidepid=invisible")
    socket.sethostname("sealed")
    os.chdir(new)
    _call("pivot_root", b".", b".")
    _unmount(".")
    os.chdir("/")
    return processes


def _make_place(source: str, place: str) -> None:
    """A folder or an empty file to mount something on, like the source."""
    if os.path.isdir(source):
        os.makedirs(place, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.close(os.open(place, os.O_WRONLY | os.O_CREAT, 0o644))


def _mount(source: str | None, place: str, kind: str | None, flags: int, options: str | None = None) -> None:
    texts = [None if text is None else os.fsencode(text) for text in (source, place, kind, options)]
    _check(LIBC.mount(*texts[:3], ctypes.c_ulong(flags), texts[3]), place)


def _unmount(place: str) -> None:
    _check(LIBC.umount2(os.fsencode(place), MNT_DETACH), place)


def _set_mount(place: str, on: int, off: int = 0, recursive: bool = False) -> None:
    """Add and take flags of a mount, and of all below it."""
    change = struct.pack("=QQQQ", on, off, 0, 0)
    _call("mount_setattr", AT_FDCWD, os.fsencode(place), AT_RECURSIVE if recursive else 0, change, len(change))


# The worker


def _be_worker(work, limits, sync, end, status) -> None:
    """Never returns."""
    step = "to enter a user namespace"
    try:
        _check(LIBC.unshare(CLONE_NEWUSER), "user namespace")
        sync.send(b"U")
        if sync.recv(1) != b"M":
            os._exit(1)
        step = "to set limits"
        os.setsid()
        _write_at(None, "/proc/self/oom_score_adj", "1000")
        _limit(limits)
        os.chdir(HOME)
        _scrub()
        _close_all_but([0, 1, 2, end, status])
        step = "to drop all powers"
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _drop(LEARNER)
        connection = socket.socket(fileno=end)
        os.write(status, b"S")
        os.close(status)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.write(status, b"E" + f"{step} failed ({getattr(error, 'strerror', '') or repr(error)})".encode())
        os._exit(1)
    try:
        work(connection)
        os._exit(0)
    finally:
        os._exit(1)


def _limit(limits: Limits) -> None:
    """Set what a process may use; of memory, beyond what it has."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * PAGE
    most = {
        resource.RLIMIT_AS: size + limits.memory_mb * 2**20,
        resource.RLIMIT_NPROC: limits.processes,
        resource.RLIMIT_NOFILE: limits.files,
        resource.RLIMIT_FSIZE: limits.file_mb * 2**20,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_SIGPENDING: 256,
        resource.RLIMIT_RTPRIO: 0,
        resource.RLIMIT_NICE: 0,
    }
    for name, value in most.items():
        value = value if (hard := resource.getrlimit(name)[1]) == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(name, (value, value))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))


def _scrub() -> None:
    """Leave a small environment; what was looked up in the old one is looked up again."""
    if "tempfile" in sys.modules:
        sys.modules["tempfile"].tempdir = None
    kept = {name: value for name, value in os.environ.items() if name in KEPT}
    os.environ.clear()
    os.environ.update(kept)
    os.environ.update(HOME=HOME, USER="learner", LOGNAME="learner", TMPDIR="/tmp", PATH=os.path.dirname(sys.executable))


def _drop(uid: int) -> None:
    """Give up for good: all capabilities, the user id, and most system calls."""
    for capability in range(64):
        if _prctl(PR_CAPBSET_DROP, capability):
            break
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    _check(_prctl(PR_SET_SECUREBITS, ALL_SECUREBITS), "securebits")
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    _call("capset", struct.pack("=Ii", CAPABILITY_VERSION, 0), bytes(24))
    _check(_prctl(PR_SET_NO_NEW_PRIVS, 1), "no new privileges")
    _check(_prctl(PR_SET_DUMPABLE, 0), "not dumpable")
    _check(_prctl(PR_SET_PDEATHSIG, signal.SIGKILL), "signal at the parent's death")  # a change of user id clears it
    _check(_prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(_filter()[0])), "filter of system calls")


# The filter of system calls


def _number(name: str) -> int:
    """The number of a system call on this processor."""
    return _numbers()[name]


@functools.cache
def _numbers() -> dict[str, int]:
    column = ARCHITECTURES[platform.machine()][0]
    rows = (entry.split(":") for entry in f"{HARMLESS} {JUDGED}".split())
    return {name: int(numbers[column]) for name, *numbers in rows if numbers[column]}


@functools.cache
def _filter() -> tuple["_Program", ctypes.Array]:
    """The BPF program: a list of calls that are allowed; the rest is EPERM, and ENOSYS where newer than this list.

    Some calls are judged by their arguments, of which the kernel too reads these 32 bits only.
    """

    def judge(name: str, body: list) -> list:
        return [(BPF_JEQ, 0, len(body), _number(name)), *body]

    def refuse(number: int) -> tuple:
        return (BPF_RETURN, 0, 0, SECCOMP_ERRNO | number)

    def only(argument: int, values: list[int], number: int = errno.EPERM) -> list:
        tests = [line for value in values for line in [(BPF_JEQ, 0, 1, value), ALLOW]]
        return [(BPF_LOAD, 0, 0, _argument(argument)), *tests, refuse(number)]

    allow_only = {
        "ioctl": only(1, IOCTLS),
        "prctl": only(0, PRCTLS),
        "prlimit64": only(0, [0]),
        "sched_setaffinity": only(0, [0]),
        "socketpair": only(0, [socket.AF_UNIX], errno.EACCES),
    }
    program = [
        (BPF_LOAD, 0, 0, 4),
        (BPF_JEQ, 1, 0, ARCHITECTURES[platform.machine()][1]),
        refuse(errno.EPERM),
        (BPF_LOAD, 0, 0, 0),
        (BPF_JGE, 0, 1, X32),
        refuse(errno.EPERM),
    ]
    harmless = sorted(_number(entry.split(":")[0]) for entry in HARMLESS.split() if entry.split(":")[0] in _numbers())
    for low, high in _runs(harmless):
        program += [(BPF_JGE, 0, 2, low), (BPF_JGT, 1, 0, high), ALLOW]
    for name, body in allow_only.items():
        program += judge(name, body)
    program += judge(
        "clone", [(BPF_LOAD, 0, 0, _argument(0)), (BPF_JSET, 0, 1, ALL_NAMESPACES), refuse(errno.EPERM), ALLOW]
    )
    # Memory that is shared and has no file counts for none of those who hold it, and may be in nobody's tables.
    shared = MAP_SHARED | MAP_ANONYMOUS
    program += judge(
        "mmap",
        [(BPF_LOAD, 0, 0, _argument(3)), (BPF_AND, 0, 0, shared), (BPF_JEQ, 0, 1, shared), refuse(errno.EPERM), ALLOW],
    )
    program += judge("clone3", [refuse(errno.ENOSYS)])  # its flags lie in memory, where no filter can read them
    program += judge("socket", [refuse(errno.EACCES)])
    program += [(BPF_JGT, 0, 1, NEWEST_CALL), refuse(errno.ENOSYS), refuse(errno.EPERM)]
    code = b"".join(struct.pack("=HBBI", *line) for line in program)
    buffer = (ctypes.c_char * len(code)).from_buffer_copy(code)
    return _Program(len(program), ctypes.addressof(buffer)), buffer


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]


def _argument(index: int) -> int:
    """Where the lower half of a system call's argument stands; both processors are little-endian."""
    return 16 + 8 * index


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """First and last of each run in rising numbers."""
    firsts = [n for n in numbers if n - 1 not in numbers]
    lasts = [n for n in numbers if n + 1 not in numbers]
    return list(zip(firsts, lasts, strict=True))


def _call(name: str, *arguments) -> int:
    """A system call that the C library has no function for; OSError where it fails."""
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _check(LIBC.syscall(ctypes.c_long(_number(name)), *wide), name)


def _prctl(option: int, *arguments: int) -> int:
    filled = [*arguments, 0, 0, 0, 0][:4]
    return LIBC.prctl(option, *(ctypes.c_ulong(argument) for argument in filled))


def _check(result: int, what: str) -> int:
    """The result of a C function; OSError where it is -1."""
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)}: {what.removeprefix('/proc') or '/'}")
    return result


# Numbers of the kernel's interface, from its headers

LIBC = ctypes.PyDLL(None, use_errno=True)  # PyDLL keeps the interpreter's lock: a fork must not lose it
PAGE = os.sysconf("SC_PAGE_SIZE")

CLONE_NEWUSER = 0x10000000
NAMESPACES = 0x00020000 | 0x20000000 | 0x40000000 | 0x08000000 | 0x04000000 | 0x02000000  # mnt pid net ipc uts cgroup
ALL_NAMESPACES = NAMESPACES | CLONE_NEWUSER

PF_EXITING = 4

MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
MNT_DETACH = 2
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC = 1, 2, 4, 8

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP = 1, 4, 22, 24
PR_SET_SECUREBITS, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 28, 38, 47, 4
ALL_SECUREBITS = 0xEF  # no powers for user 0, none kept over a change of user, none raised; each locked
CAPABILITY_VERSION = 0x20080522
SECCOMP_MODE_FILTER = 2
SECCOMP_ERRNO = 0x00050000

BPF_LOAD, BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET, BPF_AND, BPF_RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x54, 0x06
MAP_SHARED, MAP_ANONYMOUS = 1, 0x20
ALLOW = (BPF_RETURN, 0, 0, 0x7FFF0000)

# For each processor: the column of its numbers below, and its name in the filter.
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
X32 = 0x40000000  # from here on, x86-64's other set of calls
NEWEST_CALL = 467  # the last that was known when this list was written

# Terminal size and state, bytes waiting, blocking, closing on exec.
IOCTLS = [0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451]
# Names, parent's death, what may be asked, huge pages, no new privileges, names of memory. Not dumpable.
PRCTLS = [1, 2, 3, 15, 16, 21, 23, 38, 39, 41, 42, 0x53564D41]

# name:x86-64:arm64
HARMLESS = """
read:0:63 write:1:64 open:2: openat:257:56 openat2:437:437 close:3:57 close_range:436:436 stat:4: fstat:5:80
lstat:6: newfstatat:262:79 statx:332:291 poll:7: ppoll:271:73 lseek:8:62 mprotect:10:226 munmap:11:215
mremap:25:216 brk:12:214 msync:26:227 mincore:27:232 madvise:28:233 mlock:149:228 munlock:150:229 mlock2:325:284
membarrier:324:283 rseq:334:293 rt_sigaction:13:134 rt_sigprocmask:14:135 rt_sigreturn:15:139 rt_sigpending:127:136
rt_sigtimedwait:128:137 rt_sigsuspend:130:133 rt_sigqueueinfo:129:138 rt_tgsigqueueinfo:297:240 sigaltstack:131:132
restart_syscall:219:128 pause:34: signalfd:282: signalfd4:289:74 pread64:17:67 pwrite64:18:68 readv:19:65
writev:20:66 preadv:295:69 pwritev:296:70 preadv2:327:286 pwritev2:328:287 access:21: faccessat:269:48
faccessat2:439:439 pipe:22: pipe2:293:59 select:23: pselect6:270:72 sched_yield:24:124 dup:32:23 dup2:33:
dup3:292:24 nanosleep:35:101 clock_nanosleep:230:115 getitimer:36:102 setitimer:38:103 alarm:37:
timer_create:222:107 timer_settime:223:110 timer_gettime:224:108 timer_getoverrun:225:109 timer_delete:226:111
timerfd_create:283:85 timerfd_settime:286:86 timerfd_gettime:287:87 gettimeofday:96:169 time:201: times:100:153
clock_gettime:228:113 clock_getres:229:114 getpid:39:172 getppid:110:173 gettid:186:178 getuid:102:174
geteuid:107:175 getgid:104:176 getegid:108:177 getresuid:118:148 getresgid:120:150 getgroups:115:158 getpgrp:111:
getpgid:121:155 getsid:124:156 setsid:112:157 setpgid:109:154 sendfile:40:71 copy_file_range:326:285 splice:275:76
tee:276:77 vmsplice:278:75 recvfrom:45:207 recvmsg:47:212 recvmmsg:299:243 sendto:44:206 sendmsg:46:211
sendmmsg:307:269 shutdown:48:210 getsockname:51:204 getpeername:52:205 getsockopt:55:209 setsockopt:54:208 fork:57:
vfork:58: execve:59:221 exit:60:93 exit_group:231:94 wait4:61:260 waitid:247:95 kill:62:129 tkill:200:130
tgkill:234:131 uname:63:160 sysinfo:99:179 fcntl:72:25 flock:73:32 fsync:74:82 fdatasync:75:83
sync_file_range:277:84 truncate:76:45 ftruncate:77:46 fallocate:285:47 fadvise64:221:223 readahead:187:213
getdents:78: getdents64:217:61 getcwd:79:17 chdir:80:49 fchdir:81:50 rename:82: renameat:264:38 renameat2:316:276
mkdir:83: mkdirat:258:34 rmdir:84: creat:85: link:86: linkat:265:37 unlink:87: unlinkat:263:35 symlink:88:
symlinkat:266:36 readlink:89: readlinkat:267:78 chmod:90: fchmod:91:52 fchmodat:268:53 fchmodat2:452:452
umask:95:166 utime:132: utimes:235: utimensat:280:88 futimesat:261: statfs:137:43 fstatfs:138:44 getxattr:191:8
lgetxattr:192:9 fgetxattr:193:10 listxattr:194:11 llistxattr:195:12 flistxattr:196:13 getrlimit:97:163
getrusage:98:165 arch_prctl:158: set_tid_address:218:96 set_robust_list:273:99 get_robust_list:274:100 futex:202:98
futex_waitv:449:449 sched_getaffinity:204:123 sched_getparam:143:121 sched_getscheduler:145:120
sched_get_priority_max:146:125 sched_get_priority_min:147:126 sched_rr_get_interval:148:127 getpriority:140:141
getcpu:309:168 epoll_create:213: epoll_create1:291:20 epoll_ctl:233:21 epoll_wait:232: epoll_pwait:281:22
epoll_pwait2:441:441 eventfd:284: eventfd2:290:19 inotify_init:253: inotify_init1:294:26 inotify_add_watch:254:27
inotify_rm_watch:255:28 getrandom:318:278 capget:125:90 get_mempolicy:239:236
"""
JUDGED = """
mmap:9:222 clone:56:220 clone3:435:435 socket:41:198 socketpair:53:199 ioctl:16:29 prctl:157:167 prlimit64:302:261
sched_setaffinity:203:122 pivot_root:155:41 mount_setattr:442:442 capset:126:91
"""
