"""EXIF in words for people: what a camera says of a photograph. Read in the child alone."""

from collections.abc import Iterator, Mapping
from typing import Any

#: Longest text of one fact: it comes from strangers.
LONGEST = 200

_EXIF, _GPS = 0x8769, 0x8825
#: Texts, by tag (CIPA DC-008).
_MAIN = {
    0x010F: "Made by", 0x0110: "Camera", 0x013B: "Artist", 0x8298: "Copyright",
    0x010E: "Description", 0x0131: "Software",
}  # fmt: skip
_MORE = {0xA433: "Lens maker", 0xA434: "Lens"}
_TAKEN, _EXPOSURE, _STOP, _SPEED, _FOCAL = 0x9003, 0x829A, 0x829D, 0x8827, 0x920A


def shown_exif(exif: Any) -> dict[str, str]:
    """The facts of Pillow's `Image.Exif`, in the order in which they are shown."""
    more = exif.get_ifd(_EXIF)
    found = [*_texts(exif, _MAIN), *_texts(more, _MORE), *_numbers(more)]
    if exif.get_ifd(_GPS):
        found.append(("Place", "it says where it was taken"))
    return {name: value[:LONGEST] for name, value in found if value}


def _texts(tags: Mapping[int, Any], names: Mapping[int, str]) -> Iterator[tuple[str, str]]:
    for tag, name in names.items():
        yield name, _plain(tags.get(tag, ""))


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    text = str(value)
    return "".join(one if one.isprintable() else " " for one in text).strip()


def _numbers(tags: Mapping[int, Any]) -> Iterator[tuple[str, str]]:
    yield "Taken", _plain(tags.get(_TAKEN, ""))
    exposure = _number(tags.get(_EXPOSURE))
    if exposure:
        yield "Exposure", f"1/{1 / exposure:.0f} s" if exposure < 0.4 else f"{exposure:g} s"
    for tag, name, form in ((_STOP, "Aperture", "f/{:g}"), (_FOCAL, "Focal length", "{:g} mm")):
        if value := _number(tags.get(tag)):
            yield name, form.format(value)
    if speed := _number(tags.get(_SPEED)):
        yield "Sensitivity", f"ISO {speed:.0f}"


def _number(value: Any) -> float:
    """A number above nought and of sense, else 0."""
    try:
        value = float(value[0] if isinstance(value, tuple) else value)
    except (TypeError, ValueError, ZeroDivisionError, IndexError, OverflowError):
        return 0.0
    return value if 1e-7 < value < 1e7 else 0.0
