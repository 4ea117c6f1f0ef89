"""What a crawl asks of its hosts binds all crawls there; it is taken back when that one is over."""

from collections.abc import Sequence

from bowerbird.frontier.redis.looking import PAGE, pages
from bowerbird.frontier.redis.partition import Partition


def leave_hosts(partitions: Sequence[Partition]) -> None:
    """Its limits and delays bind no other crawl from now on, until it leases again."""
    for one in partitions:
        _leave(one)


def _leave(partition: Partition) -> None:
    cursor, hosts = b"0", partition.keys.of("hosts")
    while True:
        cursor, flat = partition.line.command("ZSCAN", hosts, cursor, "COUNT", PAGE)
        busy = [name for name, bits in zip(flat[::2], flat[1::2], strict=True) if float(bits)]
        for some in pages(busy):
            partition.ask("leave", *some).alone()
        if int(cursor) == 0:
            return
