"""What docs/howto/ tells people to type works, and prints what it says.

A site named https://example.org/ stands for the demo's gallery, served here. In a console block a
line after `$ ` is run; the lines below it have to occur in what it prints, whatever their numbers.
`…` ends a line early. A python block is run by a Python of its own. Our site is on loopback, which
start pages may be and the URLs of a list may not: for them --allow-private is added, and for
workers, who go nowhere private by themselves.

All machines are this one, and their port 8001 is one that is free here. A manager begun in the
background (`&`) is waited for until it listens; what is left of it at the end is killed.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bowerbird.demo import open_gallery
from tests.bird import wait_for
from tests.buckets import S3Server, keys, s3
from tests.ports import free_port
from tests.redis_fixtures import RedisServer, redis_server

__all__ = ["keys", "redis_server", "s3"]

HOWTOS = sorted((Path(__file__).resolve().parents[2] / "docs/howto").glob("*.md"))
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with open_gallery(tmp_path_factory.mktemp("gallery") / "site") as gallery:
        yield gallery.url


#: What stands for something else here.
STANDS_FOR = {
    "bowerbird download ": "bowerbird download --allow-private ",
    "bowerbird worker ": "bowerbird worker --allow-private ",
    "download(urls, ": "download(urls, allow_private=True, ",
    "0.0.0.0:8001": "127.0.0.1:8001",
    "manager:8001": "127.0.0.1:8001",
    "rsync -a worker1:mine/ ": "mv mine ",
}


@dataclass
class Reader:
    """Somebody who types what the text says."""

    site: str
    folder: Path
    port: int
    bucket_at: str = ""  #: the endpoint of a server that speaks S3
    redis_at: str = ""  #: host and port of a Redis
    left_running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def follow(self, kind: str, block: str) -> None:
        """Do what one block says."""
        block = block.replace("https://example.org/", self.site)
        for text, meant in STANDS_FOR.items():
            block = block.replace(text, meant)
        block = block.replace("8001", str(self.port))
        block = block.replace("https://s3.example.net", self.bucket_at)
        block = block.replace("redis.example.net:6379", self.redis_at)
        if kind == "python":
            self._run([sys.executable, "-W", "error", "-c", block])
            return
        for command, *expected in map(str.splitlines, re.split(r"^\$ ", block, flags=re.M)[1:]):
            if command.endswith("&"):
                self._begin(command)
                continue
            if not command.startswith("bowerbird worker"):
                self._wait_for_managers()
            printed = loose(self._run(["sh", "-c", self._typed(command)]))
            for line in filter(None, map(loose, expected)):
                assert line.partition("…")[0] in printed, f"{command}\nprinted:\n{printed}"

    def leave(self) -> None:
        """Kill what still runs."""
        for shell in self.left_running:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()

    def _begin(self, command: str) -> None:
        log = self.folder / "crawl.log"
        log.unlink(missing_ok=True)
        words = ["sh", "-c", f"{self._typed(command).removesuffix('&')}"]
        shell = subprocess.Popen(words, cwd=self.folder, start_new_session=True)
        self.left_running.append(shell)
        wait_for("a manager", lambda: shell.poll() is not None or _is_open(log))
        assert shell.poll() is None, _text(log)

    def _wait_for_managers(self) -> None:
        """Their crawls have ended, and they are about to."""
        for shell in self.left_running:
            with suppress(subprocess.TimeoutExpired):
                shell.wait(20)

    def _typed(self, command: str) -> str:
        bird = shlex.join([sys.executable, "-m", "bowerbird"])
        return re.sub(r"(?<![\w./-])bowerbird (?=[a-z-])", bird + " ", command)

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


def _is_open(log: Path) -> bool:
    return any(words in _text(log) for words in ("Listening", "Workers join"))


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def loose(text: str) -> str:
    """Without what differs from run to run: numbers, units, folders, spaces."""
    text = re.sub(r"\S*/(?=(images|photos)\b)", "", text)
    text = re.sub(r"\d[\d.,]*( ?(min \d+ s|[kMG]?B|m?s)\b)?", "N", text)
    return re.sub(r"[ \t]+", " ", text).strip()


@pytest.fixture
def reader(site, tmp_path):
    reader = Reader(site, tmp_path, free_port())
    yield reader
    reader.leave()


@pytest.fixture
def with_bucket(request, reader):
    """Start a server that speaks S3 for those who read of one."""
    if "https://s3.example.net" in request.node.callspec.params["howto"].read_text():
        request.getfixturevalue("keys")
        server: S3Server = request.getfixturevalue("s3")
        server.ask("PUT", "/our-photos")
        reader.bucket_at = server.endpoint


@pytest.fixture
def with_redis(request, reader):
    """Start a Redis for those who read of one."""
    if "redis.example.net" in request.node.callspec.params["howto"].read_text():
        server: RedisServer = request.getfixturevalue("redis_server")
        reader.redis_at = f"127.0.0.1:{server.port}"


@pytest.mark.usefixtures("with_bucket", "with_redis")
@pytest.mark.parametrize("howto", HOWTOS, ids=lambda path: path.stem)
def test_a_reader_gets_what_the_text_promises(howto, reader):
    blocks = BLOCK.findall(howto.read_text())
    assert blocks, f"{howto} shows nothing to type"
    for kind, block in blocks:
        reader.follow(kind, block)


def test_there_are_howtos():
    assert len(HOWTOS) >= 6
