"""Which addresses are public: a deny list of our own.

`ipaddress.is_global` is no filter: depending on the Python it says True for multicast, NAT64
forms of loopback and others. Sources: the IANA special-purpose address registries, IPv4 and IPv6.
"""

from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_DENIED_V4 = (
    "0.0.0.0/8",  # this network; Linux connects to itself
    "10.0.0.0/8",
    "100.64.0.0/10",  # carrier-grade NAT; a cloud's metadata too
    "127.0.0.0/8",
    "168.63.129.16/32",  # a cloud's host, reachable from every guest
    "169.254.0.0/16",  # link-local; metadata
    "172.16.0.0/12",
    "192.0.0.0/24",  # IETF protocol assignments
    "192.0.2.0/24",  # documentation
    "192.88.99.0/24",  # 6to4 relays
    "192.168.0.0/16",
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, broadcast
)
#: Of IPv6 only global unicast is public at all; these are the exceptions within it.
_GLOBAL_V6 = "2000::/3"
_DENIED_V6 = (
    "2001::/23",  # IETF protocol assignments: Teredo, benchmarks, ORCHID
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4: deprecated, and a tunnel to any IPv4 address
    "3fff::/20",  # documentation
)
_MAPPED = "::ffff:0:0/96"
_NAT64 = "64:ff9b::/96"  # the well-known prefix; 64:ff9b:1::/48 is for local use
_ISATAP = (0x00005EFE, 0x02005EFE)  # interface identifiers that carry an IPv4 address


@cache
def _v4() -> tuple[IPv4Network, ...]:
    return tuple(map(IPv4Network, _DENIED_V4))


@cache
def _v6() -> tuple[IPv6Network, ...]:
    return tuple(map(IPv6Network, _DENIED_V6))


@cache
def _carriers() -> tuple[IPv6Network, ...]:
    return IPv6Network(_MAPPED), IPv6Network(_NAT64)


def parse_address(text: str) -> Address | None:
    """An address from text, without brackets and zone; None where it is none."""
    try:
        return ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None


def unwrapped(address: Address) -> Address:
    """The IPv4 address that is really reached through a mapped or NAT64 one."""
    if isinstance(address, IPv6Address) and any(address in net for net in _carriers()):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """Whether anyone on the open internet could be meant by this address."""
    address = unwrapped(address)
    if isinstance(address, IPv4Address):
        return not any(address in net for net in _v4())
    return (
        address in IPv6Network(_GLOBAL_V6)
        and not any(address in net for net in _v6())
        and _isatap_public(address)
    )


def _isatap_public(address: IPv6Address) -> bool:
    low = int(address) & 0xFFFFFFFFFFFFFFFF
    return low >> 32 not in _ISATAP or is_public(IPv4Address(low & 0xFFFFFFFF))
