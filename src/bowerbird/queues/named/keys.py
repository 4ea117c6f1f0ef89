"""Authkeys as programs give them."""

from bowerbird.errors import UsageError


def key_of(authkey: bytes | str) -> bytes:
    """An authkey as bytes: a text is its UTF-8.

    Raises:
        UsageError: it is empty.
    """
    key = authkey.encode() if isinstance(authkey, str) else bytes(authkey)
    if not key:
        raise UsageError("The authkey is empty; anybody could guess it.")
    return key
