"""What a folder's crawl is: its name, start URLs and settings, kept beside it as job.json."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from bowerbird import urls
from bowerbird.app.bucket import require_same
from bowerbird.app.folder import Folder, write_private
from bowerbird.errors import FolderError, UsageError
from bowerbird.settings import (
    Job,
    Mode,
    Secrets,
    Settings,
    changes,
    make_settings,
)
from bowerbird.store.bucket import Bucket

#: A newer form than this is not read.
FORM = 2
#: The form of a crawl into a folder, which older versions can go on with.
PLAIN_FORM = 1


class StoredJob(msgspec.Struct, kw_only=True):
    """job.json. Secrets are kept apart."""

    form: int = FORM
    name: str
    start_urls: tuple[str, ...] = ()
    settings: dict[str, Any] = {}
    store: str = ""  #: the bucket of its images, as an s3:// URL; "": the folder


@dataclass(slots=True, frozen=True)
class Prepared:
    """A job to run, and what a person should be told of it."""

    job: Job
    resumed: bool
    changes: list[str]


def prepare(
    folder: Folder, mode: Mode, start: Iterable[str], options: Mapping[str, Any], secret: Secrets,
    bucket: Bucket | None = None,
) -> Prepared:  # fmt: skip
    """The job of a new crawl, or the stored one with the options given now in their places.
    `bucket`: where its images go, if not into the folder.

    Raises:
        UsageError: a start URL or option cannot be used, or the folder has another crawl.
    """
    start_urls = tuple(dict.fromkeys(map(start_url, start)))
    stored = stored_job(folder)
    if stored is None:
        if mode is Mode.CRAWL and not start_urls:
            raise UsageError("Nothing to crawl: name at least one URL.")
        settings = make_settings({**_defaults(mode), **options, "mode": mode})
        job = Job(
            name=secrets.token_hex(4), settings=settings, start_urls=start_urls, secrets=secret,
            folder=str(folder), store=bucket.url if bucket else "",
        )  # fmt: skip
        return Prepared(job, resumed=False, changes=[])
    _require_same(folder, stored, mode, start_urls)
    require_same(folder, stored.store, bucket)
    old = make_settings(stored.settings)
    settings = make_settings({**stored.settings, **options})
    job = Job(
        name=stored.name,
        settings=settings,
        start_urls=tuple(dict.fromkeys((*stored.start_urls, *start_urls))),
        secrets=secret if secret != Secrets() else folder.secrets(),
        folder=str(folder),
        store=bucket.url if bucket else "",
    )
    return Prepared(job, resumed=True, changes=changes(old, settings))


def start_url(text: str) -> str:
    """The canonical form of a start URL; `example.org` is read as https://example.org/.

    Raises:
        UsageError: it is none.
    """
    text = text.strip()
    scheme, colon, _ = text.partition("://")
    if colon and scheme.lower() not in ("http", "https"):
        raise UsageError(f"{text!r} is no http or https URL: {scheme}:// is not fetched.")
    url = urls.canonical(text if colon else f"https://{text}")
    host = urls.host_of(url) if url else ""
    if url is None or not (colon or "." in host or host == "localhost"):
        raise UsageError(f"{text!r} is not a URL; write it like https://example.org/.")
    return url


def stored_job(folder: Folder) -> StoredJob | None:
    """What job.json says; None where there is none.

    Raises:
        FolderError: it cannot be read, or is of a newer version.
    """
    path = folder.private / "job.json"
    if not folder.holds_crawl() or not path.exists():
        return None
    try:
        job = msgspec.json.decode(path.read_bytes(), type=StoredJob)
    except (OSError, msgspec.DecodeError) as error:
        raise FolderError(f"{path} cannot be read: {error}.") from None
    if job.form > FORM:
        raise FolderError(f"{folder} was written by a newer Bowerbird; update this one.")
    return job


def store_job(folder: Folder, job: Job) -> None:
    """Write job.json, and the secrets apart."""
    stored = StoredJob(
        form=FORM if job.store else PLAIN_FORM,
        name=job.name,
        start_urls=job.start_urls,
        settings=msgspec.to_builtins(job.settings),
        store=job.store,
    )
    text = msgspec.json.format(msgspec.json.encode(stored), indent=2)
    write_private(folder.private / "job.json", text)
    folder.keep_secrets(job.secrets)


def _defaults(mode: Mode) -> dict[str, Any]:
    # The user wrote the list: robots.txt speaks to those who find links by themselves.
    return {"obey_robots": mode is Mode.CRAWL}


def _require_same(
    folder: Folder, stored: StoredJob, mode: Mode, start_urls: tuple[str, ...]
) -> None:
    was = Mode(stored.settings.get("mode", Mode.CRAWL))
    if was is not mode:
        raise FolderError(f"{folder} belongs to a `{was}`; name another folder with -o.")
    if start_urls and not set(start_urls) & set(stored.start_urls):
        raise FolderError(
            f"{folder} belongs to a crawl of {', '.join(stored.start_urls[:3])}; "
            "name another folder with -o."
        )


def settings_of(stored: StoredJob) -> Settings:
    """The settings of a stored job."""
    return make_settings(stored.settings)
