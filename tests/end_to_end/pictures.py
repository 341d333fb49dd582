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
    " e.style.outlineOffset = e.matches('li, td') ? '-3px' : '3px' }"  # within what would cut it off
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


def frame(page: Page, parts: list[Locator]) -> dict[str, float]:
    """The rectangle of the page that holds these parts, with room around them."""
    boxes = [box for part in parts if (box := part.bounding_box())]
    across, down = page.evaluate("[window.scrollX, window.scrollY]")
    left = max(min(box["x"] for box in boxes) + across - ROOM, 0)
    top = max(min(box["y"] for box in boxes) + down - ROOM, 0)
    right = max(box["x"] + box["width"] for box in boxes) + across + ROOM
    bottom = max(box["y"] + box["height"] for box in boxes) + down + ROOM
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
