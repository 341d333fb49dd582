"""The real table of contents, module pages and sessions agree with each other."""

import pytest
import yaml

from campus.book import EVERYWHERE, code_in_names, list_pages, read_modules
from campus.folders import MODULES, TOC
from campus.syllabus import read_front_matter

HOURS = {1: 24, 2: 15, 3: 24, 4: 12, 5: 15, 6: 18, 7: 21, 8: 12, 9: 18}
SESSIONS = {1: 8, 2: 5, 3: 8, 4: 4, 5: 5, 6: 6, 7: 7, 8: 4, 9: 6}


@pytest.fixture(scope="module")
def modules():
    return read_modules(EVERYWHERE)


def test_are_there_nine_modules_in_order_with_their_hours(modules):
    assert {module.number: module.hours for module in modules} == HOURS
    assert [module.folder[:2] for module in modules] == [f"{number:02d}" for number in HOURS]


def test_do_written_and_planned_sessions_add_up_without_a_gap(modules):
    for module in modules:
        codes = [session.code for session in module.sessions] + [str(plan["code"]) for plan in module.planned]
        assert sorted(codes) == [f"{module.number}.{place}" for place in range(1, SESSIONS[module.number] + 1)]


def test_is_every_session_file_in_the_table_of_contents_and_named_after_its_code(modules):
    listed = {session.path for module in modules for session in module.sessions}
    assert listed == set(MODULES.glob("[0-9][0-9]-*/[0-9][0-9]-*.md"))
    for module in modules:
        for session in module.sessions:
            assert session.path.name.startswith(f"{code_in_names(session.code)}-")
            assert session.path.parent.name.startswith(f"{module.number:02d}-")


def test_is_every_session_that_another_needs_written_or_planned(modules):
    known = {str(plan["code"]) for module in modules for plan in module.planned}
    known |= {session.code for module in modules for session in module.sessions}
    for module in modules:
        for session in module.sessions:
            assert set(session.needs) <= known


def test_is_every_page_in_the_table_of_contents_once():
    pages = list_pages(EVERYWHERE)
    assert len(pages) == len(set(pages))
    assert yaml.safe_load(TOC.read_text(encoding="utf-8"))["root"] == "index"


def test_does_each_module_page_say_its_outcomes_and_list_its_sessions(modules):
    for module in modules:
        page = MODULES / module.folder / "index.md"
        assert len(read_front_matter(page)["module"]["outcomes"]) >= 3
        assert "```{module-sessions}" in page.read_text(encoding="utf-8")
