"""Old-style messages: whatever is plain travels, whatever is not is refused and never run."""

import math
import os
import pickle
import queue
import struct
import sys
from contextlib import suppress
from multiprocessing.managers import RemoteError, Token
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bowerbird.errors import NotPlainError, ProtocolError
from bowerbird.queues.oldstyle import values
from bowerbird.queues.oldstyle.dialect import OldDialect
from bowerbird.queues.oldstyle.plain import PlainLimits
from bowerbird.queues.oldstyle.reader import read_reply, read_request
from bowerbird.queues.oldstyle.values import QUEUE_METHODS, Kind, OldCall, OldReply, Raised
from bowerbird.queues.oldstyle.writer import write_reply, write_request

PROTOCOLS = range(6)
OPEN = "get_task_queue"

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(1 << 1000), 1 << 1000)
    | st.floats(allow_nan=False)
    | st.text(st.characters())
    | st.binary()
)
keys = scalars | st.tuples(scalars, scalars)
plain = st.recursive(
    scalars | st.sets(keys) | st.frozensets(keys),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(keys, inner)
        | inner.map(lambda value: [value, value])  # what is shared goes through the memo
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(plain, st.sampled_from(PROTOCOLS))
def test_what_pickle_writes_is_read_as_pickle_reads_it(value: Any, protocol: int) -> None:
    data = pickle.dumps(value, protocol)

    assert pickle.loads(data) == read_request(data) == read_reply(data) == value


@settings(deadline=None)
@given(plain, st.sampled_from(PROTOCOLS))
def test_what_the_pure_pickler_writes_is_read_too(value: Any, protocol: int) -> None:
    data = pickle._dumps(value, protocol)  # type: ignore[attr-defined]

    assert read_request(data) == value


@settings(deadline=None)
@given(plain, st.sampled_from(PROTOCOLS))
def test_pickle_reads_what_we_write(value: Any, protocol: int) -> None:
    assert pickle.loads(write_reply(OldReply(1, Kind.RETURN, value), protocol)) == (
        "#RETURN",
        value,
    )


@settings(deadline=None)
@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda data: b"\x80\x04" + data))
def test_garbage_is_a_protocol_error_and_nothing_else(data: bytes) -> None:
    with suppress(ProtocolError):
        read_reply(data)


@settings(deadline=None)
@given(plain, st.sampled_from(PROTOCOLS), st.data())
def test_damage_is_a_protocol_error_and_nothing_else(
    value: Any, protocol: int, data: st.DataObject
) -> None:
    message = bytearray(pickle.dumps(value, protocol))
    at = data.draw(st.integers(0, len(message) - 1))
    message[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(message)))
    for damaged in (bytes(message), bytes(message[:cut])):
        with suppress(ProtocolError):
            read_reply(damaged)


# Strings of Python 2.


def test_a_str_of_python_2_is_text_where_it_can_be() -> None:
    assert read_request(b"\x80\x02U\x03abcq\x00.") == "abc"
    assert read_request(b"\x80\x02U\x06\xe7\x97\x9b\xe7\x82\xb9.") == "痛点"
    assert read_request(b"\x80\x02U\x02\xff\xfeq\x00.") == b"\xff\xfe"
    assert read_request(b"\x80\x02T\x03\0\0\0abc.") == "abc"
    assert read_request(b"S'a\\xe7\\x97\\x9b\\n'\np0\n.") == "a痛\n"


