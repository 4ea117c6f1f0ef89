"""A token bucket (bytes per second). Pure: it is told the time."""


class TokenBucket:
    """Holds at most `rate` x `burst_s` tokens; may be overdrawn by what is already on its way."""

    def __init__(self, rate: float, now_s: float, *, burst_s: float = 0.25) -> None:
        self._rate = rate
        self._most = rate * burst_s
        self._tokens = self._most
        self._at_s = now_s

    def pour(self, rate: float, now_s: float) -> None:
        """From now on at this rate."""
        self._refill(now_s)
        self._most *= rate / self._rate
        self._rate = rate

    def take(self, count: float, now_s: float) -> None:
        """Take tokens, whether they are there or not."""
        self._refill(now_s)
        self._tokens -= count

    def tokens(self, now_s: float) -> int:
        """Tokens that are there; 0 where it is overdrawn."""
        self._refill(now_s)
        return max(0, int(self._tokens))

    def ready_in_s(self, now_s: float) -> float:
        """Seconds until a token is there; 0.0 if one is."""
        self._refill(now_s)
        return max(0.0, (1.0 - self._tokens) / self._rate)

    def _refill(self, now_s: float) -> None:
        passed = max(0.0, now_s - self._at_s)
        self._tokens = min(self._most, self._tokens + passed * self._rate)
        self._at_s = now_s
