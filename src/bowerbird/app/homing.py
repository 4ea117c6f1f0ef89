"""Results in Redis, brought into the catalog by a command while no manager works."""

import os
import secrets

from bowerbird.app.bucket import SPOOLS, store_at
from bowerbird.app.folder import Folder
from bowerbird.errors import FolderInUseError
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.redis.register import Chain, Manager, Posted, Register
from bowerbird.manager.chronicle import Chronicle
from bowerbird.manager.harvest import Harvest, caught_up
from bowerbird.settings import Job
from bowerbird.store.segments import BucketSegments, FolderSegments, Segments

#: For so long results are brought home, in seconds; what is left stays in Redis.
SETTLE_S = 600.0


def segments_of(folder: Folder, job: Job) -> Segments:
    """Where the segments of a crawl lie."""
    if not job.store:
        return FolderSegments(folder.path, job.name)
    return BucketSegments(store_at(job.store, folder.path / SPOOLS), job.name)


def bring_home(register: Register, frontier: RedisFrontier, folder: Folder, posted: Posted) -> bool:
    """Write what is in the stream to segments and `crawl.db`; False where that is another's to do.

    Raises:
        FolderError: the catalog is in another folder.
    """
    try:
        with folder.locked():
            me = Manager(
                machine=os.uname().nodename, pid=os.getpid(), folder=str(folder),
                id=secrets.token_hex(4),
            )  # fmt: skip
            chain = register.claim_with_lock(me)
            if isinstance(chain, Manager):
                return False
            try:
                _harvest(register, frontier, folder, posted, chain)
            finally:
                register.leave(chain.fence)
            return True
    except FolderInUseError:
        return False


def _harvest(
    register: Register, frontier: RedisFrontier, folder: Folder, posted: Posted, chain: Chain
) -> None:
    job, segments = posted.job, segments_of(folder, posted.job)
    chronicle = Chronicle(folder.database)
    try:
        lost = f"The catalog of {register.address} is not in {folder}: ask in {posted.folder} on "
        chain = caught_up(chain, segments, chronicle, register, f"{lost}{posted.machine}.")
        spare = 0 if job.store else posted.backlog // 2
        harvest = Harvest(frontier, register, chain, segments, chronicle, job.name, spare)
        harvest.start()
        harvest.finish(SETTLE_S)
        if harvest.error is not None:
            raise harvest.error
    finally:
        chronicle.close()
