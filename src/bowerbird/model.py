"""The values that travel between manager, frontier, worker and catalog.

Frozen `msgspec` structs; on the wire each is a msgpack array, so fields are only ever
added at the end. Durations are seconds as float, with the suffix `_s`; dates are seconds since
1970 UTC; sizes are bytes; URLs are canonical (`bowerbird.urls.canonical`).
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What a task is expected to fetch."""

    ROBOTS = "robots"  #: an origin's robots.txt; made by the frontier itself
    PAGE = "page"  #: a document with links
    IMAGE = "image"  #: an image
    SITEMAP = "sitemap"  #: a sitemap or sitemap index
    FEED = "feed"  #: RSS or Atom
    STYLESHEET = "stylesheet"  #: CSS, read for its images


class Place(StrEnum):
    """The kind of place where an image was seen."""

    IMG = "img"
    SRCSET = "srcset"
    LAZY = "lazy"
    NOSCRIPT = "noscript"
    CSS = "css"
    META = "meta"  #: og:image, twitter:image
    JSON_LD = "json-ld"
    MICRODATA = "microdata"
    ICON = "icon"
    PRELOAD = "preload"
    LINK = "link"  #: a href, image_src
    POSTER = "poster"
    INPUT = "input"
    SVG = "svg"
    OBJECT = "object"
    SITEMAP = "sitemap"
    FEED = "feed"
    DATA = "data"  #: a data: URI
    LIST = "list"  #: named by the user
    PAGE = "page"  #: a page link that turned out to be an image


