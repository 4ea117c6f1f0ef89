"""Messages from one partition to others: found tasks, moved targets, what a robots.txt came to.

`finish` writes them into the outbox of its own partition. Whoever has called it carries them where
they belong and removes them; what nobody came to carry, anybody does after a while.
"""

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from bowerbird.errors import ConnectionLostError, StorageFullError
from bowerbird.frontier.redis.epochs import Epochs
from bowerbird.frontier.redis.line import Ask, together
from bowerbird.frontier.redis.packing import chunks_by_weight
from bowerbird.frontier.redis.partition import Partition

#: Bytes of a short task in a message: one delivery brings about as many tasks as any call does.
TASK_BYTES = 64
#: A message that is older was left behind by who should have carried it, in seconds.
STALE_S = 3.0
#: What arrived at another node without a replica is kept for so long, in seconds: its file may be
#: written by then.
KEPT_S = 3.0
#: How often one process looks for such, in seconds: messages that are just being carried are
#: looked at in vain.
SWEEP_EVERY_S = 1.0
#: Messages of one partition carried by one sweep.
SWEPT = 256
#: How long replicas are waited for, in milliseconds.
REPLICAS_MS = 2_000


class Letter(NamedTuple):
    """A message in an outbox."""

    source: int
    entry: bytes
    target: int
    message: bytes | None  #: None: it is yet to be read there


class _Kept(NamedTuple):
    letter: Letter
    until_s: float
    epoch: bytes  #: of the target when it arrived


class Outbox:
    """Carries messages of one crawl. Any number of threads may call it."""

    def __init__(self, partitions: Sequence[Partition], epochs: Epochs) -> None:
        self._partitions, self._epochs = partitions, epochs
        self._kept: list[_Kept] = []
        self._swept_s = 0.0

    def __repr__(self) -> str:
        return f"<Outbox [{len(self._kept)} kept]>"

    def carry(self, letters: Iterable[Letter]) -> None:
        """Deliver messages and remove what has arrived. What does not arrive stays: who has written
        it has done all he can."""
        with suppress(ConnectionLostError, StorageFullError):
            self._carry([found for one in letters for found in self._read(one)])

    def _read(self, letter: Letter) -> list[Letter]:
        """A letter with its message; none where somebody else has carried it."""
        if letter.message is not None:
            return [letter]
        source, entry = self._partitions[letter.source], letter.entry
        found = source.command("XRANGE", "outbox", entry, entry).alone()
        return [letter._replace(message=fields[1]) for _, fields in found]

    def _carry(self, letters: Sequence[Letter]) -> None:
        if letters:
            arrived = self._delivered(letters)
            certain = [one for one in arrived if self._is_certain(one)]
            self._remove(certain)
            self._keep(set(arrived) - set(certain))
        self._tidy()

    def confirmed(self, asks: Sequence[Ask]) -> list[Any]:
        """Answers of calls, once the replicas that there are have them; theirs stand behind."""
        replicas = len(self._epochs) and any(one.line.holder().replicas for one in asks)
        return together(asks, ("WAIT", 1, REPLICAS_MS) if replicas else ())

    def _delivered(self, letters: Sequence[Letter]) -> list[Letter]:
        """Those that have arrived, at replicas too."""
        arrived: list[Letter] = []
        for some in self._by_holder(letters):
            target = self._partitions[some[0].target]
            asks = list(self._asks(some))
            replicas = self.confirmed(asks)[len(asks) :]
            if not target.line.holder().replicas or min(replicas, default=0) >= 1:
                arrived += some
        return arrived

    def _by_holder(self, letters: Sequence[Letter]) -> list[list[Letter]]:
        groups: dict[str, list[Letter]] = {}
        for one in letters:
            holder = self._partitions[one.target].line.holder()
            groups.setdefault(holder.id, []).append(one)
        return list(groups.values())

    def _asks(self, letters: Sequence[Letter]) -> Iterable[Ask]:
        targets: dict[int, list[bytes]] = {}
        for one in letters:
            if one.message is not None:
                targets.setdefault(one.target, []).append(one.message)
        for target, messages in targets.items():
            for some in chunks_by_weight(messages, lambda one: 1 + len(one) // TASK_BYTES):
                yield self._partitions[target].deliver(some)

    def _is_certain(self, letter: Letter) -> bool:
        """Whether what has arrived cannot be lost while its removal is not: both are written into
        one log, or a replica has it."""
        holders = [self._partitions[one].line.holder() for one in (letter.source, letter.target)]
        return holders[0].id == holders[1].id or holders[1].replicas > 0

    def _remove(self, letters: Iterable[Letter]) -> None:
        sources: dict[int, list[bytes]] = {}
        for one in letters:
            sources.setdefault(one.source, []).append(one.entry)
        together(
            [
                self._partitions[source].command("XDEL", "outbox", *entries)
                for source, entries in sources.items()
            ]
        )

    def _keep(self, letters: Iterable[Letter]) -> None:
        until_s = time.monotonic() + KEPT_S
        self._kept += [_Kept(one, until_s, self._epochs.of(one.target)) for one in letters]

    def _tidy(self) -> None:
        """Remove what was kept for long enough; what came to a node that has failed since goes its
        way again."""
        now_s = time.monotonic()
        due = [one for one in self._kept if one.until_s <= now_s]
        if not due:
            return
        self._kept = [one for one in self._kept if one.until_s > now_s]
        good = [one.letter for one in due if one.epoch == self._epochs.of(one.letter.target)]
        self._remove(good)
        self._carry([one.letter for one in due if one.letter not in good])

    def sweep(self, sources: Iterable[int]) -> None:
        """Carry what was left behind in these partitions' outboxes."""
        now_s = time.monotonic()
        if now_s - self._swept_s < SWEEP_EVERY_S:
            return
        self._swept_s = now_s
        with suppress(ConnectionLostError, StorageFullError):
            self._tidy()
            for source in sources:
                self._carry(self._stale(source))

    def _stale(self, source: int) -> list[Letter]:
        partition = self._partitions[source]
        entries = partition.command("XRANGE", "outbox", "-", "+", "COUNT", SWEPT).alone()
        seconds = int(partition.line.command("TIME")[0]) if entries else 0
        known = {one.letter.entry for one in self._kept if one.letter.source == source}
        stale_s = STALE_S + (KEPT_S if self._epochs else 0.0)
        return [
            Letter(source, entry, int(fields[0]), fields[1])
            for entry, fields in entries
            if entry not in known and seconds - int(entry.split(b"-")[0]) / 1000 >= stale_s
        ]
