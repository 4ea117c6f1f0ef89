"""What a person can have done to a crawl that is visited."""

from bowerbird.app.visit import Visit
from bowerbird.model import Filter

#: The reason of a pause or stop by a person.
ASKED = "asked for"


def requeue(crawl: Visit, host: str = "", reason: str = "", url: str = "") -> int:
    """Put failed tasks back into the queue; answers how many."""
    crawl.require_change()
    return crawl.frontier.requeue(Filter(host=host, reason=reason, url=url))


def pause(crawl: Visit) -> None:
    """Let nothing more begin, also after a restart."""
    crawl.require_change()
    crawl.frontier.pause(ASKED)


def resume(crawl: Visit) -> None:
    """Go on after a pause or stop."""
    crawl.require_change()
    crawl.frontier.resume()


def stop(crawl: Visit) -> None:
    """End once what is in flight is done."""
    crawl.require_change()
    crawl.frontier.stop(ASKED)
