"""Does the seal hold, whatever runs in it; is nothing left of it; and does the next run work?"""

import atexit
import ctypes
import errno
import functools
import json
import mmap
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest

from autograder import seal
from autograder.seal import Limits, can_seal, run_sealed
from campus import folders
from campus.errors import CampusError

QUICK = Limits(memory_mb=256, cpu_seconds=10, wall_seconds=10, processes=16, scratch_mb=8, file_mb=4)
ROOT = os.geteuid() == 0

# Numbers on x86-64 and arm64 of what must not be there for a learner.
FORBIDDEN = """
ptrace:101:117 process_vm_readv:310:270 process_vm_writev:311:271 kcmp:312:272 mount:165:40 umount2:166:39
pivot_root:155:41 chroot:161:51 move_mount:429:429 open_tree:428:428 fsopen:430:430 fsconfig:431:431 fsmount:432:432
fspick:433:433 mount_setattr:442:442 setns:308:268 unshare:272:97 add_key:248:217 request_key:249:218 keyctl:250:219
bpf:321:280 perf_event_open:298:241 userfaultfd:323:282 io_uring_setup:425:425 io_uring_enter:426:426
io_uring_register:427:427 kexec_load:246:104 kexec_file_load:320:294 init_module:175:105 finit_module:313:273
delete_module:176:106 reboot:169:142 swapon:167:224 swapoff:168:225 quotactl:179:60 open_by_handle_at:304:265
name_to_handle_at:303:264 personality:135:92 pidfd_open:434:434 pidfd_getfd:438:438 pidfd_send_signal:424:424
fanotify_init:300:262 fanotify_mark:301:263 memfd_create:319:279 execveat:322:281 acct:163:89 settimeofday:164:170
clock_settime:227:112 adjtimex:159:171 syslog:103:116 sethostname:170:161 setuid:105:146 setgid:106:144
setresuid:117:147 setgroups:116:159 capset:126:91 mknodat:259:33 shmget:29:194 mq_open:240:180 seccomp:317:277
memfd_secret:447:447 process_madvise:440:440 landlock_create_ruleset:444:444 sched_setscheduler:144:119
"""


def sealed(test):
    """Where this machine cannot seal, the question is instead: does it say so, and refuse?"""

    @functools.wraps(test)
    def ask_or_refuse(*args, **kwargs):
        if (why := can_seal()) is None:
            return test(*args, **kwargs)
        assert why.endswith(".") and "\n" not in why and ". " not in why
        with pytest.raises(CampusError, match="sealed"):
            run_sealed(lambda end: None, None, QUICK)

    return ask_or_refuse


def ask(question, limits=QUICK, data=None, slot=0):
    """The answer that a function gives in a sealed process (None where it gives none), and why that ended.

    Whatever the process did: afterwards nothing of it runs, and the next one works.
    """
    answer, ended = ask_once(question, limits, data, slot)
    assert ask_once(lambda: "next", QUICK, None, slot)[0] == "next"
    return answer, ended


def ask_once(question, limits, data, slot):
    process = run_sealed(lambda end: end.sendall(json.dumps(question()).encode()), data, limits, slot)
    with process:
        process.socket.settimeout(limits.wall_seconds + 5)
        said = b"".join(iter(lambda: process.socket.recv(65536), b""))
        family = descendants(process.pid)
        ended = process.wait()
    assert not [pid for pid in family if Path(f"/proc/{pid}").exists()]
    return json.loads(said) if said else None, ended


