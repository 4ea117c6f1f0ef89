"""Every Python of this machine, for programs that people have written against its library."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

NAMES = ("python2.7", *(f"python3.{minor}" for minor in range(6, 20)))
SAY = "import sys; print('%d.%d' % sys.version_info[:2])"


@cache
def pythons() -> dict[str, str]:
    """Version ("2.7") -> the path of an interpreter that runs."""
    found: dict[str, str] = {}
    homes = sorted(Path.home().glob(".pyenv/versions/*/bin/python"))
    candidates = [*map(str, homes), *filter(None, map(shutil.which, NAMES))]
    for path in candidates:
        asked = subprocess.run([path, "-c", SAY], capture_output=True, text=True, check=False)
        version = asked.stdout.strip()
        if asked.returncode == 0 and version not in found:
            found[version] = path
    return found
