"""Does a learner's code get out: to files, processes, the network or the kernel?

An attack is the body of `attempt`. If it gets to its end, the answer becomes the right one and earns its marks; if the
kernel refuses it, the answer prints with what error. A case holds that error too: an attack with a slip of the pen ends
otherwise, and its test fails. Of the attacks that can be tried without harm (49), 34 were seen to win where nothing was
sealed and the grader was root; what stopped the others was this machine alone: no IPv6, no name servers, old tables.
"""

import contextlib
import os
import socket
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from campus import folders
from tests.autograder.adversarial.trial import TRIAGE, WRONG, Case, digest

TRY = """
import ctypes, errno, os, platform, signal, socket, struct, sys
LIBC = ctypes.CDLL(None, use_errno=True)

def call(x86_64, aarch64, *arguments):
    number = x86_64 if platform.machine() == "x86_64" else aarch64
    wide = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result = LIBC.syscall(ctypes.c_long(number), *wide)
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result

def attempt():
    BODY

try:
    attempt()
    escaped = True
    print("escaped")
except OSError as error:
    escaped = False
    print("refused:", errno.errorcode.get(error.errno, type(error).__name__))

def share(part, whole):
    return part / whole if escaped else 0
"""

READ = "open(PATH, 'rb').read(1)"
WRITE = "os.close(os.open(PATH, os.O_WRONLY | os.O_CREAT, 0o600))"

