"""Are the one stylesheet and the one script whole, and does what frames every page answer?"""

import re
from importlib.util import find_spec
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import expect

from campus.book import build_book
from campus.folders import BOOK, SITE
from campus.pages import serve
from campus.syllabus import list_sessions
from campus.web import keep_for

from .reader import browse, read

PHONE = {"width": 412, "height": 900}
THEME = "document.documentElement.dataset.theme"


@pytest.fixture(scope="module")
def session() -> str:
    """The address within the site of a session's page, built if it is not."""
    build_book()
    return f"modules/{list_sessions()[2].name}.html"


@pytest.fixture
def style():
    """A function that makes a stylesheet of one, by the names that are known."""
    from course_assets import make_style

    return lambda text, *names: make_style((text,), frozenset(names))


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        (".known{color:red}", ".known{color:red}"),
        (".known .strange{color:red}", ""),
        (".known,.strange{color:red}", ".known{color:red}"),
        ("p:not(.strange){color:red}", "p:not(.strange){color:red}"),
        ("@media print{.strange{color:red}}", ""),
        ("@media print{.known{color:red}}", "@media print{.known{color:red}}"),
        ("@font-face{font-family:x}", ""),
        (":root{--one:1;--two:var(--three);--three:3}p{width:var(--two)}", "--two:var(--three)"),
        ('.known{--icon:url("data:image/svg+xml;{}")}p{mask:var(--icon)}', '--icon:url("data:image/svg+xml;{}")'),
    ],
)
def test_does_a_rule_stay_where_it_may_match(style, rule, kept):
    made = style(rule, "known")
    assert kept in made and "strange" not in made.replace(":not(.strange)", "") and "--one" not in made
    assert bool(made) == bool(kept)


def test_is_no_rule_left_out_whose_classes_a_page_has(session):
    """A rule goes where one of its classes is not known; so each class on a page has to be known."""
    from course_assets import read_names

    pages = [path.read_text(encoding="utf-8") for path in SITE.rglob("*.html")]
    used = {name for page in pages for found in re.findall(r' class="([^"]*)"', page) for name in found.split()}
    packages = [Path(find_spec(name).submodule_search_locations[0]) for name in ("sphinx_book_theme", "myst_nb")]
    packages += [Path(find_spec("pydata_sphinx_theme").submodule_search_locations[0])]
    styles = [path.read_text(encoding="utf-8") for folder in packages for path in folder.rglob("*.css")]
    ruled = {name for style in styles for name in re.findall(r"\.([A-Za-z_][\w-]*)", style)}
    assert len(used & ruled) > 50
    assert (used & ruled) - read_names(BOOK) == set()


def test_do_pages_load_one_stylesheet_and_one_script_beside_the_one_for_the_theme(session):
    page = (SITE / session).read_text(encoding="utf-8")
    assert [name.split("?")[0] for name in re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)] == [
        "../../_static/book.css"
    ]
    assert [name.split("?")[0] for name in re.findall(r'<script[^>]* src="([^"]+)"', page)] == [
        "../../_static/course-theme.js",
        "../../_static/book.js",
    ]


def test_has_every_image_in_a_text_its_size(session):
    for path in SITE.rglob("*.html"):
        article = path.read_text(encoding="utf-8").partition("<article")[2]
        for image in re.findall(r"<img [^>]*>", article):
            assert re.search(r' width="\d+"', image) and re.search(r' height="\d+"', image), f"{path.name}: {image}"


def test_is_code_that_looks_like_the_text_around_it_no_element_of_its_own(session):
    code = "".join(re.findall(r"<pre>.*?</pre>", (SITE / session).read_text(encoding="utf-8"), re.S))
    found = set(re.findall(r'<span class="(\w+)"', code))
    assert {"k", "nb", "s2"} <= found and not {"n", "p", "w"} & found


def test_does_the_choice_of_theme_go_round_and_stay(session):
    with serve(SITE) as address, browse(color_scheme="light") as visit:
        page = read(visit, f"{address}/{session}")
        button = page.get_by_role("button", name="Color mode")
        seen = [page.evaluate(THEME)]
        for _ in range(3):
            button.click()
            seen.append(page.evaluate(THEME))
        assert seen == ["light", "dark", "light", "light"]
        button.click()
        page.reload()
        assert page.evaluate(THEME) == "dark"


def test_does_a_page_follow_the_system_when_it_turns_dark(session):
    with serve(SITE) as address, browse(color_scheme="light") as visit:
        page = read(visit, f"{address}/{session}")
        page.emulate_media(color_scheme="dark")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize("name", ["primary", "secondary"])
def test_do_contents_open_on_a_phone_and_give_the_focus_back(session, name):
    with serve(SITE) as address, browse(viewport=PHONE) as visit:
        page = read(visit, f"{address}/{session}")
        links = page.locator(f"#pst-{name}-sidebar-modal a")
        button = page.locator(f".{name}-toggle")
        button.focus()
        page.keyboard.press("Enter")
        expect(links.first).to_be_visible()
        page.keyboard.press("Escape")
        expect(links).to_have_count(0)
        assert button.evaluate("button => document.activeElement === button")
        button.click()
        links.first.click()
        expect(page.locator("dialog[open]")).to_have_count(0)


