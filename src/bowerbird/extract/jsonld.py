"""Images in JSON-LD: schema.org's properties, in nested graphs, in JSON that is often broken."""

import json
import re
from typing import Any

import msgspec

from bowerbird.extract.base import words
from bowerbird.extract.links import is_image_path

#: Properties whose value is an image, or several.
_IMAGES = frozenset(
    words(
        """
    image images photo photos logo thumbnail thumbnailurl primaryimageofpage screenshot
    """
    )
)
_IMAGE_TYPES = frozenset(
    f"{prefix}{name}"
    for prefix in ("", "schema:", "http://schema.org/", "https://schema.org/")
    for name in ("ImageObject", "ImageObjectSnapshot", "Photograph")
)
#: Properties of an ImageObject that hold its URL.
_LOCATIONS = ("contentUrl", "url", "@id", "thumbnailUrl", "thumbnail")
_STRING = re.compile(r'"((?:[^"\\]++|\\.|(?!))*+)("?+)', re.DOTALL)
_COMMENTS = re.compile(
    r"\A\s*+(?:<!--|//\s*+<!\[CDATA\[|/\*\s*+<!\[CDATA\[\s*+\*/)|"
    r"(?:-->|//\s*+\]\]>|/\*\s*+\]\]>\s*+\*/)\s*+\Z"
)
_TRAILING_COMMA = re.compile(r",(?=\s*+[}\]])")
#: A longer text is not parsed, in characters: values take fifty times as much memory.
_MAX_PARSED = 1 << 20
#: Values of one document that are looked at.
_MAX_VALUES = 100_000


def images_of(text: str) -> list[str]:
    """Image links of a JSON-LD script, in its order. Of broken or very long JSON all strings that
    name image files."""
    value = _parse(text) if len(text) <= _MAX_PARSED else None
    if value is None:
        strings = (_unescaped(match[1]) for match in _STRING.finditer(text) if match[2])
        return [each for each in strings if _names_file(each)]
    return _walk(value)


def _parse(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        pass
    mended = _TRAILING_COMMA.sub("", _COMMENTS.sub("", text)).strip().rstrip(";")
    try:
        return json.loads(
            mended, strict=False
        )  # line breaks within strings are its commonest fault
    except (ValueError, RecursionError):
        return None


def _walk(value: Any) -> list[str]:
    found: list[str] = []
    stack: list[tuple[Any, bool]] = [(value, False)]
    for _ in range(_MAX_VALUES):
        if not stack:
            break
        each, is_image = stack.pop()
        if isinstance(each, str):
            if is_image:
                found.append(each)
        elif isinstance(each, list):
            stack.extend((item, is_image) for item in reversed(each))
        elif isinstance(each, dict):
            stack.extend(reversed(_members(each, is_image)))
    return found


def _members(thing: dict[Any, Any], is_image: bool) -> list[tuple[Any, bool]]:
    kind = thing.get("@type", "")
    kinds = kind if isinstance(kind, list) else (kind,)
    is_image = is_image or any(each in _IMAGE_TYPES for each in kinds if isinstance(each, str))
    return [(value, _is_image(name, value, is_image)) for name, value in thing.items()]


def _is_image(name: str, value: Any, in_image: bool) -> bool:
    if name.lower() in _IMAGES:
        return True
    if not isinstance(value, str | list):
        return False
    if in_image and name in _LOCATIONS:
        return name in ("contentUrl", "url", "thumbnailUrl") or _names_file(value)
    return name == "contentUrl" and _names_file(value)


def _names_file(value: str | list[Any]) -> bool:
    return isinstance(value, str) and is_image_path(value.partition("#")[0])


def _unescaped(text: str) -> str:
    return text.replace("\\/", "/").replace("\\u0026", "&")
