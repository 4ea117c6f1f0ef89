"""The test files of other projects: source packages of Debian and of the Python index.

They stay in `.broken/`; none of them is ours to pass on.
"""

import hashlib
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

from bowerbird.signatures import true_type

WORK = Path(".broken")
#: Source packages whose tests have images, many made to crash decoders.
DEBIAN = (
    "pillow", "exiv2", "libgd2", "gdk-pixbuf", "jhead", "libpng1.6", "giflib", "tiff", "libwebp",
    "libavif", "libheif", "libexif", "libjpeg-turbo", "imagemagick", "graphicsmagick", "leptonlib",
    "vips", "kimageformats", "freeimage", "golang-1.19", "libsdl2-image", "netpbm-free", "optipng",
    "openimageio", "imlib2", "qtimageformats-opensource-src", "rust-image", "rust-png",
)  # fmt: skip
PYTHON = ("pillow", "pillow-heif", "imageio", "pypng", "tifffile", "pillow-avif-plugin")
#: Largest file taken, in bytes: the crawler's own limit.
MOST = 32 << 20

_ENDING = re.compile(
    r"\.(?:jpe?g|jpe|jfif|a?png|gif|webp|avifs?|bmp|dib|tiff?|ico|cur|svg|heic|jp2|j2k)$", re.I
)
_MADE_TO_HURT = re.compile(r"(?:crash|timeout|oom|poc|fuzz|issue|cve|bug)[-_/0-9]", re.I)
_TEXT = re.compile(
    r"\.(?:c|h|cc|cpp|cxx|hpp|py|md|txt|sh|go|rs|out|html?|diff|patch|xml|ya?ml|json|s)$"
)


def fetch() -> None:
    """Bring the packages to `.broken/archives`, as far as they are to be had."""
    archives = WORK / "archives"
    (archives / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    options = _apt_options(archives)
    subprocess.run(["apt-get", *options, "-qq", "update"], check=False)
    for package in DEBIAN:
        _try(["apt-get", *options, "-qq", "source", "--download-only", package], archives)
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]
    for package in PYTHON:
        _try([*pip, "-d", ".", package], archives)


def _apt_options(archives: Path) -> list[str]:
    """The machine's own sources, as sources of source packages, without touching its lists."""
    sources = Path("/etc/apt/sources.list.d/debian.sources").read_text()
    (archives / "src.sources").write_text(
        re.sub(r"^Types: deb$", "Types: deb-src", sources, flags=re.M)
    )
    here = archives.resolve()
    settings = {
        "Dir::Etc::SourceList": here / "src.sources",
        "Dir::Etc::SourceParts": "/nonexistent",
        "Dir::State::Lists": here / "lists",
        "APT::Sandbox::User": "root",
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def _try(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    print(
        command[-1], "" if done.returncode == 0 else f"cannot be had: {done.stderr[-200:].strip()}"
    )


def harvest() -> dict[str, list[Path]]:
    """Source package -> its files, each content once; what was unpacked before is taken up."""
    known, found = set[str](), dict[str, list[Path]]()
    for archive in sorted((WORK / "archives").glob("*.tar.*")):
        if archive.suffix in (".gz", ".xz", ".bz2"):
            found[archive.name] = list(_unpacked(archive, known))
    return {name: files for name, files in found.items() if files}


def _unpacked(archive: Path, known: set[str]) -> Iterator[Path]:
    folder = WORK / "files" / archive.name
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() and member.size <= MOST else None
            body = file.read() if file else b""
            digest = hashlib.sha256(body).hexdigest()
            if not body or digest in known or not _is_wanted(member.name, body):
                continue
            known.add(digest)
            path = folder / f"{digest[:12]}-{Path(member.name).name[:80]}"
            if not path.exists():
                path.write_bytes(body)
            yield path


def _is_wanted(name: str, body: bytes) -> bool:
    if true_type(body[:4_096]) or _ENDING.search(name):
        return True
    return bool(_MADE_TO_HURT.search(name)) and not _TEXT.search(name.lower())
