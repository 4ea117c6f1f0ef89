"""RESULTS.md is written by several programs: each has a part, under a heading of its own, and puts
only those sections in place that it has measured. What stands before all parts is `run`'s."""

import re
from pathlib import Path

FLEET, REDIS = "Several machines", "The Redis engine"


def parts(path: Path) -> str:
    """All that others than `run` have written."""
    return "\n".join(f"# {title}\n{text}" for title, text in _read(path)[1].items())


def put(path: Path, part: str, head: str, sections: dict[str, str]) -> None:
    """Write sections, title -> body, in place of those with the same titles."""
    first, others = _read(path)
    kept = _split(others.get(part, ""), "##")[1] | {
        title: f"\n{body.strip()}\n" for title, body in sections.items()
    }
    bodies = (f"## {title}\n{body}" for title, body in kept.items())
    others[part] = "\n".join([f"\n{head.strip()}\n", *bodies])
    path.write_text("\n".join([first, *(f"# {name}\n{text}" for name, text in others.items())]))


def _read(path: Path) -> tuple[str, dict[str, str]]:
    """What stands before the parts, and the parts by their headings."""
    first, found = _split(path.read_text() if path.exists() else "", "#")
    own = {name: text for name, text in found.items() if name not in (FLEET, REDIS)}
    before = [f"{first.strip()}\n"] if first.strip() else []
    before += [f"# {name}\n{text}" for name, text in own.items()]
    return "\n".join(before), {name: text for name, text in found.items() if name not in own}


def _split(text: str, mark: str) -> tuple[str, dict[str, str]]:
    """What stands before headings of this kind, and title -> text below, in their order."""
    first, *pieces = re.split(rf"^{mark} (.*)\n", text, flags=re.MULTILINE)
    texts = (f"{one.rstrip()}\n" for one in pieces[1::2])
    return first, dict(zip(pieces[::2], texts, strict=True))
