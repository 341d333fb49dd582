"""What we add to nbgrader's own grading and feedback, at its plug-in points: configured in `course_config`.

An associate's page shows each question, the answer as it was handed in, the test as it was handed out, and what the
answer is told. Of hidden tests, their inputs and what they expect it shows nothing; neither of what is for the tutor.
"""

import copy
import functools
import re
from pathlib import Path

import bleach
import nbgrader
from latex2mathml.converter import convert
from nbconvert.exporters import HTMLExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbconvert.filters import markdown2html
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import List
from traitlets.config import Config

from autograder.rebuilt import hidden_lines

UNMARKED = "A tutor has not marked this answer yet; its marks are not in the score."
MATHJAX = re.compile(r"<!-- Load mathjax -->.*?<!-- End of mathjax configuration -->", re.DOTALL)
MATHS = re.compile(r"\$\$(?P<block>.+?)\$\$|(?<![\\$\w])\$(?P<inline>[^\s$](?:[^$\n]*[^\s$\\])?)\$(?![\d$])", re.DOTALL)
MATHML = """math semantics mrow mi mn mo ms mtext mspace msup msub msubsup mfrac msqrt mroot munder mover munderover
mtable mtr mtd mstyle mpadded mphantom menclose mmultiscripts"""
TAGS = """a b blockquote br caption code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i img li ol p pre span strong sub sup
table tbody td tfoot th thead tr u ul"""
LOOKS = "display mathvariant stretchy form fence separator width accent columnalign"
WRAPPED = "<style>div.output_area pre, div.input_area pre { white-space: pre-wrap; overflow-wrap: anywhere }</style>"
CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)


class FeedbackStep(NbGraderPreprocessor):
    """A step on the way to a feedback page; the exporter of pages tells each of its steps what to show first."""

    display_data_priority = List(config=True)


class SayUnmarked(FeedbackStep):
    """Say in the feedback which answers still wait for a tutor, instead of showing them as 0 without a word."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        facts = resources["nbgrader"]
        with Gradebook(facts["db_url"]) as gradebook:
            for cell in nb.cells:
                meta = cell.metadata.get("nbgrader", {})
                if not (meta.get("grade") and meta.get("solution")):
                    continue
                try:
                    grade = gradebook.find_grade(
                        meta["grade_id"], facts["notebook"], facts["assignment"], facts["student"]
                    )
                except MissingEntry:
                    continue
                if grade.auto_score is None and grade.manual_score is None and not meta.get("comment"):
                    meta["comment"] = UNMARKED
        return nb, resources


class HideTests(FeedbackStep):
    """Show tests as they were handed out and what their answers are told; leave out all that may tell more.

    No output is shown: an answer can print what a hidden test called it with. A notebook that we did not rebuild has
    its hidden tests cut out, and tells nothing but marks.
    """

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        nb.cells = [hide(cell) for cell in nb.cells if not cell.metadata.get("campus", {}).get("flags")]
        nb.metadata.pop("campus", None)
        told = {name: note["told"] for name, note in self.notes(nb) if note.get("told")}
        for cell in nb.cells:
            note = cell.metadata.pop("campus", {})
            meta = cell.metadata.get("nbgrader", {})
            if meta.get("comment") and meta["comment"] == told.get(meta.get("grade_id")):
                meta["comment"] = None  # it stands below the test
            if cell.cell_type == "code" and meta.get("grade"):
                cell.outputs = [new_output("stream", name="stdout", text=verdict(meta, note))]
        return nb, resources

    def notes(self, nb: NotebookNode) -> list[tuple[str, dict]]:
        """What was noted at each test, by question."""
        names = [cell.metadata.get("nbgrader", {}).get("grade_id", "").removeprefix("test-") for cell in nb.cells]
        return [(name, cell.metadata.get("campus", {})) for name, cell in zip(names, nb.cells, strict=True)]


def hide(cell: NotebookNode) -> NotebookNode:
    """A cell as it was handed out or handed in, without outputs."""
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
        meta = cell.metadata.get("nbgrader", {})
        if meta.get("grade") and not meta.get("solution"):
            lines = cell.source.splitlines()
            shown = [line for number, line in enumerate(lines, start=1) if number not in hidden_lines(cell.source)]
            cell.source = cell.metadata.get("campus", {}).get("released", "\n".join(shown))
    return cell


def verdict(meta: dict, note: dict) -> str:
    """What an associate reads below a test."""
    score, points = meta.get("score") or 0, meta.get("points") or 0
    marks = f"{score:g} of {points:g} marks"
    if note.get("told"):
        return f"{marks}. {note['told']}"
    return f"{marks}. The tests pass." if score >= points else f"{marks}."


class WriteMaths(FeedbackStep):
    """Turn formulas between dollar signs into MathML, so that feedback needs no script from another host."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, index: int
    ) -> tuple[NotebookNode, ResourcesDict]:
        if cell.cell_type == "markdown":
            parts = CODE.split(cell.source)
            cell.source = "".join(part if n % 2 else MATHS.sub(write_formula, part) for n, part in enumerate(parts))
        return cell, resources


