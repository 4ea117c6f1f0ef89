"""Frames and messages: any chunking gives the same frames, and no length is believed."""

import struct
from itertools import pairwise
from multiprocessing.connection import Pipe

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bowerbird.errors import (
    AuthenticationError,
    BowerbirdError,
    ConnectionLostError,
    FolderError,
    ProtocolError,
    RemoteCallError,
    SessionGoneError,
    StorageFullError,
    UsageError,
)
from bowerbird.queues.messages import (
    MAGIC,
    Reply,
    Request,
    answer_of,
    failure,
    framed,
    read_reply,
    read_request,
)
from bowerbird.queues.wire import FRAME_LIMIT, FrameReader, frame


def read_in_chunks(stream: bytes, cuts: list[int], limit: int) -> tuple[list[bytes], bool]:
    """Frames, and whether the stream was refused after them."""
    reader = FrameReader(limit)
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    frames: list[bytes] = []
    try:
        for start, end in pairwise(edges):
            reader.feed(stream[start:end])
            while (body := reader.next()) is not None:
                frames.append(body)
    except ProtocolError:
        return frames, True
    return frames, False


cuts = st.lists(st.integers(0, 10_000), max_size=20)


@given(st.lists(st.binary(max_size=40)), cuts)
def test_chunking_never_changes_frames(bodies: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(map(frame, bodies))
    assert read_in_chunks(stream, cuts, 40) == (bodies, False)


@given(st.lists(st.binary(max_size=40)), st.integers(-(2**31), 2**31 - 1), cuts)
def test_frames_before_a_bad_length_are_given_whatever_the_chunking(
    bodies: list[bytes], length: int, cuts: list[int]
) -> None:
    if -1 <= length <= 40:
        return
    stream = b"".join(map(frame, bodies)) + struct.pack("!i", length) + b"rest"
    assert read_in_chunks(stream, cuts, 40) == (bodies, True)


@given(st.binary(max_size=60), cuts)
def test_the_long_form_is_read_below_the_limit_and_refused_above(
    body: bytes, cuts: list[int]
) -> None:
    stream = struct.pack("!iQ", -1, len(body)) + body
    expected = ([body], False) if len(body) <= 40 else ([], True)
    assert read_in_chunks(stream, cuts, 40) == expected


@given(st.binary(max_size=200), cuts)
def test_garbage_never_raises_anything_but_protocol_error(data: bytes, cuts: list[int]) -> None:
    assert read_in_chunks(data, cuts, 64) == read_in_chunks(data, [], 64)


@pytest.mark.parametrize(
    "header", [struct.pack("!i", 2**31 - 1), struct.pack("!iQ", -1, 2**40), struct.pack("!i", -2)]
)
def test_no_memory_is_taken_on_the_word_of_a_length(header: bytes) -> None:
    reader = FrameReader()
    reader.feed(header)
    with pytest.raises(ProtocolError):
        reader.next()
    assert len(reader) == len(header)


def test_a_frame_at_the_limit_passes_and_one_byte_more_does_not() -> None:
    assert read_in_chunks(frame(bytes(64)), [], 64) == ([bytes(64)], False)
    assert read_in_chunks(frame(bytes(65)), [], 64) == ([], True)


def test_the_limit_may_be_raised_between_two_frames_of_one_chunk() -> None:
    reader = FrameReader(4)
    reader.feed(frame(b"key") + frame(b"a longer one"))
    assert reader.next() == b"key"
    reader.limit = 100
    assert reader.next() == b"a longer one"
    assert reader.next() is None


def test_frames_are_those_of_the_standard_library() -> None:
    ours, theirs = Pipe()
    with ours, theirs:
        theirs.send_bytes(b"bower")
        import os

        assert os.read(ours.fileno(), 100) == frame(b"bower")


@given(st.integers(0, 2**63), st.text(max_size=20), st.binary(max_size=100), st.text(max_size=20))
def test_messages_survive_the_wire(id: int, method: str, payload: bytes, error: str) -> None:
    reader = FrameReader()
    reader.feed(bytes(framed(Request(id, method, payload)) + framed(Reply(id, error, payload))))
    request, reply = reader.next(), reader.next()
    assert request is not None
    assert reply is not None
    assert read_request(request) == Request(id, method, payload)
    assert read_reply(reply) == Reply(id, error, payload)


@given(st.binary(max_size=100))
def test_a_frame_that_is_no_message_is_a_protocol_error(data: bytes) -> None:
    for body in (data, bytes((MAGIC,)) + data):
        try:
            request = read_request(body)
        except ProtocolError:
            continue
        assert isinstance(request.method, str)


def test_our_frames_begin_no_pickle() -> None:
    import pickle

    with pytest.raises(pickle.UnpicklingError):
        pickle.loads(bytes(framed(Request(1, "stats"))[4:]))


def test_a_message_over_the_limit_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ProtocolError, match="at most"):
        framed(Request(1, "add", bytes(FRAME_LIMIT)))


@pytest.mark.parametrize(
    ("error", "arrives_as"),
    [
        (SessionGoneError("gone"), SessionGoneError),
        (StorageFullError("full"), StorageFullError),
        (FolderError("a kind of usage error"), UsageError),
        (ConnectionLostError("the manager ends"), ConnectionLostError),
        (AuthenticationError("not one that is told"), RemoteCallError),
    ],
)
def test_errors_keep_their_class_where_a_caller_acts_on_it(
    error: BowerbirdError, arrives_as: type[Exception]
) -> None:
    with pytest.raises(arrives_as, match=str(error)) as caught:
        answer_of(failure(7, error))
    assert type(caught.value) is arrives_as


def test_an_unknown_error_code_is_still_an_error() -> None:
    with pytest.raises(RemoteCallError):
        answer_of(Reply(1, "SystemExit", b""))
