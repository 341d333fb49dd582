"""Assignments: read what an author wrote, say what is wrong with it, and turn it into nbgrader's source notebook."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
import yaml
from nbformat import NotebookNode
from nbgrader.nbgraderformat import MetadataValidator, ValidationError

from campus import folders
from campus.errors import CampusError

FORMAT = "md:myst"
SCHEMA_VERSION = 3
MACHINE_MINUTES = 12
HAND_MINUTES = 20
TOTAL_MINUTES = (45, 60)
CAPSTONE_MINUTES = (120, 180)
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}

FRONT = {"title", "kernelspec", "assignment"}
FACTS = {"name", "session", "questions", "capstone"}
QUESTION = {"id", "minutes", "marked", "live"}
NBGRADER = {"grade", "grade_id", "locked", "points", "schema_version", "solution", "task"}


@dataclass(frozen=True)
class Question:
    """One graded question. `answer` and `test` are cell numbers in the notebook; a hand-marked question has no test.

    A `live` test needs the learner's own objects, and runs where they are: an answer can deceive it.
    """

    id: str
    minutes: int
    marked: str
    points: int
    answer: int
    test: int | None
    live: bool = False

    @property
    def test_id(self) -> str:
        return f"test-{self.id}"


@dataclass(frozen=True)
class Assignment:
    """An authored assignment: its facts, its notebook with solutions and hidden tests, and its questions in order."""

    name: str
    title: str
    session: str
    folder: Path
    notebook: NotebookNode
    questions: tuple[Question, ...]
    capstone: bool = False

    @property
    def points(self) -> int:
        return sum(question.points for question in self.questions)

    @property
    def minutes(self) -> int:
        return sum(question.minutes for question in self.questions)

    @property
    def minutes_allowed(self) -> tuple[int, int]:
        """The least and the most minutes that all questions together may claim."""
        return CAPSTONE_MINUTES if self.capstone else TOTAL_MINUTES

    @property
    def by_machine(self) -> list[Question]:
        return [question for question in self.questions if question.marked == "machine"]


def authored() -> list[str]:
    """The names of all assignments in `exercises/`, in order."""
    return sorted(path.parent.name for path in folders.EXERCISES.glob("*/assignment.md"))


def read(folder: Path) -> Assignment:
    """Read `folder`/assignment.md. CampusError with file and question where it cannot be used as it stands."""
    path = Path(folder) / "assignment.md"
    front, notebook = read_markdown(path)
    facts = front.get("assignment")
    refuse_unknown(path, "the front matter", front, FRONT)
    if not isinstance(front.get("title"), str) or not isinstance(facts, dict):
        raise CampusError(
            f"{shown(path)}: the front matter needs a title and an assignment with name, session, questions."
        )
    refuse_unknown(path, "'assignment' in the front matter", facts, FACTS)
    if facts.get("name") != Path(folder).name:
        raise CampusError(f"{shown(path)}: the name is '{facts.get('name')}', but the folder is '{Path(folder).name}'.")
    if not isinstance(facts.get("session"), str):
        raise CampusError(f'{shown(path)}: the session is a code in quotes, such as "3.3".')
    capstone = facts.get("capstone", False)
    if not isinstance(capstone, bool):
        raise CampusError(f"{shown(path)}: the assignment has capstone: {capstone!r}; it is true, or left out.")
    declared = facts.get("questions")
    if not isinstance(declared, list) or not declared:
        raise CampusError(f"{shown(path)}: the front matter lists no questions.")
    cells = graded_cells(path, notebook)
    questions = tuple(read_question(path, entry, cells, notebook) for entry in declared)
    refuse_strays(path, questions, cells)
    return Assignment(facts["name"], front["title"], facts["session"], Path(folder), notebook, questions, capstone)


def read_markdown(path: Path) -> tuple[dict, NotebookNode]:
    """Front matter and notebook of a MyST file; CampusError where either cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CampusError(f"{shown(path)} is missing.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CampusError(f"{shown(path)} cannot be read ({error}).") from error
    match = re.match(r"---\s*\n(.*?)\n---\s*(?:\n|$)", text, re.DOTALL)
    if not match:
        raise CampusError(f"{shown(path)}: the front matter between two lines of --- is missing at the top.")
    try:
        front = yaml.safe_load(match[1])
    except yaml.YAMLError as error:
        line = f" in line {error.problem_mark.line + 2}" if getattr(error, "problem_mark", None) else ""
        raise CampusError(
            f"{shown(path)}: the front matter is not valid YAML{line}; "
            "a sentence with a colon or a # in it stands in quotes."
        ) from error
    if not isinstance(front, dict):
        raise CampusError(f"{shown(path)}: the front matter is not a list of 'field: value' lines.")
    try:
        notebook = jupytext.reads(text[match.end() :], fmt=FORMAT)
    except Exception as error:  # jupytext has no error class of its own for a wrong cell
        raise CampusError(f"{shown(path)}: a cell cannot be read ({first_line(error)}).") from error
    return front, notebook


def refuse_unknown(path: Path, where: str, given: dict, known: set[str]) -> None:
    """CampusError for the first field that nobody reads."""
    for field in given:
        if field not in known:
            raise CampusError(
                f"{shown(path)}: {where} has an unknown field '{field}'; known are {', '.join(sorted(known))}."
            )


def graded_cells(path: Path, notebook: NotebookNode) -> dict[str, int]:
    """{grade_id: cell number} of all nbgrader cells; CampusError for metadata that nbgrader would refuse."""
    cells: dict[str, int] = {}
    for number, cell in enumerate(notebook.cells):
        meta = cell.metadata.get("nbgrader")
        if meta is None:
            continue
        start = first_line(cell.source)
        if not isinstance(meta, dict) or not meta.get("grade_id"):
            raise CampusError(f"{shown(path)}: the nbgrader cell that starts '{start}' has no grade_id.")
        grade_id = meta["grade_id"]
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}", str(grade_id)):
            raise CampusError(f"{shown(path)}: grade_id '{grade_id}' may hold letters, digits, - and _ only.")
        if grade_id in cells:
            raise CampusError(f"{shown(path)}: grade_id '{grade_id}' is used twice.")
        refuse_unknown(path, f"the metadata of cell '{grade_id}'", meta, NBGRADER)
        for field in ("grade", "locked", "solution", "task"):
            if not isinstance(meta.get(field), bool):
                raise CampusError(f"{shown(path)}: cell '{grade_id}' needs {field}: true or {field}: false.")
        if cell.cell_type == "markdown" and not (meta["grade"] and meta["solution"]):
            raise CampusError(f"{shown(path)}: Markdown cell '{grade_id}' needs grade: true and solution: true.")
        if meta.get("schema_version") != SCHEMA_VERSION:
            raise CampusError(f"{shown(path)}: cell '{grade_id}' needs schema_version: {SCHEMA_VERSION}.")
        if meta["grade"]:
            points = meta.get("points")
            if isinstance(points, bool) or not isinstance(points, int) or points < 1:
                raise CampusError(f"{shown(path)}: cell '{grade_id}' needs points, a whole number above 0.")
        cells[grade_id] = number
    try:
        MetadataValidator().validate_nb(notebook)
    except ValidationError as error:
        raise CampusError(f"{shown(path)}: nbgrader refuses a cell's metadata ({first_line(error)}).") from error
    return cells


