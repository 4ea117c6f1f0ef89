"""The options of a crawl: their names, defaults and the reason of each default.

Stored with the crawl, so that a resume can say what changed. Secrets (headers, cookies, a proxy's
password) are kept apart, in `Secrets`: they are never stored with the rest and never shown.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

import msgspec

from bowerbird._version import __version__
from bowerbird.errors import SettingsError

MIB = 1 << 20


class Scope(StrEnum):
    """Which page links belong; images may come from any host, as CDNs require."""

    HOST = "host"  #: the hosts of the start pages
    DOMAIN = "domain"  #: their registrable domains (public suffix list)
    PREFIX = "prefix"  #: below the folder of a start page
    ANY = "any"


class Check(StrEnum):
    """How closely an image is looked at before it is stored."""

    HEADER = "header"  #: type and size from the first bytes, end marker
    DECODE = "decode"  #: decoded as well


class Srcset(StrEnum):
    """Which of several sizes of one image are fetched."""

    LARGEST = "largest"
    ALL = "all"


class Mode(StrEnum):
    """What a crawl starts from."""

    CRAWL = "crawl"  #: start pages; links are followed
    DOWNLOAD = "download"  #: a list of image URLs


#: Types kept by default: what browsers show as pictures and cannot carry a script. SVG can.
DEFAULT_TYPES = ("jpeg", "png", "gif", "webp", "avif", "bmp", "tiff", "ico")
ALL_TYPES = (*DEFAULT_TYPES, "svg")

USER_AGENT = f"bowerbird/{__version__} (image crawler)"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every option of a crawl. Sizes in bytes, durations in seconds; 0: no limit where said."""

    mode: Mode = Mode.CRAWL  #: set by the command: `crawl` or `download`

    # Where to go.
    max_depth: int | None = None  #: none: a site's own links end it; traps are caught apart
    max_pages: int = 0  #: 0: all, since "every image of a site" is the promise
    max_images: int = 0  #: 0: all; a sample is something to ask for
    scope: Scope = Scope.HOST  #: the least surprising reading of "this site"
    include: tuple[str, ...] = ()  #: globs on the whole URL; empty: all
    exclude: tuple[str, ...] = ()  #: globs on the whole URL; exclude wins
    obey_robots: bool = True  #: `download` sets it only with --robots: the user wrote the list

    obey_tags: bool = True  #: X-Robots-Tag and meta robots on images; off with --ignore-robots

    # What to keep.
    types: tuple[str, ...] = DEFAULT_TYPES  #: what browsers show as pictures; SVG carries scripts
    min_width: int = 0  #: 0: spacers and icons too; only the user knows what is too small
    min_height: int = 0  #: 0: as min_width
    max_bytes: int = 32 * MIB  #: an image; nearly every photograph is smaller, memory stays bounded
    max_page_bytes: int = 8 * MIB  #: a page or stylesheet; the largest real pages are half that
    max_sitemap_bytes: int = 50 * MIB  #: the sitemap protocol's own limit, uncompressed
    max_pixels: int = 64_000_000  #: 64 MP: above common cameras, 256 MB when decoded
    max_frames: int = 1_000  #: of an animation or TIFF: 40 s at 25 a second
    max_frame_pixels: int = 256_000_000  #: over all frames: four times max_pixels
    check: Check = Check.DECODE  #: a file that does not open is not an image
    keep_damaged: bool = False  #: half a picture is not what was asked for
    srcset: Srcset = Srcset.LARGEST  #: "once, at full size"

    # How fast.
    workers: int | None = None  #: none: one for each core; 0: only those of other machines
    concurrency: int = 64  #: of one worker, over all hosts; per_host is what a site feels
    per_host: int = 4  #: polite: below the six of a browser
    delay: float | None = None  #: none: adaptive, grows when the host slows or errs
    max_rate: int = 0  #: bytes a second of the whole crawl; 0: the line is yours
    max_total_bytes: int = 0  #: 0: none; a full disk pauses the crawl anyway
    max_time: float = 0.0  #: 0: none; a crawl ends by itself and can be resumed
    memory: int = 128 * MIB  #: of one worker; two decodes of 16 MP and their files

    # How to ask.
    user_agent: str = USER_AGENT  #: honest: names the project
    proxy: str = ""  #: none, the environment's neither: what is meant is said
    timeout: float = 120.0  #: a whole transfer; 32 MiB at 270 kB/s
    connect_timeout: float = 10.0  #: two lost SYNs and their repeats
    first_byte_timeout: float = 20.0  #: who thinks longer is as good as silent
    idle_timeout: float = 15.0  #: TCP has repeated a lost packet several times by then
    min_speed: int = 1_000  #: bytes per second over 20 s; slower is a slot held hostage
    retries: int = 3  #: of what may pass; with backoff about half a minute in all
    max_hops: int = 10  #: redirects, 10 at most; browsers allow 20, honest sites need 3
    max_hold: float = 3_600.0  #: of a host that says Retry-After; who means a year means never
    max_crawl_delay: float = 300.0  #: that a robots.txt may ask for; more would be no crawl
    max_ratio: int = 200  #: growth in decompression, after the first MiB; text rarely reaches 20
    max_codings: int = 2  #: content codings, one in the other; honest servers use one
    max_header_bytes: int = 64 * 1024  #: of an answer, 1xx included; browsers take 256 KiB
    max_headers: int = 128  #: of an answer; real ones have 30
    max_interim: int = 16  #: answers 1xx before the real one; real servers send one or two
    max_chunks: int = 100_000  #: pieces of a body; each costs time, and a byte can be a piece

    # What leads on for ever. 0: no limit.
    max_path_segments: int = 20  #: of a page's path; real ones have 5
    max_path_repeats: int = 2  #: /a/b/a/b is two; relative links that go wrong make more
    max_parameters: int = 30  #: of a page's query; forms that were sent have fewer
    max_near_duplicates: int = 100  #: pages alike in a row that bring no new image; then no more
    max_barren_depth: int = 20  #: links away where a page without a new image leads no further
    max_host_urls: int = 1_000_000  #: of one host; then no more of its pages, only images
    max_page_links: int = 200_000  #: of a page or stylesheet; a listing of 8 MiB has 80,000
    max_sitemap_urls: int = 50_000  #: of one sitemap, by its protocol
    max_sitemap_depth: int = 2  #: sitemaps of sitemaps of sitemaps; real sites have one less

    # Whom to meet.
    allow_private: bool = False  #: a page must not lead into your own network
    allow_range: tuple[str, ...] = ()  #: none: origins of start URLs are allowed anyway

    # Where to keep.
    durable: bool = False  #: costs a sync for each group of images


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """What goes to start hosts only and is masked everywhere."""

    headers: tuple[str, ...] = ()  #: "Name: value"
    cookies: str = ""  #: text of a Netscape cookies file
    proxy_login: str = ""  #: user:password

    def renewed(self, given: "Secrets", *, another_proxy: bool) -> "Secrets":
        """These, with those given now in their places; a login is for its own proxy alone."""
        login = given.proxy_login or ("" if another_proxy else self.proxy_login)
        return Secrets(
            headers=given.headers or self.headers,
            cookies=given.cookies or self.cookies,
            proxy_login=login,
        )

    def changes(self, new: "Secrets") -> list[str]:
        """What differs, by the names of options alone."""
        names = {"headers": "--header", "cookies": "--cookies", "proxy_login": "login of --proxy"}
        return [told for name, told in names.items() if getattr(self, name) != getattr(new, name)]


