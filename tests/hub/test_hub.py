"""Does a real hub let the right people in, show each their own, keep to this machine, and leave nothing behind?"""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from urllib.parse import quote

import nbformat
import psutil
import pytest
import requests
from nbformat.v4 import new_code_cell, new_notebook
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect
from typer.testing import CliRunner

from campus.cli import app
from campus.cohort.people import first_roster
from campus.cohort.roles import GRADER
from campus.folders import COURSE_ID
from campus.serve import MARK, find_free_ports
from campus.workspaces import find_workspaces
from tests.hub.served import PASSWORD, SERVE, Hub

NETWORK, PROGRESS = "/services/campus/api/network", "/services/campus/api/progress"
LANDING = {
    "asha": "Hello Asha Example",
    "tara": "Mark what was handed in",
    "mina": "in preparation",
    "sol": "See how your associates are getting on",
    "lena": "The programme so far",
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    served = Hub(tmp_path_factory.mktemp("hub"))
    served.start()
    yield served
    served.process.send_signal(signal.SIGTERM)
    served.process.wait(timeout=60)


def open_workspace(hub, session, username):
    """Start somebody's workspace and wait until it answers."""
    deadline = time.monotonic() + 120
    session.get(f"{hub.base}/hub/spawn/{username}")
    lab = f"{hub.base}/user/{username}/lab"
    while (page := session.get(lab)).url != lab or page.status_code != 200:
        assert time.monotonic() < deadline, page.url
        time.sleep(0.5)


@pytest.fixture(scope="module")
def workspace(hub):
    """An associate's session with a running workspace and a running kernel."""
    session, _ = hub.sign_in("asha")
    open_workspace(hub, session, "asha")
    token = session.cookies.get("_xsrf", path="/user/asha/")
    started = session.post(f"{hub.base}/user/asha/api/kernels", json={}, headers={"X-XSRFToken": token})
    assert started.status_code == 201, started.text
    return session


def test_does_the_sign_in_page_say_what_the_laptop_profile_is(hub):
    page = requests.get(hub.base, timeout=30).text
    assert "This is the laptop profile." in page and "one password opens every account" in page


@pytest.mark.parametrize(("username", "told"), LANDING.items())
def test_does_each_role_land_on_what_to_do_next(hub, username, told):
    _, page = hub.sign_in(username)
    assert page.status_code == 200 and page.url == f"{hub.base}/services/campus/" and told in page.text


@pytest.mark.parametrize(
    ("username", "password"), [("mallory", PASSWORD), (GRADER, PASSWORD), ("asha", "another-password")]
)
def test_is_everybody_else_kept_out(hub, username, password):
    session, page = hub.sign_in(username, password)
    assert page.status_code == 403 and "/hub/login" in session.get(f"{hub.base}/services/campus/").url


@pytest.mark.parametrize(
    ("username", "status"), [("tara", 200), ("tom", 200), ("asha", 403), ("mina", 403), ("sol", 403), ("lena", 403)]
)
def test_do_tutors_alone_reach_formgrader(hub, username, status):
    session, _ = hub.sign_in(username)
    page = session.get(f"{hub.base}/services/{COURSE_ID}/formgrader")
    assert page.status_code == status and ("Manage Assignments" in page.text) == (status == 200)


def test_does_nbgraders_course_list_lead_to_formgrader(hub):
    session, _ = hub.sign_in("tara")
    page = session.get(f"{hub.base}/services/{COURSE_ID}/lab?formgrader=true")
    assert page.status_code == 200 and "/formgrader" in page.url


def test_do_formgraders_links_to_notebooks_lead_to_our_pages(hub):
    session, _ = hub.sign_in("tara")
    script = session.get(f"{hub.base}/services/{COURSE_ID}/formgrader/static/js/utils.js")
    assert 'directory: base_url + "/formgrader/notebook/"' in script.text and "/tree/" not in script.text


@pytest.mark.parametrize(
    ("step", "shown", "hidden"), [("source", "n = 7", "YOUR CODE"), ("release", "YOUR CODE", "n = 7")]
)
def test_does_a_tutor_read_an_assignment_as_markers_and_as_associates_see_it(hub, step, shown, hidden):
    folder = hub.state / "course" / step / "tiny"
    folder.mkdir(parents=True, exist_ok=True)
    cell = new_code_cell("n = 7" if step == "source" else "# YOUR CODE HERE")
    nbformat.write(new_notebook(cells=[cell]), folder / "tiny.ipynb")
    session, _ = hub.sign_in("tara")
    page = session.get(f"{hub.base}/services/{COURSE_ID}/formgrader/notebook/{step}/tiny")
    text = re.sub(r"<[^>]+>", "", page.text)
    assert page.status_code == 200 and shown in text and hidden not in text


def test_does_nobody_but_tutors_read_a_source(hub):
    session, _ = hub.sign_in("asha")
    assert session.get(f"{hub.base}/services/{COURSE_ID}/formgrader/notebook/source/tiny").status_code == 403


def test_does_an_error_of_the_hub_lead_back(hub):
    session, _ = hub.sign_in("asha")
    page = session.get(f"{hub.base}/hub/nowhere")
    assert page.status_code == 404 and 'href="/services/campus/"' in page.text


def test_do_pages_and_book_need_a_sign_in(hub):
    for path in ("/services/campus/", "/services/campus/book/index.html", f"/services/{COURSE_ID}/formgrader"):
        assert "/hub/login" in requests.get(hub.base + path, timeout=30).url


def test_do_fonts_of_the_book_reach_a_signed_in_reader(hub):
    session, _ = hub.sign_in("asha")
    asked = f"{hub.base}/services/campus/book/_static/none.woff2"
    answer = session.get(asked, headers={"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"})
    assert answer.url == asked and answer.status_code == 404


def test_does_a_large_upload_of_the_network_page_arrive_through_the_proxy(hub):
    session, _ = hub.sign_in("asha")
    sent = session.post(f"{hub.base}{NETWORK}", data=bytes(8_000_000), headers={"X-XSRFToken": network_token(session)})
    assert sent.status_code == 200 and sent.json() == {"bytes": 8_000_000}


def test_does_the_socket_of_the_network_page_answer_through_the_proxy(hub):
    session, _ = hub.sign_in("asha")
    cookies = "; ".join(
        f"{one.name}={one.value}" for one in session.cookies if "/services/campus/".startswith(one.path)
    )
    address = f"{hub.base}{NETWORK}/socket?_xsrf={quote(network_token(session))}".replace("http", "ws", 1)

    async def ask() -> str:
        socket = await websocket_connect(HTTPRequest(address, headers={"Cookie": cookies, "Origin": hub.base}))
        await socket.write_message("hello")
        return await socket.read_message()

    assert asyncio.run(ask()) == "hello"


def test_is_what_anybody_keeps_in_the_book_theirs_alone(hub):
    asha, _ = hub.sign_in("asha")
    entry = {"kind": "done", "session": "3.3", "name": "session", "value": "yes"}
    kept = asha.put(f"{hub.base}{PROGRESS}", json=entry, headers={"X-XSRFToken": network_token(asha)})
    assert kept.status_code == 200, kept.text
    ben, _ = hub.sign_in("ben")
    values = [[one["value"] for one in who.get(f"{hub.base}{PROGRESS}").json()["progress"]] for who in (asha, ben)]
    assert values == [["yes"], []]


@pytest.mark.parametrize("path", ["/services/campus/api/network", "/services/campus/api/progress"])
def test_do_the_books_endpoints_need_a_sign_in_and_its_token(hub, path):
    method = "PUT" if path == PROGRESS else "POST"
    assert requests.request(method, hub.base + path, data=b"{}", timeout=30).status_code == 403
    session, _ = hub.sign_in("asha")
    assert session.request(method, hub.base + path, data=b"{}").status_code == 403


def network_token(session) -> str:
    """The token that a page of the book sends back."""
    return next(one.value for one in session.cookies if one.name == "_xsrf" and one.path == "/services/campus/")


def test_can_an_associate_not_enter_the_workspace_of_another(hub, workspace):
    session, _ = hub.sign_in("ben")
    assert session.get(f"{hub.base}/user/asha/api/contents").status_code in (403, 404)


def test_is_a_workspace_told_nothing_that_is_not_its_own(hub, workspace):
    servers = [one for one in hub.processes() if "singleuser" in " ".join(one.cmdline())]
    told = [one.environ() for one in servers if one.environ().get("JUPYTERHUB_USER") == "asha"]
    assert told and not {"CAMPUS_PASSWORD", "CONFIGPROXY_AUTH_TOKEN"} & set(told[0])
    assert PASSWORD not in "".join(told[0].values())


def test_does_a_workspace_offer_the_tools_of_the_role_and_no_others(hub, workspace):
    page = workspace.get(f"{hub.base}/user/asha/lab").text
    assert "@jupyter/nbgrader:formgrader" in page and "@jupyter/nbgrader:assignment-list" not in page  # those disabled


def test_does_an_associate_see_no_courses_to_mark(hub, workspace):
    assert workspace.get(f"{hub.base}/user/asha/formgraders").status_code == 404


def test_is_the_assignment_list_there(hub, workspace):
    listed = workspace.get(f"{hub.base}/user/asha/assignments", params={"course_id": COURSE_ID})
    assert listed.json() == {"success": True, "value": []}


def test_is_a_home_closed_to_others(hub, workspace):
    assert (hub.state / "homes" / "asha").stat().st_mode & 0o077 == 0


def test_does_everything_listen_on_this_machine_only(hub, workspace):
    listening = []
    for process in hub.processes():
        with suppress(psutil.NoSuchProcess):  # it ended meanwhile
            found = process.net_connections("inet")
            listening += [one.laddr.ip for one in found if one.status == psutil.CONN_LISTEN]
    assert len(listening) >= 6 and set(listening) == {"127.0.0.1"}


def test_is_a_leavers_running_workspace_stopped_as_the_roster_is_loaded(hub, tmp_path, monkeypatch):
    session, _ = hub.sign_in("dev")
    open_workspace(hub, session, "dev")
    running = find_workspaces(hub.state, ["dev"])["dev"]
    roster = tmp_path / "roster.csv"
    roster.write_text(re.sub("^dev,.*\n", "", first_roster().read_text(), flags=re.MULTILINE))
    monkeypatch.setenv("CAMPUS_STATE", str(hub.state))
    monkeypatch.delenv("CAMPUS_DATABASE_URL", raising=False)
    dry = CliRunner().invoke(app, ["roster", "load", str(roster), "--dry-run"])
    assert "left: Dev Example (dev, associate), whose running workspace stops" in dry.stdout
    assert all(process.is_running() for process in running)
    done = CliRunner().invoke(app, ["roster", "load", str(roster)])
    assert "left: Dev Example (dev, associate), whose running workspace was stopped" in done.stdout
    assert find_workspaces(hub.state, ["dev"]) == {} and (hub.state / "homes" / "dev").is_dir()


def test_is_the_folder_served_only_once(hub):
    second = subprocess.run(
        [sys.executable, "-c", SERVE, str(hub.none)],
        env={**os.environ, "CAMPUS_STATE": str(hub.state), "CAMPUS_PORT": str(find_free_ports(1)[0])},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert f"is being served already (by process {hub.process.pid} at {hub.base})" in second.stderr


def test_does_a_start_after_a_crash_clear_up_and_does_ctrl_c_leave_nothing(hub, workspace):
    before = hub.processes()
    kernels = [process for process in before if "ipykernel" in " ".join(process.cmdline())]
    assert (
        len(before) >= 7
        and kernels
        and all(MARK in process.environ() for process in before if process.pid != hub.process.pid)
    )

    hub.process.kill()
    hub.process.wait()
    hub.start()
    assert not [process for process in before if process.is_running()]
    assert hub.sign_in("tara")[1].status_code == 200

    said = len(logged(hub))
    hub.process.send_signal(signal.SIGINT)
    assert hub.process.wait(timeout=60) == 0
    assert hub.processes() == [] and "no process is left behind" in hub.said()
    assert not re.search("Traceback|^5[0-9][0-9] ", logged(hub)[said:], re.MULTILINE)


def logged(hub):
    """The log of the hub and its services."""
    return (hub.state / "logs" / "hub.log").read_text()
