"""A store whose puts are carried out by threads, for a loop that must not wait for a network.

A path is answered at once. Whoever speaks of it waits until it has landed (`under_way`).
"""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from bowerbird.errors import BowerbirdError, StorageFullError
from bowerbird.store import names
from bowerbird.store.spool import FileSpool

if TYPE_CHECKING:
    from bowerbird.store.base import Found
    from bowerbird.store.s3.store import S3Store

#: Puts under way at once: 32 of 50 ms each are 640 images a second.
THREADS = 32
#: Bytes of files that are in memory at once on their way. Bodies that never lay in a file are
#: counted by who holds them, the fetcher.
IN_MEMORY = 48 << 20

_Put = Callable[[], object]


class Memory:
    """Bytes that threads share; who wants more than are left waits."""

    def __init__(self, size: int) -> None:
        self._left = self._size = size
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """So many bytes, or all there are, until the block ends."""
        size = min(size, self._size)
        with self._changed:
            self._changed.wait_for(lambda: self._left >= size)
            self._left -= size
        try:
            yield
        finally:
            with self._changed:
                self._left += size
                self._changed.notify_all()


class Uploads:
    """Puts to a bucket, off the caller's thread. All but `flush` is for one thread."""

    def __init__(self, store: "S3Store", threads: int = THREADS) -> None:
        self.folder, self.name = store.folder, store.name
        self.landed: Callable[[], None] = lambda: None  #: called on another thread, after each put
        self._store = store
        self._under_way: dict[str, Future[None]] = {}
        self._queue: SimpleQueue[tuple[str, _Put, Future[None]] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._most = threads
        self._memory = Memory(IN_MEMORY)

    def __repr__(self) -> str:
        return f"<Uploads {self.name} [{len(self._under_way)} under way]>"

    def claim(self, crawl: str) -> None:
        """See `S3Store.claim`. Raises UsageError."""
        self._store.claim(crawl)

    def under_way(self, path: str) -> "Future[None] | None":
        """The put of a path, unless it has succeeded. One that failed stays until a new put."""
        return self._under_way.get(path)

    def put(self, body: bytes | memoryview, sha256: str, type: str) -> str:
        """Begin to keep these bytes; see `Store.put`. Refusals are the future's."""
        path = names.object_path(sha256, type)
        self._begin(path, partial(self._store.put, bytes(body), sha256, type))
        return path

    def spool(self) -> FileSpool:
        """Begin a body that arrives in pieces; see `Store.spool`."""
        return self._store.adopting(self._adopt)

    def flush(self) -> None:
        """Wait for what is under way; see `Store.flush`. Raises StorageFullError."""
        for future in list(self._under_way.values()):
            future.result()

    def end(self) -> list[threading.Thread]:
        """End the threads once nothing waits; nobody waits for them."""
        threads, self._threads = self._threads, []
        for _ in threads:
            self._queue.put(None)
        return threads

    def close(self) -> None:
        """Wait for what is under way, and end the threads."""
        for thread in self.end():
            thread.join()

    # Looking and cleaning wait for what is under way.

    def files(self) -> Iterator["Found"]:
        """See `Store.files`."""
        self.flush()
        return self._store.files()

    def size_of(self, path: str) -> int | None:
        """See `Store.size_of`."""
        self._await(path)
        return self._store.size_of(path)

    def sha256_of(self, path: str) -> str | None:
        """See `Store.sha256_of`."""
        self._await(path)
        return self._store.sha256_of(path)

    def remove(self, path: str) -> bool:
        """See `Store.remove`."""
        self._await(path)
        return self._store.remove(path)

    def sweep(self) -> int:
        """See `Store.sweep`."""
        return self._store.sweep()

    # The threads.

    def _await(self, path: str) -> None:
        if future := self._under_way.get(path):
            future.result()

    def _adopt(self, spool: FileSpool, type: str) -> str:
        path = names.object_path(spool.sha256, type)
        file = Path(spool.path).with_name(self._store.temporary())
        os.rename(spool.path, file)  # noqa: PTH104  # the spool removes its own name
        if not self._begin(path, partial(self._put_file, file, path)):
            file.unlink()
        return path

    def _put_file(self, file: Path, path: str) -> None:
        try:
            with self._memory.taken(self._store.memory_for(file.stat().st_size)):
                self._store.put_file(file, path)
        finally:
            with suppress(OSError):
                file.unlink()

    def _begin(self, path: str, put: _Put) -> bool:
        """Put a path unless that is being done: sites show one image under many URLs."""
        before = self._under_way.get(path)
        if before is not None and not before.done():
            return False
        future = Future[None]()
        self._under_way[path] = future
        self._queue.put((path, put, future))
        if len(self._threads) < min(self._most, len(self._under_way)):
            thread = threading.Thread(target=self._work, name="upload", daemon=True)
            self._threads.append(thread)
            thread.start()
        return True

    def _work(self) -> None:
        while (one := self._queue.get()) is not None:
            path, put, future = one
            try:
                put()
            except BowerbirdError as error:
                future.set_exception(error)
            except Exception as error:  # a defect must not leave an outcome waiting for ever
                words = f"Images cannot be written to {self.name}: {type(error).__name__}."
                future.set_exception(StorageFullError(words))
            else:
                self._under_way.pop(path, None)
                future.set_result(None)
            self.landed()
