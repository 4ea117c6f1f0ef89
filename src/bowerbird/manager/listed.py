"""A bucket to be checked: its sizes are listed once, a thousand a request, not asked one by one."""

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from bowerbird.manager.spill import Spill
from bowerbird.store import Found, Sort, sha256_in

if TYPE_CHECKING:
    from bowerbird.store import Spool
    from bowerbird.store.s3.store import S3Store


class Listed:
    """A store as it was when first looked at."""

    def __init__(self, store: "S3Store", *, read: bool) -> None:
        """`read`: its objects are read; else their bytes are believed to be those of their names,
        as the bucket has compared them with their SHA-256 when they came."""
        self.folder, self.name = store.folder, store.name
        self._store = store
        self._read = read

    @cached_property
    def _sizes(self) -> Spill:
        sizes = Spill()
        for one in self._store.files():
            if one.sort is Sort.OBJECT:
                sizes.note(one.path, one.size)
        return sizes

    def size_of(self, path: str) -> int | None:
        """Size of an object in bytes; None where there is none."""
        return self._sizes.number(path)

    def sha256_of(self, path: str) -> str | None:
        """Hex digest of an object's bytes, or what its name promises."""
        return self._store.sha256_of(path) if self._read else sha256_in(path)

    def files(self) -> Iterator[Found]:
        """See `Store.files`."""
        return self._store.files()

    def remove(self, path: str) -> bool:
        """See `Store.remove`."""
        return self._store.remove(path)

    def put(self, body: bytes | memoryview, sha256: str, type: str) -> str:
        """See `Store.put`."""
        return self._store.put(body, sha256, type)

    def spool(self) -> "Spool":
        """See `Store.spool`."""
        return self._store.spool()

    def sweep(self) -> int:
        """See `Store.sweep`."""
        return self._store.sweep()

    def flush(self) -> None:
        """See `Store.flush`."""

    def close(self) -> None:
        """See `Store.close`."""
