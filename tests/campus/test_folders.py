"""Is the state folder made, stamped, and one from a newer version refused?"""

import pytest

from campus.errors import CampusError
from campus.folders import STATE_VERSION, ensure_state


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path / "var"))
    return tmp_path / "var"


def test_it_is_made_once_and_stamped(state):
    """Is a second call harmless?"""
    assert ensure_state() == ensure_state() == state
    assert (state / "VERSION").read_text() == f"{STATE_VERSION}\n"


def test_a_newer_state_is_refused(state):
    """Does an old checkout keep its hands off a newer state?"""
    state.mkdir()
    (state / "VERSION").write_text(f"{STATE_VERSION + 1}\n")
    with pytest.raises(CampusError, match="made by a newer version"):
        ensure_state()


@pytest.mark.parametrize("stamp", [b"?\n", b"", b"\xff\xfe", "²".encode()])
def test_a_broken_stamp_is_refused(state, stamp):
    """Is a stamp that says nothing not guessed at?"""
    state.mkdir()
    (state / "VERSION").write_bytes(stamp)
    with pytest.raises(CampusError, match="not a version number"):
        ensure_state()


def test_a_file_in_its_place_is_told(state):
    """Is a folder that cannot be made one sentence?"""
    state.write_text("")
    with pytest.raises(CampusError, match="cannot be used"):
        ensure_state()
