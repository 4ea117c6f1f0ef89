"""Memory of Redis for a URL: waiting, and seen and done."""

from dataclasses import dataclass

from benchmarks.cluster.server import Server, served
from benchmarks.tables import table
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.rules import Rules
from bowerbird.model import Kind, Outcome, Task, Verb, WorkerInfo

CHUNK = 1_000
#: What an image URL of a page is long.
LENGTH = 60
HOSTS_SHARE = 1_000
SIZES = (100_000, 1_000_000)
#: Larger ones are never all waiting: they are added and done in waves.
LARGE, WAVE = 1_000_000, 10_000
WAITING, DONE = (200, 150), (12, 10)


@dataclass(frozen=True, slots=True)
class Bytes:
    """Of one URL, over those that an empty crawl takes."""

    waiting: float
    done: float


def task(number: int, hosts: int) -> Task:
    """An image at one of the hosts, found on a page of it; each million has hosts of its own."""
    first = number // LARGE * (LARGE // HOSTS_SHARE)
    host = f"www.host-{first + number % min(hosts, LARGE // HOSTS_SHARE)}.example"
    url = f"https://{host}/images/"
    return Task(
        url=f"{url}{number:0{max(1, LENGTH - len(url) - 4)}d}.jpg", kind=Kind.IMAGE, depth=1
    )


def measure(number: int) -> Bytes:
    """Both, in an empty Redis; what was done is taken away from the stream, as a manager does."""
    hosts = max(1, number // HOSTS_SHARE)
    with served(append_only=False) as server:
        _crawl(server, "small", 1, 1)  # scripts and connections have their memory now
        empty = _settled(server)
        waiting = _crawl(server, "large", number, hosts) - empty
        done = _settled(server) - empty
    return Bytes(waiting / number, done / number)


def _crawl(server: Server, name: str, number: int, hosts: int) -> int:
    """Add them all, then finish them all; memory in between. Many are added and finished in waves:
    then what waits is only the last wave."""
    frontier = RedisFrontier(server.address(name), Rules(obey_robots=False))
    first = number - WAVE if number > LARGE else 0
    for start in range(0, first, WAVE):
        _add(frontier, range(start, min(first, start + WAVE)), hosts)
        _finish(frontier)
    _add(frontier, range(first, number), hosts)
    waiting = _settled(server)
    frontier.add([], seeds_complete=True)
    _finish(frontier)
    frontier.close()
    return waiting


def _add(frontier: RedisFrontier, numbers: range, hosts: int) -> None:
    for start in range(0, len(numbers), CHUNK):
        frontier.add([task(one, hosts) for one in numbers[start : start + CHUNK]])


def _finish(frontier: RedisFrontier) -> None:
    """All that there is to do."""
    session = frontier.attach(WorkerInfo(name="measuring"), hard_end_s=36_000.0).session
    while (reply := frontier.lease(session, 250)).leases:
        outcomes = [
            Outcome(token=one.token, verb=Verb.DONE, status=200, answered=True)
            for one in reply.leases
        ]
        frontier.finish(session, outcomes, {one.host: one.slots for one in reply.grants})
    frontier.detach(session)


def _settled(server: Server) -> int:
    server.client.memory_purge()
    return server.memory()


def section(sizes: tuple[int, ...] = SIZES) -> str:
    """The table."""
    lines = []
    for number in sizes:
        found = measure(number)
        hosts = max(1, number // HOSTS_SHARE)
        name = f"{number:,} URLs of {LENGTH} characters, {hosts:,} hosts"
        if number <= LARGE:
            lines.append(_line(f"{name}: waiting", found.waiting, WAITING))
        lines.append(_line(f"{name}: seen and done", found.done, DONE))
    return table(["bytes of Redis for one URL", "measured", "must ≤", "aim ≤", ""], lines)


def _line(name: str, measured: float, limits: tuple[int, int]) -> list[str]:
    mark = "✓" if measured <= limits[0] else "✗"
    return [name, f"{measured:.1f}", *(str(one) for one in limits), mark]
