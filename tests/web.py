"""A small web with known ground truth: pages in a tree, images that each page shows.

Served from threads of the test's own process, so that every request is seen: its URL, its moment.
"""

import struct
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

HTML, PNG = "text/html; charset=utf-8", "image/png"


@dataclass(frozen=True)
class Request:
    """One request as the server saw it begin."""

    path: str
    at_s: float
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What a path answers."""

    body: bytes = b""
    type: str = HTML
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Answers = dict[str, Answer | Callable[[], Answer]]


class Web:
    """A running server and what it has seen."""

    def __init__(self, answers: Answers, pause_s: float) -> None:
        self.answers = answers
        self.pause_s = pause_s
        self.requests: list[Request] = []
        self.asking = threading.local()  #: in an answer that is called: `port` of who asks
        self.url = ""

    def counts(self) -> Counter[str]:
        """How often each path was asked for."""
        return Counter(request.path for request in self.requests)

    def gaps_s(self) -> list[float]:
        """Times between request starts, in order."""
        moments = sorted(request.at_s for request in self.requests)
        return [later - earlier for earlier, later in pairwise(moments)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    web: Web

    def do_GET(self) -> None:
        self.web.requests.append(Request(self.path, time.monotonic(), dict(self.headers)))
        time.sleep(self.web.pause_s)
        self.web.asking.port = self.client_address[1]
        found = self.web.answers.get(self.path, Answer(b"not here", status=404))
        answer = found if isinstance(found, Answer) else found()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Clients that are killed hang up in the middle: that is what they are killed for."""


@contextmanager
def serve(answers: Answers, pause_s: float = 0.0, host: str = "127.0.0.1") -> Iterator[Web]:
    """Serve these answers on a free port; each is given after a pause."""
    web = Web(answers, pause_s)
    handler = type("_WebHandler", (_Handler,), {"web": web})
    with _Server((host, 0), handler) as server:
        web.url = f"http://{host}:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield web
        finally:
            server.shutdown()
            thread.join()


def png(number: int, width: int = 8, height: int = 8) -> bytes:
    """A whole PNG; each number gives other bytes."""
    row = b"\0" + number.to_bytes(3, "big") * width
    return _png(width, height, row * height)


def _png(width: int, height: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    end = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + end


def noisy_png(noise: Callable[[int], bytes], side: int) -> bytes:
    """A whole PNG of noise, about side * side * 3 bytes."""
    rows = b"".join(b"\0" + noise(3 * side) for _ in range(side))
    return _png(side, side, rows)


def tree(pages: int, images: int) -> Answers:
    """Page n links to 2n+1 and 2n+2 and shows `images` images of its own, and one of all."""
    answers: Answers = {"/shared.png": Answer(png(0), PNG)}
    for n in range(pages):
        numbers = [n * images + k + 1 for k in range(images)]
        links = "".join(f'<a href="/p{m}">x</a>' for m in (2 * n + 1, 2 * n + 2) if m < pages)
        shown = "".join(f'<img src="/i{number}.png" alt="no {number}">' for number in numbers)
        body = f"<!doctype html><title>{n}</title>{links}{shown}<img src=/shared.png>"
        answers[f"/p{n}"] = Answer(body.encode())
        answers.update({f"/i{number}.png": Answer(png(number), PNG) for number in numbers})
    return answers


def images_of(answers: Answers) -> set[str]:
    """The paths of all images."""
    return {
        path
        for path, answer in answers.items()
        if isinstance(answer, Answer) and answer.type == PNG
    }
