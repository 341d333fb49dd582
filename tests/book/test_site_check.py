"""Does the site check find what is wrong, and are sample pages of the real book without fault?"""

import base64

import pytest

from campus.book import build_book
from campus.errors import CampusError
from campus.folders import SITE
from campus.pages import serve
from campus.reading_ease import count_syllables, reading_ease
from campus.site_check import FAULTS, WEIGHT_REACH, check_site, count_faults, make_report, read_html
from campus.syllabus import list_sessions

from .reader import browse

DOT = base64.b64decode("R0lGODlhAQABAAAAACwAAAAAAQABAAA=")
HEAD = '<!doctype html><html lang="en-GB"><head><title>{title}</title><script src="theme.js"></script></head>'
THEME = """const system = matchMedia("(prefers-color-scheme: dark)");
const choose = () => { document.documentElement.dataset.theme = system.matches ? "dark" : "light"; };
system.onchange = choose; choose();"""
GOOD = """<body><main><h1>Good</h1>
<article><p>Two words. <a href="bad.html#here">An anchor</a></p></article></main></body></html>"""
BAD = """<body><main><h1 id="here">Bad</h1>
<p style="color: #888; background: #fff">Grey on white in light.</p>
<details><summary>Open me</summary><p style="color: #999; background: #fff">Grey within a fold.</p></details>
<p style="width: 500px; background: #fff; color: #000">Wider than a phone.</p>
<img src="one.gif" alt="A dot that both show"><img src="two.gif" alt="A dot that both show"><img src="three.gif">
<img src="https://elsewhere.example/four.gif" alt="A dot from elsewhere">
<a href="gone.html">Gone</a> <a href="good.html#nowhere">No such anchor</a> <a href="../open/none.ipynb">No notebook</a>
<a href="https://example.org/book">A reference</a>
<script>document.title = "never";</script></main></body></html>"""


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """Both pages of a site, one good and one with a fault of each kind, as the check found them."""
    site = tmp_path_factory.mktemp("site")
    (site / "theme.js").write_text(THEME)
    (site / "good.html").write_text(HEAD.format(title="Good") + GOOD)
    (site / "bad.html").write_text(HEAD.format(title="Bad") + BAD)
    for name in ("one", "two", "three"):
        (site / f"{name}.gif").write_bytes(DOT)
    return {page.name: page for page in check_site(site=site)}


def test_is_a_page_without_fault_found_without_fault(checked):
    good = checked["good.html"]
    assert {kind: getattr(good, kind) for kind in FAULTS} == {kind: [] for kind in FAULTS}


def test_is_poor_contrast_found_in_each_view_and_within_folds(checked):
    found = [one for one in checked["bad.html"].violations if one["rule"] == "color-contrast"]
    assert {(one["width"], one["theme"]) for one in found} == {
        (width, theme) for width in ("wide", "narrow") for theme in ("light", "dark")
    }
    assert any("details" in one["target"] for one in found)


def test_are_an_image_elsewhere_and_a_script_within_the_page_refused_by_the_policy(checked):
    errors = "\n".join(checked["bad.html"].errors)
    assert "elsewhere.example" in errors and "inline script" in errors
    assert checked["bad.html"].title == "Bad" and checked["bad.html"].outside == []


def test_is_an_image_of_another_host_counted_where_no_policy_stops_it(tmp_path, monkeypatch):
    monkeypatch.setattr("campus.web.BOOK_POLICY", "default-src * 'unsafe-inline'")
    (tmp_path / "theme.js").write_text(THEME)
    (tmp_path / "bad.html").write_text(HEAD.format(title="Bad") + BAD)
    assert check_site(site=tmp_path)[0].outside == ["https://elsewhere.example/four.gif"]


def test_does_a_page_that_is_wider_than_a_phone_count(checked):
    assert [said.split(":")[0] for said in checked["bad.html"].too_wide] == ["narrow"]


def test_are_broken_links_anchors_and_notebooks_found_and_references_listed(checked):
    bad = checked["bad.html"]
    assert bad.broken == ["../open/none.ipynb", "gone.html", "good.html#nowhere"]
    assert bad.external == ["https://example.org/book"]


def test_are_missing_and_repeated_alt_texts_found(checked):
    assert [said.split(" has ")[0] for said in checked["bad.html"].alts] == ["one.gif", "two.gif", "three.gif"]


def test_does_the_report_count_what_the_pages_have(checked):
    from datetime import date

    report = make_report(list(checked.values()), date(2026, 11, 25))
    assert report["faults"]["broken"] == 3 and report["date"] == "2026-11-25"
    assert report["external"] == {"https://example.org/book": ["bad.html"]}


def test_is_a_page_that_does_not_exist_refused(tmp_path):
    (tmp_path / "one.html").write_text("<title>One</title>")
    with pytest.raises(CampusError, match="no page 'two.html'"):
        check_site(site=tmp_path, names=["two.html"])


def test_is_a_site_that_is_not_built_told(tmp_path):
    with pytest.raises(CampusError, match="run 'make book' first"):
        check_site(site=tmp_path)


@pytest.mark.parametrize(
    ("word", "syllables"),
    [("queue", 1), ("waited", 2), ("people", 2), ("three", 1), ("simulation", 4), ("reading", 2), ("nurse's", 1)],
)
def test_are_syllables_counted(word, syllables):
    assert count_syllables(word) == syllables


def test_is_reading_ease_flesch_s():
    assert reading_ease(["The cat sat on the mat."]) == pytest.approx(206.835 - 1.015 * 6 - 84.6)
    assert reading_ease(["", "123"]) is None


def test_is_prose_what_is_neither_code_nor_table():
    page = read_html(
        "<article><p>One <code>two</code> three.</p><table><tr><td><p>Four</p></td></tr></table></article>"
    )
    assert page.prose == ("One three.",)


def test_are_images_weighed_that_come_only_when_they_are_near(tmp_path):
    (tmp_path / "theme.js").write_text(THEME)
    (tmp_path / "one.gif").write_bytes(DOT)
    far = '<body><div style="height: 90000px"></div><img loading="lazy" src="one.gif" alt="A dot">'
    (tmp_path / "far.html").write_text(HEAD.format(title="Far") + far + '<div style="height: 90000px"></div></body>')
    assert check_site(site=tmp_path)[0].bytes["image"] == len(DOT)


def test_has_a_sample_of_the_real_pages_no_fault_and_little_weight():
    build_book()
    session = list_sessions()[0].name
    sample = ["index.html", "search.html", f"modules/{session.split('/')[0]}/index.html", f"modules/{session}.html"]
    pages = check_site(site=SITE, names=sample)
    assert count_faults(pages) == dict.fromkeys(FAULTS, 0), [(page.name, page) for page in pages if page.faults]
    assert {page.name: page.weight for page in pages if page.weight > WEIGHT_REACH} == {}


def test_does_the_policy_stop_every_other_host_before_it_is_asked():
    build_book()
    with serve(SITE) as address, browse() as visit:
        page = visit.context.new_page()
        page.goto(f"{address}/index.html")
        asked = "fetch('https://elsewhere.example/').then(() => 'answered', error => error.name)"
        assert page.evaluate(asked) == "TypeError"
    assert visit.outside == []
