"""What depends on the Python it runs on, on the system's own where the tests run on another.

Debian 12 has 3.11.2, whose `re` and `urllib` have faults that later ones have not.
"""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SYSTEM = "/usr/bin/python3"
#: Of the unit tests, those of text and addresses.
TESTS = (
    "html", "css", "srcset", "images", "sitemap_and_feed", "charset", "redis_address",
    "robots_rfc9309", "codings",
)  # fmt: skip


def version_of(python: str) -> tuple[int, ...]:
    words = "import sys; print(*sys.version_info[:3])"
    try:
        said = subprocess.run([python, "-c", words], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ()
    return tuple(map(int, said.stdout.split()))


def test_pages_are_read_alike_on_the_pythons_of_this_machine() -> None:
    other, ours = version_of(SYSTEM), sys.version_info[:3]
    if other == ours or other[:2] != ours[:2]:
        pytest.skip(f"{SYSTEM} is {other}, which has no packages of its own or is this one")
    packages = sysconfig.get_path("platlib")
    tests = [ROOT / f"tests/unit/test_{name}.py" for name in TESTS]
    done = subprocess.run(
        [SYSTEM, "-P", "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", *map(str, tests)],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{packages}"},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-1_000:]
    assert " passed" in done.stdout
