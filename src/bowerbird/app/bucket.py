"""Crawls whose images lie in a bucket: `-o s3://bucket/prefix --state DIR`.

Images go to the bucket, everything else lies in DIR as in any output folder. The library that
speaks to buckets is loaded only here, and only for such crawls.
"""

from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from bowerbird.app.folder import Folder
from bowerbird.errors import BowerbirdError, FolderError, UsageError
from bowerbird.store.bucket import Bucket, is_bucket, parse_bucket

if TYPE_CHECKING:
    from bowerbird.store.s3.store import S3Store
    from bowerbird.store.uploads import Uploads

#: Where bodies lie that arrive in pieces, below a crawl's own folder.
SPOOLS = ".bowerbird/spool"


def places(out: str, state: str) -> tuple[Folder, Bucket | None]:
    """The folder of a crawl, and the bucket for its images if they go to one.

    Raises:
        UsageError: one is given without the other, or it names no bucket.
    """
    if not is_bucket(out):
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


def store_at(url: str, spools: Path | str = "") -> "S3Store":
    """The store at an s3:// URL. Raises UsageError."""
    from bowerbird.store.s3.store import S3Store

    return S3Store(parse_bucket(url), spools)


def uploads(url: str, spools: Path | str = "") -> "Uploads":
    """The same for a worker's loop, which must not wait. Raises UsageError."""
    from bowerbird.store.uploads import Uploads

    return Uploads(store_at(url, spools))


class Taking:
    """Whether a bucket takes bytes: asked on a thread, since it may not answer for long."""

    def __init__(self, url: str, crawl: str) -> None:
        self._url, self._crawl = url, crawl
        self._thread: Thread | None = None
        self._takes = False

    def __call__(self) -> bool:
        """What the last look found; begins the next one."""
        if self._thread is not None and self._thread.is_alive():
            return False
        takes, self._takes = self._takes, False
        self._thread = Thread(target=self._look, name="bucket", daemon=True)
        self._thread.start()
        return takes

    def _look(self) -> None:
        try:
            store_at(self._url).claim(self._crawl)
        except BowerbirdError:
            return
        self._takes = True
