"""Gathering: the images of other folders into the crawl's own."""

from collections.abc import Callable, Sequence
from pathlib import Path

from bowerbird.app.entries import all_entries
from bowerbird.app.looking import here_of
from bowerbird.app.visit import Say, visit
from bowerbird.errors import UsageError
from bowerbird.manager.gather import Gathered, gather
from bowerbird.store import FileStore


def gather_crawl(
    path: str, folders: Sequence[Path] = (), *, move: bool = False,
    tell: Callable[[int, int], None] = lambda *_: None, say: Say = lambda _: None,
) -> Gathered:  # fmt: skip
    """Bring images from workers' folders into the folder of a crawl, and record them there.

    Args:
        path: the crawl's folder; a manager may be at work.
        folders: workers' folders, wherever they are mounted or copied to. Those that lie on this
            machine where their worker had them are found by themselves.
        move: remove each file from where it came from, once it is safe here.
        tell: told of the progress: (so many records, of so many).
        say: told what the catalog lacks.

    Raises:
        UsageError: a folder is none, or has no images.
    """
    with visit(path) as crawl:
        crawl.require_change()
        if store := crawl.store:
            raise UsageError(
                f"The images of this crawl lie in {store.partition('?')[0]}, where all workers put "
                "theirs: there is nothing to gather."
            )
        crawl.take_results(say)
        total = crawl.catalog.totals().records
        FileStore(crawl.folder.path).sweep()  # what an earlier one left that was killed
        gathered = gather(
            (entry.record for entry in all_entries(crawl.catalog)),
            here_of(crawl, folders), crawl.catalog.held, move=move,
            tell=lambda done: tell(done, total),
        )  # fmt: skip
        crawl.settle()
        return gathered
