"""How the hosts of a deployment are divided into partitions."""

import os
from hashlib import blake2b

import msgspec

from bowerbird.errors import UsageError
from bowerbird.frontier.redis.address import RedisAddress
from bowerbird.frontier.redis.line import Line


class Division(msgspec.Struct, frozen=True):
    """How the hosts of all crawls of a deployment are divided into partitions: written once, as a
    host's budget is shared by whoever finds it."""

    partitions: int = 1
    key: bytes = b""

    def of(self, host: str) -> int:
        """The partition where a host of any crawl lies: keyed, so that nobody can make names that
        crowd one."""
        if self.partitions == 1:
            return 0
        digest = blake2b(host.encode(), digest_size=8, key=self.key).digest()
        return int.from_bytes(digest) % self.partitions

    def of_token(self, token: bytes) -> int:
        """The partition of a task, from a token of it."""
        return int.from_bytes(token[:8]) % self.partitions

    def call(self, partition: int, random: bytes) -> bytes:
        """What begins the tokens of one `lease` call in a partition, made of 8 random bytes."""
        number = int.from_bytes(random)
        number -= number % self.partitions
        if number + partition >= 1 << 64:
            number -= self.partitions
        return (number + partition).to_bytes(8)


def divided(line: Line, wanted: int, *, make: bool) -> Division:
    """How a deployment is divided; `make`: from now on as wanted (0: into one), if it is new.

    Raises:
        UsageError: it is divided otherwise.
    """
    fresh = (max(1, wanted), os.urandom(16).hex()) if make else ("", "")
    number, key = line.run("divide", f"{line.key}division", *fresh)
    found = Division(int(number or 1), key or b"")
    if wanted and number and found.partitions != wanted:
        raise UsageError(
            f"Redis at {line.place} keeps its crawls with partitions={found.partitions}. The first "
            "crawl settles that for all, for they share each host's budget: leave partitions out "
            "of the address, or drop all crawls there first."
        )
    return found


def lines_to(address: RedisAddress, first: Line, division: Division) -> list[Line]:
    """Lines to all partitions; the first is to partition 0."""
    rest = range(1, division.partitions)
    return [first, *(Line(address, number, first.way) for number in rest)]
