"""A hub that tests serve to themselves, as `campus serve` does."""

import os
import re
import subprocess
import sys
import time

import psutil
import requests

from campus.serve import find_free_ports

PASSWORD = "a-password-for-tests"
# The real thing without assignments: whether they can be released is proved elsewhere, and takes longer.
SERVE = """
import sys
from pathlib import Path
from campus import folders
folders.EXERCISES = Path(sys.argv[1])
from campus import serve
serve.HUB_CONFIG = Path(sys.argv[2]) if len(sys.argv) > 2 else serve.HUB_CONFIG
serve.serve()
"""


class Hub:
    """A hub served by a process of its own from a state folder of its own."""

    def __init__(self, folder, roster=None, config=None):
        self.roster = {"CAMPUS_ROSTER": str(roster)} if roster else {}
        self.config = [str(config)] if config else []
        self.state = folder / "state"
        self.none = folder / "exercises"
        self.none.mkdir()
        self.port = find_free_ports(1)[0]
        self.base = f"http://127.0.0.1:{self.port}"
        self.log = folder / "said.txt"

    def start(self):
        """Start serving and wait until it says that it is ready."""
        settings = {"CAMPUS_STATE": str(self.state), "CAMPUS_PORT": str(self.port), "CAMPUS_PASSWORD": PASSWORD}
        settings |= self.roster
        own = {name: value for name, value in os.environ.items() if not name.startswith("CAMPUS_")}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SERVE, str(self.none), *self.config],
                env=own | settings,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + 150
        while "Ctrl-C stops everything" not in self.said():
            assert self.process.poll() is None and time.monotonic() < deadline, self.said()
            time.sleep(0.2)

    def said(self):
        return self.log.read_text()

    def processes(self):
        """Everything that runs for this state folder, found by what it was told, not by who started it."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("CAMPUS_STATE") == str(self.state):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def sign_in(self, username, password=PASSWORD):
        """A browser's session after the sign-in form, and the page it lands on."""
        session = requests.Session()
        session.trust_env = False
        form = session.get(self.base)
        token = re.search(r'name="_xsrf" value="([^"]+)"', form.text)[1]
        action = re.search(r'<form action="([^"]+)"', form.text)[1].replace("&amp;", "&")
        answer = {"username": username, "password": password, "_xsrf": token}
        return session, session.post(self.base + action, data=answer)
