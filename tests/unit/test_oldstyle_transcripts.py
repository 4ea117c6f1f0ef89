"""What stock clients and managers of each Python once said, said again to ours.

`scripts/record-transcripts` records them anew.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from tests.stock.desk import Desk
from tests.stock.pythons import VERSIONS

from bowerbird.queues.handshake import (
    CHALLENGE,
    FAILURE,
    WELCOME,
    client_handshake,
    response_to,
    verified,
)
from bowerbird.queues.oldstyle.dialect import OldDialect
from bowerbird.queues.oldstyle.reader import protocol_of, read_reply, read_request
from bowerbird.queues.oldstyle.values import QUEUE_METHODS, Kind, OldCall, OldMenu
from bowerbird.queues.oldstyle.writer import write_request

FOLDER = Path(__file__).parent.parent / "fixtures" / "transcripts"
KEY = b"qiye"
#: Frames of a handshake, both ways.
HANDSHAKE = 6

Talk = list[tuple[str, bytes]]


def talks(version: str) -> list[Talk]:
    """The connections of one transcript, in the order in which they began."""
    found: dict[int, Talk] = defaultdict(list)
    for line in (FOLDER / f"{version}.txt").read_text().splitlines():
        number, sign, *body = line.split(" ")
        found[int(number)].append((sign, bytes.fromhex("".join(body))))
    return [found[number] for number in sorted(found)]


def bodies(talk: Talk, sign: str) -> list[bytes]:
    return [body for way, body in talk[HANDSHAKE:] if way == sign]


class Replay:
    """Our server side of one transcript, whose objects have the recorded idents."""

    def __init__(self) -> None:
        self.desk = Desk()
        self._idents: dict[str, str] = {}
        self._pending: list[str] = []

    def menu(self) -> OldMenu:
        return dict.fromkeys((*self.desk.queues, *self._idents), QUEUE_METHODS)

    def ask(self, dialect: OldDialect, request: bytes) -> Any:
        answer = dialect.read(request)
        if isinstance(answer, OldCall):
            call = answer._replace(typeid=self._idents[answer.typeid])
            answer = dialect.write(self.desk.answer(call))
        return read_reply(answer[4:])

    def learn(self, request: bytes, reply: Any) -> None:
        """The name under which the recorded client will call what it has made."""
        match read_request(request), reply:
            case (_, "create", (str(typeid),), _), (Kind.RETURN, (ident, _)):
                self._idents[ident] = typeid


def alike(ours: Any, stock: Any) -> bool:
    """Whether a client takes both for the same."""
    match ours, stock:
        case (Kind.RETURN, (str(), tuple(methods))), (Kind.RETURN, (str(), tuple(exposed))):
            return set(exposed) - {"shutdown"} == set(methods)  # 3.13 shows one more
        case (Kind.RETURN, value), (Kind.RETURN, other):
            texts = isinstance(value, str) and value.startswith("<")  # of str(proxy)
            counted = isinstance(other, int) and not isinstance(other, bool)
            return bool(value == other or texts or (counted and isinstance(value, int)))
        case (Kind.ERROR, error), (Kind.ERROR, other):
            return bool(error == other)
        case (kind, str() | bytes()), (other, str()):
            return bool(kind == other)
    return False


@pytest.mark.parametrize("version", VERSIONS)
def test_our_server_answers_as_the_stock_manager_did(version: str) -> None:
    replay = Replay()
    asked = 0

    for talk in talks(version):
        dialect = OldDialect(1, None, replay.menu)
        for request, reply in zip(bodies(talk, ">"), bodies(talk, "<"), strict=True):
            stock = read_reply(reply)
            ours = replay.ask(dialect, request)
            assert alike(ours, stock), (request, ours, stock)
            replay.learn(request, stock)
            asked += 1

    assert asked > 100


@pytest.mark.parametrize("version", VERSIONS)
def test_a_reply_has_the_protocol_of_its_request(version: str) -> None:
    for talk in talks(version):
        dialect = OldDialect(1, None, Replay().menu)
        first = bodies(talk, ">")[0]
        answer = dialect.read(first)

        assert isinstance(answer, bytes)
        assert protocol_of(first) == protocol_of(answer[4:])


@pytest.mark.parametrize("version", VERSIONS)
def test_both_handshakes_of_each_python_are_understood(version: str) -> None:
    for talk in talks(version):
        challenge, answer, welcome, theirs, answered, welcomed = (body for _, body in talk[:6])

        assert welcome == welcomed == WELCOME
        assert verified(KEY, challenge.removeprefix(CHALLENGE), answer)
        assert not verified(b"wrong", challenge.removeprefix(CHALLENGE), answer)
        assert response_to(KEY, theirs.removeprefix(CHALLENGE)) == answered


@pytest.mark.parametrize("version", VERSIONS)
def test_our_client_answers_the_challenge_of_each_manager(version: str) -> None:
    (_, challenge), (_, answer) = talks(version)[0][:2]
    handshake = client_handshake(KEY)
    handshake.receive(challenge)

    assert handshake.take() == [answer]
    assert answer != FAILURE


def test_our_requests_are_those_of_python_2_7_in_other_letters() -> None:
    requests = (request for talk in talks("2.7") for request in bodies(talk, ">"))
    for request in requests:
        asked = read_request(request)

        assert read_request(write_request(*asked)) == asked
