"""Epochs of partitions: which life of which node holds each. In a new one the last writes of the
one before may be missing."""

from collections.abc import Sequence
from contextlib import suppress

from bowerbird.errors import UsageError
from bowerbird.frontier.redis.info import facts
from bowerbird.frontier.redis.keys import fingerprint
from bowerbird.frontier.redis.line import Line


class Epochs:
    """Of the partitions of one crawl. None where they lie in one log, whatever holds it: of that a
    failure takes the end, from all of them alike."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines if len(lines) > 1 and lines[0].way.moves else ()

    def __len__(self) -> int:
        return len(self._lines)

    def __repr__(self) -> str:
        return f"<Epochs of {len(self)} partitions>"

    def of(self, partition: int) -> bytes:
        """The epoch of one."""
        return life(self._lines[partition]).encode() if self._lines else b""

    def now(self) -> bytes:
        """Those of all, as one name."""
        found = lives(self._lines)
        return fingerprint("\n".join(found), b"").encode() if found else b""


def lives(lines: Sequence[Line]) -> list[str]:
    """The life of the node of each; no node is asked twice."""
    known: dict[str, str] = {}
    found = []
    for line in lines:
        node = line.holder().id
        if node not in known:
            known[node] = life(line)
        found.append(known[node])
    return found


def life(line: Line) -> str:
    """A life of a node; who may not ask for it knows a node by its name only."""
    node = line.holder().id
    with suppress(UsageError, KeyError):
        return f"{node} {facts(line.command('INFO', 'server'))['run_id']}"
    return node
