"""Does the accessibility statement say what the last site check found, and no more?"""

from docutils import nodes

REPORT = {
    "date": "2026-11-25",
    "axe": "4.12.1",
    "views": ["1280 pixels, light", "320 pixels, dark"],
    "faults": {"violations": 2, "too_wide": 0, "alts": 0, "broken": 1, "outside": 0},
    "pages": [
        {"reading_ease": 70.0, "violations": [{"rule": "color-contrast", "help": "Contrast must be enough"}] * 2},
        {"reading_ease": 61.0, "violations": []},
        {"reading_ease": None, "violations": []},
    ],
}


def test_is_a_book_that_was_never_checked_said_to_be_so():
    from course_reports import tell_results

    assert len(tell_results({})) == 1 and "has not been checked yet" in tell_results({})[0]


def test_does_the_statement_have_the_figures_of_the_run_and_name_what_is_not_met():
    from course_reports import tell_results

    told = " ".join(tell_results(REPORT))
    for said in (
        "On 25 November 2026",
        "all 3 pages",
        "2 violations",
        "1 broken links",
        "66 at the median",
        "color-contrast",
    ):
        assert said in told
    assert told.count("Not met") == 1


def test_is_a_book_that_lighthouse_did_not_look_at_said_to_be_so():
    from course_reports import tell_speed

    said, rows = tell_speed(REPORT)
    assert "has not looked at this copy" in said and rows == []


def test_does_the_speed_of_each_page_stand_as_lighthouse_gave_it():
    from course_reports import SPEED, tell_speed

    marks = dict(zip(SPEED.values(), (97, 100, 96, 1.2, 1.9, 0.01), strict=True))
    said, rows = tell_speed(REPORT | {"lighthouse": [{"name": "modules/03-queues/03-3-clinic.html", **marks}]})
    assert "25 November 2026" in said
    assert rows == [["03-3-clinic", "97", "100", "96", "1.2", "1.9", "0.01"]]


def test_does_a_table_have_its_headings_and_rows():
    from course_reports import draw_table

    table = draw_table(["page", "speed"], [["3.3", "97"], ["7.2", "100"]])
    rows = [[entry.astext() for entry in row] for row in table.findall(nodes.row)]
    assert rows == [["page", "speed"], ["3.3", "97"], ["7.2", "100"]]
    assert [group.parent.tagname for group in table.findall(nodes.thead)] == ["tgroup"]
