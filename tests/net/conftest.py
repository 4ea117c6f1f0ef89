"""What the tests over several hosts share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.net.fleet import Fleet
from tests.net.lan import Lan, UnableError, local_network


@pytest.fixture
def lan(needs: Callable[[str], str]) -> Iterator[Lan]:
    """A network of several hosts; skips where namespaces cannot be made."""
    for program in ("ip", "iptables", "ss"):
        needs(program)
    try:
        network = local_network()
        made = network.__enter__()
    except UnableError as error:
        pytest.skip(str(error))
    try:
        yield made
    finally:
        network.__exit__(None, None, None)


@pytest.fixture
def fleet(lan: Lan, tmp_path: Path) -> Iterator[Fleet]:
    """A manager's host; workers get theirs when they join. Ended with the test."""
    made = Fleet(lan, tmp_path)
    try:
        yield made
    finally:
        made.close()
