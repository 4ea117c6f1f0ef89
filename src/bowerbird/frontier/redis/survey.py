"""All hosts of a crawl in Redis, for people who search and sort them.

Names, and about how busy they are, lie in one zset: 30 ms for 100,000. All else lies
in two strings for each host: 1.3 s. Both are kept until they have taken a small share of Redis's
time.
"""

import time
from collections.abc import Callable, Sequence

from bowerbird.frontier.redis.division import Division
from bowerbird.frontier.redis.looking import pages, rows_of
from bowerbird.frontier.redis.partition import Partition
from bowerbird.model import HostRow

#: The share of Redis's time that looking at all hosts may take, and for how long what was seen is
#: good at least, in seconds.
SHARE, GOOD_S = 0.05, 2.0
#: Names of one call: a millisecond.
STRETCH = 5_000


class Survey:
    """What was seen of all hosts a moment ago."""

    def __init__(self, partitions: Sequence[Partition], division: Division) -> None:
        """Ask nothing yet."""
        self._partitions, self._division = partitions, division
        self._names, self._rows = _Kept(self._look_at_names), _Kept(self._look_at_rows)

    def names(self) -> list[HostRow]:
        """All hosts, of which nothing is said but about how many tasks they have."""
        return self._names.get()

    def rows(self) -> list[HostRow]:
        """All hosts, with all that is known of them."""
        return self._rows.get()

    def now(self, hosts: Sequence[str]) -> list[HostRow]:
        """These hosts as they are now."""
        return [row for page in pages(hosts) for row in self._rows_of(page)]

    def _look_at_names(self) -> list[HostRow]:
        return [row for one in self._partitions for row in _names_of(one)]

    def _look_at_rows(self) -> list[HostRow]:
        return self.now([row.host for row in self.names()])

    def _rows_of(self, hosts: Sequence[str]) -> list[HostRow]:
        shares: dict[int, list[str]] = {}
        for host in hosts:
            shares.setdefault(self._division.of(host), []).append(host)
        asks = [self._partitions[number].ask("hosts", *some) for number, some in shares.items()]
        found = {row.host: row for row in rows_of(asks)}
        return [found[host] for host in hosts]


def _names_of(partition: Partition) -> list[HostRow]:
    found: list[HostRow] = []
    count: int = partition.command("ZCARD", "hosts").alone()
    for start in range(0, count, STRETCH):
        stretch = (start, start + STRETCH - 1, "WITHSCORES")
        flat: list[bytes] = partition.command("ZRANGE", "hosts", *stretch).alone()
        found += map(_rough, flat[::2], flat[1::2])
    return found


def _rough(name: bytes, bits: bytes) -> HostRow:
    return HostRow(host=name.decode(), waiting=1 << int(bits) >> 1)


class _Kept:
    """What costs something to look at, until it may be looked at again."""

    def __init__(self, look: Callable[[], list[HostRow]]) -> None:
        self._look = look
        self._rows: list[HostRow] = []
        self._due_s = 0.0

    def get(self) -> list[HostRow]:
        began_s = time.monotonic()
        if began_s >= self._due_s:
            self._rows = self._look()
            ended_s = time.monotonic()
            self._due_s = ended_s + max(GOOD_S, (ended_s - began_s) / SHARE)
        return self._rows
