"""Do the authors' guides hold what they say: does what a reader copies from them build, run and pass the check?"""

import re
import textwrap

import nbformat
import pytest

from autograder.check import check
from campus import folders
from campus.folders import BOOK
from campus.hours import measure_session
from campus.notebooks import build_notebooks
from campus.syllabus import read_session
from campus.web import TEMPLATES

COPIED = re.compile(r"^( *)````markdown\n(.*?)^\1````$", re.MULTILINE | re.DOTALL)


def read_copied(guide):
    """What a guide gives to be copied into files, in its order."""
    text = (BOOK / "guides" / f"{guide}.md").read_text(encoding="utf-8")
    return [textwrap.dedent(found[2]) for found in COPIED.finditer(text)]


def test_does_the_session_of_the_guide_run_and_take_the_time_it_says(course):
    (text,) = read_copied("add-a-session")
    path = course / "modules" / "04-networks" / "04-1-records.md"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    build_notebooks(only=[path])
    executed = nbformat.read(course / "build" / "executed" / "04-networks" / "04-1-records.ipynb", as_version=4)
    shown = [cell.outputs[0].data["text/plain"] for cell in executed.cells if cell.cell_type == "code"]
    assert shown[-1] == "'social care'"
    session = read_session(path)
    assert measure_session(session).minutes == session.minutes


def test_is_the_assignment_of_the_guide_found_good_but_for_its_length(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "BUILD", tmp_path / "build")
    names = ["assignment", "alternatives/busiest-by-network", "mistakes/busiest-sends", "mistakes/busiest-first"]
    folder = tmp_path / "exercises" / "busiest-door"
    for name, text in zip(names, read_copied("add-an-assignment"), strict=True):
        path = folder / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (found,) = check([folder])["assignments"]
    assert [question["problems"] for question in found["questions"]] == [[], []]
    assert len(found["problems"]) == 1 and "claim 18 minutes in all" in found["problems"][0]  # as the guide says


@pytest.mark.parametrize("page", [page for page, _ in TEMPLATES.get_template("parts.html").module.guides.values()])
def test_is_the_guide_of_each_role_in_the_book(page):
    assert f"file: guides/{page}\n" in (BOOK / "_toc.yml").read_text() and (BOOK / "guides" / f"{page}.md").is_file()
