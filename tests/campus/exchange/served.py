"""An exchange that tests serve to themselves, and a hub that knows the tokens they say it knows."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests
from jupyterhub.services.auth import HubOAuth

from campus.exchange import service
from campus.exchange.client import Remote
from campus.exchange.parcel import MEDIA_TYPE, pack
from campus.exchange.store import Store
from campus.folders import COURSE_ID

PREFIX = "/services/exchange/"
ACCESS = "access:services!service=exchange"
LEARNERS, MARKERS = f"nbgrader-{COURSE_ID}", f"formgrade-{COURSE_ID}"
GROUPS = {
    "asha": [LEARNERS],
    "ben": [LEARNERS],
    "tara": [LEARNERS, MARKERS],
    "grader": [MARKERS],
    "mina": [],
    "sol": [],
    "lena": [],
    "mallory": ["nbgrader-another", "formgrade-another", "formgrade-", "nbgrader-modelling-2"],
}


class Hub:
    """The part of a hub that says whose a token is, as the real one does: over HTTP, and only to who may ask."""

    def __init__(self):
        self.models = {f"token-of-{name}": user(name, groups) for name, groups in GROUPS.items()}
        self.models["token-of-formgrader"] = {"kind": "service", "name": COURSE_ID, "scopes": [ACCESS]}
        self.models["token-of-marking"] = {"kind": "service", "name": "marking", "scopes": [ACCESS]}
        self.models["token-of-another-service"] = {"kind": "service", "name": "campus", "scopes": [ACCESS]}
        self.models["token-of-without-access"] = user("asha", [LEARNERS]) | {"scopes": ["read:users:name!user=asha"]}
        self.asked = 0
        hub = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                hub.asked += 1
                token = self.headers.get("Authorization", "").removeprefix("token ")
                model = hub.models.get(token) if self.path == "/hub/api/user" else None
                body = json.dumps(model or {"status": 403}).encode()
                self.send_response(200 if model else 403)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *told):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hub/api"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def user(name, groups):
    """What the hub says about somebody's token."""
    return {"kind": "user", "name": name, "admin": False, "groups": groups, "scopes": [ACCESS]}


class Exchange:
    """What tests ask of an exchange, wherever it runs."""

    url: str

    def remote(self, who, patience=0.0):
        """The client of somebody."""
        return Remote(self.url, f"token-of-{who}", patience)

    def ask(self, verb, path, who=None, **sent):
        """A bare request, with somebody's token in the header or none."""
        headers = sent.pop("headers", {})
        if who is not None:
            headers = {"Authorization": f"token token-of-{who}"} | headers
        session = requests.Session()
        session.trust_env = False
        return session.request(verb, f"{self.url}/{path}", headers=headers, timeout=30, allow_redirects=False, **sent)

    def send(self, verb, path, who, files, **headers):
        """A bare request with a parcel."""
        body = files if isinstance(files, bytes) else pack(files)
        return self.ask(verb, path, who, data=body, headers={"Content-Type": MEDIA_TYPE} | headers)

    def raw(self, data, wait=5.0):
        """What comes back to bytes on a connection of their own, until the other side ends it or falls silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as connection:
            connection.sendall(data)
            answer = b""
            try:
                while piece := connection.recv(65536):
                    answer += piece
            except OSError:
                pass
        return answer


class InThread(Exchange):
    """The service in a thread of the tests, with a store and a clock of theirs."""

    def __init__(self, store: Store, hub: Hub):
        self.store = store
        self.loop = asyncio.new_event_loop()
        started = threading.Event()

        async def begin():
            auth = HubOAuth(
                api_url=hub.url,
                api_token="token-of-the-service",
                oauth_client_id="service-exchange",
                base_url=PREFIX,
                access_scopes={ACCESS},
                cache_max_age=service.TOKEN_SECONDS,
            )
            self.application = service.make_application(PREFIX, store, auth)
            self.server = service.make_server(self.application)
            self.server.listen(0, "127.0.0.1")
            (found,) = self.server._sockets.values()
            self.port = found.getsockname()[1]
            started.set()

        self.loop.create_task(begin())
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        assert started.wait(10)
        self.url = f"http://127.0.0.1:{self.port}{PREFIX.rstrip('/')}"

    def close(self):
        async def end():
            self.server.stop()
            await self.server.close_all_connections()

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.application.settings["pool"].shutdown()
        self.loop.close()


class InProcess(Exchange):
    """The service as the hub starts it, in a process of its own that can be killed and started again."""

    def __init__(self, folder: Path, hub: Hub, ready: int = 200, **more: str):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}{PREFIX.rstrip('/')}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("CAMPUS_", "JUPYTERHUB_"))},
            "CAMPUS_STATE": str(folder),
            "JUPYTERHUB_API_URL": hub.url,
            "JUPYTERHUB_API_TOKEN": "token-of-the-service",
            "JUPYTERHUB_CLIENT_ID": "service-exchange",
            "JUPYTERHUB_SERVICE_NAME": "exchange",
            "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{self.port}",
            "JUPYTERHUB_OAUTH_ACCESS_SCOPES": json.dumps([ACCESS]),
            **more,
        }
        self.start(ready=ready)

    def start(self, before: str = "", ready: int = 200):
        """Start it, and wait until it gives this status; `before` is Python that runs first in its process."""
        code = f"{before}\nfrom campus.exchange.service import main\nmain()"
        log = (self.folder.parent / f"{self.folder.name}.log").open("a")
        with log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code], env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + 60
        while True:
            assert self.process.poll() is None and time.monotonic() < deadline, self.said()
            try:
                if self.ask("GET", "api/assignments", "tara").status_code == ready:
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.1)

    def said(self):
        return (self.folder.parent / f"{self.folder.name}.log").read_text()

    def kill(self):
        """End it as a power cut does."""
        self.process.kill()
        self.process.wait()

    def close(self):
        self.process.terminate()
        self.process.wait(20)
