"""Is an error of the machine one sentence, and one of ours not hidden?"""

import errno
import sqlite3

import pytest

from campus.errors import CampusError, tell


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (CampusError("This is wrong: mend it."), "This is wrong: mend it."),
        (OSError(errno.ENOSPC, "No space left on device", "from", None, "to"), "The disk is full (to): free some"),
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full (while writing): free some"),
        (sqlite3.OperationalError("database or disk is full"), "The disk is full"),
        (OSError(errno.EROFS, "Read-only file system", "here"), "here cannot be written or read (Read-only"),
    ],
)
def test_an_error_of_the_machine_is_a_sentence(error, told):
    assert tell(error).startswith(told)


@pytest.mark.parametrize("error", [ValueError("wrong"), FileNotFoundError(errno.ENOENT, "No such file", "here")])
def test_an_error_of_ours_keeps_its_traceback(error):
    assert tell(error) is None
