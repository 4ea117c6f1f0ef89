"""The network guard: which addresses a request may reach.

It is asked about the address really connected to, when a socket is opened and again before each
request on a connection that is used again; what a name resolves to beforehand proves nothing.
"""

from collections.abc import Iterable
from enum import Enum
from ipaddress import ip_network

from bowerbird.errors import SettingsError
from bowerbird.fetch.addresses import Network, is_public, parse_address, unwrapped
from bowerbird.settings import Job, option_name
from bowerbird.urls import host_of_origin, origin_of

#: Verdicts remembered; a crawl of many hosts would else grow without end.
_REMEMBERED = 10_000


#: Last characters of canonical addresses.
_ENDS_OF_ADDRESSES = frozenset("0123456789]")


class Right(Enum):
    """Where a request may connect to."""

    ANYWHERE = "anywhere"
    PUBLIC = "public"  #: where `Guard.allows` says so
    NOWHERE = "nowhere"  #: the URL itself names a private address


class Guard:
    """Refuses private addresses, save to those who have a right to one.

    Args:
        origins: exact origins (`https://example.org`) that may be anywhere: the start URLs'.
        allow_private: every address is allowed.
        allow_range: networks allowed to all, as CIDR.
        proxied: all connections go to the proxy, which is exempt; only literal addresses in URLs
            can be judged.

    Raises:
        SettingsError: a range that is no CIDR.
    """

    def __init__(
        self,
        origins: Iterable[str] = (),
        *,
        allow_private: bool = False,
        allow_range: Iterable[str] = (),
        proxied: bool = False,
    ) -> None:
        self._origins = frozenset(origins)
        self._all = allow_private
        self._ranges = tuple(map(_network, allow_range))
        self._proxied = proxied
        self._verdicts: dict[str, bool] = {}

    @classmethod
    def of(cls, job: Job) -> "Guard":
        """The guard of a crawl: its start URLs' origins are exempt."""
        settings = job.settings
        return cls(
            map(origin_of, job.start_urls),
            allow_private=settings.allow_private,
            allow_range=settings.allow_range,
            proxied=bool(settings.proxy),
        )

    def right_of(self, url: str) -> Right:
        """What a request for this URL may do."""
        if self._all:
            return Right.ANYWHERE
        origin = origin_of(url)
        if origin in self._origins:
            return Right.ANYWHERE
        host = host_of_origin(origin)
        if self._proxied and _is_the_proxys_own(host):
            return Right.NOWHERE
        # The last character tells most names apart from canonical addresses.
        if host[-1:] in _ENDS_OF_ADDRESSES and self._names_private(host):
            return Right.NOWHERE
        return Right.ANYWHERE if self._proxied else Right.PUBLIC

    def _names_private(self, host: str) -> bool:
        return parse_address(host) is not None and not self.allows(host)

    def allows(self, address: str) -> bool:
        """Whether a request that is not exempt may talk to this address."""
        verdict = self._verdicts.get(address)
        if verdict is None:
            verdict = self._remember(address, self._judge(address))
        return verdict

    def _judge(self, text: str) -> bool:
        address = parse_address(text)
        if address is None:
            return False
        both = (address, unwrapped(address))
        return is_public(address) or any(one in net for net in self._ranges for one in both)

    def _remember(self, address: str, verdict: bool) -> bool:
        if len(self._verdicts) >= _REMEMBERED:
            self._verdicts.clear()
        self._verdicts[address] = verdict
        return verdict


def _is_the_proxys_own(host: str) -> bool:
    """Whether a name means the machine that resolves it (RFC 6761 section 6.3)."""
    name = host.rstrip(".")
    return name == "localhost" or name.endswith(".localhost")


def _network(cidr: str) -> Network:
    try:
        return ip_network(cidr, strict=False)
    except ValueError as error:
        raise SettingsError(f"{option_name('allow_range')} {cidr}: {error}.") from None
