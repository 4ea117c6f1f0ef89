"""Small disks of one's own, that can be filled, fail, or lose what was not synced.

ext4 in a file, mounted through a loop device; as root. A power cut is ext4's own shutdown ioctl,
which keeps everything not yet written from the image for ever (Linux: fs/ext4/ioctl.c).
"""

import fcntl
import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.bird import wait_for

EXT4_IOC_SHUTDOWN = 0x8004587D
NOLOGFLUSH = 2  #: <linux/ext4.h>: nothing more reaches the image, the journal neither


class UnableError(Exception):
    """This machine does not allow a fault; the text says why."""


class NoDiskError(UnableError):
    """It mounts no loop devices."""


class Disk:
    """A file system in a file."""

    def __init__(self, image: Path, at: Path) -> None:
        self.image, self.at = image, at

    def mount(self, *options: str) -> None:
        """Put it in.

        Raises:
            NoDiskError: the machine does not let us.
        """
        self.at.mkdir(parents=True, exist_ok=True)
        words = ["mount", "-o", ",".join(("loop", *options)), str(self.image), str(self.at)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode or not os.path.ismount(self.at):
            raise NoDiskError(f"no loop mount here: {done.stderr.strip()}")

    def unmount(self, *options: str) -> None:
        """Take it out; whoever still has files open there is in our way, unless `--lazy`."""
        subprocess.run(["umount", *options, str(self.at)], check=True)
        if not options:  # put in again too early, it would be the old one, without power
            wait_for("a disk that is out", lambda: str(self.image) not in _in_loops())

    def remount(self, how: str) -> None:
        """`ro` or `rw`."""
        subprocess.run(["mount", "-o", f"remount,{how}", str(self.at)], check=True)

    def cut_power(self) -> None:
        """From now on nothing reaches the disk; what was not synced never will.

        REFUSES anything that is not a loop mount of its own: on another one this is the end of
        the machine.
        """
        where = os.path.realpath(self.at)
        source = next(line.split()[0] for line in _mounts() if line.split()[1] == where)
        assert source.startswith("/dev/loop"), source
        descriptor = os.open(self.at, os.O_RDONLY | os.O_DIRECTORY)
        try:
            assert os.fstat(descriptor).st_dev != Path("/").stat().st_dev
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, struct.pack("I", NOLOGFLUSH))
        finally:
            os.close(descriptor)


def _in_loops() -> Iterator[str]:
    """Files that loop devices have now."""
    for file in Path("/sys/block").glob("loop*/loop/backing_file"):
        with suppress(OSError):  # it is let go of just now
            yield file.read_text().strip()


def _mounts() -> list[str]:
    return Path("/proc/mounts").read_text().splitlines()


@contextmanager
def disk(folder: Path, mib: int, *mkfs: str) -> Iterator[Disk]:
    """A mounted ext4 of so many MiB; `mkfs`: more options of mkfs.ext4.

    Raises:
        NoDiskError: the machine lacks the program, the rights or the devices.
    """
    if os.geteuid() != 0:
        raise NoDiskError("loop mounts need root")
    folder.mkdir(parents=True, exist_ok=True)
    made = Disk(folder / "disk.img", folder / "disk")
    with made.image.open("wb") as file:
        file.truncate(mib << 20)
    try:
        words = ["mkfs.ext4", "-q", "-m", "0", *mkfs, str(made.image)]
        subprocess.run(words, check=True, capture_output=True, env=_with_sbin())
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoDiskError(f"mkfs.ext4 does not run here: {error}") from None
    with _shared(folder):
        made.mount()
        try:
            yield made
        finally:
            with suppress(subprocess.CalledProcessError):
                made.unmount("--lazy")


@contextmanager
def _shared(folder: Path) -> Iterator[None]:
    """What is unmounted below is unmounted everywhere: `ip netns exec` of a test beside us takes a
    copy of all mounts, which would keep a disk alive whose power was cut."""
    _mount("--bind", str(folder), str(folder))
    try:
        _mount("--make-shared", str(folder))
        yield
    finally:
        with suppress(subprocess.CalledProcessError):
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoDiskError(f"no mounts here: {done.stderr.strip()}")


def _with_sbin() -> dict[str, str]:
    return os.environ | {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
