"""What a site's login is given in, kept apart from what everybody may read."""

from base64 import b64encode
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

import msgspec

from bowerbird.errors import UsageError
from bowerbird.settings import Secrets, is_header_line
from bowerbird.urls import host_of, origin_of, without_login

_NAME = "authorization"


def login_apart(starts: Sequence[str], secrets: Secrets) -> tuple[tuple[str, ...], Secrets]:
    """Start URLs without the login that one has (`https://user:password@host/`), and the secrets
    with it, as a header (RFC 7617): records, reports and crawl.db are for others to read.

    Raises:
        UsageError: it would be sent to other origins as well, or there are two.
    """
    logins = {url: _login(url) for url in starts}
    plain = tuple(dict.fromkeys(map(without_login, starts)))
    if not any(logins.values()):
        return plain, secrets
    origins = set(map(origin_of, plain))
    if len(set(logins.values())) > 1 or len(origins) > 1:
        raise UsageError(
            f"A start URL at {host_of(plain[0])} has a login in it, and another has not the same: "
            "crawl sites with logins one by one."
        )
    if any(one.partition(":")[0].strip().lower() == _NAME for one in secrets.headers):
        raise UsageError("Give the login once: in the start URL or as --header 'Authorization: …'.")
    token = b64encode(unquote_to_bytes(logins[starts[0]])).decode()
    headers = (*secrets.headers, f"Authorization: Basic {token}")
    return plain, msgspec.structs.replace(secrets, headers=headers)


def _login(url: str) -> str:
    """ "user:password" as a canonical URL has it; "": none."""
    login, at, _ = url.partition("://")[2].partition("/")[0].rpartition("@")
    if not at:
        return ""
    return login if ":" in login else f"{login}:"


def check_secrets(secrets: Secrets) -> None:
    """Raises UsageError where a header is none, or would be two."""
    headers: object = secrets.headers
    if isinstance(headers, str) or not isinstance(headers, Sequence):
        raise UsageError("headers is a tuple of texts: Secrets(headers=('Name: value',)).")
    for header in headers:
        if not isinstance(header, str):
            raise UsageError(f"A {type(header).__name__} is no header; write it 'Name: value'.")
        if not is_header_line(header):
            name = header.partition(":")[0].strip()
            raise UsageError(f"Header {name[:40]!r} is none; write it 'Name: value', in one line.")
