"""Are directives found, and do their plain twins say the same?"""

import pytest

from campus.directives import (
    Directive,
    Text,
    parse_options,
    parse_quick_check,
    plain_markdown,
    split_markdown,
    split_starter,
)
from campus.errors import CampusError


def test_text_and_directives_come_in_order():
    """Is a cell cut at its directives?"""
    parts = split_markdown("before\n\n```{predict} minutes=2\nGuess.\n```\n\nafter")
    assert parts == [Text("before"), Directive("predict", "minutes=2", "Guess."), Text("after")]


def test_a_plain_fence_stays_text():
    """Is ordinary code left alone, even if it looks like a directive inside?"""
    assert split_markdown("````text\n```{predict} minutes=2\n```\n````") == [
        Text("````text\n```{predict} minutes=2\n```\n````")
    ]


def test_a_directive_keeps_the_fence_inside_it():
    """Does starter code inside a practice task survive?"""
    (part,) = split_markdown("````{practice} kind=make minutes=9\nDo.\n\n```python\nx = 1\n```\n````")
    assert split_starter(part.body) == ("Do.", "x = 1")


def test_an_open_fence_is_refused():
    """Is a forgotten end told, not guessed?"""
    with pytest.raises(CampusError, match="never closed"):
        split_markdown("```{predict} minutes=2\nGuess.")


def test_options_are_names_and_values():
    """Is `kind=modify minutes=10` read?"""
    assert parse_options("kind=modify minutes=10") == {"kind": "modify", "minutes": "10"}


def test_a_quick_check_has_a_question_and_answered_options():
    """Are options, right ones and answers read, a wrapped answer included?"""
    question, options = parse_quick_check("Why?\n- [ ] A. :: No,\n  because.\n- [x] B. :: Yes.")
    assert question == "Why?"
    assert [(option.right, option.text, option.answer) for option in options] == [
        (False, "A.", "No, because."),
        (True, "B.", "Yes."),
    ]


def test_the_plain_quick_check_hides_its_answers_until_asked():
    """Do the options show, and the answers only when opened?"""
    plain = plain_markdown(Directive("quick-check", "minutes=2", "Why?\n- [ ] A. :: No.\n- [x] B. :: Yes."))
    asked, answers = plain.split("<details>")
    assert "- A." in asked and "Yes." not in asked
    assert "- **B.** Right. Yes." in answers
