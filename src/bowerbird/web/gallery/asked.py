"""What a page asks for, out of the query of its address. Pure."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from bowerbird.app.gallery import Query, Sort
from bowerbird.errors import UsageError

#: Most images of one answer.
MOST = 500
#: Longest text that is looked for.
TEXT = 200
#: Most images that are selected by number; whoever wants more asks for all that a query finds.
SELECTED = 50_000

_NUMBERS = ("min_side", "max_side", "min_bytes", "max_bytes")
_DIGITS = 15


def query_of(asked: Mapping[str, str]) -> Query:
    """A query; raises UsageError where it is none."""
    sort = asked.get("sort") or "newest"
    if sort not in tuple(Sort):
        raise UsageError(f"sort={sort!r} is no order; known are {', '.join(Sort)}.")
    return Query(
        words=asked.get("words", "")[:TEXT].strip(),
        host=asked.get("host", "")[:TEXT].strip(),
        types=tuple(sorted(filter(None, asked.get("types", "")[:TEXT].split(",")))),
        since=_day(asked.get("since", ""), "since"),
        until=_day(asked.get("until", ""), "until", days=1),
        sort=Sort(sort),
        **{name: number(asked, name, 0) for name in _NUMBERS},
    )


def number(asked: Mapping[str, str], name: str, default: int) -> int:
    """A whole number, not negative; raises UsageError where it is none."""
    text = asked.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise UsageError(f"{name}={text!r} is no number.")
    return int(text)


def upto_of(asked: Mapping[str, str]) -> int | None:
    """How many images there were when the page began to look; None: all there are."""
    return number(asked, "upto", 0) if asked.get("upto") else None


def _day(text: str, name: str, days: int = 0) -> int:
    if not text:
        return 0
    try:
        began = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
        return int(began.timestamp()) + days * 86_400
    except (ValueError, OverflowError):
        raise UsageError(f"{name}={text!r} is no day; write it like 2026-11-21.") from None


def numbers_of(text: str) -> list[int]:
    """Images selected by number, as `3-9,12`; raises UsageError where they are none, or too many.

    The page writes long selections in few characters: an address may have 64 kB.
    """
    found: list[int] = []
    for first, last in map(_span, text.split(",")):
        if len(found) + last - first >= SELECTED:
            raise UsageError(f"More than {SELECTED:,} images are selected; export all instead.")
        found.extend(range(first, last + 1))
    return found


def _span(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    ends = list(_whole((first, last or first)))
    if len(ends) < 2 or ends[0] > ends[1]:
        raise UsageError(f"{text!r} names no images; write them like 3-9,12.")
    return ends[0], ends[1]


def _whole(texts: tuple[str, str]) -> Iterator[int]:
    return (int(one) for one in texts if one.isascii() and one.isdigit() and len(one) <= _DIGITS)
