"""Rows 5, 6, 34 and 35: no room, no inodes, a disk that turns read-only; no memory, no files."""

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.bird import bird, wait_for
from tests.chaos.disks import UnableError, disk
from tests.chaos.nemesis import storm, strike
from tests.chaos.scene import Scene, need_program, scene, urls_for
from tests.chaos.toll import Toll

#: Descriptors that a worker and its parent may have: fewer than it would have transfers.
DESCRIPTORS = 40
#: Memory of a worker, its decoders and its parent together, in bytes.
MEMORY = 256 << 20
CGROUP = Path("/sys/fs/cgroup/memory")


def full_disk(folder: Path, seed: int, faults: int) -> Toll:
    """A disk of 16 MiB, filled up and freed again and again."""
    dice = random.Random(seed)
    with (
        disk(folder, 16) as small,
        scene(folder, seed, urls_for(faults), out=small.at / "out") as crawl,
    ):
        storm(crawl, dice, faults, ("fill disk",), longest_s=3.0)
        return crawl.drain("34", seed)


def no_inodes(folder: Path, seed: int, faults: int) -> Toll:
    """All inodes taken, and freed again."""
    dice = random.Random(seed)
    with (
        disk(folder, 32, "-N", str(urls_for(faults) + 200)) as small,
        scene(folder, seed, urls_for(faults), out=small.at / "out") as crawl,
    ):
        crawl.wait_for_requests(20)
        for _ in range(faults):
            taken = _take_inodes(small.at / "taken")
            crawl.fault("no inodes")
            wait_for("a pause", lambda: _is_paused(crawl))
            time.sleep(dice.random())
            for one in taken:
                one.unlink()
            crawl.wait_for_requests(20)
        return crawl.drain("35 inodes", seed)


def _take_inodes(folder: Path) -> list[Path]:
    folder.mkdir(exist_ok=True)
    taken = []
    with suppress(OSError):
        while True:
            taken.append(folder / str(len(taken)))
            taken[-1].touch()
    return [one for one in taken if one.exists()]


def _is_paused(crawl: Scene) -> bool:
    return "paused (disk-full)" in bird("status", crawl.out).out


def read_only(folder: Path, seed: int, faults: int) -> Toll:
    """The file system turns read-only, as ext4 does after an error; mended by a mount anew."""
    dice = random.Random(seed)
    with (
        disk(folder, 64) as small,
        scene(folder, seed, urls_for(faults), ("--durable",), out=small.at / "out") as crawl,
    ):
        for _ in range(faults):
            crawl.wait_for_requests(dice.randint(20, 80))
            small.remount("abort")
            crawl.fault("read-only")
            wait_for("word of it", lambda: _has_said(crawl, "No more room", "cannot be written"))
            assert "Traceback" not in crawl.manager.said
            crawl.manager.kill()
            small.unmount()
            small.mount()
            crawl.manager.log.unlink()
            crawl.start()
        return crawl.drain("35 read-only", seed)


def _has_said(crawl: Scene, *texts: str) -> bool:
    return any(text in crawl.manager.said for text in texts)


def no_descriptors(folder: Path, seed: int, faults: int) -> Toll:
    """A worker that may open forty files, at hosts that answer slowly; then one that may more."""
    need_program("prlimit")

    def prepare(crawl: Scene) -> None:
        crawl.delay_s = 0.0
        crawl.web.pause_s = 0.3
        crawl.options = ("--per-host", 16, "--concurrency", 128)

    with scene(folder, seed, urls_for(faults), prepare=prepare, workers=0) as crawl:
        for number in range(faults):
            one = crawl.join(f"few{number}", "prlimit", f"--nofile={DESCRIPTORS}")
            crawl.wait_for_requests(60)
            crawl.fault(f"{DESCRIPTORS} descriptors")
            assert one.alive, one.said
        crawl.web.pause_s = 0.0
        return crawl.drain("6", seed)


def no_memory(folder: Path, seed: int, faults: int) -> Toll:
    """A worker in a memory cgroup of 256 MiB, whose neighbours take what there is."""
    dice = random.Random(seed)
    with scene(folder, seed, urls_for(faults)) as crawl, _cgroup() as group:
        one = crawl.join("small", "sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh")
        for _ in range(faults):
            crawl.wait_for_requests(20)
            strike(crawl, "eat memory", dice, 0.5)
            assert one.alive, one.said
        return crawl.drain("5", seed)


@contextmanager
def _cgroup() -> Iterator[Path]:
    if not (CGROUP / "memory.limit_in_bytes").exists() or os.geteuid() != 0:
        raise UnableError("no memory cgroup (v1) that could be written")
    group = CGROUP / f"bowerbird-{os.getpid()}"
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text(str(MEMORY))
        yield group
    finally:
        wait_for("an empty group", lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()
