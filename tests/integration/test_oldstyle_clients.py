"""Stock clients of every Python found on this machine, against our server."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.stock import desk as desks
from tests.stock.desk import KEY, LONG_KEY, Desk, served, serving
from tests.stock.pythons import VERSIONS, interpreter

CLIENT = Path(__file__).parent.parent / "stock" / "client.py"
CHECKS = (
    *("wrong_key", "queues", "empty_and_full", "unknown", "no_shutdown", "values", "large"),
    *("no_objects", "refusal_is_clear", "threads", "forks", "tutorial", "leaves"),
)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with served() as desk:
        yield desk


@contextmanager
def client(version: str, port: int, key: bytes, *checks: str) -> Iterator[subprocess.Popen[str]]:
    command = [interpreter(version), str(CLIENT), str(port), key.hex(), *checks]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def run(version: str, port: int, key: bytes, *checks: str) -> list[str]:
    with client(version, port, key, *checks) as process:
        out, err = process.communicate(timeout=60)
    return out.splitlines() + err.splitlines()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_stock_client_finds_what_it_would_find_at_a_stock_manager(
    desk: Desk, version: str
) -> None:
    told = run(version, desks.ports(desk)[0], KEY, *CHECKS)

    assert [f"ok {check}" for check in CHECKS] == told


@pytest.mark.parametrize("version", VERSIONS)
def test_a_key_may_be_empty_or_long(desk: Desk, version: str) -> None:
    _, empty, long = desks.ports(desk)

    assert run(version, empty, b"", "wrong_key", "leaves") == ["ok wrong_key", "ok leaves"]
    assert run(version, long, LONG_KEY, "wrong_key", "leaves") == ["ok wrong_key", "ok leaves"]


@pytest.mark.parametrize("version", VERSIONS)
def test_an_old_proxy_outlives_a_restart_of_the_manager(desk: Desk, version: str) -> None:
    port = desks.ports(desk)[0]
    with client(version, port, KEY, "restart") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "restart me\n"
        desk.server.close()
        serving(desk, port)
        process.stdin.write("\n")
        process.stdin.flush()

        assert process.stdout.readline() == "ok restart\n"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_killed_in_get_is_known_to_have_left_at_once(desk: Desk, version: str) -> None:
    with client(version, desks.ports(desk)[0], KEY, "blocked") as process:
        call = desk.waiting.get(timeout=30)
        process.kill()

        while desk.left.get(timeout=30) != call.connection:
            pass


def test_a_call_tells_who_asks(desk: Desk) -> None:
    version = VERSIONS[-3]
    run(version, desks.ports(desk)[0], KEY, "leaves")

    (call,) = desk.calls
    assert (call.typeid, call.method, call.client) == ("get_task_queue", "empty", "MainProcess")
    assert call.caller is not None
    assert not call.caller.secure
    assert call.caller.peer.startswith("127.0.0.1:")
