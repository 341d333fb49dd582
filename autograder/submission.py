"""A learner's notebook file: read whatever it may be, take the sources of answers out, and say what is odd about it.

Nothing of it is trusted. It is read as plain JSON and never validated, upgraded or run as a whole; what is not needed
is not looked at.
"""

import hashlib
import itertools
import json
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from autograder.assignment import Assignment

LONGEST_FILE = 32 * 2**20
MOST_PARTS = 500_000  # objects and lists in the file: each takes memory, of which a small file can ask for much
LONGEST_ANSWER = 200_000  # characters
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
TAG = re.compile(r"<(?=[A-Za-z/!?])")
ASK_AGAIN = "so nothing in it could be marked: ask for it to be handed in again."


@dataclass(frozen=True)
class Submission:
    """What counts of a learner's file: its digest, the answers by question (those that are there), and odd things."""

    digest: str
    answers: dict[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    broken: bool = False  # no notebook at all; `flags` says why


class Broken(Exception):
    """A sentence on why a file is no notebook."""


def read_submission(assignment: Assignment, given: bytes | Path | NotebookNode) -> Submission:
    """Take what counts out of a learner's notebook; a file that is none has a flag and no answers."""
    data = b""
    try:
        data = read_bytes(given)
        cells, flags = read_cells(data)
    except Broken as error:
        return Submission(hashlib.sha256(data).hexdigest(), flags=(f"{error}, {ASK_AGAIN}",), broken=True)
    answers, odd = take_answers(assignment, cells)
    return Submission(hashlib.sha256(data).hexdigest(), answers, tuple(flags + odd))


def read_bytes(given: bytes | Path | NotebookNode) -> bytes:
    """The bytes of a submission; no link, device or endless file is followed. Broken where there are none."""
    if isinstance(given, bytes | bytearray | memoryview):
        return bytes(given)
    return dump_notebook(given) if isinstance(given, dict) else read_file(Path(given))


def dump_notebook(notebook: dict) -> bytes:
    """A notebook in memory as bytes."""
    try:
        return json.dumps(notebook, sort_keys=True).encode()
    except (TypeError, ValueError, RecursionError):
        raise Broken("The notebook holds what no file can hold") from None


def read_file(path: Path) -> bytes:
    """The content of an ordinary file, and of one that is too long little more than is allowed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Broken("There is no notebook with the name that it should have") from None
    except OSError:
        raise Broken("The file is a link or cannot be read") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Broken("The file is a folder or a device")
        parts = iter(lambda: os.read(descriptor, 2**20), b"")
        return b"".join(itertools.islice(parts, LONGEST_FILE // 2**20 + 1))
    except OSError:
        raise Broken("The file cannot be read") from None
    finally:
        os.close(descriptor)


def read_cells(data: bytes) -> tuple[list[dict], list[str]]:
    """The cells of a notebook file as they stand, and what is odd about the whole."""
    if len(data) > LONGEST_FILE:
        raise Broken(f"The file has more than {LONGEST_FILE // 2**20} MB")
    if not data.strip():
        raise Broken("The file is empty")
    if data.count(b"{") + data.count(b"[") > MOST_PARTS:
        raise Broken("The file has far more parts than a notebook")
    flags = []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
        flags.append("The file holds bytes that are no text: they were read as question marks.")
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError):
        raise Broken("The file is damaged or no notebook") from None
    if not isinstance(notebook, dict):
        raise Broken("The file is no notebook")
    cells = notebook.get("cells")
    if cells is None and isinstance(notebook.get("worksheets"), list):
        flags.append("The file is in an old format of notebooks: its cells were read as they are.")
        sheets = [sheet for sheet in notebook["worksheets"] if isinstance(sheet, dict)]
        cells = [cell for sheet in sheets if isinstance(sheet.get("cells"), list) for cell in sheet["cells"]]
    if not isinstance(cells, list):
        raise Broken("The file has no cells")
    language = kernel_language(notebook.get("metadata"))
    if language != "python":
        flags.append(f"The notebook was written for another kernel ({language}); its answers were run as Python.")
    return [cell for cell in cells if isinstance(cell, dict)], flags


def kernel_language(metadata: object) -> str:
    """The language that a notebook says it is in; Python where it says none."""
    spec = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    spec = spec if isinstance(spec, dict) else {}
    language = spec.get("language") or ("python" if "python" in str(spec.get("name", "python")) else spec["name"])
    return re.sub(r"[^A-Za-z0-9+#._-]", "", str(language))[:40].lower() or "unknown"


def take_answers(assignment: Assignment, cells: list[dict]) -> tuple[dict[str, str], list[str]]:
    """The sources of the answers by question, and sentences about all that is not as it was handed out."""
    given: dict[str, list[dict]] = {}
    own = 0
    for cell in cells:
        name = grade_id(cell)
        if name is not None:
            given.setdefault(name, []).append(cell)
        elif cell.get("cell_type") == "code":
            own += bool(source_of(cell).strip())
    by_machine = {name for question in assignment.by_machine for name in (question.id, question.test_id)}
    ours = by_machine or {question.id for question in assignment.questions}  # names of written answers recur elsewhere
    if not ours & given.keys():
        other = "It is a notebook of something else" if given else "It holds no cell of this assignment"
        return {}, [f"{other}: none of the answers of {assignment.name} is in it, and all count as blank."]
    answers, flags = {}, []
    for question in assignment.questions:
        found = given.get(question.id, [])
        if not found:
            flags.append(f"The answer cell of {question.id} is missing: it counts as blank.")
            continue
        if len(found) > 1:
            flags.append(f"The answer cell of {question.id} is there {len(found)} times: the last counts.")
        source = source_of(found[-1])
        if len(source) > LONGEST_ANSWER:
            flags.append(f"The answer to {question.id} has more than {LONGEST_ANSWER} characters: it counts as blank.")
            continue
        answers[question.id] = clean(source)
    authored = sum(
        1 for cell in assignment.notebook.cells if cell.cell_type == "code" and "nbgrader" not in cell.metadata
    )
    if own > authored:
        count = own - authored
        flags.append(f"{count} code cell{'' if count == 1 else 's'} of the learner's own: only answer cells are run.")
    return answers, flags + odd_tests(assignment, given)


def odd_tests(assignment: Assignment, given: dict[str, list[dict]]) -> list[str]:
    """Sentences about test cells that were taken out, repeated or given tags; the author's are run in any case."""
    flags = []
    for question in assignment.by_machine:
        cells = given.get(question.test_id, [])
        if len(cells) != 1:
            flags.append(f"The test cell of {question.id} is there {len(cells)} times, not once.")
        if any(cell["metadata"].get("tags") for cell in cells):
            flags.append(f"The test cell of {question.id} was given tags.")
    return flags


def grade_id(cell: dict) -> str | None:
    """The name that nbgrader knows a cell by."""
    metadata = cell.get("metadata")
    ours = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = ours.get("grade_id") if isinstance(ours, dict) else None
    return name if isinstance(name, str) else None


def source_of(cell: dict) -> str:
    """The source of a cell, in one piece or in lines, of new notebooks or old ones."""
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""


def clean(text: str) -> str:
    """A text that every file, page and database can hold: no colours, control characters or broken halves."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", ANSI.sub("", text))


def defuse(text: str) -> str:
    """A text of a learner's that is read as Markdown with HTML and TeX in it, so that it can only be read."""
    return TAG.sub("< ", text).replace("\\href", "\\ href")
