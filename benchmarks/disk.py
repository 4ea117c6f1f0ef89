"""A new file system for each run: ext4 does not use an inode again for minutes after its file was
removed, and whoever makes files meanwhile looks through all of those, once for each file
(`recently_deleted` in fs/ext4/ialloc.c). When we removed what one program had written, the next one
took half as much time again; when we kept it, curl took twice as long from the second round on."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: What it is called in the results.
NAME = "a new ext4 for each run"
#: Bytes that a run may write, more than any does. The file that holds them is sparse.
SIZE = 8 << 30


@contextmanager
def place(folder: Path, *, as_is: bool) -> Iterator[Path]:
    """An empty folder in this one, gone after the block: on a new ext4, or `as_is` where it lies.

    Raises CalledProcessError: it cannot be made or mounted, which takes root and a loop device.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    out = folder / "out"
    if as_is:
        out.mkdir()
        yield out
        shutil.rmtree(folder)
        return
    image = folder.with_name(f"{folder.name}.img")
    with image.open("wb") as file:
        file.truncate(SIZE)
    _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1,lazy_journal_init=1", str(image))
    _run("mount", "-o", "loop,noinit_itable", str(image), str(folder))
    try:
        out.mkdir()
        yield out
    finally:
        _run("umount", str(folder))
        image.unlink()


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
