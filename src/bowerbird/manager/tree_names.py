"""Names for people: a URL as `host/path/name.ext`, safe on Linux, macOS and Windows. Pure."""

import re
import unicodedata
from hashlib import blake2b
from urllib.parse import unquote_to_bytes

from bowerbird.store import extension_of
from bowerbird.urls import origin_of

#: Longest part of a path, in UTF-8 bytes: file systems take 255, encrypted ones 143.
PART_LIMIT = 120
#: Longest path, in UTF-8 bytes: Windows takes 260 characters, the folder above included.
PATH_LIMIT = 200
#: Hex digits that tell apart what would have one name; more where that is not enough.
MARKS = (8, 16, 32)

#: Extensions, beside a type's own, that mean it as well.
_ALSO = {"jpeg": ("jpeg", "jpe", "jfif"), "tiff": ("tif",), "ico": ("cur",)}
_PICTURE = re.compile(r"\.(?:jpe?g|jpe|jfif|png|gif|webp|avif|bmp|tiff?|ico|cur|svg|bin)\Z", re.I)
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
#: Names that Windows keeps for devices, with any extension (Microsoft, "Naming Files").
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?=\.|\Z)", re.I)


def names_for(url: str, type: str) -> list[str]:
    """Paths for an image, best first: the plain one, then ones with a mark of its URL.

    A URL with a query, or one that is too long, has only marked ones.
    """
    folders, stem, extension = _parts(url, type)
    short, cut = _fitted(folders, stem, extension)
    lossy = cut or "?" in url or not url.startswith(("http://", "https://"))
    digest = blake2b(url.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    marks = ([] if lossy else [""]) + ["~" + digest[:length] for length in MARKS]
    return [
        "/".join((*short, f"{_cut(stem, _room(extension))}{mark}.{extension}")) for mark in marks
    ]


def folded(path: str) -> str:
    """What two paths share that are one on a file system without case or with normal forms."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())


def _parts(url: str, type: str) -> tuple[list[str], str, str]:
    if not url.startswith(("http://", "https://")):
        return [safe(url.partition(":")[0])], "image", extension_of(type)
    origin = origin_of(url)
    path = url.partition("?")[0].partition("//")[2].partition("/")[2]
    *folders, name = map(_decoded, path.split("/"))
    host = safe(origin.partition("//")[2].replace(":", "_").strip("[]").replace("]", ""))
    return [host, *(_folder(part) for part in folders if part)], *_split(name, type)


def _decoded(part: str) -> str:
    try:
        return unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        return part


def _folder(part: str) -> str:
    part = safe(part)
    # A folder never has a name that an image beside it could have.
    return part + "_" if _PICTURE.search(part) else part


def _split(name: str, type: str) -> tuple[str, str]:
    stem, dot, extension = name.rpartition(".")
    own = extension_of(type)
    if dot and stem and extension.lower() in (own, *_ALSO.get(type, ())):
        return safe(stem), extension
    return safe(name) if name else "index", own


def safe(part: str) -> str:
    """A part of a path that every system takes, shows and keeps inside its folder."""
    part = unicodedata.normalize("NFC", _FORBIDDEN.sub("_", part))
    part = "".join("_" if _is_unseen(character) else character for character in part)
    part = re.sub(r"^[. ]|[. ]+\Z", "_", part)
    part = _DEVICE.sub(lambda match: match[0] + "_", part, count=1) if _DEVICE.match(part) else part
    return part or "_"


def _is_unseen(character: str) -> bool:
    # Cf turns the reading direction of names, Cs cannot be encoded, Cc and Co are not shown.
    return not character.isascii() and unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co"}


def _room(extension: str) -> int:
    return PART_LIMIT - len(extension) - 1 - (1 + max(MARKS))


def _fitted(folders: list[str], stem: str, extension: str) -> tuple[list[str], bool]:
    """Folders cut, and the deepest left out, until the path fits; whether anything was."""
    short = [_cut(folder, PART_LIMIT) for folder in folders]
    cut = short != folders or _cut(stem, _room(extension)) != stem
    while (
        len(short) > 1 and sum(len(part.encode()) + 1 for part in short) > PATH_LIMIT - PART_LIMIT
    ):
        short.pop()
        cut = True
    return short, cut


def _cut(part: str, limit: int) -> str:
    if len(part.encode()) <= limit:
        return part
    return part.encode()[:limit].decode(errors="ignore").rstrip(". ") or "_"
