"""Boards to play: who is where after each event, as a picture that steps and runs without a kernel.

A code cell tagged `playable` shows a data frame: the minute as its index, what happens, then a column a place with the
names of who is there. It is the model's own output, and stays on the page as a table; `_static/course-board.js` draws
that table.
"""

import json
from html import escape
from pathlib import Path
from xml.etree import ElementTree

from course_boxes import make_fold
from docutils import nodes
from sphinx.util import logging

logger = logging.getLogger(__name__)
WANTED = "a data frame with the index 'minute', a column 'event', and a column a place with the names of who is there"


def play_boards(app, doctree: nodes.document) -> None:
    """Make the table of each cell tagged `playable` a board; a warning fails the build where it cannot be one."""
    for cell in doctree.findall(nodes.container):
        if "tag_playable" in cell.get("classes", []) and cell.get("nb_element") == "cell_code":
            page = Path(app.env.doc2path(app.env.docname))
            try:
                play_board(cell, read_alt(page, cell["cell_index"]))
            except (ValueError, ElementTree.ParseError) as reason:
                said = "Cell %s is tagged playable, but %s: let it end with %s."
                logger.warning(said, cell["cell_index"] + 1, reason, WANTED, location=cell)


def play_board(cell: nodes.container, alt: str) -> None:
    """Put a board in the place of a cell's table; ValueError with the reason where there is none to play."""
    shown = [node for node in cell.findall(nodes.container) if node.get("nb_element") == "mime_bundle"]
    tables = [raw for raw in cell.findall(nodes.raw) if raw["format"] == "html" and "<table" in raw.astext()]
    if len(shown) != 1 or len(tables) != 1:
        raise ValueError(f"it shows {len(tables)} tables")
    if not alt:
        raise ValueError("it has no alt text")
    headings, rows = read_table(tables[0].astext())
    folded = make_fold(f"Who is where, event by event: a table of {len(rows)} rows")
    folded += nodes.raw("", write_table(headings, rows, alt), format="html")
    shown[0].parent.replace(shown[0], nodes.container("", folded, classes=["course-board"]))


def read_alt(notebook: Path, position: int) -> str:
    """The alt text that a cell's metadata give to what it shows, or nothing."""
    metadata = json.loads(notebook.read_text(encoding="utf-8"))["cells"][position]["metadata"]
    return " ".join(metadata.get("mystnb", {}).get("image", {}).get("alt", "").split())


def read_table(html: str) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of a data frame as pandas writes it, index first; ValueError where it makes no board."""
    table = ElementTree.fromstring(html[html.index("<table") : html.index("</table>") + len("</table>")])
    head = [[(cell.text or "").strip() for cell in row] for row in table.iterfind("thead/tr")]
    rows = [[(cell.text or "").strip() for cell in row] for row in table.iterfind("tbody/tr")]
    headings = ["".join(names) for names in zip(*head, strict=True)]
    if headings[:2] != ["minute", "event"] or len(headings) < 3:
        raise ValueError(f"its columns are {', '.join(headings)}")
    if ["...", "..."] in [row[:2] for row in rows]:
        raise ValueError("its table is cut short: show fewer rows")
    minutes = [float(row[0]) for row in rows]
    if len(rows) < 2 or minutes != sorted(minutes):
        raise ValueError("its rows are not two or more in order of time")
    for row in rows:
        names = " ".join(row[2:]).split()
        if len(names) != len(set(names)):
            raise ValueError(f"somebody is in two places at minute {row[0]}")
    return headings, rows


def write_table(headings: list[str], rows: list[list[str]], alt: str) -> str:
    """The table as HTML that scrolls where it must, with what the board shows for the script that draws it."""
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="course-wide" data-shows="{escape(alt)}">{table}</div>'


def setup(app) -> dict:
    app.connect("doctree-read", play_boards)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
