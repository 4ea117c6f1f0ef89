"""Whatever DNS says, nothing is asked of a private address, and no name holds the others up."""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.net.naming import GIVEN_S, IMAGES, MANY, PRIVATE, PRIVATE6, PUBLIC, PUBLIC6, ZONES

PRIVATES = {f"private{n}.test": "private-address" for n in range(len(PRIVATE + PRIVATE6))}
#: How the images of each name end.
ENDS = {
    "good.test": "png not-an-image",  # the latter from the pages that keep the worker busy
    "six.test": "png",
    "both.test": "png",
    "thousand.test": "png",
    "flapping.test": "png",
    "rebound.test": "private-address",
    "mapped.test": "private-address",
    "servfail.test": "dns-failed",
    "empty.test": "dns-failed",
    "slow.test": "dns-timeout",
    **PRIVATES,
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    place = tmp_path_factory.mktemp("naming")
    words = ["unshare", "--net", "--mount", "--propagation", "private"]
    try:
        able = subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        able = False
    if not able:
        pytest.skip("this machine gives no namespaces")
    ran = subprocess.run(
        [*words, sys.executable, "-m", "tests.net.naming", place],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    result: dict[str, Any] = json.loads((Path(place) / "naming.json").read_text())
    return result


def test_every_name_ends_as_it_should(found):
    ends: dict[str, set[str]] = defaultdict(set)
    for url, word in found["ends"]:
        ends[url.split("/")[2]].add(word)
    assert {name: set(words.split()) for name, words in ENDS.items()} == ends
    assert ends.keys() == ZONES.keys()


def test_no_request_ever_reached_a_private_address(found):
    assert {host for host, _, _ in found["arrivals"]} == {PUBLIC, PUBLIC6}
    rebound = [host for host, name, _ in found["arrivals"] if name == "rebound.test"]
    assert rebound == [PUBLIC]  # asked again, the name led to loopback


def test_a_name_that_is_never_answered_holds_nobody_up(found):
    given_up_s = found["asked_s"]["slow.test"] + GIVEN_S
    moments = [at_s for _, name, at_s in found["arrivals"] if name == "good.test"]
    # Until the system's resolver has given up as well, seconds later, it must not be waited for.
    assert sum(at_s > given_up_s for at_s in moments) > IMAGES + MANY // 20
