"""A web with known ground truth, made from a seed: many hosts, all addresses of loopback."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.web import PNG, Answer, Answers, Web, png, serve

#: Hosts over which pages and images are spread.
HOSTS = 10
#: Share of the images that no page names: the clerk hands them in while the crawl goes on.
HIDDEN = 0.3


@dataclass(frozen=True)
class World:
    """A web that is served, and what a crawl of it has to bring."""

    web: Web
    start: str  #: the page where it begins
    linked: frozenset[str]  #: images that pages show
    hidden: tuple[str, ...]  #: images that nobody shows
    pages: frozenset[str]


@contextmanager
def world(seed: int, urls: int, hosts: int = HOSTS) -> Iterator[World]:
    """So many URLs, a fifth of them pages: each is linked by an earlier one and by any others."""
    dice = random.Random(seed)
    with serve({}, host="0.0.0.0") as web:
        port = web.url.rpartition(":")[2]
        pages = [_at(dice.randrange(hosts), port, f"/p{n}") for n in range(urls // 5)]
        images = [_at(dice.randrange(hosts), port, f"/{n}.png") for n in range(urls - len(pages))]
        linked = images[: int(len(images) * (1 - HIDDEN))]
        web.answers = {f"/{n}.png": Answer(png(n), PNG) for n in range(len(images))}
        web.answers |= _documents(dice, pages, linked)
        hidden = tuple(images[len(linked) :])
        yield World(web, pages[0], frozenset(linked), hidden, frozenset(pages))


def _at(host: int, port: str, path: str) -> str:
    return f"http://127.0.1.{host + 1}:{port}{path}"


def _documents(dice: random.Random, pages: list[str], images: list[str]) -> Answers:
    links: list[list[str]] = [[] for _ in pages]
    for n, page in enumerate(pages[1:], 1):
        links[dice.randrange(max(0, n - 30), n)].append(page)
    for some in links:
        some += dice.choices(pages, k=2)
    shown: list[list[str]] = [[] for _ in pages]
    for image in images:
        for _ in range(dice.choice((1, 1, 2))):
            shown[dice.randrange(len(pages))].append(image)
    return {f"/p{n}": _document(links[n], shown[n]) for n in range(len(pages))}


def _document(links: list[str], images: list[str]) -> Answer:
    body = "".join(f'<a href="{url}">x</a>' for url in links)
    return Answer(f"<!doctype html>{body}{''.join(f'<img src={u}>' for u in images)}".encode())