CASES = {
    # Files
    "read the solution": (READ.replace("PATH", "@solution@"), "ENOENT"),
    "read the gradebook": (READ.replace("PATH", "@gradebook@"), "ENOENT"),
    "write the gradebook": (
        """
import sqlite3
try:
    with sqlite3.connect(@gradebook@) as gradebook:
        gradebook.execute("update marks set score = 99")
except sqlite3.OperationalError:
    os.stat(@gradebook@)
""",
        "ENOENT",
    ),
    "read another submission": (READ.replace("PATH", "@submission@"), "ENOENT"),
    "read the repository": (READ.replace("PATH", "@repository@ + '/autograder/marking.py'"), "ENOENT"),
    "list the assignments": ("os.listdir(@repository@ + '/exercises')", "ENOENT"),
    "read the passwords": (READ.replace("PATH", "'/etc/shadow'"), "ENOENT"),
    "read where the hub keeps its tokens": ("os.listdir('/run')", "ENOENT"),
    "write next to the gradebook": (WRITE.replace("PATH", "os.path.dirname(@gradebook@) + '/@token@'"), "ENOENT"),
    "write into the root": (WRITE.replace("PATH", "'/@token@'"), "EROFS"),
    "write into /etc": (WRITE.replace("PATH", "'/etc/@token@'"), "EROFS"),
    "write into Python's libraries": (WRITE.replace("PATH", "os.path.dirname(np.__file__) + '/@token@'"), "EROFS"),
    "write into the data": (WRITE.replace("PATH", "'data/@token@'"), "EROFS"),
    "change the data": ("open('data/visits.csv', 'a').write('x')", "EACCES"),
    "change the rights of the data": ("os.chmod('data/visits.csv', 0o666)", "EROFS"),
    "put other data in their place": ("os.rename('data', 'others')", "EPERM"),
    "a symbolic link that leads out": (
        "os.symlink(@gradebook@, 'link')\nopen('link', 'rb').read(1)",
        "ENOENT",
    ),
    "a hard link to the data": ("os.link('data/visits.csv', 'hard')", "EXDEV"),
    "a relative way out of the data": (
        "os.chdir('data')\nopen('../' * 40 + @solution@[1:], 'rb').read(1)",
        "ENOENT",
    ),
    "a way out through /proc": ("open('/proc/self/root/' + @gradebook@, 'rb').read(1)", "ENOENT"),
    "a file by its handle": ("call(304, 265, -100, ctypes.create_string_buffer(200), 0)", "EPERM"),
    "descriptors that the grader left open": (
        """
import stat
for number in range(3, 1024):
    try:
        kind = os.fstat(number).st_mode
    except OSError:
        continue
    if not stat.S_ISSOCK(kind):
        return
raise OSError(errno.EBADF, "only sockets")
""",
        "EBADF",
    ),
    # Other processes
    "the watcher's root": ("os.listdir('/proc/1/root')", "ENOENT"),
    "the watcher's memory": (READ.replace("PATH", "'/proc/1/mem'"), "ENOENT"),
    "the grader's memory": ("os.open('/proc/@pid@/mem', os.O_RDWR)", "ENOENT"),
    "its own memory, to lift its limits": (WRITE.replace("PATH", "'/proc/self/mem'"), "EACCES"),
    "ptrace the watcher": ("call(101, 117, 16, 1, 0, 0)", "EPERM"),
    "read the watcher's memory by process_vm_readv": ("call(310, 270, 1, 0, 0, 0, 0, 0)", "EPERM"),
    "take a descriptor of the watcher's": ("call(438, 438, call(434, 434, 1, 0), 0, 0)", "EPERM"),
    "kill the watcher": ("os.kill(1, signal.SIGKILL)", "EPERM"),
    "stop the watcher": ("os.kill(os.getppid(), signal.SIGSTOP)", "EPERM"),
    "kill the grader": ("os.kill(@pid@, signal.SIGKILL)", "ESRCH"),
    "kill the warm process": ("os.kill(@warm@, signal.SIGKILL)", "ESRCH"),
    "kill all": ("os.kill(-1, signal.SIGKILL)", "ESRCH"),
    "a signal by its queue": (
        "info = struct.pack('iii', 9, 0, -1) + bytes(116)\ncall(129, 138, @warm@, 9, info)",
        "ESRCH",
    ),
    "change the watcher's limits": ("call(302, 261, 1, 7, ctypes.create_string_buffer(16), 0)", "EPERM"),
    "change the watcher's turn": ("os.setpriority(os.PRIO_PROCESS, 1, 19)", "EPERM"),
    # Network
    "TCP": ("socket.create_connection(('127.0.0.1', @tcp@), 2)", "EACCES"),
    "UDP": ("socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', @udp@))", "EACCES"),
    "IPv6": ("socket.create_connection(('::1', @tcp@), 2)", "EACCES"),
    "names of hosts": ("socket.getaddrinfo('example.org', 443)", "gaierror"),
    "HTTP": ("import urllib.request\nurllib.request.urlopen('http://127.0.0.1:@tcp@', timeout=2)", "URLError"),
    "a socket in the file system": (
        "pair = socket.socketpair()[0]\nsocket.socket(socket.AF_UNIX).connect(@path@)",
        "EACCES",
    ),
    "an abstract socket": (
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', @abstract@)",
        "ECONNREFUSED",
    ),
    "a server of its own": ("socket.socket().bind(('0.0.0.0', 0))", "EACCES"),
    "netlink": ("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)", "EACCES"),
    "raw packets": ("socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)", "EACCES"),
    "the machine's host by vsock": ("socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)", "EACCES"),
    "the kernel's ciphers": ("socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)", "EACCES"),
    # Rights and namespaces
    "become root": ("os.setuid(0)", "EPERM"),
    "become a member of all groups": ("os.setgroups([0])", "EPERM"),
    "take capabilities": (
        "call(126, 91, struct.pack('=Ii', 0x20080522, 0), struct.pack('=6I', *[2**32 - 1] * 6))",
        "EPERM",
    ),
    "a program that makes root": ("import subprocess\nsubprocess.run(['/bin/su', '-c', 'true'])", "ENOENT"),
    "mount": ("call(165, 40, b'none', b'/tmp', b'tmpfs', 0, b'')", "EPERM"),
    "take a mount away": ("call(166, 39, b'/work/data', 2)", "EPERM"),
    "make a mount writable": ("call(442, 442, -100, b'/work/data', 0, struct.pack('=4Q', 0, 1, 0, 0), 32)", "EPERM"),
    "the new ways to mount": ("call(428, 428, -100, b'/work/data', 1)", "EPERM"),
    "unshare a user namespace": ("call(272, 97, 0x10000000)", "EPERM"),
    "enter the watcher's namespace": ("call(308, 268, 3, 0)", "EPERM"),
    "clone into a namespace": ("call(56, 220, 0x10000000 | 17, 0, 0, 0, 0)", "EPERM"),
    "clone3 into a namespace": ("call(435, 435, struct.pack('=11Q', 0x10000000, *[0] * 10), 88)", "ENOSYS"),
    "pivot_root": ("call(155, 41, b'/tmp', b'/tmp')", "EPERM"),
    "chroot": ("os.chroot('/tmp')", "EPERM"),
    "map other users": ("open('/proc/self/uid_map', 'w').write('0 0 4294967295')", "EACCES"),
    "be spared by the kernel when memory ends": ("open('/proc/self/oom_score_adj', 'w').write('-1000')", "EACCES"),
    # The kernel's interfaces
    "keys of other people": ("call(250, 219, 0, -3, 1)", "EPERM"),
    "BPF": ("call(321, 280, 0, ctypes.create_string_buffer(120), 120)", "EPERM"),
    "perf events": ("call(298, 241, ctypes.create_string_buffer(120), 0, -1, -1, 0)", "EPERM"),
    "io_uring": ("call(425, 425, 8, ctypes.create_string_buffer(200))", "EPERM"),
    "userfaultfd": ("call(323, 282, 1)", "EPERM"),
    "another kernel": ("call(246, 104, 0, 0, 0, 0)", "EPERM"),
    "a kernel module": ("call(175, 105, ctypes.create_string_buffer(10), 10, b'')", "EPERM"),
    "restart the machine": ("call(169, 142, 0xFEE1DEAD, 672274793, 0, 0)", "EPERM"),
    "a program that has no file": ("os.execve(os.memfd_create('x'), ['x'], {})", "EPERM"),
    "type on the grader's terminal": (
        "import fcntl\nfcntl.ioctl(0, 0x5412, b'x')",
        "EPERM",
    ),
    "a device of its own": ("os.mknod('disk', 0o660 | 0o060000, os.makedev(254, 0))", "EPERM"),
    "the machine's memory": (READ.replace("PATH", "'/dev/mem'"), "ENOENT"),
    "the kernel's messages": ("call(103, 116, 3, ctypes.create_string_buffer(100), 100)", "EPERM"),
    "the kernel's settings": (WRITE.replace("PATH", "'/proc/sys/kernel/core_pattern'"), "ENOENT"),
    "a program of the kernel's for cores": ("open('/proc/sys/kernel/core_pattern').read()", "ENOENT"),
    "release_agent": ("os.listdir('/sys/fs/cgroup')", "ENOENT"),
    "the machine's name": ("socket.sethostname('mine')", "EPERM"),
    "the machine's clock": ("import time\ntime.clock_settime(time.CLOCK_REALTIME, 0)", "EPERM"),
    "a turn before all others": ("os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))", "EPERM"),
    "shared memory that outlives it": ("call(29, 194, 4711, 4096, 0o1666)", "EPERM"),
    "a message queue that outlives it": ("call(240, 180, b'queue', 0o102, 0o666, 0)", "EPERM"),
    "a filter of its own": ("call(317, 277, 1, 0, ctypes.create_string_buffer(16))", "EPERM"),
    "be dumpable again": ("LIBC.prctl(4, 1, 0, 0, 0) and call(157, 167, 4, 1, 0, 0, 0)", "EPERM"),
}

