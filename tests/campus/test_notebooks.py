"""Do notebooks come out right, the same each time, and only when something changed?"""

import os
import signal
import threading
from pathlib import Path

import nbformat
import psutil
import pytest

from campus.errors import CampusError
from campus.notebooks import build_notebooks

NAME = "03-tiny/03-3-tiny"


def read(course: Path, tree: str) -> nbformat.NotebookNode:
    return nbformat.read(course / "build" / tree / f"{NAME}.ipynb", as_version=4)


def edit(course: Path, old: str, new: str) -> None:
    path = course / "modules" / f"{NAME}.md"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def snapshot(course: Path) -> dict[str, tuple[bytes, int]]:
    paths = [path for tree in ("clean", "executed") for path in (course / "build" / tree).rglob("*") if path.is_file()]
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}


def test_the_executed_notebook_holds_outputs_and_keeps_its_directives(course):
    """Does the book get the outputs, the figure's caption and the directives?"""
    build_notebooks()
    executed = read(course, "executed")
    code = [cell for cell in executed.cells if cell.cell_type == "code"]
    assert code[0].outputs[0].text == "7\n"
    assert code[1].metadata.mystnb.image.alt == "Two bars, of three and four patients."
    assert any("```{quick-check} minutes=2" in cell.source for cell in executed.cells)
    assert executed.metadata.session["code"] == "3.3"


def test_the_clean_notebook_is_plain_markdown_without_outputs(course):
    """Does an associate get no outputs, no directives, and links that work among notebooks?"""
    build_notebooks()
    clean = read(course, "clean")
    text = "\n".join(cell.source for cell in clean.cells)
    assert "```{" not in text
    assert "(03-4-other.ipynb)" in text
    assert not any(cell.get("outputs") for cell in clean.cells)
    assert "> **Predict (about 2 minutes)**" in text


def test_a_practice_task_has_its_cell_and_its_solution_folded(course):
    """Can an associate work on the task in place, and open the solution only on purpose?"""
    build_notebooks()
    cells = read(course, "clean").cells
    practice = [cell for cell in cells if "practice" in cell.metadata.get("tags", [])]
    (task,) = practice
    assert task.source.splitlines()[0].startswith("# Your turn: replace each ___ first.")
    assert task.source.splitlines()[1:] == ["total = visits.patients.___()"]
    assert "raises-exception" in task.metadata.tags  # or 'Run All Cells' would stop here
    after = cells[cells.index(practice[0]) + 1]
    assert after.cell_type == "markdown"
    assert after.source.count("<details>") == 3  # the solution's text and code, and the quick check's answers
    assert "```python\nvisits.patients.sum()\n```" in after.source


def test_generators_of_data_are_not_handed_out(course):
    """Do associates get the data but not the script that makes them?"""
    build_notebooks()
    assert [path.name for path in (course / "build" / "clean" / "03-tiny" / "data").iterdir()] == ["tiny.csv"]


def test_what_a_session_writes_is_not_handed_out(course):
    """Does a file that a cell leaves behind stay out of the associates' folder?"""
    edit(course, "print(visits.patients.sum())", "visits.to_csv('left.csv')")
    build_notebooks()
    assert not (course / "build" / "clean" / "03-tiny" / "left.csv").exists()


def test_a_second_build_changes_nothing_and_runs_nothing(course):
    """Is an unchanged course left alone, down to the files' times?"""
    assert build_notebooks().ran == 1
    before = snapshot(course)
    assert build_notebooks().ran == 0
    assert snapshot(course) == before


def test_two_cold_builds_are_equal_byte_for_byte(course):
    """Does a run from nothing give the same bytes again?"""
    import shutil

    build_notebooks()
    first = {name: content for name, (content, _) in snapshot(course).items()}
    shutil.rmtree(course / "build")
    build_notebooks()
    assert {name: content for name, (content, _) in snapshot(course).items()} == first


def test_prose_edits_run_nothing_and_leave_other_cells_ids(course):
    """Is a corrected sentence cheap?"""
    build_notebooks()
    before = [cell.id for cell in read(course, "executed").cells if cell.cell_type == "code"]
    edit(course, "How many patients came?", "How many patients came in all?")
    assert build_notebooks().ran == 0
    assert [cell.id for cell in read(course, "executed").cells if cell.cell_type == "code"] == before
    assert "in all?" in read(course, "clean").cells[0].source


