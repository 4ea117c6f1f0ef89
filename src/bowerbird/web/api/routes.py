"""The routes under /api/v1, each with what the OpenAPI document says of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bowerbird.app.browsing import browser_of
from bowerbird.app.steering import pause, requeue, resume, stop
from bowerbird.app.watch import Watch
from bowerbird.errors import BowerbirdError, UsageError
from bowerbird.model import HostQuery
from bowerbird.web.api.values import (
    Curve,
    Error,
    Failures,
    Hosts,
    Live,
    Workers,
    failure_of,
    host_of,
    json_of,
    live_of,
    worker_of,
)
from bowerbird.web.site import Site

ROOT = "/api/v1"
#: What hosts can be chosen and sorted by; the first is meant where nothing is said.
STATES = ("", "held", "down")
SORTS = ("busy", "host", "done", "failed", "hold")
#: Seconds of throughput, unless another span is asked for.
SPAN_S = 600.0

Answering: TypeAlias = Callable[[Site, Request], Awaitable[Any]]


@dataclass(slots=True, frozen=True)
class Parameter:
    """One parameter of the query."""

    name: str
    type: str  #: as JSON Schema calls it
    text: str


@dataclass(slots=True, frozen=True)
class Endpoint:
    """One path with one method."""

    path: str
    answer: Answering
    returns: Any  #: the type of the answer
    text: str
    method: str = "GET"
    parameters: Sequence[Parameter] = ()
    takes: Any = None  #: the type of the body
    media: str = field(default="application/json")


class Which(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which failed tasks; what is left out matches all."""

    reason: str = ""
    host: str = ""
    url: str = ""


class Requeued(msgspec.Struct, frozen=True):
    """How many tasks were put back into the queue."""

    requeued: int


class Steered(msgspec.Struct, frozen=True):
    """The state that was asked for."""

    state: str


def query_number(request: Request, name: str, default: float, least: float, most: float) -> float:
    """A number of the query, inside its bounds; raises UsageError where it is none."""
    text = request.query_params.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        raise UsageError(f"{name}={text!r} is no number.") from None
    if value != value:  # NaN
        raise UsageError(f"{name}={text!r} is no number.")
    return min(max(value, least), most)


async def _live(site: Site, _: Request) -> Live:
    return live_of(site.watch.where, site.watch.moment)


async def _history(site: Site, request: Request) -> Curve:
    span_s = query_number(request, "span", SPAN_S, 0.0, 30 * 86_400.0)
    return _curve(site.watch, span_s, site.watch.moment.number)


@lru_cache(maxsize=8)
def _curve(watch: Watch, span_s: float, _: int) -> Curve:
    """As of one look, for all pages: each takes 1.5 ms to reckon."""
    curves = watch.curves(span_s)
    return Curve(
        every_s=curves.every_s, at=[round(at, 1) for at in curves.at_s],
        **{
            name: [round(value, 2) for value in getattr(curves, name)]
            for name in ("images_per_s", "bytes_per_s", "tasks_per_s", "waiting", "leased")
        },
    )  # fmt: skip


async def _hosts(site: Site, request: Request) -> Hosts:
    given = request.query_params
    query = HostQuery(
        search=given.get("search", "")[:256], state=_one_of(given, "state", STATES),
        sort=_one_of(given, "sort", SORTS), reverse=given.get("reverse", "") in ("1", "true"),
        offset=int(query_number(request, "offset", 0, 0, 10_000)),
        limit=int(query_number(request, "limit", 50, 1, 200)),
    )  # fmt: skip
    page = await site.ask_sparingly(query, lambda crawl: browser_of(crawl).hosts(query))
    return Hosts(hosts=list(map(host_of, page.rows)), matching=page.matching, whole=page.whole)


def _one_of(given: Mapping[str, str], name: str, words: Sequence[str]) -> str:
    word = given.get(name, words[0])
    if word not in words:
        raise UsageError(f"{name}={word!r} is none of: {', '.join(filter(None, words))}.")
    return word


async def _workers(site: Site, _: Request) -> Workers:
    status = site.watch.moment.status
    return Workers(workers=list(map(worker_of, status.workers if status else ())))


