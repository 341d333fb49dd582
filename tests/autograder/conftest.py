"""A small assignment of our own, a course in a temporary folder, and what an associate does with them."""

import functools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from nbgrader.apps.api import NbGraderAPI

from autograder import course
from autograder.assignment import read
from autograder.marking import Result, grade
from autograder.variants import Mistake, mistakes, substitute, together
from autograder.warm import Warm
from campus import folders
from tests.autograder.released import Released
from tests.postgres import ensure_postgres

AUTHORED = Path(__file__).parent / "exercises"
BED_DAYS = AUTHORED / "bed-days"


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """One warm process for all tests that mark."""
    with Warm() as process:
        yield process


@pytest.fixture(scope="session")
def mistaken(warm) -> Callable[[str], list[tuple[list[Mistake], Result]]]:
    """All listed mistakes of an assignment by name, those of different questions together, and how they were marked."""

    @functools.cache
    def mark(name: str) -> list[tuple[list[Mistake], Result]]:
        assignment = read(folders.EXERCISES / name)
        groups = together(assignment, mistakes(assignment))
        answers = [{wrong.question: wrong.source for wrong in group} for group in groups]
        marked = [grade(assignment, substitute(assignment, given), warm) for given in answers]
        return list(zip(groups, marked, strict=True))

    return mark


@pytest.fixture
def exercises(tmp_path, monkeypatch) -> Path:
    """A copy of the small assignments, which the code under test takes for `exercises/`."""
    copy = tmp_path / "exercises"
    shutil.copytree(AUTHORED, copy)
    monkeypatch.setattr(folders, "EXERCISES", copy)
    monkeypatch.setattr(folders, "BUILD", tmp_path / "build")
    return copy


@pytest.fixture(scope="session")
def build(tmp_path_factory) -> Path:
    """The folder of kept checks: what is the same in two modules is checked once."""
    return tmp_path_factory.mktemp("build")


@pytest.fixture(scope="module")
def campus(tmp_path_factory, build) -> Iterator[Path]:
    """The same with a state folder of its own, for all tests of a module."""
    root = tmp_path_factory.mktemp("campus")
    shutil.copytree(AUTHORED, root / "exercises")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folders, "EXERCISES", root / "exercises")
        patch.setattr(folders, "BUILD", build)
        patch.setenv("CAMPUS_STATE", str(root / "var"))
        yield root


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def released(request, tmp_path_factory, build) -> Iterator[Released]:
    """A course with the small assignment released and nobody in it, on SQLite and on PostgreSQL."""
    with release_on(request.param, tmp_path_factory.mktemp("released"), build) as made:
        yield made


@pytest.fixture(scope="module")
def released_on_postgresql(tmp_path_factory, build) -> Iterator[Released]:
    """The same on PostgreSQL alone, for what only a server can do."""
    with release_on("postgresql", tmp_path_factory.mktemp("released"), build) as made:
        yield made


@pytest.fixture(scope="module")
def released_on_sqlite(tmp_path_factory, build) -> Iterator[Released]:
    """The same on SQLite alone, for what has nothing to do with the database."""
    with release_on("sqlite", tmp_path_factory.mktemp("released"), build) as made:
        yield made


@contextmanager
def release_on(kind: str, root: Path, build: Path) -> Iterator[Released]:
    """Release the small assignment into a course of its own."""
    shutil.copytree(AUTHORED, root / "exercises")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folders, "EXERCISES", root / "exercises")
        patch.setattr(folders, "BUILD", build)
        patch.setenv("CAMPUS_STATE", str(root / "var"))
        if kind == "postgresql":
            patch.setenv("CAMPUS_DATABASE_URL", ensure_postgres().new_database())
        yield Released()


class Associate:
    """Somebody with a home of their own who uses nbgrader's exchange as their server would."""

    def __init__(self, username: str, homes: Path):
        self.username = username
        self.home = homes / username
        self.home.mkdir(parents=True)
        config = course.course_config()
        config.CourseDirectory.student_id = username
        config.Exchange.assignment_dir = str(self.home)
        with course.logged():
            self.api = NbGraderAPI(config=config)

    def use(self, verb: str, name: str) -> None:
        """Run one of the exchange's own verbs."""
        self.api.coursedir.assignment_id = name
        with course.logged():
            step = getattr(self.api.exchange, verb)
            step(coursedir=self.api.coursedir, authenticator=self.api.authenticator, parent=self.api).start()

    def notebook(self, name: str) -> Path:
        return self.home / name / f"{name}.ipynb"

    def answer(self, name: str, answers: dict[str, str]) -> None:
        """Write answers into the fetched notebook, by grade_id."""
        notebook = nbformat.read(self.notebook(name), as_version=4)
        for cell in notebook.cells:
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
            cell.source = answers.get(grade_id, cell.source)
        nbformat.write(notebook, self.notebook(name))

    def feedback(self, name: str) -> list[str]:
        """The feedback pages that arrived."""
        return [page.read_text() for page in sorted((self.home / name / "feedback").rglob("*.html"))]


@pytest.fixture(scope="module")
def associate(campus):
    """Make an associate of the module's course."""
    return lambda username: Associate(username, campus / "homes")