def test_new_data_are_run_again(course):
    """Do outputs follow the data they came from?"""
    build_notebooks()
    (course / "modules" / "03-tiny" / "data" / "tiny.csv").write_text("day,patients\n1,3\n2,5\n")
    assert build_notebooks().ran == 1
    assert read(course, "executed").cells[1].outputs[0].text == "8\n"


def test_a_failing_cell_names_file_cell_and_error(course):
    """Does an author learn where it broke, without a traceback?"""
    edit(course, "print(visits.patients.sum())", "print(visits.beds.sum())")
    with pytest.raises(CampusError, match=r"03-3-tiny\.md, cell 2 .*failed with AttributeError: .*beds"):
        build_notebooks()


def test_a_warning_fails_the_build(course):
    """Is a page with a warning on it refused?"""
    edit(course, "print(visits.patients.sum())", "import warnings; warnings.warn('old')")
    with pytest.raises(CampusError, match="wrote to standard error"):
        build_notebooks()


def test_too_much_memory_fails_with_the_figure(course, monkeypatch):
    """Does a notebook over the limit say how far over?"""
    monkeypatch.setattr("campus.execution.MOST_MB", 10)
    with pytest.raises(CampusError, match=r"used \d+ MB, over the 10 MB allowed"):
        build_notebooks()


def test_too_long_a_run_fails_with_the_figure(course, monkeypatch):
    """Does a notebook over the time limit say how far over?"""
    monkeypatch.setattr("campus.execution.MOST_SECONDS", 1)
    monkeypatch.setattr("campus.execution.PATIENCE", 300)
    edit(course, "print(visits.patients.sum())", "import time\nwhile time.process_time() < 2: pass")
    with pytest.raises(CampusError, match=r"took \d+ s of processor time, over the 1 s allowed"):
        build_notebooks()


def test_a_cell_that_never_ends_is_stopped(course, monkeypatch):
    """Does a cell that waits for ever end the build with its name?"""
    monkeypatch.setattr("campus.execution.MOST_SECONDS", 20)
    monkeypatch.setattr("campus.execution.PATIENCE", 1)
    edit(course, "print(visits.patients.sum())", "import time; time.sleep(600)")
    with pytest.raises(CampusError, match="cell 2 .* ran for more than 20 s"):
        build_notebooks()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("```{predict} minutes=2", "```{prophecy} minutes=2", "prophecy"),
        ("```{predict} minutes=2", "```{predict} two", "name=value"),
        ("kind=fill-in", "kind=guess", "kind=fill-in, modify or make"),
        ("- [x] Two. :: Yes", "- [x] Two. Yes", "lacks ' :: '"),
        ("- [x] Two.", "- [ ] Two.", r"one marked \[x\]"),
        (":tags: [solution]", ":tags: [secret]", "the tag 'secret'"),
    ],
)
def test_wrong_markup_is_told_with_its_file(course, old, new, said):
    """Does each slip of an author's pen get one sentence that names the file?"""
    edit(course, old, new)
    with pytest.raises(CampusError, match=rf"03-3-tiny\.md.*{said}"):
        build_notebooks()


def test_a_notebook_whose_source_is_gone_goes_too(course):
    """Does a derived tree never show what no longer exists?"""
    build_notebooks()
    stray = course / "build" / "clean" / "03-tiny" / "03-9-gone.ipynb"
    stray.write_text("{}")
    build_notebooks()
    assert not stray.exists()


def test_a_ctrl_c_stops_all_and_leaves_no_kernel(course):
    """nbclient's own answer to it ends in an AssertionError."""
    source = course / "modules" / "03-tiny" / "03-3-tiny.md"
    source.write_text(source.read_text().replace("print(visits", "import time; time.sleep(100)\nprint(visits"))
    before = set(psutil.Process().children(recursive=True))
    threading.Timer(5, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        build_notebooks()
    assert not psutil.wait_procs(set(psutil.Process().children(recursive=True)) - before, timeout=10)[1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("damage", [b"", b'{"cells": [', b'{"a": 1}', b"\xff\xfe"])
def test_damaged_files_are_made_again(course, damage):
    """Is what a full disk or a crash left in the build never in the way?"""
    build_notebooks()
    files = [path for path in (course / "build").rglob("*") if path.suffix in (".json", ".ipynb", ".csv")]
    before = {path: path.read_bytes() for path in files}
    for path in files:
        path.write_bytes(damage)
    build_notebooks()
    assert {path: path.read_bytes() for path in files if path.suffix != ".json"} == {
        path: content for path, content in before.items() if path.suffix != ".json"
    }
