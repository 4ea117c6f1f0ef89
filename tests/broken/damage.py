"""Files of our own making, from a seed: cut, damaged, and pretending to be something else."""

import random
from collections.abc import Iterator

from tests.fuzz.mutate import mutations
from tests.image_fixtures import whole

#: Whole files up to this size are cut at every byte, larger ones at a hundred places.
EVERY_CUT = 8_192
PLACES = 100


def cuts(body: bytes, seed: int) -> Iterator[int]:
    """Lengths to cut a file to."""
    if len(body) <= EVERY_CUT:
        yield from range(len(body))
        return
    dice = random.Random(seed)
    near = {1, 2, 3, 4, 8, 12, 20, 100, 1_000}
    yield from sorted({len(body) - n for n in near} | set(dice.sample(range(len(body)), PLACES)))


def damaged(body: bytes, count: int, seed: int) -> Iterator[bytes]:
    """So many mutations of one file, as long as it at most."""
    yield from mutations([body], [], count, seed, len(body) + 4_096)


def pretenders() -> dict[str, bytes]:
    """What is one thing and begins, or ends, as another."""
    files = {name: body for name, body in whole().items() if " " not in name}
    found = {"html": b"<!doctype html><title>404</title>" + b" " * 600}
    for one, first in files.items():
        found[f"only the head of {one}"] = first[:12]
        found[f"head of {one}, then html"] = first[:12] + found["html"]
        for other, second in files.items():
            if one != other:
                found[f"head of {one}, body of {other}"] = first[:12] + second[12:]
                found[f"{one} inside {other}"] = second[: len(second) // 2] + first
    return found
