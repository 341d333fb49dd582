"""What a page must be before it is published: every image from here, with an alt text of its own."""

import re

from course_pictures import absent_picture
from docutils import nodes
from sphinx.util import logging

logger = logging.getLogger(__name__)
FEWEST_WORDS = 4
KINDS = "image|picture|photo|photograph|figure|graph|chart|plot|diagram|drawing|screenshot|map|table"
GENERIC = re.compile(
    rf"^(?:an?|the|this|these)?\s*(?:{KINDS})s?\b\s*(?:of|shows?|showing|for|from|with)?\b", re.IGNORECASE
)


def check_images(app, doctree: nodes.document) -> None:
    """Warn of each image of another host or without an alt text that says what it shows; warnings fail the build."""
    told = app.env.course_alts = getattr(app.env, "course_alts", {})
    told[app.env.docname] = []
    for image in doctree.findall(lambda node: isinstance(node, (nodes.image, absent_picture))):
        if "//" in image["uri"]:
            said = "The image %s stands on another host: put it beside the page, with its licence."
            logger.warning(said, image["uri"], location=find_line(image))
        alt = " ".join(image.get("alt", "").split())
        fault = find_fault(alt, find_caption(image))
        if fault:
            logger.warning("%s %s", name_image(image), fault, location=find_cell(image) or find_line(image))
        else:
            told[app.env.docname].append((alt, image["uri"], name_image(image)))


def find_fault(alt: str, caption: str) -> str:
    """What is wrong with an alt text, and what to do; nothing where it says what the image shows."""
    if not alt:
        return "has no alt text: say what it shows."
    if len(GENERIC.sub("", alt).split()) < FEWEST_WORDS or re.search(r"\.(?:png|svg|jpe?g|gif|webp)$", alt):
        return f"has an alt text that fits any image ('{alt}'): say what it shows."
    if alt.rstrip(".") == caption.rstrip("."):
        return "repeats its caption as alt text, which is then read twice: say what can be seen."
    return ""


def find_caption(image: nodes.image) -> str:
    """The caption of the figure that an image stands in, or nothing."""
    figure = image.parent
    while figure is not None and not isinstance(figure, nodes.figure):
        figure = figure.parent
    caption = figure and next(iter(figure.findall(nodes.caption)), None)
    return " ".join(caption.astext().split()) if caption else ""


def name_image(image: nodes.image) -> str:
    """An image as its author knows it: the file, or the cell that drew it with its first line."""
    cell = find_cell(image)
    if cell is None:
        return f"The image {image['uri']}"
    first = next((line for line in first_code(cell).splitlines() if line.strip()), "")
    return f"The figure drawn by cell {cell['cell_index'] + 1} ('{first[:60]}')"


def check_repeats(app, env) -> None:
    """Warn of each alt text that says the same of two images, on whichever pages."""
    seen: dict[str, tuple[str, str]] = {}
    for page, alts in sorted(getattr(env, "course_alts", {}).items()):
        for alt, uri, name in alts:
            first_page, first_uri = seen.setdefault(alt.casefold(), (page, uri))
            if uri != first_uri:
                logger.warning(
                    "%s has the alt text of another image on %s: '%s'.", name, first_page, alt, location=page
                )


def forget_page(app, env, page: str) -> None:
    """Let go of what was known of a page that is read again or gone."""
    getattr(env, "course_alts", {}).pop(page, None)


def merge_pages(app, env, pages: list[str], other) -> None:
    """Take over what a parallel reader found."""
    env.course_alts = getattr(env, "course_alts", {}) | {
        page: alts for page, alts in getattr(other, "course_alts", {}).items() if page in pages
    }


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
    app.connect("env-updated", check_repeats)
    app.connect("env-purge-doc", forget_page)
    app.connect("env-merge-info", merge_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