def is_header_line(text: str) -> bool:
    """Whether this is a "Name: value", and one of them."""
    name, colon, _ = text.partition(":")
    return bool(colon and name.strip()) and not any(each in text for each in "\r\n\0")


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker has to know of a crawl: sent to it when it joins."""

    name: str
    settings: Settings
    start_urls: tuple[str, ...] = ()  #: canonical; scope and guard exemptions derive from them
    secrets: Secrets = Secrets()
    folder: str = ""  #: where local workers store images
    workers: int = 1  #: how many share what is meant for all of them together
    withheld: bool = False  #: there are secrets, and the way to this worker is not private
    version: str = ""  #: of the manager that sent it
    store: str = ""  #: the bucket where images go instead, as an s3:// URL


#: A proxy, its login apart.
PROXY = re.compile(r"(https?|socks(4a?|5h?))://[^/@\s]+:\d{1,5}/?")

#: No option is greater: what counts bytes or links is kept in 64 bits.
CEILING = 2**53
#: option -> (least, most); None: only CEILING bounds it.
RANGES: dict[str, tuple[float, float | None]] = {
    "max_depth": (0, None),
    "max_pages": (0, None),
    "max_images": (0, None),
    "min_width": (0, None),
    "min_height": (0, None),
    "max_bytes": (1, None),
    "workers": (0, 1_024),
    "concurrency": (1, 10_000),
    "per_host": (1, 10_000),
    "delay": (0, 300),
    "max_rate": (0, None),
    "max_total_bytes": (0, None),
    "max_time": (0, None),
    "memory": (16 * MIB, None),
    "timeout": (0.1, 86_400),
    "connect_timeout": (0.1, 86_400),
    "first_byte_timeout": (0.1, 86_400),
    "idle_timeout": (0.1, 86_400),
    "retries": (0, 100),
    "max_hops": (0, 10),
    "max_page_bytes": (1, None),
    "max_sitemap_bytes": (1, None),
    "max_pixels": (1, None),
    "max_frames": (1, None),
    "max_frame_pixels": (1, None),
    "min_speed": (0, None),
    "max_hold": (0, 3_600),
    "max_crawl_delay": (0, 300),
    "max_ratio": (1, None),
    "max_codings": (0, 5),  # what libcurl takes
    "max_header_bytes": (1_024, 300 * 1024),  # what libcurl takes
    "max_headers": (1, None),
    "max_interim": (0, None),
    "max_chunks": (1, None),
    "max_path_segments": (0, None),
    "max_path_repeats": (0, None),
    "max_parameters": (0, None),
    "max_near_duplicates": (0, None),
    "max_barren_depth": (0, None),
    "max_host_urls": (0, None),
    "max_page_links": (1, 1_000_000),
    "max_sitemap_urls": (1, 1_000_000),
    "max_sitemap_depth": (0, 100),
}


#: What the command line calls otherwise than Python does.
_HERE = {
    "min_size": "min_width and min_height",
    "robots": "obey_robots",
    "ignore_robots": "obey_robots, with the opposite meaning",
    "header": "secrets=bowerbird.Secrets(headers=…)",
    "headers": "secrets=bowerbird.Secrets(headers=…)",
    "cookies": "secrets=bowerbird.Secrets(cookies=…)",
}


def make_settings(options: dict[str, Any]) -> Settings:
    """Settings from plain values, checked.

    Raises:
        SettingsError: an unknown option, a value of the wrong kind or out of range.
    """
    known = Settings.__struct_fields__
    for name in options:
        if name not in known:
            hint = f" Here it is {_HERE[name]}." if name in _HERE else meant(name, known)
            raise SettingsError(f"There is no option {name}.{hint}")
    try:
        settings = msgspec.convert(options, Settings)
    except msgspec.ValidationError as error:
        raise SettingsError(_in_words(str(error))) from None
    check_ranges(settings)
    return settings


def meant(name: str, known: Iterable[str]) -> str:
    """A guess at what was meant by an unknown name; "" where nothing is like it."""
    alike = get_close_matches(name, list(known), n=1, cutoff=0.75)
    return f" Did you mean {alike[0]}?" if alike else ""


def check_ranges(settings: Settings) -> None:
    """Raises SettingsError where a value is out of its range."""
    for name, (least, most) in RANGES.items():
        value = getattr(settings, name)
        if value is None:
            continue
        top = CEILING if most is None else most
        if not least <= value <= top:  # NaN never is
            shown = _range(least, top if value > top else most)
            raise SettingsError(f"{option_name(name)} is {value}; must be {shown}.")
    if settings.proxy and not PROXY.fullmatch(settings.proxy):
        raise SettingsError(
            f"--proxy {settings.proxy!r} is none; write http://, https:// or socks5://host:port."
        )
    if not settings.user_agent.isprintable():
        raise SettingsError("--user-agent has line ends or other control characters in it.")
    if "" in (*settings.include, *settings.exclude):
        raise SettingsError("--include and --exclude take globs; an empty one matches no URL.")
    if not settings.types:
        raise SettingsError(f"--types names none; known are {', '.join(ALL_TYPES)}.")
    unknown = [name for name in settings.types if name not in ALL_TYPES]
    if unknown:
        raise SettingsError(
            f"--types names {', '.join(unknown)}; known are {', '.join(ALL_TYPES)}."
        )


def changes(old: Settings, new: Settings) -> list[str]:
    """What differs, a line each: `--per-host: 4 -> 8`."""
    was, now = _as_typed(old), _as_typed(new)
    return [
        f"{option_name(name)}: {_shown(was[name])} -> {_shown(now[name])}"
        for name in now
        if was[name] != now[name]
    ]


def _as_typed(settings: Settings) -> dict[str, Any]:
    """The values by the names that people type."""
    values = msgspec.structs.asdict(settings)
    robots, tags = values.pop("obey_robots"), values.pop("obey_tags")
    values["min_size"] = f"{values.pop('min_width')}x{values.pop('min_height')}"
    if settings.mode is Mode.DOWNLOAD:
        return {**values, "robots": robots, "ignore_robots": not tags}
    return {**values, "ignore_robots": not robots}


def option_name(field: str) -> str:
    """The command-line name of a setting."""
    return "--" + field.replace("_", "-")


def _shown(value: Any) -> str:
    if value is None:
        return "default"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return ",".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)


def _range(least: float, most: float | None) -> str:
    return f"at least {least:,}" if most is None else f"between {least:,} and {most:,}"


#: What msgspec calls the kinds of values, and people.
_KINDS = {
    "int": "a whole number", "float": "a number", "bool": "yes or no", "str": "text",
    "array": "a list", "object": "a table", "null": "nothing",
}  # fmt: skip
_WRONG_KIND = re.compile(r"Expected `(\w+)(?: \| null)?`, got `(\w+)`")


def _in_words(error: str) -> str:
    """msgspec names a field as `$.per_host`; people know it as `--per-host`."""
    message, _, path = error.partition(" - at `$.")
    field = re.sub(r"\W.*", "", path)
    kinds = _WRONG_KIND.match(message)
    if kinds:
        wanted, got = (_KINDS.get(kind, kind) for kind in kinds.groups())
        return f"{option_name(field)} takes {wanted}, not {got}."
    if message.startswith("Invalid enum value"):
        words = ", ".join(Settings.__annotations__[field])
        return f"{option_name(field)} is {message.split()[-1]}; must be one of {words}."
    return f"{option_name(field)}: {message}."
