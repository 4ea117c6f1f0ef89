"""Images: inspect, store, record. A body is looked at before it is decoded, and stored once."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from time import monotonic
from typing import NamedTuple

from bowerbird.errors import StorageFullError
from bowerbird.extract import DataImage
from bowerbird.fetch.base import Response
from bowerbird.fetch.failures import Phase, failure
from bowerbird.images import BUSY, Decoder, Inspected, Refused
from bowerbird.model import (
    DISK_FULL,
    EXAMPLE,
    REFUSED_AS,
    Holder,
    Kind,
    Lease,
    Outcome,
    Place,
    Record,
    Sighting,
    Task,
    Verb,
)
from bowerbird.store import Store
from bowerbird.worker.body import discard, spool_of, view
from bowerbird.worker.judge import Judge

#: Reasons that are the user's wish or the site's, not a fault: no other size is tried.
LEFT_OUT = frozenset({"type-not-wanted", "too-small", "x-robots-tag"})

#: Verdicts of a decoder in trouble, which say nothing of the bytes.
PASSING = frozenset({"decode-timeout", "decoder-died", BUSY})
#: For all inline images of one page, in seconds: the loop stands still meanwhile, and a page can
#: hold some hundred that each keep a decoder busy.
DATA_S = 5.0
#: Verdicts that are remembered, by content; about 300 bytes each.
VERDICTS = 4_096


class Body(NamedTuple):
    """An image at hand, and what it came for."""

    lease: Lease
    response: Response
    sha256: str


class Keeper:
    """Turns bodies of images into stored files and records."""

    def __init__(
        self, store: Store, decoder: Decoder, judge: Judge, name: str,
        wall_s: Callable[[], float],
    ) -> None:  # fmt: skip
        """`name`: the worker's, for the holders."""
        self._store = store
        self._decoder = decoder
        self._judge = judge
        self._name = name
        self._wall_s = wall_s
        self._decoding: dict[int, Body] = {}
        self._verdicts: OrderedDict[str, Inspected | Refused] = OrderedDict()

    def __len__(self) -> int:
        return len(self._decoding)

    def keep(self, lease: Lease, response: Response) -> Outcome | None:
        """Store an image; None while it is being decoded elsewhere."""
        spool = spool_of(response)
        sha256 = spool.sha256 if spool else hashlib.sha256(response.body).hexdigest()
        body = Body(lease, response, sha256)
        verdict = self._verdicts.get(sha256)
        if verdict is None:
            path = spool.path if spool else ""
            verdict = self._decoder.submit(response.key, view(response), path)
        if verdict is None:
            self._decoding[response.key] = body
            return None
        return self.judged(body, verdict)

    def decoded(self) -> list[tuple[int, Body, Inspected | Refused]]:
        """What has been decoded since, for `judged`: (key of the request, image, verdict)."""
        if not self._decoding:
            return []
        return [
            (key, self._decoding.pop(key), verdict) for key, verdict in self._decoder.finished()
        ]

    def keep_data(
        self, images: Iterable[DataImage], page: str
    ) -> tuple[list[tuple[Record, Sighting]], int]:
        """Store the images that a page carries in `data:` URIs; answer what passed, and how many
        were left out since all of them took too long."""
        until_s, kept, late = monotonic() + DATA_S, [], 0
        for image in images:
            if monotonic() > until_s:
                late += 1
            elif pair := self._keep_data(image.body, page, image.alt):
                kept.append(pair)
        return kept, late

    def _keep_data(self, body: bytes, page: str, alt: str) -> tuple[Record, Sighting] | None:
        verdict = self._decoder.inspect(body)
        if isinstance(verdict, Refused):
            return None
        sha256 = hashlib.sha256(body).hexdigest()
        url = f"data:image/{verdict.type};sha256,{sha256}"
        path = self._store.put(body, sha256, verdict.type)
        record = self._record(Task(url=url, kind=Kind.IMAGE), 200, verdict, len(body), sha256, path)
        return record, Sighting(image_url=url, page_url=page, place=Place.DATA, alt=alt)

    def close(self) -> None:
        """Let go of what is being decoded, and of its files."""
        self._decoder.close()
        for body in self._decoding.values():
            discard(body.response)
        self._decoding.clear()

    def judged(self, body: Body, verdict: Inspected | Refused) -> Outcome:
        """What a verdict means; what is good is stored."""
        lease, response = body.lease, body.response
        self._remember(body.sha256, verdict)
        if isinstance(verdict, Refused):
            discard(response)
            if verdict.reason == BUSY:
                return Outcome(token=lease.token, verb=Verb.RELEASED, answered=True)
            if verdict.reason == "truncated" and not response.announced:
                cut = failure("truncated", verdict.detail, Phase.READING)
                return self._judge.failed(lease, cut)
            return self._judge.dead(
                lease, verdict.reason, verdict.detail, status=response.status,
                try_alternates=verdict.reason not in LEFT_OUT,
            )  # fmt: skip
        try:
            record = self._stored(body, verdict)
        except StorageFullError as error:
            return no_room(lease, str(error))
        except OSError as error:  # of this one path: a folder lies there, say
            discard(response)
            return self._judge.dead(lease, "storage-failed", str(error), try_alternates=False)
        return Outcome(
            token=lease.token, verb=Verb.DONE, status=response.status, answered=True,
            records=(record,), sightings=_as_page(lease.task),
        )  # fmt: skip

    def _remember(self, sha256: str, verdict: Inspected | Refused) -> None:
        """Sites show one file under many URLs: the same bytes are not decoded again."""
        if isinstance(verdict, Refused) and verdict.reason in PASSING:
            return
        self._verdicts[sha256] = verdict
        if len(self._verdicts) > VERDICTS:
            self._verdicts.popitem(last=False)

    def _stored(self, body: Body, seen: Inspected) -> Record:
        response, sha256 = body.response, body.sha256
        spool = spool_of(response)
        if spool is not None:
            path = spool.commit(seen.type)
        else:
            path = self._store.put(response.body, sha256, seen.type)
        headers = response.headers
        return self._record(
            body.lease.task, response.status, seen, response.size, sha256, path,
            headers.get("etag", ""), headers.get("last-modified", ""),
        )  # fmt: skip

    def _record(
        self, task: Task, status: int, seen: Inspected, size: int, sha256: str, path: str,
        etag: str = "", last_modified: str = "",
    ) -> Record:  # fmt: skip
        return Record(
            url=task.first, final_url=task.url, status=status, type=seen.type,
            width=seen.width, height=seen.height, bytes=size, sha256=sha256,
            fetched_at=self._wall_s(), exif_date=seen.exif_date, orientation=seen.orientation,
            frames=seen.frames, etag=etag[:200], last_modified=last_modified[:60],
            damaged=seen.damaged,
            holders=(Holder(folder=self._store.name, path=path, worker=self._name),),
        )  # fmt: skip


def _as_page(task: Task) -> tuple[Sighting, ...]:
    """A page link that turned out to be an image has not been seen as one yet."""
    if task.kind is Kind.IMAGE or not task.referrer:
        return ()
    return (Sighting(image_url=task.first, page_url=task.referrer, place=Place.PAGE),)


def no_room(lease: Lease, detail: str) -> Outcome:
    """The disk refuses: nobody's fault but ours."""
    return given_back(lease.token, detail)


def given_back(token: bytes, detail: str) -> Outcome:
    """A task whose image could not be kept. The manager pauses the crawl at the count."""
    counts = {DISK_FULL: 1} | ({REFUSED_AS + detail[:EXAMPLE]: 1} if detail else {})
    return Outcome(token=token, verb=Verb.RELEASED, answered=True, detail=detail, counts=counts)
