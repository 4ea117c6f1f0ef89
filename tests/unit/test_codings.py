"""Bodies come out as they went in, however they are packed and however they are cut."""

import gzip
import zlib
from contextlib import suppress
from itertools import pairwise

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bowerbird.deflated import STEP
from bowerbird.fetch.codings import BrokenCodingError, named, unpacker

PACKERS = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}


def unpacked(codings: list[str], chunks: list[bytes]) -> list[bytes]:
    one = unpacker(codings)
    assert one is not None
    return [piece for chunk in chunks for piece in one.feed(chunk)]


@given(
    noise=st.binary(max_size=3_000),
    zeros=st.integers(0, 300_000),
    codings=st.lists(st.sampled_from(sorted(PACKERS)), min_size=1, max_size=2),
    cuts=st.lists(st.floats(0, 1), max_size=8),
)
def test_what_was_packed_comes_out_whole_in_small_pieces(noise, zeros, codings, cuts):
    packed = body = noise + bytes(zeros)
    for coding in codings:
        packed = PACKERS[coding](packed)
    at = [0, *sorted(int(cut * len(packed)) for cut in cuts), len(packed)]
    pieces = unpacked(codings, [packed[start:end] for start, end in pairwise(at)])
    assert b"".join(pieces) == body
    assert max(map(len, pieces), default=0) <= 2 * STEP


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5), st.binary(max_size=30))
def test_members_that_come_a_byte_at_a_time_are_all_taken_and_what_follows_let_pass(bodies, rest):
    packed = b"".join(map(gzip.compress, bodies)) + b"\0" + rest
    pieces = unpacked(["gzip"], [packed[at : at + 1] for at in range(len(packed))])
    assert b"".join(pieces) == b"".join(bodies)


@given(st.sampled_from(sorted(PACKERS)), st.binary(max_size=300))
def test_noise_is_refused_or_unpacked_and_fails_by_no_other_error(coding, noise):
    with suppress(BrokenCodingError):
        assert isinstance(unpacked([coding], [noise]), list)


@pytest.mark.parametrize(
    ("value", "codings"),
    [
        ("", []),
        (" GZip , br,", ["gzip", "br"]),
        ("identity", []),
    ],
)
def test_codings_are_named_in_their_order_and_without_case(value, codings):
    assert named(value) == codings


def test_a_coding_that_is_none_leaves_the_body_as_it_is():
    assert unpacker(["utf-8"]) is None
    assert unpacker(["gzip", "utf-8"]) is None
    assert unpacker(["aws-chunked"]) is None


def test_a_coding_that_was_not_asked_for_is_told_by_its_name():
    with pytest.raises(BrokenCodingError, match="zstd"):
        unpacker(["zstd"])