async def _failures(site: Site, request: Request) -> Failures:
    reason = request.query_params.get("reason", "")[:256]
    limit = int(query_number(request, "limit", 5, 0, 100))
    deaths = await site.ask_sparingly(
        ("deaths", reason, limit), lambda crawl: browser_of(crawl).deaths(reason, limit)
    )
    status = site.watch.moment.status
    count = status.stats.dead.get(reason, 0) if status else 0
    return Failures(reason=reason, count=count, examples=list(map(failure_of, deaths)))


async def _requeue(site: Site, request: Request) -> Requeued:
    which = await body_of(request, Which)
    count = await site.steer(lambda crawl: requeue(crawl, which.host, which.reason, which.url))
    return Requeued(count)


async def _pause(site: Site, _: Request) -> Steered:
    await site.steer(pause)
    return Steered("paused")


async def _resume(site: Site, _: Request) -> Steered:
    await site.steer(resume)
    return Steered("running")


async def _stop(site: Site, _: Request) -> Steered:
    await site.steer(stop)
    return Steered("draining")


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("/live", _live, Live, "The crawl at this moment: what the Live page shows."),
    Endpoint(
        "/history", _history, Curve,
        "Throughput over time: since this dashboard began, or of all where nobody works at it.",
        parameters=(Parameter("span", "number", "seconds back; 0: all; 600 unless given"),),
    ),
    Endpoint(
        "/hosts", _hosts, Hosts, "Hosts, sorted, searched, a page at a time.",
        parameters=(
            Parameter("search", "string", "part of the name"),
            Parameter("state", "string", "held or down; all unless given"),
            Parameter("sort", "string", "busy, host, done, failed or hold; busy unless given"),
            Parameter("reverse", "boolean", "from the other end"),
            Parameter("offset", "integer", "how many to leave out; 10,000 at most"),
            Parameter("limit", "integer", "how many; 50 unless given, 200 at most"),
        ),
    ),
    Endpoint("/workers", _workers, Workers, "All workers that are attached."),
    Endpoint(
        "/failures", _failures, Failures, "The newest failures of a reason; /live has the reasons.",
        parameters=(
            Parameter("reason", "string", "one of those that /live lists"),
            Parameter("limit", "integer", "how many examples; 5 unless given, 100 at most"),
        ),
    ),
    Endpoint(
        "/retry", _requeue, Requeued, "Put failed tasks back into the queue.", "POST", takes=Which
    ),
    Endpoint("/pause", _pause, Steered, "Let nothing more begin, also after a restart.", "POST"),
    Endpoint("/resume", _resume, Steered, "Go on after a pause or stop.", "POST"),
    Endpoint(
        "/stop", _stop, Steered, "End the crawl once what is in flight is done; the rest is kept.",
        "POST",
    ),
)  # fmt: skip


async def body_of(request: Request, shape: type[msgspec.Struct]) -> Any:
    """The body as a value; raises UsageError where it is none, or larger than 64 kB."""
    chunks, size = list[bytes](), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > 65_536:
            raise UsageError("The body is too large.")
        chunks.append(chunk)
    try:
        return msgspec.json.decode(b"".join(chunks) or b"{}", type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"The body is not what is wanted: {error}") from None


def answered(value: Any, status: int = 200) -> Response:
    """A value as JSON."""
    return Response(json_of(value), status, media_type="application/json")


def refused(error: BowerbirdError) -> Response:
    """What went wrong as JSON: 400 where the question was wrong, 503 where nobody can answer."""
    if isinstance(error, UsageError):
        return answered(Error(error="bad-request", message=str(error)), 400)
    return answered(Error(error="not-now", message=str(error)), 503)


def routes(site: Site, more: Sequence[Endpoint] = ()) -> list[BaseRoute]:
    """All of them, those of other parts, and the stream."""

    async def stream(_: Request) -> Response:
        return site.stream.events()

    return [
        *(_route(site, one) for one in (*ENDPOINTS, *more)),
        Route(f"{ROOT}/stream", stream),
    ]


def _route(site: Site, endpoint: Endpoint) -> Route:
    async def run(request: Request) -> Response:
        try:
            return answered(await endpoint.answer(site, request))
        except BowerbirdError as error:
            return refused(error)

    return Route(ROOT + endpoint.path, run, methods=[endpoint.method])
