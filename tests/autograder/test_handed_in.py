"""Is what somebody hands in read without following it anywhere, and is all that is odd about it told?"""

import os

import pytest

from autograder import course, grading
from autograder.handed_in import LARGEST_MB, MOST_FILES, leave_out, read_collected
from campus import folders
from tests.autograder.released import NAME, NOON

SECRET = "the solutions and the gradebook"


@pytest.fixture
def inbox(tmp_path, monkeypatch):
    """A folder as somebody may hand it in by hand, in the exchange."""
    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path / "var"))
    course.ensure_course()
    (tmp_path / "secret.txt").write_text(SECRET)
    folder = course.exchange() / folders.COURSE_ID / "inbound" / f"mal+{NAME}+{NOON}+x"
    folder.mkdir(parents=True)
    (folder / "timestamp.txt").write_text(NOON)
    (folder / f"{NAME}.ipynb").write_text("{}")
    return folder


def collect():
    """What came of collecting: the entry, and all texts in the folder that was made."""
    found = grading.collect([folders.EXERCISES / NAME])["assignments"][0]
    made = course.root() / "submitted" / "mal" / NAME
    return found, {str(path.relative_to(made)): path.read_text() for path in made.rglob("*") if path.is_file()}


def test_is_an_ordinary_folder_collected_whole(inbox):
    (inbox / "figures").mkdir()
    (inbox / "figures" / "one.txt").write_text("1")
    found, files = collect()
    assert found["collected"] == ["mal"]
    assert files == {"timestamp.txt": NOON, f"{NAME}.ipynb": "{}", "figures/one.txt": "1"}
    assert read_collected(NAME, "mal").flags == ()


def test_is_a_link_not_followed_but_told(inbox, tmp_path):
    (inbox / "data.txt").symlink_to(tmp_path / "secret.txt")
    (inbox / "folder").symlink_to(tmp_path)
    found, files = collect()
    assert found["collected"] == ["mal"] and SECRET not in "".join(files.values())
    (flag,) = read_collected(NAME, "mal").flags
    assert flag == "The folder held links, which were not followed: data.txt, folder."


def test_is_a_notebook_that_is_a_link_no_notebook(inbox, tmp_path):
    (inbox / f"{NAME}.ipynb").unlink()
    (inbox / f"{NAME}.ipynb").symlink_to(tmp_path / "secret.txt")
    _, files = collect()
    found = read_collected(NAME, "mal")
    assert SECRET not in "".join(files.values()) and found.data == b"" and len(found.flags) == 2


def test_is_a_link_in_a_folder_that_we_did_not_collect_not_followed_either(inbox, tmp_path):
    collect()
    made = course.root() / "submitted" / "mal" / NAME
    (made / f"{NAME}.ipynb").unlink()
    (made / f"{NAME}.ipynb").symlink_to(tmp_path / "secret.txt")
    (made / "timestamp.txt").unlink()
    (made / "timestamp.txt").symlink_to(tmp_path / "secret.txt")
    found = read_collected(NAME, "mal")
    assert found.data == b"" and found.stamp == "" and SECRET not in " ".join(found.flags)


def test_do_a_pipe_and_a_device_stop_nothing(inbox):
    os.mkfifo(inbox / "pipe")
    found, files = collect()
    assert found["collected"] == ["mal"] and "pipe" not in files
    assert read_collected(NAME, "mal").flags == ("The folder held things that are no files: pipe.",)


def test_is_a_huge_file_left_where_it_is(inbox):
    with (inbox / "huge.bin").open("wb") as file:
        file.truncate((LARGEST_MB + 1) * 2**20)
    _, files = collect()
    assert "huge.bin" not in files
    assert read_collected(NAME, "mal").flags == (f"The folder held files of more than {LARGEST_MB} MB: huge.bin.",)


def test_are_countless_files_and_folders_without_end_bounded(tmp_path):
    for number in range(MOST_FILES + 5):
        (tmp_path / f"{number:05}.txt").touch()
    deep = tmp_path
    for _ in range(400):
        deep = deep / "deeper"
    for path in [*reversed(deep.parents), deep][len(tmp_path.parents) + 1 :]:
        path.mkdir()
    files, (flag,) = leave_out(tmp_path)
    assert len(files) == MOST_FILES and flag.startswith(f"The folder held files beyond the first {MOST_FILES:,}: ")


def test_is_a_name_with_colours_and_line_breaks_told_in_one_line(inbox):
    (inbox / "a\x1b[31m\nb").symlink_to("/etc/passwd")
    collect()
    assert read_collected(NAME, "mal").flags == ("The folder held links, which were not followed: a?[31m?b.",)


@pytest.mark.parametrize("stamp", ["yesterday or so", "9" * 400, "", "2026-13-45 99:99:99"])
def test_is_a_false_time_no_time(inbox, stamp):
    collect()
    (course.root() / "submitted" / "mal" / NAME / "timestamp.txt").write_text(stamp)
    found = read_collected(NAME, "mal")
    assert found.stamp == "" and found.flags == ("There is no time at which it was handed in.",)
