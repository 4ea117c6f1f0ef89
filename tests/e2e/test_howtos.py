"""What docs/howto/ tells people to type works, and prints what it says.

A site named https://example.org/ stands for the demo's gallery, served here. In a console block a
line after `$ ` is run; the lines below it have to occur in what it prints, whatever their numbers.
`…` ends a line early. A python block is run by a Python of its own. Our site is on loopback, which
start pages may be and the URLs of a list may not: for them --allow-private is added.
"""

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from bowerbird.demo import open_gallery

HOWTOS = sorted((Path(__file__).resolve().parents[2] / "docs/howto").glob("*.md"))
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with open_gallery(tmp_path_factory.mktemp("gallery") / "site") as gallery:
        yield gallery.url


@dataclass
class Reader:
    """Somebody who types what the text says."""

    site: str
    folder: Path

    def follow(self, kind: str, block: str) -> None:
        """Do what one block says."""
        block = block.replace("https://example.org/", self.site)
        block = block.replace("bowerbird download ", "bowerbird download --allow-private ")
        block = block.replace("download(urls, ", "download(urls, allow_private=True, ")
        if kind == "python":
            self._run([sys.executable, "-W", "error", "-c", block])
            return
        for command, *expected in map(str.splitlines, re.split(r"^\$ ", block, flags=re.M)[1:]):
            printed = loose(self._run(["sh", "-c", self._typed(command)]))
            for line in filter(None, map(loose, expected)):
                assert line.partition("…")[0] in printed, f"{command}\nprinted:\n{printed}"

    def _typed(self, command: str) -> str:
        bird = shlex.join([sys.executable, "-m", "bowerbird"])
        return re.sub(r"(?<![\w./-])bowerbird (?=[a-z-])", bird + " ", command)

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


def loose(text: str) -> str:
    """Without what differs from run to run: numbers, units, folders, spaces."""
    text = re.sub(r"\S*/(?=(images|photos)\b)", "", text)
    text = re.sub(r"\d[\d.,]*( ?(min \d+ s|[kMG]?B|m?s)\b)?", "N", text)
    return re.sub(r"[ \t]+", " ", text).strip()


@pytest.mark.parametrize("howto", HOWTOS, ids=lambda path: path.stem)
def test_a_reader_gets_what_the_text_promises(howto, site, tmp_path):
    blocks = BLOCK.findall(howto.read_text())
    assert blocks, f"{howto} shows nothing to type"
    for kind, block in blocks:
        Reader(site, tmp_path).follow(kind, block)


def test_there_are_howtos():
    assert len(HOWTOS) >= 6