class Value(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """The base of all values here: immutable, by keyword, arrays on the wire."""


# What is to be fetched.


class Task(Value, frozen=True, kw_only=True, array_like=True):
    """One URL to fetch."""

    url: str
    kind: Kind
    depth: int = 0  #: links away from a start page; images count as one further
    hops: int = 0  #: redirects followed to get here
    first_url: str = ""  #: first URL of the redirect chain; "" means `url` itself
    referrer: str = ""  #: the page where it was found; sent as Referer
    alternates: tuple[str, ...] = ()  #: other sizes of the same image, tried when this is dead

    @property
    def first(self) -> str:
        """The first URL this task was reached by."""
        return self.first_url or self.url


class Lease(Value, frozen=True, kw_only=True, array_like=True):
    """A task given to one session."""

    token: bytes  #: 64 random bits of the `lease` call and the index in its answer
    task: Task
    attempts: int = 0  #: how many *retry* outcomes it has had
    suspect: bool = False  #: it was held in two deaths: it is run with nothing else at hand


class Grant(Value, frozen=True, kw_only=True, array_like=True):
    """What a session may do at a host, as of the answer it came with."""

    host: str
    slots: int  #: requests in flight wished for this session, absolute
    delay_s: float = 0.0  #: least time between two request starts
    hold_s: float = 0.0  #: no request before this has passed
    seq: int = 0  #: as that of the answer, where several of those order their own; 0: the answer's


# What comes back.


class Holder(Value, frozen=True, kw_only=True, array_like=True):
    """Where the bytes of an image lie."""

    folder: str  #: the crawl's own: an absolute path; any other: file://machine/path#id
    path: str  #: inside the folder, with forward slashes: images/ab/<sha256>.<type>
    worker: str = ""  #: the worker that wrote it


class Record(Value, frozen=True, kw_only=True, array_like=True):
    """One stored image. Its key is `final_url`."""

    url: str  #: the first URL it was reached by
    final_url: str  #: the URL that gave the bytes
    status: int
    type: str  #: true type, by its bytes: jpeg, png, gif, webp, avif, bmp, tiff, ico, svg
    width: int
    height: int
    bytes: int
    sha256: str
    fetched_at: float
    exif_date: str = ""  #: capture date as ISO 8601, "" where there is none
    orientation: int = 1  #: EXIF orientation, 1 to 8
    frames: int = 1
    etag: str = ""
    last_modified: str = ""
    damaged: bool = False  #: only its end is missing and --keep-damaged was given
    state: str = "stored"  #: stored, or elsewhere (an old-style client has it)
    holders: tuple[Holder, ...] = ()


class Sighting(Value, frozen=True, kw_only=True, array_like=True):
    """Where an image was seen."""

    image_url: str
    page_url: str
    place: Place
    alt: str = ""


class Redirection(Value, frozen=True, kw_only=True, array_like=True):
    """One hop: resolves first URLs and their sightings to the final one.

    It leads from a dead image to its alternate as well; the status is not 3xx then.
    """

    from_url: str
    to_url: str
    status: int


class Death(Value, frozen=True, kw_only=True, array_like=True):
    """A task that ended without what it was for."""

    url: str
    first_url: str
    kind: Kind
    reason: str
    detail: str = ""


class Verb(StrEnum):
    """What a worker says of a lease."""

    DONE = "done"
    MOVED = "moved"  #: a redirect; `moved` names the target
    RETRY = "retry"  #: counted; again after `in_s`
    DEAD = "dead"  #: will not pass; `reason`
    RELEASED = "released"  #: not started; uncounted


class Held(Value, frozen=True, kw_only=True, array_like=True):
    """A further place where the bytes of a record lie."""

    final_url: str
    sha256: str  #: of those bytes; where the record's is another by now, nothing is changed
    holder: Holder
    without: str = ""  #: a folder that no longer has them


class Forgotten(Value, frozen=True, kw_only=True, array_like=True):
    """A record that is void, since its file was bad: the one that was fetched at that moment."""

    final_url: str
    fetched_at: float


class Robots(Value, frozen=True, kw_only=True, array_like=True):
    """What a robots task brought for its origin (RFC 9309)."""

    verdict: str  #: "text", "allow" (4xx), "forbid" (5xx)
    text: str = ""


class Outcome(Value, frozen=True, kw_only=True, array_like=True):
    """The end of one lease, and all that goes with it, taken or refused as one."""

    token: bytes
    verb: Verb
    reason: str = ""  #: for retry and dead: one word with hyphens, see docs/reasons.md
    detail: str = ""  #: for people
    in_s: float = 0.0
    found: tuple[Task, ...] = ()
    records: tuple[Record, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    moved: Task | None = None
    status: int = 0  #: the HTTP status, 0 where there was none
    robots: Robots | None = None
    answered: bool | None = None  #: False: DNS, connect, TLS failed or silence; None: not asked
    hold_s: float = 0.0  #: fact about the host: no request before this (429, 503, Retry-After)
    delay_s: float | None = None  #: fact about the host: its spacing from now on
    counts: dict[str, int] = {}  #: added to the crawl's counters


# What the frontier answers.


class State(StrEnum):
    """The state of a crawl."""

    RUNNING = "running"
    PAUSED = "paused"
    DRAINING = "draining"
    ENDED = "ended"


#: Counters by which workers tell of tasks that they gave back: nothing could be stored, by nobody
#: or by this worker; or it may not go where the crawl may.
DISK_FULL = "disk-full"
REFUSED_THERE = "disk-full-there"
NO_RIGHT = "not-this-worker"
#: Those that say why begin so; then comes what the disk said.
REFUSED_AS = "refused-as:"
#: Counters of links that lead into crawler traps begin so, then comes the kind; and those that are
#: there for an example each: the kind, a space, a URL.
TRAP, TRAP_AT = "trap:", "trap-at:"
#: Characters kept of such an example.
EXAMPLE = 300

#: The version of a worker that is a client of the standard library's managers.
OLD_STYLE = "old-style"


class Trap(msgspec.Struct, frozen=True, kw_only=True):
    """Links that were left aside since they would lead on for ever."""

    links: int
    example: str = ""


def traps_of(counters: Mapping[str, int]) -> dict[str, Trap]:
    """The traps among a crawl's counters, by kind: what leads on most comes first."""
    kinds = {name.removeprefix(TRAP): n for name, n in counters.items() if name.startswith(TRAP)}
    examples: dict[str, str] = {}
    for name in counters:
        if name.startswith(TRAP_AT):
            kind, _, url = name.removeprefix(TRAP_AT).partition(" ")
            examples.setdefault(kind, url)
    most_first = sorted(kinds.items(), key=lambda item: -item[1])
    return {kind: Trap(links=n, example=examples.get(kind, "")) for kind, n in most_first}


def plain_counters(counters: Mapping[str, int]) -> dict[str, int]:
    """A crawl's counters without those that are there for their words."""
    return {name: n for name, n in counters.items() if not name.startswith((TRAP_AT, REFUSED_AS))}


class WorkerInfo(Value, frozen=True, kw_only=True, array_like=True):
    """Who a session belongs to. `name` is unique for each life of a process."""

    name: str
    version: str = ""
    address: str = ""
    pid: int = 0
    local: bool = True  #: started by the manager, ends with it
    clock_s: float = 0.0  #: its wall clock when it attached; only shown, never reckoned with
    folder: str = ""  #: where it stores, absolute


class Attached(Value, frozen=True, kw_only=True, array_like=True):
    """Answer of `attach`."""

    session: str
    standing: tuple[bytes, ...] = ()  #: which of the tokens named still stand


class BeatReply(Value, frozen=True, kw_only=True, array_like=True):
    """Answer of `beat`. `seq` orders the grants of several answers: the highest stands."""

    state: State
    grants: tuple[Grant, ...] = ()
    seq: int = 0
    sessions: int = 0  #: attached, which share what is meant for all workers together; 0: not said


class LeaseReply(Value, frozen=True, kw_only=True, array_like=True):
    """Answer of `lease`. No leases: ask again in `next_in_s`, unless `state` is ended."""

    state: State
    leases: tuple[Lease, ...] = ()
    grants: tuple[Grant, ...] = ()
    next_in_s: float = 0.0
    seq: int = 0


class FinishReply(Value, frozen=True, kw_only=True, array_like=True):
    """Answer of `finish`: accepted[i] speaks of outcomes[i]."""

    accepted: tuple[bool, ...]
    grants: tuple[Grant, ...] = ()
    state: State = State.RUNNING
    seq: int = 0


class Results(Value, frozen=True, kw_only=True, array_like=True):
    """A stretch of what a crawl brought; `cursor` is opaque."""

    cursor: str
    records: tuple[Record, ...] = ()
    redirections: tuple[Redirection, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    deaths: tuple[Death, ...] = ()
    revived: tuple[str, ...] = ()  #: URLs whose earlier deaths are void: their tasks wait again
    forgotten: tuple[Forgotten, ...] = ()  #: earlier records; those of this stretch are left out
    held: tuple[Held, ...] = ()  #: of records of this stretch or earlier ones


class Stats(Value, frozen=True, kw_only=True, array_like=True):
    """Counts of a crawl at one moment."""

    state: State
    reason: str = ""  #: why it is paused or draining
    seeds_complete: bool = False
    waiting: dict[str, int] = {}  #: by kind
    leased: int = 0
    done: dict[str, int] = {}  #: by kind
    dead: dict[str, int] = {}  #: by reason
    dead_kinds: dict[str, int] = {}  #: by kind
    skipped: int = 0  #: waiting tasks that a limit of the user's leaves aside
    records: int = 0
    bytes: int = 0  #: of all records
    counters: dict[str, int] = {}
    hosts: int = 0
    sessions: int = 0
    hosts_answered: int = 0


class HostRow(Value, frozen=True, kw_only=True, array_like=True):
    """One host, for people."""

    host: str
    waiting: int = 0
    leased: int = 0
    done: int = 0
    dead: int = 0
    slots: int = 0
    delay_s: float = 0.0
    hold_s: float = 0.0
    state: str = "up"  #: up, held, down
    robots: str = ""  #: "", waiting, text, allow, forbid (of its last origin)
    why: str = ""  #: why it is held or down, a reason as failures have them; "": not known any more


class HostQuery(Value, frozen=True, kw_only=True, array_like=True):
    """Which hosts a person wants to see."""

    search: str = ""  #: part of the name
    state: str = ""  #: held, down, or "" for all
    sort: str = "busy"  #: busy (waiting and leased), host, done, failed, hold
    reverse: bool = False  #: from the other end
    offset: int = 0
    limit: int = 50


class HostPage(Value, frozen=True, kw_only=True, array_like=True):
    """A stretch of the hosts that were asked for."""

    rows: tuple[HostRow, ...] = ()
    matching: int = 0  #: how many there are in all
    whole: bool = True  #: false: only the busiest hosts were looked through


class WorkerRow(Value, frozen=True, kw_only=True, array_like=True):
    """One attached session, for people."""

    worker: WorkerInfo
    session: str
    leased: int = 0
    finished: int = 0
    last_seen_s: float = 0.0
    attached_s: float = 0.0  #: since it attached
    clock_off_s: float = 0.0  #: how far its wall clock was ahead of ours when it attached


class Filter(Value, frozen=True, kw_only=True, array_like=True):
    """Which dead tasks `requeue` brings back; empty fields match all."""

    host: str = ""
    reason: str = ""
    kinds: tuple[Kind, ...] = ()
    url: str = ""