def test_do_contents_fold_away_on_a_wide_screen(session):
    with serve(SITE) as address, browse() as visit:
        page = read(visit, f"{address}/{session}")
        contents = page.locator("#pst-primary-sidebar")
        page.locator(".primary-toggle").click()
        expect(contents).to_be_hidden()
        page.locator(".primary-toggle").click()
        expect(contents).to_be_visible()


def test_does_ctrl_k_open_the_search_and_lead_to_a_page_with_the_words_marked(session):
    with serve(SITE) as address, browse() as visit:
        page = read(visit, f"{address}/{session}")
        page.keyboard.press("Control+k")
        page.keyboard.type("erlang")
        page.keyboard.press("Enter")
        page.locator("#search-results li a").first.click()
        page.wait_for_load_state("load")
        marked = "() => [...CSS.highlights.get('course-found') ?? []].map(range => range.toString().toLowerCase())"
        assert set(page.evaluate(marked)) == {"erlang"}
        page.keyboard.press("Escape")
        assert page.evaluate(marked) == []


def test_is_the_heading_that_was_asked_for_marked_in_the_contents_of_the_page(session):
    with serve(SITE) as address, browse() as visit:
        page = read(visit, f"{address}/{session}")
        link = page.locator("#pst-page-toc-nav a").last
        link.click()
        expect(link).to_have_attribute("aria-current", "true")
        expect(page.locator("#pst-page-toc-nav [aria-current]")).to_have_count(1)


def test_is_the_heading_above_marked_for_who_jumps_into_the_middle_of_a_part(session):
    with serve(SITE) as address, browse(reduced_motion="reduce") as visit:
        page = read(visit, f"{address}/{session}")
        page.evaluate("window.scrollTo(0, 0)")
        current = page.locator("#pst-page-toc-nav [aria-current]")
        expect(current).to_have_count(0)
        link = page.locator("#pst-page-toc-nav a").nth(3)
        jump = "part => { document.querySelector(part).scrollIntoView(); window.scrollBy(0, 200); }"
        page.evaluate(jump, link.get_attribute("href"))
        expect(current).to_have_text(link.inner_text())


def test_is_code_copied_as_it_stands(session):
    with serve(SITE) as address, browse(permissions=["clipboard-read", "clipboard-write"]) as visit:
        page = read(visit, f"{address}/{session}")
        code = page.locator("div.cell_input div.highlight").first
        code.scroll_into_view_if_needed()
        code.get_by_role("button").click()
        expect(code.get_by_role("button")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == code.locator("pre").text_content().rstrip()


def test_is_code_selected_where_it_may_not_be_copied(session):
    with serve(SITE) as address, browse() as visit:
        page = read(visit, f"{address}/{session}")
        page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error()); }")
        code = page.locator("div.cell_input div.highlight").first
        code.scroll_into_view_if_needed()
        code.get_by_role("button").click()
        expect(code.get_by_role("button")).to_have_text("Selected: press Ctrl+C")
        assert page.evaluate("getSelection().toString()").strip() == code.locator("pre").inner_text().strip()


def test_can_code_wider_than_a_phone_be_reached_by_keyboard_and_no_other(session):
    with serve(SITE) as address, browse(viewport=PHONE) as visit:
        page = read(visit, f"{address}/{session}")
        page.add_style_tag(content="* { content-visibility: visible !important }")
        code = page.locator("div.cell_input pre")
        expect(code.locator("visible=true").first).to_be_visible()
        wrong = "part => part.clientWidth && (part.scrollWidth > part.clientWidth) !== (part.tabIndex === 0)"
        page.wait_for_function(f"![...document.querySelectorAll('div.cell_input pre')].some({wrong})")
        assert code.evaluate_all("parts => new Set(parts.map(part => part.tabIndex)).size") == 2


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("/_static/book.css?v=0a1b2c3d", True),
        (f"/_images/{'a' * 64}.png", True),
        ("/_images/assignment-submit.png", False),
        ("/index.html", False),
        ("/index.html?v=1", False),
    ],
)
def test_is_a_file_kept_by_the_browser_where_its_address_changes_with_it(address, kept):
    assert (keep_for(address) != "no-cache") == kept


def test_does_the_campus_send_the_stylesheet_compressed_and_to_be_kept(session):
    with serve(SITE) as address:
        style = re.search(r'href="../../(_static/book.css[^"]+)"', (SITE / session).read_text(encoding="utf-8"))[1]
        asked = Request(f"{address}/{style}", headers={"Accept-Encoding": "gzip"})
        with urlopen(asked) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            assert answer.headers["Cache-Control"].endswith("immutable")
