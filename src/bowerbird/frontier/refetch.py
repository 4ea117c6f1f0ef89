"""Fetching anew what is bad or gone: records forgotten, their tasks waiting again."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bowerbird.frontier.tasks import KINDS
from bowerbird.model import State

if TYPE_CHECKING:
    from bowerbird.frontier.local import LocalFrontier

#: How the key of an image that a page carries begins: the page is what is fetched anew.
DATA = "data:"


def refetch(frontier: "LocalFrontier", final_urls: Sequence[str]) -> int:
    """Forget these records and let their tasks wait again as new; answer how many do.

    A task that moved to one of them stays done: its target is what is fetched. Sets *running*,
    except from a pause.
    """
    with frontier.batch():
        store, books = frontier.store, frontier.books
        pages = store.pages_of([url for url in final_urls if url.startswith(DATA)])
        records, size = store.forget(final_urls)
        books.count("records", -records)
        books.count("bytes", -size)
        renewed = store.renew([*final_urls, *pages])
        _count(frontier, renewed)
        if records or renewed:
            frontier.ring.wake_aside()  # a limit that was reached may have room again
        if renewed and books.state is not State.PAUSED:
            books.steer(State.RUNNING)
        return len(renewed)


def _count(frontier: "LocalFrontier", renewed: Sequence[tuple[int, int]]) -> None:
    for kind, number in Counter(kind for _, kind in renewed).items():
        frontier.books.count(f"done:{KINDS[kind]}", -number)
        frontier.books.count(f"waiting:{KINDS[kind]}", number)
    for number, tasks in Counter(host for host, _ in renewed).items():
        host = frontier.hosts_at_hand.get(number)
        host.facts.done -= tasks
        frontier.hosts_at_hand.touch(host)
        frontier.ring.add(number, tasks)
        if host.down():
            frontier.downs.raise_up(host)
