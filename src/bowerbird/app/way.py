"""The way of a far worker to its manager: opened again and again, for one and the same crawl."""

from collections.abc import Callable

import msgspec

from bowerbird._version import __version__
from bowerbird.app.engines import RedisTarget
from bowerbird.errors import (
    BowerbirdError,
    ProtocolError,
    RemoteCallError,
    SettingsError,
    UsageError,
)
from bowerbird.frontier.base import Frontier
from bowerbird.frontier.calls import JOB
from bowerbird.frontier.remote import RemoteFrontier
from bowerbird.queues import ClientTls
from bowerbird.settings import Job, check_ranges

#: Time for a connection and its handshake, in seconds: then it is tried anew.
REACH_S = 5.0


class VersionError(BowerbirdError):
    """Raised when a manager's job cannot be read: it is of another version."""


class OtherCrawlError(BowerbirdError):
    """Raised when another crawl than before is run at an address."""


class Target(msgspec.Struct, frozen=True, tag="manager"):
    """Where a manager is, and what it takes to come in."""

    address: str
    authkey: bytes
    tls: ClientTls | None = None

    def open(self) -> RemoteFrontier:
        """A way there; it connects at the first call."""
        return RemoteFrontier(self.address, self.authkey, self.tls, reach_s=REACH_S)

    def job(self) -> Job:
        """What there is to do.

        Raises:
            ConnectionLostError: nobody is there, or not yet.
            AuthenticationError, CertificateError, ProtocolError: it is no manager for us.
            VersionError: it is of a version that we do not understand.
        """
        frontier = self.open()
        try:
            return job_of(frontier, self.address)
        finally:
            frontier.close()

    def enter(self) -> tuple[Frontier, Job]:
        """A way there, and what there is to do; raises as `job`."""
        frontier = self.open()
        try:
            return frontier, job_of(frontier, self.address)
        except BaseException:
            frontier.close()
            raise


def job_of(frontier: RemoteFrontier, address: str) -> Job:
    """The job a manager gives."""
    try:
        payload = frontier.call(JOB.name, JOB.ask())
    except (RemoteCallError, UsageError) as error:
        raise VersionError(f"What answers at {address} runs no crawl: {error}") from None
    try:
        job = JOB.answered(payload)
        check_ranges(job.settings)
    except (ProtocolError, SettingsError) as error:
        raise VersionError(
            f"The manager at {address} is of another version; this is Bowerbird {__version__}. "
            f"Install the same version on both machines. (Its job cannot be used: {error})"
        ) from None
    return job


class Way:
    """Ways to the manager of one crawl."""

    def __init__(self, target: Target | RedisTarget, job: Job, changed: Callable[[], None]) -> None:
        """`changed` is called when the crawl goes on with other settings."""
        self._target = target
        self._job = job
        self._changed = changed

    def connect(self) -> Frontier:
        """A new way, once it is clear that it leads to the same crawl.

        Raises:
            OtherCrawlError: it does not.
            BowerbirdError: see `Target.job`.
        """
        frontier, job = self._target.enter()
        try:
            self._compare(job)
        except BaseException:
            frontier.close()
            raise
        return frontier

    def _compare(self, job: Job) -> None:
        if job.name != self._job.name:
            raise OtherCrawlError(f"Another crawl is run at {self._target.address} now.")
        if _lasting(job) != _lasting(self._job):
            self._changed()


def _lasting(job: Job) -> Job:
    """A job without what differs from one run of a manager to the next."""
    return msgspec.structs.replace(job, workers=1, folder="", version="")
