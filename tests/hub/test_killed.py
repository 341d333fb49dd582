"""Is nothing with a receipt lost when the hub itself is killed in the middle of an upload?"""

import signal
import socket

import psutil
import pytest

from campus.exchange.client import Remote
from campus.exchange.parcel import MEDIA_TYPE, pack
from tests.campus.exchange.conftest import BEDS, RELEASED, answer
from tests.hub.served import Hub


@pytest.fixture
def hub(tmp_path):
    served = Hub(tmp_path)
    served.start()
    yield served
    served.process.send_signal(signal.SIGTERM)
    served.process.wait(timeout=60)


def remote(hub, username):
    """The exchange as somebody who signs in reaches it, through the hub's proxy."""
    session, _ = hub.sign_in(username)
    headers = {"X-XSRFToken": session.cookies.get("_xsrf", path="/hub/")}
    made = session.post(f"{hub.base}/hub/api/users/{username}/tokens", json={}, headers=headers)
    assert made.status_code == 201, made.text
    return Remote(f"{hub.base}/services/exchange", made.json()["token"], patience=0)


def test_does_a_kill_of_the_hub_in_the_middle_of_an_upload_lose_no_receipt(hub):
    remote(hub, "tara").release(BEDS, RELEASED)
    asha = remote(hub, "asha")
    receipt = asha.submit(BEDS, answer("whole"))
    body = pack(answer("half"))
    head = (
        f"POST /services/exchange/api/assignments/{BEDS}/submissions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: {asha.session.headers['Authorization']}\r\nContent-Type: {MEDIA_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", hub.port)) as connection:
        connection.sendall(head.encode() + body[:-5])
        (process,) = [one for one in psutil.Process(hub.process.pid).children() if "jupyterhub" in one.cmdline()]
        process.kill()
        assert hub.process.wait(timeout=60) == 1 and "The hub ended by itself (exit code -9)" in hub.said()
    assert hub.processes() == []
    hub.start()
    asha = remote(hub, "asha")
    assert asha.submissions() == [receipt] and asha.submitted_files(receipt["id"]) == answer("whole")
    assert asha.submit(BEDS, answer("half"))["state"] == "received"
