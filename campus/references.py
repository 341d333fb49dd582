"""References to other hosts: which the book makes, and when each was last seen to answer. Nothing here runs in a build.

`book/references.tsv` is kept in git: an address and a day, or `never`, a line. `campus references` brings the list up
to date with the built book; with `--look` it asks each address once, where there is a network.
"""

import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from urllib.parse import urldefrag, urlsplit

from campus import folders
from campus.errors import CampusError
from campus.site_check import read_site

LIST = folders.BOOK / "references.tsv"
NEVER = "never"
PATIENCE = 20  # seconds
AGENT = "Mozilla/5.0 (compatible; a course that checks its references)"
REFUSES_MACHINES = (401, 403, 405, 406, 429)  # somebody is there, and does not talk to programs


def list_references(site: Path = folders.SITE) -> list[str]:
    """Every address of another host that a page of the built book links to."""
    links = {urldefrag(link).url for page in read_site(site).values() for link in page.links}
    return sorted(link for link in links if urlsplit(link).scheme in ("http", "https"))


def read_seen(path: Path = LIST) -> dict[str, date | None]:
    """When each address was last seen; None where it never was."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    seen = {}
    for number, line in enumerate(lines, 1):
        address, tab, day = line.partition("\t")
        try:
            seen[address] = None if day == NEVER else date.fromisoformat(day)
        except ValueError:
            raise CampusError(f"{path.name}, line {number}: write an address, a tab, and a day or '{NEVER}'.") from None
    return seen


def write_seen(seen: dict[str, date | None], path: Path = LIST) -> None:
    """Keep when each address was last seen."""
    lines = [f"{address}\t{day.isoformat() if day else NEVER}\n" for address, day in sorted(seen.items())]
    path.write_text("".join(lines), encoding="utf-8")


def bring_up_to_date(addresses: Iterable[str], seen: dict[str, date | None]) -> dict[str, date | None]:
    """The list with these addresses and no others; what was seen stays seen."""
    return {address: seen.get(address) for address in addresses}


def look(
    seen: dict[str, date | None],
    today: date,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> tuple[dict[str, date | None], dict[str, str]]:
    """Ask each address once: the list with today's day for those that answered, and why others did not."""
    found, faults = dict(seen), {}
    for done, address in enumerate(seen):
        progress(address, done, len(seen))
        fault = ask(address)
        if fault:
            faults[address] = fault
        else:
            found[address] = today
    progress("", len(seen), len(seen))
    return found, faults


def ask(address: str) -> str:
    """Why an address does not answer; nothing where it does."""
    try:
        request = urllib.request.Request(address, headers={"User-Agent": AGENT})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            answer.read(1)
    except urllib.error.HTTPError as error:
        return "" if error.code in REFUSES_MACHINES else f"answered {error.code}"
    except (OSError, ValueError) as error:
        return f"gave no answer ({getattr(error, 'reason', error)})"
    return ""
