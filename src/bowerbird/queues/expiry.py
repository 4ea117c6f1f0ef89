"""Until when a certificate holds, read from its DER form (RFC 5280 section 4.1, X.690).

Python's ssl tells that of certificates it has verified alone, and nobody verifies his own.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

_SEQUENCE, _VERSION, _UTC, _GENERALIZED = 0x30, 0xA0, 0x17, 0x18
#: Forms of the two types of time, both in UTC.
_FORMS = {_UTC: "%y%m%d%H%M%SZ", _GENERALIZED: "%Y%m%d%H%M%SZ"}


def expires_at(cert_file: str) -> float | None:
    """When the first certificate of a PEM file expires, in seconds since 1970 UTC; None: it cannot
    be told."""
    import ssl

    try:
        text = Path(cert_file).read_text("ascii")
        start = text.index(ssl.PEM_HEADER)
        end = text.index(ssl.PEM_FOOTER, start) + len(ssl.PEM_FOOTER)
        return not_after(ssl.PEM_cert_to_DER_cert(text[start:end]))
    except (OSError, ValueError):
        return None


def not_after(certificate: bytes) -> float:
    """When a certificate in DER form expires, in seconds since 1970 UTC.

    Raises:
        ValueError: it is none.
    """
    ((_, outer),) = [*_values(certificate)][:1] or [(0, b"")]
    ((_, inner),) = [*_values(outer)][:1] or [(0, b"")]
    fields = [value for tag, value in _values(inner) if tag != _VERSION]
    if len(fields) < 4:
        raise ValueError("no certificate")
    times = [*_values(fields[3])]  # serial number, algorithm, issuer, validity
    if len(times) != 2 or times[1][0] not in _FORMS:
        raise ValueError("a certificate without an end")
    tag, text = times[1]
    moment = datetime.strptime(text.decode("ascii"), _FORMS[tag]).replace(tzinfo=UTC)
    return moment.timestamp()


def _values(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and contents of each value, one behind the other."""
    at = 0
    while at < len(data):
        tag, (length, at) = data[at], _length(data, at + 1)
        if at + length > len(data):
            raise ValueError("a value that is cut off")
        yield tag, data[at : at + length]
        at += length


def _length(data: bytes, at: int) -> tuple[int, int]:
    """A length, and where what it measures begins."""
    if at >= len(data):
        raise ValueError("a value without a length")
    first = data[at]
    if first < 0x80:
        return first, at + 1
    number = first & 0x7F
    return int.from_bytes(data[at + 1 : at + 1 + number]), at + 1 + number