FILES_OVER_THE_SOCKET = """
import os, socket
folder = os.open("/", os.O_RDONLY)
for number in range(3, 64):
    try:
        end = socket.socket(fileno=os.dup(number))
        for _ in range(200):
            socket.send_fds(end, [b"\\0\\0\\0\\0"], [folder] * 100)
    except OSError:
        pass
"""
HIDDEN_CHILDREN = """
import os, signal, time
for _ in range(4):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
                signal.signal(number, signal.SIG_IGN)
            while True:
                open("/tmp/@token@", "w").close()
                time.sleep(0.01)
        os._exit(0)
"""
MORE = {
    "send the grader descriptors over the socket": Case(WRONG["share"] + FILES_OVER_THE_SOCKET, ruins=True),
    "children of children that ignore all signals": Case(
        WRONG["share"] + HIDDEN_CHILDREN + "print('made')", says="made"
    ),
    "children of a test's call": Case(
        "def share(part, whole):\n"
        + "".join(f"    {line}\n" for line in HIDDEN_CHILDREN.splitlines())
        + "    return 0\n"
    ),
}


@dataclass(frozen=True)
class Outside:
    """What an attack is after, on this machine."""

    folder: Path
    tcp: socket.socket
    udp: socket.socket
    path: socket.socket
    abstract: socket.socket

    def fill(self, source: str, trial) -> str:
        """A source with the places in it."""
        places = {
            "solution": repr(str(TRIAGE.folder / "assignment.md")),
            "gradebook": repr(str(self.folder / "gradebook.db")),
            "submission": repr(str(self.folder / "somebody.ipynb")),
            "repository": repr(str(folders.ROOT)),
            "token": trial.token,
            "pid": str(os.getpid()),
            "warm": str(trial.warm.pid),
            "tcp": str(self.tcp.getsockname()[1]),
            "udp": str(self.udp.getsockname()[1]),
            "path": repr(self.path.getsockname()),
            "abstract": repr(self.abstract.getsockname()),
        }
        for name, place in places.items():
            source = source.replace(f"@{name}@", place)
        return source

    def state(self) -> list:
        """What changes if an attack comes through."""
        heard = []
        for end in (self.tcp, self.udp, self.path, self.abstract):
            end.setblocking(False)
            try:
                heard.append(end.recv(1) if end.type == socket.SOCK_DGRAM else end.accept())
            except BlockingIOError:
                heard.append(None)
        return [*heard, sorted((path.name, path.is_file() and digest(path)) for path in self.folder.iterdir())]


