"""Looking at a crawl: status, verify, export."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from bowerbird.app.entries import all_entries
from bowerbird.app.visit import Visit, visit
from bowerbird.errors import UsageError
from bowerbird.manager.verify import Verified
from bowerbird.model import HostRow, Stats, WorkerRow

#: Hosts that `status` lists.
HOSTS = 20


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A crawl at one moment."""

    folder: str
    running: bool  #: a manager works at it
    stats: Stats
    hosts: list[HostRow]
    workers: list[WorkerRow]


def status_of(path: str) -> Status:
    """The status of the crawl in a folder."""
    with visit(path) as crawl:
        return Status(
            folder=str(crawl.folder),
            running=crawl.running,
            stats=crawl.frontier.stats(),
            hosts=crawl.frontier.hosts(HOSTS),
            workers=crawl.frontier.workers(),
        )


def verify_crawl(
    path: str, *, prune: bool = False, repair: bool = False,
    tell: Callable[[int, int], None] = lambda *_: None,
) -> Verified:  # fmt: skip
    """Check the files of a crawl against its catalog. `tell(checked, of)` is told of progress.

    `repair` removes bad files and has their images fetched anew, by the manager at work or else by
    the next one.

    Raises:
        UsageError: `prune` while a manager is at work, whose newest files have no record yet.
    """
    from bowerbird.manager.verify import mend, verify
    from bowerbird.store import FileStore

    with visit(path) as crawl:
        if prune and crawl.running:
            raise UsageError(f"{path} is being worked at; --prune waits until that has ended.")
        total, store = crawl.catalog.totals().records, FileStore(crawl.folder.path)
        found = verify(
            lambda: (entry.record for entry in all_entries(crawl.catalog)), store, prune=prune,
            tell=lambda checked: tell(checked, total),
        )  # fmt: skip
        if repair and found.bad:
            mend(found, store, crawl.catalog.refetch)
        return found


def export_crawl(path: str, form: str, out: Path | None) -> str:
    """Write the catalog of a crawl; answers a line for people."""
    from bowerbird.manager.export import export_csv, export_jsonl, output

    with visit(path) as crawl:
        if form == "tree":
            return _export_tree(crawl, out or crawl.folder.path / "tree")
        write = export_jsonl if form == "jsonl" else export_csv
        with output(out) as stream:
            count = write(all_entries(crawl.catalog), stream)
    return f"{count} records written to {out}." if out else ""


def _export_tree(crawl: Visit, out: Path) -> str:
    from bowerbird.manager.tree import export_tree

    tree = export_tree(all_entries(crawl.catalog), crawl.folder.path, out)
    missing = f", {tree.missing} have no file here" if tree.missing else ""
    return f"{tree.linked} names made in {tree.folder}, {tree.there} were there{missing}."
