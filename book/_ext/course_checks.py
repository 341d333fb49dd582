"""What a page must be before it is published: every image with alt text, and from here."""

from docutils import nodes
from sphinx.util import logging

logger = logging.getLogger(__name__)


def check_images(app, doctree: nodes.document) -> None:
    """Warn of each image without alt text or of another host, naming the cell that drew it; warnings fail the build."""
    for image in doctree.findall(nodes.image):
        if "//" in image["uri"]:
            told = "The image %s stands on another host: put it beside the page, with its licence."
            logger.warning(told, image["uri"], location=find_line(image))
        if image.get("alt", "").strip():
            continue
        cell = find_cell(image)
        if cell is None:
            told = "The image %s has no alt text: say what it shows."
            logger.warning(told, image["uri"], location=find_line(image))
            continue
        first = next((line for line in first_code(cell).splitlines() if line.strip()), "")
        logger.warning(
            "The figure drawn by cell %d ('%s') has no alt text: say what it shows in the cell's mystnb image alt.",
            cell["cell_index"] + 1,
            first[:60],
            location=cell,
        )


def find_cell(node: nodes.Node) -> nodes.container | None:
    """The code cell that a node stands in, if any."""
    while node is not None and not (isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"):
        node = node.parent
    return node


def find_line(node: nodes.Node) -> nodes.Node:
    """The node itself, or the nearest around it that knows its line."""
    while not node.line and node.parent is not None:
        node = node.parent
    return node


def first_code(cell: nodes.container) -> str:
    """The source of a cell."""
    return next((block.astext() for block in cell.findall(nodes.literal_block)), "")


def setup(app) -> dict:
    app.connect("doctree-read", check_images)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
