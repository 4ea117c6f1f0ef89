"""How counts are said to people, and what can be said to them."""


def is_text(text: str) -> bool:
    """Whether it can be written as UTF-8: names and arguments may hold bytes that cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def many(count: int, noun: str) -> str:
    """A number with its noun: `1 image`, `2,028 images`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
