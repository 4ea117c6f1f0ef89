"""The body of an answer, wherever it lies: in memory, or in the store's spool."""

from mmap import mmap

from bowerbird.fetch.base import Response
from bowerbird.store.spool import FileSpool

#: Bytes that tell what a document is.
HEAD = 4_096


def spool_of(response: Response) -> FileSpool | None:
    """The spool of a large body."""
    return response.spool if isinstance(response.spool, FileSpool) else None


def view(response: Response) -> bytes | mmap:
    """The whole body, mapped where it is large."""
    spool = spool_of(response)
    return response.body if spool is None else spool.view()


def head(response: Response) -> bytes:
    """The beginning of the body."""
    return bytes(view(response)[:HEAD])


def content(response: Response) -> bytes:
    """The whole body in memory."""
    spool = spool_of(response)
    return response.body if spool is None else spool.read()


def discard(response: Response) -> None:
    """Let go of a body that is not kept."""
    if response.spool is not None:
        response.spool.discard()
