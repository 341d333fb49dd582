"""Words of the glossary show their definition where a page uses them: by mouse, by keyboard, and without scripts."""

import re
from functools import lru_cache
from html import escape
from pathlib import Path

from docutils import nodes

GLOSSARY = "guides/glossary"
ENTRIES = re.compile(r"^```\{glossary\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LEFT_ALONE = (
    nodes.reference,
    nodes.strong,
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.math_block,
    nodes.title,
    nodes.term,
    nodes.caption,
    nodes.raw,
    nodes.Admonition,
)


@lru_cache
def read_glossary(source: str) -> dict[str, str]:
    """Each term with its definition, from the source folder's glossary page; nothing where there is none."""
    path = Path(source) / f"{GLOSSARY}.md"
    if not path.exists():
        return {}
    found = ENTRIES.search(path.read_text(encoding="utf-8"))
    entries = found[1].strip().split("\n\n") if found else []
    pairs = (entry.split("\n", 1) for entry in entries)
    return {term.strip(): " ".join(said.split()) for term, said in pairs}


@lru_cache
def find_terms(source: str) -> re.Pattern:
    """A pattern for any term, one or several; the longest first."""
    terms = sorted(read_glossary(source), key=len, reverse=True)
    words = "|".join(re.escape(term).replace("'", "['’]") for term in terms)
    return re.compile(rf"\b({words})(?:s|es)?\b", re.IGNORECASE)


def explain_terms(app, doctree: nodes.document, page: str) -> None:
    """Give the first use of each term on a session's page its definition."""
    glossary = {term.casefold(): (term, said) for term, said in read_glossary(str(app.srcdir)).items()}
    if not glossary or "session" not in app.env.metadata[page]:
        return
    left = set(glossary)
    for text in list(doctree.findall(nodes.Text)):
        if left and is_prose(text):
            replace_terms(
                text, find_terms(str(app.srcdir)), glossary, left, app.builder.get_relative_uri(page, GLOSSARY)
            )


def is_prose(text: nodes.Text) -> bool:
    """Whether a text stands in a paragraph, and neither in a heading, a link, a definition in bold nor in code."""
    around, inside = text.parent, False
    while around is not None and not isinstance(around, nodes.document):
        if isinstance(around, LEFT_ALONE) or around.tagname in ("fold_label", "figure", "table"):
            return False
        if {"course-opening", "course-quick-check"} & set(around.get("classes", [])):
            return False
        inside = inside or isinstance(around, nodes.paragraph)
        around = around.parent
    return inside


def replace_terms(text: nodes.Text, pattern: re.Pattern, glossary: dict, left: set[str], page: str) -> None:
    """Split a text at the terms that the page has not shown yet."""
    parts, start = [], 0
    said = text.astext()
    for found in pattern.finditer(said):
        term = found[1].casefold().replace("’", "'")
        if term not in left:
            continue
        left.remove(term)
        parts += [nodes.Text(said[start : found.start()]), draw_term(found[0], *glossary[term], page)]
        start = found.end()
    if parts:
        text.parent.replace(text, [*parts, nodes.Text(said[start:])])


def draw_term(shown: str, term: str, said: str, page: str) -> nodes.raw:
    """A term as a link to the glossary, described by its definition, which styles show beside it."""
    name = "term-" + re.sub(r"[^A-Za-z0-9]+", "-", term)  # as Sphinx names the anchors of a glossary
    return nodes.raw(
        "",
        f'<span class="course-term"><a href="{page}#{name}" aria-describedby="said-{name}">{escape(shown)}</a>'
        f'<span class="course-said" id="said-{name}" role="tooltip">{escape(said)}</span></span>',
        format="html",
    )


def setup(app) -> dict:
    app.connect("builder-inited", lambda app: (read_glossary.cache_clear(), find_terms.cache_clear()))
    app.connect("doctree-resolved", explain_terms)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
