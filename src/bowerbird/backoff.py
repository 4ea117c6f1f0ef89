"""How long to wait: retries, holds, and the spacing that adapts to a host. Pure rules."""

import random
from datetime import UTC

#: First wait before a retry, in seconds; doubles with each attempt.
FIRST_S = 1.0
#: The same where a name did not resolve: a resolver that is in trouble has taken its own seconds
#: already, and one that answers at once will say the same a moment later.
FIRST_DNS_S = 0.005
#: No retry waits longer, in seconds: ten minutes is past most outages of a moment.
LONGEST_S = 600.0
#: Hold of a host that said 429 or 503 without a Retry-After, in seconds; doubles with attempts.
HOLD_S = 5.0
#: Longest hold that is believed, in seconds.
HOLD_CAP_S = 3_600.0
#: Where an adaptive delay begins, in seconds.
SLOWED_S = 0.25
#: Where an adaptive delay ends, in seconds.
SLOWEST_S = 30.0

#: Neither the same in forked processes nor that of a program that uses us, which may have a seed.
_DICE = random.SystemRandom()


def retry_in_s(attempts: int, dice: random.Random | None = None, first_s: float = FIRST_S) -> float:
    """Seconds before the next try after `attempts` earlier ones: exponential, with full jitter
    over its upper half, so that tasks that failed together do not come back together."""
    longest = min(LONGEST_S, first_s * 2.0 ** min(attempts, 30))
    return longest * (dice or _DICE).uniform(0.5, 1.0)


def hold_in_s(retry_after: str, attempts: int, wall_s: float) -> float:
    """Seconds to leave a host alone after 429 or 503: Retry-After (RFC 9110 section 10.2.3) as
    seconds or date, within 0 and `HOLD_CAP_S`; without one, or with a bad one, doubling from
    `HOLD_S`."""
    asked = _retry_after_s(retry_after.strip(), wall_s)
    if asked is None:
        asked = HOLD_S * 2.0 ** min(attempts, 10)
    return min(max(asked, 0.0), HOLD_CAP_S)


def _retry_after_s(text: str, wall_s: float) -> float | None:
    if text.isascii() and text.isdigit():
        return float(text[:12])
    from email.utils import parsedate_to_datetime  # 10 ms that most workers never need

    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - wall_s
    except (ValueError, OverflowError):
        return None


def slower_s(delay_s: float) -> float:
    """The spacing of a host that has slowed down or erred."""
    return min(SLOWEST_S, max(SLOWED_S, delay_s * 2.0))


def faster_s(delay_s: float) -> float:
    """The spacing of a host that has been well for a while; 0 below where slowing begins."""
    return delay_s / 2.0 if delay_s / 2.0 >= SLOWED_S else 0.0
