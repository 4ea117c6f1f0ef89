"""Hosts as people look for them: a page at a time, sorted and searched where they are known."""

from heapq import nlargest, nsmallest

import apsw

from bowerbird.frontier.database import in_our_words
from bowerbird.frontier.looking import host_row
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.frontier.statements import statements
from bowerbird.model import HostPage, HostQuery, HostRow

#: Most rows of one answer, and how far back it may begin: nobody turns more pages than that.
LIMIT, DEEPEST = 200, 10_000

_ORDERS = {
    "host": ("name", "name DESC"),
    "done": ("done DESC, name", "done, name"),
    "failed": ("dead DESC, name", "dead, name"),
    "hold": (
        "max(ifnull(hold_until, 0.0), ifnull(down_at, 0.0)) DESC, name",
        "max(ifnull(hold_until, 0.0), ifnull(down_at, 0.0)), name",
    ),
}


def browse(frontier: SqliteFrontier, query: HostQuery) -> HostPage:
    """The hosts that were asked for. Reads all hosts' rows: 15 ms for 100,000."""
    limit = min(max(query.limit, 0), LIMIT)
    offset = min(max(query.offset, 0), DEEPEST)
    which = (query.search.lower(), query.state, frontier.books.now())
    try:
        matching = _rows(frontier, "count", which)[0]
        if query.sort in _ORDERS:
            order = _ORDERS[query.sort][query.reverse]
            numbers = _rows(frontier, "page", (*which, limit, offset), order)
        else:
            numbers = _busiest(frontier, query, which, offset + limit)[offset:]
    except apsw.Error as error:
        raise in_our_words(error) from error
    rows = (host_row(frontier, frontier.hosts_at_hand.peek(number)) for number in numbers)
    return HostPage(rows=tuple(rows), matching=matching)


def browse_rows(rows: list[HostRow], query: HostQuery) -> HostPage:
    """The same among rows that are at hand."""
    found = [row for row in rows if query.search.lower() in row.host]
    found = [row for row in found if query.state in ("", row.state)]
    found.sort(key=lambda row: row.host)
    if query.sort == "host":
        found.sort(key=lambda row: row.host, reverse=query.reverse)
    else:
        found.sort(key=lambda row: _weight(row, query.sort), reverse=not query.reverse)
    offset = max(query.offset, 0)
    page = found[offset : offset + min(max(query.limit, 0), LIMIT)]
    return HostPage(rows=tuple(page), matching=len(found))


def _weight(row: HostRow, sort: str) -> float:
    weights = {"done": row.done, "failed": row.dead, "hold": row.hold_s + (row.state == "down")}
    return weights.get(sort, row.waiting + row.leased)


def _busiest(
    frontier: SqliteFrontier, query: HostQuery, which: tuple[object, ...], most: int
) -> list[int]:
    """By tasks that wait and are leased, which stand in no table."""
    leased = {host.id: host.leased for host in frontier.hosts_at_hand if host.users}
    numbers = _rows(frontier, "page", (*which, -1, 0), "id")
    pick = nsmallest if query.reverse else nlargest
    return pick(most, numbers, key=lambda one: frontier.ring.count(one) + leased.get(one, 0))


def _rows(
    frontier: SqliteFrontier, name: str, values: tuple[object, ...], order: str = ""
) -> list[int]:
    text = statements("browse.sql")[name].replace("{order}", order)
    return [row[0] for row in frontier.connection.execute(text, values)]
