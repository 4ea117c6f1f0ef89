"""A visit to a crawl in an engine: its frontier there, its catalog wherever that can be had."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from bowerbird.app.access import Access
from bowerbird.app.bucket import store_at
from bowerbird.app.engine_catalog import ChronicleView
from bowerbird.app.engines import engine_address
from bowerbird.app.folder import Folder
from bowerbird.app.homing import bring_home
from bowerbird.app.job import stored_job
from bowerbird.app.visit import Say, Visit
from bowerbird.errors import BowerbirdError, FolderError, UsageError
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.redis.register import Posted, Register
from bowerbird.manager.chronicle import Chronicle
from bowerbird.manager.harvest import look_through
from bowerbird.store.segments import BucketSegments, Segments

#: How often it is looked whether a manager has taken what was told, in seconds.
LOOK_EVERY_S = 0.2


@contextmanager
def at_engine(where: str, access: Access | None, folder: Folder | None = None) -> Iterator[Visit]:
    """Visit the crawl at an address, or that of a folder of which the address is known.

    Raises:
        FolderError: there is no such crawl.
        BowerbirdError: nobody answers there, or does not let us in.
    """
    with ExitStack() as stack:
        register = Register(engine_address(where, access))
        stack.callback(register.close)
        yield _Engine(register, folder, stack)


def _left_in(folder: Folder | None) -> str:
    """What is left of a crawl, of which the folder is known."""
    return f" What it brought home `verify` and `export` find in {folder}." if folder else ""


class _Engine(Visit):
    """Asks for what is wanted, when it is."""

    def __init__(self, register: Register, folder: Folder | None, stack: ExitStack) -> None:
        self._register, self._stack, self._given = register, stack, folder
        super().__init__(
            str(folder or register.address), folder or self._folder_here(),
            self._open_frontier, self._open_catalog, in_engine=True,
        )  # fmt: skip

    # Where things are.

    def _posted(self) -> Posted:
        posted = self._register.posted()
        if posted is None:
            raise FolderError(
                f"There is no crawl at {self._register.address}. `bowerbird crawls` lists those "
                f"that are there.{_left_in(self._given)}"
            )
        return posted

    def _folder_here(self) -> Folder | None:
        """The folder of its last manager, where that is on this machine."""
        posted = self._posted()
        if posted.machine != os.uname().nodename or not posted.folder:
            return None
        folder = Folder(posted.folder)
        with suppress(FolderError):
            stored = stored_job(folder)
            return folder if stored and stored.name == posted.job.name else None
        return None

    def _open_frontier(self) -> RedisFrontier:
        self._posted()
        frontier = RedisFrontier(self._register.address)
        self._stack.callback(frontier.close)
        return frontier

    def _open_catalog(self) -> ChronicleView:
        if self._folder is not None and self._folder.database.exists():
            chronicle = Chronicle(self._folder.database, alone=False)
        else:
            chronicle = self._made_catalog()
        self._stack.callback(chronicle.close)
        return ChronicleView(chronicle, self._engine_frontier, self._depth, self._ease)

    def _depth(self) -> int:
        """The depth of pages that are read once more: links on them are known, or lie too deep."""
        depth = self._posted().job.settings.max_depth
        return 1 if depth is None else depth

    def _engine_frontier(self) -> RedisFrontier:
        frontier = self.frontier
        assert isinstance(frontier, RedisFrontier)
        return frontier

    # What was changed.

    def require_change(self) -> None:
        """See `Visit.require_change`."""
        self._engine_frontier()

    def take_results(self, say: Say) -> bool:
        """See `Visit.take_results`. A catalog that is made for this visit has them anyway."""
        if self._folder is None or not self._folder.database.exists():
            return True
        try:
            self._bring_home()
        except BowerbirdError as error:
            say(f"{error} What had not come into {self._folder} by then is left out.")
            return False
        return True

    def settle(self) -> None:
        """See `Visit.settle`."""
        self._bring_home()

    def _ease(self) -> None:
        """Wait while more has been told than Redis is to hold."""
        waiting, most = self.backlog
        while waiting > most:
            if not self._bring_home():
                time.sleep(LOOK_EVERY_S)
            waiting, most = self.backlog

    def _bring_home(self) -> bool:
        """Be the manager for a moment; False where there is another, or its folder elsewhere."""
        if self._folder is None or not self._folder.holds_crawl():
            return False
        return bring_home(self._register, self._engine_frontier(), self._folder, self._posted())

    def _made_catalog(self) -> Chronicle:
        """A catalog for the time of this visit, from segments and stream."""
        scratch = tempfile.mkdtemp(prefix="bowerbird-catalog-")
        self._stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        chronicle = Chronicle(Path(scratch) / "crawl.db")
        posted, chain = self._posted(), self._register.chain()
        segments: Segments | None = None
        if posted.job.store:
            segments = BucketSegments(store_at(posted.job.store), posted.job.name)
        elif chain.trimmed:
            raise UsageError(
                f"The catalog of this crawl lies in {posted.folder} on {posted.machine}: ask "
                "there, for that folder."
            )
        look_through(chain, segments, chronicle, self.frontier)
        return chronicle

    # What people ask.

    @property
    def running(self) -> bool:
        """Whether anybody works at it: a manager, or workers without one."""
        return self.manager != "" or bool(self.frontier.stats().sessions)

    @property
    def manager(self) -> str:
        """Who writes its catalog now; "": nobody."""
        return str(self._register.manager() or "")

    @property
    def backlog(self) -> tuple[int, int]:
        """Bytes of results that wait for a manager, and how many may."""
        return self._register.backlog(), self._posted().backlog

    @property
    def store(self) -> str:
        """The bucket of its images; "": folders."""
        return self._posted().job.store if self._folder is None else super().store

    @property
    def name(self) -> str:
        """The crawl's name in markers and buckets."""
        return self._posted().job.name if self._folder is None else super().name
