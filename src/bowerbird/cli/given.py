"""From what was typed to settings and secrets: the configuration file, then the command line."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bowerbird.cli.options import as_if_typed, known_fields
from bowerbird.cli.values import parse_dimensions
from bowerbird.errors import SettingsError
from bowerbird.settings import Secrets, is_header_line, meant, option_name
from bowerbird.words import is_text

if TYPE_CHECKING:
    from bowerbird.app.access import Access
    from bowerbird.app.listen import Listen

#: Those that are no settings of the crawl but of this run.
SHOWN = frozenset({"json", "quiet"})
#: Those of `--listen` beside itself.
_JOINING = frozenset(
    {"authkey_file", "authkey", "tls_cert", "tls_key", "tls_client_ca", "no_legacy_auth"}
)


def merged(typed: Mapping[str, Any]) -> dict[str, Any]:
    """What the configuration file says and the command line overrules.

    Raises:
        SettingsError: the file is missing, broken, or names an unknown option.
    """
    given = {name: value for name, value in typed.items() if _was_typed(value)}
    for name, value in given.items():
        _check_text(name, value)
    config = given.pop("config", None)
    return {**(read_config(config) if config else {}), **given}


def _check_text(name: str, value: Any) -> None:
    if not all(is_text(str(each)) for each in _as_list(value)):
        raise SettingsError(
            f"{option_name(name)} has bytes that are not UTF-8, the encoding of this terminal."
        )


def _was_typed(value: Any) -> bool:
    """0 is something a person says; None, no flag and an empty list are not."""
    return value is not None and value is not False and value != [] and value != ()


def read_config(path: Path) -> dict[str, Any]:
    """The options of a TOML file; names as on the command line, with - or _."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"--config {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"--config {path} is not TOML: {error}.") from None
    options = {name.replace("-", "_"): value for name, value in table.items()}
    unknown = sorted(set(options) - known_fields())
    if unknown:
        guess = meant(unknown[0], known_fields())
        raise SettingsError(f"--config {path} names unknown options: {', '.join(unknown)}.{guess}")
    return {name: as_if_typed(name, value) for name, value in options.items()}


def settings_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings among what was given, by their fields."""
    options: dict[str, Any] = {}
    for name, value in given.items():
        if name not in _NO_SETTINGS:
            field = _FIELDS.get(name)
            options.update(field(value) if field else {name: value})
    return options


def secrets_of(given: Mapping[str, Any]) -> Secrets:
    """Headers, cookies and the proxy's login.

    Raises:
        SettingsError: a header is none, or the cookies file cannot be read.
    """
    cookies = given.get("cookies")
    return Secrets(
        headers=tuple(map(_header, _as_list(given.get("header", ())))),
        cookies=_cookies(Path(cookies)) if cookies else "",
        proxy_login=_proxy(given.get("proxy", ""))[1],
    )


def engine_of(given: Mapping[str, Any]) -> tuple[str, "Access"]:
    """The engine, if not the folder, and what it takes to come in there.

    Raises:
        SettingsError: an engine was named, by nothing.
    """
    from bowerbird.app.access import Access

    if "engine" not in given:
        return "", Access(
            authkey_file=given.get("authkey_file", ""), tls_ca=given.get("tls_ca", "")
        )
    engine = given["engine"].strip()
    if not engine:
        raise SettingsError(
            "--engine is empty (a variable that is not set?): name a crawl in Redis, "
            "redis://HOST:6379/0?crawl=NAME, or leave --engine out."
        )
    names = ("authkey_file", "authkey", "tls_cert", "tls_key")
    return engine, Access(
        **{name: given.get(name, "") for name in names}, tls_ca=given.get("tls_ca", "")
    )


def listen_of(given: Mapping[str, Any]) -> "Listen | None":
    """Where others come in, if they may.

    Raises:
        SettingsError: what belongs to --listen was given without it.
    """
    from bowerbird.app.listen import Listen

    options = {name: value for name, value in given.items() if name in _JOINING}
    if "listen" not in given:
        if options and "engine" not in given:
            name = option_name(min(options))
            raise SettingsError(
                f"{name} says who may join; it needs --listen HOST:PORT or --engine."
            )
        return None
    legacy = not options.pop("no_legacy_auth", False)
    return Listen(given["listen"], legacy=legacy, **options)


def _header(text: str) -> str:
    name, _, value = text.partition(":")
    if not is_header_line(text):
        raise SettingsError(f"--header {name.strip()!r} is no header; write it 'Name: value'.")
    return f"{name.strip()}: {value.strip()}"


def _cookies(path: Path) -> str:
    from bowerbird.fetch.cookies import parse_cookies

    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"--cookies {path} cannot be read: {error}.") from None
    parse_cookies(text)
    return text


def _proxy(url: str) -> tuple[str, str]:
    """The proxy without its login, and the login."""
    scheme, mark, rest = url.partition("://")
    login, at, host = rest.rpartition("@")
    return (f"{scheme}{mark}{host}" if at else url), login


def _min_size(value: str) -> dict[str, Any]:
    width, height = parse_dimensions(str(value))
    return {"min_width": width, "min_height": height}


def _types(value: str | list[str]) -> dict[str, Any]:
    names = value.split(",") if isinstance(value, str) else value
    return {"types": [_TYPE_NAMES.get(n, n) for n in (n.strip().lower() for n in names) if n]}


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


_TYPE_NAMES = {"jpg": "jpeg", "tif": "tiff"}
_SECRET = frozenset({"header", "cookies"})
_DASHBOARD = {"dashboard", "dashboard_token", "dashboard_cert", "dashboard_key"}
_NO_SETTINGS = SHOWN | _SECRET | _JOINING | _DASHBOARD | {"listen", "engine", "backlog", "tls_ca"}
_FIELDS: dict[str, Callable[..., dict[str, Any]]] = {
    "min_size": _min_size,
    "types": _types,
    "proxy": lambda value: {"proxy": _proxy(value)[0]},
    "include": lambda value: {"include": _as_list(value)},
    "exclude": lambda value: {"exclude": _as_list(value)},
    "allow_range": lambda value: {"allow_range": _as_list(value)},
    "ignore_robots": lambda value: {"obey_robots": not value, "obey_tags": not value},
    "robots": lambda value: {"obey_robots": bool(value)},
}
