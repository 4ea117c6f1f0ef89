"""A holder's path without what its record says already: 4 bytes in place of 79, per image."""


def pack(path: str, sha256: str) -> str:
    """`images/ab/<sha256>.jpg` -> `*.jpg`; other paths as they are (`*x` as `./*x`)."""
    stem = _stem(sha256)
    if path.startswith(stem):
        return "*" + path[len(stem) :]
    return "./" + path if path.startswith("*") else path


def unpack(path: str, sha256: str) -> str:
    """The path that `pack` was given, or another name of the same place."""
    return _stem(sha256) + path[1:] if path.startswith("*") else path


def _stem(sha256: str) -> str:
    return f"images/{sha256[:2]}/{sha256}"
