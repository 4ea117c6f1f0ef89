"""The images and imports of stylesheets, style elements and style attributes.

One scan with one regular expression of possessive parts, so linear in the text. It knows what
hides a URL (comments, strings, font faces, namespaces) and what shows one (url(), and strings in
image-set()), and nothing else of CSS (https://www.w3.org/TR/css-syntax-3/).
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from bowerbird.extract.base import MAX_LINKS, Extracted
from bowerbird.extract.charset import decode_css
from bowerbird.extract.links import Links
from bowerbird.model import Place

_TOKEN = re.compile(
    r"""
      (?P<comment> /\*(?:[^*]++|\*(?!/)|(?!))*+(?:\*/)? )
    | (?P<string> "(?:[^"\\\n\r\f]++|\\(?:\r\n|[\s\S])|\\\Z|(?!))*+"?+
                | '(?:[^'\\\n\r\f]++|\\(?:\r\n|[\s\S])|\\\Z|(?!))*+'?+ )
    | (?P<word> @?+(?:[-\w]++|[^\x00-\x7f]++
                    |\\(?:[0-9a-fA-F]{1,6}+[ \t\n\r\f]?+|[^\n\r\f0-9a-fA-F])|(?!))++
        (?P<open> \( )? )
    | (?P<mark> [(){};:,] )
    """,
    re.VERBOSE,
)
#: What follows `url(` where it is no string: up to the closing parenthesis.
_BARE_URL = re.compile(r"[ \t\n\r\f]*+((?:[^)\\]++|\\[\s\S]|(?!))*+)\)?+")
_BAD_URL = re.compile(r"[\"'(]")
_QUOTE_NEXT = re.compile(r"[ \t\n\r\f]*+[\"']")
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})(?:\r\n|[ \t\n\r\f])?|(\r\n|[\n\r\f])|([\s\S]))")
#: Without one of these a text names nothing; a backslash may hide any of them.
_PROMISING = re.compile(r"(?i)url\(|image|@import|\\")

#: Longer styles are scanned each time, so that the memory of those remembered is bounded, in
#: characters.
SHORT = 65_536

#: At-rules whose URLs are no images.
_NO_IMAGES = frozenset(
    {"@font-face", "@namespace", "@document", "@-moz-document", "@color-profile"}
)
#: Functions in which a string is a URL.
_URL_FUNCTIONS = frozenset({"url", "src", "image-set", "-webkit-image-set", "image"})
#: Properties whose URLs are programs or bindings.
_NO_PROPERTIES = frozenset({"behavior", "-ms-behavior", "-moz-binding"})


@dataclass(slots=True)
class StyleLinks:
    """What CSS names, as written (escapes resolved)."""

    images: list[str] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _State:
    """Where in the structure the scan is."""

    functions: list[str] = field(default_factory=list)  #: open parentheses
    rule: str = ""  #: at-rule whose prelude is being read
    hidden: int = 0  #: depth of blocks inside one whose URLs are no images
    word: str = ""  #: last word before a colon: the property
    property: str = ""


def scan_css(text: str) -> StyleLinks:
    """The image and import URLs of a stylesheet or of the declarations of a style attribute."""
    found = StyleLinks()
    if not _PROMISING.search(text):
        return found
    state, position = _State(), 0
    while match := _TOKEN.search(text, position):
        position = match.end()
        kind = match.lastgroup
        if kind == "open" or kind == "word":
            position = _word(match, text, position, state, found)
        elif kind == "string":
            _string(match[0], state, found)
        elif kind == "mark":
            _mark(match[0], state)
    return found


def _word(match: re.Match[str], text: str, position: int, state: _State, found: StyleLinks) -> int:
    word = match["word"]
    if "\\" in word:
        word = unescape(word)
    word = word.lower()
    if not match["open"]:
        if word[0] == "@":
            state.rule = word
        state.word = word
        return position
    name = word[:-1]
    if name == "url" and not _QUOTE_NEXT.match(text, position):
        return _bare_url(text, position, state, found)
    state.functions.append(name)
    return position


def _bare_url(text: str, position: int, state: _State, found: StyleLinks) -> int:
    match = _BARE_URL.match(text, position)
    if match is None:
        return position
    link = match[1].strip()
    # Quotes, parentheses and white space make it a bad-url-token, which names nothing.
    if not _BAD_URL.search(_ESCAPE.sub("", link)):
        _keep(unescape(link), state, found)
    return match.end()


def _string(quoted: str, state: _State, found: StyleLinks) -> None:
    inside = state.functions[-1] if state.functions else ""
    imported = state.rule == "@import" and not state.functions
    if imported or inside in _URL_FUNCTIONS:
        _keep(_unquoted(quoted), state, found)


def _keep(link: str, state: _State, found: StyleLinks) -> None:
    if not link:
        return
    if state.rule == "@import":
        found.imports.append(link)
        state.rule = "@import-done"
    elif not (state.hidden or state.rule in _NO_IMAGES or state.property in _NO_PROPERTIES):
        found.images.append(link)


def _mark(mark: str, state: _State) -> None:
    if mark == "(":
        state.functions.append("")
    elif mark == ")":
        if state.functions:
            state.functions.pop()
    elif mark == ":":
        if not state.functions:
            state.property = state.word
    elif mark != ",":
        _structure(mark, state)


def _structure(mark: str, state: _State) -> None:
    if mark == "{" and (state.hidden or state.rule in _NO_IMAGES):
        state.hidden += 1
    elif mark == "}" and state.hidden:
        state.hidden -= 1
    state.rule = state.property = ""
    state.functions.clear()


def _unquoted(quoted: str) -> str:
    end = -1 if len(quoted) > 1 and quoted[-1] == quoted[0] else len(quoted)
    return unescape(quoted[1:end])


def unescape(text: str) -> str:
    """Resolve CSS escapes."""
    return _ESCAPE.sub(_escaped, text) if "\\" in text else text


def _escaped(match: re.Match[str]) -> str:
    if match[1]:
        number = int(match[1], 16)
        return chr(number) if 0 < number < 0xD800 or 0xDFFF < number < 0x110000 else "\ufffd"
    return match[3] or ""


def extract_css(
    body: bytes, url: str, *, content_type: str = "", fallback_charset: str = "",
    most: int = MAX_LINKS,
) -> Extracted:  # fmt: skip
    """The images and imported stylesheets of a stylesheet at a canonical URL.

    `fallback_charset` is that of the document which links it, used where the sheet says nothing;
    `most` links are taken.
    """
    text, charset = decode_css(body, content_type, fallback_charset)
    links = Links(url, charset, most)
    add_css(text, links)
    return Extracted(
        images=list(links.images.values()),
        stylesheets=list(links.stylesheets),
        data=list(links.data.values()),
        charset=charset,
        cut=links.cut,
    )


def add_css(text: str, links: Links, place: Place = Place.CSS) -> None:
    """Keep what CSS names."""
    found = _scanned(text) if len(text) <= SHORT else scan_css(text)
    for link in found.images:
        links.image(link, place)
    for link in found.imports:
        links.other(links.stylesheets, link)


@lru_cache(maxsize=64)
def _scanned(text: str) -> StyleLinks:
    # Sites write the same styles into page after page, and serve one sheet under many URLs.
    return scan_css(text)
