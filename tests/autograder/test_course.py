"""Is the course made whole, once, by whoever comes first, and is there one configuration of it?"""

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from autograder import course
from campus import folders
from campus.errors import CampusError
from tests.postgres import ensure_postgres


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


def test_may_many_make_a_gradebook_on_postgresql_at_once(tmp_path, monkeypatch):
    """Is it made once and whole, where each process has a lock file of its own, as on many machines?"""
    monkeypatch.setenv("CAMPUS_DATABASE_URL", ensure_postgres().new_database().replace("+psycopg", ""))
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(course.ensure_tables) for _ in range(4)]:
            done.result()
    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path))
    course.ensure_course()
    with course.gradebook() as book, book.engine.connect() as connection:
        assert len(connection.exec_driver_sql("select version_num from alembic_version").fetchall()) == 1
        assert connection.exec_driver_sql("select id from course").fetchall() == [(folders.COURSE_ID,)]
    assert course.has_gradebook() and not course.database().exists()


def test_is_a_database_of_another_kind_refused_in_a_sentence(state, monkeypatch):
    monkeypatch.setenv("CAMPUS_DATABASE_URL", "mysql://name:secret@host/database")
    with pytest.raises(CampusError, match="starts with 'mysql'") as told:
        course.ensure_course()
    assert "secret" not in str(told.value)


def test_is_a_database_that_cannot_be_reached_a_sentence(state, monkeypatch):
    monkeypatch.setenv("CAMPUS_DATABASE_URL", f"postgresql://name:secret@/database?host={state}")
    with pytest.raises(CampusError, match=r"cannot be reached \([^\n]+\): start it, or correct") as told:
        course.ensure_course()
    assert "secret" not in str(told.value)


def test_is_the_queue_in_the_gradebook(state):
    course.ensure_course()
    with sqlite3.connect(course.database()) as connection:
        assert connection.execute("select count(*) from campus_marking").fetchone() == (0,)


def test_is_a_state_folder_from_a_newer_version_refused(state):
    state.mkdir()
    (state / "VERSION").write_text("99\n")
    with pytest.raises(CampusError, match="newer version"):
        course.ensure_course()


def test_does_the_configuration_follow_the_state_folder(state):
    config = course.course_config()
    assert config.CourseDirectory.course_id == folders.COURSE_ID
    assert config.CourseDirectory.root == str(state / "course")
    assert config.ExchangeFactory.submit == "campus.exchange.plugins.ExchangeSubmit"
    assert "student_id" not in config.CourseDirectory


def test_does_nbgraders_own_marking_run_no_learners_code():
    """Are there no steps of its own left, and does its exporter ask our grader?"""
    settings = course.course_config().Autograde
    assert settings.sanitize_preprocessors == settings.autograde_preprocessors == []
    assert settings.exporter_class == "autograder.exporter.MarkingExporter"