# Exceptions.


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize(
    ("raised", "kind"), [(values.EMPTY, queue.Empty), (values.FULL, queue.Full)]
)
def test_python_3_gets_its_own_empty_and_full(
    raised: Raised, kind: type[Exception], protocol: int
) -> None:
    data = write_reply(OldReply(1, Kind.ERROR, raised), protocol)

    assert b"cqueue\n" in data  # 3.6 has no _queue
    assert type(pickle.loads(data)[1]) is kind


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_python_2_gets_its_own_empty(protocol: int) -> None:
    data = write_reply(OldReply(1, Kind.ERROR, values.EMPTY), protocol)

    assert b"cQueue\nEmpty\n" in data
    assert type(pickle.loads(data)[1]) is queue.Empty  # today's Python knows the old name


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_exceptions_travel_with_their_arguments(protocol: int) -> None:
    data = write_reply(OldReply(1, Kind.ERROR, Raised("ValueError", ("no", 3))), protocol)
    kind, error = pickle.loads(data)

    assert (kind, type(error), error.args) == ("#ERROR", ValueError, ("no", 3))
    assert read_reply(data) == ("#ERROR", Raised("ValueError", ("no", 3)))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_a_manager_raises_becomes_a_value(protocol: int) -> None:
    def read(error: Exception) -> Any:
        return read_reply(pickle.dumps(("#ERROR", error), protocol))[1]

    noted = ValueError("x")
    noted.add_note("state that nobody asked for")
    assert read(queue.Empty()) == values.EMPTY
    assert read(queue.Full()) == values.FULL
    gone = read(FileNotFoundError(2, "gone", "f"))
    assert gone.name in ("FileNotFoundError", "OSError")  # below protocol 3
    assert gone.args == (2, "gone", "f")
    assert read(noted) == Raised("ValueError", ("x",))
    assert read(RemoteError("x")) == Raised("RemoteError", ("x",))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_token_is_read_as_a_value(protocol: int) -> None:
    token = Token("get_queue", ("127.0.0.1", 8001), "7f00")
    data = pickle.dumps((None, "get_methods", (token,), {}), protocol)

    assert read_request(data)[2][0] == values.Token("get_queue", ("127.0.0.1", 8001), "7f00")


def test_a_client_cannot_send_exceptions() -> None:
    with pytest.raises(NotPlainError, match="ValueError"):
        read_request(pickle.dumps(ValueError("x")))


def test_python_2_gets_refusals_as_its_str() -> None:
    data = write_reply(OldReply(1, Kind.TRACEBACK, "nein: ä"), 2)

    assert pickle.loads(data)[1] == "nein: ä".encode()  # its word for bytes


def test_what_cannot_travel_is_said_before_it_is_sent() -> None:
    with pytest.raises(NotPlainError, match="Path"):
        write_request("1", "put", (Path("x"),), {})
    with pytest.raises(NotPlainError, match="bytes"):
        write_request("1", "put", (b"x" * (17 << 20),), {})


# Hostile pickles.


class Evil:
    def __reduce__(self) -> Any:
        return os.system, ("touch /tmp/bowerbird-was-here",)


def deep(count: int) -> bytes:
    return b"\x80\x04" + b"]" * count + b"a" * (count - 1) + b"."


def laughs(count: int, wrap: str = "list") -> Any:
    value: Any = ["ha"] if wrap == "list" else ("ha",)
    for _ in range(count):
        value = [value, value] if wrap == "list" else (value, value)
    return value


