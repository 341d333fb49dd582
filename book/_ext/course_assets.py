"""One stylesheet and one script for every page, of the theme's, the extensions' and ours; images with their sizes.

A phone at slow 4G waits for each file that a page needs before it is drawn, and goes through every rule. So of the
theme's rules those stay whose classes somebody names who writes pages: templates, writers, extensions, and our styles.
"""

import functools
import importlib.resources
import importlib.util
import re
import zlib
from pathlib import Path

import tinycss2
from docutils import nodes
from pydata_sphinx_theme.pygments import get_pygments_stylesheet
from pygments.formatters import HtmlFormatter
from pygments.styles import get_style_by_name
from pygments.token import STANDARD_TYPES, Token
from sphinx.highlighting import PygmentsBridge
from sphinx.util.images import get_image_size

STYLE, SCRIPT = "book.css", "book.js"
SCRIPTS = (
    "course-frame.js",
    "course.js",
    "course-progress.js",
    "course-board.js",
    "course-play.js",
    "course-network.js",
)
LOADED = (  # by every page or by the search's; the rest of the theme's files is not published
    STYLE,
    SCRIPT,
    "course-theme.js",
    "favicon.svg",
    "logo.svg",
    "course-search.js",
    "doctools.js",
    "documentation_options.js",
    "language_data.js",
    "searchtools.js",
    "sphinx_highlight.js",
)
WRITERS = {  # who names classes of what stands on a page
    "docutils": ("nodes.py", "writers/_html_base.py", "writers/html5_polyglot/__init__.py"),
    "sphinx": ("writers/html5.py", "addnodes.py", "themes/basic/*.html", "environment/adapters/toctree.py"),
    "myst_nb": ("**/*.py",),
    "pydata_sphinx_theme": ("*.py", "theme/**/*.html"),
    "sphinx_book_theme": ("*.py", "theme/**/*.html"),
}

# Names that writers put together of parts
COMPOSED = ("only-dark", "only-light", "text-center", "text-left", "text-right", "toctree-wrapper")
NAME = re.compile(r"[A-Za-z_][\w-]*")
VARIABLE = re.compile(r"var\(\s*(--[\w-]+)")
CODE_STYLES = ("pygments_light_style", "pygments_dark_style")


# What pages load


def make_assets(app) -> dict[str, str]:
    """Write the stylesheet and the script of every page; return their addresses, which change with what they hold."""
    static = Path(app.outdir) / "_static"
    made = {
        STYLE: make_style(read_styles(app, static), read_names(Path(app.srcdir))),
        SCRIPT: "\n".join((static / name).read_text(encoding="utf-8") for name in SCRIPTS),
    }
    for name, text in made.items():
        (static / name).write_text(text, encoding="utf-8")
    return {name: f"_static/{name}?v={zlib.crc32(text.encode()):08x}" for name, text in made.items()}


def read_styles(app, static: Path) -> tuple[str, ...]:
    """The stylesheets, in the order in which they outdo one another; two of them the builder copies too late for us."""
    code = get_pygments_stylesheet(*list_code_styles(app))
    notebooks = (importlib.resources.files("myst_nb.static") / "mystnb.css").read_text(encoding="utf-8")
    names = ("basic.css", "styles/pydata-sphinx-theme.css", "styles/sphinx-book-theme.css", "course.css")
    basic, theme, book, ours = ((static / name).read_text(encoding="utf-8") for name in names)
    return basic, theme, code, book, notebooks, ours


