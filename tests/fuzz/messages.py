"""Readers of what strangers and workers send: frames, handshakes, msgpack, old-style pickles."""

import math
import pickle
from contextlib import suppress
from io import BytesIO
from itertools import pairwise
from typing import Any

import msgspec

from bowerbird.codec import decode, encode
from bowerbird.errors import AuthenticationError, BowerbirdError, NotPlainError, ProtocolError
from bowerbird.frontier.calls import METHODS
from bowerbird.images import Inspected, Refused
from bowerbird.images.child import Request as DecodeRequest
from bowerbird.model import Kind as TaskKind
from bowerbird.model import Outcome, Task, Verb
from bowerbird.queues.handshake import client_handshake, server_handshake
from bowerbird.queues.messages import MAGIC, Reply, Request, answer_of, framed, read_reply
from bowerbird.queues.messages import read_request as read_ours
from bowerbird.queues.oldstyle.dialect import OldDialect
from bowerbird.queues.oldstyle.plain import PlainLimits, Scale
from bowerbird.queues.oldstyle.reader import protocol_of, read_call, read_request
from bowerbird.queues.oldstyle.reader import read_reply as read_old_reply
from bowerbird.queues.oldstyle.values import QUEUE_METHODS, Kind, OldCall, OldReply, Raised, Token
from bowerbird.queues.oldstyle.writer import write_reply
from bowerbird.queues.wire import FrameReader, frame
from tests.fuzz.target import Target, split

LIMIT = 1_000
TASK = Task(url="http://a.test/", kind=TaskKind.PAGE)
#: Memory and time that a fuzzer's own check can afford beside the reader's.
LIMITS = PlainLimits(opcodes=20_000, size=1 << 20)


def check_wire(data: bytes) -> None:
    """Any chunking gives the same frames, none above the limit; what we frame is read back."""
    cuts, stream = split(data, 2)
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    whole = _frames([stream])
    assert whole == _frames([stream[a:b] for a, b in pairwise(edges)])
    assert all(len(body) <= LIMIT for body in whole if body is not None)
    assert _frames([frame(stream[:LIMIT])]) == [stream[:LIMIT]]


def _frames(chunks: list[bytes]) -> list[bytes | None]:
    """The frames; None at the end where the stream was refused."""
    reader, found = FrameReader(LIMIT), list[bytes | None]()
    try:
        for chunk in chunks:
            reader.feed(chunk)
            while (body := reader.next()) is not None:
                found.append(body)
    except ProtocolError:
        found.append(None)
    return found


def check_codec(data: bytes) -> None:
    """Typed values or a ProtocolError, for every call of the frontier."""
    shapes = [method.arguments for method in METHODS.values()]
    shapes += [method.answer for method in METHODS.values()] + [DecodeRequest, Inspected | Refused]
    for shape in shapes:
        with suppress(ProtocolError):
            value = decode(data, shape)
            assert _same(decode(encode(value), shape), value)
    for read in (read_ours, read_reply):
        with suppress(ProtocolError):
            _check_message(read(bytes((MAGIC,)) + data))
        with suppress(BowerbirdError):
            read(data)


def _check_message(message: Request | Reply) -> None:
    assert _frames_of(message) == message
    if isinstance(message, Reply):
        with suppress(BowerbirdError):
            answer_of(message)


def _frames_of(message: Request | Reply) -> Request | Reply:
    body = bytes(framed(message)[4:])
    return read_ours(body) if isinstance(message, Request) else read_reply(body)


def _same(one: Any, other: Any) -> bool:
    return one == other or repr(one) == repr(other)  # NaN is not itself


def check_handshake(data: bytes) -> None:
    """Without the key there is no way in, and no way to make us believe the other end."""
    for begin in (server_handshake, client_handshake):
        for legacy in (True, False):
            side = begin(b"a key that is not in the input", legacy=legacy)
            with suppress(AuthenticationError):
                for message in split(data, 4):
                    side.receive(message)
            assert not side.done


def check_pickle(data: bytes) -> None:
    """Plain values or a ProtocolError; and what is read is what Python's own reader reads."""
    for read in (read_request, read_call, read_old_reply):
        with suppress(ProtocolError):
            value = read(data, LIMITS)
            Scale(LIMITS, frozenset((Token, Raised))).check(value)
            _check_against_python(data, value)
    assert 0 <= protocol_of(data) <= 5