HOSTILE = {
    "os.system": pickle.dumps(Evil()),
    "os.system, protocol 0": pickle.dumps(Evil(), 0),
    "eval by GLOBAL": b"cbuiltins\neval\n(V1\ntR.",
    "INST": b"(V1\nibuiltins\neval\n.",
    "OBJ": b"(cbuiltins\neval\nV1\no.",
    "NEWOBJ_EX": b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93)}\x92.",
    "a set of nothing plain": b"\x80\x02cbuiltins\nset\n}\x85R.",
    "encode with another codec": b"\x80\x02c_codecs\nencode\nX\x01\0\0\0aX\x03\0\0\0hex\x86R.",
    "encode, never called": b"\x80\x02c_codecs\nencode\n.",
    "a token without state": b"\x80\x02cmultiprocessing.managers\nToken\n)\x81.",
    "attributes on a name": b"\x80\x02cbuiltins\nset\n}b.",
    "persistent id": b"Pid\n.",
    "binary persistent id": b"\x80\x04NQ.",
    "EXT1": b"\x80\x02\x82\x01.",
    "EXT2": b"\x80\x02\x83\x01\0.",
    "EXT4": b"\x80\x02\x84\x01\0\0\0.",
    "NEXT_BUFFER": b"\x80\x05\x97.",
    "BYTEARRAY8, huge": b"\x80\x05\x96" + b"\xff" * 8 + b".",
    "BINBYTES8, huge": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b".",
    "BINUNICODE8, huge": b"\x80\x04\x8d" + struct.pack("<Q", 1 << 62) + b".",
    "LONG4, negative": b"\x80\x04\x8b" + struct.pack("<i", -1) + b".",
    "LONG4, huge": b"\x80\x04\x8b" + struct.pack("<i", 1 << 20) + b"\x01" * (1 << 20) + b".",
    "digits": b"I" + b"9" * 1_000_000 + b"\n.",
    "LONG digits": b"L" + b"9" * 1_000_000 + b"L\n.",
    "LONG_BINGET of nothing": b"\x80\x04j\xff\xff\xff\xff.",
    "MARKs": b"\x80\x04" + b"(" * 1_000_000 + b".",
    "lists for ever": b"\x80\x04" + b"]" * 16_000_000 + b".",
    "deep lists": deep(100_000),
    "deep tuples": b"\x80\x04)" + b"\x85" * 100_000 + b".",
    "in itself": b"\x80\x04]\x94h\0a.",
    "in itself, through a tuple": b"\x80\x04]\x94h\0\x85a.",
    "laughs": pickle.dumps(laughs(90)),
    "laughing tuples": pickle.dumps(laughs(90, "tuple")),
    "one text a million times": pickle.dumps(["x" * (1 << 20)] * 100),
    "a laughing key": b"\x80\x04})\x94" + b"".join(
        b"h%c\x86\x94" % n for n in range(60)
    ) + b"Ns.",
    "a laughing name": b"\x80\x04)\x94" + b"".join(
        b"h%c\x86\x94" % n for n in range(60)
    ) + b"h\x3c\x93.",
    "one text encoded again and again": b"\x80\x02" + pickle.dumps("x" * 9_000_000, 2)[2:-1]
    + b"c_codecs\nencode\nq\1X\6\0\0\0latin1q\2" + b"h\1h\0h\2\x86R" * 20_000 + b".",
    "one list made a set again and again": pickle.dumps(list(range(50_000)), 2)[:-1]
    + b"cbuiltins\nset\nr\0\1\0\0" + b"j\0\1\0\0h\0\x85R" * 20_000 + b".",
    "DUPs": b"\x80\x02]" + b"2" * 1_000_000 + b"l.",
    "a list of itself, doubled and doubled": b"\x80\x02]q\0" + b"(h\0h\0e" * 30 + b".",
    "POP of nothing": b"\x80\x020.",
    "POP_MARK of nothing": b"\x80\x021.",
    "an index of a million digits": b"Np" + b"9" * 1_000_000 + b"\n.",
    "GET of a million digits": b"g" + b"9" * 1_000_000 + b"\n.",
    "a name of a megabyte": b"c" + b"x" * (1 << 20) + b"\ny\n.",
    "state for a list": b"\x80\x02]}b.",
    "a tuple where a dict should be": b"\x80\x02)NNs.",
    "items without a set": b"\x80\x04](N\x90.",
    "an unhashable key": b"\x80\x04}]Ns.",
    "no end": b"\x80\x04N",
    "two values": b"\x80\x04NN.",
    "more after the end": b"\x80\x04N.N.",
    "nothing": b"\x80\x04.",
    "newer protocol": b"\x80\x06N.",
}  # fmt: skip


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_pickle_is_refused(data: bytes) -> None:
    for read in (read_request, read_reply):
        with pytest.raises(ProtocolError):
            read(data)

    assert not Path("/tmp/bowerbird-was-here").exists()


def test_keys_of_one_hash_are_refused_before_they_take_an_hour() -> None:
    modulus = sys.hash_info.modulus
    keys = [n * modulus for n in range(100_000)]
    data = b"\x80\x04}(" + b"".join(pickle.dumps(key, 2)[2:-1] + b"N" for key in keys) + b"u."
    tuples = b"\x80\x04\x8f(" + b"".join(
        pickle.dumps((n, -n), 2)[2:-1] for n in range(2_000)
    ) + b"\x90."  # fmt: skip

    for message in (data, tuples):
        with pytest.raises(NotPlainError, match="odd keys"):
            read_request(message)


def test_a_memo_of_far_places_takes_no_room() -> None:
    assert read_request(b"\x80\x04Nr\xff\xff\xff\xff.") is None


@pytest.mark.parametrize("length", [0, 3, 1 << 20, 1 << 62, (1 << 64) - 1])
def test_the_length_of_a_frame_is_not_believed(length: int) -> None:
    assert read_request(b"\x80\x04\x95" + struct.pack("<Q", length) + b"K\x07.") == 7


