"""What lies in Redis beside a crawl's frontier: its job, and who writes its catalog.

Workers read the job; managers take the catalog in turns. Each manager that takes it has a higher
*fence*, by which Redis refuses what an earlier one still says.
"""

from collections.abc import Sequence

import msgspec

from bowerbird.errors import FrontierError, UsageError
from bowerbird.frontier.redis.address import RedisAddress
from bowerbird.frontier.redis.division import divided, lines_to
from bowerbird.frontier.redis.keys import Keys
from bowerbird.frontier.redis.line import Ask, Line, together
from bowerbird.frontier.redis.troubles import vanished
from bowerbird.settings import MIB, Job

#: A newer form of what is posted is not read.
FORM = 1
#: A manager that has said nothing for so long has lost the catalog, in seconds.
CATALOG_S = 8.0
#: How often it says that it is there, in seconds.
RENEW_EVERY_S = 2.0
#: One element of the list `load` stands for so many open tasks, and it has so many at most:
#: autoscalers can ask for the length of a list, and for little else.
LOAD, LOAD_MOST = 100, 1_000
#: Partitions whose results are measured by one look of a worker.
GUESSED = 4
#: Bytes of results in Redis beyond which workers lease nothing until a manager has read them.
BACKLOG = 64 * MIB


class Manager(msgspec.Struct, frozen=True, kw_only=True):
    """Who writes the catalog of a crawl."""

    machine: str
    pid: int
    folder: str  #: where its crawl.db lies
    id: str = ""  #: random: one life of a process

    def __str__(self) -> str:
        return f"process {self.pid} on {self.machine}, in {self.folder}"


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """What a manager posts for workers, commands and other managers."""

    form: int = FORM
    job: Job
    backlog: int = BACKLOG
    folder: str = ""  #: where crawl.db lies, or lay
    machine: str = ""  #: and on which machine


class Chain(msgspec.Struct, frozen=True):
    """How far the catalog is in segments."""

    fence: int
    segments: int = 0
    cursor: str = ""  #: of the results, behind the last segment
    trimmed: int = 0  #: the stream of results begins behind so many of them


class CatalogLostError(FrontierError):
    """Raised when another manager has taken the catalog of a crawl."""


