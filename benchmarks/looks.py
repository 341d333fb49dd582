"""`make looks`: six pages at three widths, light and dark, as the stock theme draws the same sources and as ours does.

Pictures go to `build/looks/`, before on the left and after on the right; `docs/look.md` says what was changed and why.
"""

import os
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import yaml
from PIL import Image

from benchmarks.marking import console
from benchmarks.site import stock_settings
from campus import folders
from campus.book import EVERYWHERE, Places, list_staged, write_staged
from campus.errors import CampusError
from campus.pages import serve
from campus.site_check import THEMES, browse

PLACE = folders.BUILD / "looks"
PAGES = {  # the page, and how far down it is looked at
    "index": 0,
    "modules/03-queues/index": 0,
    "modules/03-queues/03-3-clinic": 0,
    "modules/03-queues/03-6-outputs": 6000,
    "modules/07-learning/07-2-risk-model": 3000,
    "guides/worked-examples": 0,
}
WIDTHS = (320, 768, 1280)
HEIGHT = 1600
GAP = 24


def main() -> None:
    """Build the stock site from the same sources, and take every picture of both."""
    stock = build_stock(PLACE / "stock")
    taken = {name: take(site) for name, site in (("before", stock), ("after", folders.SITE))}
    for key, before in taken["before"].items():
        put_side_by_side(before, taken["after"][key], PLACE / f"{key}.png")
    console.print(f"{len(taken['before'])} pictures are in {PLACE}.")


def build_stock(folder: Path) -> Path:
    """The book in the stock theme: our directives, and nothing of our styles, scripts and templates."""
    shutil.rmtree(folder, ignore_errors=True)
    staged = list_staged(EVERYWHERE)
    own = {name: text for name, text in staged.items() if not name.startswith(("_static/", "_templates/"))}
    settings = stock_settings() | {"execute": {"execute_notebooks": "off"}}
    write_staged(own | {"_config.yml": yaml.safe_dump(settings).encode()}, Places(source=folder / "source"))
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(folder / "source")]
    paths = os.pathsep.join([str(folder / "source" / "_ext"), str(folders.ROOT)])
    with (folder / "log.txt").open("w") as log:
        done = subprocess.run(
            [*command, "--path-output", str(folder)], env={**os.environ, "PYTHONPATH": paths}, stdout=log, stderr=log
        )
    if done.returncode:
        raise CampusError(f"jupyter-book could not build the stock site: {folder}/log.txt says why.")
    return folder / "_build" / "html"


def take(site: Path) -> dict[str, bytes]:
    """Pictures of every page of a site in every view, by what they show."""
    found = {}
    with serve(site) as address, browse() as browser:
        for theme in THEMES:
            for width in WIDTHS:
                context = browser.new_context(viewport={"width": width, "height": HEIGHT}, color_scheme=theme)
                page = context.new_page()
                for name, down in PAGES.items():
                    page.goto(f"{address}/{name}.html", wait_until="networkidle")
                    page.evaluate("down => window.scrollTo(0, down)", down)
                    page.wait_for_timeout(300)
                    found[f"{name.replace('/', '-')}-{width}-{theme}"] = page.screenshot()
                context.close()
    return found


def put_side_by_side(before: bytes, after: bytes, path: Path) -> None:
    """One picture of both."""
    left, right = Image.open(BytesIO(before)), Image.open(BytesIO(after))
    both = Image.new("RGB", (left.width + GAP + right.width, max(left.height, right.height)), "#808080")
    both.paste(left, (0, 0))
    both.paste(right, (left.width + GAP, 0))
    path.parent.mkdir(parents=True, exist_ok=True)
    both.save(path)


if __name__ == "__main__":
    main()
