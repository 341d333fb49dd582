"""The pictures that guides and the README show, taken from the running system while the steps are gone."""

import ast
import io
import re
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page

from campus.folders import BOOK, PICTURES, ROOT

NAMED = re.compile(r"^ *`{3,}\{picture\} (\S+)", re.MULTILINE)
OF_README = re.compile(r"\]\(docs/([\w-]+)\.png\)")
ROOM = 12  # pixels around what is shown
MARK = (
    "e => { e.dataset.before = e.style.cssText; e.style.outline = '3px solid #d4351c';"
    " e.style.outlineOffset = e.matches('li, td, th') ? '-3px' : '3px' }"  # within what would cut it off
)
PLACE = (  # on the page, whose scrolling may still go on
    "e => { const b = e.getBoundingClientRect();"
    " return [b.left + scrollX, b.top + scrollY, b.right + scrollX, b.bottom + scrollY] }"
)
UNMARK = "e => { e.style.cssText = e.dataset.before; delete e.dataset.before }"


def take(page: Page, name: str, around: Sequence[Locator] = (), mark: Sequence[Locator] = ()) -> None:
    """Keep a picture of the window, or of these parts of the page alone, with an outline around what is marked."""
    for part in mark:
        part.evaluate(MARK)
    clip = frame(page, [*around, *mark]) if around else None
    shown = page.screenshot(animations="disabled", full_page=clip is not None, clip=clip)
    for part in mark:
        part.evaluate(UNMARK)
    PICTURES.mkdir(parents=True, exist_ok=True)
    few = Image.open(io.BytesIO(shown)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    few.save(PICTURES / f"{name}.png", optimize=True)


def frame(page: Page, parts: Sequence[Locator]) -> dict[str, float]:
    """The rectangle of the page that holds these parts, with room around them."""
    boxes = [part.evaluate(PLACE) for part in parts]
    left, top = (max(min(box[side] for box in boxes) - ROOM, 0) for side in (0, 1))
    right, bottom = (max(box[side] for box in boxes) + ROOM for side in (2, 3))
    return {"x": left, "y": top, "width": right - left, "height": bottom - top}


def list_shown() -> set[str]:
    """The names of the pictures that pages of the book and the README show."""
    pages = [path.read_text(encoding="utf-8") for path in BOOK.rglob("*.md")]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return {name for page in pages for name in NAMED.findall(page)} | set(OF_README.findall(readme))


def list_made() -> set[str]:
    """The names that the steps here give to their pictures, as in `associate.picture("first-page")`."""
    found = set()
    for path in Path(__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "picture":
                found.add(ast.literal_eval(node.args[0]))
    return found
