"""Seeding: start URLs or a list into the frontier, in chunks, with a mark behind the last."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from bowerbird import urls
from bowerbird.errors import StorageFullError
from bowerbird.frontier.base import ADD_LIMIT
from bowerbird.model import Kind, Task
from bowerbird.settings import Mode, Settings

#: Adds tasks, with the mark that they are the last: what the frontier's `add` does.
#: A chunk that the disk refused is added again after so long, in seconds.
NO_ROOM_S = 1.0

Add = Callable[[Sequence[Task], bool], int]


def start_tasks(settings: Settings, start_urls: Iterable[str]) -> Iterator[Task]:
    """The first tasks of a crawl: its start pages, and the sitemaps their origins may have."""
    starts = tuple(start_urls)
    for url in starts:
        yield Task(url=url, kind=Kind.PAGE)
    if settings.mode is Mode.CRAWL and settings.max_depth != 0:
        for origin in dict.fromkeys(map(urls.origin_of, starts)):
            yield Task(url=origin + "/sitemap.xml", kind=Kind.SITEMAP)


def list_tasks(image_urls: Iterable[str]) -> Iterator[Task]:
    """The tasks of a list of image URLs."""
    return (Task(url=url, kind=Kind.IMAGE) for url in image_urls)


class Seeder:
    """Adds seeds from a thread of its own, so that a long list never holds up the rest.

    A resumed crawl adds all of them again: dedupe absorbs what is known.
    """

    def __init__(self, tasks: Iterable[Task | None], add: Add) -> None:
        """A None among the tasks: what has gathered is to be added now, more may take a while."""
        self._tasks = iter(tasks)
        self._add = add
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="seeds", daemon=True)
        self.added = 0  #: seeds that were new
        self.error: Exception | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Add nothing more; without the mark the crawl is not taken for complete."""
        self._stopped = True
        self._thread.join()

    def _run(self) -> None:
        try:
            for chunk, last in _chunks(self._tasks):
                if self._stopped:
                    return
                self._add_with_room(chunk, last)
        except Exception as error:  # the iterable is the caller's: whatever it raises is too
            self.error = error

    def _add_with_room(self, chunk: Sequence[Task], last: bool) -> None:
        """Add a chunk, again and again while the disk is full: it has kept nothing."""
        while not self._stopped and (chunk or last):
            try:
                self.added += self._add(chunk, last)
            except StorageFullError:
                time.sleep(NO_ROOM_S)
            else:
                return


def _chunks(tasks: Iterable[Task | None]) -> Iterator[tuple[list[Task], bool]]:
    chunk: list[Task] = []
    for task in tasks:
        if task is not None:
            chunk.append(task)
        if task is None or len(chunk) == ADD_LIMIT:
            yield chunk, False
            chunk = []
    yield chunk, True
