"""The handshake, against the standard library and against what other Pythons have said."""

import threading
from multiprocessing import AuthenticationError as StockAuthenticationError
from multiprocessing.connection import Connection, Pipe, answer_challenge, deliver_challenge

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bowerbird.errors import AuthenticationError
from bowerbird.queues.handshake import (
    CHALLENGE,
    FAILURE,
    WELCOME,
    Handshake,
    client_handshake,
    response_to,
    server_handshake,
    verified,
)

KEY = b"secret"
NONCE = bytes(range(40))

# Recorded from 2.7.18, 3.6.15 to 3.11.7 (all alike) and from 3.12.1 and 3.13.0 (alike), with the
# key "secret" and os.urandom(n) = bytes(range(n)).
OLD_CHALLENGE = bytes(range(20))
OLD_ANSWER_TO_OLD = bytes.fromhex("7defa9cc46abc3583325d17ccda75190")
OLD_ANSWER_TO_NEW = bytes.fromhex("8e48d2bb349b4b72b9382999ed5b62eb")
NEW_CHALLENGE = b"{sha256}" + NONCE
NEW_ANSWER_TO_NEW = bytes.fromhex(
    "7b7368613235367dfc57fbe650d6124b98215e7b5d197d5807ad69982d275a9735ea2d56f1fa6989"
)


def meet(client: Handshake, server: Handshake) -> None:
    """Carry frames between two sides until both are silent."""
    while True:
        to_client, to_server = server.take(), client.take()
        if not to_client and not to_server:
            return
        for message in to_client:
            client.receive(message)
        for message in to_server:
            server.receive(message)


def tell(side: Handshake, messages: list[bytes]) -> None:
    for message in messages:
        side.receive(message)


def test_both_sides_of_ours_meet() -> None:
    client, server = client_handshake(KEY), server_handshake(KEY)
    meet(client, server)
    assert client.done
    assert server.done


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_only_equal_keys_meet(one: bytes, other: bytes) -> None:
    client, server = client_handshake(one), server_handshake(other)
    if one.rstrip(b"\0") == other.rstrip(b"\0"):  # HMAC pads short keys with zeros
        meet(client, server)
        assert client.done
    else:
        with pytest.raises(AuthenticationError):
            meet(client, server)
        assert server.outgoing == [FAILURE]
        assert not client.done
        assert not server.done


def test_golden_answers_of_old_and_new_pythons() -> None:
    assert response_to(KEY, OLD_CHALLENGE) == OLD_ANSWER_TO_OLD
    assert response_to(KEY, NEW_CHALLENGE) == NEW_ANSWER_TO_NEW
    assert verified(KEY, NEW_CHALLENGE, NEW_ANSWER_TO_NEW)
    assert verified(KEY, NEW_CHALLENGE, OLD_ANSWER_TO_NEW)


def test_without_legacy_md5_is_refused_on_either_side() -> None:
    assert not verified(KEY, NEW_CHALLENGE, OLD_ANSWER_TO_NEW, legacy=False)
    assert verified(KEY, NEW_CHALLENGE, NEW_ANSWER_TO_NEW, legacy=False)
    with pytest.raises(AuthenticationError, match="digest"):
        response_to(KEY, OLD_CHALLENGE, legacy=False)
    with pytest.raises(AuthenticationError, match="digest"):
        response_to(KEY, b"{md5}" + NONCE, legacy=False)


@pytest.mark.parametrize("digest", [b"sha256", b"sha384", b"sha3_256", b"sha3_384", b"md5"])
def test_each_digest_of_python_3_12_is_spoken(digest: bytes) -> None:
    message = b"{%s}" % digest + NONCE
    assert verified(KEY, message, response_to(KEY, message))


@pytest.mark.parametrize("message", [b"", b"short", bytes(16), bytes(19)])
def test_a_challenge_that_could_be_prepared_for_is_refused(message: bytes) -> None:
    with pytest.raises(AuthenticationError, match="short"):
        response_to(KEY, message)


@pytest.mark.parametrize("name", [b"sha1", b"", b"shake_128", b"sha256\0", b"SHA256"])
def test_a_digest_of_the_peers_own_choice_is_refused(name: bytes) -> None:
    message = b"{%s}" % name + NONCE
    with pytest.raises(AuthenticationError):
        response_to(KEY, message)
    assert not verified(KEY, NEW_CHALLENGE, b"{%s}" % name + bytes(32))


@given(st.binary(max_size=256))
def test_no_answer_but_the_right_one_opens(answer: bytes) -> None:
    if answer not in (NEW_ANSWER_TO_NEW, OLD_ANSWER_TO_NEW):
        assert not verified(KEY, NEW_CHALLENGE, answer)


@given(st.lists(st.binary(max_size=256), min_size=1, max_size=4))
def test_garbage_never_opens_nor_raises_anything_else(messages: list[bytes]) -> None:
    for side in (server_handshake(KEY), client_handshake(KEY)):
        with pytest.raises(AuthenticationError):
            tell(side, [*messages, *messages, b"x", b"x"])
        assert not side.done


def test_a_server_without_the_key_that_welcomes_everyone_is_found_out() -> None:
    client = client_handshake(KEY)
    client.receive(CHALLENGE + NEW_CHALLENGE)
    client.receive(WELCOME)
    with pytest.raises(AuthenticationError):
        client.receive(response_to(b"a guess", client.outgoing[-1][len(CHALLENGE) :]))
    assert client.outgoing[-1] == FAILURE


def over(pipe: Connection, side: Handshake) -> None:
    """Run one side of ours over a real pipe of the standard library."""
    while not side.done:
        for message in side.take():
            pipe.send_bytes(message)
        try:
            side.receive(pipe.recv_bytes(256))
        finally:
            for message in side.take():
                pipe.send_bytes(message)


def stock(pipe: Connection, key: bytes, *, server: bool, result: list[object]) -> None:
    steps = (deliver_challenge, answer_challenge)
    try:
        for step in steps if server else reversed(steps):
            step(pipe, key)
        result.append("ok")
    except StockAuthenticationError as error:
        result.append(error)


@pytest.mark.parametrize("stock_serves", [True, False])
@pytest.mark.parametrize("key", [KEY, b"k" * 200, "schlüssel".encode(), b"\0\xff"])
def test_this_pythons_standard_library_meets_us(stock_serves: bool, key: bytes) -> None:
    ours, theirs = Pipe()
    result: list[object] = []
    with ours, theirs:
        thread = threading.Thread(
            target=stock, args=(theirs, key), kwargs={"server": stock_serves, "result": result}
        )
        thread.start()
        over(ours, client_handshake(key) if stock_serves else server_handshake(key))
        thread.join()
    assert result == ["ok"]


@pytest.mark.parametrize("stock_serves", [True, False])
def test_this_pythons_standard_library_is_told_of_a_wrong_key(stock_serves: bool) -> None:
    ours, theirs = Pipe()
    result: list[object] = []
    with ours, theirs:
        thread = threading.Thread(
            target=stock, args=(theirs, b"wrong"), kwargs={"server": stock_serves, "result": result}
        )
        thread.start()
        with pytest.raises(AuthenticationError):
            over(ours, client_handshake(KEY) if stock_serves else server_handshake(KEY))
        thread.join()
    assert [type(error) for error in result] == [StockAuthenticationError]
