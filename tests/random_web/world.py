"""The world and its truth: pure, from a seed."""

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from tests.web import png

#: Stands for the port in bodies and targets until the world is served.
PORT = "{port}"
FORBIDDEN = "/private/"
ROBOTS = f"User-agent: *\nDisallow: {FORBIDDEN}\n"

#: What share of hosts, pages and images is special, and in which way.
NO_ROBOTS_TXT = 0.3  #: hosts without a robots.txt: all is allowed
HIDDEN = 0.06  #: pages and images that robots.txt forbids
MOVED = 0.08  #: links that lead over one to three redirects
GONE = 0.04  #: 404
FLAPPING = 0.06  #: fail once or twice, then answer
TWIN = 0.1  #: images with the bytes of another one
SIZES = 0.1  #: images in several sizes; of half of them the largest is gone


@dataclass(frozen=True)
class Picture:
    """An image as a page names it: the largest first, then what is tried in its place."""

    key: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Thing:
    """What one URL answers, when it has failed `fails` times."""

    body: bytes = b""
    type: str = "text/html; charset=utf-8"
    status: int = 200
    target: str = ""  #: key of a redirect's target
    fails: int = 0
    how: str = ""  #: how it fails: 500, reset, truncated, silent
    links: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()


@dataclass
class Truth:
    """What a crawl has to come to. Keys, not URLs."""

    images: dict[str, str] = field(default_factory=dict)  #: to be stored -> sha256
    allowed: dict[str, int] = field(default_factory=dict)  #: to be asked -> how often
    forbidden: set[str] = field(default_factory=set)  #: named somewhere, never to be asked
    dead: dict[str, str] = field(default_factory=dict)  #: -> reason


@dataclass(frozen=True)
class World:
    """Everything there is. `things` by key."""

    seed: int
    names: tuple[str, ...]
    start: str
    things: dict[str, Thing]
    free: frozenset[str]  #: hosts without a robots.txt

    def forbids(self, key: str) -> bool:
        """Whether robots.txt of its host forbids a key."""
        host, _, path = key.partition("/")
        return host not in self.free and f"/{path}".startswith(FORBIDDEN)

    @cached_property
    def truth(self) -> Truth:
        """What has to be found by whoever starts at `start` and obeys robots.txt."""
        return _Walk(self).truth


def key_of(url: str) -> str:
    """Host and path of a URL."""
    authority, _, path = url.partition("//")[2].partition("/")
    return f"{authority.partition(':')[0]}/{path}"


def loopback(number: int) -> str:
    """The address of a host, for some 65,000 of them."""
    return f"127.77.{number >> 8}.{number & 255}"


def make(
    seed: int, hosts: int = 10, pages: int = 100, images: int = 300,
    name: Callable[[int], str] = loopback,
) -> World:  # fmt: skip
    """A world from a seed. `name(n)` is the address of host n, from 1."""
    return _Maker(random.Random(seed), tuple(map(name, range(1, hosts + 1)))).world(
        seed, pages, images
    )


class _Maker:
    """Throws the dice, always in the same order."""

    def __init__(self, dice: random.Random, names: tuple[str, ...]) -> None:
        self._dice, self._names = dice, names
        self._things: dict[str, Thing] = {}
        self._number = 0

    def world(self, seed: int, pages: int, images: int) -> World:
        dice = self._dice
        free = frozenset(name for name in self._names[1:] if dice.random() < NO_ROBOTS_TXT)
        keys = [f"{self._names[0]}/", *(self._key("p", "") for _ in range(pages - 1))]
        links: list[list[str]] = [[] for _ in keys]
        for n, key in enumerate(keys[1:], 1):
            links[dice.randrange(n)].append(self._way_to(key))
            links[dice.randrange(len(keys))].append(key)
        shown: list[list[Picture]] = [[] for _ in keys]
        for _ in range(images):
            picture = self._picture()
            for _ in range(dice.choice((1, 1, 2))):
                shown[dice.randrange(len(keys))].append(picture)
        for key, to, pictures in zip(keys, links, shown, strict=True):
            self._things[key] = self._page(key, tuple(to), tuple(pictures))
        return World(seed, self._names, keys[0], self._things, free)

    def _key(self, letter: str, end: str) -> str:
        self._number += 1
        folder = FORBIDDEN if self._dice.random() < HIDDEN else "/"
        return f"{self._dice.choice(self._names)}{folder}{letter}{self._number}{end}"

    def _page(self, key: str, links: tuple[str, ...], pictures: tuple[Picture, ...]) -> Thing:
        lines = [f"<!doctype html><title>{key}</title>"]
        lines += [f'<a href="http://{_with_port(link)}">to {link}</a>' for link in links]
        lines += map(_shown, pictures)
        fails, how = self._fails() if len(self._things) else (0, "")
        return Thing(
            "\n".join(lines).encode(), links=links, pictures=pictures, fails=fails, how=how
        )

    def _picture(self) -> Picture:
        if self._dice.random() >= SIZES:
            return Picture(self._way_to(self._image()))
        sizes = [self._image() for _ in range(3)]
        if self._dice.random() < 0.5:
            self._things[sizes[0]] = Thing(b"gone", "text/plain", 404)
        return Picture(sizes[0], tuple(sizes[1:]))

    def _image(self) -> str:
        key = self._key("i", ".png")
        if self._dice.random() < GONE:
            self._things[key] = Thing(b"gone", "text/plain", 404)
            return key
        number = self._dice.randrange(1, 4) if self._dice.random() < TWIN else self._number
        fails, how = self._fails()
        self._things[key] = Thing(png(number), "image/png", fails=fails, how=how)
        return key

    def _way_to(self, key: str) -> str:
        """A key, or that of a redirect which leads there."""
        while self._dice.random() < MOVED:
            here = self._key("r", "")
            self._things[here] = Thing(
                status=self._dice.choice((301, 302, 303, 307, 308)), target=key
            )
            key = here
        return key

    def _fails(self) -> tuple[int, str]:
        if self._dice.random() >= FLAPPING:
            return 0, ""
        return self._dice.choice((1, 1, 2)), self._dice.choice(("500", "reset", "truncated"))


def _with_port(key: str) -> str:
    host, slash, path = key.partition("/")
    return f"{host}:{PORT}{slash}{path}"


def _shown(picture: Picture) -> str:
    url = f"http://{_with_port(picture.key)}"
    if not picture.others:
        return f'<img src="{url}" alt="{picture.key}">'
    sizes = [picture.key, *picture.others]
    widths = range(100 * len(sizes), 0, -100)
    said = ", ".join(f"http://{_with_port(k)} {w}w" for k, w in zip(sizes, widths, strict=True))
    return f'<img srcset="{said}">'


class _Walk:
    """Goes the way that a crawler has to go."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.truth = Truth()
        todo: list[tuple[str, tuple[str, ...]]] = [(world.start, ())]
        while todo:
            todo += self._visit(*todo.pop())

    def _visit(self, key: str, others: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
        truth = self.truth
        if key in truth.allowed or key in truth.forbidden:
            return
        if self._world.forbids(key):
            truth.forbidden.add(key)
            truth.dead[key] = "robots"
            return
        thing = self._world.things[key]
        truth.allowed[key] = 1 + thing.fails
        if thing.target:
            yield thing.target, others
        elif thing.status == 404:
            truth.dead[key] = "http-404"
            if others:
                yield others[0], others[1:]
        elif thing.type == "image/png":
            truth.images[key] = hashlib.sha256(thing.body).hexdigest()
        yield from ((link, ()) for link in thing.links)
        yield from ((picture.key, picture.others) for picture in thing.pictures)
