"""What the marking service adds to nbgrader's formgrader: Autograde marks sealed, and its links lead somewhere.

Formgrader links an assignment's name to its source and Preview to its release, at addresses that only a Jupyter
server with a file browser has. Here both are read-only pages behind formgrader's own sign-in.
"""

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from jinja2 import Template
from nbconvert.exporters import HTMLExporter
from nbgrader.server_extensions.formgrader.base import BaseHandler, check_notebook_dir, check_xsrf
from nbgrader.server_extensions.formgrader.handlers import static_path
from tornado.ioloop import IOLoop
from tornado.web import HTTPError, RedirectHandler, authenticated
from traitlets.config import Config

from campus import folders
from campus.errors import CampusError

MARKING = ThreadPoolExecutor(1, "marking")
BROWSER = 'directory: "/tree/"'
MATHS = Config({"HTMLExporter": {"preprocessors": ["autograder.feedback.WriteMaths"]}})
SAID = {"source": "with solutions and hidden tests, as markers see it", "release": "as associates fetch it"}
PAGE = Template(
    """<!doctype html>
<html lang="en-GB">
<head><meta charset="utf-8"><title>{{ name }}</title>
<link rel="stylesheet" href="/services/campus/static/campus.css"></head>
<body><header><p>{{ name }}, {{ said }}</p><nav><a href="{{ back }}">Formgrader</a></nav></header>
<main class="notebook">{{ body }}</main></body>
</html>""",
    autoescape=False,  # the names match a pattern, and the notebook's text is escaped by its exporter
)


class MarkHandler(BaseHandler):
    """Formgrader's Autograde: the same as `autograder grade NAME --student NAME --again`, by workers that stay warm."""

    @authenticated
    @check_xsrf
    @check_notebook_dir
    async def post(self, name: str, student: str) -> None:
        found = await IOLoop.current().run_in_executor(MARKING, mark, name, student)
        self.finish(json.dumps(found))


def get_ready() -> None:
    """Start the worker while the tutor reads the page: its first marks come as soon as later ones."""
    from autograder import grading

    grading.kept_worker()


def mark(name: str, student: str) -> dict:
    """Mark one submission: {"success", "log", "error" where it failed}, in sentences."""
    from autograder import grading  # takes seconds, so not before the first press
    from autograder.assignment import first_line

    try:
        entry = grading.grade_kept(folders.EXERCISES / name, student)
    except CampusError as error:
        return {"success": False, "log": "", "error": str(error)}
    except Exception as error:
        logging.getLogger(__name__).exception("%s of %s could not be marked", name, student)
        return {"success": False, "log": "", "error": f"The grader stopped ({first_line(error)}): its log says why."}
    log = "\n".join(flag for one in entry["submissions"] for flag in one["flags"])
    return {"success": entry["ok"], "log": log, "error": " ".join(entry["problems"])}


class LinksHandler(BaseHandler):
    """Formgrader's own script, with its links to folders led to our pages."""

    @authenticated
    def get(self) -> None:
        MARKING.submit(get_ready)
        text = (Path(static_path) / "js" / "utils.js").read_text(encoding="utf-8")
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.finish(text.replace(BROWSER, 'directory: base_url + "/formgrader/notebook/"'))


class NotebookHandler(BaseHandler):
    """An assignment's notebook to read: its source or its release."""

    @authenticated
    @check_notebook_dir
    def get(self, step: str, name: str) -> None:
        path = Path(self.coursedir.root) / step / name / f"{name}.ipynb"
        if not path.is_file():
            raise HTTPError(404, reason=f"{name} has no {step} yet")
        notebook = nbformat.read(path, as_version=4)
        body, _ = HTMLExporter(config=MATHS, template_name="basic").from_notebook_node(notebook)
        self.finish(PAGE.render(name=name, said=SAID[step], body=body, back=f"{self.base_url}/formgrader"))


def _load_jupyter_server_extension(server: object) -> None:
    """Answer before formgrader does; nbgrader's course list links to JupyterLab's address, so that leads there too."""
    base = server.base_url
    server.web_app.add_handlers(
        ".*",
        [
            (f"{base}lab.*", RedirectHandler, {"url": f"{base}formgrader"}),
            (f"{base}formgrader/api/submission/([^/]+)/([^/]+)/autograde", MarkHandler),
            (f"{base}formgrader/static/js/utils.js", LinksHandler),
            (f"{base}formgrader/notebook/(?:\\./)?(source|release)/([\\w-]+)", NotebookHandler),
        ],
    )
