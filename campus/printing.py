"""A module on paper: its pages as one PDF, tagged for screen readers, with an outline, from the built book."""

from pathlib import Path

from campus import folders
from campus.browser import Visit
from campus.errors import CampusError
from campus.pages import serve
from campus.site_check import browse
from campus.syllabus import Module, read_syllabus

PLACE = folders.BUILD / "print"
APPEND = folders.ROOT / "campus" / "static" / "print.js"
PATIENCE = 120_000  # milliseconds
MARGINS = {"top": "16mm", "bottom": "18mm", "left": "16mm", "right": "16mm"}
FOOTER = """
<div style="font: 8pt sans-serif; width: 100%; padding: 0 16mm; display: flex; justify-content: space-between">
<span class="title"></span><span><span class="pageNumber"></span> of <span class="totalPages"></span></span></div>"""


def print_module(
    name: str, target: Path | None = None, site: Path = folders.SITE, modules: list[Module] | None = None
) -> Path:
    """Print a module, named by its number or folder, as a PDF; return where it is."""
    module = find_module(name, modules or read_syllabus())
    pages = [f"modules/{module.folder}/index.html", *(f"modules/{one.name}.html" for one in module.sessions)]
    missing = [page for page in pages if not (site / page).is_file()]
    if missing:
        raise CampusError(f"The book has no page {missing[0]} yet: run 'make book' first.")
    target = target or PLACE / f"{module.folder}.pdf"
    target.parent.mkdir(parents=True, exist_ok=True)
    with serve(site) as address, browse() as browser:
        visit = Visit(browser, color_scheme="light")
        page = visit.context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(f"{address}/{pages[0]}")
        page.evaluate(APPEND.read_text(), pages[1:])
        page.pdf(
            path=target,
            format="A4",
            margin=MARGINS,
            tagged=True,
            outline=True,
            print_background=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOTER,
        )
    return target


def find_module(name: str, modules: list[Module]) -> Module:
    """A module by its number or folder."""
    found = [module for module in modules if name in (module.folder, str(module.number))]
    if not found:
        known = ", ".join(module.folder for module in modules)
        raise CampusError(f"There is no module '{name}': name one of {known}, or its number.")
    return found[0]
