"""The random web of a seed, and images that none of its pages names: a clerk hands them in."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.random_web import RandomWeb, make, serve
from tests.random_web.world import Thing
from tests.web import PNG, png

HOSTS = 10
#: Of all URLs: pages, images that they name, and images that nobody names.
PAGES, SHOWN, HIDDEN = 0.2, 0.5, 0.3
#: Numbers of hidden images: no other has the same bytes.
FIRST = 1_000_000


@dataclass(frozen=True)
class World:
    """A web that is served, and what a crawl of it has to bring."""

    web: RandomWeb
    hidden: tuple[str, ...]  #: URLs of images that no page names

    @property
    def shown(self) -> frozenset[str]:
        """URLs of the images that a crawl finds by itself."""
        return frozenset(map(self.web.url, self.web.world.truth.images))

    @property
    def dead(self) -> frozenset[str]:
        """Reasons of what is there to fail."""
        return frozenset((*self.web.world.truth.dead.values(), "robots"))


@contextmanager
def world(seed: int, urls: int) -> Iterator[World]:
    """About so many URLs on ten hosts."""
    made = make(seed, HOSTS, int(urls * PAGES), int(urls * SHOWN))
    dice = random.Random(seed)
    keys = [f"{dice.choice(made.names)}/hidden/{n}.png" for n in range(int(urls * HIDDEN))]
    made.things.update({key: Thing(png(FIRST + n), PNG) for n, key in enumerate(keys)})
    with serve(made) as web:
        yield World(web, tuple(map(web.url, keys)))
