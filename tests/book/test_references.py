"""Is it known which references the book makes, and when each was last seen?"""

import http.server
import threading
from datetime import date

import pytest

from campus.errors import CampusError
from campus.references import bring_up_to_date, list_references, look, read_seen, write_seen

SEEN, TODAY = date(2026, 11, 1), date(2026, 11, 27)


@pytest.fixture
def host():
    """A host that knows one page, refuses programs on another, and has lost the rest."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response({"/here": 200, "/people-only": 403}.get(self.path, 404))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_are_the_references_of_all_pages_listed_once(tmp_path):
    (tmp_path / "one.html").write_text('<a href="https://example.org/a#part">A</a> <a href="two.html">Two</a>')
    (tmp_path / "two.html").write_text('<a href="https://example.org/a">A</a> <a href="http://example.org/b">B</a>')
    assert list_references(tmp_path) == ["http://example.org/b", "https://example.org/a"]


def test_does_the_list_come_back_as_it_was_kept(tmp_path):
    seen = {"https://example.org/a": SEEN, "https://example.org/b": None}
    write_seen(seen, tmp_path / "list.tsv")
    assert read_seen(tmp_path / "list.tsv") == seen


def test_does_a_new_reference_count_as_never_seen_and_one_that_is_gone_not_at_all():
    seen = {"https://example.org/kept": SEEN, "https://example.org/gone": SEEN}
    addresses = ["https://example.org/kept", "https://example.org/new"]
    assert bring_up_to_date(addresses, seen) == {"https://example.org/kept": SEEN, "https://example.org/new": None}


def test_is_only_what_answers_seen_today(host):
    seen = {f"{host}/here": None, f"{host}/people-only": SEEN, f"{host}/lost": SEEN}
    found, faults = look(seen, TODAY)
    assert list(found.values()) == [TODAY, TODAY, SEEN]
    assert faults == {f"{host}/lost": "answered 404"}


def test_is_a_host_that_is_not_there_told():
    _, faults = look({"http://127.0.0.1:9/": None}, TODAY)
    assert "gave no answer" in faults["http://127.0.0.1:9/"]


def test_is_a_line_that_cannot_be_read_told(tmp_path):
    (tmp_path / "list.tsv").write_text("https://example.org/a yesterday\n")
    with pytest.raises(CampusError, match="line 1: write an address, a tab, and a day or 'never'"):
        read_seen(tmp_path / "list.tsv")
