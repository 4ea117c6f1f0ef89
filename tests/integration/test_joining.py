"""What `bowerbird worker` says where it cannot join: each a small server that is not ours."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.bird import bird

from bowerbird.codec import encode
from bowerbird.errors import RemoteCallError
from bowerbird.queues import Door, Server, TcpAddress
from bowerbird.queues.messages import Reply, failure
from bowerbird.queues.server import Call
from bowerbird.settings import Job, Settings

KEY = b"a key"
Answer = Callable[[Call], Reply]


class Answering:
    """A manager that has one answer."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.server = Server((Door(TcpAddress("127.0.0.1", 0), KEY),))

    def asked(self, call: Call) -> None:
        self.server.reply_many([(call.connection, self._answer(call))])

    def closed(self, connection: int) -> None:
        pass

    def asked_old(self, call: object) -> None:
        pass


@contextmanager
def manager(answer: Answer) -> Iterator[str]:
    handler = Answering(answer)
    handler.server.start(handler)
    try:
        yield str(handler.server.addresses[0])
    finally:
        handler.server.close()


@pytest.fixture
def key(tmp_path: Path) -> Path:
    (tmp_path / "key").write_bytes(KEY)
    return tmp_path / "key"


def newer(call: Call) -> Reply:
    job = Job(name="x", settings=Settings())
    text = encode(job).replace(b"\xa8per_host", b"\xa8perhaps!")
    return Reply(call.request.id, "", text)


def out_of_range(call: Call) -> Reply:
    job = Job(name="x", settings=Settings(concurrency=10**9))
    return Reply(call.request.id, "", encode(job))


def no_crawl(call: Call) -> Reply:
    return failure(call.request.id, RemoteCallError("There is no method 'job'."))


@pytest.mark.parametrize(
    ("answer", "word"),
    [(newer, "another version"), (out_of_range, "--concurrency"), (no_crawl, "runs no crawl")],
)
def test_a_manager_that_is_not_understood_ends_it(
    tmp_path: Path, key: Path, answer: Answer, word: str
) -> None:
    with manager(answer) as address:
        ran = bird("worker", address, "--authkey-file", key, "-o", tmp_path / "images")

    assert ran.status in (1, 2)
    assert word in ran.err
    assert "Traceback" not in ran.err


def test_a_web_server_at_the_address_ends_it(tmp_path: Path, key: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    client.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        ran = bird("worker", address, "--authkey-file", key, "-o", tmp_path / "images")
        listener.shutdown(socket.SHUT_RDWR)

    assert ran.status in (1, 2)
    assert address in ran.err
    assert "Traceback" not in ran.err


def test_a_key_that_is_not_named_is_asked_for(tmp_path: Path) -> None:
    ran = bird("worker", "tcp://127.0.0.1:9", "-o", tmp_path / "images")

    assert ran.status == 2
    assert "--authkey-file" in ran.err