@pytest.fixture(scope="module")
def outside(trial):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        (folder / "somebody.ipynb").write_text("{}")
        with contextlib.closing(sqlite3.connect(folder / "gradebook.db")) as gradebook:
            gradebook.execute("create table marks (score)")
        for path in folder.iterdir():
            path.chmod(0o666)
        with (
            socket.create_server(("127.0.0.1", 0)) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as path,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as abstract,
        ):
            udp.bind(("127.0.0.1", 0))
            path.bind(str(folder / "socket"))
            path.listen()
            abstract.bind(f"\0outside-{os.getpid()}")
            trial.before = trial.state()
            yield Outside(folder, tcp, udp, path, abstract)


@pytest.mark.parametrize("name", CASES)
def test_an_escape_is_refused_and_wins_nothing(trial, outside, name):
    body, error = CASES[name]
    before = outside.state()
    source = TRY.replace("BODY", body.strip().replace("\n", "\n    "))
    trial.try_case(Case(outside.fill(source, trial), says=f"refused: {error}\n"))
    assert outside.state() == before


@pytest.mark.parametrize("name", MORE)
def test_an_escape_that_is_not_refused_leaves_nothing(trial, outside, name):
    case = MORE[name]
    before = outside.state()
    trial.try_case(Case(outside.fill(case.source, trial), says=case.says, ruins=case.ruins))
    assert outside.state() == before


def test_the_right_answer_would_be_earned_by_an_escape(trial):
    """Does an attack that gets to its end win the marks, so that the others show something?"""
    source = TRY.replace("BODY", "return")
    with pytest.raises(AssertionError, match="score=3"):
        trial.try_case(Case(source))
