"""Does the store keep what it said it keeps, whole, in order, and for good?"""

import errno
import os
import shutil
import threading
import time

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError

from campus.exchange import index
from campus.exchange import store as stores
from campus.exchange.desk import Desk
from campus.exchange.index import AUDIT, FEEDBACK, RELEASES, SUBMISSIONS
from campus.exchange.parcel import FEEDBACK as PAGES
from campus.exchange.refusal import Refusal
from campus.exchange.store import Store, Terms, entries
from tests.campus.exchange.conftest import ASHA, BEDS, BEN, RELEASED, TARA, answer, kept, parcel, release, submit


def test_is_everything_closed_to_other_users_of_the_machine(store):
    release(store)
    submit(store)
    found = [store.folder, *(path for path in store.folder.rglob("*") if not path.name.startswith("index.db"))]
    assert len(found) > 8 and not [path for path in found if path.stat().st_mode & 0o077]


def test_are_releases_numbered_and_the_same_again_no_new_one(store):
    first, again = release(store), release(store)
    second = release(store, RELEASED | {"data/stays.csv": b"days\n4\n"})
    assert [(row["number"], new) for row, new in (first, again, second)] == [(1, True), (1, False), (2, True)]
    assert store.release(BEDS)["number"] == 2 and store.release(BEDS, 1)["sha256"] == first[0]["sha256"]


def test_is_the_same_handed_in_twice_one_submission(store):
    release(store)
    (first, new), (again, newer) = submit(store), submit(store)
    assert first == again and (new, newer) == (True, False)
    assert len(store.submissions()) == 1 and len([path for path in kept(store) if "submissions" in path]) == 1


def test_does_a_resubmission_leave_the_earlier_one(store):
    release(store)
    ids = [submit(store, text=text)[0]["id"] for text in ("one", "two", "one")]
    assert [row["id"] for row in store.submissions(BEDS, "asha")] == ids and len(set(ids)) == 3
    for id, words in zip(ids, ("one", "two", "one"), strict=True):
        files = Desk(store, ASHA).submitted_files(id)
        assert (files.folder / f"{BEDS}.ipynb").read_bytes() == answer(words)[f"{BEDS}.ipynb"]


def test_do_two_people_with_the_same_answer_have_a_submission_each(store):
    release(store)
    assert submit(store, ASHA)[0]["id"] != submit(store, BEN)[0]["id"]


def test_does_the_order_of_submissions_survive_a_clock_that_jumps_back(store, clock):
    release(store)
    first = submit(store, text="one")[0]["id"]
    clock.go(days=-3)
    second = submit(store, text="two")[0]["id"]
    assert [row["id"] for row in store.submissions(BEDS)] == [first, second]


@pytest.mark.parametrize("table", [RELEASES, SUBMISSIONS, FEEDBACK, AUDIT], ids=lambda table: table.name)
def test_does_the_database_itself_refuse_to_change_what_is_kept(store, table):
    release(store)
    id = submit(store)[0]["id"]
    Desk(store, TARA).give_feedback(id, parcel(store, {"bed-days.html": b"well done"}, PAGES))
    for statement in (update(table).values(at="1999"), delete(table)):
        with pytest.raises(DBAPIError, match="kept as it is"), store.engine.connect() as db:
            db.execute(statement)


def test_does_the_audit_log_say_who_did_what_when(store, clock):
    release(store)
    at = clock.go(minutes=5)
    receipt = submit(store)[0]
    desk = Desk(store, TARA)
    desk.extend(BEDS, "ben", "2026-12-01T17:00")
    desk.submitted_files(receipt["id"])
    told = [(line["who"], line["what"], line["assignment"], line["username"]) for line in store.audit()]
    assert told == [
        ("tara", "released", BEDS, None),
        ("asha", "submitted", BEDS, "asha"),
        ("tara", "extended", BEDS, "ben"),
        ("tara", "collected", BEDS, "asha"),
    ]
    assert store.audit()[1]["at"] == at and store.audit()[1]["about"] == receipt["id"]
    assert [line["what"] for line in store.audit(after=store.audit()[1]["number"])] == ["extended", "collected"]


