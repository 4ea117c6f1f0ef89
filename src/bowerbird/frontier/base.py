"""The frontier contract. These docstrings are its specification (docs/architecture.md, "Contract").

Only durations cross it, never a client's clock. Every back end sits `tests/contracts/frontier.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from bowerbird.backoff import HOLD_CAP_S as HOLD_CAP_S  # the fleet holds no longer either
from bowerbird.model import (
    Attached,
    BeatReply,
    Filter,
    FinishReply,
    HostRow,
    Kind,
    LeaseReply,
    Outcome,
    Results,
    Sighting,
    Stats,
    Task,
    WorkerInfo,
    WorkerRow,
)

#: How often a session beats, in seconds.
BEAT_EVERY_S = 2.0
#: A session that was silent for this long has ended; four beats.
SESSION_DEADLINE_S = 8.0
#: A lease is to be started within this time or given back; tasks run ahead of slots this far.
AHEAD_S = 30.0
#: Most tasks of one `add` call, and of the last chunk that travels with a `finish`.
ADD_LIMIT = 1_000
#: Tasks of one host leased in its turn before the next host has its own.
TURN = 8
#: Connection failures in a row, without a success, that make a host *down*.
DOWN_AFTER = 5
#: Seconds after its fall at which a host that is down is probed.
PROBES_S = (60.0, 300.0, 900.0)
#: Crawl-delay and adaptive delays are never longer, in seconds.
DELAY_CAP_S = 300.0
#: Origins of one host; a hostile one has 65,535 ports to name.
ORIGINS = 64
#: How long an origin's robots.txt is believed, in seconds (RFC 9309 section 2.4).
ROBOTS_TTL_S = 86_400.0
#: Redirects followed for a robots.txt (RFC 9309 section 2.3.1.2).
ROBOTS_HOPS = 5

#: Surplus slots a session returns: host -> how many.
Give = Mapping[str, int]


class Frontier(ABC):
    """The set of all tasks of a crawl, and the only door for what happens to them.

    Every call is atomic and, once it has returned, survives the death of any process.
    Calls raise `FrontierError` or `ConnectionLostError`; outcomes of tasks are data.
    """

    # Sessions.

    @abstractmethod
    def attach(
        self,
        worker: WorkerInfo,
        tokens_held: Sequence[bytes] = (),
        kinds: Sequence[Kind] = (),
        hard_end_s: float = 180.0,
        in_flight: Give | None = None,
    ) -> Attached:
        """Begin a session.

        `tokens_held` are leases of an earlier session of the same worker; those that still
        stand are answered and are this session's from now on; all other leases of that worker go
        back. `kinds` limits what it is given (empty: all). A lease older than `hard_end_s` ends
        the session.

        `in_flight`: how many requests of theirs are under way at each host. The session owns so
        many slots there from the start, and none elsewhere. None: it does not say.

        A worker that says so comes again: it was cut off, since the frontier was away, refused
        calls or could not be reached. So may have been whoever is overdue by then: these sessions
        end without a death for their leases.
        """

    @abstractmethod
    def detach(self, session: str) -> None:
        """End a session: all leases go back uncounted, all slots are returned. Idempotent."""

    @abstractmethod
    def beat(self, session: str, give: Give | None = None) -> BeatReply:
        """Keep a session alive for `SESSION_DEADLINE_S` more. O(1), however many leases.

        Raises:
            SessionGoneError: the session has ended; the worker starts nothing and aborts.
        """

    # Tasks in.

    @abstractmethod
    def add(
        self,
        tasks: Sequence[Task],
        sightings: Sequence[Sighting] = (),
        *,
        seeds_complete: bool = False,
    ) -> int:
        """Add tasks (at most `ADD_LIMIT`); answer how many were new.

        Dedupe is by URL alone; the first kind and depth stand. `seeds_complete` marks that
        the last seed has been added: without the mark a crawl does not end.
        """

    # Tasks out and back.

    @abstractmethod
    def lease(
        self, session: str, limit: int, wait_s: float = 0.0, give: Give | None = None
    ) -> LeaseReply:
        """Give up to `limit` tasks to a session.

        Tasks may run ahead of slots, requests never: `grants` say, absolutely, how many
        requests this session may have in flight at a host. The sum over all sessions never
        exceeds `per_host`; a grant is at most ceil(per_host / sessions). A host with a delay has
        one slot, whose holder spaces its requests by their starts. A number falls only when its
        holder lets requests end and gives the surplus back in `give`; without leases at a
        host it gives all. What is given back may be used after the delay, counted from that return,
        or from the session's end + 1 s. Ahead of slots goes only what can start in `AHEAD_S`.

        Fair over hosts first (round robin, `TURN` tasks each), then priority inside the host
        (robots, images, shallow pages), then first in, first out. A suspect task is leased only to
        a session that holds no other lease, and alone.

        An engine that can block does so for up to `wait_s`; else it answers at once. No
        leases and a state that is not *ended*: ask again in `next_in_s`.

        Each call also reaps a bounded number of dead sessions.

        Raises:
            SessionGoneError: the session has ended.
        """

    @abstractmethod
    def finish(
        self, session: str, outcomes: Sequence[Outcome], give: Give | None = None
    ) -> FinishReply:
        """Take outcomes; for each: accepted or refused.

        Accepted: the token is the last one of its task and the task is unfinished, even if
        the session has ended and the task waits again. Anything else is refused, changing nothing.
        Atomic for each outcome: state, found tasks, records, sightings, host facts, counters.
        """

    # Results.

    @abstractmethod
    def results(self, cursor: str = "", limit: int = 1_000) -> Results:
        """What the crawl brought, from `cursor` on ("": the beginning); at least once each."""

    @abstractmethod
    def trim(self, cursor: str) -> None:
        """Free what lies before `cursor`, which the caller has made durable elsewhere."""

    # Looking.

    @abstractmethod
    def stats(self) -> Stats:
        """Counts at this moment. O(1) in the number of tasks."""

    @abstractmethod
    def hosts(self, limit: int = 100) -> list[HostRow]:
        """The busiest hosts first: those with most waiting and leased tasks."""

    @abstractmethod
    def workers(self) -> list[WorkerRow]:
        """All attached sessions."""

    # Steering.

    @abstractmethod
    def requeue(self, which: Filter) -> int:
        """Bring dead tasks back with no attempts, crashes or deaths; answer how many.

        Brings a host that is down back up. Sets *running* if it brought any.
        """

    @abstractmethod
    def pause(self, reason: str = "") -> None:
        """Lease nothing until `resume`, also after a restart; finishes are accepted."""

    @abstractmethod
    def resume(self) -> None:
        """Set *running*, from *paused*, *draining* or *ended*."""

    @abstractmethod
    def stop(self, reason: str = "") -> None:
        """Set *draining*: nothing more is leased; *ended* once nothing is leased."""

    # Care.

    @abstractmethod
    def audit(self) -> list[str]:
        """Check every invariant; answer what is broken, in words (empty: nothing)."""

    @abstractmethod
    def close(self) -> None:
        """Let go of files and connections; what was accepted stays."""
