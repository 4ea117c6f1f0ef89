"""Cookies given by the user: the Netscape file that browsers' exporters, curl and wget write.

Matching follows RFC 6265 section 5.1.3 (domain), 5.1.4 (path) and 5.4 (order). What servers set
is not kept.
"""

import time
from collections.abc import Callable
from ipaddress import ip_address

import msgspec

from bowerbird.errors import UsageError
from bowerbird.urls import host_of

_HTTP_ONLY = "#HttpOnly_"
_FLAGS = {"TRUE": True, "FALSE": False}


class Cookie(msgspec.Struct, frozen=True, kw_only=True):
    """One cookie of the file. Never shows its value."""

    domain: str  #: without a leading dot, lower case
    subdomains: bool  #: sent to hosts below `domain` too
    path: str
    secure: bool  #: https only
    expires: float  #: seconds since 1970; 0 for a session's cookie, which lasts here
    name: str
    value: str

    def __repr__(self) -> str:
        return f"<Cookie {self.name} of {self.domain}{self.path}>"

    def belongs_to(self, host: str) -> bool:
        """Whether it is for this host."""
        if host == self.domain:
            return True
        return self.subdomains and host.endswith("." + self.domain) and not _is_address(host)

    def fits(self, path: str, secure: bool, wall_s: float) -> bool:
        """Whether it is for this path and transport, and still good."""
        return (
            (secure or not self.secure)
            and (not self.expires or self.expires > wall_s)
            and _path_matches(path, self.path)
        )


class CookieJar:
    """The cookies of one file."""

    def __init__(
        self, cookies: tuple[Cookie, ...], wall_s: Callable[[], float] = time.time
    ) -> None:
        # Longer paths first, as RFC 6265 section 5.4 asks; else the order of the file.
        self._cookies = sorted(cookies, key=lambda cookie: -len(cookie.path))
        self._wall_s = wall_s
        self._by_host: dict[str, list[Cookie]] = {}

    @classmethod
    def parse(cls, text: str) -> "CookieJar":
        """Read the text of a file.

        Raises:
            UsageError: a line that is no cookie; names its number, never its value.
        """
        return cls(parse_cookies(text))

    def __len__(self) -> int:
        return len(self._cookies)

    def header(self, url: str) -> str:
        """The value of the Cookie header for a canonical URL, "" for none."""
        cookies = self._of_host(host_of(url))
        if not cookies:
            return ""
        path, secure, wall_s = _path_of(url), url.startswith("https:"), self._wall_s()
        fitting = (cookie for cookie in cookies if cookie.fits(path, secure, wall_s))
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in fitting)

    def _of_host(self, host: str) -> list[Cookie]:
        if not self._cookies:
            return self._cookies
        cookies = self._by_host.get(host)
        if cookies is None:
            if len(self._by_host) > 10_000:
                self._by_host.clear()
            cookies = [cookie for cookie in self._cookies if cookie.belongs_to(host)]
            self._by_host[host] = cookies
        return cookies


def parse_cookies(text: str) -> tuple[Cookie, ...]:
    """The cookies of a Netscape cookies file: seven fields between tabs, a line each; a later
    one of the same domain, path and name stands.

    Raises:
        UsageError: a line that is no cookie; names its number, never its value.
    """
    cookies: dict[tuple[str, str, str], Cookie] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        line = line.removesuffix("\r").removeprefix(_HTTP_ONLY)
        if line.strip() and not line.startswith("#"):
            cookie = _parse_line(line, number)
            cookies[cookie.domain, cookie.path, cookie.name] = cookie
    return tuple(cookies.values())


def _parse_line(line: str, number: int) -> Cookie:
    fields = line.split("\t")
    if len(fields) == 6:
        fields.append("")  # some writers leave out an empty value, with its tab
    if len(fields) != 7:
        raise _bad(number, f"{len(fields)} fields between tabs; a cookie has 7")
    domain, subdomains, path, secure, expires, name, value = fields
    if not (domain.strip(".") and domain.isprintable() and path.startswith("/")):
        raise _bad(number, "a cookie begins with a domain, and its path with /")
    if not (name + value).isprintable() or ";" in name + value:
        raise _bad(number, "control characters or ; in its name or value")
    return Cookie(
        domain=domain.removeprefix(".").lower(),
        subdomains=_flag(subdomains, number) and _has_subdomains(domain.strip(".")),
        path=path,
        secure=_flag(secure, number),
        expires=_date(expires, number),
        name=name,
        value=value,
    )


def _flag(text: str, number: int) -> bool:
    flag = _FLAGS.get(text.strip().upper())
    if flag is None:
        raise _bad(number, "its 2nd and 4th fields should be TRUE or FALSE")
    return flag


def _date(text: str, number: int) -> float:
    try:
        date = float(text or 0)
    except ValueError:
        date = float("nan")
    if not date < float("inf"):
        raise _bad(number, "its 5th field should be seconds since 1970")
    return max(0.0, date)


def _bad(number: int, what: str) -> UsageError:
    return UsageError(f"--cookies, line {number}: {what}. Is it a Netscape cookies file?")


def _path_of(url: str) -> str:
    path = url[url.find("/", 8) :].partition("?")[0] if url.find("/", 8) > 0 else ""
    return path or "/"


def _path_matches(path: str, prefix: str) -> bool:
    if not path.startswith(prefix):
        return False
    return len(path) == len(prefix) or prefix.endswith("/") or path[len(prefix)] == "/"


def _has_subdomains(domain: str) -> bool:
    # Neither a top-level domain nor an address shares a cookie with what ends like it.
    return "." in domain and not _is_address(domain)


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
