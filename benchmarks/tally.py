"""What a run has left on the disk: its image files, by content."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

#: First bytes of what counts as an image; RIFF and ISO files are looked at further in.
HEADS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"\0\0\1\0")
LOOK = 1024


def is_image(head: bytes) -> bool:
    """By its first bytes, whatever its name says."""
    riff = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    avif = head[4:12] in (b"ftypavif", b"ftypavis")
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    svg = text[:4] == b"<svg" or (text[:2] in (b"<?", b"<!") and b"<svg" in text)
    svg = svg and b"<font" not in text  # a font in SVG is no picture
    return head.startswith(HEADS) or riff or avif or svg


def images(folder: Path) -> Iterator[tuple[Path, str]]:
    """(path, sha256) of every image file below a folder."""
    for path in folder.rglob("*"):
        if path.is_file():
            body = path.read_bytes()
            if is_image(body[:LOOK]):
                yield path, hashlib.sha256(body).hexdigest()


def counts(folder: Path) -> tuple[int, int]:
    """(images fetched, distinct contents): the others keep a file for each image; we say it."""
    found = [sha256 for _, sha256 in images(folder)]
    report = folder / "report.json"
    told = json.loads(report.read_text())["images"] if report.exists() else len(found)
    return int(told), len(set(found))
