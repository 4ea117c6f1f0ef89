"""Addresses of engines: what a person says of a crawl in Redis, and the way of a worker there."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode, urlunsplit

import msgspec

from bowerbird.app.access import Access
from bowerbird.app.keys import read_authkey
from bowerbird.errors import ConnectionLostError, UsageError
from bowerbird.frontier.redis.address import (
    SCHEMES,
    SENTINEL,
    SENTINEL_PASSWORD,
    SENTINEL_USER,
    RedisAddress,
    parse_redis,
    shown,
    split,
)
from bowerbird.queues import ClientTls
from bowerbird.settings import Job, Secrets

if TYPE_CHECKING:
    from bowerbird.frontier.base import Frontier
    from bowerbird.frontier.redis.working import WorkingFrontier

#: Where redis-cli looks for a password too.
VARIABLE = "REDISCLI_AUTH"
#: Where the password of Sentinels is looked for, which is another one.
SENTINEL_VARIABLE = "BOWERBIRD_SENTINEL_AUTH"
#: Stands for a crawl where none is meant, while an address is read.
_ANY = "any"
#: What the client of Redis calls the files of CA and certificate.
_CA, _CERT = "ssl_ca_certs", "ssl_certfile"
_ENDS = tuple(f"{scheme}://" for scheme in SCHEMES)


def is_engine(where: str) -> bool:
    """Whether a person means a crawl in Redis. `unix://` without a crawl is a manager's socket."""
    return where.startswith(_ENDS) and not (where.startswith("unix://") and "crawl=" not in where)


def shows_password(where: str) -> bool:
    """Whether an address has a password in it, which `ps` shows."""
    try:
        parts = split(where)
    except ValueError:
        return False  # who reads it says what is wrong with it
    return bool(parts.password) or f"{SENTINEL_PASSWORD}=" in parts.query


def engine_address(where: str, access: Access | None = None) -> RedisAddress:
    """The address of a crawl, with the password that was named elsewhere.

    Raises:
        UsageError: it is none, or what goes with it cannot be used.
    """
    access = access or Access()
    if access.authkey:
        raise UsageError(
            f"--authkey is for managers; the password of Redis goes into {VARIABLE} or "
            "--authkey-file."
        )
    address = parse_redis(where)
    url = _with_sentinels(_with_password(address.url, access.authkey_file))
    return msgspec.structs.replace(address, url=_with_tls(url, access))


def any_crawl(where: str, access: Access | None = None) -> RedisAddress:
    """The address of a Redis, whichever crawl it names, if any."""
    if "crawl=" in where:
        return engine_address(where, access)
    address = engine_address(f"{where}{'&' if '?' in where else '?'}crawl={_ANY}", access)
    return msgspec.structs.replace(address, crawl="")


def with_user(address: RedisAddress) -> str:
    """An address as people may type it again: with its user, without a password."""
    parts, text = split(address.url), str(address)
    if watcher := dict(parse_qsl(parts.query)).get(SENTINEL_USER):
        text += f"&{urlencode({SENTINEL_USER: watcher})}"
    return text.replace("://", f"://{parts.username}@", 1) if parts.username else text


def _with_password(url: str, file: str) -> str:
    parts = split(url)
    password = read_authkey(Path(file)).decode() if file else os.environ.get(VARIABLE, "")
    if not password or parts.password:
        return url
    user, _, place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{place}"))


def _with_sentinels(url: str) -> str:
    parts, password = split(url), os.environ.get(SENTINEL_VARIABLE, "")
    if not password or parts.scheme not in SENTINEL or f"{SENTINEL_PASSWORD}=" in parts.query:
        return url
    return _with_query(url, {SENTINEL_PASSWORD: password})


def _with_query(url: str, more: dict[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(more)}" if more else url


def _with_tls(url: str, access: Access) -> str:
    files = {_CA: access.tls_ca, _CERT: access.tls_cert, "ssl_keyfile": access.tls_key}
    given = {name: str(Path(path).absolute()) for name, path in files.items() if path}
    if access.tls_fingerprint:
        raise UsageError(
            "--tls-fingerprint is for managers at tls://; a Redis is trusted by --tls-ca FILE, "
            "which may be its own certificate."
        )
    if given and not url.startswith("rediss"):
        raise UsageError(
            f"--tls-ca, --tls-cert and --tls-key go with rediss://, rediss+sentinel:// and "
            f"rediss+cluster://; {shown(url)} has "
            "no use for them."
        )
    _require_usable(access)
    return _with_query(url, given)


def _require_usable(access: Access) -> None:
    """Said before anybody connects: to the client of Redis it is a line that does not stand."""
    access.require_pair()
    if access.tls_ca:
        _try("--tls-ca", ClientTls(ca_file=access.tls_ca))
    if access.tls_cert:
        pair = ClientTls(cert_file=access.tls_cert, key_file=access.tls_key)
        _try("--tls-cert, --tls-key", pair)


def _try(options: str, tls: ClientTls) -> None:
    from bowerbird.queues.tls import client_context

    try:
        client_context(tls)
    except UsageError as error:
        raise UsageError(f"{options}: {error}") from None


def tls_options(address: RedisAddress) -> Iterator[str]:
    """What others have to say on their command line of the way to an address."""
    options = dict(parse_qsl(split(address.url).query))
    if _CA in options:
        yield from ("--tls-ca", options[_CA])
    if _CERT in options:
        yield from ("--tls-cert", "CERTIFICATE", "--tls-key", "KEY")


def is_private(address: RedisAddress) -> bool:
    """Whether nobody listens on the way there, so that it may carry headers and cookies."""
    return address.url.startswith(("rediss", "unix://"))


class RedisTarget(msgspec.Struct, frozen=True, tag="redis"):
    """Where a worker's crawl is, and what it takes to come in. The same face as `way.Target`."""

    redis: RedisAddress
    own: Job | None = None  #: what a manager tells its own workers, secrets included

    @property
    def address(self) -> str:
        """What it is called, without secrets."""
        return str(self.redis)

    def open(self) -> "WorkingFrontier":
        """A way there.

        Raises:
            ConnectionLostError: nothing answers there.
            FrontierError: the crawl is there no more.
        """
        from bowerbird.frontier.redis.working import WorkingFrontier

        return WorkingFrontier(self.redis)

    def job(self) -> Job:
        """What there is to do; raises ConnectionLostError where there is no such crawl (yet)."""
        from bowerbird.frontier.redis.register import Register

        if self.own is not None:
            return self.own
        register = Register(self.redis)
        try:
            posted = register.posted()
        finally:
            register.close()
        if posted is None:
            raise ConnectionLostError(f"There is no crawl at {self.address} yet.")
        return posted.job

    def enter(self) -> "tuple[Frontier, Job]":
        """A way there, and what there is to do; raises as both."""
        job = self.job()
        return self.open(), job


def job_to_post(job: Job, address: RedisAddress) -> Job:
    """A job as workers of other machines may have it."""
    bare = msgspec.structs.replace(job, folder="")
    if is_private(address) or job.secrets == Secrets():
        return bare
    return msgspec.structs.replace(bare, secrets=Secrets(), withheld=True)