class Register:
    """The entry of one crawl. Any number of threads may call it; raises what `Line` raises."""

    def __init__(self, address: RedisAddress) -> None:
        """Connects at the first call."""
        self.address = address
        self._line, keys = Line(address), Keys(address.crawl)
        self._job, self._catalog = keys.of("job"), keys.of("catalog")
        self._load, self._books = keys.of("load"), keys.of("books")
        self._every: list[Line] = []
        self._looked, self._guessed = 0, dict[int, int]()
        self._all = f"{keys.common}crawls"

    def __repr__(self) -> str:
        return f"<Register of {self.address}>"

    def close(self) -> None:
        """Let go of the connections."""
        self._line.close()

    def divide(self) -> None:
        """Have the deployment divided as the address wants, if this is its first crawl.

        Raises:
            UsageError: it is divided otherwise.
        """
        divided(self._line, self.address.partitions, make=True)

    # The job.

    def text(self) -> bytes:
        """What was posted, as it is; empty: nothing."""
        text: bytes | None = self._line.command("GET", self._job)
        return text or b""

    def posted(self) -> Posted | None:
        """What was posted; None where there is no such crawl.

        Raises:
            UsageError: it is of a newer version.
        """
        return self.read(self.text())

    def read(self, text: bytes) -> Posted | None:
        """What a text says that was posted. Raises as `posted`."""
        if not text:
            return None
        try:
            posted = msgspec.json.decode(text, type=Posted)
        except msgspec.DecodeError as error:
            raise UsageError(
                f"The crawl at {self.address} was begun by another version of Bowerbird: install "
                f"the same one on all machines. (Its job cannot be used: {error})"
            ) from None
        if posted.form > FORM:
            raise UsageError(f"{self.address} was begun by a newer Bowerbird; update this one.")
        return posted

    def post(self, posted: Posted) -> None:
        """Post a job, in place of an earlier one."""
        text = msgspec.json.encode(posted)
        self._line.many((("SET", self._job, text), ("SADD", self._all, self.address.crawl)))

    def has_frontier(self) -> bool:
        """Whether the frontier of this crawl is there."""
        return bool(self._line.command("EXISTS", self._books))

    def names(self) -> list[str]:
        """The names of all crawls that were posted in this Redis."""
        return sorted(name.decode() for name in self._line.command("SMEMBERS", self._all))

    def remove(self, fence: int) -> None:
        """Remove every key of this crawl: first its books, so that nobody goes on with it; last the
        catalog, which is ours, so that nobody begins it anew under our hands. With the last crawl
        it is forgotten how hosts were divided. Raises CatalogLostError."""
        self.renew(fence)
        every = [Ask(line, "", ("UNLINK", self._key("books", line))) for line in self._lines()]
        together(every)
        for line in {line.holder().id: line for line in self._lines()}.values():
            self._remove_from(line, fence)
        self.forget(fence)

    def forget(self, fence: int) -> None:
        """Leave nothing of a crawl that has no frontier. Raises CatalogLostError."""
        self._require(self._line.run("forget", self._catalog, fence, self.address.crawl))

    def _remove_from(self, line: Line, fence: int) -> None:
        """Remove the keys that one Redis holds; in a Cluster they are of many slots."""
        pattern, cursor = f"bowerbird:{{*}}:c:{self.address.crawl}:*", b"0"
        while True:
            cursor, keys = line.command("SCAN", cursor, "MATCH", pattern, "COUNT", 1_000)
            self.renew(fence)
            if ours := [key for key in keys if key != self._catalog.encode()]:
                line.many(("UNLINK", key) for key in ours)
            if cursor == b"0":
                break

    def _lines(self) -> list[Line]:
        """Lines to all partitions."""
        if not self._every:
            self._every = lines_to(self.address, self._line, divided(self._line, 0, make=False))
        return self._every

    def _key(self, name: str, line: Line) -> str:
        return f"{line.key}c:{self.address.crawl}:{name}"

    # The catalog.

    def claim(self, manager: Manager, dead: Manager | None = None) -> Chain | Manager:
        """Take the catalog for `CATALOG_S`; answers who has it, if another does, save one that is
        known to be dead."""
        text, gone = msgspec.json.encode(manager), msgspec.json.encode(dead) if dead else b""
        fence, *rest = self._line.run("claim", self._catalog, text, repr(CATALOG_S), gone)
        if not fence:
            return msgspec.json.decode(rest[0], type=Manager)
        segments, cursor, trimmed = rest
        return Chain(fence, segments, cursor.decode(), trimmed)

    def claim_with_lock(self, manager: Manager) -> Chain | Manager:
        """As `claim`, for who holds the lock of its folder: another one there is dead."""
        found = self.claim(manager)
        if isinstance(found, Manager):
            beside = (found.machine, found.folder) == (manager.machine, manager.folder)
            return self.claim(manager, found) if beside else found
        return found

    def until(self) -> float:
        """Until when somebody has the catalog, by the clock of Redis; 0.0: it is free."""
        return float(self._line.command("HGET", self._catalog, "until") or 0)

    def manager(self) -> Manager | None:
        """Who has the catalog now."""
        (text, until), now = self._line.many(
            (("HMGET", self._catalog, "manager", "until"), ("TIME",))
        )
        held = text is not None and float(until or 0) > int(now[0])
        return msgspec.json.decode(text, type=Manager) if held else None

    def chain(self) -> Chain:
        """How far the catalog is, for who only looks."""
        found = self._line.command("HMGET", self._catalog, "segments", "cursor", "trimmed")
        segments, cursor, trimmed = (one or b"" for one in found)
        return Chain(0, int(segments or 0), cursor.decode(), int(trimmed or 0))

    def renew(self, fence: int) -> None:
        """Keep the catalog. Raises CatalogLostError."""
        self._require(self._line.run("renew", self._catalog, fence, repr(CATALOG_S)))

    def leave(self, fence: int) -> None:
        """Give the catalog away, if it is still ours."""
        self._line.run("renew", self._catalog, fence, "0")

    def commit(self, chain: Chain, *, back: bool = False) -> None:
        """A segment is durable, or the stream was trimmed; only with `back` are there fewer than
        were noted. Raises CatalogLostError."""
        done = self._line.run(
            "commit", self._catalog, chain.fence, chain.segments, chain.cursor, chain.trimmed,
            "back" if back else "",
        )  # fmt: skip
        self._require(done)

    def show_load(self, open_tasks: int) -> None:
        """Let autoscalers see how much there is to do."""
        length = min(LOAD_MOST, -(-open_tasks // LOAD))
        grow = [("RPUSH", self._load, *[""] * length)] if length else []
        # Never shorter than it is to be: somebody may look at it at any moment.
        self._line.many((*grow, ("LTRIM", self._load, 0, length - 1) if length
                         else ("DEL", self._load)))  # fmt: skip

    def _require(self, done: int) -> None:
        if not done and not self.text():
            raise vanished(self._line.place)
        if not done:
            other = self.manager()
            raise CatalogLostError(
                f"Another manager has taken {self.address}: {other or 'nobody knows which'}. This "
                "one has been silent for too long, and ends."
            )

    def backlog(self) -> int:
        """Bytes of results in Redis, about."""
        return sum(self._sizes(self._lines()))

    def backlog_guessed(self) -> int:
        """The same for who asks often: a few partitions are looked at each time, in turn."""
        lines = self._lines()
        some = range(self._looked, self._looked + min(len(lines), GUESSED))
        self._looked = some.stop % len(lines)
        places = [place % len(lines) for place in some]
        self._guessed |= zip(places, self._sizes([lines[one] for one in places]), strict=True)
        return sum(self._guessed.values())

    def _sizes(self, lines: Sequence[Line]) -> list[int]:
        asks = [
            Ask(line, "", ("MEMORY", "USAGE", self._key("results", line), "SAMPLES", 8))
            for line in lines
        ]
        return [int(size or 0) for size in together(asks)]
