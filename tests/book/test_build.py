"""When the book is built, what stops it, and what an author is told."""

import base64
import os
import subprocess
import sys
import threading

import pytest

from campus.book import Places, build_book, check_sources, hold, list_staged, list_tree
from campus.errors import CampusError
from campus.folders import ROOT

from .conftest import PAGE, add_to_page, figure, read_cells, write_notebook

FAULTS = """
## Faults

![](https://example.org/map.png)

A formula: $\\unheard{x} + 1$.

See [nothing](nowhere.md).

```{practice} kind=guess minutes=2
Guess.
```
"""


def refusal(places: Places) -> str:
    with pytest.raises(CampusError) as told:
        build_book(places=places)
    return str(told.value)


@pytest.fixture(scope="module")
def faulty(copy_course) -> tuple[Places, list[str]]:
    """A course whose session has one fault of each kind, and what its author is told."""
    course = copy_course()
    add_to_page(course, FAULTS, figure(figure={"caption": "A dot."}))
    return course, refusal(course).splitlines()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("![](https://example.org/map.png)", "has no alt text"),
        ("![](https://example.org/map.png)", "stands on another host"),
        ("A formula: ", "\\unheard is not known"),
        ("See [nothing]", "nowhere.md"),
        ("```{practice} kind=guess", "kind=fill-in, modify or make"),
    ],
)
def test_is_each_fault_told_with_its_file_and_line(faulty, line, words):
    course, told = faulty
    lines = (course.modules / PAGE).read_text(encoding="utf-8").splitlines()
    number = next(count for count, text in enumerate(lines, 1) if text.startswith(line))
    assert any(words in fault and f"03-3-clinic.md, line {number}: " in fault for fault in told), told


def test_does_a_figure_without_alt_text_name_its_cell(faulty):
    assert any("cell 5 ('draw(waits)') has no alt text" in fault and "03-3-clinic.md" in fault for fault in faulty[1])


def test_must_an_alt_text_say_what_this_image_alone_shows(copy_course):
    course = copy_course()
    cells = read_cells(course.modules / PAGE)
    alts = {
        "Figure of the waits": "fits any image",
        "waits by hour of the day.png": "fits any image",
        "A dot, and nothing else.": "repeats its caption",
        "One white dot on white.": None,
        "One white DOT on white.": "has the alt text of another image",
    }
    figures = [figure(image={"alt": alt}, figure={"caption": "A dot, and nothing else."}) for alt in alts]
    for number, cell in enumerate(figures):
        cell["outputs"][0]["data"]["image/png"] = base64.b64encode(f"image {number}".encode()).decode()
    write_notebook(course.executed / "03-queues" / "03-3-clinic.ipynb", [*cells, *figures])
    told = refusal(course).splitlines()[1:]
    for number, (alt, words) in enumerate(alts.items(), 4):
        assert [words in line for line in told if f"cell {number} " in line] == ([True] if words else []), alt


def test_are_faults_told_again_until_mended_and_is_the_old_site_kept(faulty):
    course, told = faulty
    assert sorted(refusal(course).splitlines()) == sorted(told)
    assert "Faults" not in (course.site / "modules" / "03-queues" / "03-3-clinic.html").read_text(encoding="utf-8")


def test_is_only_what_changed_built_again(copy_course):
    course = copy_course()
    build_book(places=course)  # the copy stands in another folder, so everything is read once more
    before = {path: path.stat().st_mtime_ns for path in course.work.rglob("*") if path.is_file()}
    build_book(places=course)
    assert before == {path: path.stat().st_mtime_ns for path in course.work.rglob("*") if path.is_file()}
    page = course.modules / "03-queues" / "index.md"
    page.write_text(page.read_text(encoding="utf-8").replace("Who waits?", "Who waits longest?"), encoding="utf-8")
    build_book(places=course)
    assert "0 added, 1 changed, 0 removed" in course.log.read_text(encoding="utf-8")
    assert "Who waits longest?" in (course.site / "modules" / "03-queues" / "index.html").read_text(encoding="utf-8")


def test_is_a_book_built_page_after_page_the_same_to_the_byte_as_one_built_side_by_side(built, tmp_path):
    one = "import os, sys; os.cpu_count = lambda: 1; from campus.builder import main; sys.exit(main())"
    command = [sys.executable, "-c", one, str(built.source), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    made = {path.relative_to(built.html): path.read_bytes() for path in list_tree(built.html)}
    again = tmp_path / "_build" / "html"
    assert {path.relative_to(again): path.read_bytes() for path in list_tree(again)} == made


def test_does_a_page_taken_out_leave_the_site_and_a_hub_elsewhere_enter_the_links(copy_course, monkeypatch):
    course = copy_course()
    guide = "  - file: guides/first-day\n"
    toc = course.book / "_toc.yml"
    longer = toc.read_text(encoding="utf-8").replace(guide, f"{guide}  - file: guides/second\n")
    toc.write_text(longer, encoding="utf-8")
    (course.book / "guides" / "second.md").write_text("# Second\n", encoding="utf-8")
    build_book(places=course)
    assert (course.site / "guides" / "second.html").exists()
    toc.write_text(longer.replace("  - file: guides/second\n", ""), encoding="utf-8")
    monkeypatch.setenv("CAMPUS_HUB_URL", "https://hub.example.org/")
    build_book(places=course)
    assert not (course.site / "guides" / "second.html").exists()
    page = (course.site / "modules" / "03-queues" / "03-3-clinic.html").read_text(encoding="utf-8")
    assert 'href="https://hub.example.org/services/campus/open/03-queues/03-3-clinic.ipynb"' in page
    assert 'href="https://hub.example.org/services/campus/"' in page


def test_does_a_second_build_wait_for_the_first(built):
    order = []
    with hold(built):
        second = threading.Thread(target=lambda: (build_book(places=built), order.append("second")))
        second.start()
        second.join(timeout=0.5)
        order.append("first")
    second.join(timeout=120)
    assert order == ["first", "second"]


def test_must_every_session_written_be_in_the_table_of_contents(copy_course):
    course = copy_course()
    (course.modules / "03-queues" / "03-4-stray.md").write_text("---\n---\n", encoding="utf-8")
    with pytest.raises(CampusError, match="03-4-stray.md is not in book/_toc.yml"):
        check_sources(course)


def test_must_a_session_have_its_notebooks(copy_course):
    course = copy_course()
    (course.executed / "03-queues" / "03-3-clinic.ipynb").unlink()
    with pytest.raises(CampusError, match="run 'make notebooks' first"):
        check_sources(course)


def test_must_a_file_be_named_after_its_code(copy_course):
    course = copy_course()
    source = course.modules / PAGE
    source.write_text(source.read_text(encoding="utf-8").replace("3.3", "3.5"), encoding="utf-8")
    with pytest.raises(CampusError, match="its name must start with that code"):
        check_sources(course)


def test_is_a_file_that_a_page_includes_taken_in_from_where_the_page_is_written(copy_course):
    course = copy_course()
    guide = course.book / "guides" / "first-day.md"
    guide.write_text("# First\n\n```{include} ../../speed.md\n```\n\nAfter.\n", encoding="utf-8")
    (course.book.parent / "speed.md").write_text("| how | fast |\n| --- | --- |\n", encoding="utf-8")
    assert list_staged(course)["guides/first-day.md"] == b"# First\n\n| how | fast |\n| --- | --- |\n\nAfter.\n"
    (course.book.parent / "speed.md").unlink()
    with pytest.raises(CampusError, match="includes ../../speed.md, which is missing"):
        list_staged(course)
