"""The options of `crawl` and `download`: one table, from which the commands' signatures are made.

Every default is None here: what was not said is not an option, so that a configuration file, the
settings stored with a crawl and the defaults of `bowerbird.settings` each have their turn.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import click

from bowerbird.cli.values import parse_duration, parse_size
from bowerbird.errors import SettingsError
from bowerbird.settings import Check, Scope, Srcset, option_name


@dataclass(slots=True, frozen=True)
class Option:
    """One option: its field in the settings, its type on the command line, its help."""

    field: str
    type: Any  #: bool: a flag; list: text, several times
    help: str
    parse: Callable[[str], Any] | None = None
    metavar: str | None = None
    names: tuple[str, ...] = ()
    panel: str = ""
    only: str = ""  #: the one command that has it
    flag: str = ""  #: what it means without a value, where it may stand alone
    rare: bool = False  #: left out of `--help`; docs/options.md and configuration files have it

    def parameter(self) -> click.Option:
        """The option as click has it."""
        names = self.names or ("--" + self.field.replace("_", "-"),)
        flag, several = self.type is bool, self.type is list
        alone: dict[str, Any] = {"flag_value": self.flag} if self.flag else {}
        made = click.Option(
            (*names, self.field), help=self.help, metavar=self.metavar, is_flag=flag,
            default=False if flag else None, multiple=several, show_default=False,
            type=None if flag else _type_of(self), hidden=self.rare,
            **alone,
        )  # fmt: skip
        made.panel = self.panel  # type: ignore[attr-defined]
        return made


class _Parsed(click.ParamType[Any]):
    """A value in our own notation; its errors reach the person in our words."""

    def __init__(self, parse: Callable[[str], Any]) -> None:
        self.name = "text"
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self._parse(value)
        except SettingsError as error:
            self.fail(str(error), param, ctx)


def _type_of(option: Option) -> Any:
    if option.parse is not None:
        return _Parsed(option.parse)
    return str if option.type is list else option.type


class PanelCommand(click.Command):
    """A command whose help groups its options."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, panel by panel."""
        panels: dict[str, list[tuple[str, str]]] = {"Options": []}  # before all others
        for parameter in self.get_params(ctx):
            row = parameter.get_help_record(ctx)
            if row is not None and not isinstance(parameter, click.Argument):
                panels.setdefault(getattr(parameter, "panel", "Options"), []).append(row)
        for title, rows in panels.items():
            with formatter.section(title):
                formatter.write_dl(rows)


def _one_of(words: type[StrEnum]) -> click.Choice[str]:
    return click.Choice([word.value for word in words])


WHERE, WHAT, SPEED, ASK, MEET, JOIN, KEEP, SHOW, LIMIT = (
    "Where to go", "What to keep", "How fast", "How to ask", "Whom to meet", "Who may join",
    "Where to keep", "What to show", "Limits for what is hostile or broken",
)  # fmt: skip


def _limit(
    field: str, text: str, parse: Callable[[str], Any] | None = None, only: str = ""
) -> Option:
    """A limit that hardly anyone has to change."""
    metavar = "SIZE" if parse is parse_size else "TIME" if parse else "N"
    return Option(
        field, str if parse else int, text, parse, metavar, panel=LIMIT, only=only, rare=True
    )


