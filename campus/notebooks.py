"""From MyST sources to notebooks: executed for the book, clean for associates, source notebooks for nbgrader.

Every notebook is the same bytes on each build: cell ids come from the cells' content, no times are recorded, and only
what changed is written or run again.
"""

import hashlib
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.assignment import authored, source_notebook
from campus.directives import (
    Directive,
    fold,
    parse_quick_check,
    plain_markdown,
    read_kind,
    read_minutes,
    split_markdown,
    split_starter,
)
from campus.errors import CampusError
from campus.execution import Outputs, Run, run_all
from campus.folders import CLEAN, EXECUTED, EXERCISES, MODULES, RUNNING, SOURCE
from campus.syllabus import Session, list_sessions, read_session, split_front_matter, where

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}
STYLE = "course.mplstyle"
ALLOWED_TAGS = {"solution", "playable", "nbval-ignore-output"}
YOUR_TURN = "# Your turn: write your answer here\n"
GAP = re.compile(r"(?<!\.)\.\.\.(?!\.)|(?<!\w)___(?!\w)")
FILL = "# Your turn: replace each {gap} first. Until then this cell may end in an error, which does no harm.\n"


@dataclass(frozen=True)
class Built:
    """What a build did: notebooks by kind, which were run, and seconds and peak memory of each session."""

    sessions: int
    assignments: int
    run: tuple[str, ...]
    figures: dict[str, dict[str, float]]

    @property
    def ran(self) -> int:
        """How many sessions were run."""
        return len(self.run)


def build_notebooks(
    progress: Callable[[str, int, int], None] = lambda what, done, total: None, only: list[Path] | None = None
) -> Built:
    """Build all three kinds, or those of the named sessions only; what did not change is neither run nor written."""
    sessions = [read_session(path.resolve()) for path in only] if only else list_sessions()
    notebooks = {session.name: read_notebook(session) for session in sessions}
    for tree in (CLEAN, EXECUTED, RUNNING):
        stage_files(sessions, tree)
    for name, notebook in notebooks.items():
        write_notebook(make_clean(notebook), CLEAN / f"{name}.ipynb")
    runs = [
        Run(where(session.path), notebooks[session.name], RUNNING / session.path.parent.name) for session in sessions
    ]
    outputs, run_now = run_all(runs, progress)
    for session, run in zip(sessions, runs, strict=True):
        write_notebook(fill_outputs(run.notebook, outputs[run.name]), EXECUTED / f"{session.name}.ipynb")
    figures = {run.name: {"seconds": outputs[run.name].seconds, "peak_mb": outputs[run.name].peak_mb} for run in runs}
    if only:
        return Built(len(sessions), 0, run_now, figures)
    drop_strangers(sessions)
    return Built(len(sessions), build_assignments(), run_now, figures)


# Reading


def read_notebook(session: Session) -> NotebookNode:
    """A session's source as a notebook whose Markdown cells keep their directives; checked, with stable ids."""
    try:
        found = jupytext.reads(split_front_matter(session.path)[1], fmt="md:myst")
    except Exception as error:
        raise CampusError(f"{where(session.path)} cannot be read as MyST Markdown: {error}.") from None
    notebook = new_notebook(metadata={"kernelspec": KERNEL, "language_info": LANGUAGE, "session": read_facts(session)})
    notebook.cells = [check_cell(cell, session.path, position) for position, cell in enumerate(found.cells, 1)]
    return with_ids(notebook)


def read_facts(session: Session) -> dict:
    """The front matter that the book's page header shows."""
    return {
        "code": session.code,
        "title": session.title,
        "outcomes": list(session.outcomes),
        "sectors": list(session.sectors),
        "needs": list(session.needs),
        "data": list(session.data),
        "assignment": session.assignment,
        "minutes": session.minutes,
    }


