"""Outcomes wait until what they speak of lies in the bucket."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple

from bowerbird.fetch.base import Response
from bowerbird.model import Lease, Outcome
from bowerbird.store.uploads import Uploads
from bowerbird.worker.keep import given_back
from bowerbird.worker.work import Work


class _Waiting(NamedTuple):
    """An outcome, and the puts that it speaks of."""

    outcome: Outcome
    puts: list[Future[None]]


class Landing:
    """`Work` for a store that puts later: to the loop, an upload is one more step of decoding."""

    def __init__(self, work: Work, uploads: Uploads, say: Callable[[str], None]) -> None:
        """`say` tells people once of each reason why the bucket refuses."""
        self.adaptive = work.adaptive
        self._work = work
        self._uploads = uploads
        self._waiting: dict[int, _Waiting] = {}
        self._say = say
        self._said: set[str] = set()

    def __len__(self) -> int:
        return len(self._work) + len(self._waiting)

    def spared(self, lease: Lease) -> Outcome | None:
        """See `Work.spared`."""
        return self._work.spared(lease)

    def outcome(self, lease: Lease, response: Response, delay_s: float) -> Outcome | None:
        """See `Work.outcome`; None also while its images are on their way."""
        outcome = self._work.outcome(lease, response, delay_s)
        return self._landed(response.key, outcome) if outcome else None

    def finished(self) -> list[tuple[int, Outcome]]:
        """What has been decoded and stored since: (key of the request, outcome)."""
        done = [(key, self._judged(one)) for key, one in self._waiting.items() if _has_ended(one)]
        for key, _ in done:
            del self._waiting[key]
        decoded = self._work.finished()
        return done + [
            (key, landed) for key, one in decoded if (landed := self._landed(key, one)) is not None
        ]

    def close(self) -> None:
        """Let go of decoders and files; what is on its way may still arrive, which is harmless."""
        self._work.close()
        self._waiting.clear()
        self._uploads.end()

    def _landed(self, key: int, outcome: Outcome) -> Outcome | None:
        """An outcome as it may be handed in; None while a put is under way."""
        paths = [holder.path for record in outcome.records for holder in record.holders]
        puts = [put for path in paths if (put := self._uploads.under_way(path)) is not None]
        waiting = _Waiting(outcome, puts)
        if _has_ended(waiting):
            return self._judged(waiting)
        self._waiting[key] = waiting
        return None

    def _judged(self, waiting: _Waiting) -> Outcome:
        errors = (str(error) for put in waiting.puts if (error := put.exception()) is not None)
        why = next(errors, "")
        if not why:
            return waiting.outcome
        if why not in self._said:
            self._said.add(why)
            self._say(why)
        return given_back(waiting.outcome.token, why)


def _has_ended(waiting: _Waiting) -> bool:
    return all(put.done() for put in waiting.puts)
