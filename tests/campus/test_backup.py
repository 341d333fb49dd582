"""Does a backup that is made while work comes in hold a consistent whole?"""

import os
import sqlite3
import threading

import pytest

from campus import backup, folders
from campus.errors import CampusError
from campus.exchange.client import Local
from campus.exchange.desk import Desk, Visitor
from campus.exchange.store import Store
from tests.campus.exchange.conftest import BEDS, TARA, answer, parcel, release, submit


@pytest.fixture
def state(tmp_path, monkeypatch):
    """A state folder with an exchange in use, a home, and another database."""
    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path / "state"))
    made = folders.ensure_state()
    store = Store(made / "exchange").ensure()
    release(store)
    (made / "homes" / "asha").mkdir(parents=True, mode=0o700)
    (made / "homes" / "asha" / "notes.txt").write_text("mine")
    (made / "homes" / "asha" / "link").symlink_to("/etc/hostname")
    (made / "course").mkdir()
    with sqlite3.connect(made / "course" / "gradebook.db") as db:
        db.execute("CREATE TABLE marks (mark)")
        db.execute("INSERT INTO marks VALUES (7)")
    db.close()
    yield store
    store.close()


def test_does_a_backup_made_while_work_comes_in_restore_to_a_consistent_whole(state, tmp_path, monkeypatch):
    """Four hand in again and again, two of them the same each time, while three backups are made."""
    stop, receipts, problems = threading.Event(), [], []

    def hand_in(who, same):
        for number in range(90):  # of the hundred that are kept
            if stop.is_set():
                return
            try:
                receipts.append(submit(state, who, f"{who.name} {0 if same else number}")[0])
            except Exception as error:
                problems.append(error)

    people = [(Visitor(f"p{number}", learns=True), number < 2) for number in range(4)]
    threads = [threading.Thread(target=hand_in, args=one) for one in people]
    for thread in threads:
        thread.start()
    while len(receipts) < 12:
        pass
    before = list(receipts)
    counts = [backup.back_up(tmp_path / f"copy-{number}") for number in range(3)]
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == [] and counts == sorted(counts)

    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path / "copy-0"))  # restored: the copy is the state folder
    restored = Store().ensure()
    rows = Desk(restored, TARA).submissions(BEDS)
    assert len(rows) == counts[0] and {one["id"] for one in before} <= {row["id"] for row in rows}
    files = [Local(restored, TARA).submitted_files(row["id"]) for row in rows]
    assert len(files) == counts[0] > 0  # each came whole, or it would have been refused
    new, is_new = submit(restored, people[2][0], "after the restore")
    assert is_new and Desk(restored, TARA).submissions(BEDS)[-1]["id"] == new["id"]
    assert restored.sweep(stale=0) >= 0 and len(Desk(restored, TARA).submissions(BEDS)) == counts[0] + 1
    restored.close()


def test_do_homes_links_modes_and_other_databases_come_back(state, tmp_path):
    copy = tmp_path / "copy"
    backup.back_up(copy)
    home = copy / "homes" / "asha"
    assert (home / "notes.txt").read_text() == "mine" and os.readlink(home / "link") == "/etc/hostname"
    assert home.stat().st_mode & 0o777 == 0o700 and copy.stat().st_mode & 0o777 == 0o700
    with sqlite3.connect(copy / "course" / "gradebook.db") as db:
        assert db.execute("SELECT mark FROM marks").fetchall() == [(7,)]
    db.close()
    assert (copy / "VERSION").read_text() == f"{folders.STATE_VERSION}\n"


def test_is_what_was_cut_off_not_in_a_backup(state, tmp_path):
    parcel(state, answer())
    backup.back_up(tmp_path / "copy")
    assert not (tmp_path / "copy" / "exchange" / "scratch").exists()


def test_is_a_submission_that_is_damaged_told(state, tmp_path):
    id = submit(state)[0]["id"]
    (state.place("submissions", BEDS, "asha", id) / f"{BEDS}.ipynb").write_bytes(b"changed")
    with pytest.raises(CampusError, match=f"The submission {id} of asha for {BEDS} is not whole"):
        backup.back_up(tmp_path / "copy")


@pytest.mark.parametrize("where", ["", "state/backup"])
def test_is_a_folder_that_is_there_or_within_the_state_refused(state, tmp_path, where):
    with pytest.raises(CampusError, match="name a new folder elsewhere"):
        backup.back_up(tmp_path / where)
