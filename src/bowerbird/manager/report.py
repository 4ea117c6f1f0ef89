"""The report of a crawl: what was found, what was not, and why."""

import builtins
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from bowerbird._version import __version__
from bowerbird.catalog import Totals
from bowerbird.manager.progress import failures, left_out
from bowerbird.model import Kind, Stats, Trap, plain_counters, traps_of
from bowerbird.words import many

#: Kinds of traps, for people: what is counted, and why it was left aside, with the option that sets
#: the limit.
TOLD = {
    "path-segments": ("link", "whose path is too deep to be real (--max-path-segments)"),
    "path-repeats": ("link", "whose path repeats itself (--max-path-repeats)"),
    "parameters": ("link", "with too many parameters to be real (--max-parameters)"),
    "near-duplicates": ("link", "to pages like many before that brought nothing new "
                        "(--max-near-duplicates)"),
    "depth": ("link", "far from the start, on pages without a new image (--max-barren-depth)"),
    "host-urls": ("link", "to hosts that have named too many (--max-host-urls)"),
    "host-origins": ("link", "to further ports of hosts that have named too many"),
    "page-links": ("page", "in part, with more links than are taken of one (--max-page-links)"),
    "sitemap-urls": ("sitemap", "in part, with more URLs than are taken of one "
                     "(--max-sitemap-urls)"),
    "sitemap-depth": ("sitemap", "too deep in others (--max-sitemap-depth)"),
}  # fmt: skip


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a crawl brought. `report.json` holds it, and `--json` prints it."""

    name: str
    state: str  #: ended, or why it stopped: interrupted, paused, draining
    reason: str = ""
    folder: str = ""
    images: int = 0  #: records
    files: int = 0  #: different contents
    bytes: int = 0
    new_images: int = 0  #: of this run
    new_bytes: int = 0
    seconds: float = 0.0  #: of this run
    pages: int = 0
    documents: dict[str, int] = {}  #: tasks done by kind
    failures: dict[str, int] = {}  #: dead tasks by reason
    left_out: dict[str, int] = {}  #: by reason: robots.txt, options, X-Robots-Tag
    skipped: int = 0  #: left aside by --max-pages or --max-images
    waiting: int = 0
    counters: dict[str, int] = {}
    hosts: int = 0
    workers_died: int = 0
    notes: tuple[str, ...] = ()  #: what a person should know
    finished_at: str = ""
    version: str = __version__
    files_away: int = 0  #: of `files`, those in other folders alone
    store: str = ""  #: the bucket of the images, as s3://bucket/prefix; "": they lie in the folder
    traps: dict[str, Trap] = {}  #: by kind: links that would lead on for ever, left aside
    known: int = 0  #: of the list, given twice or in an earlier run

    def as_json(self) -> "builtins.bytes":
        """The report as indented JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def make_report(
    stats: Stats, before: Stats, *, name: str, folder: str, seconds: float, state: str,
    totals: Totals, store: str = "", workers_died: int = 0, notes: tuple[str, ...] = (),
    wall_s: float = 0.0, known: int = 0,
) -> Report:  # fmt: skip
    """The report of a run that began at `before`."""
    return Report(
        name=name, folder=folder, store=store, state=state, reason=stats.reason,
        images=stats.records, files=totals.files, files_away=totals.away, bytes=stats.bytes,
        new_images=stats.records - before.records,
        new_bytes=stats.bytes - before.bytes, seconds=round(seconds, 3),
        pages=stats.counters.get("pages", 0), documents=stats.done,
        failures=failures(stats), left_out=left_out(stats),
        skipped=stats.skipped, waiting=_to_do(stats),
        counters=plain_counters(stats.counters), traps=traps_of(stats.counters),
        hosts=stats.hosts, workers_died=workers_died, known=known,
        notes=(*notes, *_notes(stats)),
        finished_at=datetime.fromtimestamp(wall_s, UTC).isoformat(timespec="seconds"),
    )  # fmt: skip


def _to_do(stats: Stats) -> int:
    """Tasks not yet ended; a robots.txt that nothing waits for any more is none."""
    return sum(n for kind, n in stats.waiting.items() if kind != Kind.ROBOTS) + stats.leased


def _notes(stats: Stats) -> Iterator[str]:
    """What would otherwise be a silent nothing."""
    dead, counters = stats.dead, stats.counters
    told = (
        (counters.get("script-pages-without-images", 0), "page",
         "with scripts and no image in the text: a gallery drawn by scripts shows nothing here"),
        (dead.get("robots", 0), "URL",
         "left out as robots.txt forbids; --ignore-robots fetches them anyway, here after "
         "`bowerbird retry`"),
        (counters.get("pages-that-refuse-images", 0), "page",
         "with a meta tag or header that asks not to take the images"),
        (counters.get("pages-that-refuse-following", 0), "page",
         "with a meta tag that asks not to follow its links; --ignore-robots follows them"),
        (dead.get("private-address", 0), "URL",
         "left out at private addresses; --allow-private or --allow-range allows them"),
        (counters.get("image-links-left-out", 0), "link",
         "to images left out by --include and --exclude, whose globs match whole URLs"),
        (counters.get("inline-images-left-out", 0), "image",
         "written into pages left out: all those of a page took too long"),
    )  # fmt: skip
    yield from (f"{many(count, noun)} {rest}." for count, noun, rest in told if count)
    yield from _of_traps(stats)


def _of_traps(stats: Stats) -> Iterator[str]:
    """What was left aside as endless: it might have been more than that."""
    for kind, trap in traps_of(stats.counters).items():
        such = f", such as {trap.example}" if trap.example else ""
        noun, why = TOLD.get(kind, ("link", kind))
        yield f"Left aside: {many(trap.links, noun)} {why}{such}."
    unfetched = stats.dead.get("trap", 0)
    if unfetched:
        yield f"Not fetched: {many(unfetched, 'page')}, as many like them had brought nothing new."
