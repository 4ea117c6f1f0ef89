"""How counts are said to people."""


def many(count: int, noun: str) -> str:
    """A number with its noun: `1 image`, `2,028 images`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
