"""SVG, kept on request only: parsed, never drawn; no document type and no entities."""

import re
from xml.parsers import expat

from bowerbird.images.base import Body, CorruptError, Header, TruncatedError

#: Nested elements; drawings have dozens.
MAX_DEPTH = 512
#: CSS pixels of each unit (CSS Values 4, section 6.2).
_UNITS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0}
_LENGTH = re.compile(r"\s*\+?(\d{0,9}(?:\.\d{0,9})?)(px|pt|pc|mm|cm|in)?\s*")
#: Size of a drawing that names none (CSS Images 3, section 5.1), and the largest believed.
_DEFAULT = (300, 150)
_MOST = 1_000_000
#: expat's errors that mean "more was to come".
_UNFINISHED = frozenset((3, 5, 6, 20))


class _StopError(Exception):
    """Raised when the root element has been read."""


class _Reader:
    """Sees the elements go by; keeps the attributes of the first."""

    def __init__(self, *, only_root: bool) -> None:
        self.root: dict[str, str] | None = None
        self._only_root = only_root
        self._depth = 0
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.EntityDeclHandler = _refuse_entity

    def read(self, data: Body) -> dict[str, str]:
        """Attributes of the root element of this document."""
        try:
            self._parser.Parse(data[:], True)
        except expat.ExpatError as error:
            raise (TruncatedError if error.code in _UNFINISHED else CorruptError)(
                str(error)
            ) from None
        except (LookupError, ValueError) as error:  # an encoding that nobody knows
            raise CorruptError(str(error)) from None
        except _StopError:
            pass
        return self.root or {}

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise CorruptError("elements nested too deep")
        if self.root is None:
            if name.rpartition(" ")[2] != "svg":
                raise CorruptError("root element is no svg")
            self.root = attributes
            if self._only_root:
                raise _StopError

    def _end(self, _: str) -> None:
        self._depth -= 1


def _refuse_entity(*_: object) -> None:
    raise CorruptError("declares entities")


def header(data: Body) -> Header:
    """Size in CSS pixels from width, height and viewBox."""
    root = _Reader(only_root=True).read(data)
    width, height = _size(root)
    return Header(width=width, height=height)


def _size(root: dict[str, str]) -> tuple[int, int]:
    width, height = _pixels(root.get("width", "")), _pixels(root.get("height", ""))
    box = _view_box(root.get("viewBox", ""))
    if box and not (width and height):
        ratio = box[0] / box[1]
        width, height = (
            (width, width / ratio) if width else (height * ratio, height) if height else box
        )
    return _whole(width or _DEFAULT[0]), _whole(height or _DEFAULT[1])


def _whole(length: float) -> int:
    return max(1, min(_MOST, round(length)))


def _pixels(text: str) -> float:
    match = _LENGTH.fullmatch(text)
    return float("0" + match[1]) * _UNITS[match[2] or ""] if match else 0.0


def _view_box(text: str) -> tuple[float, float] | None:
    try:
        _, _, width, height = map(float, text[:256].replace(",", " ").split())
    except ValueError:
        return None
    return (width, height) if 0 < width < 1e9 and 0 < height < 1e9 else None


def check_end(data: Body) -> None:
    """It must be well-formed to its end."""
    _Reader(only_root=False).read(data)


def decode(data: Body, _: Header) -> None:
    """It is never drawn, so there is nothing more to look at."""
