"""aria2c with a list; one connection a file, no preallocation, 64 files at once (16 a server is
its limit for connections of one file, not for files)."""

from benchmarks.peers.base import Peer, Work, said_version


def _list(work: Work) -> list[str]:
    options = ["-q", "-j64", "-s1", "-x1", "--file-allocation=none", "--enable-dht=false"]
    return ["aria2c", *options, "--summary-interval=0", "-d", str(work.out), "-i", str(work.urls)]


ARIA2 = Peer("aria2c -j64", said_version("aria2c", "--version"), _list)
