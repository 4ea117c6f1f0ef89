"""How objects and temporary files of a store are named. Pure."""

import re

#: The folder of all images inside a store's folder.
IMAGES = "images"

#: What people and other programs call a type, where that differs from its name here.
_EXTENSIONS = {"jpeg": "jpg"}
_PLAIN = re.compile(r"[a-z0-9]{1,8}\Z")
_OBJECT = re.compile(IMAGES + r"/([0-9a-f]{2})/(\1[0-9a-f]{62})\.[a-z0-9]{1,8}\Z")
_HEX = frozenset("0123456789abcdef")
_TEMPORARY = re.compile(
    IMAGES + r"/(?:[0-9a-f]{2}/)?\.tmp-(?P<host>[0-9a-f]{8})-(?P<pid>\d{1,10})-(?P<born>\d{1,20})"
    r"-[0-9a-f]{8}-\d{1,20}\Z",
    re.ASCII,
)


def extension_of(type: str) -> str:
    """File name extension, without dot, of an image type: `jpeg` -> `jpg`."""
    extension = _EXTENSIONS.get(type, type)
    return extension if _PLAIN.match(extension) else "bin"


def object_path(sha256: str, type: str) -> str:
    """Path of an object in its store: `images/ab/<sha256>.<extension>`."""
    return f"{IMAGES}/{sha256[:2]}/{sha256}.{extension_of(type)}"


def is_object_path(path: str) -> bool:
    """Whether a path is one that `object_path` makes: nothing else is ever opened or removed."""
    return _OBJECT.match(path) is not None


def sha256_in(path: str) -> str:
    """The sha256 that an object's path promises; "" where it is no object's path."""
    match = _OBJECT.match(path)
    return match[2] if match else ""


def is_object_folder(name: str) -> bool:
    """Whether a folder inside `images` is one that objects lie in: two hex digits."""
    return len(name) == 2 and not set(name) - _HEX


def owner_of(path: str) -> tuple[str, int, int] | None:
    """(host, pid, start) of the process that a temporary file's name gives; None: not one."""
    match = _TEMPORARY.match(path)
    return (match["host"], int(match["pid"]), int(match["born"])) if match else None
