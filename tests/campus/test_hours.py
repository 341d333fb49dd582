"""Is study time what the rule says?"""

import pytest

from campus.errors import CampusError
from campus.hours import count_words, measure_programme, measure_session
from campus.syllabus import list_sessions


def test_words_are_prose():
    """Are code fences and link targets left out?"""
    assert count_words("Two words\n\n```python\nx = 1\n```\n\n[a link](http://example/long/path) it's") == 5


def test_a_session_is_the_sum_of_its_parts(course):
    """Do cells, lines, boxes and words come to what one counts by hand?"""
    time = measure_session(list_sessions()[0])
    assert time.running == pytest.approx(2 + 0.1 * 8)  # two cells, eight lines; the solution's is left out
    assert time.practice == 2 + 5 + 2
    assert time.assessment == 0
    assert time.minutes == 10


def test_more_minutes_than_a_kind_allows_are_refused(course):
    """Can a session not buy time with a long quick check?"""
    path = course / "modules" / "03-tiny" / "03-3-tiny.md"
    path.write_text(path.read_text().replace("{quick-check} minutes=2", "{quick-check} minutes=9"))
    with pytest.raises(CampusError, match="declares 9 minutes, over the 3 allowed"):
        measure_session(list_sessions()[0])


def test_the_programme_is_plain_data(course):
    """Does a script get hours, share, and each session's code, title and minutes?"""
    measured = measure_programme()
    assert measured["total_hours"] == pytest.approx(10 / 60, abs=0.01)
    assert {"code", "title", "minutes"} <= set(measured["sessions"][0])
    assert 0 < measured["active_share"] < 1
