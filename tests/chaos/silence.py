"""How long a crawl takes in which some hosts never answer, against the same crawl without them.

    python -m tests.chaos.silence --hosts 100 --dead 1 --tasks 1000 --how silent
    python -m tests.chaos.silence --how unreachable

A host that takes connections and never answers (`silent`), or lets SYNs fall (`unreachable`), is
given up after two rounds of the clock that bounds it (`--first-byte-timeout`, `--connect-timeout`:
four requests in flight, five failures), a minute, and the one probe: 2 * 20 + 60 + 20 = 120 s and
2 * 10 + 60 + 10 = 90 s by the defaults. A crawl with such hosts is to end that much later at most.
"""

import argparse
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.bird import Flying
from tests.random_web import World, serve
from tests.random_web.world import Thing, loopback
from tests.web import png

#: Clock that bounds such a host (s), by how it is dead, and the pause before the probe.
CLOCKS_S = {"silent": 20.0, "unreachable": 10.0}
PROBE_S = 60.0
#: What is asked of the project, and what it aims at, in seconds beyond the host's give-up time.
MUST_S, AIM_S = 10.0, 2.0


class Images(dict[str, Thing]):
    """Whatever is asked for is an image; what a dead host is asked for gets no answer."""

    def __init__(self, dead: frozenset[str]) -> None:
        super().__init__()
        self._dead = dead

    def get(self, key: str, default: Any = None) -> Any:
        host, _, number = key.rpartition("/")
        if host in self._dead:
            return Thing(how="silent", fails=1 << 30)
        return Thing(png(int(number.partition(".")[0] or 0)), "image/png")


def give_up_s(how: str) -> float:
    """After how long a host is given up that is dead in this way."""
    return 3 * CLOCKS_S[how] + PROBE_S


@contextmanager
def unreachable(address: str) -> Iterator[int]:
    """A port where SYNs fall; its number."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind((address, 0))
        full.listen(0)
        for _ in range(2):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        yield full.getsockname()[1]


def crawl_s(names: list[str], ports: Mapping[str, int], tasks: int) -> tuple[float, dict[str, Any]]:
    """Download so many images of each host; how long it took (s), and the report."""
    with tempfile.TemporaryDirectory() as place:
        list_of = Path(place) / "list.txt"
        urls = (f"http://{name}:{ports[name]}/{n}.png\n" for n in range(tasks) for name in names)
        list_of.write_text("".join(urls))
        options = ("--allow-private", "--delay", 0, "--json", "--quiet")
        run = Flying(("download", list_of, "-o", Path(place) / "out", *options))
        assert run.process.wait() == 0, run.ended().err
    report = run.ended().report
    return report["seconds"], report


def measured(hosts: int, dead: int, tasks: int, how: str) -> tuple[float, float, dict[str, Any]]:
    """Seconds without the dead hosts and with them, and the report of the latter."""
    names = [loopback(n + 1) for n in range(hosts)]
    living, mute = names[dead:], frozenset(names[:dead])
    world = World(0, tuple(names), names[0] + "/", Images(mute), frozenset(names))
    with serve(world) as web, ExitStack() as stack:
        ports = dict.fromkeys(names, web.port)
        without_s, _ = crawl_s(living, ports, tasks)
        if how == "unreachable":
            ports |= {name: stack.enter_context(unreachable(name)) for name in mute}
        with_s, report = crawl_s(names, ports, tasks)
    return without_s, with_s, report


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.silence", description=__doc__)
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--dead", type=int, default=1)
    parser.add_argument("--tasks", type=int, default=1_000)
    parser.add_argument("--how", choices=CLOCKS_S, default="silent")
    given = parser.parse_args()
    without_s, with_s, report = measured(given.hosts, given.dead, given.tasks, given.how)
    late_s = with_s - without_s - give_up_s(given.how)
    print(
        f"{given.how}: {given.dead} of {given.hosts} hosts with {given.tasks} tasks each: "
        f"{without_s:.1f} s without, {with_s:.1f} s with; given up after {give_up_s(given.how):g} "
        f"s; {late_s:+.1f} s beyond (must {MUST_S:+g}, aim {AIM_S:+g}); "
        f"{report['images']} images, failures {report['failures']}"
    )
    whole = report["images"] == (given.hosts - given.dead) * given.tasks
    return 0 if late_s <= MUST_S and whole else 1


if __name__ == "__main__":
    sys.exit(main())