def descendants(pid):
    """A process and all below it."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    family = {pid} & set(parents)
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def error_of(act, *arguments):
    """The name of the error that an act ends with; None where it succeeds."""
    try:
        act(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
    except BaseException as error:
        return type(error).__name__


def call(number, *arguments):
    """The error of a system call; None where it succeeds."""
    result = seal.LIBC.syscall(ctypes.c_long(number), *(ctypes.c_long(argument) for argument in arguments))
    return errno.errorcode[ctypes.get_errno()] if result == -1 else None


def number_of(entry):
    name, *numbers = entry.split(":")
    return name, int(numbers[seal.ARCHITECTURES[platform.machine()][0]])


def hold(what):
    """Keep a sealed process alive until it is ended."""
    return lambda end: (what(), end.sendall(b"."), time.sleep(60))


# What it can do


@sealed
def test_can_it_read_its_data_and_write_small_files_next_to_them(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "list.csv").write_text("a\n1\n")

    def use():
        Path("mine.txt").write_text("x")
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"y")
        return Path("data/list.csv").read_text(), Path("mine.txt").read_text(), os.getcwd()

    answer, ended = ask(use, data=tmp_path)
    assert answer == ["a\n1\n", "x", "/work"]
    assert ended.reason == "ended"
    assert [path.name for path in tmp_path.iterdir()] == ["list.csv"]


@sealed
def test_do_threads_child_processes_and_time_zones_work():
    def use():
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()
        child = os.fork()
        if child == 0:
            os._exit(3)
        told = subprocess.run([sys.executable, "-c", "import json, sqlite3; print(1)"], capture_output=True, text=True)
        os.environ["TZ"] = "Europe/London"
        time.tzset()
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), told.stdout, told.stderr, time.tzname

    assert ask(use)[0] == [3, "1\n", "", ["GMT", "BST"]]


@sealed
def test_does_the_caller_get_a_socket_that_works_both_ways():
    with run_sealed(lambda end: end.sendall(end.recv(100)[::-1]), None, QUICK) as process:
        process.socket.sendall(b"abc")
        assert process.socket.recv(100) == b"cba"
        assert process.wait().reason == "ended"
        assert process.threads >= 1


@sealed
def test_do_two_at_one_time_have_users_of_their_own():
    def user(process):
        status = Path(f"/proc/{max(descendants(process.pid))}/status").read_text()
        return int(status.partition("Uid:\t")[2].split()[0])

    with run_sealed(hold(int), None, QUICK, 1) as one, run_sealed(hold(int), None, QUICK, 2) as two:
        expected = (seal.FIRST_UID + 1, seal.FIRST_UID + 2) if ROOT else (os.geteuid(), os.geteuid())
        assert (user(one), user(two)) == expected


@sealed
def test_is_a_reason_that_was_there_before_the_kill_kept():
    with run_sealed(lambda end: None, None, QUICK) as process:
        assert process.socket.recv(1) == b""
        while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:  # it has ended, and nobody waited yet
            time.sleep(0.01)
        process.kill()
        assert process.wait().reason == "ended"
    with run_sealed(hold(int), None, QUICK) as process:
        process.kill()
        assert process.wait().reason == "killed"


@sealed
def test_is_it_known_what_a_killed_process_had_used():
    def use(end):
        held = bytearray(b"x") * (40 * 2**20)
        while time.process_time() < 0.4:
            pass
        end.sendall(b".")
        time.sleep(60 + len(held))

    with run_sealed(use, None, QUICK) as process:
        assert process.socket.recv(1) == b"."
        process.kill()
        ended = process.wait()
    assert ended.reason == "killed"
    assert 0.35 < ended.cpu_seconds < 1.5
    assert 35 < ended.peak_mb < 80


def test_does_it_refuse_only_where_namespaces_cannot_be_had():
    """Else a seal that is broken would pass each test here by refusing. util-linux is the witness."""
    namespaces = ["--user", "--map-root-user", "--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--mount-proc"]
    witness = subprocess.run(["unshare", *namespaces, "true"], capture_output=True)
    assert (can_seal() is None) == (witness.returncode == 0), can_seal()


@sealed
def test_can_it_seal_where_python_is_reached_by_links_that_are_absent_inside(monkeypatch, tmp_path):
    """As in an environment of a system's Python: .venv/bin/python is a link to another link outside of it."""
    for place, target in (("links/python3", os.path.realpath(sys.executable)), ("venv/bin/python", "links/python3")):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).symlink_to(tmp_path / target)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv/bin/python"))
    seal._tree.cache_clear()
    can_seal.cache_clear()
    try:
        assert can_seal() is None
    finally:
        seal._tree.cache_clear()
        can_seal.cache_clear()


# Reading


@sealed
def test_are_other_peoples_files_and_devices_absent():
    paths = ["/etc/shadow", "/etc/hostname", "/var", "/sys", "/home", "/run", "/boot", "/usr/bin/passwd", "/bin/sh"]
    paths += ["/proc/kcore", "/proc/sys", "/proc/keys", "/proc/net", "/proc/mounts", "/proc/kallsyms", "/dev/mem"]
    paths += ["/dev/kmsg", "/dev/tty", "/dev/pts", "/dev/sda", "/dev/vda", "/dev/fuse", "/dev/kvm"]
    assert ask(lambda: [path for path in paths if os.path.lexists(path)])[0] == []


