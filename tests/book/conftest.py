"""A tiny course and its built book; the real extensions, settings and templates."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from campus.book import Places, build_book
from campus.folders import BOOK

sys.path.insert(0, str(BOOK / "_ext"))  # the extensions are no package; their tests import them as the builder does

PAGE = "03-queues/03-3-clinic.md"
FIXTURE = Path(__file__).parent / "course"


def write_notebook(path: Path, cells: list[dict]) -> None:
    """An executed notebook with a session's metadata."""
    source = (FIXTURE / "modules" / path.parent.name / f"{path.stem}.md").read_text(encoding="utf-8")
    front = yaml.safe_load(source.split("---")[1])
    session = {**front["session"], "title": front["title"].removeprefix(f"{front['session']['code']} ")}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {
        "kernelspec": kernel,
        "language_info": {"name": "python", "pygments_lexer": "ipython3"},
        "session": session,
    }
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    notebook = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook, indent=1, sort_keys=True), encoding="utf-8")


def read_cells(path: Path) -> list[dict]:
    """The cells of the fixture's session: Markdown and code fences of its source, with outputs as if it had run."""
    body = path.read_text(encoding="utf-8").split("---\n", 2)[2]
    cells = []
    for part in body.split("+++\n"):
        if part.startswith("```{code-cell}"):
            lines = part.strip().splitlines()[1:-1]
            tags = [line.split("[")[1].rstrip("]") for line in lines if line.startswith(":tags:")]
            code = "\n".join(line for line in lines if not line.startswith(":tags:"))
            cells.append(code_cell(code, tags))
        else:
            cells.append({"cell_type": "markdown", "metadata": {}, "source": part.strip()})
    return cells


def code_cell(code: str, tags: list[str] = (), outputs: list[dict] = (), **metadata) -> dict:
    """A code cell that has run."""
    metadata |= {"tags": list(tags)} if tags else {}
    return {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": metadata,
        "outputs": list(outputs),
        "source": code,
    }


def figure(**metadata) -> dict:
    """A code cell that drew a picture of one dot."""
    dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    drawn = {"output_type": "display_data", "metadata": {}, "data": {"image/png": dot, "text/plain": "<Figure>"}}
    return code_cell("draw(waits)", outputs=[drawn], mystnb=metadata)


def make_course(folder: Path) -> Places:
    """A course of one session on its own, in a folder; the settings, extensions and styles are the real ones."""
    shutil.copytree(FIXTURE, folder, dirs_exist_ok=True)
    for name in ("_ext", "_static", "_templates"):
        shutil.copytree(BOOK / name, folder / "book" / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(BOOK / "_config.yml", folder / "book")
    places = Places(
        book=folder / "book",
        modules=folder / "modules",
        exercises=folder / "exercises",
        executed=folder / "executed",
        clean=folder / "clean",
        pictures=folder / "pictures",
        source=folder / "source",
        work=folder / "work",
        site=folder / "site",
        report=folder / "site-check.json",
    )
    page = places.modules / PAGE
    cells = read_cells(page) + [figure(image={"alt": "One black dot on white."}, figure={"caption": "A dot."})]
    write_notebook(places.executed / "03-queues" / "03-3-clinic.ipynb", cells)
    write_notebook(places.clean / "03-queues" / "03-3-clinic.ipynb", cells[:1])
    (places.clean / "03-queues" / "data").mkdir()
    (places.clean / "03-queues" / "data" / "clinic.csv").write_text("wait\n4\n", encoding="utf-8")
    return places


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Places:
    """The tiny course with its book built."""
    places = make_course(tmp_path_factory.mktemp("course"))
    build_book(places=places)
    return places


@pytest.fixture(scope="session")
def copy_course(built, tmp_path_factory):
    """A function that copies the tiny course with its site, to be changed or spoiled."""

    def copy() -> Places:
        root, target = built.book.parent, tmp_path_factory.mktemp("copy")
        shutil.copytree(root, target, dirs_exist_ok=True)
        return replace(built, **{name: target / path.relative_to(root) for name, path in vars(built).items()})

    return copy


def add_to_page(course: Places, text: str, *cells: dict) -> None:
    """Put text, and cells that only the notebook has, at the end of the course's session."""
    page = course.modules / PAGE
    page.write_text(f"{page.read_text(encoding='utf-8')}+++\n{text}", encoding="utf-8")
    write_notebook(course.executed / "03-queues" / "03-3-clinic.ipynb", [*read_cells(page), *cells])
