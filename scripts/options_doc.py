"""Writes docs/options.md from the table of options and the reasons beside the defaults.

python scripts/options_doc.py            print it
python scripts/options_doc.py --write    write docs/options.md
"""

import ast
import sys
from pathlib import Path
from typing import Any

from bowerbird.cli.options import TABLE, Option
from bowerbird.settings import MIB, Settings

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src/bowerbird/settings.py"
TARGET = ROOT / "docs/options.md"

INTRODUCTION = """\
# Options

Options of `bowerbird crawl` and `bowerbird download`. In a TOML file (`--config`) they have the
same names, with `-` or `_`. Sizes are written like `500k`, `32M`, `1.5G` (powers of 1024),
durations like `0.2`, `90s`, `15m`, `2h`. What is in brackets is the default. The limits for what is
hostile or broken are not in `--help`.

This page is written by `scripts/options_doc.py`; a test holds it to the code.
"""
REASONS = """
## Why the defaults are what they are

From Python, `bowerbird.crawl(..., per_host=8)` takes each of these by its name (but `mode`).

| setting | default | reason |
|---|---|---|"""


def reasons() -> dict[str, str]:
    """Field of Settings -> the comment beside its default, "" where there is none."""
    text = SOURCE.read_text()
    lines = text.splitlines()
    classes = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    (settings,) = [node for node in classes if node.name == "Settings"]
    fields = [node for node in settings.body if isinstance(node, ast.AnnAssign)]
    return {ast.unparse(one.target): _comment(lines[(one.end_lineno or 1) - 1]) for one in fields}


def _comment(line: str) -> str:
    return line.partition("#:")[2].strip()


def page() -> str:
    """The whole page."""
    panels = dict.fromkeys(option.panel for option in TABLE)
    rows = [f"| `{field}` | {shown(field)} | {why} |" for field, why in reasons().items()]
    return "\n".join([INTRODUCTION, *map(_panel, panels), REASONS, *rows]) + "\n"


def _panel(title: str) -> str:
    rows = [_row(option) for option in TABLE if option.panel == title]
    return "\n".join([f"\n## {title}\n", "| option | meaning |", "|---|---|", *rows])


def _row(option: Option) -> str:
    only = f" (`{option.only}` only)" if option.only else ""
    names = option.names or ("--" + option.field.replace("_", "-"),)
    return f"| {', '.join(f'`{name}`' for name in names)}{only} | {option.help} |"


def shown(field: str) -> str:
    """The default of a field, for people."""
    value: Any = getattr(Settings(), field)
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and value >= MIB and value % MIB == 0:
        return f"{value // MIB}M"
    return f"{value:,}" if isinstance(value, int) else str(value) or "none"


if __name__ == "__main__":
    if "--write" in sys.argv:
        TARGET.write_text(page())
    else:
        print(page(), end="")
