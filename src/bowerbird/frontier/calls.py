"""The frontier's calls as they travel: one table for the client and the service.

`close` is not among them: nobody closes a frontier from afar.
"""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from bowerbird.codec import decode, encode
from bowerbird.model import (
    Attached,
    BeatReply,
    Filter,
    FinishReply,
    Grant,
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
from bowerbird.settings import Job

T = TypeVar("T")

_Give = dict[str, int] | None


class Method(Generic[T]):
    """One call: its name, the types of its arguments in order, the type of its answer."""

    __slots__ = ("answer", "arguments", "keyword", "name")

    def __init__(self, name: str, arguments: Any, answer: type[T], keyword: str = "") -> None:
        self.name = name
        self.arguments = arguments
        self.answer = answer
        self.keyword = keyword  #: name of the last argument, where it goes by keyword only

    def ask(self, *arguments: Any) -> bytes:
        """The arguments as bytes."""
        return encode(arguments)

    def read(self, payload: bytes) -> tuple[Any, ...]:
        """The arguments from bytes; raises ProtocolError where they are of other types."""
        arguments: tuple[Any, ...] = decode(payload, self.arguments)
        return arguments

    def run(self, frontier: object, arguments: tuple[Any, ...]) -> T:
        """Make the call on a frontier."""
        call = getattr(frontier, self.name)
        if self.keyword:
            answer: T = call(*arguments[:-1], **{self.keyword: arguments[-1]})
        else:
            answer = call(*arguments)
        return answer

    def answered(self, payload: bytes) -> T:
        """The answer from bytes; raises ProtocolError where it is of another type."""
        return decode(payload, self.answer)


_NOTHING = tuple[()]

ATTACH = Method(
    "attach", tuple[WorkerInfo, tuple[bytes, ...], tuple[Kind, ...], float, _Give], Attached
)
DETACH = Method("detach", tuple[str], type(None))
BEAT = Method("beat", tuple[str, _Give], BeatReply)
ADD = Method(
    "add", tuple[tuple[Task, ...], tuple[Sighting, ...], bool], int, keyword="seeds_complete"
)
LEASE = Method("lease", tuple[str, int, float, _Give], LeaseReply)
FINISH = Method("finish", tuple[str, tuple[Outcome, ...], _Give], FinishReply)
RESULTS = Method("results", tuple[str, int], Results)
TRIM = Method("trim", tuple[str], type(None))
STATS = Method("stats", _NOTHING, Stats)
HOSTS = Method("hosts", tuple[int], list[HostRow])
WORKERS = Method("workers", _NOTHING, list[WorkerRow])
REQUEUE = Method("requeue", tuple[Filter], int)
PAUSE = Method("pause", tuple[str], type(None))
RESUME = Method("resume", _NOTHING, type(None))
STOP = Method("stop", tuple[str], type(None))
AUDIT = Method("audit", _NOTHING, list[str])

#: What the service does on the frontier itself, by name.
METHODS: dict[str, Method[Any]] = {
    method.name: method
    for method in (
        ATTACH, DETACH, BEAT, ADD, LEASE, FINISH, RESULTS, TRIM, STATS, HOSTS, WORKERS, REQUEUE,
        PAUSE, RESUME, STOP, AUDIT,
    )
}  # fmt: skip

#: What the manager answers beside: the job, for a worker that joins.
JOB = Method("job", _NOTHING, Job)


def merged(earlier: Sequence[Grant], later: Sequence[Grant]) -> tuple[Grant, ...]:
    """The grants of two answers as those of one: numbers are absolute, so the later stands."""
    return tuple({grant.host: grant for grant in (*earlier, *later)}.values())
