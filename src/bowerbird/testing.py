"""Shipped stubs: what programs built on Bowerbird, and its own tests, put in place of the world."""


class ManualClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, now_s: float = 1_000.0, wall_s: float = 1_700_000_000.0) -> None:
        self._now_s = now_s
        self._wall_s = wall_s

    def __repr__(self) -> str:
        return f"<ManualClock now {self._now_s:g} s, wall {self._wall_s:g} s>"

    def now_s(self) -> float:
        """Seconds since the machine was started."""
        return self._now_s

    def wall_s(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return self._wall_s

    def advance(self, seconds: float) -> None:
        """Let time pass, on both faces."""
        self._now_s += seconds
        self._wall_s += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock as a careless operator would; no time passes."""
        self._wall_s += seconds