def check_cell(cell: NotebookNode, path: Path, position: int) -> NotebookNode:
    """A cell with nothing but source, tags and figure settings; what is wrong in it is told with its file."""
    if cell.cell_type == "markdown":
        try:
            for part in split_markdown(cell.source):
                check_directive(part)
        except CampusError as error:
            raise CampusError(f"{where(path)}, cell {position}: {error}") from None
        return new_markdown_cell(cell.source)
    if cell.cell_type != "code":
        raise CampusError(f"{where(path)}, cell {position} is of type {cell.cell_type}: use Markdown or code.")
    metadata = {key: cell.metadata[key] for key in ("tags", "mystnb") if key in cell.metadata}
    unknown = sorted(set(metadata.get("tags", [])) - ALLOWED_TAGS)
    if unknown:
        raise CampusError(
            f"{where(path)}, cell {position} has the tag '{unknown[0]}': "
            f"only {' and '.join(sorted(ALLOWED_TAGS))} exist."
        )
    return new_code_cell(cell.source, metadata=metadata)


def check_directive(part) -> None:
    """Refuse a directive whose options or body the notebooks and the book could not show."""
    if not isinstance(part, Directive):
        return
    if part.name in ("predict", "quick-check", "practice"):
        read_minutes(part)
    if part.name == "practice":
        read_kind(part)
    if part.name == "quick-check":
        parse_quick_check(part.body)


def with_ids(notebook: NotebookNode) -> NotebookNode:
    """Give each cell an id made from its type and source, so that an edit elsewhere leaves it alone."""
    seen: Counter = Counter()
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] += 1
        cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    return notebook


# Clean notebooks


def make_clean(notebook: NotebookNode) -> NotebookNode:
    """The associate's notebook: plain Markdown, no outputs, an empty cell for each task, solutions folded."""
    clean = new_notebook(metadata={"kernelspec": KERNEL, "language_info": LANGUAGE})
    for cell in notebook.cells:
        clean.cells += clean_code(cell) if cell.cell_type == "code" else clean_markdown(cell)
    return with_ids(join_markdown(clean))


def clean_markdown(cell: NotebookNode) -> list[NotebookNode]:
    """The cells that stand for one Markdown cell: a practice task is followed by its code cell."""
    cells = []
    for part in split_markdown(cell.source):
        cells.append(new_markdown_cell(plain_markdown(part)))
        if isinstance(part, Directive) and part.name == "practice":
            cells.append(make_task(split_starter(part.body)[1]))
    return cells


def make_task(starter: str) -> NotebookNode:
    """The cell of a practice task; one with gaps says so, and its error does not stop 'Run All Cells'."""
    gap = GAP.search(starter)
    if not gap:
        return new_code_cell(starter or YOUR_TURN, metadata={"tags": ["practice"]})
    return new_code_cell(FILL.format(gap=gap[0]) + starter, metadata={"tags": ["practice", "raises-exception"]})


def clean_code(cell: NotebookNode) -> list[NotebookNode]:
    """The cells that stand for one code cell: a solution is folded text, a figure is followed by its caption."""
    if "solution" in cell.metadata.get("tags", []):
        return [new_markdown_cell(fold("Worked solution: code", f"```python\n{cell.source}\n```"))]
    kept = new_code_cell(cell.source)
    if "tags" in cell.metadata:
        kept.metadata["tags"] = cell.metadata["tags"]
    figure = cell.metadata.get("mystnb", {})
    caption = figure.get("figure", {}).get("caption", "").strip()
    alt = figure.get("image", {}).get("alt", "").strip()
    if not caption:
        return [kept]
    return [kept, new_markdown_cell(f"**Figure.** {caption}" + (f"\n\n*What it shows:* {alt}" if alt else ""))]


def join_markdown(notebook: NotebookNode) -> NotebookNode:
    """Neighbouring Markdown cells become one, except that a heading starts a cell of its own."""
    joined: list[NotebookNode] = []
    for cell in notebook.cells:
        follows = joined and joined[-1].cell_type == cell.cell_type == "markdown"
        if follows and not re.match(r"#{1,6} ", cell.source):
            joined[-1] = new_markdown_cell(f"{joined[-1].source}\n\n{cell.source}")
        else:
            joined.append(cell)
    notebook.cells = joined
    return notebook


# Executed notebooks