def test_is_late_work_marked_as_late_and_an_extension_counted(store, clock):
    release(store)
    store.set_terms(BEDS, Terms(clock.go(hours=1)), "tara")
    assert not submit(store, ASHA)[0]["late"]
    clock.go(seconds=1)
    assert submit(store, BEN)[0]["late"] and submit(store, ASHA, "better")[0]["late"]
    store.extend(BEDS, "ben", clock.go(hours=1), "tara")
    assert [one["late"] for one in Desk(store, BEN).submissions(BEDS)] == [False]
    store.extend(BEDS, "ben", None, "tara")
    assert [one["late"] for one in Desk(store, BEN).submissions(BEDS)] == [True]


def test_is_late_work_refused_only_where_the_tutor_said_so(store, clock):
    release(store)
    store.set_terms(BEDS, Terms(clock(), "refused"), "tara")
    submit(store, ASHA)
    clock.go(seconds=1)
    store.extend(BEDS, "ben", clock.go(hours=1), "tara")
    submit(store, BEN)
    with pytest.raises(Refusal, match="was to be handed in by 25 November 2026, 12:00:00 GMT") as refusal:
        submit(store, ASHA, "too late")
    assert refusal.value.status == 403 and len(store.submissions(BEDS, "asha")) == 1
    assert submit(store, ASHA)[1] is False  # the receipt of what was in time is given again


@pytest.mark.parametrize("limit", ["MOST_SUBMISSIONS", "MOST_BYTES"])
def test_can_nobody_fill_the_disk_by_handing_in_again_and_again(store, monkeypatch, limit):
    release(store)
    monkeypatch.setattr(stores, limit, 1 if limit == "MOST_SUBMISSIONS" else 100)
    submit(store, ASHA, "one")
    before = kept(store)
    with pytest.raises(Refusal, match="ask your tutor") as refusal:
        submit(store, ASHA, "two")
    assert refusal.value.status == 429 and kept(store) == before
    submit(store, BEN)


def test_is_a_withdrawn_assignment_gone_for_associates_and_its_work_kept(store):
    release(store)
    submit(store)
    Desk(store, TARA).withdraw(BEDS)
    assert Desk(store, ASHA).assignments() == [] and len(Desk(store, ASHA).submissions()) == 1
    with pytest.raises(Refusal, match="no assignment"):
        submit(store, text="later")
    release(store)
    assert [one["name"] for one in Desk(store, ASHA).assignments()] == [BEDS]


def test_does_an_associate_who_has_an_older_release_learn_of_the_newer(store):
    release(store)
    Desk(store, ASHA).fetch(BEDS)
    release(store, RELEASED | {"new.csv": b"1"})
    (mine,), (bens,) = Desk(store, ASHA).assignments(), Desk(store, BEN).assignments()
    assert (mine["release"], mine["fetched"]) == (2, 1) and (bens["release"], bens["fetched"]) == (2, None)


def test_are_associates_who_hand_in_at_one_moment_all_served(store):
    release(store)
    problems = []

    def hand_in(number):
        try:
            for text in ("one", "two", "two"):
                submit(store, type(ASHA)(f"a{number}", learns=True), text)
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=hand_in, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == [] and len(store.submissions(BEDS)) == 24
    assert not list((store.folder / "scratch").iterdir())


