"""Random faults from a seed: workers, manager and cables fail while a crawl goes on."""

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.net.fleet import PORT, Fleet, Running, Verdict, judge
from tests.web import PNG, Answer, Answers, Web, png

#: Hosts over which the images are spread, beside that of the pages.
HOSTS = 20
#: Every answer takes so long while faults happen, in seconds, so that much is in flight.
PAUSE_S = 1.0
#: What the manager lets be in flight at one host, its default.
PER_HOST = 4
#: Time between two faults, in seconds: long enough for some to come back, not for all.
QUIET_S = (0.3, 2.0)
WORKERS = 3


@dataclass
class Story:
    """What happened, to be told if it ends badly."""

    seed: int
    faults: list[str] = field(default_factory=list)
    verdict: Verdict | None = None
    requests: int = 0
    again: int = 0  #: requests for what had been asked for before
    seconds: float = 0.0


def pages_for(seconds: float) -> int:
    """So many pages keep a crawl busy for that long, however many workers there are."""
    return int(seconds * PER_HOST / PAUSE_S)


def world(web: Web, pages: int, images: int) -> set[str]:
    """Fill a web: pages in a tree on one host, each with images on others; the images' URLs."""
    port = web.url.rpartition(":")[2]
    wanted = set()
    answers: Answers = {}
    for page in range(pages):
        shown = [f"/{page * images + n}.png" for n in range(images)]
        urls = [f"http://10.77.128.{hash_of(path) % HOSTS + 1}:{port}{path}" for path in shown]
        links = "".join(f'<a href="/p{n}">x</a>' for n in (2 * page + 1, 2 * page + 2) if n < pages)
        body = "<!doctype html>" + links + "".join(f'<img src="{url}">' for url in urls)
        answers[f"/p{page}"] = Answer(body.encode())
        answers.update({path: Answer(png(int(path[1:-4])), PNG) for path in shown})
        wanted.update(urls)
    web.answers = answers
    return wanted


def hash_of(path: str) -> int:
    """The same in every run."""
    return sum(path.encode())


def storm(fleet: Fleet, web: Web, seed: int, faults: int, longest_s: float) -> Story:
    """Start a crawl, let so many faults happen, let it end; what came of it."""
    began_s, story = time.monotonic(), Story(seed)
    wanted = world(web, pages_for(faults * (longest_s + QUIET_S[1])), images=4)
    web.pause_s = PAUSE_S
    nemesis = Nemesis(fleet, web, random.Random(seed))
    for _ in range(faults):
        story.faults.append(nemesis.strike(longest_s))
    assert nemesis.manager.alive, f"too early, after {story.faults}: {nemesis.manager.said}"
    web.pause_s = 0.0
    assert nemesis.manager.ended() == 0, nemesis.manager.said
    story.verdict = judge(fleet.out, wanted)
    story.requests = len(web.requests)
    story.again = len(web.requests) - len({(one.headers["Host"], one.path) for one in web.requests})
    story.seconds = time.monotonic() - began_s
    return story


class Nemesis:
    """Breaks one thing after the other and mends it again."""

    def __init__(self, fleet: Fleet, web: Web, dice: random.Random) -> None:
        self._fleet, self._web, self._dice = fleet, web, dice
        self.manager = self._start()
        self._workers = fleet.workers(WORKERS)
        self._faults: dict[str, Callable[[], Iterator[str]]] = {
            "kill worker": self._kill_worker,
            "kill all workers": self._kill_all,
            "freeze worker": self._freeze,
            "kill manager": self._kill_manager,
            "freeze manager": self._freeze_manager,
            "unplug worker": self._unplug,
            "unplug manager": self._unplug_manager,
            "deafen worker": self._deafen,
            "mute worker": self._mute,
            "lose packets": self._lose,
            "reset connections": self._reset,
        }

    def strike(self, longest_s: float) -> str:
        """One fault, for a while, and some quiet after it; its name."""
        name = self._dice.choice(list(self._faults))
        lasts_s = self._dice.uniform(0.1, longest_s)
        with contextmanager(self._faults[name])() as victim:
            time.sleep(lasts_s)
        time.sleep(self._dice.uniform(*QUIET_S))
        return f"{name} {victim} for {lasts_s:.1f} s"

    def _start(self) -> Running:
        return self._fleet.crawl(f"{self._web.url}/p0", "--delay", 0, "--scope", "host")

    def _one(self) -> int:
        return self._dice.randrange(WORKERS)

    # Processes.

    def _kill_worker(self) -> Iterator[str]:
        number = self._one()
        self._workers[number].kill()
        yield str(number)
        self._workers[number] = self._fleet.join(self._workers[number].host)

    def _kill_all(self) -> Iterator[str]:
        for one in self._workers:
            one.kill()
        yield ""
        self._workers = [self._fleet.join(one.host) for one in self._workers]

    def _freeze(self) -> Iterator[str]:
        number = self._one()
        self._workers[number].signal(signal.SIGSTOP)
        yield str(number)
        self._workers[number].signal(signal.SIGCONT)

    def _kill_manager(self) -> Iterator[str]:
        self.manager.kill()
        yield ""
        self.manager = self._start()

    def _freeze_manager(self) -> Iterator[str]:
        self.manager.signal(signal.SIGSTOP)
        yield ""
        self.manager.signal(signal.SIGCONT)

    # Cables.

    def _unplug(self) -> Iterator[str]:
        number = self._one()
        self._workers[number].host.unplug()
        yield str(number)
        self._workers[number].host.plug()

    def _unplug_manager(self) -> Iterator[str]:
        self._fleet.manager_host.unplug()
        yield ""
        self._fleet.manager_host.plug()

    def _deafen(self) -> Iterator[str]:
        number = self._one()
        self._workers[number].host.deafen()
        yield str(number)
        self._workers[number].host.heal()

    def _mute(self) -> Iterator[str]:
        number = self._one()
        self._workers[number].host.mute()
        yield str(number)
        self._workers[number].host.heal()

    def _lose(self) -> Iterator[str]:
        self._fleet.manager_host.lose(0.3)
        yield "30 %"
        self._fleet.manager_host.heal()

    def _reset(self) -> Iterator[str]:
        self._fleet.manager_host.reset_connections(PORT)
        yield ""
        self._fleet.manager_host.reset_connections(PORT)
