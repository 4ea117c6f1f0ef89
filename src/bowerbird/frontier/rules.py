"""What the settings of a crawl mean to its frontier."""

import msgspec

from bowerbird.frontier.base import DELAY_CAP_S
from bowerbird.settings import Settings


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The options that bind a frontier. 0 means no limit for `max_pages` and `max_images`."""

    per_host: int = 4  #: requests in flight at one host, over the whole fleet
    delay_s: float = 0.0  #: least time between request starts at a host
    obey_robots: bool = True
    user_agent: str = "bowerbird"  #: whose rules are read in robots.txt
    max_pages: int = 0
    max_images: int = 0
    retries: int = 3  #: *retry* outcomes a task may have; one more makes it dead
    max_crawl_delay_s: float = DELAY_CAP_S  #: that a robots.txt may ask for
    max_host_urls: int = 0  #: tasks of a host after which no more documents are taken; 0: no limit


def rules_of(settings: Settings) -> Rules:
    """The rules that these settings make. Without a fixed delay, hosts begin with none."""
    return Rules(
        per_host=settings.per_host,
        delay_s=settings.delay or 0.0,
        obey_robots=settings.obey_robots,
        user_agent=settings.user_agent,
        max_pages=settings.max_pages,
        max_images=settings.max_images,
        retries=settings.retries,
        max_crawl_delay_s=settings.max_crawl_delay,
        max_host_urls=settings.max_host_urls,
    )
