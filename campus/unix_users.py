"""Unix users of the server profile: one for each account, with an id for life and a home that is closed to all others.

Accounts do not become names of Unix users, so that nobody's is called like one of the system's. Ids stand in a table of
our own and are given once: files outlive the hub's memory, and the machine's list of users.
"""

import csv
import grp
import io
import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from jupyterhub.spawner import LocalProcessSpawner, set_user_setuid

from campus import folders
from campus.errors import CampusError
from campus.sessions import repository

FIRST_ID = 20_000  # above what systems give to people, below what they give to containers
SHELL = "/bin/bash"
CLOSED = ("exercises", "build", ".git", "hub-config/cohort", "tests", "benchmarks")  # solutions, hidden tests, people
GIT_SETTINGS = "gitconfig"


class OwnUser(LocalProcessSpawner):
    """Starts a workspace as its owner's Unix user."""

    def make_preexec_fn(self, name: str) -> object:
        return set_user_setuid(ensure_unix_user(name).pw_name)

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        own = ensure_unix_user(self.user.name)
        named = {"USER": own.pw_name, "LOGNAME": own.pw_name, "HOME": own.pw_dir, "SHELL": own.pw_shell}
        return env | named | {"GIT_CONFIG_SYSTEM": str(folders.state() / GIT_SETTINGS)}


def ensure_unix_user(account: str) -> pwd.struct_passwd:
    """The Unix user of an account, with their home; both are made where they are missing."""
    number = ensure_id(account)
    name = f"campus-{number}"
    home = folders.state() / "homes" / account
    found = find_user(number)
    if found is None:
        run("useradd", "--uid", str(number), "--user-group", "--home-dir", str(home), "--no-create-home",
            "--shell", SHELL, "--comment", f"account {account}", name)  # fmt: skip
        found = pwd.getpwuid(number)
    elif found.pw_name != name:
        raise CampusError(
            f"The Unix id {number} of the account {account} belongs to the user '{found.pw_name}' of this machine: "
            "give that user another id."
        )
    ensure_home(home, found)
    return found


def ensure_id(account: str) -> int:
    """The Unix id of an account: what the table says, or the next that nobody has or had."""
    known = read_ids()
    if account not in known:
        number = max([FIRST_ID - 1, *known.values()]) + 1
        while find_user(number) or find_group(number):
            number += 1
        known[account] = number
        write_ids(known)
    return known[account]


def read_ids() -> dict[str, int]:
    """The table: ids by account."""
    try:
        text = table_file().read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    try:
        return {row["account"]: int(row["id"]) for row in csv.DictReader(io.StringIO(text))}
    except (KeyError, TypeError, ValueError):
        raise CampusError(
            f"{table_file()} is damaged: restore it from a backup, for it says whose files are whose."
        ) from None


def write_ids(ids: dict[str, int]) -> None:
    """Write the table, whole and closed to others."""
    lines = "".join(f"{account},{number}\n" for account, number in ids.items())
    folders.write_whole(table_file(), f"account,id\n{lines}")


def table_file() -> Path:
    return folders.state() / "unix-users.csv"


def find_user(number: int) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(number)
    except KeyError:
        return None


def find_group(number: int) -> grp.struct_group | None:
    try:
        return grp.getgrgid(number)
    except KeyError:
        return None


def ensure_home(home: Path, owner: pwd.struct_passwd) -> None:
    """A home that belongs to its owner with all that is in it, and is closed to everybody else."""
    home.mkdir(mode=0o700, exist_ok=True)
    if home.stat().st_uid != owner.pw_uid:  # new, or from a state folder where one user ran everything
        run("chown", "--recursive", "--no-dereference", f"{owner.pw_uid}:{owner.pw_gid}", str(home))
    home.chmod(0o700)


def refuse_unready() -> None:
    """CampusError where this machine cannot give each person a Unix user of their own."""
    if os.geteuid() != 0:
        raise CampusError("The server profile makes Unix users, which only root may: start it as root.")
    if shutil.which("useradd") is None:
        raise CampusError("The program useradd is missing: install the package passwd.")
    needed = [Path(sys.executable).resolve(), Path(os.__file__), Path(sysconfig.get_path("purelib")), folders.ROOT]
    for path in [*needed, folders.state()]:
        if shut := find_shut(path):
            raise CampusError(
                f"Other users of this machine may not enter {shut}, and workspaces need {path}: put checkout, state "
                "and Python where everybody may read, as below /srv with the system's Python."
            )


def find_shut(path: Path) -> Path | None:
    """The first folder on the way to a path that other users may not enter; the state folder is opened by us."""
    ways = [folder for folder in reversed(path.parents) if folder != folders.state()]
    return next((folder for folder in ways if not folder.stat().st_mode & 0o001), None)


def close_folders() -> None:
    """Let everybody enter the state folder and find their home, and close all the rest of it and of the checkout.

    Workspaces need the environment, our code, and the published sessions; `docs/server-files.md` is the whole table.
    """
    state = folders.state()
    (state / "homes").mkdir(exist_ok=True)
    for path in state.iterdir():
        if path != repository():
            path.chmod(0o700 if path.is_dir() else 0o600)
    for path in (state, state / "homes"):
        path.chmod(0o711)  # to be entered by whoever knows the name, and not to be listed
    for name in CLOSED:
        if (folders.ROOT / name).exists():
            (folders.ROOT / name).chmod(0o700)
    settings = state / GIT_SETTINGS
    folders.write_whole(settings, f"[safe]\n\tdirectory = {repository()}\n")  # git reads no other user's repository
    settings.chmod(0o644)


def run(*command: str) -> None:
    """Run one of the system's programs; CampusError with its own words where it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise CampusError(f"The program {command[0]} could not do its part ({said}): see to that, and start again.")
