"""Damage by a seed: what atheris does better, for where it is not installed."""

import random
from collections.abc import Iterator, Sequence

#: Numbers at the edges of what headers can hold.
EDGES = (
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\xff\xff",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
)


def mutations(
    seeds: Sequence[bytes], words: Sequence[bytes], count: int, seed: int, most: int
) -> Iterator[bytes]:
    """So many damaged inputs; the same ones for the same seed."""
    dice = random.Random(seed)
    for _ in range(count):
        body = dice.choice(seeds)
        for _ in range(dice.choice((1, 1, 2, 3, 8))):
            body = _damaged(body, words, seeds, dice)
        yield body[:most]


def _damaged(
    body: bytes, words: Sequence[bytes], seeds: Sequence[bytes], dice: random.Random
) -> bytes:
    at = dice.randint(0, len(body))
    end = min(len(body), at + dice.choice((1, 1, 2, 4, 16, 64)))
    match dice.randrange(8):
        case 0:
            return body[:at]
        case 1:
            return body[:at] + body[end:]
        case 2:
            return body[:at] + dice.randbytes(end - at) + body[end:]
        case 3:
            return body[:at] + bytes((dice.randrange(256),)) + body[at + 1 :]
        case 4:
            return body[:at] + dice.choice([*words, *EDGES]) + body[at:]
        case 5:
            edge = dice.choice(EDGES)
            return body[:at] + edge + body[at + len(edge) :]
        case 6:
            return body[:at] + body[at:end] * dice.choice((2, 3, 50)) + body[end:]
    other = dice.choice(seeds)
    return body[:at] + other[dice.randint(0, len(other)) :]
