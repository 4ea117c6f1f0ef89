"""SQL kept as named data: `-- name: what it takes` begins a statement, the next name ends it.
`{name}` in one stands for the text of another."""

import re
from functools import cache
from pathlib import Path

_NAME = re.compile(r"^-- (\w+)(?::.*)?$", re.MULTILINE)
_OTHER = re.compile(r"\{(\w+)\}")


@cache
def load(file: str) -> dict[str, str]:
    """name -> statement of one of this package's .sql files."""
    text = _read(file)
    parts = _NAME.split(text)
    named = dict(zip(parts[1::2], map(str.strip, parts[2::2]), strict=True))
    return {name: _OTHER.sub(lambda m: named[m[1]], text) for name, text in named.items()}


def schema(file: str = "schema.sql") -> str:
    """All tables, as one script that changes nothing where they are there."""
    return _read(file)


def _read(name: str) -> str:
    # By its place: `importlib.resources` would load archives and temporary files at every start.
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
