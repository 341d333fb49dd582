"""Do guides show pictures of the running system where they are made, and read well where they are not?"""

import base64

import pytest

from campus.book import build_book
from campus.errors import CampusError
from tests.end_to_end.pictures import list_made, list_shown

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
GUIDE = "# Your first day\n\n1. Sign in.\n\n   ```{picture} sign-in\n   ALT\n   ```\n2. Read on.\n"
ALT = "Two fields, Username and Password, above the button Sign in."


def write_guide(course, alt):
    (course.book / "guides" / "first-day.md").write_text(GUIDE.replace("ALT", alt), encoding="utf-8")


def read_guide(course):
    return (course.site / "guides" / "first-day.html").read_text(encoding="utf-8")


def test_is_a_picture_shown_once_it_is_made_and_are_the_words_alone_before(copy_course):
    course = copy_course()
    write_guide(course, ALT)
    build_book(places=course)
    assert "Sign in." in read_guide(course) and "course-picture" not in read_guide(course)
    course.pictures.mkdir()
    (course.pictures / "sign-in.png").write_bytes(base64.b64decode(DOT))
    build_book(places=course)
    assert f'alt="{ALT}"' in read_guide(course) and (course.site / "_images" / "sign-in.png").is_file()
    assert "1 changed" in course.log.read_text(encoding="utf-8")


@pytest.mark.parametrize(("alt", "told"), [("", "has no alt text"), ("A picture of this", "has an alt text that fits")])
def test_must_a_picture_say_what_it_shows_before_it_is_made(copy_course, alt, told):
    course = copy_course()
    write_guide(course, alt)
    with pytest.raises(CampusError, match=rf"first-day\.md, line 5: .*pictures/sign-in\.png {told}"):
        build_book(places=course)


def test_is_every_picture_that_a_page_shows_made_by_the_steps_in_the_browser():
    assert list_shown() - list_made() == set()


def test_is_every_picture_that_the_steps_make_shown():
    assert list_made() - list_shown() == set()
