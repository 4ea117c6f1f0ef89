"""Seeding: start URLs or a list into the frontier, in chunks, with a mark behind the last."""

import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Self

from bowerbird import urls
from bowerbird.codec import decode, encode
from bowerbird.errors import StorageFullError
from bowerbird.frontier.base import ADD_LIMIT
from bowerbird.model import Kind, Task
from bowerbird.settings import Mode, Settings
from bowerbird.words import many

#: A seeder that adds nothing more ends within this, in seconds.
STOP_S = 1.0
#: A chunk that the disk refused is added again after so long, in seconds.
NO_ROOM_S = 1.0
#: A list that brings nothing for so long is slow: what has come is added, in seconds.
PAUSE_S = 0.02
#: What comes within this is taken together, in seconds: to wake up for a task costs more than to
#: read it.
TOGETHER_S = 0.002
#: Tasks of a list that are read before they are taken.
AHEAD = 10 * ADD_LIMIT
#: How often it is asked whether seeds were lost, in seconds.
LOST_EVERY_S = 1.0

#: Tasks, and whether these are the last.
Chunk = tuple[list[Task], bool]
#: Adds tasks, with the mark that they are the last: what the frontier's `add` does.
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


def as_they_come(tasks: Iterable[Task]) -> Generator[Task | None, None, None]:
    """The same tasks, with a None where more is slow to come: a pipe may give a line a minute.

    They are read in a thread of its own, at most `AHEAD` before they are taken. Raises what
    reading them raises.
    """
    reader = _Reader(tasks)
    reader.start()
    try:
        yield from reader.taken()
    finally:
        reader.wanted = False
    if reader.error:
        raise reader.error


class _Reader(threading.Thread):
    """Reads tasks while others wait for them."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        super().__init__(name="list", daemon=True)  # it may wait for a line for ever
        self._tasks = tasks
        self._come = deque[Task]()
        self._news = threading.Event()
        self._over = False
        self.wanted = True  #: whether anyone takes them
        self.error: BaseException | None = None

    def run(self) -> None:
        """Read to the end, or until they are wanted no more."""
        try:
            for task in self._tasks:
                self._come.append(task)
                if not self._news.is_set():
                    self._news.set()
                while self.wanted and len(self._come) >= AHEAD:
                    time.sleep(PAUSE_S)
                if not self.wanted:
                    break
        except BaseException as error:  # the iterable is the caller's: whatever it raises is too
            self.error = error
        self._over = True
        self._news.set()

    def taken(self) -> Iterator[Task | None]:
        """What was read, in another thread; a None where more is slow to come, be it steadily."""
        over, told_s = False, time.monotonic()
        while not over:
            if time.monotonic() > told_s + PAUSE_S or not self._news.wait(PAUSE_S):
                yield None
                self._news.wait()
                told_s = time.monotonic()
            time.sleep(TOGETHER_S)
            self._news.clear()
            over = self._over  # asked before the last are taken: what came before it is there
            while self._come:
                yield self._come.popleft()


class Chosen:
    """The image URLs of a list that `--include` and `--exclude` let pass. Iterate once."""

    def __init__(self, given: Iterable[str], settings: Settings) -> None:
        self._given = given
        self._wanted = urls.matcher(settings.include, settings.exclude, "image")
        self._left_out = 0

    def __iter__(self) -> Iterator[str]:
        """Those that pass; the others are counted."""
        for url in self._given:
            if self._wanted(url):
                yield url
            else:
                self._left_out += 1

    def notes(self) -> list[str]:
        """What should not be a silent nothing."""
        if not self._left_out:
            return []
        return [f"{many(self._left_out, 'URL')} of the list left out by --include and --exclude."]


class Seeder:
    """Adds seeds from a thread of its own, so that a long list never holds up the rest.

    A resumed crawl adds all of them again: dedupe absorbs what is known. So does one whose frontier
    may have lost some.
    """

    def __init__(
        self, tasks: Iterable[Task | None], add: Add, lost: Callable[[], bool] | None = None
    ) -> None:
        """A None among the tasks: what has gathered is to be added now, more may take a while.

        `lost`: whether they are to be added again, asked from time to time; then a copy is kept.
        """
        self._tasks = iter(tasks)
        self._add, self._lost = add, lost
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="seeds", daemon=True)
        self.error: BaseException | None = None
        self.known = 0  #: seeds that the frontier had already when they were first added

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Add nothing more; without the mark the crawl is not taken for complete."""
        self._stopped.set()
        self._thread.join(STOP_S)  # it may wait for a line of standard input

    def _run(self) -> None:
        try:
            if self._lost is None:
                self.known = self._add_all(_chunks(self._tasks))
            else:
                with Copy() as copy:
                    self.known = self._add_all(copy.made(_chunks(self._tasks)))
                    self._watch(copy, self._lost)
        except BaseException as error:  # the iterable is the caller's: whatever it raises is too
            self.error = error

    def _add_all(self, chunks: Iterable[Chunk]) -> int:
        """Add them all, unless stopped; answers how many were there already."""
        known = 0
        for chunk, last in chunks:
            if self._stopped.is_set():
                break
            known += self._add_with_room(chunk, last)
        return known

    def _watch(self, copy: "Copy", lost: Callable[[], bool]) -> None:
        while not self._stopped.wait(LOST_EVERY_S):
            if lost():
                self._add_all(copy.chunks())

    def _add_with_room(self, chunk: Sequence[Task], last: bool) -> int:
        """Add a chunk, again and again while the disk is full: it has kept nothing. Answers how
        many were there already."""
        while not self._stopped.is_set() and (chunk or last):
            try:
                return len(chunk) - self._add(chunk, last)
            except StorageFullError:
                time.sleep(NO_ROOM_S)
        return 0


class Copy:
    """Seeds in a temporary file that has no name: their source may be read once only."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="bowerbird-seeds-")  # noqa: SIM115

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def made(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """The same chunks, while they are copied."""
        for tasks, last in chunks:
            data = encode((tasks, last))
            self._file.write(len(data).to_bytes(8) + data)
            yield tasks, last

    def chunks(self) -> Iterator[Chunk]:
        """What was copied."""
        self._file.seek(0)
        while size := self._file.read(8):
            yield decode(self._file.read(int.from_bytes(size)), tuple[list[Task], bool])


def _chunks(tasks: Iterable[Task | None]) -> Iterator[Chunk]:
    chunk: list[Task] = []
    for task in tasks:
        if task is not None:
            chunk.append(task)
        if task is None or len(chunk) == ADD_LIMIT:
            yield chunk, False
            chunk = []
    yield chunk, True
