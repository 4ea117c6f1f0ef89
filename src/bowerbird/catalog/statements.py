"""SQL kept as named data: `-- name: what it takes` begins a statement, the next name ends it.
`{name}` in one stands for the text of another."""

import re
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- (\w+)(?::.*)?$", re.MULTILINE)
_OTHER = re.compile(r"\{(\w+)\}")


@cache
def load(file: str) -> dict[str, str]:
    """name -> statement of one of this package's .sql files."""
    text = files("bowerbird.catalog").joinpath(file).read_text(encoding="utf-8")
    parts = _NAME.split(text)
    named = dict(zip(parts[1::2], map(str.strip, parts[2::2]), strict=True))
    return {name: _OTHER.sub(lambda m: named[m[1]], text) for name, text in named.items()}


def schema() -> str:
    """All tables, as one script that changes nothing where they are there."""
    return files("bowerbird.catalog").joinpath("schema.sql").read_text(encoding="utf-8")
