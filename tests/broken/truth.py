"""What a file is and where it ends, by others' word: Pillow's, and the letter of each format.

Written apart from `bowerbird.images`, so that one does not confirm the other's mistakes.
"""

import io
import struct
import warnings

from PIL import Image, ImageFile, UnidentifiedImageError

#: Pillow's names of our types; MPO is a JPEG with more behind it, CUR an icon.
NAMES = {
    "JPEG": "jpeg", "MPO": "jpeg", "PNG": "png", "GIF": "gif", "WEBP": "webp", "AVIF": "avif",
    "BMP": "bmp", "DIB": "bmp", "TIFF": "tiff", "ICO": "ico", "CUR": "ico",
}  # fmt: skip


#: Types that Pillow tries by their looks alone.
GUESSED = ("TGA", "PCX", "SGI")


def type_of(body: bytes) -> str:
    """The type that Pillow sees, with all its plugins; "" where it sees none, or
    only one that knows no signature."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(body)) as picture:
                kind = picture.format or ""
                return "" if kind in GUESSED else NAMES.get(kind, kind)
    except (UnidentifiedImageError, Image.DecompressionBombError, Exception):
        return ""


def pixels_of(body: bytes) -> list[bytes] | str:
    """The pixels of all frames; why not, where Pillow refuses one."""
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    found = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(body)) as picture:
                for frame in range(getattr(picture, "n_frames", 1)):
                    picture.seek(frame)
                    found.append(picture.tobytes())
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return found


def is_drawn(body: bytes) -> bool:
    """Whether Pillow decodes all its frames."""
    return not isinstance(pixels_of(body), str)


def end_of(kind: str, body: bytes) -> int:
    """The least length at which nothing of the image is missing; the whole where nobody knows."""
    if kind == "svg":
        return body.rfind(b">") + 1
    finder = {"png": _png, "jpeg": _jpeg, "gif": _gif, "webp": _webp, "bmp": _bmp, "avif": _avif}
    try:
        return min(finder[kind](body), len(body)) if kind in finder else len(body)
    except (IndexError, ValueError, struct.error):
        return len(body)


def _png(body: bytes) -> int:
    at = 8
    while body[at + 4 : at + 8] != b"IEND":
        at += 12 + int.from_bytes(body[at : at + 4], "big")
        if at > len(body):
            raise ValueError
    return at + 12


def _jpeg(body: bytes) -> int:
    """The end marker that follows the last scan: segments are stepped over by their length."""
    at = 2
    while True:
        at = body.index(b"\xff", at)
        marker = body[at + 1]
        if marker == 0xD9:
            return at + 2
        if marker in (0, 1, 0xFF) or 0xD0 <= marker <= 0xD8:
            at += 1 if marker == 0xFF else 2
        else:
            at += 2 + int.from_bytes(body[at + 2 : at + 4], "big")


def _gif(body: bytes) -> int:
    at = 13 + (3 << (body[10] & 7) + 1 if body[10] & 0x80 else 0)
    while body[at] != 0x3B:
        if body[at] == 0x2C:
            at += 11 + (3 << (body[at + 9] & 7) + 1 if body[at + 9] & 0x80 else 0)
        else:
            at += 2
        while body[at]:
            at += body[at] + 1
        at += 1
    return at + 1


def _webp(body: bytes) -> int:
    return 8 + int.from_bytes(body[4:8], "little")


def _bmp(body: bytes) -> int:
    start, size = struct.unpack_from("<II", body, 10)
    if size == 12:
        width, height, _, depth = struct.unpack_from("<HHHH", body, 18)
        packed = 0
    else:
        width, height, _, depth = struct.unpack_from("<iiHH", body, 18)
        packed = struct.unpack_from("<I", body, 30)[0]
    if packed in (1, 2):
        return start + int(struct.unpack_from("<I", body, 34)[0])
    return start + (width * depth + 31) // 32 * 4 * abs(height)


def _avif(body: bytes) -> int:
    """The end of the last box that is not padding."""
    at, end = 0, 0
    while at < len(body):
        size = int.from_bytes(body[at : at + 4], "big")
        name = body[at + 4 : at + 8]
        if size == 1:
            size = int.from_bytes(body[at + 8 : at + 16], "big")
        at = at + size if size else len(body)
        if name not in (b"free", b"skip"):
            end = at
    return end
