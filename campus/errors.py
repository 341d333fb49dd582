"""Errors that are told to the user in one sentence: what, where, what to do."""

import errno

FULL = (errno.ENOSPC, errno.EDQUOT)
CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)


class CampusError(Exception):
    """A known problem with an input, a setting or the machine; its text is the sentence to show."""


def tell(error: Exception) -> str | None:
    """The sentence for an error of an input or of the machine; nothing for one of ours, which needs its traceback."""
    if isinstance(error, CampusError):
        return str(error)
    if isinstance(error, OSError) and error.errno in FULL or "database or disk is full" in str(error):
        file = getattr(error, "filename2", None) or getattr(error, "filename", None) or "while writing"
        return f"The disk is full ({file}): free some space and run the command again."
    if isinstance(error, OSError) and error.errno in CLOSED:
        return f"{error.filename} cannot be written or read ({error.strerror}): change its permissions or its place."
    return None
