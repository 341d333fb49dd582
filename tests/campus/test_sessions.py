"""Can a workspace pull the sessions, and only what changed?"""

import subprocess

import pytest

from campus.errors import CampusError
from campus.sessions import publish_sessions, repository


@pytest.fixture
def clean(tmp_path, monkeypatch):
    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path / "var"))
    monkeypatch.setattr("campus.sessions.CLEAN", tmp_path / "clean")
    (tmp_path / "clean").mkdir()
    (tmp_path / "clean" / "one.ipynb").write_text("{}")
    return tmp_path / "clean"


def clone(tmp_path):
    target = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--branch", "main", f"file://{repository()}", str(target)], check=True)
    return target


def test_a_clone_holds_the_notebooks(clean, tmp_path):
    """Does what was published arrive?"""
    assert publish_sessions()
    assert (clone(tmp_path) / "one.ipynb").read_text() == "{}"


def test_nothing_new_is_no_commit(clean):
    """Is publishing twice publishing once?"""
    publish_sessions()
    assert not publish_sessions()


def test_a_removed_session_is_removed(clean, tmp_path):
    """Does the repository follow deletions too?"""
    publish_sessions()
    (clean / "two.ipynb").write_text("{}")
    (clean / "one.ipynb").unlink()
    assert publish_sessions()
    assert sorted(path.name for path in clone(tmp_path).glob("*.ipynb")) == ["two.ipynb"]


def test_an_interrupted_publication_does_not_block_the_next(clean):
    """Does a lock left behind stop nobody?"""
    publish_sessions()
    (repository() / "index.lock").touch()
    (clean / "one.ipynb").write_text('{"a": 1}')
    assert publish_sessions()


def test_without_notebooks_it_says_what_to_run(clean):
    """Is the missing step named?"""
    (clean / "one.ipynb").unlink()
    clean.rmdir()
    with pytest.raises(CampusError, match="make notebooks"):
        publish_sessions()


def test_a_newer_state_is_left_alone(clean, tmp_path):
    """Does an old checkout publish nothing into the state of a newer one?"""
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "VERSION").write_text("99\n")
    with pytest.raises(CampusError, match="made by a newer version"):
        publish_sessions()
    assert not repository().exists()


def test_a_damaged_repository_is_told(clean):
    """Does the sentence say what git said and what to do?"""
    publish_sessions()
    (repository() / "HEAD").write_text("junk")
    with pytest.raises(CampusError, match="git said .*restore that folder from a backup"):
        publish_sessions()
