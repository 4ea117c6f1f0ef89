"""What a folder's crawl is: its name, start URLs and settings, kept beside it as job.json."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from bowerbird import urls
from bowerbird.app.bucket import require_same
from bowerbird.app.folder import Folder, write_whole
from bowerbird.errors import FolderError, UsageError
from bowerbird.frontier.redis.address import parse_redis
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
FORM = 3
#: The forms of a crawl into a folder, and into a bucket: older versions can go on with these.
PLAIN_FORM, BUCKET_FORM = 1, 2


class StoredJob(msgspec.Struct, kw_only=True):
    """job.json. Secrets are kept apart."""

    form: int = FORM
    name: str
    start_urls: tuple[str, ...] = ()
    settings: dict[str, Any] = {}
    store: str = ""  #: the bucket of its images, as an s3:// URL; "": the folder
    engine: str = ""  #: what holds its frontier, without credentials; "": crawl.db


@dataclass(slots=True, frozen=True)
class Prepared:
    """A job to run, and what a person should be told of it."""

    job: Job
    resumed: bool
    changes: list[str]


def prepare(
    folder: Folder, mode: Mode, start: Iterable[str], options: Mapping[str, Any], secret: Secrets,
    bucket: Bucket | None = None, engine: str = "", posted: StoredJob | None = None,
) -> Prepared:  # fmt: skip
    """The job of a new crawl, or the stored one with the options given now in their places.

    Args:
        bucket: where its images go, if not into the folder.
        engine: what holds its frontier, if not the folder.
        posted: the job that this engine has under the crawl's name, which is what counts.

    Raises:
        UsageError: a start URL or option cannot be used, or the folder has another crawl.
    """
    stored = stored_job(folder)
    if engine:
        _require_engine(folder, stored, engine, posted)
        stored = posted
    starts = start_urls(start, begun=stored is not None or mode is not Mode.CRAWL)
    if stored is None:
        settings = make_settings({**_defaults(mode), **options, "mode": mode})
        job = Job(
            name=secrets.token_hex(4), settings=settings, start_urls=starts, secrets=secret,
            folder=str(folder), store=bucket.url if bucket else "",
        )  # fmt: skip
        return Prepared(job, resumed=False, changes=[])
    _require_same(stored, mode, starts, *_place(folder, engine))
    require_same(folder, stored.store, bucket)
    old, kept = make_settings(stored.settings), folder.secrets()
    settings = make_settings({**stored.settings, **options})
    secret = kept.renewed(secret, another_proxy="proxy" in options)
    job = Job(
        name=stored.name,
        settings=settings,
        start_urls=tuple(dict.fromkeys((*stored.start_urls, *starts))),
        secrets=secret,
        folder=str(folder),
        store=bucket.url if bucket else "",
    )
    return Prepared(job, resumed=True, changes=changes(old, settings) + kept.changes(secret))


def start_urls(given: Iterable[str], *, begun: bool) -> tuple[str, ...]:
    """The canonical start URLs, each once; there may be none where a crawl was begun.

    Raises:
        UsageError: one of them is none, or there is nothing to begin with.
    """
    starts = tuple(dict.fromkeys(map(start_url, given)))
    if not (starts or begun):
        raise UsageError("Nothing to crawl: name at least one URL.")
    return starts


def start_url(given: object) -> str:
    """The canonical form of a start URL; `example.org` is read as https://example.org/.

    Raises:
        UsageError: it is none.
    """
    if isinstance(given, list | tuple | set):
        raise UsageError("A list of URLs is none; give them one by one: crawl(*urls, out=…).")
    text = str(given).strip()
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


def engine_of(folder: Folder) -> str:
    """What holds the frontier of a folder's crawl; "": the folder does, or there is none."""
    stored = stored_job(folder)
    return stored.engine if stored else ""


def store_job(folder: Folder, job: Job, engine: str = "") -> None:
    """Write job.json, and the secrets apart."""
    stored = StoredJob(
        form=FORM if engine else BUCKET_FORM if job.store else PLAIN_FORM,
        engine=engine,
        name=job.name,
        start_urls=job.start_urls,
        settings=msgspec.to_builtins(job.settings),
        store=job.store,
    )
    text = msgspec.json.format(msgspec.json.encode(stored), indent=2)
    write_whole(folder.private / "job.json", text, lasting=True)
    folder.keep_secrets(job.secrets)


def _defaults(mode: Mode) -> dict[str, Any]:
    # The user wrote the list: robots.txt speaks to those who find links by themselves.
    return {"obey_robots": mode is Mode.CRAWL}


def _place(folder: Folder, engine: str) -> tuple[str, str]:
    """What a crawl is called, and what to choose where it is another one."""
    return (engine, "another ?crawl=NAME") if engine else (str(folder), "another folder with -o")


def _require_same(
    stored: StoredJob, mode: Mode, start_urls: tuple[str, ...], place: str, hint: str
) -> None:
    was = Mode(stored.settings.get("mode", Mode.CRAWL))
    if was is not mode:
        raise FolderError(f"{place} belongs to a `{was}`; name {hint}.")
    if start_urls and not set(start_urls) & set(stored.start_urls):
        raise FolderError(
            f"{place} belongs to a crawl of {', '.join(stored.start_urls[:3])}; name {hint}."
        )


def _require_engine(
    folder: Folder, stored: StoredJob | None, engine: str, posted: StoredJob | None
) -> None:
    """Raises FolderError where folder and engine do not hold one and the same crawl."""
    if folder.holds_crawl() and stored is None:
        raise FolderError(f"{folder} holds a crawl without a job; name another folder with -o.")
    if stored is None:
        return
    if not stored.engine:
        raise FolderError(f"{folder} holds a crawl of its own; --engine needs another folder.")
    if posted is None and _bare(stored.engine) != _bare(engine):
        raise FolderError(
            f"{folder} belongs to the crawl at {stored.engine}: name that --engine, or none; "
            "another ?crawl=NAME needs another folder with -o."
        )
    if posted is None:
        raise FolderError(
            f"The crawl of {folder} is not in Redis at {engine} any more: its data were deleted or "
            "lost. What was fetched is in the folder; a new folder begins anew."
        )
    if posted.name != stored.name:
        raise FolderError(
            f"{engine} is another crawl than that of {folder}; name another folder, or "
            "another ?crawl=NAME."
        )


def _bare(engine: str) -> str:
    """Which crawl an address means, whoever comes there."""
    return str(msgspec.structs.replace(parse_redis(engine), partitions=0))


def settings_of(stored: StoredJob) -> Settings:
    """The settings of a stored job."""
    return make_settings(stored.settings)
