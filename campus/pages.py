"""A built site over HTTP on the loopback, with the policy of the campus, compressed and kept as the campus sends it."""

import gzip
import http.server
import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HOST = "127.0.0.1"
TEXT = ("text/", "application/javascript", "application/json", "image/svg+xml")


class Pages(http.server.SimpleHTTPRequestHandler):
    """Answers with files of the folder `site`."""

    site: Path
    protocol_version = "HTTP/1.1"  # as the campus: a connection serves several files

    def __init__(self, *arguments):
        super().__init__(*arguments, directory=str(self.site))

    def handle(self) -> None:
        """Answer, unless the reader has gone on to another page meanwhile."""
        with suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        """A file, or a folder's first page; 404 for anything else."""
        file = Path(self.translate_path(self.path))
        file = file / "index.html" if file.is_dir() else file
        if not file.is_file():
            self.send_error(404)
        else:
            self.send(file.read_bytes(), self.guess_type(str(file)))

    def send(self, content: bytes, kind: str) -> None:
        """Send content, compressed where that is asked for and worth it."""
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if kind.startswith(TEXT) and "gzip" in self.headers.get("Accept-Encoding", ""):
            self.send_header("Content-Encoding", "gzip")
            content = gzip.compress(content, 6)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def end_headers(self) -> None:
        from campus import web  # takes a second, so not before somebody serves pages

        book = {"Content-Security-Policy": web.BOOK_POLICY, "Cache-Control": web.keep_for(self.path)}
        for name, value in {**web.HEADERS, **book}.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *arguments) -> None:
        pass


def start_server(port: int, pages: type[Pages]) -> http.server.ThreadingHTTPServer:
    """A server on the loopback that answers in threads of its own; port 0 is any free one."""
    importlib.import_module("campus.web")  # what a first reader would wait for
    server = http.server.ThreadingHTTPServer((HOST, port), pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@contextmanager
def serve(site: Path) -> Iterator[str]:
    """The address of a site on a free port of the loopback."""
    server = start_server(0, type("PagesOfSite", (Pages,), {"site": site}))
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
