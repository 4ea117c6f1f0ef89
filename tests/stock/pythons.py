"""Finds interpreters: on the PATH and among pyenv's."""

import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

#: Those whose clients are promised to work.
VERSIONS = ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")

_ASK = "import sys; print('%d.%d' % sys.version_info[:2])"


def interpreter(version: str) -> str:
    """An interpreter of this version; skips the test where there is none."""
    path = find(version)
    if path is None:
        pytest.skip(f"no Python {version} on this machine")
    return path


@cache
def find(version: str) -> str | None:
    """The path of an interpreter of this version."""
    paths = _candidates(version)
    return next((path for path in paths if _version_of(path) == version), None)


def _candidates(version: str) -> Iterator[str]:
    found = shutil.which(f"python{version}")
    if found:
        yield found
    for home in sorted(Path.home().glob(f".pyenv/versions/{version}.*")):
        yield str(home / "bin" / "python")


def _version_of(path: str) -> str:
    """A shim of pyenv may stand for a Python that is not there."""
    try:
        asked = subprocess.run([path, "-c", _ASK], capture_output=True, text=True, timeout=20)
    except OSError:
        return ""
    return asked.stdout.strip()
