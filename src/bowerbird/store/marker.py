"""Whose folder this is: how a holder names a folder that is not the crawl's own.

The crawl's own folder is named by its absolute path, wherever it lies by now. Two machines may both
have a /data/images, so any other is named `file://machine/path#id` (RFC 8089 and a fragment): the
id tells it apart, machine and path tell people where to look. Its marker `.bowerbird/holder.json`
says that name, so that it is known again wherever it is mounted or copied to.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

import msgspec

from bowerbird.errors import FolderError
from bowerbird.store.faults import refusal
from bowerbird.store.sync import sync

#: Where a folder's marker lies.
MARKER = ".bowerbird/holder.json"
#: A newer form than this is not read.
FORM = 1

_AWAY = "file://"


class Marker(msgspec.Struct, frozen=True, kw_only=True):
    """holder.json."""

    form: int = FORM
    folder: str  #: what holders call this folder
    crawls: tuple[str, ...] = ()  #: names of the crawls whose images lie here


class _Crawl(msgspec.Struct, frozen=True):
    """What matters here of a crawl's job.json."""

    name: str


def is_own(folder: str) -> bool:
    """Whether a holder's folder is the crawl's own."""
    return not folder.startswith(_AWAY)


def named(path: Path) -> str:
    """A name for a folder of this machine that no other has."""
    return f"{_AWAY}{os.uname().nodename}{path.absolute().as_uri()[7:]}#{secrets.token_hex(8)}"


def place_of(folder: str) -> Path | None:
    """The path in a folder's name, on its own machine; None where it has none."""
    if is_own(folder):
        return None
    from urllib.parse import unquote, urlsplit

    path = urlsplit(folder).path
    return Path(unquote(path)) if path else None


def marker_of(path: Path) -> Marker | None:
    """The marker of a folder; None where there is none.

    Raises:
        FolderError: it cannot be read, or is of a newer version.
    """
    file = path / MARKER
    try:
        marker = msgspec.json.decode(file.read_bytes(), type=Marker)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise FolderError(f"{file} cannot be read: {error}.") from None
    if marker.form > FORM:
        raise FolderError(f"{path} was written by a newer Bowerbird; update this one.")
    return marker


def claimed(path: Path, crawl: str) -> str:
    """What holders are to call this folder, in which images of a crawl will be stored.

    Its marker is made or added to; several processes, also of several machines, may claim one
    folder at once and get one name. Where the folder is the crawl's own, as on a shared file
    system, that is its path.

    Args:
        path: the folder, made if it is missing.
        crawl: the crawl's name; "" where it has none.

    Raises:
        FolderError: the folder belongs to another crawl, or cannot be used.
        StorageFullError: the disk refuses.
    """
    if (path / "crawl.db").exists():
        return _own(path, crawl)
    try:
        (path / MARKER).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        marker = marker_of(path) or _made(path, Marker(folder=named(path)))
        if crawl and crawl not in marker.crawls:
            _put(path, msgspec.structs.replace(marker, crawls=(*marker.crawls, crawl)))
    except (FileExistsError, NotADirectoryError):
        raise no_folder(path) from None
    except OSError as error:
        raise refusal(error, path) from error
    return marker.folder


def no_folder(path: Path) -> FolderError:
    """What is said of an output folder that is none."""
    names = (path, *path.parents)
    gone = next((one for one in names if one.is_symlink() and not one.exists()), None)
    if gone:
        return FolderError(f"{gone} is a link to {gone.readlink()}, which does not exist; make it.")
    file = next((one for one in names if one.exists() and not one.is_dir()), path)
    return FolderError(f"{file} is a file; name a folder with -o.")


def _own(path: Path, crawl: str) -> str:
    job = path / ".bowerbird/job.json"
    try:
        name = msgspec.json.decode(job.read_bytes(), type=_Crawl).name
    except (OSError, msgspec.DecodeError) as error:
        raise FolderError(f"{job} cannot be read: {error}.") from None
    if name != crawl:
        raise FolderError(f"{path} belongs to another crawl; name another folder with -o.")
    return str(path.absolute())


def _made(path: Path, marker: Marker) -> Marker:
    """The marker as it is once somebody, perhaps another, has made it."""
    part = _part(path, marker)
    try:
        _only_one(part, path / MARKER)
    finally:
        part.unlink(missing_ok=True)
    return marker_of(path) or marker


def _only_one(part: Path, target: Path) -> None:
    """Give a file its name unless that is taken: link(2) refuses, rename(2) would not."""
    try:
        with suppress(FileExistsError):
            target.hardlink_to(part)
    except OSError:  # a file system without links; two that begin at once would be rare there
        if not target.exists():
            part.replace(target)


def _put(path: Path, marker: Marker) -> None:
    _part(path, marker).replace(path / MARKER)


def _part(path: Path, marker: Marker) -> Path:
    part = path / f"{MARKER}.{secrets.token_hex(4)}"
    part.write_bytes(msgspec.json.format(msgspec.json.encode(marker), indent=2) + b"\n")
    sync(part, os.O_RDONLY)  # an empty marker, after a power cut, would make the folder useless
    return part
