"""The sitemaps that a robots.txt names (https://www.sitemaps.org/protocol.html)."""

import re

from bowerbird.urls import canonical

#: Sitemaps taken from one robots.txt.
MAX_SITEMAPS = 1_000

_LINE = re.compile(r"^[ \t]*sitemap[ \t]*:[ \t]*([^\s#][^\r\n]*)", re.IGNORECASE | re.MULTILINE)


def robots_sitemaps(text: str, url: str) -> list[str]:
    """Canonical URLs of the Sitemap lines, whichever group they stand in, without repeats."""
    found = dict[str, None]()
    for match in _LINE.finditer(text.removeprefix("\ufeff")):
        # a comment may follow after white space; a bare # belongs to the URL
        link = canonical(re.split(r"\s+#", match[1], maxsplit=1)[0].strip(), url)
        if link:
            found[link] = None
        if len(found) == MAX_SITEMAPS:
            break
    return list(found)
