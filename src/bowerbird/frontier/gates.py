"""robots.txt (RFC 9309): a gate before each origin, and the judging of tasks behind it.

An origin's tasks wait until its rules are known, and again when these are a day old. Tasks are
judged here and nowhere else, when they would be leased.
"""

from bowerbird.frontier.base import ROBOTS_HOPS, ROBOTS_TTL_S
from bowerbird.frontier.hosts import Host
from bowerbird.frontier.robots_rules import AtHand, Rules
from bowerbird.frontier.shared import Shared
from bowerbird.frontier.tasks import ROBOTS, Entry, OriginFacts
from bowerbird.model import Kind, Robots, Task
from bowerbird.urls import origin_of

#: Bytes of a robots.txt that are read (RFC 9309 section 2.5 asks for at least 500 KiB).
MAX_TEXT = 512 * 1024
#: Why tasks die where the rules say so, and where no rules could be had.
FORBIDDEN, UNREACHABLE = "robots", "robots-unreachable"
#: What keeps us from a whole origin by a rule of ours, and says more than that its robots.txt
#: could not be had. No fault of the network's: the host is not down.
BARRED = frozenset({"bad-url", "private-address", "tls-certificate"})


class Gates:
    """Which origins are open, and what their rules say."""

    def __init__(self, shared: Shared) -> None:
        self._store, self._rules = shared.store, shared.rules
        self._asked: dict[int, int] = {}  #: origin -> its robots task, while that is unfinished
        self._at_hand = AtHand[int](shared.rules.user_agent)

    def restore(self, asked: dict[int, int]) -> None:
        """Take up the gates of before."""
        self._asked = dict(asked)
        self._at_hand.clear()

    # The gate.

    def is_open(self, origin: OriginFacts, now: float) -> bool:
        """Whether an origin's tasks may be judged now."""
        if not self._rules.obey_robots:
            return True
        return bool(origin.verdict) and now - origin.judged_at < ROBOTS_TTL_S

    def task_for(self, origin: OriginFacts) -> Task | None:
        """The robots task an origin needs, unless it is under way already."""
        if origin.id in self._asked:
            return None
        return Task(url=f"{origin.name}/robots.txt", kind=Kind.ROBOTS)

    def asked(self, origin: int, task: int) -> None:
        """This task is to open the gate."""
        self._asked[origin] = task

    def target(self, entry: Entry, moved: Task) -> Task | None:
        """Where a redirect of a robots.txt leads; None: far enough, all is allowed."""
        if moved.hops > ROBOTS_HOPS or moved.url in (entry.task.url, entry.task.first):
            return None
        return Task(
            url=moved.url, kind=Kind.ROBOTS, hops=entry.task.hops + 1, first_url=entry.task.first
        ) if entry.task.hops < ROBOTS_HOPS else None  # fmt: skip

    def gate_of(self, entry: Entry) -> str:
        """The origin whose gate a robots task opens: the first one, whatever it moved to."""
        return origin_of(entry.task.first)

    def ask_again(self, host: Host) -> None:
        """Someone wants a host's dead tasks tried again: what forbade them all is asked anew."""
        for lane in host.lanes:
            if lane.verdict == "forbid":
                lane.verdict = ""
                self._store.keep_origin(lane, "")

    def forget(self, entry: Entry) -> None:
        """A robots task is given up: its gate stays shut and may be asked for again."""
        if entry.kind == ROBOTS:
            self._asked = {origin: task for origin, task in self._asked.items() if task != entry.id}

    def settle(self, origin: OriginFacts, robots: Robots, reason: str, now: float) -> float:
        """A gate's task is over; answer the delay its rules ask for, in seconds."""
        self._asked.pop(origin.id, None)
        self._at_hand.forget(origin.id)
        text = robots.text[:MAX_TEXT] if robots.verdict == "text" else ""
        text = text.encode("utf-8", "replace").decode()  # lone surrogates break SQLite
        origin.verdict = (
            "allow" if robots.verdict == "text" and not text.strip() else robots.verdict
        )
        origin.reason, origin.judged_at = reason, now
        self._store.keep_origin(origin, text)
        if origin.verdict != "text":
            return 0.0
        return min(self._rules_of(origin).delay_s, self._rules.max_crawl_delay_s)

    # Judging.

    def refusal(self, origin: OriginFacts, url: str) -> str:
        """Why a task may not be fetched; "" where it may."""
        if not self._rules.obey_robots or origin.verdict == "allow":
            return ""
        if origin.verdict == "forbid":
            return origin.reason or UNREACHABLE
        return "" if self._rules_of(origin).allows(url) else FORBIDDEN

    def _rules_of(self, origin: OriginFacts) -> Rules:
        return self._at_hand.get(origin.id, lambda: self._store.robots_text(origin.id))


def lane_of(host: Host, origin: int) -> OriginFacts | None:
    """The facts of one of a host's origins, where they are at hand."""
    return next((lane for lane in host.lanes if lane.id == origin), None)
