"""The site check: every page of the built book, in a real browser and by its text.

Axe-core looks at each page for violations of WCAG 2.0 to 2.2, A and AA, in light and dark, wide and narrow, with every
fold open. Requests to other hosts are stopped and counted; links, anchors, downloads and alt texts are followed in the
files themselves.
"""

import functools
import gzip
import json
import posixpath
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from campus import folders
from campus.browser import QUIET, Visit, ensure_chromium
from campus.errors import CampusError
from campus.pages import serve
from campus.reading_ease import reading_ease

REPORT = folders.BUILD / "site-check" / "site-check.json"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")  # WCAG 2.2 has no rule of level A that axe can test
THEMES = ("light", "dark")
WIDTHS = {"wide": 1280, "narrow": 320}
VIEWS = tuple((width, theme) for width in WIDTHS for theme in THEMES)
PATIENCE = 60_000  # milliseconds
WEIGHT_REACH = 500_000  # bytes of a page compressed, before figures
FIGURES = ("image", "media")
CAMPUS_ADDRESSES = ("", "workspace", "open/", "services/")  # pages of the hub that the book leads to

RUN_AXE = """rules => axe.run(document, {runOnly: {type: 'tag', values: rules}, preload: false,
  resultTypes: ['violations']})
  .then(found => found.violations.flatMap(({id, impact, help, nodes}) => nodes.map(node =>
    ({rule: id, impact, help, target: node.target.join(' '), html: node.html.slice(0, 200)}))))"""
SHOW_ALL = "* { content-visibility: visible !important; }"  # axe looks at what is laid out
FETCH_IMAGES = "[...document.images].forEach(image => { image.loading = 'eager'; })"  # else when near
OPEN_FOLDS = "document.querySelectorAll('details').forEach(fold => { fold.open = true; })"
SETTLE = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"  # what scrolls is found


@dataclass(frozen=True)
class Read:
    """What the text of one page says: its anchors, links, images with their alt texts (None: none), and prose."""

    title: str
    anchors: frozenset[str]
    links: tuple[str, ...]
    images: tuple[tuple[str, str | None], ...]
    prose: tuple[str, ...]


@dataclass
class Checked:
    """What was found on one page."""

    name: str
    title: str
    reading_ease: float | None
    words: int
    violations: list[dict] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    too_wide: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    alts: list[str] = field(default_factory=list)
    external: list[str] = field(default_factory=list)
    bytes: dict[str, int] = field(default_factory=dict)

    @property
    def weight(self) -> int:
        """Bytes compressed, before figures."""
        return sum(size for kind, size in self.bytes.items() if kind not in FIGURES)

    @property
    def faults(self) -> int:
        """How many things on it have to be mended."""
        return sum(len(getattr(self, kind)) for kind in FAULTS)


FAULTS = {
    "violations": "Violations of WCAG 2.0 to 2.2, A and AA",
    "outside": "Requests to other hosts",
    "errors": "Script errors and refusals by the content policy",
    "too_wide": "Views that scroll sideways",
    "broken": "Broken links, anchors and downloads",
    "alts": "Missing or repeated alt texts",
}


def check_site(
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    site: Path = folders.SITE,
    names: list[str] | None = None,
) -> list[Checked]:
    """Every page of a built site, or the named ones, with what was found on it."""
    pages = read_site(site)
    unknown = [name for name in names or [] if name not in pages]
    if unknown:
        raise CampusError(f"The site has no page '{unknown[0]}': name pages as modules/03-queues/index.html.")
    checked = [check_text(name, site, pages) for name in names or pages]
    add_alt_faults(checked, pages)
    with serve(site) as address, browse() as browser:
        for done, page in enumerate(checked):
            progress(page.name, done, len(checked))
            visit_page(page, address, browser)
    progress("", len(checked), len(checked))
    return checked


# The text of the pages