def give_assets(app, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Tell templates where the stylesheet and the script are; a build makes them with the first page that it writes."""
    shared = app.builder.globalcontext
    if "course_assets" not in shared:
        shared["course_assets"] = make_assets(app)
    context["course_style"], context["course_script"] = (shared["course_assets"][name] for name in (STYLE, SCRIPT))


def drop_parts(app, error: Exception | None) -> None:
    """Leave of the files beside the pages only those that pages load."""
    static = Path(app.outdir) / "_static"
    for path in sorted(static.rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
        elif path.relative_to(static).as_posix() not in LOADED:
            path.unlink()


# The stylesheet


def read_names(source: Path) -> frozenset[str]:
    """Every word that may be the name of a class: of those who write pages, and of our own styles and scripts."""
    own = [path for folder in ("_ext", "_templates", "_static") for path in (source / folder).glob("course*")]
    own += (source / "_templates").glob("*.html")
    return read_writers() | {name for path in own for name in NAME.findall(path.read_text(encoding="utf-8"))}


@functools.cache
def read_writers() -> frozenset[str]:
    """The words of WRITERS."""
    found = set()
    for package, patterns in WRITERS.items():
        folder = Path(importlib.util.find_spec(package).submodule_search_locations[0])
        for path in (path for pattern in patterns for path in folder.glob(pattern)):
            found.update(NAME.findall(path.read_text(encoding="utf-8")))
    return frozenset(found.union(COMPOSED, STANDARD_TYPES.values()))


@functools.lru_cache(maxsize=2)
def make_style(texts: tuple[str, ...], names: frozenset[str]) -> str:
    """One stylesheet of several, without comments, unused variables, and rules for classes not among the names."""
    rules = [rule for text in texts for rule in tinycss2.parse_stylesheet(text, True, True)]
    style = write_rules(rules, names)
    while (kept := drop_variables(style)) != style:
        style = kept
    return style


def write_rules(rules: list, names: frozenset[str]) -> str:
    """Rules that may match something, as text."""
    return "\n".join(text for rule in rules if (text := write_rule(rule, names)))


def write_rule(rule, names: frozenset[str]) -> str:
    """A rule as text, or nothing; each variable that it sets has a line of its own."""
    if rule.type == "qualified-rule":
        prelude = ",".join(write(one) for one in split(rule.prelude, ",") if may_match(one, names))
        content = [text for one in split(rule.content, ";") if (text := write(one))]
        content = ";".join(f"\n{text}\n" if text.startswith("--") else text for text in content)
        return f"{prelude}{{{content}}}" if prelude and content else ""
    if rule.type != "at-rule" or rule.lower_at_keyword in ("charset", "font-face") or rule.content is None:
        return ""
    if rule.lower_at_keyword == "media":
        inner = write_rules(tinycss2.parse_rule_list(rule.content, True, True), names)
    else:
        inner = write(rule.content)
    return f"@{rule.at_keyword} {write(rule.prelude)}{{{inner}}}" if inner else ""


def split(tokens: list, mark: str) -> list[list]:
    """The parts of a list of tokens between marks."""
    found = [[]]
    for token in tokens:
        if token.type == "literal" and token.value == mark:
            found.append([])
        else:
            found[-1].append(token)
    return found


def may_match(selector: list, names: frozenset[str]) -> bool:
    """Whether each class that a selector needs is one of the names; brackets, as of :not(), are left alone."""
    classes = [
        token.value
        for before, token in zip(selector, selector[1:], strict=False)
        if token.type == "ident" and before.type == "literal" and before.value == "."
    ]
    return all(name in names for name in classes)


def write(tokens: list) -> str:
    """Tokens as text, without comments and with one space where there are several."""
    kept = [token for token in tokens if token.type != "comment"]
    return "".join(" " if token.type == "whitespace" else token.serialize() for token in kept).strip()


def drop_variables(style: str) -> str:
    """A stylesheet without the variables that nothing in it asks for."""
    asked = set(VARIABLE.findall(style))
    kept = [line for line in style.splitlines() if not line.startswith("--") or line.split(":")[0] in asked]
    return "\n".join(kept)


# Code and images


class CodeFormatter(HtmlFormatter):
    """Code in HTML; what looks like the text around it in light and in dark is no element of its own."""

    styles: tuple = ()

    def format_unencoded(self, tokens, outfile) -> None:
        """As of the class above."""
        told = ((Token.Text if self.is_plain(kind) else kind, text) for kind, text in tokens)
        super().format_unencoded(told, outfile)

    @classmethod
    def is_plain(cls, kind) -> bool:
        """Whether a kind of token looks as any text."""
        return all(style.style_for_token(kind) == style.style_for_token(Token.Text) for style in cls.styles)


def list_code_styles(app) -> list[str]:
    """The names of the styles of code, in light and in dark."""
    return [app.config.html_theme_options[name] for name in CODE_STYLES]


def choose_formatter(app, config) -> None:
    """Have code written by our formatter, which has to know the two styles."""
    CodeFormatter.styles = tuple(get_style_by_name(name) for name in list_code_styles(app))
    PygmentsBridge.html_formatter = CodeFormatter


def write_image(self, node: nodes.image) -> None:
    """An image as the builder writes it, but fetched when it is near, and with its size, so that nothing moves then."""
    size = get_image_size(Path(self.builder.srcdir) / node["uri"])
    type(self).visit_image(self, node)
    if size and self.body[-1].startswith("<img "):
        lazy = "" if "loading=" in self.body[-1] else ' loading="lazy"'
        self.body[-1] = self.body[-1].replace("<img ", f'<img width="{size[0]}" height="{size[1]}"{lazy} ', 1)


def leave_image(self, node: nodes.image) -> None:
    type(self).depart_image(self, node)


def setup(app) -> dict:
    app.add_node(nodes.image, override=True, html=(write_image, leave_image))
    app.connect("config-inited", choose_formatter)  # before the builder makes what highlights
    app.connect("html-page-context", give_assets)
    app.connect("build-finished", drop_parts, priority=900)  # after others have written theirs
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
