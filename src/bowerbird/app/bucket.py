"""Crawls whose images lie in a bucket: `-o s3://bucket/prefix --state DIR`.

Images go to the bucket, everything else lies in DIR as in any output folder. The library that
speaks to buckets is loaded only here, and only for such crawls.
"""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import msgspec

from bowerbird.app.folder import Folder
from bowerbird.app.memory import give_memory_back
from bowerbird.errors import BowerbirdError, FolderError, UsageError
from bowerbird.store import FileStore
from bowerbird.store.bucket import Bucket, is_bucket, parse_bucket

if TYPE_CHECKING:
    from bowerbird.store.s3.store import S3Store
    from bowerbird.store.uploads import Uploads

#: Where bodies lie that arrive in pieces, below a crawl's own folder.
SPOOLS = ".bowerbird/spool"
#: A bucket that refuses again so soon after it seemed well is waited for longer, in seconds.
CALM_S = 20.0
#: The longest of these waits, in seconds.
LONGEST_S = 60.0


def places(out: str, state: str) -> tuple[Folder, Bucket | None]:
    """The folder of a crawl, and the bucket for its images if they go to one.

    Raises:
        UsageError: one is given without the other, or it names no bucket.
    """
    if not is_bucket(out):
        if out[:4].lower() == "s3:/":  # also what pathlib.Path makes of s3://
            raise UsageError(f"{out!r} is neither folder nor bucket: write 's3://bucket/prefix'.")
        if state:
            raise UsageError("--state belongs to -o s3://…; a folder holds its own state.")
        return Folder(out), None
    bucket = parse_bucket(out)
    if not state:
        raise UsageError(
            f"-o {bucket} takes the images alone; name a folder for crawl.db and report.json "
            "with --state DIR."
        )
    return Folder(state), bucket


def require_same(folder: Folder, stored: str, bucket: Bucket | None) -> None:
    """Raises FolderError where a crawl's images lie elsewhere than where they are to go now.

    The way there (endpoint, region) may have changed.
    """
    was = parse_bucket(stored).name if stored else ""
    now = bucket.name if bucket else ""
    if was and not now:
        raise FolderError(
            f"The images of the crawl in {folder} lie in {was}; go on with -o {was} "
            f"--state {folder}."
        )
    if was != now:
        raise FolderError(
            f"The images of the crawl in {folder} lie in {was or folder.path / 'images'}, "
            f"not in {now}; name another folder with --state."
        )


def here(folder: Path, store: str) -> FileStore:
    """Where workers of this machine write: the images of a crawl in this folder, or what is on its
    way to its bucket."""
    return FileStore(folder / SPOOLS if store else folder)


def store_at(url: str, spools: Path | str = "") -> "S3Store":
    """The store at an s3:// URL. Raises UsageError."""
    from bowerbird.store.s3.store import S3Store

    return S3Store(parse_bucket(url), spools)


def uploads(url: str, spools: Path | str = "") -> "Uploads":
    """The same for a worker's loop, which must not wait. Raises UsageError."""
    from bowerbird.store.uploads import Uploads

    give_memory_back()
    return Uploads(store_at(url, spools))


def way_there(own: str, crawls: str) -> str:
    """The s3:// URL by which a far worker reaches the crawl's bucket: its own.

    A manager may be anybody's who has the key. It does not decide what this machine's credentials
    are used for, nor where they are shown: that is what the worker's `-o` says.

    Args:
        own: what its `-o` says; "" where that is a folder.
        crawls: where the crawl's images go; "" for folders.

    Raises:
        UsageError: the crawl's images do not go there.
    """
    if not crawls:
        raise UsageError(
            "The images of this crawl go to folders, not to a bucket: name a folder with -o."
        )
    theirs = parse_bucket(crawls)
    if not own:
        raise UsageError(
            f"The images of this crawl go to {theirs}. If this machine's credentials may be used "
            f"for that, start the worker with -o '{theirs.url}'."
        )
    ours = parse_bucket(own)
    if not f"{theirs}/".startswith(f"{ours}/"):
        raise UsageError(f"The images of this crawl go to {theirs}, not to {ours}.")
    return msgspec.structs.replace(theirs, endpoint=ours.endpoint, region=ours.region,
                                   allow_http=ours.allow_http).url  # fmt: skip


class Watched:
    """A bucket that has refused: whether it still does. It is asked on a thread, since it may not
    answer for long."""

    def __init__(self, url: str, crawl: str, now_s: Callable[[], float] = time.monotonic) -> None:
        self.name = parse_bucket(url).name
        self.why = ""  #: what it last refused with
        self._url, self._crawl, self._now_s = url, crawl, now_s
        self._thread: Thread | None = None
        self._found: bool | None = None
        self._wait_s = 0.0
        self._since_s: float | None = None  # since when it is waited for
        self._well_s = float("-inf")  # when it was last found well

    def look(self) -> bool | None:
        """Whether it takes bytes, as the last look found; None: not known yet, ask again."""
        if self._thread is not None and self._thread.is_alive():
            return None
        found, self._found = self._found, None
        if found is None:
            self._thread = Thread(target=self._look, name="bucket", daemon=True)
            self._thread.start()
        return found

    def is_back(self) -> bool:
        """Whether to go on: later and later where it then refuses again, as it may refuse images
        and nothing else."""
        now_s = self._now_s()
        if self._since_s is None:
            self._since_s = now_s
            soon = now_s - self._well_s < CALM_S + self._wait_s
            self._wait_s = min(LONGEST_S, max(1.0, 2 * self._wait_s)) if soon else 0.0
        if now_s - self._since_s < self._wait_s or not self.look():
            return False
        self._since_s, self._well_s = None, now_s
        return True

    def _look(self) -> None:
        try:
            store_at(self._url).claim(self._crawl)
        except BowerbirdError as error:
            self.why, self._found = str(error), False
        else:
            self._found = True
