"""The images under readable names: `host/path/name.ext`, linked, not copied, where that goes."""

import errno
import filecmp
import os
import secrets
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from bowerbird.catalog import Entry
from bowerbird.errors import StorageFullError
from bowerbird.manager.here import Here
from bowerbird.manager.spill import Spill
from bowerbird.manager.tree_names import folded, names_for
from bowerbird.model import Record

#: What a file system says that has no links of this sort, or none to there.
_NO_LINK = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS, errno.EACCES}

Way = Callable[[Path, Path], None]


class Tree(msgspec.Struct):
    """What an export as a tree did."""

    folder: str
    linked: int = 0  #: names made now
    there: int = 0  #: names that were there from before
    missing: int = 0  #: records without a file on this machine
    away: int = 0  #: of these, those that a folder of another machine may have


def export_tree(entries: Iterable[Entry], here: Here, folder: Path) -> Tree:
    """Give every image of these entries a name below `folder`.

    Names depend on the entries and their order only: doing it again changes nothing. Hard links;
    symbolic ones across devices; copies where the file system has neither.

    Args:
        entries: of the whole catalog, in order.
        here: the folders of this machine with the images.
        folder: where to, made if needed. Other files in it are left alone.

    Raises:
        StorageFullError: the disk refuses.
    """
    tree = Tree(str(folder))
    place = _Linker()
    with Spill() as taken:
        for entry in entries:
            source = _source(entry.record, here)
            if source is None:
                tree.missing += 1
                tree.away += bool(here.away(entry.record))
            elif _placed(entry.record, source, folder, taken, place):
                tree.linked += 1
            else:
                tree.there += 1
    return tree


def _source(record: Record, here: Here) -> Path | None:
    places = (Path(copy.store.folder, copy.path) for copy in here.copies(record))
    return next((path for path in places if path.is_file()), None)


def _placed(record: Record, source: Path, folder: Path, taken: Spill, place: "_Linker") -> bool:
    """Whether a name had to be made."""
    names = names_for(record.final_url, record.type)
    for name in names:
        if not taken.claim(folded(name), record.final_url):
            continue
        target = folder / name
        if _is_same(source, target):
            return False
        if not os.path.lexists(target) or name == names[-1]:
            place(source, target)
            return True
    return False


def _is_same(source: Path, target: Path) -> bool:
    try:
        return target.samefile(source) or filecmp.cmp(source, target, shallow=False)
    except OSError:
        return False


class _Linker:
    """Makes names by the best way that this pair of file systems has."""

    def __init__(self) -> None:
        self._ways: list[Way] = [_hard, _symbolic, _copy]

    def __call__(self, source: Path, target: Path) -> None:
        temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._make(source, temporary)
            temporary.replace(target)
        except OSError as error:
            raise StorageFullError(
                f"{target} cannot be made: {os.strerror(error.errno or 0)}."
            ) from error
        finally:
            with suppress(OSError):
                temporary.unlink()  # also what rename(2) leaves when both are one file

    def _make(self, source: Path, temporary: Path) -> None:
        while True:
            try:
                return self._ways[0](source, temporary)
            except OSError as error:
                if error.errno not in _NO_LINK or len(self._ways) == 1:
                    raise
                if error.errno == errno.EMLINK:  # this file only: it has all the links it can
                    return _copy(source, temporary)
            del self._ways[0]


def _hard(source: Path, target: Path) -> None:
    target.hardlink_to(source)


def _symbolic(source: Path, target: Path) -> None:
    target.symlink_to(source)


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
