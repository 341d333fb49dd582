"""The one kind of error a user sees: a sentence that says what is wrong, where, and what to do."""


class CampusError(Exception):
    """A sentence for the user. The command line prints it without a traceback and exits with 1."""