@sealed
def test_is_the_checkout_absent():
    present = [str(path) for path in (folders.ROOT / "campus/errors.py", folders.EXERCISES, folders.state())]
    assert ask(lambda: [path for path in present if os.path.exists(path)])[0] == []


@sealed
def test_is_a_home_empty_but_for_the_way_to_python():
    home = Path.home()
    prefixes = [Path(prefix) for prefix in (sys.prefix, sys.base_prefix)]
    ways = {prefix.relative_to(home).parts[0] for prefix in prefixes if prefix.is_relative_to(home)}
    assert set(ask(lambda: os.listdir(home) if home.exists() else [])[0]) <= ways


@sealed
def test_is_the_temporary_folder_another(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "solutions").write_text("42")
    seen, names = ask(lambda: (os.path.exists(tmp_path / "solutions"), os.listdir("/tmp")))[0]
    prefixes = [Path(prefix).parts for prefix in (sys.prefix, sys.base_prefix)]
    leading_to_python = {parts[2] for parts in prefixes if parts[:2] == ("/", "tmp")}  # a checkout may stand there
    assert not seen
    assert set(names) == {".work"} | leading_to_python


@sealed
def test_does_it_see_only_its_own_processes():
    def look():
        names = {name for name in os.listdir("/proc") if name.isdigit()}
        secrets = ["/proc/1/environ", "/proc/1/mem", "/proc/1/fd/0", "/proc/self/mem", "/proc/self/environ"]
        return names == {str(os.getpid())}, [path for path in secrets if error_of(open, path, "rb") is None]

    assert ask(look)[0] == [True, []]


@sealed
def test_are_environment_and_descriptors_those_of_nobody(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADEBOOK_PASSWORD", "secret")
    with open(tmp_path / "gradebook", "w") as held:
        os.set_inheritable(held.fileno(), True)

        def look():
            descriptors = [number for number in range(QUICK.files) if error_of(os.fstat, number) is None]
            return sorted(os.environ), len(descriptors), os.read(0, 10).decode()

        names, descriptors, typed = ask(look)[0]
    assert set(names) <= seal.KEPT | {"HOME", "USER", "LOGNAME", "TMPDIR", "PATH"}
    assert (descriptors, typed) == (4, "")


# Reaching out


@sealed
def test_is_a_listener_on_loopback_out_of_reach():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        assert ask(lambda: error_of(lambda: socket.create_connection(address, 2)))[0] == "EACCES"


@sealed
def test_is_an_abstract_socket_out_of_reach_even_from_a_socket_pair():
    name = f"\0sealed-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name)

        def reach():
            pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0]
            return error_of(lambda: socket.socket(socket.AF_UNIX)), error_of(lambda: pair.sendto(b"x", name))

        assert ask(reach)[0] == ["EACCES", "ECONNREFUSED"]
        listener.setblocking(False)
        assert error_of(lambda: listener.recv(1)) == "EAGAIN"


@sealed
def test_are_all_other_sockets_refused():
    families = [socket.AF_INET6, socket.AF_NETLINK, socket.AF_PACKET, socket.AF_VSOCK, socket.AF_ALG, socket.AF_CAN]
    pairs = [socket.AF_INET, 30]  # 30 is TIPC, which has pairs

    def reach():
        return [error_of(socket.socket, family, socket.SOCK_RAW) for family in families] + [
            error_of(socket.socketpair, family, socket.SOCK_STREAM) for family in pairs
        ]

    assert set(ask(reach)[0]) == {"EACCES"}


@sealed
def test_is_the_parent_out_of_its_signals_reach():
    parent = os.getpid()

    def shoot():
        found = [error_of(lambda: os.kill(parent, 0)), os.getppid()]
        for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            error_of(os.kill, 1, number)
        error_of(lambda: os.kill(-1, signal.SIGURG))
        return found

    assert ask(shoot)[0] == ["ESRCH", 1]


