"""RESULTS.md is written by two programs; each leaves the other's part as it is."""

import re
from pathlib import Path

#: The heading under which everything of this package stands, at the end of the page.
TITLE = "# Several machines\n"


def part(path: Path) -> str:
    """What the page holds of ours; "" where it holds nothing."""
    text = path.read_text() if path.exists() else ""
    at = text.find(TITLE)
    return text[at:] if at >= 0 else ""


def put(path: Path, head: str, sections: dict[str, str]) -> str:
    """Write sections, title -> body, in place of those with the same titles; the whole page."""
    kept = _sections(part(path)) | sections
    text = path.read_text() if path.exists() else ""
    ours = [f"{TITLE}\n{head}\n", *(f"## {title}\n\n{body}\n" for title, body in kept.items())]
    page = text.partition(TITLE)[0].rstrip("\n") + "\n\n" + "\n".join(ours)
    path.write_text(page.lstrip("\n"))
    return page


def _sections(text: str) -> dict[str, str]:
    """Title -> body, in their order."""
    pieces = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)[1:]
    return {
        title: body.strip("\n") + "\n"
        for title, body in zip(pieces[::2], pieces[1::2], strict=True)
    }