class _Plain(pickle._Unpickler):  # type: ignore[name-defined,misc]
    """Python's reader, in Python: its memo is a dict, so that a far place in it costs nothing."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError


def _check_against_python(data: bytes, value: Any) -> None:
    try:
        theirs = _Plain(BytesIO(data), encoding="utf-8").load()
    except Exception:  # it knows names and encodings that we treat on our own terms
        return
    assert _same(theirs, value), (theirs, value)


def check_pickle_writer(data: bytes) -> None:
    """What we write in any protocol, Python and our own reader read as it was."""
    try:
        value = msgspec.msgpack.decode(data, strict=False)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError, TypeError):
        return
    for protocol in range(6):
        try:
            written = write_reply(OldReply(1, Kind.RETURN, value), protocol)
        except NotPlainError:
            continue
        assert _same(pickle.loads(written), ("#RETURN", value))
        with suppress(NotPlainError):  # the reader's limits on keys and numbers
            assert _same(read_old_reply(written), ("#RETURN", value))


def check_dialect(data: bytes) -> None:
    """One connection of an old-style client: each message is answered, called or refused."""
    one = OldDialect(1, None, lambda: {"get_task_queue": QUEUE_METHODS})
    if data[:1] == b"a":
        one.read(pickle.dumps((None, "accept_connection", ("x",), {}), 2))
    with suppress(ProtocolError):
        for message in data[1:].split(b"\0NEXT\0")[:4]:
            answer = one.read(message)
            if isinstance(answer, OldCall):
                assert answer.typeid == "get_task_queue"
                assert answer.method in QUEUE_METHODS
                answer = one.write(OldReply(answer.id, Kind.RETURN, list(answer.args)))
            assert read_old_reply(answer[4:])[0] in set(Kind)


def _pickles() -> list[bytes]:
    values = (
        [1, -1, 1 << 70, 1.5, math.inf, "text \u00e4", b"bytes", None, True, {"a": [(), {1, 2}]}],
        (None, "create", ("get_task_queue",), {}),
        ("get_task_queue", "put", ({"url": "x"},), {"timeout": 1.0}),
    )
    stock = [pickle.dumps(value, protocol) for value in values for protocol in range(6)]
    return [*stock, pickle.dumps(("#ERROR", ValueError("x", 1)), 2)]


def _calls() -> list[bytes]:
    outcome = Outcome(token=b"12345678\0\1", verb=Verb.DONE, found=(TASK,))
    return [
        encode(("session", (outcome,), {"a.test": 1})),
        encode(((TASK,), (), True)),
        encode(Request(1, "lease", encode(("s", 8, 1.0, None)))),
        encode(Reply(1, "UsageError", b"no")),
    ]


TARGETS = (
    Target(name="wire", check=check_wire, seeds=lambda: [
        b"\3\7\0" + frame(b"abc") + frame(b"") + b"\xff\xff\xff\xff" + bytes(7) + b"\2xy",
        b"\1\0\x7f\xff\xff\xff", b"\2\0\xff\xff\xff\xfe"],
        words=(b"\xff\xff\xff\xff", b"\0\0\3\xe8")),
    Target(name="codec", check=check_codec, seeds=_calls, words=(
        b"\x90", b"\xc0", b"\xdd", b"\xcb")),
    Target(name="handshake", check=check_handshake, seeds=lambda: [
        b"{sha256}" + b"x" * 32 + b"\0#CHALLENGE#{sha256}" + b"y" * 40 + b"\0#WELCOME#", b"x" * 16,
        b"#CHALLENGE#" + b"z" * 20], words=(
        b"#WELCOME#", b"#CHALLENGE#", b"{md5}", b"{sha3_256}")),
    Target(name="pickle", check=check_pickle, seeds=_pickles, words=(
        b"cbuiltins\nset\n", b"\x80\x04", b"\x94", b"h\0", b"R", b"\x93", b"c_codecs\nencode\n",
        b"(", b"\x85", b"u", b"s", b"e", b"\x90", b"\x8b\xff\xff\xff\x7f", b"r\xff\xff\xff\xff",
        b"\x81")),
    Target(name="pickle-writer", check=check_pickle_writer, seeds=lambda: [
        encode([1, -1, 1 << 63, 1.5, "\u00e4", b"x", None, True, {"a": [[]], "b": {}}]),
        encode({1: 2, None: "x"})]),
    Target(name="old-client", check=check_dialect, seeds=lambda: [
        b"a" + b"\0NEXT\0".join(_pickles()[-8:-1]), b"b" + _pickles()[8]]),
)  # fmt: skip