def write_formula(match: re.Match) -> str:
    """MathML of one formula; the formula as it stands where it cannot be read."""
    try:
        if match["block"]:
            return convert(match["block"].strip(), display="block")
        return convert(match["inline"])
    except Exception:  # latex2mathml raises many kinds; a learner's text may hold anything
        return match[0]


def clean_markdown(source: str) -> str:
    """HTML of Markdown that anybody may have written: no script, no form, nothing fetched from another host.

    nbgrader's pages put an associate's text into what a tutor sees as it is, scripts and all.
    """
    allowed = {"*": ["class"], "a": ["href", "title"], "img": ["alt"], **dict.fromkeys(MATHML.split(), LOOKS.split())}
    return bleach.clean(markdown2html(source), tags={*TAGS.split(), *MATHML.split()}, attributes=allowed)


CLEAN = {"markdown2html": clean_markdown}  # in place of nbconvert's own filter


class FeedbackExporter(HTMLExporter):
    """nbgrader's feedback page without the script that it asks of another host, and with no sentence cut off."""

    def from_notebook_node(self, nb: NotebookNode, resources=None, **kwargs) -> tuple[str, dict]:
        html, resources = super().from_notebook_node(nb, resources, **kwargs)
        return MATHJAX.sub("", html).replace("</head>", f"{WRAPPED}</head>", 1), resources


@functools.cache
def exporter() -> FeedbackExporter:
    """The exporter of feedback pages, with nbgrader's own look."""
    templates = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader"
    styles = templates / "static" / "node_modules" / "bootstrap" / "dist" / "css"
    config = Config()
    config.HTMLExporter.template_name = "feedback"
    config.HTMLExporter.filters = CLEAN
    config.HTMLExporter.extra_template_basedirs = [str(templates / "templates")]
    config.HTMLExporter.extra_template_paths = [str(styles)]
    made = FeedbackExporter(config=config)
    for step in (HideTests, WriteMaths, CSSHTMLHeaderPreprocessor):
        made.register_preprocessor(step(parent=made), enabled=True)
    return made


def page(
    name: str, notebook: NotebookNode, marks: dict[str, tuple[float | None, float]], comments: dict[str, str]
) -> str:
    """The feedback page of a marked notebook: `marks` earned and possible, and `comments`, by question."""
    shown = copy.deepcopy(notebook)
    for cell in shown.cells:
        meta = cell.metadata.get("nbgrader", {})
        question = meta.get("grade_id", "").removeprefix("test-")
        if meta.get("solution"):
            meta["comment"] = comments.get(question)
        if meta.get("grade"):
            score, meta["points"] = marks[question]
            meta["score"] = score or 0
            if meta.get("solution") and score is None and not meta["comment"]:
                meta["comment"] = UNMARKED
    total = {
        "score": sum(score or 0 for score, _ in marks.values()),
        "max_score": sum(most for _, most in marks.values()),
    }
    facts = {"notebook": name, "late_penalty": 0, **total}
    return exporter().from_notebook_node(shown, {"nbgrader": facts})[0]
