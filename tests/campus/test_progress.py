"""Is what a person did in the book kept, for that person and no other?"""

import pytest

from campus import progress
from campus.errors import CampusError
from campus.progress import keep_progress, read_done, read_progress

CHECK = {"kind": "check", "session": "3.3", "name": "0123456789", "value": "wrong:1"}
DONE = {"kind": "done", "session": "3.3", "name": "session", "value": "yes"}


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path))
    monkeypatch.delenv("CAMPUS_DATABASE_URL", raising=False)


def said(username: str) -> list[tuple[str, str]]:
    return [(entry["kind"], entry["value"]) for entry in read_progress(username)]


def test_is_the_last_word_kept_and_only_for_that_person():
    keep_progress("asha", CHECK)
    keep_progress("asha", DONE)
    keep_progress("asha", CHECK | {"value": "right:0,2"})
    assert sorted(said("asha")) == [("check", "right:0,2"), ("done", "yes")]
    assert said("ben") == []


def test_are_the_sessions_done_told_of_several_people():
    keep_progress("asha", DONE)
    keep_progress("asha", DONE | {"session": "4.2"})
    keep_progress("asha", DONE | {"session": "4.2", "value": "no"})
    keep_progress("dev", DONE)
    assert read_done(["asha", "ben"]) == {"asha": {"3.3"}, "ben": set()}


@pytest.mark.parametrize(
    "entry",
    [
        None,
        [],
        "check",
        {},
        {"kind": ["check"]},
        CHECK | {"kind": "marks"},
        CHECK | {"name": "012345678"},
        CHECK | {"name": "0123456789\n"},
        CHECK | {"session": "3.3; drop table"},
        CHECK | {"value": "right"},
        CHECK | {"value": 1},
        CHECK | {"username": "ben"},
        DONE | {"value": "maybe"},
        {"kind": "done", "session": "3.3", "value": "yes"},
    ],
)
def test_is_anything_else_refused(entry):
    with pytest.raises(CampusError, match="send kind, session, name and value"):
        keep_progress("asha", entry)
    assert said("asha") == []


def test_is_there_an_end_to_what_one_person_keeps(monkeypatch):
    monkeypatch.setattr(progress, "MOST", 1)
    keep_progress("asha", CHECK)
    with pytest.raises(CampusError, match="More than 1 answers"):
        keep_progress("asha", DONE)
    keep_progress("asha", CHECK | {"value": "right:0"})
    keep_progress("ben", DONE)
    assert said("asha") == [("check", "right:0")] and said("ben") == [("done", "yes")]
