"""A real Chromium, found or installed, and visits that reach this machine and no other."""

import os
import shutil
import subprocess

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)


def find_chromium() -> str | None:
    """The path of an installed Chromium or Chrome, or nothing."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def ensure_chromium() -> str:
    """The path of Chromium, installed from Debian's package where root may; else RuntimeError that says what to do."""
    if not find_chromium() and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update"], env=environment, check=False, **quiet)
        subprocess.run(["apt-get", "install", "-y", "chromium"], env=environment, check=False, **quiet)
    found = find_chromium()
    if not found:
        raise RuntimeError("Chromium is missing, and the tests in a browser need it: install the package chromium.")
    return found


class Visit:
    """A browser context that answers nothing but this machine, and keeps a list of what else was asked for."""

    def __init__(self, browser, **options):
        self.outside: list[str] = []
        self.context = browser.new_context(**options)
        self.context.route("**/*", self.admit)

    def admit(self, route) -> None:
        """Let a request to this machine through; record and stop any other."""
        host = route.request.url.split("/")[2].split(":")[0] if "//" in route.request.url else ""
        if host in ("127.0.0.1", "localhost", ""):
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()
