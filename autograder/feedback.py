"""What we add to nbgrader's own grading and feedback, at its plug-in points: configured in `course_config`."""

import re

from latex2mathml.converter import convert
from nbconvert.exporters import HTMLExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import List

from autograder.catalogue import catalogue, recognise
from campus import folders

UNMARKED = "A tutor has not marked this answer yet; its marks are not in the score."
MATHJAX = re.compile(r"<!-- Load mathjax -->.*?<!-- End of mathjax configuration -->", re.DOTALL)
MATHS = re.compile(r"\$\$(?P<block>.+?)\$\$|(?<![\\$\w])\$(?P<inline>[^\s$](?:[^$\n]*[^\s$\\])?)\$(?![\d$])", re.DOTALL)
CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)


class NameMistakes(NbGraderPreprocessor):
    """Answer listed mistakes by name: the sentence becomes the automatic comment of the answer's cell.

    Runs after nbgrader's SaveAutoGrades. A tutor's own comment takes its place, in formgrader and in the feedback.
    """

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        facts = resources["nbgrader"]
        folder = folders.EXERCISES / facts["assignment"]
        if not (folder / "assignment.md").exists():
            return nb, resources
        with Gradebook(facts["db_url"]) as gradebook:
            for question, (_, told) in recognise(nb, catalogue(folder)).items():
                comment = gradebook.find_comment(question, facts["notebook"], facts["assignment"], facts["student"])
                comment.auto_comment = told
            gradebook.db.commit()
        return nb, resources


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


class FeedbackExporter(HTMLExporter):
    """nbgrader's feedback page without the script that it asks of another host."""

    def from_notebook_node(self, nb: NotebookNode, resources=None, **kwargs) -> tuple[str, dict]:
        html, resources = super().from_notebook_node(nb, resources, **kwargs)
        return MATHJAX.sub("", html), resources
