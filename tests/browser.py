"""The browser that tests share is the one that the site check uses."""

from campus.browser import QUIET, Visit, ensure_chromium, find_chromium

__all__ = ["QUIET", "Visit", "ensure_chromium", "find_chromium"]
