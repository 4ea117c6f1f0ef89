"""The pages of tests/fixtures/places, served on loopback, and what we find in them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from bowerbird.extract import extract_css, extract_html
from bowerbird.settings import Srcset

PLACES = Path(__file__).parent / "fixtures" / "places"
PAGES = sorted(path.name for path in PLACES.glob("[0-9]*.*html"))

SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8">'
    b'<g id="a"><rect width="8" height="8"/></g><g id="b"/><mask id="m"/></svg>'
)
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060f80f00010401005fe5c34b0000000049454e44ae426082"
)
TYPES = {"html": "text/html", "xhtml": "application/xhtml+xml", "css": "text/css"}


class _Place(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body, kind = answer(urlsplit(self.path).path, self.server.server_address[1])
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def answer(path: str, port: int) -> tuple[bytes, str]:
    """Body and Content-Type of a path: a file of the fixture, else an image."""
    end = path.rpartition(".")[2]
    if end in TYPES:
        file = PLACES / path.lstrip("/")
        body = file.read_bytes() if file.is_file() else b""
        return body.replace(b":PORT/", b":%d/" % port), TYPES[end]
    if end in ("woff2", "js", "mp4", "pdf"):
        return b"", "application/octet-stream"
    return (SVG, "image/svg+xml") if end == "svg" else (PNG, "image/png")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A browser that leaves resets its connections; that is no news."""


@contextmanager
def served() -> Iterator[str]:
    """The address of the running server."""
    server = _Server(("127.0.0.1", 0), _Place)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Reader:
    """What our extraction finds from a page on: its stylesheets, imports and frames included."""

    def __init__(self, frames: frozenset[str]) -> None:
        self.frames = frames  #: URLs that the browser showed in frames of the page
        self.images: set[str] = set()
        self.texts: list[bytes] = []
        self._seen: set[str] = set()

    def page(self, url: str) -> None:
        body, kind = self._body(url)
        found = extract_html(body, url, content_type=kind, srcset=Srcset.ALL)
        self.images.update(image.url for image in found.images)
        for sheet in found.stylesheets:
            self._sheet(sheet, found.charset)
        for each in found.pages:
            if each in self.frames and each not in self._seen:
                self.page(each)

    def _sheet(self, url: str, charset: str) -> None:
        if url in self._seen:
            return
        body, kind = self._body(url)
        found = extract_css(body, url, content_type=kind, fallback_charset=charset)
        self.images.update(image.url for image in found.images)
        for sheet in found.stylesheets:
            self._sheet(sheet, found.charset)

    def _body(self, url: str) -> tuple[bytes, str]:
        self._seen.add(url)
        parts = urlsplit(url)
        body, kind = answer(parts.path, parts.port or 80)
        self.texts.append(body)
        return body, kind
