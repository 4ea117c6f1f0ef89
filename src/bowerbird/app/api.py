"""Bowerbird from Python: the same runs as on the command line, and records as they come."""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Generator, Iterable, Iterator
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING, Any

from bowerbird.app.crawl import Order, carry_out
from bowerbird.app.listen import Listen
from bowerbird.errors import SettingsError
from bowerbird.manager.report import Report
from bowerbird.manager.run import Run
from bowerbird.model import Record
from bowerbird.settings import Mode, Secrets

if TYPE_CHECKING:
    from bowerbird.app.crawl import AnyEngine

_log = logging.getLogger(__name__)

#: How often new records are looked for, in seconds.
LOOK_EVERY_S = 0.1
#: Records that wait for a slow reader before the looking stops.
AHEAD = 10_000

Out = str | Path


def crawl(
    *urls: str, out: Out, state: Out = "", secrets: Secrets | None = None, engine: str = "",
    listen: Listen | str = "", **options: Any,
) -> Report:  # fmt: skip
    """Collect all images of these sites into a folder or a bucket; answers the report.

    Args:
        urls: start pages.
        out: the output folder, or `s3://bucket/prefix` for the images; what holds this crawl
            already is gone on with.
        state: the folder for all but the images, where these go to a bucket.
        secrets: headers and cookies for the start hosts.
        engine: a crawl in Redis, `redis://host:6379/0?crawl=name`, where any number of workers
            may join; "": the folder holds the frontier. Its password may be in REDISCLI_AUTH.
        listen: where workers of other machines come in, such as "0.0.0.0:8001"; a `Listen` names
            key and certificate too. The line with which they join is logged.
        options: fields of `bowerbird.Settings`, such as `per_host=8` or `max_depth=2`.

    Raises:
        BowerbirdError: input, option or folder cannot be used, or the crawl cannot go on.
    """
    return carry_out(_order(Mode.CRAWL, urls, (out, state), secrets, options, engine, listen))


def download(
    urls: Iterable[str] | str | Path, *, out: Out, state: Out = "",
    secrets: Secrets | None = None, engine: str = "", listen: Listen | str = "", **options: Any,
) -> Report:  # fmt: skip
    """Download image URLs, from an iterable or the path of a list; see `crawl`.

    What is no URL is left out and told in the report's `notes`.
    """
    from bowerbird.manager.lists import image_urls

    with image_urls(urls) as found:
        order = _order(Mode.DOWNLOAD, found, (out, state), secrets, options, engine, listen)
        order.notes = found.notes
        return carry_out(order)


def watch(
    *urls: str, out: Out, state: Out = "", secrets: Secrets | None = None, engine: str = "",
    listen: Listen | str = "", **options: Any,
) -> Generator[Record, None, None]:  # fmt: skip
    """Crawl, and yield each record once as it comes, those of earlier runs in the folder first.

    Leaving the loop early stops the crawl in order; the same call goes on with it.
    """
    watcher = _Watcher(_order(Mode.CRAWL, urls, (out, state), secrets, options, engine, listen))
    try:
        yield from watcher.records()
    finally:
        watcher.close()


async def awatch(
    *urls: str, out: Out, state: Out = "", secrets: Secrets | None = None, engine: str = "",
    listen: Listen | str = "", **options: Any,
) -> AsyncGenerator[Record, None]:  # fmt: skip
    """`watch` for asyncio. Who leaves early calls `aclose`, as with every async generator."""
    watcher = _Watcher(_order(Mode.CRAWL, urls, (out, state), secrets, options, engine, listen))
    try:
        while (record := await asyncio.to_thread(watcher.next)) is not None:
            yield record
    finally:
        await asyncio.to_thread(watcher.close)


def _order(
    mode: Mode, start: Iterable[str], places: tuple[Out, Out], secrets: Secrets | None,
    options: dict[str, Any], engine: str, listen: Listen | str,
) -> Order:  # fmt: skip
    if secrets is not None and not isinstance(secrets, Secrets):
        raise SettingsError(f"secrets takes bowerbird.Secrets, not {type(secrets).__name__}.")
    out, state = map(str, places)
    if isinstance(listen, str):
        listen = Listen(listen)
    return Order(
        mode=mode, out=out, state=state, start=start, options=options,
        secrets=secrets or Secrets(), engine=engine,
        listen=listen if listen.place else None, said=_said,
    )  # fmt: skip


def _said(line: str) -> None:
    _log.info("%s", line)


class _Watcher:
    """Runs a crawl in one thread, and reads its results in another."""

    def __init__(self, order: Order) -> None:
        order.opened = self._opened
        order.tell = lambda _: self._look()
        order.settled = self._look
        self._order = order
        self._records: Queue[Record | BaseException | None] = Queue(AHEAD)
        self._engine: AnyEngine
        self._run: Run | None = None
        self._cursor = ""
        self._left = False
        self._thread = threading.Thread(target=self._crawl, name="crawl", daemon=True)
        self._thread.start()

    def next(self) -> Record | None:
        """The next record; None when the crawl has ended."""
        item = self._records.get()
        if isinstance(item, BaseException):
            raise item
        return item

    def records(self) -> Iterator[Record]:
        """All records, as they come."""
        return iter(self.next, None)

    def close(self) -> None:
        """Stop the crawl in order, if it still runs, and wait for its end."""
        self._left = True
        while self._thread.is_alive():
            if self._run is not None and not self._run.interrupts:
                self._run.interrupt()
            self._drain()
            self._thread.join(LOOK_EVERY_S)

    def _drain(self) -> None:
        while not self._records.empty():
            self._records.get_nowait()

    def _opened(self, engine: "AnyEngine", run: Run) -> None:
        self._engine, self._run = engine, run

    def _look(self) -> None:
        """Called by the run, now and then and at its end."""
        while not self._left:
            results = self._engine.results(self._cursor)
            if results.cursor == self._cursor:
                return
            self._cursor = results.cursor
            for record in results.records:
                self._records.put(record)

    def _crawl(self) -> None:
        try:
            carry_out(self._order)
        except BaseException as error:  # whatever it is, it belongs to who iterates
            self._records.put(error)
        else:
            self._records.put(None)
