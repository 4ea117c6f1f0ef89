"""wget2: a list with -i, and a mirror with -r -p. Quiet, HTTP/1.1 as all others on loopback."""

from benchmarks.peers.base import Peer, Work, said_version

VERSION = said_version("wget2", "--version")


def _list(work: Work) -> list[str]:
    return ["wget2", "-q", "--max-threads=64", "-P", str(work.out), "-i", str(work.urls)]


def _mirror(work: Work) -> list[str]:
    """All depths, page requisites too; 32 threads, as many as Bowerbird may open at a host."""
    options = ["-q", "-r", "-l", "inf", "-p", "--max-threads=32"]
    return ["wget2", *options, "-P", str(work.out), work.start]


WGET2_LIST = Peer("wget2 -i", VERSION, _list)
WGET2_MIRROR = Peer("wget2 -r -p", VERSION, _mirror)
