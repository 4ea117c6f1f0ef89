"""Where a far worker may go: only within its own options, whatever its manager sends.

A manager may be anybody's who has the key. What its crawl exempts on private networks (origins of
start URLs, ranges, its proxy) must not turn a machine that helps into a way into its own network.
"""

from collections.abc import Callable, Iterable

from bowerbird.fetch import Guard
from bowerbird.fetch.addresses import parse_address
from bowerbird.fetch.base import Failure
from bowerbird.fetch.guard import Right
from bowerbird.settings import Job
from bowerbird.urls import host_of


class OwnRights:
    """A worker's own `--allow-private` and `--allow-range`."""

    def __init__(
        self, job: Job, *, allow_private: bool, allow_range: Iterable[str],
        say: Callable[[str], None],
    ) -> None:  # fmt: skip
        """`say` tells people once what option is missing.

        Raises:
            SettingsError: a range that is no CIDR.
        """
        # Not `proxied`: to this guard the proxy is an address like any other.
        self.guard = Guard(allow_private=allow_private, allow_range=allow_range)
        self._crawl = Guard.of(job)
        self._say = say
        self._said = False

    def lacks(self, url: str, failure: Failure) -> bool:
        """Whether the crawl may go where this failed, and only this worker may not."""
        if failure.reason != "private-address":
            return False
        address = failure.detail if parse_address(failure.detail) else host_of(url).strip("[]")
        if self._crawl.right_of(url) is not Right.ANYWHERE and not self._crawl.allows(address):
            return False
        if not self._said:
            self._said = True
            self._say(
                f"{url} leads to the private address {address}. The crawl may go there, this "
                "worker may not: such tasks are left to others. If it may, start it with "
                f"--allow-range {address} or --allow-private."
            )
        return True
