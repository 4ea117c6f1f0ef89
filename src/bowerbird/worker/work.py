"""The work itself: from an answer to its outcome."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Protocol

from bowerbird.errors import BowerbirdError, StorageFullError
from bowerbird.extract import Form, form_of
from bowerbird.fetch.base import Failure, Response
from bowerbird.model import NO_RIGHT, Kind, Lease, Outcome, Verb
from bowerbird.settings import Settings
from bowerbird.worker.body import content, discard, head
from bowerbird.worker.judge import Judge
from bowerbird.worker.keep import Keeper, no_room
from bowerbird.worker.read import Reader
from bowerbird.worker.traps import Traps

_log = logging.getLogger(__name__)

#: Why a transfer fails that the host did well: our own disk took no more.
OUR_DISK = frozenset({"disk-full", "storage-failed"})


class Rights(Protocol):
    """Where a worker may go, beside what its crawl allows."""

    def lacks(self, url: str, failure: Failure) -> bool:
        """Whether this failed only since this worker may not do what the crawl may."""
        ...


class Work:
    """Judges an answer, then reads it as a document or keeps it as an image."""

    def __init__(
        self, settings: Settings, judge: Judge, reader: Reader, keeper: Keeper,
        rights: Rights | None = None, traps: Traps | None = None,
    ) -> None:  # fmt: skip
        """`rights`: what this worker may not do though its crawl may; None: they are one."""
        self._rights = rights
        self._traps = traps
        self.adaptive = settings.delay is None  #: whether spacing follows the host's health
        self.delay_s = settings.delay or 0.0  #: the spacing where it is fixed
        self._most_bytes = settings.max_page_bytes
        self._judge = judge
        self._reader = reader
        self._keeper = keeper

    def __len__(self) -> int:
        """How many images are being decoded elsewhere."""
        return len(self._keeper)

    def spared(self, lease: Lease) -> Outcome | None:
        """What becomes of a task that need not be fetched at all; None: fetch it."""
        if self._traps is None or not self._traps.condemns(lease.task):
            return None
        detail = "pages like it brought nothing new, many in a row"
        return self._judge.dead(lease, "trap", detail, answered=None)

    def outcome(self, lease: Lease, response: Response, delay_s: float) -> Outcome | None:
        """What an answer means; None while its image is being decoded.

        `delay_s`: the spacing in force at the host.
        """
        return self._safely(lease, response, lambda: self._meant(lease, response, delay_s))

    def finished(self) -> list[tuple[int, Outcome]]:
        """Images that have been decoded since: (key of the request, outcome)."""
        found = []
        for key, body, verdict in self._keeper.decoded():
            judge = partial(self._keeper.judged, body, verdict)
            if outcome := self._safely(body.lease, body.response, judge):
                found.append((key, outcome))
        return found

    def close(self) -> None:
        """Let go of decoders and files."""
        self._keeper.close()

    def _safely(
        self, lease: Lease, response: Response, judge: Callable[[], Outcome | None]
    ) -> Outcome | None:
        try:
            return judge()
        except BowerbirdError:
            raise
        except Exception as error:
            return self._defect(lease, response, error)

    def _defect(self, lease: Lease, response: Response, error: Exception) -> Outcome:
        """What strangers send has met a defect of ours: it costs that one task. Else it would cost
        four workers, and all that they had at hand."""
        _log.error("cannot read %s", lease.task.url, exc_info=error, extra={"action": "defect"})
        discard(response)
        detail = f"{type(error).__name__}: {error}"[:200]
        return self._judge.dead(lease, "internal-error", detail, status=response.status)

    def _meant(self, lease: Lease, response: Response, delay_s: float) -> Outcome | None:
        failure = response.failure
        if failure is not None:
            discard(response)
            if failure.reason in OUR_DISK:
                return no_room(lease, failure.detail)
            if self._rights and self._rights.lacks(lease.task.url, failure):
                return Outcome(token=lease.token, verb=Verb.RELEASED, counts={NO_RIGHT: 1})
            return self._judge.failed(lease, failure, delay_s)
        outcome = self._judge.answered(lease, response, delay_s)
        if outcome is not None:
            discard(response)
            return outcome
        return self._looked_at(lease, response)

    def _looked_at(self, lease: Lease, response: Response) -> Outcome | None:
        if lease.task.kind is Kind.ROBOTS:
            return self._reader.robots(lease, response, content(response))
        if not response.size:
            return self._judge.dead(lease, "empty", status=response.status)
        content_type = response.headers.get("content-type", "")
        form = form_of(head(response), content_type, lease.task.url)
        if form is not Form.IMAGE:
            return self._too_large(lease, response) or self._read(lease, response, form)
        if self._reader.refuses_images(response):
            discard(response)
            return self._judge.dead(
                lease, "x-robots-tag", status=response.status, try_alternates=False
            )
        return self._keeper.keep(lease, response)

    def _too_large(self, lease: Lease, response: Response) -> Outcome | None:
        """A page may be an image, so that as much was taken of it as of one."""
        most = self._most_bytes
        if lease.task.kind is Kind.SITEMAP or response.size <= most:
            return None
        discard(response)
        return self._judge.dead(
            lease,
            "too-large",
            f"a page of {response.size} bytes; --max-page-bytes is {most}",
            status=response.status,
        )

    def _read(self, lease: Lease, response: Response, form: Form) -> Outcome:
        body = content(response)
        discard(response)
        try:
            return self._reader.read(lease, response, body, form)
        except StorageFullError as error:  # an image that the document carries in itself
            return no_room(lease, str(error))
