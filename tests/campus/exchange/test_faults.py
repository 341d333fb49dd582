"""Is nothing that has a receipt ever lost, whatever is killed, full or away, and can the rest be sent again?"""

import hashlib
import signal
import socket
import threading
import time

import pytest
from sqlalchemy import create_engine, make_url

from campus.exchange.parcel import pack
from campus.exchange.refusal import Refusal
from tests.campus.exchange.conftest import BEDS, RELEASED, answer
from tests.campus.exchange.served import LEARNERS, InProcess, user
from tests.postgres import ensure_postgres

SMALL_DISK = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))"


@pytest.fixture(scope="module")
def service(tmp_path_factory, hub):
    served = InProcess(tmp_path_factory.mktemp("faults") / "state", hub)
    served.remote("tara").release(BEDS, RELEASED)
    yield served
    served.close()


def allow(url, yes):
    """Let the database take connections, or take none as while it is away."""
    admin = create_engine(ensure_postgres().url("postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as db:
        db.exec_driver_sql(f"ALTER DATABASE {make_url(url).database} ALLOW_CONNECTIONS {yes}")
    admin.dispose()


def whole(service, receipt):
    """Whether the files of a receipt are there, and are what it says."""
    return digest(service.remote("tara").submitted_files(receipt["id"])) == receipt["sha256"]


def digest(files):
    """The fingerprint of some files, as their associate works it out."""
    lines = "".join(f"{hashlib.sha256(files[path]).hexdigest()}  {path}\n" for path in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def test_is_an_upload_cut_by_a_kill_no_submission_and_can_be_sent_again(service):
    body = pack(answer("half"))
    head = (
        f"POST /services/exchange/api/assignments/{BEDS}/submissions HTTP/1.1\r\nHost: x\r\n"
        "Authorization: token token-of-ben\r\nContent-Type: application/vnd.campus.parcel\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    service.raw(head.encode() + body[:-5], wait=0.3)
    service.kill()
    service.start()
    assert service.remote("ben").submissions() == []
    receipt = service.remote("ben").submit(BEDS, answer("half"))
    assert whole(service, receipt)


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_does_it_end_in_peace_while_somebody_waits_for_arrivals(service, told):
    """Is what waits answered, and is nothing said of an error that is none?"""
    before, heard = len(service.said()), []
    last = max((one["number"] for one in service.remote("formgrader").arrivals()), default=0)
    waiting = threading.Thread(target=lambda: heard.append(service.remote("formgrader").arrivals(last, wait=True)))
    waiting.start()
    time.sleep(0.5)  # until it is there and waits
    service.process.send_signal(told)
    assert service.process.wait(20) == 0
    waiting.join()
    assert heard == [[]] and service.said()[before:] == ""
    service.start()


def test_is_what_arrives_in_the_moment_of_the_end_whole_or_sent_again(service):
    body = pack(answer("end"))
    head = (
        f"POST /services/exchange/api/assignments/{BEDS}/submissions HTTP/1.1\r\nHost: x\r\n"
        "Authorization: token token-of-ben\r\nContent-Type: application/vnd.campus.parcel\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(head.encode() + body[:-5])
        time.sleep(0.5)
        service.process.send_signal(signal.SIGINT)
        connection.sendall(body[-5:])
        status = connection.recv(65536).split(b" ")[1]
    assert service.process.wait(20) == 0
    service.start()
    (receipt,) = [one for one in service.remote("ben").submissions() if one["sha256"] == digest(answer("end"))]
    assert status == b"201" and whole(service, receipt)


def test_does_each_receipt_survive_kills_at_any_moment(service, hub):
    """Six associates hand in, one thing after the other, while the service is killed again and again."""
    receipts, stop, problems = [], threading.Event(), []

    def hand_in(name):
        remote, number = service.remote(name, patience=60), 0
        while not stop.is_set():
            try:
                receipts.append(remote.submit(BEDS, answer(f"{name} {number}")))
            except Refusal as refusal:
                problems.append(refusal)
            number += 1

    names = [f"k{number}" for number in range(6)]
    hub.models |= {f"token-of-{name}": user(name, [LEARNERS]) for name in names}
    threads = [threading.Thread(target=hand_in, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for pause in (0.4, 0.15, 0.6):
        time.sleep(pause)
        service.kill()
        service.start()
    time.sleep(0.3)
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == [] and len(receipts) >= 6
    rows = {row["id"]: row for row in service.remote("tara").submissions(BEDS)}
    for receipt in receipts:
        assert rows[receipt["id"]] == receipt and whole(service, receipt)
    for name in names:  # each thing once, although some were sent more often, and in the order of sending
        handed_in = [receipt["id"] for receipt in receipts if receipt["username"] == name]
        assert [id for id, row in rows.items() if row["username"] == name] == handed_in


def test_does_a_full_disk_give_a_sentence_and_keep_what_was_there(tmp_path, hub):
    service = InProcess(tmp_path / "state", hub)
    service.remote("tara").release(BEDS, RELEASED)
    before = service.remote("asha").submit(BEDS, answer("small"))
    service.kill()
    service.start(before=SMALL_DISK)
    try:
        with pytest.raises(Refusal, match="disk is full, and nothing was kept") as refusal:
            service.remote("asha").submit(BEDS, answer("x" * 2_000_000))
        assert refusal.value.status == 507
        assert not list((tmp_path / "state" / "exchange" / "scratch").iterdir())
        assert service.remote("asha").submissions() == [before] and whole(service, before)
        assert whole(service, service.remote("asha").submit(BEDS, answer("smaller")))
    finally:
        service.close()


def test_does_a_database_that_goes_away_and_comes_back_lose_nothing(tmp_path, hub):
    postgres = ensure_postgres()
    url = postgres.new_database()
    service = InProcess(tmp_path / "state", hub, CAMPUS_EXCHANGE_DATABASE_URL=url)
    try:
        service.remote("tara").release(BEDS, RELEASED)
        before = service.remote("asha").submit(BEDS, answer("before"))
        allow(url, False)
        postgres.drop_connections(url)
        with pytest.raises(Refusal, match="database does not answer") as refusal:
            service.remote("asha").submit(BEDS, answer("meanwhile"))
        assert refusal.value.status == 503
        found = []
        patient = threading.Thread(
            target=lambda: found.append(service.remote("asha", 60).submit(BEDS, answer("meanwhile")))
        )
        patient.start()
        time.sleep(1)
        allow(url, True)
        patient.join()
        assert service.remote("asha").submissions() == [before, *found] and all(whole(service, one) for one in found)
        assert len(list((tmp_path / "state" / "exchange" / "submissions").glob("*/*/*"))) == 2
    finally:
        service.close()


def test_does_a_database_that_hangs_give_a_sentence_and_lose_nothing(tmp_path, hub):
    """It takes connections and questions, and answers none of them for a while."""
    postgres = ensure_postgres()
    service = InProcess(tmp_path / "state", hub, CAMPUS_EXCHANGE_DATABASE_URL=postgres.new_database())
    try:
        service.remote("tara").release(BEDS, RELEASED)
        before = service.remote("asha").submit(BEDS, answer("before"))
        service.kill()
        service.start(before="from campus.exchange import service; service.ANSWER_SECONDS = 1")
        found = []
        patient = threading.Thread(target=lambda: found.append(service.remote("ben", 60).submit(BEDS, answer("it"))))
        with postgres.hanging():
            patient.start()
            with pytest.raises(Refusal, match="waits for its disk or database") as refusal:
                service.remote("asha").submit(BEDS, answer("meanwhile"))
            assert refusal.value.status == 503
        patient.join()
        later = service.remote("asha", 60).submit(BEDS, answer("meanwhile"))
        assert service.remote("asha").submissions() == [before, later] and service.remote("ben").submissions() == found
        assert all(whole(service, one) for one in (before, later, *found))
    finally:
        service.close()


def test_does_the_service_start_before_its_database_and_say_so(tmp_path, hub):
    url = ensure_postgres().new_database()
    allow(url, False)
    service = InProcess(tmp_path / "state", hub, ready=503, CAMPUS_EXCHANGE_DATABASE_URL=url)
    try:
        reply = service.ask("GET", "api/assignments", "asha")
        assert "database does not answer" in reply.json()["error"] and "Retry-After" in reply.headers
        allow(url, True)
        assert service.remote("tara", 60).release(BEDS, RELEASED)["number"] == 1
    finally:
        service.close()
