"""What `-o s3://bucket/prefix` says: which bucket, where it is, and how it may be reached. Pure."""

import re
from ipaddress import ip_address
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import msgspec

from bowerbird.errors import UsageError

SCHEME = "s3://"
_HINT = "write it like s3://bucket/prefix?endpoint=https://host:port&region=name"
#: What S3 and those who speak it allow, the old wider rules of us-east-1 included.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]\Z")
_PART = re.compile(r"[^\x00-\x1f\x7f\\{}^%`\[\]\"<>~#|]{1,200}\Z")
_REGION = re.compile(r"[A-Za-z0-9-]{1,40}\Z")
_OPTIONS = frozenset({"endpoint", "region", "allow-http"})


class Bucket(msgspec.Struct, frozen=True):
    """A place in a bucket. Has no credentials: they come from the environment of each machine."""

    bucket: str
    prefix: str = ""  #: without slashes at its ends
    endpoint: str = ""  #: "": that of the environment, or Amazon's
    region: str = ""  #: "": that of the environment, or the profile's
    allow_http: bool = False  #: plain HTTP also to other machines

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What holders, exports and people call it."""
        return SCHEME + "/".join(filter(None, (self.bucket, self.prefix)))

    @property
    def url(self) -> str:
        """All of it, as `parse_bucket` reads it."""
        options = {"endpoint": self.endpoint, "region": self.region}
        options["allow-http"] = "yes" if self.allow_http else ""
        query = urlencode({key: value for key, value in options.items() if value}, safe=":/")
        return quote(self.name, safe=":/") + (f"?{query}" if query else "")


def is_bucket(text: str) -> bool:
    """Whether a text names a bucket rather than a folder."""
    return text[: len(SCHEME)].lower() == SCHEME


def parse_bucket(text: str) -> Bucket:
    """Read `s3://bucket/prefix?endpoint=…&region=…&allow-http=yes`.

    Raises:
        UsageError: it is none. What looks like a credential is not repeated.
    """
    place, _, query = text.partition("?")
    if "@" in place or "@" in unquote(query):
        raise UsageError(
            "Credentials do not belong into an s3:// URL, where everybody sees them: set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE."
        )
    options = _options(query, place)
    bucket, _, prefix = unquote(place[len(SCHEME) :]).partition("/")
    prefix = prefix.strip("/")
    if not _BUCKET.match(bucket) or not all(map(_is_part, prefix.split("/") if prefix else ())):
        raise UsageError(f"{place!r} names no place in a bucket; {_HINT}.")
    endpoint = check_endpoint(options.get("endpoint", ""), allow_http="allow-http" in options)
    region = options.get("region", "")
    if region and not _REGION.match(region):
        raise UsageError(f"region={region!r} is no region; {_HINT}.")
    return Bucket(bucket, prefix, endpoint, region, "allow-http" in options)


def _options(query: str, place: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    unknown = sorted(set(options) - _OPTIONS)
    if unknown:
        raise UsageError(f"{place} has unknown options: {', '.join(unknown)}; {_HINT}.")
    if options.get("allow-http", "yes") != "yes":
        raise UsageError("allow-http is allow-http=yes, or left out.")
    return options


def check_endpoint(endpoint: str, *, allow_http: bool) -> str:
    """An endpoint without its last slash.

    Raises:
        UsageError: it is none, or plain HTTP to another machine, which was not allowed: bodies
            and signatures could be read and changed on the way.
    """
    if not endpoint:
        return ""
    if "@" in endpoint:
        raise UsageError(
            "Credentials do not belong into an endpoint: set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE."
        )
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in ("http", "https") or parts.query or port == 0:
        raise UsageError(f"endpoint={endpoint!r} is none; {_HINT}.")
    if parts.scheme == "http" and not (allow_http or _is_loopback(host)):
        raise UsageError(
            f"{endpoint} is plain HTTP to another machine; use https://, or add allow-http=yes "
            "to the s3:// URL where nobody else can listen."
        )
    return endpoint.rstrip("/")


def _is_part(part: str) -> bool:
    return _PART.match(part) is not None and part not in (".", "..")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
