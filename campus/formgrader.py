"""What the marking service adds to nbgrader's formgrader: its links to notebooks lead somewhere.

Formgrader links an assignment's name to its source and Preview to its release, at addresses that only a Jupyter
server with a file browser has. Here both are read-only pages behind formgrader's own sign-in.
"""

from pathlib import Path

import nbformat
from jinja2 import Template
from nbconvert.exporters import HTMLExporter
from nbgrader.server_extensions.formgrader.base import BaseHandler, check_notebook_dir
from nbgrader.server_extensions.formgrader.handlers import static_path
from tornado.web import HTTPError, RedirectHandler, authenticated
from traitlets.config import Config

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


class LinksHandler(BaseHandler):
    """Formgrader's own script, with its links to folders led to our pages."""

    @authenticated
    def get(self) -> None:
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
            (f"{base}formgrader/static/js/utils.js", LinksHandler),
            (f"{base}formgrader/notebook/(?:\\./)?(source|release)/([\\w-]+)", NotebookHandler),
        ],
    )
