"""What the contract of frontiers is tried on: one frontier, a clock, and obedient workers."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bowerbird.errors import SessionGoneError
from bowerbird.frontier.base import Frontier
from bowerbird.frontier.rules import Rules
from bowerbird.model import (
    Filter,
    Holder,
    Kind,
    Lease,
    LeaseReply,
    Outcome,
    Record,
    State,
    Task,
    Verb,
    WorkerInfo,
)
from bowerbird.testing import ManualClock

#: Rules without robots.txt, which has tests of its own.
PLAIN = Rules(obey_robots=False, per_host=4, retries=3)


def image(path: str, host: str = "a.test", **more: Any) -> Task:
    return Task(url=f"http://{host}/{path}", kind=Kind.IMAGE, **more)


def page(path: str, host: str = "a.test", depth: int = 0, **more: Any) -> Task:
    return Task(url=f"http://{host}/{path}", kind=Kind.PAGE, depth=depth, **more)


def record(url: str, size: int = 10) -> Record:
    holder = Holder(folder="/out", path="images/ab/ab.jpg")
    return Record(
        url=url, final_url=url, status=200, type="jpeg", width=1, height=1, bytes=size,
        sha256="ab" * 32, fetched_at=1.0, holders=(holder,),
    )  # fmt: skip


def outcome(lease: Lease, verb: Verb = Verb.DONE, **more: Any) -> Outcome:
    if verb is not Verb.RELEASED:
        more.setdefault("answered", True)
    return Outcome(token=lease.token, verb=verb, **more)


def refused(lease: Lease, **more: Any) -> Outcome:
    """The connection failed."""
    return outcome(lease, Verb.RETRY, reason="connect-refused", answered=False, **more)


@dataclass
class Worker:
    """A worker that obeys: what it holds is what it was granted and has not given back."""

    bench: "Bench"
    name: str
    session: str = ""
    leases: list[Lease] = field(default_factory=list)
    slots: dict[str, int] = field(default_factory=dict)
    wished: dict[str, int] = field(default_factory=dict)
    delays: dict[str, float] = field(default_factory=dict)
    holds: dict[str, float] = field(default_factory=dict)

    def again(self) -> None:
        """Attach anew, with nothing under way: all it held goes back."""
        self.leases, self.slots = [], {}
        self.session = self.bench.frontier.attach(
            WorkerInfo(name=self.name), (), in_flight={}
        ).session

    def lease(self, limit: int = 64, give: dict[str, int] | None = None) -> list[Lease]:
        return list(self.ask(limit, give).leases)

    def ask(self, limit: int = 64, give: dict[str, int] | None = None) -> LeaseReply:
        reply = self.bench.frontier.lease(self.session, limit, 0.0, give)
        self.leases += reply.leases
        self._accept(reply.grants)
        return reply

    def beat(self, give: dict[str, int] | None = None) -> State:
        reply = self.bench.frontier.beat(self.session, give)
        self._accept(reply.grants)
        return reply.state

    def finish(self, *outcomes: Outcome, give: dict[str, int] | None = None) -> tuple[bool, ...]:
        reply = self.bench.frontier.finish(self.session, outcomes, give)
        spent = {one.token for one, good in zip(outcomes, reply.accepted, strict=True) if good}
        self.leases = [lease for lease in self.leases if lease.token not in spent]
        self._accept(reply.grants)
        return reply.accepted

    def done(self, leases: Iterable[Lease]) -> None:
        assert all(self.finish(*map(outcome, leases)))

    def give_surplus(self) -> dict[str, int]:
        """All slots above what is wished, and all where it has no lease; given with a beat."""
        busy = {host_of(lease) for lease in self.leases}
        surplus = {
            host: held - min(held, self.wished.get(host, 0) if host in busy else 0)
            for host, held in self.slots.items()
        }
        surplus = {host: number for host, number in surplus.items() if number}
        for host, number in surplus.items():
            self.slots[host] -= number
        self.beat(surplus)
        return surplus

    def _accept(self, grants: Sequence[Any]) -> None:
        for grant in grants:
            self.wished[grant.host] = grant.slots
            self.slots[grant.host] = max(self.slots.get(grant.host, 0), grant.slots)
            self.delays[grant.host], self.holds[grant.host] = grant.delay_s, grant.hold_s


@contextmanager
def coming_again(worker: Worker) -> Iterator[None]:
    """A worker whose session may be gone, as it is in another life of Redis."""
    try:
        yield
    except SessionGoneError:
        worker.again()


def host_of(lease: Lease) -> str:
    return lease.task.url.split("/")[2]


def urls(leases: Iterable[Lease]) -> list[str]:
    return [lease.task.url for lease in leases]


@dataclass
class Bench:
    """A frontier under test."""

    frontier: Frontier
    clock: ManualClock
    workers: list[Worker] = field(default_factory=list)

    def worker(self, name: str = "", **more: Any) -> Worker:
        name = name or f"w{len(self.workers)}"
        local = more.pop("local", True)
        worker = Worker(self, name)
        worker.session = self.frontier.attach(WorkerInfo(name=name, local=local), **more).session
        self.workers.append(worker)
        return worker

    def add(self, *tasks: Task, complete: bool = True) -> int:
        return self.frontier.add(tasks, seeds_complete=complete)

    def wait(self, seconds: float) -> None:
        """Let time pass; attached workers beat."""
        while seconds > 0:
            step = min(seconds, 4.0)
            self.clock.advance(step)
            seconds -= step
            for worker in self.workers:
                if worker.session:
                    worker.beat()

    def kill(self, worker: Worker) -> None:
        """A worker falls silent, and is found out."""
        worker.session, worker.leases, worker.slots = "", [], {}
        self.wait(8.5)
        reaper = self.worker(f"reaper-{len(self.workers)}")
        self.frontier.lease(reaper.session, 0)
        self.frontier.detach(reaper.session)
        reaper.session = ""

    def slots(self, host: str = "a.test") -> int:
        return sum(worker.slots.get(host, 0) for worker in self.workers)

    def dead(self) -> dict[str, int]:
        return self.frontier.stats().dead

    def requeue(self, **which: Any) -> int:
        return self.frontier.requeue(Filter(**which))

    def crawl(self, worker: Worker, rounds: int = 10_000) -> list[str]:
        """Do all there is to do; what was fetched, in order."""
        fetched: list[str] = []
        for _ in range(rounds):
            reply = worker.ask()
            if reply.state is State.ENDED:
                return fetched
            fetched += urls(reply.leases)
            self.clock.advance(0.05 if reply.leases else max(0.01, min(reply.next_in_s, 4.0)))
            worker.done(reply.leases)
            worker.give_surplus()
        raise AssertionError(f"the crawl does not end: {self.frontier.stats()}")
