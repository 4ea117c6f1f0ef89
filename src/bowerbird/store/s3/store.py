"""A store in a bucket: `prefix/images/ab/<sha256>.<extension>`, put whole or not at all.

What arrives in pieces lies in a temporary file of this machine until it is put. What is put is as
durable as the bucket once the call returns: there is nothing to sync.
"""

import os
import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from bowerbird.errors import StorageFullError, UsageError
from bowerbird.store import names
from bowerbird.store.base import Found, Sort
from bowerbird.store.bucket import Bucket
from bowerbird.store.files import FileStore
from bowerbird.store.s3.client import MULTIPART, PART, PARTS, Client
from bowerbird.store.spool import Adopt, FileSpool

#: Where crawls say that their images lie here: two may share a place, but not prune it.
CRAWLS = ".bowerbird/crawls"


class S3Store:
    """Objects in a bucket. Unlike a folder's store, any thread may call it."""

    def __init__(self, place: Bucket, spools: str | Path = "") -> None:
        """Open a store; nothing is asked of the bucket yet.

        Args:
            place: where.
            spools: a folder of this machine for what arrives in pieces; "": the temporary one.

        Raises:
            UsageError: the endpoint or the profile cannot be used.
        """
        self.place = place
        self.folder = self.name = place.name
        self._client = Client(place)
        self._spools_at = spools

    def __repr__(self) -> str:
        return f"<S3Store {self.place}>"

    @cached_property
    def _spools(self) -> FileStore:
        return FileStore(self._spools_at or _own_temporary())

    def claim(self, crawl: str) -> None:
        """Say that a crawl's images lie here; tries in passing whether the bucket takes bytes.

        Raises:
            UsageError: the bucket does not exist, refuses, or cannot be reached.
        """
        self._client.check()
        try:
            self._client.put(f"{CRAWLS}/{crawl}", b"")
        except StorageFullError as error:
            raise UsageError(str(error)) from None

    def crawls(self) -> set[str]:
        """Names of the crawls that have claimed this place. Raises as `claim`."""
        self._client.check()
        return {path.rpartition("/")[2] for path, _ in self._client.list(CRAWLS)}

    # In.

    def put(self, body: bytes | memoryview, sha256: str, type: str) -> str:
        """Keep these bytes; see `Store.put`."""
        path = names.object_path(sha256, type)
        self._client.keep(path, body, len(body))
        return path

    def put_file(self, file: Path, path: str) -> None:
        """Keep a file's bytes as an object. Raises as `Store.put`."""
        self._client.keep(path, file, file.stat().st_size)

    def memory_for(self, size: int) -> int:
        """Bytes of memory that `put_file` takes for a file of this size."""
        return min(size, PARTS * PART) if size > MULTIPART else size

    def spool(self) -> FileSpool:
        """Begin a body that arrives in pieces; see `Store.spool`."""
        return self._spools.spool(self._adopt)

    def adopting(self, adopt: Adopt) -> FileSpool:
        """A spool that somebody else makes an object of."""
        return self._spools.spool(adopt)

    def temporary(self) -> str:
        """A new name for a file beside the spools, which `sweep` knows."""
        return self._spools.temporary()

    def flush(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    # Small objects under names of their own, below `.bowerbird`. All raise StorageFullError.

    def put_named(self, path: str, body: bytes) -> None:
        """Keep an object, over another if need be."""
        self._client.put(path, body)

    def named(self, path: str) -> bytes | None:
        """An object's bytes; None where there is none."""
        return self._client.body_of(path)

    def all_named(self, folder: str) -> Iterator[str]:
        """Paths of all such objects in a folder."""
        return (path for path, _ in self._client.list(folder))

    # Looking and cleaning.

    def files(self) -> Iterator[Found]:
        """Spools of this machine, then every object below `images`; see `Store.files`."""
        yield from self._spools.files()
        for path, size in self._client.list(names.IMAGES):
            sort = Sort.OBJECT if names.is_object_path(path) else Sort.FOREIGN
            yield Found(path, size, sort)

    def size_of(self, path: str) -> int | None:
        """Size of an object in bytes; None where there is none. Raises StorageFullError."""
        return self._client.size_of(path) if names.is_object_path(path) else None

    def sha256_of(self, path: str) -> str | None:
        """Hex digest of an object's bytes; None where there is none. Raises StorageFullError."""
        return self._client.sha256_of(path) if names.is_object_path(path) else None

    def remove(self, path: str) -> bool:
        """Remove an object or a spool; see `Store.remove`."""
        if names.is_object_path(path):
            return self._client.delete(path)
        return self._spools.remove(path)

    def sweep(self) -> int:
        """Remove spools of this machine that nobody owns any more; answer how many.

        Parts of an upload are given up by whoever sent them. What a kill leaves of them the
        bucket's own rule removes (AbortIncompleteMultipartUpload).
        """
        return self._spools.sweep()

    def _adopt(self, spool: FileSpool, type: str) -> str:
        path = names.object_path(spool.sha256, type)
        source = Path(spool.path) if spool.size > MULTIPART else memoryview(spool.view())
        self._client.keep(path, source, spool.size)
        return path


def _own_temporary() -> Path:
    """A folder for this user alone: names in a shared one are open to tricks."""
    path = Path(tempfile.gettempdir(), f"bowerbird-{os.getuid()}")
    path.mkdir(mode=0o700, exist_ok=True)
    status = path.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077 or not path.is_dir():
        raise UsageError(f"{path} belongs to somebody else; set TMPDIR to a folder of yours.")
    return path
