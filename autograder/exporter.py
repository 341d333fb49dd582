"""What nbgrader's own autograde does here: it asks our grader, and writes what that marked.

`nbgrader autograde` reads each submission twice through its exporter: as it was handed in, to clean it, and as it was
written then, to run it. Here the first reading marks the submission sealed, and the second changes nothing.
"""

from pathlib import Path

from nbconvert.exporters import NotebookExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbgrader.converters.base import NbGraderException

from autograder import grading
from autograder.gradebook import marked_folder
from campus import folders


class MarkingExporter(NotebookExporter):
    """An exporter whose output for a submission is the notebook that our grader made of it."""

    def from_filename(self, filename: str, resources: dict | None = None, **kwargs) -> tuple[str, ResourcesDict]:
        """Mark a collected submission; hand on a marked one as it is."""
        facts = resources["nbgrader"]
        name, student = facts["assignment"], facts["student"]
        marked = marked_folder(name, student) / f"{name}.ipynb"
        if Path(filename).resolve() != marked.resolve():
            found = grading.grade_kept(folders.EXERCISES / name, student)
            if not found["ok"]:
                raise NbGraderException(" ".join(found["problems"]))
        found = ResourcesDict()
        found.update(resources, output_extension=self.file_extension)
        return marked.read_text(encoding="utf-8"), found
