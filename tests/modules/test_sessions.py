"""Does each session hold to the standard that CONTRIBUTING.md sets?"""

import statistics
import subprocess
import sys

import pytest

from campus.directives import Directive, read_kind, split_markdown
from campus.hours import TARGET_HOURS, count_words, measure_programme, measure_session
from campus.notebooks import read_notebook
from campus.syllabus import list_sessions

SESSIONS = list_sessions()

every_session = pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.code)


def code_cells(session, solutions=False):
    """The sources of code cells; those of worked solutions only on request."""
    cells = [cell for cell in read_notebook(session).cells if cell.cell_type == "code"]
    return [cell for cell in cells if solutions or "solution" not in cell.metadata.get("tags", [])]


def directives(session, name):
    cells = [cell for cell in read_notebook(session).cells if cell.cell_type == "markdown"]
    parts = [part for cell in cells for part in split_markdown(cell.source)]
    return [part for part in parts if isinstance(part, Directive) and part.name == name]


def lines(cell):
    return len([line for line in cell.source.splitlines() if line.strip()])


@every_session
def test_it_is_as_long_as_a_session_should_be(session):
    """Is it 2,500 to 4,000 words, all that stands in Markdown counted?"""
    words = sum(count_words(cell.source) for cell in read_notebook(session).cells if cell.cell_type == "markdown")
    assert 2500 <= words <= 4000


@every_session
def test_its_code_comes_in_small_pieces(session):
    """Are there 20 to 40 cells, with a median of at most 6 lines and none over 20?"""
    sizes = [lines(cell) for cell in code_cells(session)]
    assert 20 <= len(sizes) <= 40
    assert statistics.median(sizes) <= 6
    assert max(lines(cell) for cell in code_cells(session, solutions=True)) <= 20


@every_session
def test_it_has_three_figures_each_with_caption_and_alt_text(session):
    """Can every figure be read by somebody who does not see it?"""
    figures = [cell for cell in code_cells(session, solutions=True) if "mystnb" in cell.metadata]
    alts = [cell.metadata["mystnb"].get("image", {}).get("alt", "").strip() for cell in figures]
    captions = [cell.metadata["mystnb"].get("figure", {}).get("caption", "").strip() for cell in figures]
    assert len(figures) >= 3
    assert all(len(text) >= 30 for text in alts)
    assert all(captions)
    assert len(set(alts)) == len(alts)


@every_session
def test_it_asks_and_lets_practise(session):
    """Are there predictions, five quick checks, and a fill-in, a modify and a make task with worked solutions?"""
    practice = directives(session, "practice")
    assert {read_kind(task) for task in practice} == {"fill-in", "modify", "make"}
    assert len(directives(session, "predict")) >= 2
    assert len(directives(session, "quick-check")) >= 5
    assert len(directives(session, "solution")) >= len(practice)


@every_session
def test_it_asserts_a_known_answer(session):
    """Does an executed cell hold the model to a closed form or a published figure?"""
    assert any("assert " in cell.source for cell in code_cells(session))


@every_session
def test_it_uses_seeded_generators_only(session):
    """Is there no global or unseeded randomness?"""
    text = "\n".join(cell.source for cell in code_cells(session, solutions=True))
    assert "np.random.seed" not in text
    assert "default_rng()" not in text
    assert "import random" not in text


@every_session
def test_it_says_where_it_goes_wrong_and_what_it_rests_on(session):
    """Are limits and harms named, the question answered, and sources given?"""
    headings = [
        line for cell in read_notebook(session).cells for line in cell.source.splitlines() if line.startswith("## ")
    ]
    assert any("goes wrong" in heading for heading in headings)
    assert any("Summary" in heading for heading in headings)
    assert any("References" in heading for heading in headings)


@every_session
def test_its_data_come_from_their_script(session, tmp_path):
    """Does the seeded script give the same bytes as the file, and is there a dictionary for every file?"""
    data = session.path.parent / "data"
    for name in session.data:
        stem = name.removesuffix(".csv")
        assert (data / f"{stem}.md").exists(), f"{name} has no dictionary"
        script = data / f"make_{stem}.py"
        if script.exists():
            subprocess.run([sys.executable, str(script), str(tmp_path)], check=True)
            assert (tmp_path / name).read_bytes() == (data / name).read_bytes()
        else:
            assert "public" in (data / f"{stem}.md").read_text().lower(), f"{name} has neither script nor public source"


@every_session
def test_its_stated_time_is_its_study_time(session):
    """Is the time in the front matter the time by the rule?"""
    assert session.minutes == measure_session(session).minutes


def test_at_least_half_of_the_time_is_active(capsys):
    """Is half of the programme's time spent doing? (Prints the total so far.)"""
    measured = measure_programme()
    with capsys.disabled():
        print(f"\n{measured['total_hours']} of {TARGET_HOURS} hours so far, {measured['active_share']:.0%} active")
    assert measured["active_share"] >= 0.5