def fill_outputs(notebook: NotebookNode, outputs: Outputs) -> NotebookNode:
    """The notebook with the outputs of its run, cell by cell."""
    filled = nbformat.from_dict(json.loads(json.dumps(notebook)))
    code = [cell for cell in filled.cells if cell.cell_type == "code"]
    for count, (cell, found) in enumerate(zip(code, outputs.cells, strict=True), 1):
        cell["execution_count"] = count
        cell["outputs"] = [nbformat.from_dict(output) for output in found]
    return filled


def fill_clean(clean: NotebookNode, executed: NotebookNode) -> NotebookNode:
    """The associate's notebook with the outputs that the page shows, its unsolved tasks left out."""
    filled = nbformat.from_dict(json.loads(json.dumps(clean)))
    filled.cells = [cell for cell in filled.cells if "practice" not in cell.metadata.get("tags", [])]
    shown = [c for c in executed.cells if c.cell_type == "code" and "solution" not in c.metadata.get("tags", [])]
    own = [cell for cell in filled.cells if cell.cell_type == "code"]
    if [cell.source for cell in own] != [cell.source for cell in shown]:
        raise CampusError("The clean and the executed notebooks are of two builds: run 'make notebooks' first.")
    for cell, from_page in zip(own, shown, strict=True):
        cell["outputs"], cell["execution_count"] = from_page.outputs, from_page.execution_count
    return filled


# Assignments


def build_assignments() -> int:
    """Write each authored assignment as an nbgrader source notebook with its data; return how many there are."""
    folders = [EXERCISES / name for name in authored()]
    for folder in folders:
        write_notebook(source_notebook(folder), SOURCE / folder.name / f"{folder.name}.ipynb")
        if (folder / "data").is_dir():
            mirror(folder / "data", SOURCE / folder.name / "data")
    for stranger in set(list_folders(SOURCE)) - {folder.name for folder in folders}:
        shutil.rmtree(SOURCE / stranger)
    return len(folders)


# Files


def stage_files(sessions: list[Session], tree: Path) -> None:
    """Put beside the notebooks of a tree what they read: the plotting style, data and dictionaries."""
    copy_changed(MODULES / STYLE, tree / STYLE)
    for folder in dict.fromkeys(session.path.parent for session in sessions):
        (tree / folder.name).mkdir(parents=True, exist_ok=True)
        if (folder / "data").is_dir():
            mirror(folder / "data", tree / folder.name / "data")


def mirror(source: Path, target: Path) -> None:
    """Make the target folder hold the source's data files and dictionaries, and nothing else."""
    wanted = {path.name for path in source.iterdir() if path.is_file() and path.suffix != ".py"}
    for name in sorted(wanted):
        copy_changed(source / name, target / name)
    for path in target.glob("*"):
        if path.name not in wanted:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def copy_changed(source: Path, target: Path) -> None:
    """Copy a file unless the target holds the same bytes already."""
    if not target.exists() or target.read_bytes() != source.read_bytes():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook in one fixed form, unless the file holds the same bytes already."""
    nbformat.validate(notebook)
    content = f"{nbformat.writes(nbformat.from_dict(notebook))}\n".encode()  # sorted keys, sources as lists of lines
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(f".{os.getpid()}.part")  # a second build at the same moment has its own
        scratch.write_bytes(content)
        scratch.replace(path)


def list_folders(tree: Path) -> list[str]:
    """The names of the folders in a tree, which may not exist yet."""
    return sorted(path.name for path in tree.iterdir() if path.is_dir()) if tree.is_dir() else []


def drop_strangers(sessions: list[Session]) -> None:
    """Remove notebooks whose source is gone, so that a derived tree never shows what no longer exists."""
    wanted = {session.name for session in sessions}
    folders = {name.split("/")[0] for name in wanted}
    for tree in (CLEAN, EXECUTED):
        for path in tree.glob("*/*.ipynb"):
            if f"{path.parent.name}/{path.stem}" not in wanted:
                path.unlink()
        for name in list_folders(tree):
            if name not in folders and name != ".git":
                shutil.rmtree(tree / name)