def test_many_small_values_stay_within_the_limits() -> None:
    assert read_request(pickle.dumps(["x"] * 100_000)) == ["x"] * 100_000
    with pytest.raises(NotPlainError, match="too many"):
        read_request(pickle.dumps([[]] * 100), PlainLimits(opcodes=50))


def test_numbers_that_have_no_words_travel() -> None:
    for protocol in PROTOCOLS:
        back = read_request(pickle.dumps([math.inf, -math.inf, math.nan], protocol))
        assert back[:2] == [math.inf, -math.inf]
        assert math.isnan(back[2])


# One connection of the server.


def dialect() -> OldDialect:
    return OldDialect(7, None, lambda: {OPEN: QUEUE_METHODS})


def ask(dialect: OldDialect, *request: Any, protocol: int = 4) -> Any:
    answer = dialect.read(pickle.dumps(request, protocol))
    return answer if isinstance(answer, OldCall) else read_reply(answer[4:])


def test_a_proxy_is_made_under_the_name_of_its_type() -> None:
    assert ask(dialect(), None, "create", (OPEN,), {}) == ("#RETURN", (OPEN, QUEUE_METHODS))


def test_methods_are_called_only_on_an_accepted_connection() -> None:
    one = dialect()
    assert ask(one, OPEN, "get", (), {})[0] == Kind.TRACEBACK
    assert ask(one, None, "accept_connection", ("MainProcess",), {}) == ("#RETURN", None)

    call = ask(one, OPEN, "get", (True,), {"timeout": 5})
    assert call == OldCall(7, 1, OPEN, "get", (True,), {"timeout": 5}, "MainProcess", None)


def test_a_second_request_before_the_first_answer_ends_the_connection() -> None:
    one = dialect()
    ask(one, None, "accept_connection", ("x",), {})
    ask(one, OPEN, "get", (), {})

    with pytest.raises(ProtocolError, match="second request"):
        ask(one, OPEN, "get", (), {})


def test_a_call_holds_plain_values_only() -> None:
    one = dialect()
    ask(one, None, "accept_connection", ("x",), {})

    told = ask(one, OPEN, "put", (Token(OPEN, ("127.0.0.1", 8001), OPEN),), {})
    assert told[0] == Kind.TRACEBACK
    assert "Token" in told[1]
    with pytest.raises(ProtocolError):
        ask(one, OPEN, "put", (), {1: 2})


def test_an_answer_that_is_not_plain_is_told_to_the_client() -> None:
    one = dialect()
    ask(one, None, "accept_connection", ("x",), {})
    call = ask(one, OPEN, "get", (), {})
    told = read_reply(one.write(values.returned(call, Path("x")))[4:])

    assert told[0] == Kind.UNSERIALIZABLE
    assert "Path" in told[1]
    assert isinstance(ask(one, OPEN, "get", (), {}), OldCall)


@pytest.mark.parametrize(
    "request_",
    [
        (None, "shutdown", (), {}),
        (None, "create", ("nothing",), {}),
        (None, "create", (OPEN, "argument"), {}),
        (None, "create", (), {}),
        (None, "create", (["unhashable"],), {}),
        (None, "get_methods", (), {}),
        (None, "decref", ("nothing",), {}),
        (None, "__init__", (), {}),
        (None, "_menu", (), {}),
    ],
)
def test_what_is_refused_is_told_and_harms_nothing(request_: Any) -> None:
    one = dialect()

    assert ask(one, *request_)[0] == Kind.TRACEBACK
    assert ask(one, None, "create", (OPEN,), {})[0] == Kind.RETURN


def test_a_manager_without_old_clients_says_so() -> None:
    told = ask(OldDialect(1, None, lambda: None), None, "dummy", (), {})

    assert told == ("#TRACEBACK", "This manager serves no clients of the standard library.")


def test_a_hostile_request_is_answered_and_not_run() -> None:
    one = dialect()
    evil = pickle.dumps((None, "create", (Evil(),), {}))
    answer = one.read(evil)

    assert isinstance(answer, bytes)
    assert "plain values" in read_reply(answer[4:])[1]
    assert not Path("/tmp/bowerbird-was-here").exists()
