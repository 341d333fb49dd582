"""Are the figures to play with right, and the same in the browser as on paper? Do maps say what they draw?"""

import pytest

from campus.book import build_book, list_pages
from campus.folders import SITE

from .reader import browse, read, serve

HOMES = {"servers": "03-queues", "removal": "04-networks", "alarms": "07-learning", "memory": "09-forecasting"}
READ_ROWS = "rows => rows.map(row => [...row.cells].slice(0, 2).map(cell => cell.textContent))"
SET_SLIDER = (
    """(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input', {bubbles: true})); }"""
)


@pytest.mark.parametrize(("servers", "load", "chance"), [(1, 0.8, 0.8), (2, 1, 1 / 3), (3, 2, 4 / 9)])
def test_is_erlang_c_what_is_known_exactly(servers, load, chance):
    from course_play import erlang_c

    assert erlang_c(servers, load) == pytest.approx(chance)


def test_is_a_network_of_less_than_one_link_each_not_joined_and_is_half_of_the_flags_right_where_bayes_says():
    from course_play import joined_by_removed, right_by_base_rate, weights_by_age

    assert joined_by_removed(1)[0][1] < 0.01 and joined_by_removed(2)[0][1] == pytest.approx(0.7968, abs=1e-4)
    assert right_by_base_rate(80, 20)[4][1] == pytest.approx(0.5)
    assert weights_by_age(50)[1][1] == pytest.approx(0.25)


@pytest.mark.parametrize("name", HOMES)
def test_does_the_browser_compute_what_the_page_was_written_with(name):
    from course_play import PLAYS

    build_book()
    play = PLAYS[name]
    wanted = [play.rows(*(getattr(one, end) for one in play.settings)) for end in ("least", "first", "most")]
    with serve(SITE) as address, browse() as visit:
        page = read(visit, f"{address}/modules/{HOMES[name]}/index.html")
        figure = page.locator(f'[data-play="{name}"]')
        for end, rows in zip(("least", "first", "most"), wanted, strict=True):
            for setting in play.settings:
                figure.locator(f"#{name}-{setting.name}").evaluate(SET_SLIDER, str(getattr(setting, end)))
            shown = figure.locator("tbody tr").evaluate_all(READ_ROWS)
            assert shown == [[label, said] for label, _, said in rows]


def test_does_a_slider_answer_to_the_arrow_keys():
    build_book()
    with serve(SITE) as address, browse() as visit:
        page = read(visit, f"{address}/modules/03-queues/index.html")
        figure = page.locator('[data-play="servers"]')
        before = figure.locator("tbody").inner_text()
        figure.locator("input").first.focus()
        page.keyboard.press("ArrowRight")
        assert figure.locator("output").first.inner_text() == "10"
        assert figure.locator("tbody").inner_text() != before


def test_has_every_module_with_sessions_a_figure_to_play_with():
    from campus.book import EVERYWHERE, find_source, read_modules

    written = {module.folder for module in read_modules(EVERYWHERE) if module.sessions}
    pages = [page for page in list_pages(EVERYWHERE) if page.startswith("modules/") and page.endswith("/index")]
    played = {p.split("/")[1] for p in pages if "```{playable}" in find_source(EVERYWHERE, p).read_text("utf-8")}
    assert written <= played


def test_does_a_map_draw_and_say_each_need_within_the_module():
    from course_map import draw_map

    first = {"code": "3.2", "title": "Formulas: when?", "methods": ["queues"], "needs": ["1.1"]}
    then = {"code": "3.10", "title": "A <clinic>: who?", "methods": [], "needs": ["3.2"]}
    drawn = draw_map({"number": 3, "sessions": [then, first], "planned": [{"code": "3.4", "title": "Later"}]})
    assert "<li>3.10 builds on 3.2</li>" in drawn and drawn.count('class="course-tip"') == 1
    assert drawn.index("3.2 Formulas") < drawn.index("3.4 Later") < drawn.index("3.10 A &lt;clinic&gt;")
    assert drawn.count("course-planned") == 1
