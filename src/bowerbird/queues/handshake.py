"""Both sides of the mutual handshake of `multiprocessing.connection`, without any I/O.

The server challenges first, then the client. Python 3.12 and later answer
`{digest}` + HMAC over the whole challenge; earlier ones a bare HMAC-MD5 of 16 bytes
(CPython, Lib/multiprocessing/connection.py, "Authentication Handshake Protocol").

The key is all it proves: whoever can sit between two ends can relay it.
"""

import hmac
import os
from collections.abc import Callable, Generator

from bowerbird.errors import AuthenticationError

CHALLENGE = b"#CHALLENGE#"
WELCOME = b"#WELCOME#"
FAILURE = b"#FAILURE#"

#: Random bytes of a challenge of ours, as of Python 3.12.
NONCE_BYTES = 40
#: Shorter challenges are refused, as 3.12 does: they could be prepared for.
SHORTEST_MESSAGE = 20
#: Lengths that mean HMAC-MD5: a challenge of Python 3.11 and earlier, and an answer.
LEGACY_LENGTHS = (20, 16)
DIGESTS = frozenset((b"sha256", b"sha384", b"sha3_256", b"sha3_384"))

_Send = Callable[[bytes], None]
_Steps = Generator[None, bytes, None]


class Handshake:
    """One side of one handshake: give it each frame of the peer, send what it leaves.

    `outgoing` holds frame bodies to be sent, also after a refusal. `done` is true once
    both sides are known to share the key.
    """

    __slots__ = ("_steps", "done", "outgoing")

    def __init__(self, steps: Callable[[_Send], _Steps]) -> None:
        self.outgoing: list[bytes] = []
        self.done = False
        self._steps = steps(self.outgoing.append)
        next(self._steps)

    def receive(self, message: bytes) -> None:
        """Take the peer's next frame.

        Raises:
            AuthenticationError: the peer does not know the key, or says we do not.
        """
        try:
            self._steps.send(message)
        except StopIteration:
            self.done = True

    def take(self) -> list[bytes]:
        """What is to be sent now."""
        outgoing = self.outgoing[:]
        self.outgoing.clear()
        return outgoing


def server_handshake(authkey: bytes, *, legacy: bool = True) -> Handshake:
    """The side that challenges first. `legacy`: HMAC-MD5 is accepted."""

    def steps(send: _Send) -> _Steps:
        yield from _deliver(authkey, send, legacy)
        yield from _answer(authkey, send, legacy)

    return Handshake(steps)


def client_handshake(authkey: bytes, *, legacy: bool = True) -> Handshake:
    """The side that is challenged first."""

    def steps(send: _Send) -> _Steps:
        yield from _answer(authkey, send, legacy)
        yield from _deliver(authkey, send, legacy)

    return Handshake(steps)


def _deliver(authkey: bytes, send: _Send, legacy: bool) -> _Steps:
    message = b"{sha256}" + os.urandom(NONCE_BYTES)
    send(CHALLENGE + message)
    response = yield
    if not verified(authkey, message, response, legacy=legacy):
        send(FAILURE)
        raise AuthenticationError("The other end does not have the same authkey.")
    send(WELCOME)


def _answer(authkey: bytes, send: _Send, legacy: bool) -> _Steps:
    challenge = yield
    if not challenge.startswith(CHALLENGE):
        raise AuthenticationError("The other end does not speak this handshake.")
    send(response_to(authkey, challenge[len(CHALLENGE) :], legacy=legacy))
    verdict = yield
    if verdict != WELCOME:
        raise AuthenticationError("The other end refused the authkey.")


def response_to(authkey: bytes, message: bytes, *, legacy: bool = True) -> bytes:
    """The answer to a challenge.

    Raises:
        AuthenticationError: it is too short, asks for an unknown digest, or for MD5 without legacy.
    """
    if len(message) < SHORTEST_MESSAGE:
        raise AuthenticationError("The other end's challenge is too short to be safe.")
    digest = _digest_of(message)
    if digest is None or (digest == b"md5" and not legacy):
        raise AuthenticationError("The other end asks for a digest that is not allowed.")
    if len(message) in LEGACY_LENGTHS:
        return _mac(authkey, message, b"md5")
    return b"{%s}%s" % (digest, _mac(authkey, message, digest))


def verified(authkey: bytes, message: bytes, response: bytes, *, legacy: bool = True) -> bool:
    """Whether this answers our challenge."""
    digest = _digest_of(response)
    if digest is None or (digest == b"md5" and not legacy):
        return False
    mac = response if len(response) in LEGACY_LENGTHS else response[len(digest) + 2 :]
    return hmac.compare_digest(_mac(authkey, message, digest), mac)


def _digest_of(message: bytes) -> bytes | None:
    """The digest that a challenge or an answer names, md5 where it names none."""
    if len(message) in LEGACY_LENGTHS:
        return b"md5"
    name, brace, _ = message[1:].partition(b"}")
    known = message[:1] == b"{" and brace and (name in DIGESTS or name == b"md5")
    return name if known else None


def _mac(authkey: bytes, message: bytes, digest: bytes) -> bytes:
    try:
        return hmac.new(authkey, message, digest.decode("ascii")).digest()
    except ValueError:  # FIPS systems have no MD5
        raise AuthenticationError(f"This system has no {digest.decode('ascii')}.") from None
