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
HTML, CSS, XML, PNG = "text/html; charset=utf-8", "text/css", "application/xml", "image/png"

#: What share of hosts, pages and images is special, and in which way.
NO_ROBOTS_TXT = 0.3  #: hosts without a robots.txt: all is allowed
HIDDEN = 0.06  #: pages and images that robots.txt forbids
MOVED = 0.08  #: links that lead over one to three redirects
GONE = 0.04  #: 404
FLAPPING = 0.06  #: fail once or twice, then answer
TWIN = 0.1  #: images with the bytes of another one
SIZES = 0.1  #: images in several sizes; of half of them the largest is gone
STYLED = 0.1  #: images that only a stylesheet names
LINKED = 0.05  #: images that are linked to as if they were pages
MAPPED = 0.1  #: pages that only a sitemap names
PATIENT = 0.1  #: hosts whose robots.txt asks for a delay, but for the first
DELAY_S = 0.04  #: that they ask for


@dataclass(frozen=True)
class Picture:
    """An image as a page names it: the largest first, then what is tried in its place."""

    key: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Thing:
    """What one URL answers, when it has failed `fails` times."""

    body: bytes = b""
    type: str = HTML
    status: int = 200
    target: str = ""  #: key of a redirect's target
    fails: int = 0
    how: str = ""  #: how it fails: 500, reset, truncated, silent
    links: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
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
    delays_s: dict[str, float] = field(default_factory=dict)  #: host -> what robots.txt asks for
    maps: dict[str, str] = field(default_factory=dict)  #: host -> its sitemap, if it has one

    def robots_of(self, host: str) -> str:
        """The robots.txt of a host that has one; PORT stands for the port."""
        delay = f"Crawl-delay: {self.delays_s[host]}\n" if host in self.delays_s else ""
        sitemap = f"Sitemap: http://{_with_port(self.maps[host])}\n" if host in self.maps else ""
        return ROBOTS + delay + sitemap

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
        obliging = [name for name in self._names[1:] if name not in free]
        delays = {name: DELAY_S for name in obliging if dice.random() < PATIENT}
        keys = [f"{self._names[0]}/", *(self._key("p", "") for _ in range(pages - 1))]
        maps, mapped = self._maps(obliging, keys[1:])
        links: list[list[str]] = [[] for _ in keys]
        for n, key in enumerate(keys[1:], 1):
            if key not in mapped:
                links[dice.randrange(n)].append(self._way_to(key))
                links[dice.randrange(len(keys))].append(key)
        shown = self._shown_on(len(keys), images, links)
        for key, to, pictures in zip(keys, links, shown, strict=True):
            self._things[key] = self._page(key, tuple(to), tuple(pictures))
        return World(seed, self._names, keys[0], self._things, free, delays, maps)

    def _maps(self, hosts: list[str], keys: list[str]) -> tuple[dict[str, str], set[str]]:
        """Sitemaps, and the pages that only they name; each names its own host's."""
        maps, mapped = {}, set[str]()
        for host in hosts:
            own = [key for key in keys if key.startswith(f"{host}/")]
            named = tuple(key for key in own if self._dice.random() < MAPPED)
            if named:
                maps[host] = key = f"{host}/map{self._dice.randrange(1_000)}.xml"
                locs = "".join(f"<url><loc>http://{_with_port(one)}</loc></url>" for one in named)
                self._things[key] = Thing(f"<urlset>{locs}</urlset>".encode(), XML, links=named)
                mapped.update(named)
        return maps, mapped

    def _shown_on(self, pages: int, images: int, links: list[list[str]]) -> list[list[Picture]]:
        """Which images each page shows, itself or by a stylesheet, or links to."""
        dice = self._dice
        shown: list[list[Picture]] = [[] for _ in range(pages)]
        for _ in range(images):
            if dice.random() < LINKED:
                links[dice.randrange(pages)].append(self._image())
                continue
            picture = self._picture()
            for _ in range(dice.choice((1, 1, 2))):
                shown[dice.randrange(pages)].append(picture)
        return shown

    def _key(self, letter: str, end: str) -> str:
        self._number += 1
        folder = FORBIDDEN if self._dice.random() < HIDDEN else "/"
        return f"{self._dice.choice(self._names)}{folder}{letter}{self._number}{end}"

    def _page(self, key: str, links: tuple[str, ...], pictures: tuple[Picture, ...]) -> Thing:
        plain = [one for one in pictures if one.others or self._dice.random() >= STYLED]
        sheets = tuple(self._sheet(one) for one in pictures if one not in plain)
        lines = [f"<!doctype html><title>{key}</title>"]
        lines += [f'<link rel=stylesheet href="http://{_with_port(sheet)}">' for sheet in sheets]
        lines += [f'<a href="http://{_with_port(link)}">to {link}</a>' for link in links]
        lines += map(_shown, plain)
        fails, how = self._fails()
        body = "\n".join(lines).encode()
        return Thing(body, links=links, sheets=sheets, pictures=tuple(plain), fails=fails, how=how)

    def _sheet(self, picture: Picture) -> str:
        key = self._key("s", ".css")
        text = f"body {{ background: url('http://{_with_port(picture.key)}') }}"
        self._things[key] = Thing(text.encode(), CSS, pictures=(picture,))
        return key

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
        self._things[key] = Thing(png(number), PNG, fails=fails, how=how)
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
        host = key.partition("/")[0]
        if host in self._world.maps:
            yield self._world.maps[host], ()
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
        elif thing.type == PNG:
            truth.images[key] = hashlib.sha256(thing.body).hexdigest()
        yield from ((link, ()) for link in (*thing.links, *thing.sheets))
        yield from ((picture.key, picture.others) for picture in thing.pictures)
