"""Breaks one thing after the other, by dice from a seed, and mends it again."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.chaos.scene import Scene
from tests.net.fleet import Running

#: Beyond the deadline of a session, in seconds.
BEYOND_S = 9.0
#: Time between two faults, in seconds: long enough for some to come back, not for all.
QUIET_S = (0.2, 1.5)

Fault = Callable[[Scene, random.Random], Iterator[str]]


def strike(scene: Scene, name: str, dice: random.Random, lasts_s: float) -> None:
    """One fault for a while."""
    with contextmanager(FAULTS[name])(scene, dice) as victim:
        scene.fault(f"{name} {victim}".strip())
        time.sleep(lasts_s)


def storm(
    scene: Scene, dice: random.Random, faults: int, names: tuple[str, ...], longest_s: float = 2.0
) -> None:
    """So many faults of these kinds, some quiet after each; fewer where the crawl ends before."""
    scene.wait_for_requests(10)
    for _ in range(faults):
        if not scene.manager.alive:
            return
        strike(scene, dice.choice(names), dice, dice.uniform(0.05, longest_s))
        time.sleep(dice.uniform(*QUIET_S))


def _kill_worker(scene: Scene, dice: random.Random) -> Iterator[str]:
    """Of the manager's own; it is replaced by itself."""
    _signal(_some_worker(scene, dice), signal.SIGKILL)
    yield ""


def _freeze_worker(scene: Scene, dice: random.Random) -> Iterator[str]:
    pid = _some_worker(scene, dice)
    _signal(pid, signal.SIGSTOP)
    yield ""
    _signal(pid, signal.SIGCONT)


def _freeze_beyond(scene: Scene, dice: random.Random) -> Iterator[str]:
    pid = _some_worker(scene, dice)
    _signal(pid, signal.SIGSTOP)
    yield ""
    time.sleep(BEYOND_S)
    _signal(pid, signal.SIGCONT)


def _kill_far(scene: Scene, dice: random.Random) -> Iterator[str]:
    """Another one comes; nobody but the deadline gives back what the dead one held."""
    _far(scene).kill()
    yield ""
    scene.join(f"far{len(scene.running)}")


def _kill_manager(scene: Scene, dice: random.Random) -> Iterator[str]:
    """It alone: its workers have to notice by themselves."""
    _signal(scene.manager.pid, signal.SIGKILL)
    scene.manager.process.wait()
    yield ""
    scene.start()


def _kill_group(scene: Scene, dice: random.Random) -> Iterator[str]:
    """It and all its workers."""
    scene.manager.kill()
    yield ""
    scene.start()


def _freeze_manager(scene: Scene, dice: random.Random) -> Iterator[str]:
    _signal(scene.manager.pid, signal.SIGSTOP)
    yield ""
    _signal(scene.manager.pid, signal.SIGCONT)


def _unheard(*directions: str) -> Fault:
    """The line of the far workers carries nothing that way, and tells nobody."""

    def fault(scene: Scene, dice: random.Random) -> Iterator[str]:
        scene.line.line.dead = frozenset(directions)
        yield ""
        scene.line.line.dead = frozenset()

    return fault


def _half_close(scene: Scene, dice: random.Random) -> Iterator[str]:
    scene.line.half_close()
    yield ""


def _reset(scene: Scene, dice: random.Random) -> Iterator[str]:
    scene.line.reset()
    yield ""
    scene.line.reset()


def _narrow(scene: Scene, dice: random.Random) -> Iterator[str]:
    scene.line.line.latency_s, scene.line.line.bytes_per_s = 0.3, 10_000
    yield ""
    scene.line.line.latency_s, scene.line.line.bytes_per_s = 0.0, 0.0


def _fill_disk(scene: Scene, dice: random.Random) -> Iterator[str]:
    """Take all room where images and books lie, also what is given free meanwhile."""
    ballast = scene.out / ".bowerbird" / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 16))
    with suppress(OSError), ballast.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(64))
    yield ""
    ballast.unlink()
    scene.start_if_it_could_not()


def _eat_memory(scene: Scene, dice: random.Random) -> Iterator[str]:
    """A neighbour in the cgroup of the last worker takes all it can get; whom the kernel then
    kills is its choice."""
    group = Path("/proc", str(_far(scene).pid), "cgroup").read_text()
    name = next(line.split(":")[2] for line in group.splitlines() if ":memory:" in line)
    join = f"open('/sys/fs/cgroup/memory{name}/cgroup.procs', 'w').write('0')"
    hunger = f"{join}; x = []\nwhile True: x.append(bytearray(b'x') * (1 << 20))"
    eater = subprocess.Popen([sys.executable, "-c", hunger], stderr=subprocess.DEVNULL)
    yield ""
    eater.kill()
    eater.wait()


def _kill_redis(scene: Scene, dice: random.Random) -> Iterator[str]:
    assert scene.redis
    scene.redis.kill()
    yield ""
    scene.redis.start()
    scene.start_if_it_could_not()


def _some_worker(scene: Scene, dice: random.Random) -> int:
    """-1 while there is none."""
    there = [pid for one in _living(scene) for pid in scene.workers_of(one)]
    return dice.choice(there) if there else -1


def _living(scene: Scene) -> list[Running]:
    return [one for one in scene.running if one.alive]


def _far(scene: Scene) -> Running:
    return [one for one in _living(scene) if one.host.name != "manager"][-1]


def _signal(pid: int, number: signal.Signals) -> None:
    if pid > 0:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


FAULTS: dict[str, Fault] = {
    "kill worker": _kill_worker,
    "freeze worker": _freeze_worker,
    "freeze worker beyond its lease": _freeze_beyond,
    "kill far worker": _kill_far,
    "kill manager": _kill_manager,
    "kill manager and workers": _kill_group,
    "freeze manager": _freeze_manager,
    "fill disk": _fill_disk,
    "cut the line": _unheard("up", "down"),
    "deaf manager": _unheard("up"),
    "mute manager": _unheard("down"),
    "half-closed line": _half_close,
    "reset line": _reset,
    "far and narrow line": _narrow,
    "eat memory": _eat_memory,
    "kill redis": _kill_redis,
}
