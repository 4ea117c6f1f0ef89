"""What a server bears."""

import msgspec

from bowerbird.queues.wire import FRAME_LIMIT

#: The share of the descriptors of a process that connections in their handshake may take at one
#: door, known and unknown sources each: what serves the fleet must never lack one.
_SHARE = 8
#: A TLS handshake holds 46 KB, as measured; a plain one 8 KB.
_TLS_WEIGHT = 4


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one door of a server bears, and each of its connections."""

    handshake_s: float = 5.0  #: for the whole of it, TLS too; honest clients need milliseconds
    #: Connections in their handshake. As many again may come from sources whose connections have
    #: authenticated before. So many that a flood from everywhere leaves the honest time to answer.
    #: With TLS a quarter.
    unauthenticated: int = 1_024
    unauthenticated_each: int = 256  #: of one source: a machine of 100 cores that starts at once
    frame: int = FRAME_LIMIT  #: bytes of one request
    in_flight: int = 64  #: unanswered requests of one connection; then it is not read from
    write_high: int = 1 << 20  #: bytes waiting to be sent to one connection; then the same
    write_most: int = 64 << 20  #: such a slow reader is dropped


def strangers_most(limits: Limits, *, tls: bool) -> int:
    """`unauthenticated`, or less where this process may open few descriptors; a part of it where
    TLS is spoken."""
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = limits.unauthenticated
    if soft != resource.RLIM_INFINITY:
        most = min(most, soft // _SHARE)
    return max(1, most // _TLS_WEIGHT if tls else most)
