"""A real S3-speaking server (moto) in a process of its own, and a proxy before it that errs."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from xml.etree import ElementTree

import pytest

#: What the tests' keys are, so that one can look for them in what is printed.
KEY_ID, SECRET = "AKIATESTTESTTEST", "verysecretverysecret"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "eu-test-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}  # fmt: skip

_SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""
_number = count()


@dataclass(slots=True)
class S3Server:
    """Where it listens, and what lies in it."""

    port: int

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def make_bucket(self) -> str:
        """A new bucket's name."""
        name = f"bucket-{next(_number)}"
        self.ask("PUT", f"/{name}")
        return name

    def keys(self, bucket: str) -> list[str]:
        """Names of all objects."""
        return self._texts(f"/{bucket}?list-type=2", "Key")

    def uploads(self, bucket: str) -> list[str]:
        """Uploads in parts that nobody has completed or given up."""
        return self._texts(f"/{bucket}?uploads", "UploadId")

    def ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        """A plain request; moto asks nobody who they are."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {"Authorization": "AWS anybody:anything"})
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        assert response.status < 300, (method, path, response.status, text)
        return text

    def _texts(self, path: str, name: str) -> list[str]:
        tree = ElementTree.fromstring(self.ask("GET", path))
        return [one.text or "" for one in tree.iter() if one.tag.endswith("}" + name)]


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """A server until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _SERVER], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        yield S3Server(int(process.stdout.readline()))
        process.kill()


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The usual environment, and none of the person who runs the tests."""
    nowhere = str(tmp_path_factory.getbasetemp() / "no-such-file")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ALLOW_HTTP"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, nowhere)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@dataclass(slots=True, frozen=True)
class Asked:
    """A request that came to the proxy."""

    method: str
    path: str
    headers: dict[str, str] = field(hash=False)
    body: bytes = b""


@dataclass(slots=True, frozen=True)
class Says:
    """An answer in the server's place. `after`: the server has carried it out before."""

    status: int = 0  #: 0: the connection is cut without a word
    code: str = ""
    after: bool = False
    pause_s: float = 0.0  #: before that


class Proxy:
    """Hands requests to a server unless `fault` has an answer of its own."""

    def __init__(self, server: S3Server, fault: Callable[[Asked], Says | None]) -> None:
        self.asked: list[Asked] = []
        self.server = server
        self.fault = fault
        self._listener = _Listener(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": self}))
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.05,))

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._listener.server_port}"

    def count(self, method: str) -> int:
        return sum(one.method == method for one in self.asked)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()

    def carried_out(self, asked: Asked) -> tuple[int, dict[str, str], bytes]:
        """The server's answer. It verifies no signature, so another Host does no harm."""
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        try:
            connection.request(asked.method, asked.path, asked.body, asked.headers)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Clients that are killed hang up in the middle: that is what they are killed for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    proxy: Proxy

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, body)
        self.proxy.asked.append(asked)
        says = self.proxy.fault(asked)
        if says is None:
            self._answer(*self.proxy.carried_out(asked))
        else:
            self._say(asked, says)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _any  # noqa: N815

    def _say(self, asked: Asked, says: Says) -> None:
        time.sleep(says.pause_s)
        if says.after:
            self.proxy.carried_out(asked)
        if says.status:
            text = f"<Error><Code>{says.code}</Code><Key>{KEY_ID}</Key></Error>"
            self._answer(says.status, {}, text.encode())
        else:
            self.close_connection = True

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("connection", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        if "content-length" not in {name.lower() for name in headers}:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def nth(number: int, says: Says, method: str = "PUT") -> Callable[[Asked], Says | None]:
    """A fault at the first `number` requests of a method."""
    left = count(1)
    return lambda asked: says if asked.method == method and next(left) <= number else None
