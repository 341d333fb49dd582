"""Does each person get a Unix user of their own, for life, who can read what the table says and nothing else?

Real Unix users of this machine, made and taken away again, which only root may.
"""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from campus import folders, unix_users
from campus.errors import CampusError
from campus.exchange.store import Store
from campus.sessions import repository
from tests.campus.exchange.conftest import release as release_to
from tests.campus.exchange.conftest import submit

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes Unix users")

TABLE = (folders.ROOT / "docs" / "server-files.md").read_text()
ROWS = re.findall(r"^\| (?P<what>[^|]+) \| `(?P<where>[^`]+)` \| (?P<may>[a-z, ]+) \|$", TABLE, re.MULTILINE)
TRY = """
path=$1
if test -d "$path"; then ls "$path" >/dev/null 2>&1 && echo read; else cat "$path" >/dev/null 2>&1 && echo read; fi
if test -d "$path"; then (: > "$path/planted") 2>/dev/null && echo write
else (: >> "$path") 2>/dev/null && echo write; fi
true
"""


@pytest.fixture
def place(monkeypatch):
    """A state folder and a stand-in for the checkout that other users can reach; Unix users made in it go again."""
    root = Path(tempfile.mkdtemp(prefix="campus-", dir="/tmp"))
    root.chmod(0o755)
    monkeypatch.setenv("CAMPUS_STATE", str(root / "state"))
    monkeypatch.setattr(folders, "ROOT", root / "checkout")
    for where in {where for _, where, _ in ROWS if where.startswith("checkout/")}:
        (root / where).parent.mkdir(parents=True, exist_ok=True)
        (root / where).touch() if Path(where).suffix == ".csv" else (root / where).mkdir(exist_ok=True)
    (root / "state").mkdir()
    yield root
    for number in unix_users.read_ids().values():
        if found := unix_users.find_user(number):
            subprocess.run(["userdel", found.pw_name], check=True, capture_output=True)
    shutil.rmtree(root)


@pytest.fixture
def served(place):
    """What a served course has on the disk, made as `campus serve` and the services make it, and then closed."""
    state = folders.ensure_state()
    store = Store(state / "exchange").ensure()
    release_to(store)
    submit(store)
    store.close()
    for where in ("course/submitted/asha", "course/source/beds", "hub", "logs", "sessions.git"):
        (state / where).mkdir(parents=True)
    for where in ("course/gradebook.db", "people.db", "openings.db", "progress.db", "password"):
        (state / where).touch()
    unix_users.close_folders()
    for account in ("asha", "ben", "tara"):
        unix_users.ensure_unix_user(account)
    return place


def may(account, path):
    """What an account's Unix user can do with a path, by trying."""
    own = pwd.getpwuid(unix_users.ensure_id(account))
    done = subprocess.run(
        ["/bin/sh", "-c", TRY, "sh", str(path)],
        user=own.pw_uid, group=own.pw_gid, extra_groups=[], cwd="/", capture_output=True, text=True, check=True,
    )  # fmt: skip
    return ", ".join(done.stdout.split()) or "nothing"


@pytest.mark.parametrize("me", ["asha", "tara"])
def test_may_a_persons_unix_user_do_what_the_table_says_and_nothing_else(served, me):
    found, wanted = {}, {}
    for what, where, allowed in ROWS:
        path = served / where.format(me=me, other="ben")
        assert path.exists(), where
        found[what], wanted[what] = may(me, path), allowed
    assert found == wanted and len(ROWS) >= 25


def test_is_everything_in_the_state_folder_in_the_table(served):
    listed = {Path(where).parts[1] for _, where, _ in ROWS if where.startswith("state/")}
    assert {path.name for path in (served / "state").iterdir()} - {"VERSION"} == listed


def test_is_every_file_of_the_exchange_closed(served):
    found = [path for path in (served / "state" / "exchange").rglob("*") if path.is_file()]
    assert len(found) >= 3 and {may("ben", path) for path in found} == {"nothing"}


