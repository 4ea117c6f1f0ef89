"""The frontier of another process, over a connection. `service` is the other end."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from bowerbird.codec import encode
from bowerbird.errors import ProtocolError
from bowerbird.frontier import calls
from bowerbird.frontier.base import ADD_LIMIT, SESSION_DEADLINE_S, Frontier, Give
from bowerbird.frontier.calls import Method
from bowerbird.model import (
    Attached,
    BeatReply,
    Filter,
    FinishReply,
    HostRow,
    Kind,
    LeaseReply,
    Outcome,
    Results,
    Sighting,
    Stats,
    Task,
    WorkerInfo,
    WorkerRow,
)
from bowerbird.queues.address import Address, parse_address
from bowerbird.queues.client import Connection
from bowerbird.queues.tls import ClientTls
from bowerbird.settings import Job

T = TypeVar("T")

#: A call that brings more bytes is split: one client's feast must not keep the others waiting.
#: A single task or record is far below it, and it is far below the limit of a frame.
CHUNK = 1 << 20
#: Time for an answer beside the time that a lease is asked to wait, in seconds.
ANSWER_S = 30.0


class RemoteFrontier(Frontier):
    """A frontier's client; any number of threads may call it.

    Every call raises `ConnectionLostError` when the other end has gone or does not answer; whether
    the call was carried out is then not known.
    """

    def __init__(
        self, address: Address | str, authkey: bytes, tls: ClientTls | None = None,
        reach_s: float = ANSWER_S,
    ) -> None:  # fmt: skip
        """Connects at the first call; `reach_s` is the time for that and the handshake.

        Raises:
            UsageError: the address is none.
        """
        where = parse_address(address) if isinstance(address, str) else address
        self._connection = Connection(where, authkey, reach_s, tls)

    def call(self, method: str, payload: bytes = b"") -> bytes:
        """A method that the manager has added to the service."""
        return self._connection.call(method, payload)

    def job(self) -> Job:
        """What a worker has to know of the crawl."""
        return self._call(calls.JOB)

    def attach(
        self,
        worker: WorkerInfo,
        tokens_held: Sequence[bytes] = (),
        kinds: Sequence[Kind] = (),
        hard_end_s: float = 180.0,
        in_flight: Give | None = None,
    ) -> Attached:
        claim = None if in_flight is None else dict(in_flight)
        payload = calls.ATTACH.ask(worker, tokens_held, kinds, hard_end_s, claim)
        return self._send(calls.ATTACH, payload, SESSION_DEADLINE_S)

    def detach(self, session: str) -> None:
        self._call(calls.DETACH, session)

    def beat(self, session: str, give: Give | None = None) -> BeatReply:
        # After that time the session has ended, whatever the answer is.
        payload = calls.BEAT.ask(session, _plain(give))
        return self._send(calls.BEAT, payload, SESSION_DEADLINE_S)

    def add(
        self,
        tasks: Sequence[Task],
        sightings: Sequence[Sighting] = (),
        *,
        seeds_complete: bool = False,
    ) -> int:
        payload = calls.ADD.ask(tasks, sightings, seeds_complete)
        if _fits(payload, max(len(tasks), len(sightings))):
            return self._send(calls.ADD, payload)
        half, seen = (len(tasks) + 1) // 2, (len(sightings) + 1) // 2
        new = self.add(tasks[:half], sightings[:seen])
        return new + self.add(tasks[half:], sightings[seen:], seeds_complete=seeds_complete)

    def lease(
        self, session: str, limit: int, wait_s: float = 0.0, give: Give | None = None
    ) -> LeaseReply:
        payload = calls.LEASE.ask(session, limit, wait_s, _plain(give))
        return self._send(calls.LEASE, payload, wait_s + ANSWER_S)

    def finish(
        self, session: str, outcomes: Sequence[Outcome], give: Give | None = None
    ) -> FinishReply:
        payload = calls.FINISH.ask(session, outcomes, _plain(give))
        if len(payload) <= CHUNK:
            return self._send(calls.FINISH, payload)
        if len(outcomes) > 1:
            return self._finish_halves(session, outcomes, give)
        return self._send(
            calls.FINISH, calls.FINISH.ask(session, [self._lightened(outcomes[0])], _plain(give))
        )

    def results(self, cursor: str = "", limit: int = 1_000) -> Results:
        try:
            return self._call(calls.RESULTS, cursor, limit)
        except ProtocolError:
            if limit <= 1:
                raise
            return self.results(cursor, limit // 2)  # it did not fit into one frame

    def trim(self, cursor: str) -> None:
        self._call(calls.TRIM, cursor)

    def stats(self) -> Stats:
        return self._call(calls.STATS)

    def hosts(self, limit: int = 100) -> list[HostRow]:
        return self._call(calls.HOSTS, limit)

    def workers(self) -> list[WorkerRow]:
        return self._call(calls.WORKERS)

    def requeue(self, which: Filter) -> int:
        return self._call(calls.REQUEUE, which)

    def pause(self, reason: str = "") -> None:
        self._call(calls.PAUSE, reason)

    def resume(self) -> None:
        self._call(calls.RESUME)

    def stop(self, reason: str = "") -> None:
        self._call(calls.STOP, reason)

    def audit(self) -> list[str]:
        return self._call(calls.AUDIT)

    def close(self) -> None:
        self._connection.close()

    # Inside.

    def _call(self, method: Method[T], *arguments: object) -> T:
        return self._send(method, method.ask(*arguments))

    def _send(self, method: Method[T], payload: bytes, timeout_s: float = ANSWER_S) -> T:
        return method.answered(self._connection.call(method.name, payload, timeout_s))

    def _finish_halves(
        self, session: str, outcomes: Sequence[Outcome], give: Give | None
    ) -> FinishReply:
        half = len(outcomes) // 2
        first = self.finish(session, outcomes[:half])
        last = self.finish(session, outcomes[half:], give)
        return msgspec.structs.replace(
            last,
            accepted=first.accepted + last.accepted,
            grants=calls.merged(first.grants, last.grants),
        )

    def _lightened(self, outcome: Outcome) -> Outcome:
        """What a page found may go in before the page is done, all but the last chunk."""
        while len(outcome.found) + len(outcome.sightings) > 1 and _size(outcome) > CHUNK:
            half, seen = len(outcome.found) // 2, len(outcome.sightings) // 2
            self.add(outcome.found[: -half or None], outcome.sightings[: -seen or None])
            outcome = msgspec.structs.replace(
                outcome,
                found=outcome.found[len(outcome.found) - half :],
                sightings=outcome.sightings[len(outcome.sightings) - seen :],
            )
        return outcome


def _plain(give: Mapping[str, int] | None) -> dict[str, int] | None:
    return dict(give) if give else None


def _fits(payload: bytes, count: int) -> bool:
    """Whether it is sent as one; a single task always is."""
    return count <= ADD_LIMIT and (len(payload) <= CHUNK or count <= 1)


def _size(outcome: Outcome) -> int:
    return len(encode(outcome))