def read_question(path: Path, entry: dict, cells: dict[str, int], notebook: NotebookNode) -> Question:
    """One question of the front matter with its cells; CampusError where they do not fit each other."""
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
        raise CampusError(f"{shown(path)}: a question in the front matter has no id.")
    name = entry["id"]
    refuse_unknown(path, f"question '{name}'", entry, QUESTION)
    if entry.get("marked") not in ("machine", "hand"):
        raise CampusError(f"{shown(path)}: question '{name}' needs marked: machine or marked: hand.")
    minutes = entry.get("minutes")
    if isinstance(minutes, bool) or not isinstance(minutes, int) or minutes < 1:
        raise CampusError(f"{shown(path)}: question '{name}' needs minutes, a whole number above 0.")
    most = MACHINE_MINUTES if entry["marked"] == "machine" else HAND_MINUTES
    if minutes > most:
        raise CampusError(
            f"{shown(path)}: question '{name}' claims {minutes} minutes, and one marked by {entry['marked']} counts at "
            f"most {most}."
        )
    if name not in cells:
        raise CampusError(f"{shown(path)}: question '{name}' has no cell with grade_id '{name}'.")
    answer = notebook.cells[cells[name]]
    meta = answer.metadata["nbgrader"]
    if not meta["solution"] or meta["task"]:
        raise CampusError(f"{shown(path)}: cell '{name}' needs solution: true and task: false.")
    if entry["marked"] == "hand":
        if answer.cell_type != "markdown" or not meta["grade"]:
            raise CampusError(
                f"{shown(path)}: question '{name}' is marked by hand, so its cell is Markdown with grade: true."
            )
        if "live" in entry:
            raise CampusError(
                f"{shown(path)}: question '{name}' is marked by hand, so it has no test that could be live."
            )
        return Question(name, minutes, "hand", meta["points"], cells[name], None)
    if answer.cell_type != "code" or meta["grade"]:
        raise CampusError(
            f"{shown(path)}: question '{name}' is marked by machine, so its cell is code with grade: false."
        )
    test_id = f"test-{name}"
    if test_id not in cells:
        raise CampusError(f"{shown(path)}: question '{name}' has no test cell with grade_id '{test_id}'.")
    test = notebook.cells[cells[test_id]]
    meta = test.metadata["nbgrader"]
    if test.cell_type != "code" or not meta["grade"] or meta["solution"] or not meta["locked"]:
        raise CampusError(
            f"{shown(path)}: cell '{test_id}' is code with grade: true, locked: true and solution: false."
        )
    if cells[test_id] < cells[name]:
        raise CampusError(f"{shown(path)}: cell '{test_id}' stands before the answer that it tests.")
    live = entry.get("live", False)
    if not isinstance(live, bool):
        raise CampusError(f"{shown(path)}: question '{name}' has live: {live!r}; it is true, or left out.")
    return Question(name, minutes, "machine", meta["points"], cells[name], cells[test_id], live)


