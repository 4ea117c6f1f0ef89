"""Writes docs/options.md from the table of options and the reasons beside the defaults.

python scripts/options_doc.py            print it
python scripts/options_doc.py --write    write docs/options.md
"""

import re
import sys
from pathlib import Path

from bowerbird.cli.options import TABLE
from bowerbird.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src/bowerbird/settings.py"
TARGET = ROOT / "docs/options.md"

INTRODUCTION = """\
# Options

Options of `bowerbird crawl` and `bowerbird download`. In a TOML file (`--config`) they have the
same names, with `-` or `_`. Sizes are written like `500k`, `32M`, `1.5G` (powers of 1024),
durations like `0.2`, `90s`, `15m`, `2h`. What is in brackets is the default.

This page is written by `scripts/options_doc.py`; a test holds it to the code.
"""


def reasons() -> dict[str, str]:
    """Field -> the comment beside its default."""
    found = re.finditer(r"^    (\w+): [^#\n]+#: (.+)$", SOURCE.read_text(), re.MULTILINE)
    return {match[1]: match[2] for match in found}


def page() -> str:
    """The whole page."""
    parts, panel = [INTRODUCTION], ""
    for option in TABLE:
        if option.panel != panel:
            panel = option.panel
            parts.append(f"\n## {panel}\n\n| option | meaning |\n|---|---|")
        only = f" (`{option.only}` only)" if option.only else ""
        name = "--" + option.field.replace("_", "-")
        parts.append(f"| `{name}`{only} | {option.help} |")
    parts.append("\n## Why the defaults are what they are\n")
    parts.append("| setting | default | reason |\n|---|---|---|")
    for field, why in reasons().items():
        if field in Settings.__struct_fields__:
            parts.append(f"| {field} | {shown(field)} | {why} |")
    return "\n".join(parts) + "\n"


def shown(field: str) -> str:
    """The default of a field, for people."""
    value = getattr(Settings(), field)
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return str(value)


if __name__ == "__main__":
    if "--write" in sys.argv:
        TARGET.write_text(page())
    else:
        print(page(), end="")
