"""On paper: is everything there, nothing cut, and no control left? And is a module's PDF whole and tagged?"""

import re

import pytest

from campus.book import build_book, read_modules
from campus.errors import CampusError
from campus.folders import SITE
from campus.pages import serve
from campus.printing import print_module
from campus.syllabus import list_sessions

from .reader import browse

PAPER = {"width": 680, "height": 1000}  # A4 less its margins, in CSS pixels
EDGE = "document.documentElement.clientWidth + 1"
SEEN = "part.checkVisibility({visibilityProperty: true, opacityProperty: true})"
CUT = f"""() => [...document.querySelectorAll("article :is(pre, table, img, math)")]
  .filter(part => {SEEN} && part.getBoundingClientRect().right > {EDGE}).map(part => part.outerHTML.slice(0, 120))"""
CONTROLS = f"""() => [...document.querySelectorAll("button, input, nav, .bd-sidebar, .course-actions, .headerlink")]
  .filter(part => {SEEN}).map(part => part.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def printed():
    """Every session of the real book as it goes on paper: its page's name, what is cut, controls left, folds shut."""
    build_book()
    found = {}
    with serve(SITE) as address, browse(viewport=PAPER, color_scheme="light") as visit:
        page = visit.context.new_page()
        page.emulate_media(media="print")
        for session in list_sessions():
            page.goto(f"{address}/modules/{session.name}.html", wait_until="networkidle")
            shut = page.locator("details.course-solution > :not(summary)").filter(visible=False).count()
            found[session.name] = (page.evaluate(CUT), page.evaluate(CONTROLS), shut)
    return found


def test_is_nothing_cut_off_at_the_edge_of_the_paper(printed):
    assert {name: cut for name, (cut, _, _) in printed.items() if cut} == {}


def test_is_no_control_left_on_paper(printed):
    assert {name: controls for name, (_, controls, _) in printed.items() if controls} == {}


def test_are_worked_solutions_open_on_paper(printed):
    assert {name: shut for name, (_, _, shut) in printed.items() if shut} == {}


def test_is_a_modules_pdf_tagged_and_has_all_its_pages_in_its_outline(built, tmp_path):
    file = print_module("3", tmp_path / "module.pdf", built.site, read_modules(built))
    content = file.read_bytes()
    assert content.startswith(b"%PDF") and b"/StructTreeRoot" in content and b"/Lang (en-GB)" in content
    titles = [title.decode("latin-1") for title in re.findall(rb"/Title \((.*?)\)", content)]
    assert any("Queues" in title for title in titles) and any("A clinic: who waits?" in title for title in titles)


def test_is_a_module_that_does_not_exist_told_with_those_that_do(built):
    with pytest.raises(CampusError, match="no module '12': name one of 03-queues"):
        print_module("12", None, built.site, read_modules(built))


def test_is_a_page_that_is_not_built_told(built, tmp_path):
    with pytest.raises(CampusError, match="run 'make book' first"):
        print_module("3", tmp_path / "module.pdf", tmp_path, read_modules(built))
