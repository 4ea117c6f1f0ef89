"""The end of the listening door's certificate, told while there is time to make another."""

from collections.abc import Callable
from datetime import UTC, datetime

from bowerbird.clock import Clock
from bowerbird.queues.expiry import expires_at

DAY_S = 86_400.0
#: Told when so many days are left; 0: it has expired.
LEVELS = (0, 1, 7, 30)
#: How often it is looked at, in seconds.
LOOK_EVERY_S = 600.0


class CertificateWatch:
    """Looks at a certificate now and then; says each level once."""

    def __init__(self, cert_file: str, clock: Clock, say: Callable[[str], None]) -> None:
        """`cert_file`: "": there is none."""
        self._file, self._clock, self._say = cert_file, clock, say
        self._ends_s = expires_at(cert_file) if cert_file else None
        self._said: int | None = None
        self._looked_s: float | None = None

    def look(self) -> None:
        """Say what there is to be said."""
        now_s = self._clock.now_s()
        if self._ends_s is None or (
            self._looked_s is not None and now_s - self._looked_s < LOOK_EVERY_S
        ):
            return
        self._looked_s = now_s
        left_s = self._ends_s - self._clock.wall_s()
        level = next((days for days in LEVELS if left_s <= days * DAY_S), None)
        if level is not None and level != self._said:
            self._said = level
            self._say(self._sentence(left_s))

    def _sentence(self, left_s: float) -> str:
        assert self._ends_s is not None
        day = f"{datetime.fromtimestamp(self._ends_s, UTC):%Y-%m-%d %H:%M} UTC"
        what = f"expires soon, on {day}" if left_s > 0 else f"has expired on {day}"
        who = "will be" if left_s > 0 else "are"
        return (
            f"warning: the certificate in {self._file} {what}: workers that trust it by --tls-ca "
            f"or the system {who} refused, those with --tls-fingerprint are not. Make a new one "
            "(`bowerbird keygen --tls`) and give it to this command when it is started again."
        )
