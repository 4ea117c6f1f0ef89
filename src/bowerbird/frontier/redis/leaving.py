"""What a crawl asks of its hosts binds all crawls there, and so do its sessions: both are taken
back when it is over."""

from collections.abc import Sequence

from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.redis.line import together
from bowerbird.frontier.redis.looking import PAGE, pages
from bowerbird.frontier.redis.partition import Partition


def end_sessions(frontier: RedisFrontier) -> None:
    """Its sessions end; all their leases go back, those of sessions that others have ended too."""
    sessions = {row.session for row in frontier.workers()}
    for one in frontier.partitions:
        sessions |= {name.decode() for name in one.command("SMEMBERS", "ended").alone()}
    for session in sorted(sessions):
        frontier.detach(session)


def take_as_they_are(partitions: Sequence[Partition]) -> None:
    """Books that a torn log has hurt (`log.py`) are gone on with: enough to come to an end."""
    together([one.command("HDEL", "books", "sealed") for one in partitions])


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
