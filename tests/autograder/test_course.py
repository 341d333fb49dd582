"""Is the course made whole, once, by whoever comes first, and is there one configuration of it?"""

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from autograder import course
from campus import folders
from campus.errors import CampusError


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path / "var"))
    return tmp_path / "var"


def versions(database) -> list:
    """nbgrader's version mark in a gradebook, which a half-made one lacks."""
    with sqlite3.connect(database) as connection:
        return connection.execute("select version_num from alembic_version").fetchall()


def test_is_the_gradebook_whole_without_the_environment_on_the_path(state, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    course.ensure_course()
    assert len(versions(course.database())) == 1


def test_may_many_make_the_course_at_once(state):
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(course.ensure_course) for _ in range(4)]:
            done.result()
    assert len(versions(course.database())) == 1


def test_is_a_half_made_gradebook_of_an_interrupted_start_made_anew(state):
    course.root().mkdir(parents=True)
    course.database().with_suffix(".draft").write_text("half")
    course.ensure_course()
    assert len(versions(course.database())) == 1


def test_is_a_state_folder_from_a_newer_version_refused(state):
    state.mkdir()
    (state / "VERSION").write_text("99\n")
    with pytest.raises(CampusError, match="newer version"):
        course.ensure_course()


def test_does_the_configuration_follow_the_state_folder(state):
    config = course.course_config()
    assert config.CourseDirectory.course_id == folders.COURSE_ID
    assert config.CourseDirectory.root == str(state / "course")
    assert config.Exchange.root == str(state / "exchange")
    assert "student_id" not in config.CourseDirectory


def test_are_the_steps_of_marking_nbgraders_own_with_ours_after_its_marks():
    names = [step.__name__ for step in course.course_config().Autograde.autograde_preprocessors]
    assert names.index("NameMistakes") == names.index("SaveAutoGrades") + 1
    assert names[0] == "Execute"
