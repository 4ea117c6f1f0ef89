"""URLs: the canonical form, hosts, origins, and which links belong to a crawl.

Canonical is the WHATWG serialisation (https://url.spec.whatwg.org/) without the fragment, and
nothing else.
"""

import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from functools import cache, lru_cache

import ada_url

from bowerbird.settings import Scope

#: Longer URLs are refused: servers refuse them too, and traps make them.
MAX_URL = 8_192


#: Says yes or no to a URL.
Test = Callable[[str], bool]


def canonical(text: str, base: str = "") -> str | None:
    """The canonical URL of a link, or None where it is no http(s) URL of bearable length."""
    if len(text) > MAX_URL:
        return None
    try:
        url = ada_url.join_url(base, text) if base else ada_url.normalize_url(text)
    except (ValueError, UnicodeEncodeError):
        return None
    url = url.partition("#")[0]
    return url if url.startswith(("http://", "https://")) and len(url) <= MAX_URL else None


def origin_of(url: str) -> str:
    """Scheme, host and port of a canonical URL: `https://example.org`."""
    end = url.find("/", 8)
    scheme_and_rest = url if end < 0 else url[:end]
    at = scheme_and_rest.rfind("@")
    if at < 0:
        return scheme_and_rest
    return scheme_and_rest[: scheme_and_rest.index("//") + 2] + scheme_and_rest[at + 1 :]


def without_login(url: str) -> str:
    """A canonical URL without user and password."""
    if "@" not in url:
        return url
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def host_of(url: str) -> str:
    """Host name of a canonical URL, without port: the unit of politeness."""
    return host_of_origin(origin_of(url))


@lru_cache(maxsize=4_096)
def host_of_origin(origin: str) -> str:
    """Host name of an origin; an IPv6 address keeps its brackets."""
    authority = origin.partition("//")[2]
    if authority.startswith("["):
        return authority.partition("]")[0] + "]"
    return authority.partition(":")[0]


@cache
def _suffixes() -> Callable[[str], str | None]:
    from publicsuffixlist import PublicSuffixList  # 8 ms that only `--scope domain` needs

    private: Callable[[str], str | None] = PublicSuffixList().privatesuffix
    return private


@lru_cache(maxsize=4_096)
def domain_of(host: str) -> str:
    """The registrable domain of a host (public suffix list); the host itself where it has none."""
    return _suffixes()(host) or host


def in_scope(scope: Scope, start_urls: Iterable[str]) -> Test:
    """A test whether a page URL belongs to the crawl that began at these URLs."""
    starts = tuple(start_urls)
    if scope is Scope.ANY:
        return lambda _: True
    if scope is Scope.PREFIX:
        folders = tuple(url.partition("?")[0].rpartition("/")[0] + "/" for url in starts)
        return lambda url: url.startswith(folders)
    hosts = frozenset(map(host_of, starts))
    if scope is Scope.HOST:
        return lambda url: host_of(url) in hosts
    domains = frozenset(map(domain_of, hosts))
    return lambda url: domain_of(host_of(url)) in domains


def matcher(include: Iterable[str], exclude: Iterable[str], kind: str) -> Test:
    """A test of whole URLs against globs: any of `include` (if given) and none of `exclude`.

    `kind`: page or image; `image:GLOB` and `page:GLOB` bind one kind, a bare GLOB both.
    """
    wanted, unwanted = _any_of(_binding(include, kind)), _any_of(_binding(exclude, kind))
    if wanted is None and unwanted is None:
        return lambda _: True
    return lambda url: (wanted is None or wanted(url)) and not (unwanted and unwanted(url))


def _binding(globs: Iterable[str], kind: str) -> list[str]:
    other = "page:" if kind == "image" else "image:"
    return [glob.removeprefix(f"{kind}:") for glob in globs if not glob.startswith(other)]


def _any_of(globs: Iterable[str]) -> Test | None:
    # Python's translation of a glob uses atomic groups: it cannot backtrack without end.
    patterns = [translate(glob) for glob in globs]
    if not patterns:
        return None
    match = re.compile("|".join(patterns)).match
    return lambda url: match(url) is not None
