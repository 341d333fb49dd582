"""Is what somebody hands in read without following it anywhere, and is all that is odd about it told?"""

import os

import pytest

from autograder.handed_in import LARGEST_MB, MOST_FILES, collected_folder, leave_out, read_collected
from tests.autograder.released import NAME, NOON

SECRET = "the solutions and the gradebook"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A collected folder, into which somebody put what the exchange would have refused."""
    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path / "var"))
    (tmp_path / "secret.txt").write_text(SECRET)
    folder = collected_folder(NAME, "mal")
    folder.mkdir(parents=True)
    (folder / "timestamp.txt").write_text(NOON)
    (folder / f"{NAME}.ipynb").write_text("{}")
    return folder


def test_is_an_ordinary_folder_read_whole(folder):
    (folder / "figures").mkdir()
    (folder / "figures" / "one.txt").write_text("1")
    found = read_collected(NAME, "mal")
    assert (found.data, found.stamp, found.flags) == (b"{}", NOON, ())


def test_is_a_link_not_followed_but_told(folder, tmp_path):
    (folder / "data.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "folder").symlink_to(tmp_path)
    (flag,) = read_collected(NAME, "mal").flags
    assert flag == "The folder held links, which were not followed: data.txt, folder."


def test_is_a_notebook_that_is_a_link_no_notebook(folder, tmp_path):
    for name in (f"{NAME}.ipynb", "timestamp.txt"):
        (folder / name).unlink()
        (folder / name).symlink_to(tmp_path / "secret.txt")
    found = read_collected(NAME, "mal")
    assert found.data == b"" and found.stamp == "" and SECRET not in " ".join(found.flags)


def test_do_a_pipe_and_a_device_stop_nothing(folder):
    os.mkfifo(folder / "pipe")
    assert read_collected(NAME, "mal").flags == ("The folder held things that are no files: pipe.",)


def test_is_a_huge_file_told(folder):
    with (folder / "huge.bin").open("wb") as file:
        file.truncate((LARGEST_MB + 1) * 2**20)
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


def test_is_a_name_with_colours_and_line_breaks_told_in_one_line(folder):
    (folder / "a\x1b[31m\nb").symlink_to("/etc/passwd")
    assert read_collected(NAME, "mal").flags == ("The folder held links, which were not followed: a?[31m?b.",)


@pytest.mark.parametrize("stamp", ["yesterday or so", "9" * 400, "", "2026-13-45 99:99:99"])
def test_is_a_false_time_no_time(folder, stamp):
    (folder / "timestamp.txt").write_text(stamp)
    found = read_collected(NAME, "mal")
    assert found.stamp == "" and found.flags == ("There is no time at which it was handed in.",)
