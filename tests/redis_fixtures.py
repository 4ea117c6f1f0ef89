"""Real Redis servers for tests: processes of their own on free ports of loopback."""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest
import redis

from bowerbird.errors import ConnectionLostError
from tests.ports import free_port

#: Generous: a loaded machine starts one in a second.
START_S = 30.0


#: Of a Redis that has what it answered after kill -9 too: with `everysec` it puts off its writes
#: while a slow disk is at a sync.
KEEPING = ("--appendonly", "yes", "--appendfsync", "always")

#: How a change of several commands begins and ends in an append-only file.
_MULTI, _EXEC = b"*1\r\n$5\r\nMULTI\r\n", b"*1\r\n$4\r\nEXEC\r\n"

T = TypeVar("T")
Start = Callable[..., "RedisServer"]


class RedisServer:
    """A redis-server; `kill` is kill -9, `start` again takes up its data."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self.options = folder, options
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "RedisServer":
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    "redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
                    "--dir", str(self.folder), "--save", "", *self.options,
                ],
                stdout=log, stderr=log,
            )  # fmt: skip
        self._wait()
        return self

    def _wait(self) -> None:
        end = time.monotonic() + START_S
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1.0) as line:
                    line.sendall(b"PING\r\n")
                    if line.recv(64).startswith((b"+PONG", b"-NOAUTH", b"-LOADING")):
                        return
            except OSError:
                pass
            assert self.process is not None
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < end, "redis-server does not answer"
            time.sleep(0.01)

    def address(self, crawl: str = "test", database: int = 0) -> str:
        return f"redis://127.0.0.1:{self.port}/{database}?crawl={crawl}"

    def client(self) -> redis.Redis:
        return redis.Redis(host="127.0.0.1", port=self.port, protocol=2)

    def start_and_read(self) -> None:
        """Start it, and wait until it has read its data: before, it answers -LOADING."""
        self.start()
        until(lambda: not self.client().info("persistence")["loading"])

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def tear(self, dice: random.Random) -> None:
        """As if kill -9 had met it at a write: what it has appended ends in the midst of a change
        that nobody was answered; here of the last one, once more."""
        logs = self.folder.glob("appendonlydir/*.incr.aof")
        log = max(logs, key=lambda one: int(one.name.split(".")[2]))  # two during a rewrite
        data = log.read_bytes()
        if data.endswith(_EXEC):
            change = data[data.rindex(_MULTI) :]
            log.write_bytes(data + change[: dice.randrange(1, len(change))])

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(START_S)
            self.process = None


def need_redis() -> None:
    """Skips on a laptop without redis-server; fails in CI."""
    if shutil.which("redis-server") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no redis-server on this machine")
        pytest.skip("no redis-server on this machine")


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One for a module: in memory only."""
    need_redis()
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield server
    server.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """One that has what it answered after kill -9 too."""
    need_redis()
    one = RedisServer(tmp_path / "redis", *KEEPING).start()
    yield one
    one.kill()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a Redis of the test's own."""
    need_redis()
    servers: list[RedisServer] = []

    def start(*options: str) -> RedisServer:
        servers.append(RedisServer(tmp_path / f"redis{len(servers)}", *options).start())
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


def until(true: Callable[[], bool], within_s: float = 60.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def patiently(call: Callable[[], T]) -> T:
    """As a manager does, who waits for a Redis that is away."""
    while True:
        with suppress(ConnectionLostError):
            return call()
        time.sleep(0.01)
