"""Does each assignment hold to the standard, and do its data come from their script?"""

import subprocess
import sys

import pytest

from autograder.assignment import authored, read
from campus.folders import EXERCISES
from campus.syllabus import list_sessions

every_assignment = pytest.mark.parametrize("name", authored())


@every_assignment
def test_it_belongs_to_the_session_that_names_it(name):
    """Do the session and its assignment name each other?"""
    sessions = [session.code for session in list_sessions() if session.assignment == name]
    assert sessions == [read(EXERCISES / name).session]


@every_assignment
def test_its_data_come_from_their_script(name, tmp_path):
    """Does the seeded script give the same bytes as the files that are handed out, each with its dictionary?"""
    folder = EXERCISES / name
    files = sorted((folder / "data").glob("*.csv"))
    if files:
        subprocess.run([sys.executable, str(folder / "make_data.py"), str(tmp_path)], check=True)
    for path in files:
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
        assert path.with_suffix(".md").exists(), f"{path.name} has no dictionary"
