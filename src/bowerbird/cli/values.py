"""How people write sizes, durations and dimensions: 32M, 1.5h, 400x300."""

import re

from bowerbird.errors import SettingsError

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SECONDS = {"": 1, "ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400}


def parse_size(text: str) -> int:
    """Bytes: `500`, `64k`, `32M`, `1.5G` (powers of 1024; a final B or iB is taken too)."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", text.strip().lower())
    if match is None or ("." in match[1] and not match[2]):  # 1.5 of what?
        raise SettingsError(f"{text!r} is no size; write it like 500k, 32M or 1.5G.")
    return int(float(match[1]) * _UNITS[match[2]])


def parse_duration(text: str) -> float:
    """Seconds: `90`, `0.2`, `500ms`, `15m`, `2h`, `1d`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)\s*(ms|[smhd]?)", text.strip().lower())
    if match is None:
        raise SettingsError(f"{text!r} is no duration; write it like 0.5, 90s, 15m or 2h.")
    return float(match[1]) * _SECONDS[match[2]]


def parse_dimensions(text: str) -> tuple[int, int]:
    """Width and height in pixels: `400x300`; `400` means both."""
    match = re.fullmatch(r"(\d+)(?:[x×](\d+))?", text.strip().lower())
    if match is None:
        raise SettingsError(f"--min-size {text!r} is no size; write it like 400x300.")
    return int(match[1]), int(match[2] or match[1])


def shown_size(size: float) -> str:
    """Bytes for people: `1.4 MB`."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1_000 or unit == "TB":
            break
        size /= 1_000
    return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"


def shown_duration(seconds: float) -> str:
    """Seconds for people: `0.42 s`, `35 s`, `4 min 05 s`, `3 h 12 min`."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
