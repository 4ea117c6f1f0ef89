"""curl --parallel, driven by a config file."""

from benchmarks.peers.base import Peer, Work, said_version

PARALLEL = 64


def _config(work: Work) -> None:
    """Names as numbered: curl has no store of its own."""
    lines = [
        f'url = "{url}"\noutput = "{work.out}/{number:06}.jpg"\n'
        for number, url in enumerate(work.urls.read_text().split())
    ]
    work.beside("curl.conf").write_text("".join(lines))


def _command(work: Work) -> list[str]:
    config = str(work.beside("curl.conf"))
    return ["curl", "-s", "--parallel", "--parallel-max", str(PARALLEL), "--config", config]


CURL = Peer("curl --parallel", said_version("curl", "--version"), _command, _config)