def refuse_strays(path: Path, questions: tuple[Question, ...], cells: dict[str, int]) -> None:
    """CampusError for a question named twice, and for a graded cell that belongs to no question."""
    ids = [question.id for question in questions]
    for name in ids:
        if ids.count(name) > 1:
            raise CampusError(f"{shown(path)}: question '{name}' stands twice in the front matter.")
    known = set(ids) | {question.test_id for question in questions if question.test is not None}
    for grade_id in cells:
        if grade_id not in known:
            raise CampusError(f"{shown(path)}: cell '{grade_id}' belongs to no question of the front matter.")


def questions(folder: Path) -> tuple[Question, ...]:
    """The questions of the assignment in `folder`, in the order of its front matter."""
    return read(folder).questions


def source_notebook(folder: Path) -> NotebookNode:
    """nbgrader's source notebook of the assignment in `folder`: nbformat 4.5, the same bytes at each call."""
    return as_source(read(folder))


def as_source(assignment: Assignment) -> NotebookNode:
    """The assignment's notebook with a heading, stable cell ids and nothing of the author's front matter."""
    cells = []
    for cell in assignment.notebook.cells:
        metadata = {key: value for key, value in cell.metadata.items() if key in ("nbgrader", "tags")}
        if cell.cell_type == "code":
            cells.append(nbformat.v4.new_code_cell(cell.source, metadata=metadata))
        else:
            cells.append(nbformat.v4.new_markdown_cell(cell.source, metadata=metadata))
    if not cells or cells[0].cell_type != "markdown" or not cells[0].source.lstrip().startswith("# "):
        cells.insert(0, nbformat.v4.new_markdown_cell(f"# {assignment.title}"))
    set_ids(cells)
    metadata = {"kernelspec": dict(KERNEL), "language_info": {"name": "python"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    nbformat.validate(notebook)
    return notebook


def set_ids(cells: list[NotebookNode]) -> None:
    """Give each cell an id that depends on its own content only: its grade_id, or a digest of its type and source."""
    used: set[str] = set()
    for cell in cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        base = cell.metadata.get("nbgrader", {}).get("grade_id", digest)
        name, count = base, 1
        while name in used:
            count += 1
            name = f"{base}-{count}"
        used.add(name)
        cell["id"] = name


def source_files(folder: Path) -> dict[str, bytes]:
    """{path in nbgrader's source folder: content} of an assignment: its notebook and what is in `data/`."""
    files = {f"{folder.name}.ipynb": notebook_bytes(source_notebook(folder))}
    for path in sorted((folder / "data").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            files[str(path.relative_to(folder))] = path.read_bytes()
    return files


def version(folder: Path) -> str:
    """A digest of all that an associate's marks depend on: the assignment's notebook and data."""
    return hashlib.sha256(repr(sorted(source_files(folder).items())).encode()).hexdigest()


def notebook_bytes(notebook: NotebookNode) -> bytes:
    """The notebook as it is written to disk."""
    return (json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def shown(path: Path) -> str:
    """The path as a user knows it: from the root of the checkout where it lies in it."""
    path = Path(path)
    return str(path.relative_to(folders.ROOT)) if path.is_relative_to(folders.ROOT) else str(path)


def first_line(text: object, width: int = 160) -> str:
    """The first line of a text that says something, cut to `width` characters."""
    line = next((line.strip() for line in str(text).splitlines() if line.strip()), "")
    return line if len(line) <= width else line[: width - 1] + "…"
