"""Readers of images: headers, ends and our own decoders, of every type."""

from collections.abc import Callable
from functools import partial

from bowerbird.images import Inspected, Refused, inspect
from bowerbird.images.exif import read_exif
from bowerbird.images.inspection import look
from bowerbird.settings import ALL_TYPES, Settings
from bowerbird.signatures import true_type
from tests.fuzz.target import Target
from tests.image_fixtures import whole

REASONS = frozenset(
    (
        *("not-an-image", "html-not-image", "type-not-wanted", "too-small", "too-many-pixels"),
        *("too-many-frames", "pixel-bomb", "truncated", "corrupt", "out-of-memory"),
    )
)
OPTIONS = Settings(types=ALL_TYPES)
KEEP = Settings(types=ALL_TYPES, keep_damaged=True)

WORDS: dict[str, tuple[bytes, ...]] = {
    "jpeg": (b"\xff\xd8", b"\xff\xd9", b"\xff\xda", b"\xff\xc0", b"\xff\xe1", b"Exif\0\0"),
    "png": (b"IHDR", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT", b"PLTE", b"eXIf"),
    "gif": (b"!\xf9\4", b"!\xff\x0bNETSCAPE2.0", b",", b";", b"\0"),
    "webp": (b"VP8 ", b"VP8L", b"VP8X", b"ANMF", b"ALPH", b"EXIF", b"ANIM"),
    "avif": (b"meta", b"iloc", b"iinf", b"infe", b"ipco", b"ipma", b"ispe", b"moov", b"trak"),
    "svg": (b"<svg", b"width=", b"viewBox=", b"<!DOCTYPE", b"<!ENTITY", b"<g>", b"1e308"),
}  # fmt: skip
_SVG = (
    b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' width='12.5mm' height='40%' "
    b"viewBox='0 0 30 10'><g><path d='M0 0'/></g></svg>"
)


def check_looked(body: bytes) -> None:
    """A verdict with a declared reason, its caps kept; nothing is decoded."""
    for options in (OPTIONS, KEEP):
        _check_verdict(look(body, options), body, options)


def check_decoded(body: bytes) -> None:
    """The same after a decode; and one byte less than what was accepted is never accepted too
    where a type has an end."""
    _check_verdict(inspect(body, OPTIONS), body, OPTIONS)


def _check_verdict(seen: Inspected | Refused, body: bytes, options: Settings) -> None:
    if isinstance(seen, Refused):
        assert seen.reason in REASONS
        assert len(seen.detail) < 1_000
        return
    assert seen.type == true_type(body[:4_096])
    assert 0 < seen.width * seen.height <= options.max_pixels
    assert 0 < seen.frames <= options.max_frames
    assert seen.cost <= max(options.max_frame_pixels, options.max_pixels)
    assert 1 <= seen.orientation <= 8
    assert len(seen.exif_date) in (0, 19, 25)


def check_exif(body: bytes) -> None:
    turn, date = read_exif(body, 0, len(body))
    assert 1 <= turn <= 8
    assert len(date) in (0, 19, 25)


def _files(kind: str) -> list[bytes]:
    if kind == "svg":
        return [_SVG]
    return [body for name, body in whole().items() if name.split()[0] == kind]


def _exif_blocks() -> list[bytes]:
    body = whole()["png exif"]
    at = body.index(b"eXIf") + 4
    return [body[at : at + 200], whole()["tiff"][:400], whole()["tiff big"][:400]]


def _targets(prefix: str, check: Callable[[bytes], None]) -> list[Target]:
    return [
        Target(
            name=f"{prefix}-{kind}",
            check=check,
            seeds=partial(_files, kind),
            words=WORDS.get(kind, ()),
            most=16_384,
        )
        for kind in sorted(ALL_TYPES)
    ]


TARGETS = (
    *_targets("look", check_looked),
    *_targets("decode", check_decoded),
    Target(name="exif", check=check_exif, seeds=_exif_blocks),
)
