"""What a reader finds on the pages of a tiny course."""

import re

import pytest

from campus.book import Places


@pytest.fixture(scope="module")
def session(built: Places) -> str:
    return (built.site / "modules" / "03-queues" / "03-3-clinic.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def article(session: str) -> str:
    return session[session.index("<article") : session.index("</article>")]


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_does_a_session_open_with_outcomes_time_needs_and_sectors(article):
    for said in (
        "3.3 A clinic: who waits?",
        "Count who waits.",
        "About 3 hours 15 minutes",
        "3.2 Formulas (in preparation)",
        "Health and policing",
    ):
        assert said in words(article)


def test_is_there_one_heading_of_the_first_level_and_is_the_language_british(session):
    assert len(re.findall(r"<article.*?</article>", session, re.S)[0].split("<h1>")) == 2
    assert '<html lang="en-GB"' in session


def test_do_the_two_links_lead_to_the_workspace_and_to_the_file(article, built):
    assert 'href="../../../open/03-queues/03-3-clinic.ipynb"' in article
    assert 'href="../../notebooks/03-queues/03-3-clinic.ipynb"' in article
    for file in ("03-3-clinic.ipynb", "data/clinic.csv"):
        assert (built.site / "notebooks" / "03-queues" / file).exists()


def test_does_a_page_lead_back_to_what_to_do_next(session):
    assert re.search(r'class="course-start" href="\.\./\.\./\.\./"', session)


def test_does_no_page_load_the_script_that_evaluates_text(session):
    assert "translations.js" not in session


def test_does_the_page_close_with_its_assignment(article):
    assert "A clinic: assignment (about 45 minutes)" in words(article)
    assert 'href="../../guides/assignments.html"' in article


def test_does_each_option_of_a_quick_check_open_its_answer(article):
    options = re.findall(r'<details class="course-option.*?</details>', article, re.S)
    assert [words(option) for option in options] == [
        "Yes, all do. Not quite. Some find a nurse free.",
        "No. Right. Some do not.",
    ]
    assert "<em>all</em>" in options[0].split("</summary>")[0]


def test_has_each_quick_check_a_name_that_its_words_alone_decide_and_the_page_a_box_for_done(article):
    assert len(set(re.findall(r'data-check="([0-9a-f]{10})"', article))) == article.count("course-quick-check") == 1
    assert '<form class="course-done pst-js-only" data-session="3.3">' in article


def test_do_boxes_say_in_words_what_they_are(article):
    labels = [words(label) for label in re.findall(r'<p class="course-label".*?</p>', article, re.S)]
    assert labels[:3] == [
        "Predict (about 2 minutes)",
        "Quick check (about 2 minutes)",
        "Practice: modify (about 10 minutes)",
    ]
    assert '<p class="admonition-title">How to read this</p>' in article


def test_is_a_solution_folded_together_with_its_code(article):
    solutions = re.findall(r'<details class="course-solution.*?</details>', article, re.S)
    assert len(solutions) == 1
    assert "Write 4." in solutions[0] and "nurses" in solutions[0]


def test_is_mathematics_written_as_mathml(article):
    assert len(re.findall(r"<math ", article)) == 2
    assert "<mtable" in article and "\\lambda" not in article


def test_does_no_page_name_a_script_style_or_image_of_another_host(built):
    for page in built.site.rglob("*.html"):
        loaded = re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"(?:https?:)?//[^\"]*\"", page.read_text())
        assert not loaded, f"{page.name}: {loaded}"


def test_does_a_module_list_what_is_ready_and_what_is_planned(built):
    page = words((built.site / "modules" / "03-queues" / "index.html").read_text(encoding="utf-8"))
    assert "3.2 Formulas In preparation, optional 3.3 A clinic: who waits? About 3 hours 15 minutes" in page
    assert "Say who waits." in page


def test_does_the_landing_page_tell_how_far_each_module_is(built):
    page = words((built.site / "index.html").read_text(encoding="utf-8"))
    assert "3 Queues 6 hours. 1 of 2 sessions ready." in page


def test_does_the_first_use_of_a_word_bring_its_definition_and_lead_to_the_glossary(article, built):
    terms = re.findall(r'<span class="course-term">.*?</span></span>', article, re.S)
    assert [words(term) for term in terms] == ["Little’s law People present are arrivals times stay."]
    target, anchor, described = re.search(r'href="([^"#]+)#([^"]+)" aria-describedby="([^"]+)"', terms[0]).groups()
    assert target == "../../guides/glossary.html" and f'id="{described}" role="tooltip"' in terms[0]
    assert f'id="{anchor}"' in (built.site / "guides" / "glossary.html").read_text(encoding="utf-8")


def test_are_worked_examples_listed_by_question_and_method(built):
    page = (built.site / "guides" / "worked-examples.html").read_text(encoding="utf-8")
    page = page[page.index("<article") : page.index("</article>")]
    assert "How many servers do I need? Session 3.3" in words(page)
    assert "Counting 3.3 A clinic: who waits?" in words(page)


def test_is_each_fold_of_the_contents_named(session):
    assert '<summary><span class="toctree' not in session
    assert '<summary aria-label="Pages of: Module 3: Queues">' in session


def test_does_no_page_hold_a_script(built):
    for page in built.site.rglob("*.html"):
        if "_static" not in page.parts:
            assert not re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", page.read_text(encoding="utf-8")), page.name