class Reader(HTMLParser):
    """Collects what `Read` holds from a page's HTML."""

    PROSE = ("p", "li", "dd", "figcaption")
    NOT_PROSE = ("pre", "code", "math", "table", "svg", "script", "style", "nav")
    VOID = ("area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr")

    def __init__(self):
        super().__init__()
        self.anchors, self.links, self.images, self.prose = set(), [], [], []
        self.title, self.open, self.article = "", [], 0

    def handle_starttag(self, tag: str, attributes: list) -> None:
        found = dict(attributes)
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag == "img":
            self.images.append((found.get("src") or "", found.get("alt")))
        if tag not in self.VOID:
            self.open.append(tag)
            if tag in self.PROSE and "article" in self.open and not self.shut_off():
                self.prose.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, text: str) -> None:
        if self.open and self.open[-1] == "title" and "svg" not in self.open:
            self.title += text
        inside = "article" in self.open and any(tag in self.open for tag in self.PROSE)
        if inside and not self.shut_off() and self.prose:
            self.prose[-1] += text

    def shut_off(self) -> bool:
        """Whether what is read now is code, a formula or a table."""
        return any(tag in self.open for tag in self.NOT_PROSE)


def read_html(html: str) -> Read:
    """A page from its HTML."""
    reader = Reader()
    reader.feed(html)
    prose = tuple(" ".join(text.split()) for text in reader.prose if text.strip())
    title = " ".join(reader.title.split())
    return Read(title, frozenset(reader.anchors), tuple(reader.links), tuple(reader.images), prose)


def read_site(site: Path) -> dict[str, Read]:
    """Every page of a built site by its name."""
    names = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html") if "_static" not in path.parts)
    if not names:
        raise CampusError("The book is not built yet: run 'make book' first.")
    return {name: read_html((site / name).read_text(encoding="utf-8")) for name in names}


def check_text(name: str, site: Path, pages: dict[str, Read]) -> Checked:
    """What the files alone tell of a page."""
    page = pages[name]
    ease = reading_ease(list(page.prose))
    words = sum(len(text.split()) for text in page.prose)
    checked = Checked(name, page.title, None if ease is None else round(ease, 1), words)
    checked.external = sorted({link for link in page.links if urlsplit(link).scheme in ("http", "https")})
    checked.broken = sorted({link for link in page.links if is_broken(link, name, site, pages)})
    return checked


