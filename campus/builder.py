"""The book's builder, Jupyter Book's settings on Sphinx: once in a process of its own, or resident and asked again."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import TextIO

from jupyter_book.config import get_final_config
from sphinx.application import Sphinx
from sphinx.cmd.build import handle_exception
from sphinx.util.docutils import docutils_namespace, patch_docutils

from campus.book import COLOUR

UNDECLARED = "sphinx_multitoc_numbering"  # numbers contents across parts, which ours are not: it does nothing here


@contextmanager
def make_app(source: Path, work: Path, status: TextIO | None, warning: TextIO, jobs: int) -> Iterator[Sphinx]:
    """A builder of the staged pages, as `jupyter-book build SOURCE --path-output WORK --nitpick` makes it.

    With several jobs pages are read and written side by side, which that command cannot be asked for.
    """
    given = {"external_toc_path": str(source / "_toc.yml"), "latex_individualpages": False, "nitpicky": True}
    settings, _ = get_final_config(user_yaml=source / "_config.yml", cli_config=given, sourcedir=source)
    with patch_docutils(None), docutils_namespace():
        app = Sphinx(
            srcdir=source,
            confdir=None,
            outdir=work / "_build" / "html",
            doctreedir=work / "_build" / ".doctrees",
            buildername="html",
            confoverrides=settings,
            status=status,
            warning=warning,
            parallel=jobs,
        )
        app.extensions[UNDECLARED].parallel_read_safe = app.extensions[UNDECLARED].parallel_write_safe = True
        yield app


class Resident:
    """A builder that stays: what it knows of pages is kept in memory between one build and the next."""

    def __init__(self, app: Sphinx, said: StringIO):
        self.app, self.said = app, said
        self.read: set[str] = set()
        app.connect("env-before-read-docs", lambda app, env, names: self.read.update(names))

    def build(self, everything: bool = False) -> str:
        """Build what changed, or write every page; return the warnings. Pages with a fault are read again next time."""
        self.read.clear()
        self.said.seek(0)
        self.said.truncate()
        self.app.build(force_all=everything)
        warned = COLOUR.sub("", self.said.getvalue())
        if warned:
            for page in self.read & set(self.app.env.all_docs):
                self.app.env.all_docs[page] = 0  # when it was read: before it was written
        return warned


@contextmanager
def keep_builder(source: Path, work: Path) -> Iterator[Resident]:
    """A resident builder of the staged pages."""
    said = StringIO()
    with make_app(source, work, None, said, jobs=1) as app:
        yield Resident(app, said)


def main() -> int:
    """Build once: `python -m campus.builder SOURCE WORK`; 1 where it broke off."""
    app = None
    try:
        with make_app(Path(sys.argv[1]), Path(sys.argv[2]), sys.stdout, sys.stderr, os.cpu_count() or 1) as app:
            app.build()
            return app.statuscode
    except (Exception, KeyboardInterrupt) as error:

        class Told:
            pdb = verbosity = traceback = False

        handle_exception(app, Told, error, sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
