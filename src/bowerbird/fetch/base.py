"""The values of fetching: what is asked, what comes back, and why it may not."""

from typing import Protocol

import msgspec

from bowerbird.fetch.headers import Headers
from bowerbird.settings import MIB, Secrets, Settings


class Request(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One URL to get. `key` is the caller's and unique among what is in flight."""

    key: int
    url: str  #: canonical (`bowerbird.urls.canonical`)
    accept: str = "*/*"
    referrer: str = ""  #: the page it was found on; what is sent is `referer_for`
    headers: tuple[str, ...] = ()  #: "Name: value", for start hosts only: the caller decides
    cookies: str = ""  #: value of the Cookie header
    max_bytes: int = 32 * MIB  #: after decompression
    spool_above: int = MIB  #: larger bodies go to `Response.spool`
    again: bool = False  #: it failed before: what is remembered of its host's name may be wrong
    cut: bool = False  #: a body above `max_bytes` is cut there, not refused (robots.txt)


class Failure(msgspec.Struct, frozen=True, gc=False):
    """Why there is no whole response. `reason` is a word of docs/reasons.md."""

    reason: str
    detail: str = ""  #: for people
    transient: bool = False  #: it may pass: worth a retry
    answered: bool = False  #: the host sent at least a first byte


class Sink(Protocol):
    """Where a large body goes while it arrives."""

    def write(self, data: bytes, /) -> object:
        """Append; raises OSError or StorageFullError where the disk refuses."""
        ...

    def discard(self) -> None:
        """Forget what was written."""
        ...


class Response(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The end of one request. Redirects are not followed: a 3xx is a plain response.

    With a `failure` there is no body; status and headers are there if they had arrived. Moments
    are `Clock.now_s` of this process, 0.0 where they never came.
    """

    key: int
    url: str
    status: int = 0
    headers: Headers = Headers()
    body: bytes = b""  #: decompressed; empty where there is a spool
    spool: Sink | None = None
    size: int = 0  #: of the body, decompressed
    wire_size: int = 0  #: of the body as sent
    cut: bool = False  #: there was more: beyond `max_bytes`, or a long body of an error
    failure: Failure | None = None
    sent_s: float = 0.0  #: when the request was really sent
    first_byte_s: float = 0.0
    elapsed_s: float = 0.0  #: from submit to the end
    address: str = ""  #: really connected to; the proxy's behind a proxy

    @property
    def announced(self) -> bool:
        """Whether it was told where the body ends; else a broken connection looks like its end."""
        said = self.headers.get("content-length") or self.headers.get("transfer-encoding")
        return bool(said) or not self.headers.in_text


class Proxy(msgspec.Struct, frozen=True):
    """The way out. Never shows its login."""

    url: str  #: http://, https://, socks5:// with host and port
    login: str = ""  #: user:password

    def __repr__(self) -> str:
        return f"Proxy({self.url!r}, login={'***' if self.login else ''!r})"


class FetchLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of a transfer and of all of them together. 0: no limit where said."""

    total_s: float = 120.0  #: from submit to the last byte
    connect_s: float = 10.0  #: DNS, TCP and TLS
    first_byte_s: float = 20.0  #: from the sent request
    idle_s: float = 15.0  #: without a byte
    min_speed: int = 1_000  #: bytes per second over `speed_over_s`; 0: no limit
    speed_over_s: float = 20.0
    header_bytes: int = 64 * 1024  #: of all header blocks, 1xx included
    header_count: int = 128
    interim_count: int = 16  #: 1xx responses; real servers send one or two
    chunk_count: int = 100_000  #: pieces of a body; each costs CPU, and a byte can be a piece
    codings: int = 2  #: chained content codings
    ratio: int = 200  #: bytes of output for one of input, after the first `ratio_after`
    ratio_after: int = MIB
    memory: int = 32 * MIB  #: bodies in memory, of all transfers, and what `hold` adds
    max_rate: int = 0  #: bytes per second of all workers together; 0: no limit
    sharers: int = 1  #: how many workers that is, to begin with
    resends: bool = False  #: at once, where a kept connection closes as it is used again
    connections: int = 128  #: kept open, idle ones included
    user_agent: str = "bowerbird"
    proxy: Proxy | None = None
    ca_file: str = ""  #: certificates to trust; "": the system's


def limits_of(settings: Settings, secrets: Secrets, *, workers: int = 1) -> FetchLimits:
    """The limits of one of the workers of a crawl."""
    return FetchLimits(
        total_s=settings.timeout,
        connect_s=settings.connect_timeout,
        first_byte_s=settings.first_byte_timeout,
        idle_s=settings.idle_timeout,
        min_speed=settings.min_speed,
        ratio=settings.max_ratio,
        codings=settings.max_codings,
        header_bytes=settings.max_header_bytes,
        header_count=settings.max_headers,
        interim_count=settings.max_interim,
        chunk_count=settings.max_chunks,
        # A quarter: handed-out bodies, decodes and the process itself need the rest.
        memory=settings.memory // 4,
        max_rate=settings.max_rate,
        sharers=workers,
        resends=settings.delay == 0.0,  # else it would come sooner than the delay
        connections=2 * settings.concurrency,
        user_agent=settings.user_agent,
        proxy=Proxy(settings.proxy, secrets.proxy_login) if settings.proxy else None,
    )
