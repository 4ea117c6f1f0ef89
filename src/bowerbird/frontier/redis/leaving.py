"""What a crawl asks of its hosts binds all crawls there; it is taken back with the crawl."""

from bowerbird.frontier.redis.looking import PAGE, pages
from bowerbird.frontier.redis.partition import Partition


def leave_hosts(partition: Partition) -> None:
    """Its limits and delays bind no other crawl from now on. Nobody may lease from it."""
    cursor, hosts = b"0", partition.keys.of("hosts")
    while True:
        cursor, flat = partition.line.command("ZSCAN", hosts, cursor, "COUNT", PAGE)
        for some in pages(flat[::2]):
            partition.ask("leave", *some).alone()
        if int(cursor) == 0:
            return
