"""The author's notebook rebuilt with a learner's answers: what is marked and what formgrader shows.

A `Plan` is all that marking needs of an assignment, made once: the notebook as it was handed out, but with whole tests
and nbgrader's checksums, and what is known of each question.
"""

import ast
import base64
import functools
import html
import re
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_output
from nbgrader.preprocessors import ComputeChecksums

from autograder import variants
from autograder.assignment import Assignment, Question
from autograder.catalogue import Catalogue, catalogue
from autograder.submission import clean, defuse

BEGIN, END = re.compile(r"#+\s*BEGIN HIDDEN TESTS"), re.compile(r"#+\s*END HIDDEN TESTS")
SECTION = re.compile(r"[Ss]ee ('[^\n\"]{1,80}' in session \d+\.\d+)")


@dataclass(frozen=True, eq=False)
class Plan:
    """What marking needs of an assignment."""

    assignment: Assignment
    notebook: NotebookNode  # as handed out, with whole tests and checksums
    released: dict[str, str]  # the test of each question as it was handed out
    names: dict[str, list[str]]  # what the author's answer to each question defines
    hidden: dict[str, frozenset[int]]  # the lines of each question's test that associates do not get
    where: dict[str, str]  # the place in the session that a visible test names, or the session

    @functools.cached_property
    def known(self) -> Catalogue:
        """The listed mistakes by question and failure."""
        return catalogue(Path(self.assignment.folder))

    @functools.cached_property
    def questions(self) -> dict[str, Question]:
        """Questions by the name of their answer and of their test."""
        listed = self.assignment.questions
        return {q.id: q for q in listed} | {q.test_id: q for q in listed if q.test is not None}

    @functools.cached_property
    def code(self) -> list[NotebookNode]:
        """The code cells in order."""
        return [cell for cell in self.notebook.cells if cell.cell_type == "code"]

    @functools.cached_property
    def tests(self) -> frozenset[str]:
        """The names of the test cells."""
        return frozenset(question.test_id for question in self.assignment.by_machine)

    def cell(self, name: str) -> NotebookNode:
        """The cell of that name."""
        return self.cells[name]

    @functools.cached_property
    def cells(self) -> dict[str, NotebookNode]:
        """The cells that nbgrader knows, by name."""
        return {name_of(cell): cell for cell in self.notebook.cells if name_of(cell)}


PLANS: dict[int, Plan] = {}
MOST_PLANS = 32


def plan(assignment: Assignment) -> Plan:
    """The plan of an assignment; made once for the same object."""
    found = PLANS.get(id(assignment))
    if found is None or found.assignment is not assignment:
        if len(PLANS) >= MOST_PLANS:
            PLANS.clear()
        found = PLANS[id(assignment)] = make_plan(assignment)
    return found


def make_plan(assignment: Assignment) -> Plan:
    """Read off an assignment what marking needs; CampusError where nbgrader cannot make its release version."""
    handed_out = variants.released(assignment)
    whole = {name_of(cell): cell for cell in variants.blank(assignment).cells if name_of(cell)}
    released, hidden, where = {}, {}, {}
    for cell in handed_out.cells:
        name = name_of(cell)
        if name and name.startswith("test-"):
            question = name.removeprefix("test-")
            released[question] = cell.source
            cell.source = whole[name].source
            hidden[question] = hidden_lines(cell.source)
            section = SECTION.search(released[question])
            where[question] = section[1] if section else f"session {assignment.session}"
    for cell in handed_out.cells:
        cell.metadata.pop("tags", None)
    handed_out, _ = ComputeChecksums().preprocess(handed_out, {})
    cells = assignment.notebook.cells
    names = {question.id: defined_names(cells[question.answer].source) for question in assignment.by_machine}
    return Plan(assignment, handed_out, released, names, hidden, where)


def name_of(cell: NotebookNode) -> str | None:
    """The name that nbgrader knows a cell by."""
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def hidden_lines(source: str) -> frozenset[int]:
    """The numbers of the lines between the marks of hidden tests."""
    lines, inside = set(), False
    for number, line in enumerate(source.splitlines(), start=1):
        inside = inside or bool(BEGIN.search(line))
        if inside:
            lines.add(number)
        inside = inside and not END.search(line)
    return frozenset(lines)


def defined_names(source: str) -> list[str]:
    """The names that the author's answer defines at its top level: what the tests may use of an answer."""
    names = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names += [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
    return list(dict.fromkeys(names))


def rebuild(
    plan: Plan,
    answers: dict[str, str],
    outputs: dict[str, list[NotebookNode]],
    notes: dict[str, dict],
    flags: tuple[str, ...],
) -> NotebookNode:
    """The author's notebook with a learner's answers, outputs by cell id, and notes for the feedback by test.

    It holds nothing that was in memory before: stock nbgrader may save, show and export it as if it had run it.
    """
    cells = []
    for cell in plan.notebook.cells:
        name = name_of(cell)
        source = cell.source
        if name in answers:  # written ones are shown as Markdown
            source = answers[name] if cell.cell_type == "code" else defuse(answers[name])
        metadata = NotebookNode()
        if name:
            metadata["nbgrader"] = NotebookNode(cell.metadata["nbgrader"])
        if name in notes:
            metadata["campus"] = NotebookNode(notes[name])
        copy = NotebookNode(cell_type=cell.cell_type, id=cell.id, metadata=metadata, source=source)
        if cell.cell_type == "code":
            copy.update(execution_count=None, outputs=outputs.get(cell.id, []))
        cells.append(copy)
    if flags:
        cells.insert(0, flags_cell(flags))
    metadata = NotebookNode({key: NotebookNode(value) for key, value in plan.notebook.metadata.items()})
    metadata["campus"] = NotebookNode(flags=list(flags))
    return NotebookNode(cells=cells, metadata=metadata, nbformat=4, nbformat_minor=5)


def flags_cell(flags: tuple[str, ...]) -> NotebookNode:
    """What a tutor should know, as the first cell; the feedback leaves it out."""
    text = "**For the tutor**\n\n" + "\n".join(f"- {html.escape(flag, quote=False)}" for flag in flags)
    cell = new_markdown_cell(text, metadata={"campus": {"flags": True}})
    cell["id"] = "campus-flags"
    return cell


# Outputs


def as_outputs(ran: dict) -> list[NotebookNode]:
    """What a cell printed and showed, and the error it ended with, in a notebook's form."""
    found = []
    for output in ran["outputs"]:
        if output["output_type"] == "stream":
            found.append(new_output("stream", name=output["name"], text=clean(output["text"])))
        else:
            data = dict(output["data"])
            if "text/plain" in data:
                data["text/plain"] = clean(data["text/plain"])
            if "image/png" in data:
                data["image/png"] = base64.b64encode(data["image/png"]).decode()
            counted = {"execution_count": None} if output["output_type"] == "execute_result" else {}
            found.append(new_output(output["output_type"], data=data, **counted))
    if ran["error"] is not None:
        found.append(as_error(ran))
    return found


def as_error(ran: dict) -> NotebookNode:
    """An error as a notebook shows it: name, text, and the lines it came through."""
    name, message = clean(ran["error"]), clean(ran["message"])
    trace = [*map(clean, ran["trace"]), f"{name}: {message}" if message else name]
    return new_output("error", ename=name, evalue=message, traceback=trace)
