"""Do errors cross from the answers' process to the tests' as what they were?"""

import pytest

from autograder.sealed import error_named


@pytest.mark.parametrize("kind", [KeyError, ValueError, ZeroDivisionError, FileNotFoundError, RecursionError])
def test_an_error_is_caught_by_its_own_name_and_says_the_same(kind):
    """Does a test that expects an error of a kind find it, with the text that it had?"""
    text = str(kind("ward"))
    with pytest.raises(kind) as caught:
        raise error_named(kind.__name__)(text)
    assert (type(caught.value).__name__, str(caught.value)) == (kind.__name__, text)


@pytest.mark.parametrize(
    "name", ["SystemExit", "KeyboardInterrupt", "GeneratorExit", "StopIteration", "UnicodeDecodeError"]
)
def test_an_error_that_ends_more_than_a_call_is_only_named_so(name):
    """Can no answer end a test, or a loop in it, and is an error that needs more than a text named at least?"""
    kind = error_named(name)
    assert kind.__name__ == name and kind.__mro__[1] is Exception


@pytest.mark.parametrize("name", ["", "1 or 2", "print", "\0", "\ud800"])
def test_a_name_that_is_no_error_is_an_error_all_the_same(name):
    """Does whatever a process says make an exception?"""
    assert issubclass(error_named(name), Exception)
