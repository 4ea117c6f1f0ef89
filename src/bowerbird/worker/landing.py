"""Outcomes wait until what they speak of lies in the bucket."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple

import msgspec

from bowerbird.backoff import retry_in_s
from bowerbird.fetch.base import Response
from bowerbird.model import Lease, Outcome, Record, Verb
from bowerbird.store.uploads import Uploads
from bowerbird.worker.keep import given_back
from bowerbird.worker.work import Work

#: Refusals of one image, while the bucket takes others, before it may die of them.
FEW = 3
#: Refusals of one image before it is its own fault though no other was taken meanwhile: after each
#: the crawl was paused, and the bucket found well.
MANY = 8


class _Put(NamedTuple):
    """A put under way."""

    path: str
    future: Future[None]


class _Waiting(NamedTuple):
    """An outcome, and the puts that it speaks of."""

    lease: Lease
    outcome: Outcome
    puts: list[_Put]
    landed: int  #: how many had landed when it began to wait

    def refused(self) -> dict[str, str]:
        """Paths that the bucket did not take, and why."""
        errors = ((one.path, one.future.exception()) for one in self.puts)
        return {path: str(error) for path, error in errors if error is not None}


class _Refusals:
    """Whether it is the bucket that refuses, or one image that is refused."""

    def __init__(self) -> None:
        self.landed = 0  #: images that the bucket has taken from us
        self._met: dict[str, tuple[int, int]] = {}  # path: how often, and how many had landed

    def note(self, path: str, landed: int) -> int:
        """A path was refused, whose put began when so many had landed; answers how often it has
        been its own fault, as far as that can be told; 0: it may be the bucket's."""
        times, before = self._met.get(path, (0, landed))
        self._met[path] = times + 1, self.landed
        others_pass = self.landed > min(landed, before)
        return times + 1 if others_pass or times + 1 >= MANY else 0

    def took(self, path: str) -> None:
        """A path has landed."""
        self.landed += 1
        self._met.pop(path, None)


class Landing:
    """`Work` for a store that puts later: to the loop, an upload is one more step of decoding."""

    def __init__(
        self, work: Work, uploads: Uploads, retries: int, say: Callable[[str], None]
    ) -> None:
        """`say` tells people once of each reason why the bucket refuses."""
        self.adaptive, self.delay_s = work.adaptive, work.delay_s
        self._work = work
        self._uploads = uploads
        self._retries = retries
        self._leases: dict[int, Lease] = {}  # of images that are being decoded
        self._waiting: dict[int, _Waiting] = {}
        self._refusals = _Refusals()
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
        if outcome is None:
            self._leases[response.key] = lease
            return None
        return self._landed(response.key, lease, outcome)

    def finished(self) -> list[tuple[int, Outcome]]:
        """What has been decoded and stored since: (key of the request, outcome)."""
        done = [(key, self._judged(one)) for key, one in self._waiting.items() if _has_ended(one)]
        for key, _ in done:
            del self._waiting[key]
        decoded = [(key, self._leases.pop(key), one) for key, one in self._work.finished()]
        return done + [
            (key, landed)
            for key, lease, one in decoded
            if (landed := self._landed(key, lease, one))
        ]

    def close(self) -> None:
        """Let go of decoders and files; what is on its way may still arrive, which is harmless."""
        self._work.close()
        self._waiting.clear()
        self._uploads.end()

    def _landed(self, key: int, lease: Lease, outcome: Outcome) -> Outcome | None:
        """An outcome as it may be handed in; None while a put is under way."""
        paths = [holder.path for record in outcome.records for holder in record.holders]
        found = ((path, self._uploads.under_way(path)) for path in paths)
        puts = [_Put(path, put) for path, put in found if put is not None]
        waiting = _Waiting(lease, outcome, puts, self._refusals.landed)
        if _has_ended(waiting):
            return self._judged(waiting)
        self._waiting[key] = waiting
        return None

    def _judged(self, waiting: _Waiting) -> Outcome:
        refused = waiting.refused()
        for one in waiting.puts:
            if one.path not in refused:
                self._refusals.took(one.path)
        if not refused:
            return waiting.outcome
        why = next(iter(refused.values()))
        if why not in self._said:
            self._said.add(why)
            self._say(why)
        times = min(self._refusals.note(path, waiting.landed) for path in refused)
        if not times:
            return given_back(waiting.lease.token, why)
        return self._without(waiting, refused, times)

    def _without(self, waiting: _Waiting, refused: dict[str, str], times: int) -> Outcome:
        """The bucket takes others: this image is tried again, and dies of it in the end. A page
        does without the images in it that are refused."""
        lease, why = waiting.lease, next(iter(refused.values()))
        spent = lease.attempts >= self._retries
        if spent and max(times, lease.attempts + 1) < FEW:
            return given_back(lease.token, why)
        if spent and _is_page(waiting.outcome):
            kept = tuple(one for one in waiting.outcome.records if not _lies_in(one, refused))
            return msgspec.structs.replace(waiting.outcome, records=kept)
        return Outcome(
            token=lease.token, verb=Verb.RETRY, reason="bucket-refuses-it", detail=why,
            in_s=retry_in_s(lease.attempts), status=waiting.outcome.status, answered=True,
        )  # fmt: skip


def _is_page(outcome: Outcome) -> bool:
    """Whether its records are images that a page carries itself."""
    return any(one.final_url.startswith("data:") for one in outcome.records)


def _lies_in(record: Record, paths: dict[str, str]) -> bool:
    return any(holder.path in paths for holder in record.holders)


def _has_ended(waiting: _Waiting) -> bool:
    return all(put.future.done() for put in waiting.puts)
