"""A redis-server of a measurement's own, with the settings that we ship for crawls."""

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

START_S = 30.0
SETTINGS = Path(__file__).parents[2] / "examples/cluster/redis.conf"


class Server:
    """Where it listens, and what it says of itself."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.client = redis.Redis(port=port, protocol=2)

    def address(self, crawl: str) -> str:
        """Of a crawl in it."""
        return f"redis://127.0.0.1:{self.port}/0?crawl={crawl}"

    def memory(self) -> int:
        """Bytes that its data take, with what the allocator adds to each."""
        return int(self.client.info("memory")["used_memory_dataset"])

    def cpu_s(self) -> float:
        """Processor time of its one thread so far."""
        return float(self.client.info("cpu")["used_cpu_user_main_thread"]) + float(
            self.client.info("cpu")["used_cpu_sys_main_thread"]
        )

    def version(self) -> str:
        """Of the server."""
        return str(self.client.info("server")["redis_version"])


@contextmanager
def served(*, append_only: bool = True) -> Iterator[Server]:
    """A Redis while the block runs; it begins empty."""
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "redis-server", str(SETTINGS), "--port", str(port), "--dir", folder,
            "--appendonly", "yes" if append_only else "no",
        ]  # fmt: skip
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            yield _ready(Server(port))
        finally:
            process.kill()
            process.wait()


def _ready(server: Server) -> Server:
    end_s = time.monotonic() + START_S
    while True:
        try:
            server.client.ping()
            return server
        except redis.exceptions.ConnectionError:
            if time.monotonic() > end_s:
                raise
            time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
