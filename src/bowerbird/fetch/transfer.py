"""One transfer: libcurl's callbacks for one easy handle, used again for request after request.

The callbacks are what every chunk costs, so they are short and count with plain integers.
"""

import errno
import os
import socket
from typing import Any

import pycurl

from bowerbird.clock import Clock
from bowerbird.errors import StorageFullError
from bowerbird.fetch.base import Failure, FetchLimits, Request, Response, Sink
from bowerbird.fetch.budget import Budget
from bowerbird.fetch.codings import BrokenCodingError, Unpacker, named, unpacker
from bowerbird.fetch.failures import Phase, failure, of_curl, of_storage
from bowerbird.fetch.headers import Headers
from bowerbird.fetch.shared import Shared

#: Bytes asked of a socket at once. libcurl hands bodies on in pieces of 16 KiB all the same.
BUFFER = 64 * 1024
#: Bytes of the body of an error or a redirect that are read; who sends more is not listened to.
ERROR_BODY = 64 * 1024
#: What a header or write callback says to stop.
_STOP = -1
# pycurl has no types: these are plain integers.
_PAUSE: int = pycurl.WRITEFUNC_PAUSE
_SEND: int = pycurl.PREREQFUNC_OK
_SEND_NOT: int = pycurl.PREREQFUNC_ABORT