@sealed
def test_does_the_watcher_still_watch_after_an_attack_on_it():
    def attack():
        for number in sorted(signal.valid_signals()):
            error_of(os.kill, 1, number)
        error_of(lambda: os.setpriority(os.PRIO_PROCESS, 1, 19))
        time.sleep(60)

    limits = Limits(wall_seconds=0.4)
    began = time.monotonic()
    assert ask(attack, limits)[1].reason == "wall"
    assert time.monotonic() - began < 10


# The kernel's interfaces


@sealed
def test_are_calls_that_a_learner_has_no_use_for_refused():
    calls = dict(number_of(entry) for entry in FORBIDDEN.split())
    answers, _ = ask(lambda: {name: call(number, 0, 0, 0, 0, 0) for name, number in calls.items()})
    assert answers == dict.fromkeys(calls, "EPERM")


@sealed
def test_are_namespaces_refused_by_either_clone():
    clone = number_of("clone:56:220")[1]
    flags = [0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000]
    assert ask(lambda: [call(clone, flag | signal.SIGCHLD) for flag in flags] + [call(435, 0, 0)])[0] == (
        ["EPERM"] * len(flags) + ["ENOSYS"]
    )


@sealed
def test_are_other_sets_of_calls_refused():
    def reach():
        found = [call(0x40000000 + 39), call(0x40000000 + 101)]  # x32: getpid, ptrace
        if platform.machine() == "x86_64":
            code = mmap.mmap(
                -1,
                4096,
                flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,
                prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC,
            )
            code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, 20 (i386's getpid); int 0x80; ret
            function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
            found.append(errno.errorcode[-function()])
        return found

    assert set(ask(reach)[0]) == {"EPERM"}


@sealed
def test_are_arguments_judged():
    def reach():
        ioctl, prctl, prlimit, affinity = (
            number_of(entry)[1] for entry in ("ioctl:16:29", "prctl:157:167", "prlimit64:302:261", "a:203:122")
        )
        return {
            "TIOCSTI": call(ioctl, 0, 0x5412, 0),
            "TIOCSTI with high bits": call(ioctl, 0, (7 << 32) | 0x5412, 0),
            "TIOCLINUX": call(ioctl, 0, 0x541C, 0),
            "dumpable": call(prctl, 4, 1, 0, 0, 0),
            "another's limits": call(prlimit, 1, 7, 0, 0),
            "another's processors": call(affinity, 1, 0, 0),
        }

    assert set(ask(reach)[0].values()) == {"EPERM"}


@sealed
def test_does_the_rest_of_the_seal_hold_without_the_filter(monkeypatch):
    code = b"".join(seal.struct.pack("=HBBI", *line) for line in [seal.ALLOW])
    held = ctypes.create_string_buffer(code, len(code))
    allow_all = seal._Program(1, ctypes.addressof(held))
    monkeypatch.setattr(seal, "_filter", lambda: (allow_all, held))
    parent = os.getpid()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()

        def reach():
            return {
                "network": error_of(socket.create_connection, address, 2),
                "parent": error_of(os.kill, parent, 0),
                "watcher's memory": call(number_of("ptrace:101:117")[1], 16, 1, 0, 0),
                "user": error_of(os.setuid, 0),
                "root": error_of(os.chroot, "/tmp"),
                "host's name": error_of(socket.sethostname, "mine"),
                "mount": error_of(seal._mount, "none", "/tmp", "tmpfs", 0),
                "read-only": error_of(seal._set_mount, "/usr/lib", 0, seal.MOUNT_ATTR_RDONLY),
                "device": error_of(os.mknod, "disk", 0o660 | 0o060000, os.makedev(254, 0)),
            }

        assert ask(reach)[0] == {
            "network": "ENETUNREACH",
            "parent": "ESRCH",
            "user": "EINVAL",  # there is no other
            **dict.fromkeys(["watcher's memory", "root", "host's name", "mount", "read-only", "device"], "EPERM"),
        }


@sealed
def test_is_it_nobody_without_powers():
    def look():
        text = Path("/proc/self/status").read_text()
        fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
        capabilities = {int(fields[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
        return (
            list(capabilities),
            fields["NoNewPrivs"],
            fields["Seccomp"],
            os.getgroups() if ROOT else [],
            os.getresuid(),
        )

    assert ask(look)[0] == [[0], "1", "2", [], [1000, 1000, 1000]]


# Writing


@sealed
def test_is_python_read_only():
    places = [sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"), sys.prefix, "/etc", "/", "/dev", "/usr/lib"]
    answers, _ = ask(lambda: [error_of(Path(place, "sitecustomize.py").write_text, "x") for place in places])
    assert set(answers) <= {"EROFS", "EACCES"}


@sealed
def test_are_the_data_read_only(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "list.csv").write_text("1")
    (tmp_path / "list.csv").chmod(0o666)
    acts = [
        lambda: Path("data/list.csv").write_text("2"),
        lambda: Path("data/new").write_text("2"),
        lambda: os.unlink("data/list.csv"),
        lambda: os.chmod("data/list.csv", 0o777),
        lambda: os.rename("data", "other"),
    ]
    answers, _ = ask(lambda: [error_of(act) for act in acts], data=tmp_path)
    assert set(answers) <= {"EROFS", "EACCES", "EBUSY", "EPERM"}
    assert (tmp_path / "list.csv").read_text() == "1"


@sealed
def test_can_a_link_in_the_data_lead_out(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "leak").symlink_to("/etc/shadow")
    assert ask(lambda: error_of(Path("data/leak").read_text), data=tmp_path)[0] == "ENOENT"


@sealed
def test_can_a_program_be_put_into_the_scratch():
    def put():
        shutil.copy(os.path.realpath(sys.executable), "program")
        os.chmod("program", 0o755)
        return error_of(subprocess.run, ["./program", "-c", ""])

    assert ask(put, Limits(scratch_mb=64))[0] == "EACCES"


# Exhaustion


@sealed
def test_does_a_fork_bomb_stop_at_its_limit():
    def bomb():
        count = 0
        while True:
            try:
                if os.fork() == 0:
                    time.sleep(60)
            except OSError as error:
                return count, errno.errorcode[error.errno]
            count += 1

    answer, ended = ask(bomb)
    assert answer == [QUICK.processes - 1, "EAGAIN"]
    assert ended.reason == "ended"


@sealed
def test_does_a_fork_bomb_whose_children_fork_end_with_the_wall_time():
    def bomb():
        while True:
            error_of(os.fork)

    assert ask(bomb, Limits(wall_seconds=0.7, processes=16))[1].reason in ("wall", "cpu")


@sealed
def test_are_threads_limited_too():
    def bomb():
        count = 0
        while error_of(threading.Thread(target=time.sleep, args=(60,), daemon=True).start) is None:
            count += 1
        return count

    assert ask(bomb)[0] < QUICK.processes


@sealed
def test_does_a_large_object_end_with_a_memory_error():
    answer, ended = ask(lambda: error_of(lambda: bytearray(300 * 2**20)))
    assert (answer, ended.reason) == ("MemoryError", "ended")


@sealed
def test_is_memory_counted_over_all_processes():
    def grow():
        for _ in range(4):
            if os.fork() == 0:
                held = bytearray(os.urandom(1)) * (60 * 2**20)
                time.sleep(60)
                return len(held)
        time.sleep(60)

    limits = Limits(memory_mb=128, wall_seconds=20)
    ended = ask(grow, limits)[1]
    assert ended.reason == "memory"
    assert 128 < ended.peak_mb < 400


@sealed
def test_is_memory_that_counts_for_nobody_refused():
    def grow():
        shared = error_of(mmap.mmap, -1, 2**20)
        return shared, os.path.exists("/dev/zero"), error_of(mmap.mmap, -1, 2**20, mmap.MAP_PRIVATE)

    assert ask(grow)[0] == ["EPERM", False, None]


@sealed
def test_is_the_scratch_limited():
    def fill():
        errors = []
        for number in range(4):
            errors.append(error_of(Path(f"file{number}").write_bytes, bytes(3 * 2**20)))
        return [*errors, error_of(lambda: Path("/tmp/more").write_bytes(bytes(2**20)))]

    assert ask(fill)[0][-1] == "ENOSPC"


@sealed
def test_is_a_file_limited_and_the_number_of_files():
    def fill():
        def many():
            for number in range(10**6):
                os.close(os.open(f"empty{number}", os.O_CREAT | os.O_WRONLY))

        return error_of(lambda: Path("long").write_bytes(bytes(5 * 2**20))), error_of(many)

    assert ask(fill)[0] == ["EFBIG", "ENOSPC"]


@sealed
def test_are_descriptors_limited():
    def fill():
        held = []
        while (error := error_of(lambda: held.append(os.open("/dev/null", os.O_RDONLY)))) is None:
            pass
        return error, len(held) < QUICK.files

    assert ask(fill)[0] == ["EMFILE", True]


@sealed
@pytest.mark.parametrize("shield", ["none", "two processes", "children that end"])
def test_does_an_endless_loop_end_with_its_processor_time(shield):
    def loop():
        if shield != "none":
            signal.signal(signal.SIGXCPU, signal.SIG_IGN)
        if shield == "two processes":
            os.fork()
        while True:
            if shield == "children that end":
                child = os.fork()
                if child == 0:
                    until = time.process_time() + 0.1
                    while time.process_time() < until:
                        pass
                    os._exit(0)
                os.waitpid(child, 0)

    ended = ask(loop, Limits(cpu_seconds=1, wall_seconds=20))[1]
    assert ended.reason == "cpu"
    assert 0.5 < ended.cpu_seconds < 3


@sealed
def test_does_sleep_end_with_the_wall_time():
    began = time.monotonic()
    assert ask(lambda: time.sleep(60), Limits(wall_seconds=0.3))[1].reason == "wall"
    assert time.monotonic() - began < 10


@sealed
def test_does_a_flood_that_nobody_reads_wait_until_the_wall_time():
    def flood(end):
        while True:
            end.sendall(bytes(2**20))

    with run_sealed(flood, None, Limits(wall_seconds=0.4)) as process:
        assert process.wait().reason == "wall"
    with run_sealed(flood, None, QUICK) as process:
        read = 0
        while read < 2**24:
            read += len(process.socket.recv(2**16))
        process.kill()
        assert process.wait().reason == "killed"
    assert ask(lambda: 1)[0] == 1


# The end


@sealed
def test_does_a_daemon_survive():
    def leave(end):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
                    signal.signal(number, signal.SIG_IGN)
                while True:
                    end.send(b".")
                    time.sleep(0.01)
            os._exit(0)
        os.wait()
        time.sleep(0.1)

    with run_sealed(leave, None, QUICK) as process:
        assert process.socket.recv(1) == b"."
        assert process.wait().reason == "ended"
        process.socket.settimeout(5)
        while process.socket.recv(1000):  # what it said while it lived, and then the end
            pass
    assert ask(lambda: 1)[0] == 1


@sealed
def test_does_anything_hang_when_the_work_ends():
    def linger():
        atexit.register(time.sleep, 60)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        threading.Thread(target=time.sleep, args=(60,), daemon=False).start()
        return "over"

    began = time.monotonic()
    answer, ended = ask(linger)
    assert (answer, ended.reason) == ("over", "ended")
    assert time.monotonic() - began < 8


@sealed
@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda: os._exit(3), "ended"),
        (lambda: sys.exit(3), "ended"),
        (lambda: 1 / 0, "ended"),
        (lambda: os.abort(), "signal 6"),
        (lambda: ctypes.string_at(0), "signal 11"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "signal 9"),
        (lambda: os.kill(-1, signal.SIGKILL), None),
    ],
)
def test_is_it_told_how_it_died(end, reason):
    answer, ended = ask(end)
    assert answer is None
    assert ended.reason == (reason or ended.reason)


CONTROLLER = """
import os, sys, time
from autograder.seal import Limits, run_sealed

def work(end):
    for _ in range(3):
        os.fork()
    os.setsid() if os.getpid() != os.getsid(0) else None
    while True:
        time.sleep(0.01)

held = [run_sealed(work, None, Limits(), slot) for slot in (3, 4)]
print(flush=True)
time.sleep(60)
"""


@sealed
def test_is_all_gone_two_seconds_after_the_controller_is_killed():
    with subprocess.Popen([sys.executable, "-c", CONTROLLER], cwd=folders.ROOT, stdout=subprocess.PIPE) as controller:
        controller.stdout.readline()
        deadline = time.monotonic() + 10
        while len(family := descendants(controller.pid) - {controller.pid}) < 18 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(family) == 18  # each a watcher, and eight that sleep
        controller.kill()
        controller.wait()
        killed = time.monotonic()
        while [pid for pid in family if Path(f"/proc/{pid}").exists()]:
            assert time.monotonic() - killed < 2
            time.sleep(0.02)


# Refusals


def test_does_it_refuse_another_system(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    can_seal.cache_clear()
    try:
        assert can_seal() == "Learners' code cannot be sealed on Darwin: grade on Linux."
        with pytest.raises(CampusError, match="Darwin"):
            run_sealed(lambda end: None, None, QUICK)
    finally:
        can_seal.cache_clear()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("machine", "riscv64", "riscv64 processor"), ("release", "5.10.0-28-amd64", "use Linux 5.14 or newer")],
)
def test_does_it_refuse_other_processors_and_old_kernels(monkeypatch, name, value, said):
    monkeypatch.setattr(platform, name, lambda: value)
    can_seal.cache_clear()
    try:
        assert said in can_seal()
    finally:
        can_seal.cache_clear()


@sealed
def test_does_it_refuse_data_that_are_not_there_or_closed(tmp_path):
    with pytest.raises(CampusError, match="is not a folder"):
        run_sealed(lambda end: None, tmp_path / "nowhere", QUICK)
    (tmp_path / "closed").mkdir(mode=0o700)
    if ROOT:
        with pytest.raises(CampusError, match="chmod -R"):
            run_sealed(lambda end: None, tmp_path / "closed", QUICK)


# Stands in a folder that everybody reads, next to a copy of seal.py, and runs with the system's own Python.
ALONE = """
import errno, json, os, socket, sys, time
import seal

def look():
    found = []
    for path in ("/etc/shadow", "/root", "/tmp/seal.py", "/proc/1/environ", os.__file__ + "x"):
        try:
            found.append(os.listdir(path) if os.path.isdir(path) else open(path).read())
        except OSError as error:
            found.append(errno.errorcode[error.errno])
    return found, os.getuid(), sorted(name for name in os.listdir("/proc") if name.isdigit()) == [str(os.getpid())]

def ask(work, limits):
    with seal.run_sealed(lambda end: end.sendall(json.dumps(work()).encode()), None, limits) as process:
        said = process.socket.recv(10000)
        return said and json.loads(said), process.wait().reason

def bomb():
    count = 0
    while True:
        try:
            if os.fork() == 0:
                time.sleep(60)
            count += 1
        except OSError:
            return count

{before}
why = seal.can_seal()
if why is None:
    said = [ask(look, seal.Limits()), ask(bomb, seal.Limits(processes=8))]
    said.append(ask(lambda: time.sleep(9), seal.Limits(wall_seconds=0.2))[1])
else:
    try:
        said = seal.run_sealed(look, None)
    except seal.CampusError as error:
        said = str(error)
print(json.dumps([why, said]))
"""
FORBID = """
seal.LIBC.unshare(seal.CLONE_NEWUSER)
with open("/proc/sys/user/max_user_namespaces", "w") as file:
    file.write("0")
"""


@pytest.fixture
def alone():
    """Run a script as an ordinary user with the system's own Python; what it printed."""
    folder = Path(tempfile.mkdtemp(prefix="alone-"))
    shutil.copy(seal.__file__, folder / "seal.py")
    folder.chmod(0o755)
    (folder / "seal.py").chmod(0o644)

    def run(before):
        (folder / "alone.py").write_text(ALONE.replace("{before}", before))
        user = {"user": 65534, "group": 65534, "extra_groups": []} if ROOT else {}
        command = ["/usr/bin/python3", "-P", "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); import alone"]
        done = subprocess.run(command, cwd="/", env={}, capture_output=True, text=True, timeout=60, **user)
        assert done.stderr == ""
        return json.loads(done.stdout)

    yield run
    shutil.rmtree(folder)


def test_does_it_seal_without_root_or_say_why_not(alone):
    why, said = alone("")
    if why is None:
        answer = [["ENOENT", "ENOENT", "ENOENT", "ENOENT", "ENOENT"], 1000, True]
        assert said == [[answer, "ended"], [7, "ended"], "wall"]
    else:
        assert said == why and why.endswith(".")


def test_does_it_refuse_where_the_kernel_forbids_user_namespaces(alone):
    why, said = alone(FORBID)
    assert said == why
    assert "forbids new namespaces" in why and "\n" not in why
