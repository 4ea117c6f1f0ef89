"""How many transfers a worker can have with the files it may open (ulimit -n)."""

from collections.abc import Callable

import msgspec

from bowerbird.settings import Job

#: What a worker has open beside its transfers: Python's own, its ways to manager and decoder.
OTHERS = 24
#: Most that one transfer has open: its connection, one kept for later, its body, a name's resolver
#: with a pair of sockets.
EACH = 5


def transfers_with(files: int, wanted: int) -> int:
    """Transfers at once: what is wanted, or what so many files suffice for; one at least."""
    return max(1, min(wanted, (files - OTHERS) // EACH))


def within_limit(job: Job, say: Callable[[str], None]) -> Job:
    """The job, with no more transfers at once than there may be files. Without descriptors hosts
    would be blamed for connections that this machine refuses."""
    try:
        import resource
    except ImportError:  # Windows
        return job
    files, wanted = resource.getrlimit(resource.RLIMIT_NOFILE)[0], job.settings.concurrency
    if files == resource.RLIM_INFINITY or transfers_with(files, wanted) == wanted:
        return job
    few = transfers_with(files, wanted)
    say(f"Only {files} files may be open (ulimit -n): {few} transfers at once, not {wanted}.")
    settings = msgspec.structs.replace(job.settings, concurrency=few)
    return msgspec.structs.replace(job, settings=settings)