TABLE: tuple[Option, ...] = (
    Option("max_depth", int, "Links away from the start pages; 0: these alone. [all]",
           metavar="N", panel=WHERE, only="crawl"),
    Option("max_pages", int, "Pages to read at most. [all]", metavar="N", panel=WHERE,
           only="crawl"),
    Option("max_images", int, "Images to store at most. [all]", metavar="N", panel=WHERE),
    Option("scope", _one_of(Scope), "Which page links belong; images: any host. [host]",
           panel=WHERE, only="crawl"),
    Option("include", list, "Glob a URL has to match; image:GLOB or page:GLOB bind one kind.",
           metavar="GLOB", panel=WHERE),
    Option("exclude", list, "Glob a URL must not match; wins over --include.",
           metavar="GLOB", panel=WHERE),
    Option("ignore_robots", bool, "Fetch what robots.txt and X-Robots-Tag ask not to.",
           panel=WHERE),
    Option("robots", bool, "Obey robots.txt for the URLs of a list too.", panel=WHERE,
           only="download"),
    Option("types", str, "Types to keep, with commas. [jpeg,png,gif,webp,avif,bmp,tiff,ico]",
           metavar="LIST", panel=WHAT),
    Option("min_size", str, "Least width and height. [all]", metavar="WxH", panel=WHAT),
    Option("max_bytes", str, "Largest image. [32M]", parse_size, metavar="SIZE", panel=WHAT),
    Option("check", _one_of(Check), "How closely a file is looked at. [decode]", panel=WHAT),
    Option("srcset", _one_of(Srcset), "Which of several sizes of one image. [largest]",
           panel=WHAT),
    Option("keep_damaged", bool, "Keep files that lack only their end, marked as damaged.",
           panel=WHAT),
    Option("workers", int, "Worker processes here; 0: only those that join. [one for each core]",
           metavar="N", panel=SPEED),
    Option("concurrency", int, "Transfers in flight of one worker. [64]", metavar="N",
           panel=SPEED),
    Option("per_host", int, "Requests in flight at one host. [4]", metavar="N", panel=SPEED),
    Option("delay", str, "Seconds between request starts at a host. [adaptive]", parse_duration,
           metavar="TIME", panel=SPEED),
    Option("max_rate", str, "Bytes per second of all workers together, those that join "
           "included. [no limit]", parse_size, metavar="SIZE", panel=SPEED),
    Option("max_total_bytes", str, "Stop after so many bytes of images, and what is under way. "
           "[no limit]", parse_size, metavar="SIZE", panel=SPEED),
    Option("max_time", str, "Stop after so long. [no limit]", parse_duration, metavar="TIME",
           panel=SPEED),
    Option("memory", str, "Bodies and decodes of one worker together. [128M]", parse_size,
           metavar="SIZE", panel=SPEED),
    Option("header", list, "Header for the hosts you name, as starts or in LIST: 'Name: value'.",
           metavar="HEADER", panel=ASK),
    Option("cookies", Path, "Cookies in Netscape's format, sent by their domains.",
           metavar="FILE", panel=ASK),
    Option("proxy", str, "Proxy: http://, https:// or socks5://host:port.", metavar="URL",
           panel=ASK),
    Option("user_agent", str, "Who we say we are. [bowerbird/VERSION (+address)]",
           metavar="TEXT", panel=ASK),
    Option("timeout", str, "Longest transfer. [120s]", parse_duration, metavar="TIME", panel=ASK),
    Option("retries", int, "Further tries of what may pass. [3]", metavar="N", panel=ASK),
    Option("allow_private", bool, "Allow private and loopback addresses for all URLs.",
           panel=MEET),
    Option("allow_range", list, "Allow these private addresses.", metavar="CIDR",
           panel=MEET),
    Option("engine", str, "Frontier in Redis, where workers join: redis://host:6379/0?crawl=NAME.",
           metavar="ADDRESS", panel=JOIN),
    Option("backlog", str, "Results in Redis at most, before workers wait for us. [64M]",
           parse_size, metavar="SIZE", panel=JOIN),
    Option("listen", str, "Let workers of other machines join: 0.0.0.0:8001, tls://0.0.0.0:8001.",
           metavar="HOST:PORT", panel=JOIN),
    Option("authkey_file", str, "Key that they need too, or password of Redis. "
           "[BOWERBIRD_AUTHKEY, or one made in DIR; REDISCLI_AUTH]",
           metavar="FILE", panel=JOIN),
    Option("authkey", str, "The key itself; ps shows it.", metavar="TEXT", panel=JOIN),
    Option("tls_ca", str, "Trust certificates of Redis signed by these. [the system's]",
           metavar="FILE", panel=JOIN),
    Option("tls_cert", str, "Certificate for TLS, PEM; `bowerbird keygen --tls` makes one.",
           metavar="FILE", panel=JOIN),
    Option("tls_key", str, "Its private key, PEM, without a passphrase.", metavar="FILE",
           panel=JOIN),
    Option("tls_client_ca", str, "They have to show a certificate that one of these signed.",
           metavar="FILE", panel=JOIN),
    Option("no_legacy_auth", bool, "Refuse old-style clients that know only HMAC-MD5.",
           panel=JOIN),
    Option("durable", bool, "Survive a power cut too: sync before anything counts as done.",
           panel=KEEP),
    Option("config", Path, "TOML file with any of these options but -o and --state; the command "
           "line wins.",
           metavar="FILE", panel=KEEP),
    Option("dashboard", str, "Show it in the browser while it runs, at HOST:PORT. "
           "[127.0.0.1:8420]", metavar="[HOST:PORT]", panel=SHOW, flag="127.0.0.1"),
    Option("dashboard_token", str, "File with the token that its actions need, and other machines "
           "for all. [one made in DIR]", metavar="FILE", panel=SHOW),
    Option("dashboard_cert", str, "Certificate for HTTPS, PEM.", metavar="FILE", panel=SHOW),
    Option("dashboard_key", str, "Its private key, PEM.", metavar="FILE", panel=SHOW),
    Option("json", bool, "Print the report as JSON, and nothing else, on standard output.",
           panel=SHOW),
    Option("quiet", bool, "No progress.", names=("--quiet", "-q"), panel=SHOW),
    _limit("connect_timeout", "DNS, TCP and TLS together. [10s]", parse_duration),
    _limit("first_byte_timeout", "Until an answer begins. [20s]", parse_duration),
    _limit("idle_timeout", "Without a byte in the middle of an answer. [15s]", parse_duration),
    _limit("min_speed", "Bytes per second, over 20 s; 0: any. [1k]", parse_size),
    _limit("max_hops", "Redirects in a row. [10]"),
    _limit("max_hold", "Longest hold of a host that says Retry-After; at most the default. [1h]",
           parse_duration),
    _limit("max_crawl_delay", "Longest Crawl-delay that is obeyed; at most the default. [300s]",
           parse_duration),
    _limit("max_page_bytes", "Largest page, feed or stylesheet. [8M]", parse_size, "crawl"),
    _limit("max_sitemap_bytes", "Largest sitemap, unpacked. [50M]", parse_size, "crawl"),
    _limit("max_header_bytes", "Headers of an answer, 1xx included. [64k]", parse_size),
    _limit("max_headers", "Headers of an answer. [128]"),
    _limit("max_interim", "Answers 1xx before the real one. [16]"),
    _limit("max_chunks", "Pieces of a body. [100000]"),
    _limit("max_ratio", "Growth of a body in decompression, after the first MiB. [200]"),
    _limit("max_codings", "Content codings, one in the other. [2]"),
    _limit("max_pixels", "Pixels of an image. [64000000]"),
    _limit("max_frames", "Frames of an animation or TIFF. [1000]"),
    _limit("max_frame_pixels", "Pixels over all frames. [256000000]"),
    _limit("max_path_segments", "Segments of a page's path; 0: any. [20]", only="crawl"),
    _limit("max_path_repeats", "How often they may follow each other; 0: always. [2]",
           only="crawl"),
    _limit("max_parameters", "Parameters of a page's query; 0: any. [30]", only="crawl"),
    _limit("max_near_duplicates", "Pages alike, in a row, that bring no new image, before no more "
           "like them are fetched; 0: all are. [100]", only="crawl"),
    _limit("max_barren_depth", "Links away from the start where pages without a new image lead "
           "no further; 0: they always do. [20]", only="crawl"),
    _limit("max_host_urls", "URLs of one host, after which only its images are taken; 0: all are. "
           "[1000000]", only="crawl"),
    _limit("max_page_links", "Links of one page or stylesheet. [200000]", only="crawl"),
    _limit("max_sitemap_urls", "URLs of one sitemap. [50000]", only="crawl"),
    _limit("max_sitemap_depth", "Sitemaps in sitemaps. [2]", only="crawl"),
)  # fmt: skip


def parameters(command: str) -> list[click.Option]:
    """The options of a command."""
    return [option.parameter() for option in TABLE if option.only in ("", command)]


def as_if_typed(field: str, value: Any) -> Any:
    """A value from a configuration file, as it would be had it been typed.

    Raises:
        SettingsError: it is of another kind, or cannot be read.
    """
    option = next(option for option in TABLE if option.field == field)
    name = option_name(field)
    if option.flag and value is True:
        return option.flag
    if option.type in (bool, int):
        return _of_kind(name, value, option.type)
    if isinstance(value, list) and (option.type is list or option.metavar == "LIST"):
        return [_of_kind(name, one, str) for one in value]
    text = str(_of_kind(name, value, str, int, float))
    try:
        return option.parse(text) if option.parse else text
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from None


def _of_kind(name: str, value: Any, *kinds: type) -> Any:
    if type(value) not in kinds:  # a bool is an int to isinstance
        raise SettingsError(f"{name} takes {_KINDS[kinds[0]]}, not {value!r}.")
    return value


_KINDS = {bool: "true or false", int: "a whole number", str: "text"}


def known_fields() -> frozenset[str]:
    """The names a configuration file may use."""
    return frozenset(option.field for option in TABLE if option.field != "config")
