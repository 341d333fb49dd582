"""Do boards show what the session's model says, by mouse, by keyboard, at rest, and without scripts?"""

import json

import pandas as pd
import pytest
from docutils import nodes

from campus.book import build_book
from campus.folders import EXECUTED, SITE

from .reader import browse, read, serve

THREE = "modules/03-queues/03-4-pathways"
CLINIC = "modules/03-queues/03-3-clinic"
ROWS = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
COUNTS = "texts => texts.map(text => Number(text.textContent))"


def frame(rows, index="minute"):
    """A data frame as a session's `board` returns it."""
    return pd.DataFrame(rows, columns=[index, "event", "queue", "nurses"]).set_index(index)


def shown_by(page_name):
    """The HTML of the table that the session's own run showed."""
    cells = json.loads((EXECUTED / f"{page_name.removeprefix('modules/')}.ipynb").read_text(encoding="utf-8"))["cells"]
    cell = next(cell for cell in cells if "playable" in cell["metadata"].get("tags", []))
    return "".join(cell["outputs"][0]["data"]["text/html"])


@pytest.fixture(scope="module")
def address():
    build_book()
    with serve(SITE) as address:
        yield address


def open_board(visit, address, page_name, clock=False, drawn=True):
    page = visit.context.new_page()
    if clock:
        page.clock.install()
    page.goto(f"{address}/{page_name}.html")
    page.wait_for_load_state("networkidle")
    board = page.locator(".course-board").first
    board.scroll_into_view_if_needed()  # text out of view is not laid out, and reads as empty
    if drawn:
        board.locator(".course-dot").first.wait_for()  # it is drawn when it comes near
    return page, board


def test_is_a_data_frame_read_as_pandas_writes_it():
    from course_board import read_table

    shown = frame([(0.0, "A comes", "A", ""), (2.5, "A starts", "", "A")]).to_html()
    assert read_table(shown) == (
        ["minute", "event", "queue", "nurses"],
        [["0.0", "A comes", "A", ""], ["2.5", "A starts", "", "A"]],
    )


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (frame([(0, "A comes", "A", ""), (1, "A starts", "", "A")], index="hour"), "columns are hour"),
        (frame([(3, "A comes", "A", ""), (1, "A starts", "", "A")]), "in order of time"),
        (frame([(0, "A comes", "A", "A"), (1, "A starts", "", "A")]), "two places at minute 0"),
        (frame([(n, "waits", "A", "") for n in range(99)]), "cut short"),
    ],
    ids=["no minutes", "out of order", "in two places", "cut short"],
)
def test_is_a_table_refused_that_no_board_can_be_made_of(table, reason):
    from course_board import read_table

    with pytest.raises(ValueError, match=reason):
        read_table(table.to_html(max_rows=60))


def test_is_a_board_refused_that_says_nothing_to_who_cannot_see_it():
    from course_board import play_board

    table = frame([(0, "A comes", "A", ""), (1, "A starts", "", "A")]).to_html()
    bundle = nodes.container("", nodes.raw("", table, format="html"), nb_element="mime_bundle")
    with pytest.raises(ValueError, match="no alt text"):
        play_board(nodes.container("", bundle), alt="")


@pytest.mark.parametrize("page_name", [THREE, CLINIC])
def test_does_each_step_show_the_row_that_the_model_made(address, page_name):
    from course_board import read_table

    _, rows = read_table(shown_by(page_name))
    with browse(reduced_motion="reduce") as visit:
        page, board = open_board(visit, address, page_name)
        for row in rows:
            assert board.locator("[data-count]").evaluate_all(COUNTS) == [len(names.split()) for names in row[2:]]
            assert sorted(board.locator(".course-dot text").all_text_contents()) == sorted(" ".join(row[2:]).split())
            assert board.locator(".course-now").inner_text().startswith(f"Minute {row[0]}: {row[1]}.")
            board.get_by_role("button", name="Step", exact=True).click()


def test_is_the_table_on_the_page_the_one_that_the_model_made_with_and_without_scripts(address):
    from course_board import read_table

    _, rows = read_table(shown_by(THREE))
    with browse(java_script_enabled=False) as visit:
        _, board = open_board(visit, address, THREE, drawn=False)
        board.locator("summary").click()
        assert board.locator("tbody tr").evaluate_all(ROWS) == rows
        assert board.locator("table").is_visible() and board.locator("svg").count() == 0


def test_does_it_play_pause_and_end(address):
    with browse() as visit:
        page, board = open_board(visit, address, THREE, clock=True)
        number, play = board.locator("output"), board.locator("button").first
        play.click()
        page.clock.run_for(20_000)
        reached = number.inner_text()
        assert play.inner_text() == "Pause" and reached not in ("1 of 15", "15 of 15")
        play.click()
        page.clock.run_for(20_000)
        assert number.inner_text() == reached
        play.click()
        page.clock.run_for(60_000)
        assert (number.inner_text(), play.inner_text()) == ("15 of 15", "Play")


def test_does_a_higher_speed_get_further_in_the_same_time(address):
    reached = []
    with browse() as visit:
        for speed in ("slow", "fast"):
            page, board = open_board(visit, address, CLINIC, clock=True)
            board.locator("select").select_option(speed)
            board.locator("button").first.click()
            page.clock.run_for(8_000)
            reached.append(int(board.locator("output").inner_text().split()[0]))
    assert reached[0] < reached[1]


def test_can_it_be_played_by_keyboard_alone(address):
    with browse() as visit:
        page, board = open_board(visit, address, THREE)
        board.get_by_role("button", name="Step", exact=True).focus()
        page.keyboard.press("Enter")
        assert board.locator("output").inner_text() == "2 of 15"
        board.get_by_label("Event").focus()
        page.keyboard.press("End")
        assert board.locator(".course-now").inner_text().startswith("Minute 29: C: left.")


def test_does_nothing_glide_for_who_asked_for_less_motion(address):
    with browse(reduced_motion="reduce") as visit:
        _, board = open_board(visit, address, THREE)
        assert board.locator(".course-dot").first.evaluate("dot => getComputedStyle(dot).transitionProperty") == "none"


def test_does_it_say_what_it_shows_and_ask_nothing_of_other_hosts(address):
    with browse() as visit:
        page = read(visit, f"{address}/{CLINIC}.html")
        shown = page.get_by_role("img", name="patient 33").first
        assert shown.is_visible() and not visit.outside
