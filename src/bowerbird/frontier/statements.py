"""SQL kept as named data: `-- name: parameters -> columns`, then the statement."""

import re
from functools import cache
from pathlib import Path

_NAME = re.compile(r"^-- (\w+):.*$", re.MULTILINE)


@cache
def statements(file: str = "tasks.sql") -> dict[str, str]:
    """name -> statement."""
    parts = _NAME.split(_read(file))
    return dict(zip(parts[1::2], map(str.strip, parts[2::2]), strict=True))


def schema() -> str:
    """The script that makes all tables."""
    return _read("schema.sql")


def _read(name: str) -> str:
    # By its place: `importlib.resources` would load archives and temporary files at every start.
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