def test_has_everybody_a_unix_user_and_a_home_of_their_own(served):
    users = [pwd.getpwuid(unix_users.ensure_id(account)) for account in ("asha", "ben", "tara")]
    homes = [Path(user.pw_dir) for user in users]
    assert len({user.pw_uid for user in users}) == len({user.pw_gid for user in users}) == 3
    assert [home.name for home in homes] == ["asha", "ben", "tara"]
    assert [home.stat().st_uid for home in homes] == [user.pw_uid for user in users]
    assert {home.stat().st_mode & 0o777 for home in homes} == {0o700}


def test_is_the_id_of_an_account_for_life(place):
    folders.ensure_state()
    (place / "state" / "homes").mkdir()
    first = unix_users.ensure_unix_user("asha")
    subprocess.run(["userdel", first.pw_name], check=True, capture_output=True)  # as on a new machine
    second = unix_users.ensure_unix_user("ben")
    assert unix_users.ensure_unix_user("asha") == first and second.pw_uid != first.pw_uid


def test_is_an_account_called_like_a_user_of_the_system_another_user(place):
    folders.ensure_state()
    (place / "state" / "homes").mkdir()
    assert unix_users.ensure_unix_user("root").pw_uid >= unix_users.FIRST_ID


def test_is_an_id_that_belongs_to_somebody_else_refused(place):
    folders.ensure_state()
    unix_users.write_ids({"asha": pwd.getpwnam("nobody").pw_uid})
    with pytest.raises(CampusError, match="belongs to the user 'nobody' of this machine"):
        unix_users.ensure_unix_user("asha")
    unix_users.write_ids({})


def test_does_a_home_from_the_laptop_profile_become_its_owners(place):
    folders.ensure_state()
    home = place / "state" / "homes" / "asha"
    home.mkdir(parents=True)
    (home / "work.txt").write_text("mine")
    (home / "link").symlink_to("/etc/hostname")
    before = os.stat("/etc/hostname").st_uid
    own = unix_users.ensure_unix_user("asha")
    assert (home / "work.txt").stat().st_uid == own.pw_uid and os.stat("/etc/hostname").st_uid == before


def test_does_a_workspace_run_as_its_owners_unix_user(served):
    """The spawner's own way of starting a process, with a stand-in for the workspace."""
    spawner = unix_users.OwnUser.__new__(unix_users.OwnUser)
    start = unix_users.OwnUser.make_preexec_fn(spawner, "asha")
    said = subprocess.run(["/bin/sh", "-c", "id -u; id -G; pwd"], preexec_fn=start, capture_output=True, text=True)
    own = pwd.getpwuid(unix_users.ensure_id("asha"))
    assert said.stdout.split() == [str(own.pw_uid), str(own.pw_gid), own.pw_dir]


def test_can_a_workspace_pull_the_sessions_that_root_published(served, monkeypatch):
    clean = served / "checkout" / "build" / "clean"
    clean.mkdir()
    (clean / "one.md").write_text("one")
    monkeypatch.setattr("campus.sessions.CLEAN", clean)
    from campus.sessions import publish_sessions

    publish_sessions()
    own = pwd.getpwuid(unix_users.ensure_id("asha"))
    settings = {"GIT_CONFIG_SYSTEM": str(served / "state" / unix_users.GIT_SETTINGS), "HOME": own.pw_dir}
    pulled = subprocess.run(
        ["git", "clone", "--quiet", str(repository()), f"{own.pw_dir}/sessions"],
        user=own.pw_uid, group=own.pw_gid, extra_groups=[], cwd="/", env={**os.environ, **settings},
        capture_output=True, text=True,
    )  # fmt: skip
    assert pulled.stderr == "" and (Path(own.pw_dir) / "sessions" / "one.md").read_text() == "one"


def test_is_a_python_that_others_cannot_reach_told_before_anything_starts(place, monkeypatch):
    shut = place / "shut"
    shut.mkdir(mode=0o700)
    monkeypatch.setattr(unix_users.sys, "executable", str(shut / "python3"))
    with pytest.raises(CampusError, match=f"may not enter {shut}, and workspaces need"):
        unix_users.refuse_unready()


def test_is_anybody_but_root_refused(place, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(CampusError, match="start it as root"):
        unix_users.refuse_unready()