class _Handed:
    """A new socket on its way to libcurl: pycurl duplicates it, then lets this one go."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        return self._fd

    def __del__(self) -> None:
        os.close(self._fd)


NOTHING = Request(key=-1, url="")


class Transfer:
    """The state of one request under way. Made once for each easy handle."""

    __slots__ = (
        "_allows",
        "_budget",
        "_chunks",
        "_chunks_left",
        "_clock",
        "_curl",
        "_exempt",
        "_head",
        "_header_room",
        "_interim",
        "_limit",
        "_limits",
        "_lines",
        "_open_spool",
        "_refused",
        "_spool",
        "_spool_above",
        "_unpacker",
        "address",
        "cut",
        "failure",
        "first_byte_s",
        "heard_s",
        "request",
        "seen",
        "sent_s",
        "size",
        "socket_opened",
        "started_s",
        "status",
        "window_s",
        "window_seen",
        "wire_size",
    )

    def __init__(self, shared: Shared, curl: Any) -> None:
        self._limits: FetchLimits = shared.limits
        self._budget: Budget = shared.budget
        self._clock: Clock = shared.clock
        self._allows = shared.guard.allows
        self._open_spool = shared.open_spool
        self._curl = curl
        self.begin(NOTHING, exempt=False)

    def begin(self, request: Request, *, exempt: bool) -> None:
        """Forget the last request; this one starts now."""
        self.request = request
        self._exempt = exempt
        self._limit = request.max_bytes
        self._spool_above = request.spool_above
        self._header_room = self._limits.header_bytes
        self._lines: list[bytes] = []
        self._head = b""
        self._chunks: list[bytes] = []
        self._chunks_left = self._limits.chunk_count
        self._spool: Sink | None = None
        self._unpacker: Unpacker | None = None
        self._interim = 0
        self._refused = ""
        self.failure: Failure | None = None
        self.cut = False
        self.status = self.size = self.wire_size = self.seen = self.window_seen = 0
        self.address = ""
        self.socket_opened = False
        self.sent_s = self.first_byte_s = 0.0
        self.started_s = self.heard_s = self.window_s = self._clock.now_s()

    def __repr__(self) -> str:
        return f"<Transfer {self.request.url} {self.phase.name.lower()} {self.size} bytes>"

    # What libcurl calls.

    def on_open_socket(self, _purpose: int, to: Any) -> Any:
        """A socket for an address, or none for one that is refused."""
        if not (self._exempt or self._allows(to.addr[0])):
            self._refused = to.addr[0]
            return pycurl.SOCKET_BAD
        self.socket_opened = True
        return _Handed(socket.socket(to.family, to.socktype, to.protocol).detach())

    def on_request(self, address: str, _from: str, _port: int, _from_port: int) -> int:
        """The request is about to be sent, on a new connection or one used again."""
        if not (self._exempt or self._allows(address)):
            self._refused = address
            return _SEND_NOT
        if self.sent_s and not self._limits.resends:  # libcurl would, at once and unasked
            self.fail("connection-reset", "closed at the moment it was used again")
            return _SEND_NOT
        self.address = address
        self.sent_s = self.heard_s = self._clock.now_s()
        return _SEND

    def on_header(self, line: bytes) -> int | None:
        """One line of a header block: a status line, a header, or the empty line at its end."""
        if not self.sent_s:
            return None  # a proxy's answer to CONNECT
        if not self.first_byte_s:
            self.first_byte_s = self.heard_s = self.window_s = self._clock.now_s()
        self._header_room -= len(line)
        if self._header_room < 0:
            return self._stop("headers-too-large", f"more than {self._limits.header_bytes} bytes")
        self._lines.append(line)
        return self._end_of_headers() if line in (b"\r\n", b"\n") else None

    def on_body(self, data: bytes) -> int | None:
        """A chunk of the body as it was sent."""
        count, budget = len(data), self._budget
        needed = count if self._spool is None else 0  # what goes to disk waits for no memory
        short = budget.quota <= 0 or 0 < needed > budget.room
        if short and not budget.admits(self, needed):
            return _PAUSE
        budget.quota -= count
        self.wire_size += count
        self._chunks_left -= 1
        if self._chunks_left < 0:
            return self._stop("too-many-chunks", f"{self.wire_size} bytes in tiny pieces")
        return self._unpack(data) if self._unpacker else self._take(data)

    # What the fetcher asks.

    @property
    def phase(self) -> Phase:
        """How far it has come."""
        if self.first_byte_s:
            return Phase.READING
        if self.sent_s:
            return Phase.WAITING
        return Phase.CONNECTING if self.socket_opened else Phase.RESOLVING

    @property
    def progress(self) -> int:
        """Bytes heard, of headers and body."""
        return self.wire_size + self._limits.header_bytes - self._header_room

    @property
    def waits(self) -> bool:
        """Whether it is us who make it wait."""
        return self in self._budget.waiting

    @property
    def is_over(self) -> bool:
        """Whether it has failed, or been given up."""
        return self.failure is not None or self.cut

    def resume(self) -> None:
        """Go on after a pause; delivers at once what libcurl has kept."""
        self._curl.pause(pycurl.PAUSE_CONT)

    def end(self, code: int = 0, message: str = "") -> Response:
        """The response, after libcurl's last word or our own. Frees what was held."""
        self._budget.leave(self)
        failed = self._verdict(code, message)
        body, spool = (b"", None) if failed else (b"".join(self._chunks), self._spool)
        if spool is None:
            self._let_go()
        self._chunks = []
        self._spool = None
        return self._response(failed, body, spool)

    def drop(self) -> None:
        """Forget everything; nobody wants the response."""
        self._budget.leave(self)
        self._let_go()
        self._chunks = []

    # Endings.

    def fail(self, reason: str, detail: str = "") -> None:
        """Note why it fails; the first reason stands. Of an answer that has said all in its
        headers, what is left of the body is given up instead."""
        if self._tells_without_body:
            self.cut = True
        elif self.failure is None:
            self.failure = failure(reason, detail, self.phase)

    def _stop(self, reason: str, detail: str) -> int:
        self.fail(reason, detail)
        return _STOP

    def _verdict(self, code: int, message: str) -> Failure | None:
        if self.failure is not None or self.cut:
            return self.failure
        if not code:
            return None if self._head else self._ended_early()
        if self._refused and not self.sent_s:
            return failure("private-address", self._refused, self.phase)
        if self._tells_without_body:
            self.cut = True
            return None
        refused = self._curl.getinfo(pycurl.OS_ERRNO) == errno.ECONNREFUSED
        proxied = self._limits.proxy is not None
        return of_curl(code, message, self.phase, refused=refused, proxied=proxied)

    def _ended_early(self) -> Failure:
        return failure("truncated", "ended inside its headers", self.phase)

    def _response(self, failed: Failure | None, body: bytes, spool: Sink | None) -> Response:
        return Response(
            key=self.request.key,
            url=self.request.url,
            status=self.status,
            headers=Headers(self._head),
            body=body,
            spool=spool,
            size=0 if failed else self.size,
            wire_size=self.wire_size,
            cut=self.cut,
            failure=failed,
            sent_s=self.sent_s,
            first_byte_s=self.first_byte_s,
            elapsed_s=self._clock.now_s() - self.started_s,
            address=self.address,
        )

    def _let_go(self) -> None:
        if self._spool is None:
            self._budget.room += self.size
        else:
            self._spool.discard()
            self._spool = None

    # Headers.

    def _end_of_headers(self) -> int | None:
        lines, self._lines = self._lines, []
        if lines[0][:5].upper() != b"HTTP/":
            return None  # trailers
        block = b"".join(lines)
        self.status = int(lines[0].split(None, 2)[1])
        if len(lines) > self._limits.header_count + 2:
            return self._stop("too-many-headers", f"more than {self._limits.header_count}")
        if b"\0" in block or block.count(b"\r") > block.count(b"\r\n"):
            return self._stop("bad-header", "a NUL or a bare CR")
        if self.status < 200:
            return self._interim_response()
        self._head = block
        if self._is_error:
            self._limit = min(self._limit, ERROR_BODY)
            return None
        return self._look_at_codings(block) if b"ncoding:" in block.lower() else None

    @property
    def _is_error(self) -> bool:
        return not 200 <= self.status < 300

    @property
    def _tells_without_body(self) -> bool:
        """A redirect or an error whose headers are all there."""
        return bool(self._head) and self._is_error

    def _interim_response(self) -> int | None:
        self._interim += 1
        if self._interim > self._limits.interim_count:
            return self._stop("too-many-interim", f"more than {self._limits.interim_count} 1xx")
        return None

    def _look_at_codings(self, block: bytes) -> int | None:
        codings = named(Headers(block).get("content-encoding"))
        if len(codings) > self._limits.codings:
            return self._stop("too-many-codings", ", ".join(codings))
        try:
            self._unpacker = unpacker(codings)
        except BrokenCodingError as error:
            return self._stop("bad-encoding", str(error))
        return None

    # Bodies.

    def _unpack(self, data: bytes) -> int | None:
        assert self._unpacker is not None
        if self.wire_size > self._limit:  # what unpacks to nothing has an end as well
            return self._stop("too-large", f"more than {self._limit} bytes as sent")
        try:
            for piece in self._unpacker.feed(data):
                if (stop := self._take(piece) or self._swollen()) is not None:
                    return stop
        except BrokenCodingError as error:
            return self._stop("bad-encoding", str(error))
        return None

    def _swollen(self) -> int | None:
        believed = max(self._limits.ratio_after, self.wire_size * self._limits.ratio)
        if self.size <= believed:
            return None
        return self._stop("bomb", f"{self.size} bytes out of {self.wire_size}")

    def _take(self, data: bytes) -> int | None:
        count = len(data)
        size = self.size + count
        if size > self._limit:
            return self._over(data)
        self.size = size
        if self._spool is not None:
            return self._write(data)
        self._budget.room -= count
        self._chunks.append(data)
        return self._spill() if size > self._spool_above else None

    def _over(self, data: bytes) -> int:
        if not (self.request.cut or self._is_error):
            return self._stop("too-large", f"more than {self._limit} bytes")
        rest = data[: self._limit - self.size]
        self.size = self._limit
        if self._spool is None:
            self._budget.room -= len(rest)
            self._chunks.append(rest)
        else:
            self._write(rest)
        self.cut = True
        return _STOP

    def _spill(self) -> int | None:
        try:
            spool = self._open_spool()
            for chunk in self._chunks:
                spool.write(chunk)
        except (OSError, StorageFullError) as error:
            self.failure = of_storage(error)
            return _STOP
        self._spool = spool
        self._chunks = []
        self._budget.room += self.size
        self._budget.leave(self)
        return None

    def _write(self, data: bytes) -> int | None:
        assert self._spool is not None
        try:
            self._spool.write(data)
        except (OSError, StorageFullError) as error:
            self.failure = of_storage(error)
            return _STOP
        return None
