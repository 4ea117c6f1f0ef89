"""Texts as words to be looked for. Pure."""

import re
from urllib.parse import unquote, urlsplit

#: Writing without spaces between words: each character counts as one, so that a part is found.
_UNSPACED = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af])")
_WORD = re.compile(r"\w+")
#: Most characters of one image's texts that are kept and looked for.
TEXT_LIMIT = 1_000


def spaced(text: str) -> str:
    """A text as it goes into the index, and into a question."""
    return _UNSPACED.sub(r" \1 ", text.replace("_", " "))


def question(text: str) -> str:
    """What FTS5 is asked for images with all these words, the last of which may be unfinished.

    Each word is quoted, so that nothing typed is taken for FTS5's own language; "" where
    there is no word in it.
    """
    words = (" ".join(_WORD.findall(spaced(part))) for part in text.split())
    return " ".join(f'"{word}"*' for word in words if word)


def name_of(url: str) -> str:
    """The last part of a URL's path, as people read it."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    return unquote(path.rstrip("/").rpartition("/")[2], errors="replace")
