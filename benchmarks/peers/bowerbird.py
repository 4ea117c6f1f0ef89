"""Bowerbird through its command line, as a user would start it."""

from benchmarks.peers.base import ROOT, Peer, Work, said_version

PROGRAM = str(ROOT / ".venv/bin/bowerbird")
VERSION = said_version(PROGRAM, "--version")
#: The benchmark's servers are on loopback, which a list alone gives no right to.
LOCAL = ["--allow-private", "--delay", "0", "--quiet"]
ALL_TYPES = "jpeg,png,gif,webp,avif,bmp,tiff,ico,svg"


def download(name: str, *options: str) -> Peer:
    """`bowerbird download LIST` with these options more."""

    def command(work: Work) -> list[str]:
        place = ["-o", str(work.out), *LOCAL]
        return [PROGRAM, "download", str(work.urls), *place, *options]

    return Peer(name, VERSION, command)


def crawl(name: str, *options: str) -> Peer:
    """`bowerbird crawl START` with these options more."""

    def command(work: Work) -> list[str]:
        return [PROGRAM, "crawl", work.start, "-o", str(work.out), *LOCAL, *options]

    return Peer(name, VERSION, command)


HEADER = download("bowerbird --check header", "--check", "header", "--per-host", "64")
DECODE = download("bowerbird", "--per-host", "64")
CRAWL = crawl("bowerbird", "--per-host", "32")
CRAWL_ALL = crawl(
    "bowerbird --srcset all", "--per-host", "32", "--srcset", "all", "--types", ALL_TYPES
)
BODIES = download(
    "bowerbird, one worker", "--workers", "1", "--per-host", "64", "--max-bytes", "40000000"
)