def test_is_one_persons_work_sent_twice_at_one_moment_one_submission(store):
    release(store)
    barrier, receipts = threading.Barrier(6), []

    def hand_in():
        parcels = parcel(store, answer())
        barrier.wait()
        receipts.append(Desk(store, ASHA).submit(BEDS, parcels, "workspace"))

    threads = [threading.Thread(target=hand_in) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({receipt["id"] for receipt, _ in receipts}) == 1 and sum(new for _, new in receipts) == 1
    assert len([path for path in kept(store) if "submissions" in path]) == 1


def test_does_collecting_while_somebody_hands_in_again_give_one_whole_submission(store):
    release(store)
    submit(store, text="0")
    seen, done = [], threading.Event()

    def collect():
        while not done.is_set():
            latest = store.submissions(BEDS, "asha")[-1]
            folder = Desk(store, TARA).submitted_files(latest["id"]).folder
            seen.append((latest["sha256"], (folder / f"{BEDS}.ipynb").read_bytes()))

    thread = threading.Thread(target=collect)
    thread.start()
    for number in range(1, 15):
        submit(store, text=str(number))
    done.set()
    thread.join()
    right = {row["sha256"]: answer(str(n))[f"{BEDS}.ipynb"] for n, row in enumerate(store.submissions(BEDS))}
    assert seen and all(right[sha256] == content for sha256, content in seen)


# What goes wrong


def test_does_a_full_disk_leave_neither_file_nor_row(store, monkeypatch):
    release(store)
    before = kept(store)
    arriving = parcel(store, answer())
    monkeypatch.setattr(os, "rename", lambda *places: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
    with pytest.raises(OSError, match="full"):
        store.add_submission(BEDS, "asha", arriving, "workspace")
    shutil.rmtree(arriving.folder)
    assert store.submissions() == [] and kept(store) == before


def test_does_a_database_that_fails_at_the_end_leave_neither_file_nor_row(store, monkeypatch):
    release(store)
    before = kept(store)

    def fail(engine, work):
        raise Refusal(503, index.AWAY)

    with monkeypatch.context() as patch:
        patch.setattr(index, "write", fail)
        with pytest.raises(Refusal, match="does not answer") as refusal:
            submit(store)
    assert refusal.value.status == 503 and kept(store) == before
    assert submit(store)[1]


def test_are_files_kept_when_nobody_can_say_whether_their_row_was_written(store, monkeypatch):
    release(store)
    wrote = index.write

    def lose_the_answer(engine, work):
        wrote(engine, work)
        raise Refusal(503, index.AWAY)

    with monkeypatch.context() as patch:
        patch.setattr(index, "write", lose_the_answer)
        with pytest.raises(Refusal):
            submit(store)
    (row,) = store.submissions()
    assert store.place("submissions", BEDS, "asha", row["id"], entries(row)[0].path).is_file()
    assert submit(store)[0]["id"] == row["id"]  # the retry gets the receipt


def test_is_what_was_cut_off_swept_away_and_nothing_else(store):
    release(store)
    submit(store)
    before = kept(store)
    parcel(store, answer("cut off while it arrived"))
    store.keep(
        parcel(store, answer("moved, and then the power went")), store.place("submissions", BEDS, "asha", "f" * 32)
    )
    assert store.sweep() == 0  # it may still be on its way
    assert store.sweep(stale=0) == 2 and kept(store) == before


@pytest.mark.parametrize("days", [400, -400])
def test_does_a_clock_that_jumps_not_sweep_away_what_is_on_its_way(store, monkeypatch, days):
    """It was moved to its place, its row is not written yet, and the machine's clock jumps."""
    release(store)
    arriving = store.place("submissions", BEDS, "asha", "f" * 32)
    store.keep(parcel(store, answer()), arriving)
    seen = time.time()
    monkeypatch.setattr(time, "time", lambda: seen + days * 86400)
    assert store.sweep() == store.sweep() == 0 and arriving.is_dir()
    hours = time.monotonic() + 7200
    monkeypatch.setattr(time, "monotonic", lambda: hours)
    assert store.sweep() == 1 and not arriving.exists()


def test_do_receipts_stay_what_they_are_when_the_clock_jumps_forth_and_back(store, clock):
    release(store)
    store.set_terms(BEDS, Terms("2026-11-26T12:00:00.000000+00:00"), "tara")
    receipts = []
    for days in (0, 400, -800, 400):
        clock.go(days=days)
        receipts.append(submit(store, text=f"by {clock()}")[0])
    assert [one["late"] for one in receipts] == [False, True, False, False]
    assert Desk(store, ASHA).submissions(BEDS) == receipts  # in the order in which they came
    assert submit(store, text=f"by {receipts[-1]['at']}") == (receipts[-1], False)


def test_do_many_processes_that_begin_at_once_find_one_set_of_tables(tmp_path, url):
    problems = []

    def begin():
        try:
            Store(tmp_path / "exchange", url).ensure().close()
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_does_a_database_that_cannot_be_reached_give_a_sentence(tmp_path):
    away = Store(tmp_path / "exchange", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    with pytest.raises(Refusal, match="does not answer"):
        away.ensure()


def test_is_what_the_index_holds_still_there_after_it_was_closed(store, tmp_path, url):
    release(store)
    receipt = submit(store)[0]
    again = Store(store.folder, store.engine.url.render_as_string(hide_password=False)).ensure()
    assert again.submissions()[0]["sha256"] == receipt["sha256"]
    with again.engine.connect() as db:
        assert db.execute(text("SELECT count(*) FROM exchange_releases")).scalar() == 1
    again.close()
