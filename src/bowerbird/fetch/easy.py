"""libcurl's options: the constant ones set once for each handle, the others when they change."""

from typing import Any

import pycurl

from bowerbird.fetch.base import FetchLimits, Proxy, Request
from bowerbird.fetch.codings import ACCEPTED
from bowerbird.fetch.headers import referer_for
from bowerbird.fetch.shared import Shared
from bowerbird.fetch.transfer import BUFFER, Transfer

#: Seconds for which an address is remembered; libcurl's own default.
DNS_CACHE_S = 60

_ACCEPT_ENCODING = f"Accept-Encoding: {ACCEPTED}"


class Easy:
    """A handle of libcurl's with its transfer, used for request after request."""

    __slots__ = ("_again", "_headers", "_most", "_set", "curl", "transfer")

    def __init__(self, shared: Shared) -> None:
        self.curl = curl = pycurl.Curl()
        self.transfer = Transfer(shared, curl)
        self._set = curl.setopt  # to look for a name in a handle costs as much as to set an option
        self._headers: list[str | bytes] = []
        self._most = 0
        self._again = False
        _set_constants(curl, shared.limits)
        _set_callbacks(curl, self.transfer)
        _set_proxy(curl, shared.limits.proxy)
        if shared.resolve:
            curl.setopt(pycurl.RESOLVE, list(shared.resolve))

    def __repr__(self) -> str:
        return f"<Easy {self.transfer!r}>"

    def prepare(self, request: Request, *, exempt: bool) -> None:
        """Make it ready for a request."""
        self.transfer.begin(request, exempt=exempt)
        self._set(pycurl.URL, request.url)
        headers = _headers(request)
        if headers != self._headers:
            self._set(pycurl.HTTPHEADER, headers)
            self._headers = headers
        if request.again != self._again:
            # libcurl remembers that there was no such name, too: a retry has to ask anew.
            self._set(pycurl.DNS_CACHE_TIMEOUT, 0 if request.again else DNS_CACHE_S)
            self._again = request.again
        # libcurl's own limit refuses by Content-Length before a byte is read.
        most = 0 if request.cut else request.max_bytes
        if most != self._most:
            self._set(pycurl.MAXFILESIZE_LARGE, most)
            self._most = most


def _set_constants(curl: Any, limits: FetchLimits) -> None:
    curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    curl.setopt(pycurl.REDIR_PROTOCOLS, 0)
    curl.setopt(pycurl.FOLLOWLOCATION, 0)
    curl.setopt(pycurl.NETRC, pycurl.NETRC_IGNORED)
    curl.setopt(pycurl.HTTPAUTH, pycurl.HTTPAUTH_BASIC)
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
    curl.setopt(pycurl.PIPEWAIT, 1)
    curl.setopt(pycurl.PATH_AS_IS, 1)
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.NOPROGRESS, 1)
    curl.setopt(pycurl.BUFFERSIZE, BUFFER)
    curl.setopt(pycurl.USERAGENT, _encoded(limits.user_agent))
    if limits.ca_file:
        curl.setopt(pycurl.CAINFO, limits.ca_file)
    curl.setopt(pycurl.CONNECTTIMEOUT_MS, _ms(limits.connect_s))
    curl.setopt(pycurl.HTTP_CONTENT_DECODING, 0)


def _set_callbacks(curl: Any, transfer: Transfer) -> None:
    curl.setopt(pycurl.OPENSOCKETFUNCTION, transfer.on_open_socket)
    curl.setopt(pycurl.PREREQFUNCTION, transfer.on_request)
    curl.setopt(pycurl.HEADERFUNCTION, transfer.on_header)
    curl.setopt(pycurl.WRITEFUNCTION, transfer.on_body)


def _set_proxy(curl: Any, proxy: Proxy | None) -> None:
    # Set in either case: libcurl would else take both from the environment.
    curl.setopt(pycurl.NOPROXY, "")
    curl.setopt(pycurl.PROXY, _encoded(_resolving(proxy.url)) if proxy else "")
    if proxy and proxy.login:
        curl.setopt(pycurl.PROXYUSERPWD, _encoded(proxy.login))


def _resolving(url: str) -> str:
    # A proxy resolves names itself: what we resolve may not be what it sees.
    return url.replace("socks5://", "socks5h://", 1).replace("socks4://", "socks4a://", 1)


def _headers(request: Request) -> list[str | bytes]:
    # All in one list: libcurl's options for Referer and Cookie cannot be unset through pycurl.
    headers: list[str | bytes] = [*_negotiation(request), *map(_encoded, request.headers)]
    if request.referrer:
        referer = referer_for(request.referrer, request.url)
        headers += [f"Referer: {referer}"] if referer else []
    if request.cookies:
        headers.append(_encoded(f"Cookie: {request.cookies}"))
    return headers


def _negotiation(request: Request) -> list[str]:
    # Codings for images too: it is what browsers send, so caches have that answer; icons, BMP and
    # SVG gain; and what is not asked for is sent by some all the same.
    ours = [f"Accept: {request.accept}", _ACCEPT_ENCODING]
    if not request.headers:
        return ours
    given = {_name(header) for header in request.headers}
    return [header for header in ours if _name(header) not in given]


def _name(header: str) -> str:
    return header.partition(":")[0].strip().lower()


def _encoded(text: str) -> str | bytes:
    """As pycurl takes it: what users give may hold more than ASCII."""
    return text if text.isascii() else text.encode()


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1_000))
