"""Who has to go when too many connections have not authenticated. Pure.

Sources whose connections have authenticated before are counted apart, so that strangers cannot
lock out a fleet, and a machine of a hundred cores or a whole house behind a NAT is no stranger.
"""

import socket
from collections import OrderedDict

#: Sources that are remembered; only who has the key can add one. About 150 bytes each.
REMEMBERED = 4_096


def source_of(peer: object) -> bytes:
    """What one end is counted as, from its socket address: an IPv4 address, or the /64 of an IPv6
    one, since whoever has one address of it has all. All Unix sockets are one source."""
    if not isinstance(peer, tuple):
        return b""
    host = peer[0].partition("%")[0]  # without the interface of a link-local one
    if ":" not in host:
        return socket.inet_pton(socket.AF_INET, host)
    packed = socket.inet_pton(socket.AF_INET6, host)
    return packed[12:] if packed[:12] == b"\0" * 10 + b"\xff\xff" else packed[:8]


class Crowd:
    """Connections by source, the oldest first; above a limit one has to go.

    `most` in all, `most_each` of one source.
    """

    def __init__(self, most: int, most_each: int) -> None:
        self._most, self._most_each = most, most_each
        self._sources: dict[bytes, dict[int, None]] = {}
        self._by_count: list[dict[bytes, None]] = []  # [n]: the sources with n + 1 connections
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, number: int, source: bytes) -> int | None:
        """One more; the number of the one that has to go for it, if any."""
        numbers = self._sources.setdefault(source, {})
        numbers[number] = None
        self._size += 1
        self._recount(source, len(numbers) - 1)
        if len(numbers) > self._most_each:
            return next(iter(numbers))
        return self.first_to_go() if self._size > self._most else None

    def remove(self, number: int, source: bytes) -> bool:
        """One less; whether it was here."""
        numbers = self._sources.get(source, {})
        if number not in numbers:
            return False
        del numbers[number]
        self._size -= 1
        self._recount(source, len(numbers) + 1)
        if not numbers:
            del self._sources[source]
        return True

    def of(self, source: bytes) -> tuple[int, ...]:
        """The connections of a source."""
        return tuple(self._sources.get(source, ()))

    def first_to_go(self) -> int | None:
        """The oldest of the source that has most; among equals, of the one longest so."""
        while self._by_count and not self._by_count[-1]:
            self._by_count.pop()
        if not self._by_count:
            return None
        return next(iter(self._sources[next(iter(self._by_count[-1]))]))

    def _recount(self, source: bytes, before: int) -> None:
        now = len(self._sources[source])
        if before:
            self._by_count[before - 1].pop(source, None)
        while len(self._by_count) < now:
            self._by_count.append({})
        if now:
            self._by_count[now - 1][source] = None


class Strangers:
    """The connections of one door that have not authenticated."""

    def __init__(self, most: int, most_each: int) -> None:
        self._known: OrderedDict[bytes, None] = OrderedDict()  # sources, the latest last
        self._strange = Crowd(most, most_each)
        self._familiar = Crowd(most, most)

    def __len__(self) -> int:
        return len(self._strange) + len(self._familiar)

    def arrived(self, number: int, source: bytes) -> int | None:
        """A connection came; the number of the one that has to go for it, if any."""
        crowd = self._familiar if source in self._known else self._strange
        return crowd.add(number, source)

    def authenticated(self, number: int, source: bytes) -> list[int]:
        """A connection is no stranger any more, nor is its source; the numbers of those that have
        to go for the others of this source."""
        self.left(number, source)
        self._known[source] = None
        self._known.move_to_end(source)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        moved = self._strange.of(source)
        for other in moved:
            self._strange.remove(other, source)
        gone = [self._familiar.add(other, source) for other in moved]
        return [other for other in gone if other is not None]

    def left(self, number: int, source: bytes) -> None:
        """A connection has ended; nothing happens where it was not counted."""
        if not self._strange.remove(number, source):
            self._familiar.remove(number, source)

    def first_to_go(self) -> int | None:
        """Who has to go when there is no room for anyone."""
        strange = self._strange.first_to_go()
        return self._familiar.first_to_go() if strange is None else strange
