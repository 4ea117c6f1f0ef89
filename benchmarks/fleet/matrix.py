"""Which Pythons' stock clients and managers were served: what the tests of it say, version by
version. Nothing is measured here: the tests run, and their results are counted."""

import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter, defaultdict
from pathlib import Path

from benchmarks.peers.base import ROOT
from benchmarks.tables import table

#: Tests with a version of Python in their parameters, one file or folder a row.
WHERE = (
    "tests/stock",
    "tests/integration/test_oldstyle_clients.py",
)
_VERSION = re.compile(r"\b(2\.7|3\.\d+)\b")
RESULTS = ("passed", "failed", "skipped")


def section() -> str:
    """A line for each version, a column for each result."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for name, result in _results():
        for version in set(_VERSION.findall(name)):
            counted[version][result] += 1
    lines = [
        [f"Python {version}", *(str(counted[version][result]) for result in RESULTS)]
        for version in sorted(counted, key=lambda text: tuple(map(int, text.split("."))))
    ]
    return table(["stock clients and managers of", *RESULTS], lines)


def _results() -> list[tuple[str, str]]:
    """(test, result) of each."""
    there = [where for where in WHERE if (ROOT / where).exists()]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *there]
        subprocess.run(command, cwd=ROOT, check=False)
        cases = ElementTree.parse(report).iter("testcase")
        return [(case.get("name", ""), _result(case)) for case in cases]


def _result(case: ElementTree.Element) -> str:
    kinds = {child.tag for child in case}
    if kinds & {"failure", "error"}:
        return "failed"
    return "skipped" if "skipped" in kinds else "passed"