def is_broken(link: str, name: str, site: Path, pages: dict[str, Read]) -> bool:
    """Whether a link within the book leads to a file, page or anchor that is not there."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return False
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path))) if parts.path else name
    if target == ".." or target.startswith("../"):
        return not leads_to_campus(target.removeprefix("..").lstrip("/"), site)
    if (site / target).is_dir():
        target = posixpath.join(target, "index.html")
    if not (site / target).is_file():
        return True
    anchor = unquote(parts.fragment)
    return bool(anchor) and target in pages and anchor not in pages[target].anchors


def leads_to_campus(target: str, site: Path) -> bool:
    """Whether an address beside the book is one that campus.web answers; a notebook to open has to be on the site."""
    if target.startswith("open/"):
        return (site / "notebooks" / target.removeprefix("open/")).is_file()
    return target in CAMPUS_ADDRESSES


def add_alt_faults(checked: list[Checked], pages: dict[str, Read]) -> None:
    """Tell of each image without an alt text, and of each text that says the same of two images."""
    shown = {}
    for page in pages.values():
        for source, alt in page.images:
            if alt:
                shown.setdefault(alt.strip(), set()).add(posixpath.basename(source))
    for page in checked:
        for source, alt in pages[page.name].images:
            if alt is None or (not alt.strip() and "_static/" not in source):
                page.alts.append(f"{posixpath.basename(source)} has no alt text")
            elif alt.strip() and len(shown[alt.strip()]) > 1:
                page.alts.append(f"{posixpath.basename(source)} has the alt text of another image: {alt.strip()[:60]}")


# The browser


@contextmanager
def browse() -> Iterator:
    """A real Chromium; CampusError where it, or what drives it, is missing."""
    try:
        from playwright.sync_api import sync_playwright

        executable = ensure_chromium()
    except ModuleNotFoundError:
        raise CampusError("What drives the browser is not installed: run 'make setup-tests' first.") from None
    except RuntimeError as error:
        raise CampusError(str(error)) from None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(QUIET))
        try:
            yield browser
        finally:
            browser.close()


def visit_page(checked: Checked, address: str, browser) -> None:
    """Look at one page in every view, and add what was found."""
    visit = Visit(browser, viewport={"width": WIDTHS["wide"], "height": 900}, reduced_motion="reduce")
    page = visit.context.new_page()
    page.set_default_timeout(PATIENCE)
    responses = []
    page.on("response", lambda response: responses.append(response))
    page.on("pageerror", lambda error: checked.errors.append(f"script: {error}"))
    page.on("console", lambda said: checked.errors.append(said.text) if said.type == "error" else None)
    try:
        page.goto(f"{address}/{checked.name}")
        page.evaluate(FETCH_IMAGES)
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        page.wait_for_load_state("networkidle")
        checked.bytes = weigh(responses)
        for width in WIDTHS:
            look(page, width, checked)
    finally:
        visit.context.close()
    checked.outside = sorted(set(visit.outside))


def look(page, width: str, checked: Checked) -> None:
    """Run axe on the page as it opens at one width, in light and in dark, and see that nothing sticks out of it."""
    page.set_viewport_size({"width": WIDTHS[width], "height": 900})
    page.reload()
    page.wait_for_load_state("networkidle")
    page.evaluate(read_axe())
    page.add_style_tag(content=SHOW_ALL)
    page.evaluate(OPEN_FOLDS)
    page.evaluate(SETTLE)
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > WIDTHS[width]:
        checked.too_wide.append(f"{width}: {wide} pixels")
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        page.locator(f'html[data-theme="{theme}"]').wait_for(state="attached")
        found = page.evaluate(RUN_AXE, list(RULES))
        checked.violations += [{"width": width, "theme": theme, **violation} for violation in found]


@functools.cache
def read_axe() -> str:
    """The script of axe-core."""
    from axe_playwright_python.base import AXE_SCRIPT

    return AXE_SCRIPT


@functools.cache
def axe_version() -> str:
    """The version of axe-core, as its script says."""
    return read_axe()[:80].split("axe v")[1].split()[0]


def weigh(responses: list) -> dict[str, int]:
    """Bytes of a page by kind of file, each compressed as a server sends it."""
    sizes: Counter = Counter()
    for response in {response.url: response for response in responses if response.ok}.values():
        body = response.body()
        packed = response.request.resource_type in (*FIGURES, "font") or response.url.endswith(".woff2")
        sizes[response.request.resource_type] += len(body) if packed else len(gzip.compress(body, 6))
    return dict(sizes)


# The report


def count_faults(checked: list[Checked]) -> dict[str, int]:
    """How many faults of each kind there are."""
    return {kind: sum(len(getattr(page, kind)) for page in checked) for kind in FAULTS}


def make_report(checked: list[Checked], today: date, measured: list | tuple = ()) -> dict:
    """What a run found, as plain data."""
    external: dict[str, list[str]] = {}
    for page in checked:
        for link in page.external:
            external.setdefault(link, []).append(page.name)
    return {
        "date": today.isoformat(),
        "axe": axe_version(),
        "rules": list(RULES),
        "views": [f"{WIDTHS[width]} pixels, {theme}" for width, theme in VIEWS],
        "faults": count_faults(checked),
        "pages": [{**asdict(page), "weight": page.weight} for page in checked],
        "external": external,
        "lighthouse": [asdict(page) for page in measured],
    }


def write_report(report: dict, path: Path = REPORT) -> Path:
    """Keep a run's report for the accessibility statement and for a reader of JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folders.write_whole(path, json.dumps(report, indent=1, sort_keys=True, ensure_ascii=False))
    return path
