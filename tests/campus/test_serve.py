"""Does serving refuse what cannot work in a sentence, and does a stop leave nothing behind?"""

import os
import signal
import socket
import stat
import subprocess
import sys
import time

import psutil
import pytest

from campus import serve
from campus.errors import CampusError

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)
REPLACED = f"""
import signal, subprocess, sys, time
def end(*told):
    subprocess.Popen([sys.executable, "-c", {STUBBORN!r}], start_new_session=True)
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("up", flush=True)
time.sleep(600)
"""  # as a hub that is ending starts a proxy once more
WITH_A_STAND_IN_FOR_THE_HUB = f"""
import subprocess, sys
from campus import serve
command = [sys.executable, "-c", '''
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {STUBBORN!r}], env=dict(), start_new_session=True)
child.wait()
''']
serve.prepare_course = lambda people: None
serve.start_hub = lambda folder, *others: subprocess.Popen(
    command, env={{serve.MARK: str(folder)}}, stdout=subprocess.PIPE, text=True)
serve.wait_until_ready = lambda hub, folder, port: hub.stdout.readline()
serve.serve({{port}})
"""


@pytest.fixture
def state(tmp_path, monkeypatch):
    """A state folder of the test's own, and no setting of the machine's user."""
    for name in ("CAMPUS_PORT", "CAMPUS_PASSWORD", "CAMPUS_ROSTER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path / "state"))
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


@pytest.fixture
def start(state):
    """A function that starts a process with the given environment; all are ended after the test."""
    started = []

    def run(code, **environment):
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def wait_for_welcome(served):
    """The processes below one that serves, once it has said how to stop it."""
    said = []
    for line in iter(served.stdout.readline, ""):
        said.append(line)
        if "Ctrl-C stops everything" in line:
            return psutil.Process(served.pid).children(recursive=True)
    pytest.fail("".join(said))


def still_running(processes):
    return [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def test_is_the_password_made_once_and_kept_from_others(state, monkeypatch):
    password = serve.ensure_password(state)
    assert serve.ensure_password(state) == password and len(password) >= 12
    assert stat.S_IMODE((state / "password").stat().st_mode) == 0o600


def test_does_another_state_folder_have_another_password(state, tmp_path):
    (tmp_path / "other").mkdir()
    assert serve.ensure_password(state) != serve.ensure_password(tmp_path / "other")


def test_is_a_short_password_refused(state, monkeypatch):
    monkeypatch.setenv("CAMPUS_PASSWORD", "short")
    with pytest.raises(CampusError, match="The password in CAMPUS_PASSWORD is shorter than 8 letters"):
        serve.ensure_password(state)


@pytest.mark.parametrize("text", ["http", "0", "65536", "-1", "²"])
def test_is_a_port_that_is_none_refused(state, monkeypatch, text):
    monkeypatch.setenv("CAMPUS_PORT", text)
    with pytest.raises(CampusError, match=f"CAMPUS_PORT is '{text}', which is not a port"):
        serve.serve()


def test_is_the_holder_of_a_taken_port_named(state):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(CampusError) as refused:
            serve.serve(port)
    assert f"Port {port} is taken by process {os.getpid()} (" in str(refused.value)
    assert f"CAMPUS_PORT={port + 1} make serve" in str(refused.value)


def test_is_a_bad_roster_told_before_anything_starts(state, tmp_path, monkeypatch):
    (tmp_path / "roster.csv").write_text("username,name\n")
    monkeypatch.setenv("CAMPUS_ROSTER", str(tmp_path / "roster.csv"))
    with pytest.raises(CampusError, match="the column role is missing"):
        serve.serve(serve.find_free_ports(1)[0])


def test_is_a_state_folder_from_a_newer_version_refused(state):
    (state / "VERSION").write_text("99\n")
    with pytest.raises(CampusError, match="was made by a newer version"):
        serve.serve()


@pytest.mark.parametrize("content", [b"", b"not a database, but long enough to look at" * 9])
def test_is_a_damaged_gradebook_refused(state, content):
    """An empty one would be filled with tables, and every mark would be gone without a word."""
    (state / "course").mkdir()
    (state / "course" / "gradebook.db").write_bytes(content)
    with pytest.raises(CampusError, match=r"gradebook\.db cannot be used .*: restore it from a backup"):
        serve.serve(serve.find_free_ports(1)[0])


def test_are_two_on_one_state_folder_refused(state):
    with (
        serve.hold_state(state, 8123),
        pytest.raises(CampusError, match=rf"by process {os.getpid()} at http://127\.0\.0\.1:8123"),
        serve.hold_state(state, 8124),
    ):
        pass


def test_does_a_lock_end_with_its_holder(state):
    with serve.hold_state(state, 8123):
        pass
    with serve.hold_state(state, 8124):
        assert "8124" in (state / "serve.lock").read_text()


def test_are_free_ports_free_and_different():
    ports = serve.find_free_ports(4)
    assert len(set(ports)) == 4
    for port in ports:
        serve.refuse_taken_port(port)


def test_is_ours_what_bears_the_mark_of_this_state_folder_and_nothing_else(state, start):
    mine = start(STUBBORN, **{serve.MARK: str(state)})
    other = start(STUBBORN, **{serve.MARK: f"{state}-other"})
    unmarked = start(STUBBORN, CAMPUS_STATE=str(state))
    for process in (mine, other, unmarked):
        process.stdout.readline()
    assert [process.pid for process in serve.find_ours(state)] == [mine.pid]


def test_does_a_stop_end_those_who_will_not(state, start):
    stubborn = start(STUBBORN, **{serve.MARK: str(state)})
    stubborn.stdout.readline()
    ours = serve.find_ours(state)
    serve.end_processes(ours)
    assert len(ours) == 1 and still_running(ours) == []


def test_is_what_an_ending_hub_starts_ended_too(state, start):
    """Else it holds the port, and the next start after a crash is refused."""
    start(REPLACED, **{serve.MARK: str(state)}).stdout.readline()
    serve.end_ours(state)
    assert serve.find_ours(state) == []


def test_is_what_ended_meanwhile_nobodys_child(start):
    process = start(STUBBORN)
    known = psutil.Process(process.pid)
    assert serve.is_child(known)
    process.kill()
    process.wait()
    assert not serve.is_child(known)


@pytest.mark.parametrize("number", serve.STOP_SIGNALS)
def test_does_every_stop_signal_end_all_processes_even_those_without_the_mark(state, start, number):
    """The stand-in for the hub starts a process that ignores SIGTERM, in a session and an environment of its own."""
    served = start(WITH_A_STAND_IN_FOR_THE_HUB.replace("{port}", str(serve.find_free_ports(1)[0])))
    below = wait_for_welcome(served)
    assert len(below) == 2
    served.send_signal(number)
    assert served.wait(timeout=40) == 0
    assert still_running(below) == []


def test_does_a_second_ctrl_c_not_break_the_stop(state, start):
    served = start(WITH_A_STAND_IN_FOR_THE_HUB.replace("{port}", str(serve.find_free_ports(1)[0])))
    below = wait_for_welcome(served)
    for _ in range(3):
        served.send_signal(signal.SIGINT)
        time.sleep(0.2)
    assert served.wait(timeout=40) == 0
    assert still_running(below) == []
