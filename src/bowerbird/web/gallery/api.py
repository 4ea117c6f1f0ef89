"""The gallery's part of the API, under /api/v1/gallery."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bowerbird.app.gallery import Entry, Gallery
from bowerbird.errors import BowerbirdError, UsageError
from bowerbird.web.api.routes import ROOT, answered, refused
from bowerbird.web.api.values import Error
from bowerbird.web.gallery.asked import MOST, number, query_of, upto_of
from bowerbird.web.gallery.desk import Desk
from bowerbird.web.gallery.values import (
    DRAWN,
    Counts,
    Detail,
    Found,
    Holding,
    Picture,
    Pictures,
    Seen,
    picture_of,
)

#: Hosts that are offered while one is typed.
OFFERED = 20

Asked = Mapping[str, str]


def found(gallery: Gallery, asked: Asked) -> Found:
    """How many images a query finds."""
    view = gallery.view(query_of(asked), upto_of(asked))
    return Found(found=len(view), images=gallery.index.count, upto=view.upto, behind=gallery.behind)


def counts(gallery: Gallery, asked: Asked) -> Counts:
    """Counts over what a query finds."""
    facets = gallery.facets(gallery.view(query_of(asked), upto_of(asked)))
    return Counts(found=facets.images, bytes=facets.bytes, types=facets.types, hosts=facets.hosts)


def pictures(gallery: Gallery, asked: Asked) -> Pictures:
    """A stretch of what a query finds."""
    view = gallery.view(query_of(asked), upto_of(asked))
    start = number(asked, "start", 0)
    ids = view.stretch(start, min(number(asked, "count", 100), MOST))
    images = [_picture(gallery, item) for item in gallery.items(ids)]
    return Pictures(start=start, found=len(view), images=images)


def hosts(gallery: Gallery, asked: Asked) -> list[str]:
    """Names of hosts with a text in them, for who types one."""
    return gallery.index.hosts_with(asked.get("text", "")[:200], OFFERED)


def _picture(gallery: Gallery, item: Any) -> Picture:
    return picture_of(item, gallery.originals.away(item))


def detail(gallery: Gallery, image: int) -> Detail | None:
    """All that is known of one image; None: there is none of this number."""
    item = gallery.item(image)
    if item is None:
        return None
    picture, shown = _picture(gallery, item), item.type in DRAWN
    try:
        entry = gallery.entry(item)
    except BowerbirdError:  # nobody can be asked now; what the index knows is shown
        entry = None
    if entry is None:
        return Detail(image=picture, shown=shown, gone=True)
    return _detailed(gallery, entry, picture, shown, gallery.exif(item))


def _detailed(
    gallery: Gallery, entry: Entry, picture: Picture, shown: bool, exif: dict[str, str]
) -> Detail:
    record = entry.record
    return Detail(
        image=picture, shown=shown and not picture.away, first_url=record.url,
        status=record.status, etag=record.etag, last_modified=record.last_modified,
        exif_date=record.exif_date, orientation=record.orientation, frames=record.frames,
        damaged=record.damaged, sightings_more=entry.sightings_more, exif=exif,
        sightings=[
            Seen(page=one.page_url, image=one.image_url, alt=one.alt, place=str(one.place))
            for one in entry.sightings
        ],
        holders=[
            Holding(
                folder=one.folder, path=one.path, worker=one.worker,
                here=gallery.originals.is_here(one.folder),
            )
            for one in record.holders
        ],
    )  # fmt: skip


def routes(desk: Desk) -> list[BaseRoute]:
    """All of them."""
    return [
        _route(desk, "", found),
        _route(desk, "/counts", counts),
        _route(desk, "/images", pictures),
        _route(desk, "/hosts", hosts),
        Route(f"{ROOT}/gallery/images/{{image:int}}", _details(desk)),
    ]


def _route(desk: Desk, path: str, answer: Callable[[Gallery, Asked], Any]) -> Route:
    async def run(request: Request) -> Response:
        try:
            return answered(await desk.ask(lambda gallery: answer(gallery, request.query_params)))
        except BowerbirdError as error:
            return refused(error)

    return Route(f"{ROOT}/gallery{path}", run)


def _details(desk: Desk) -> Callable[[Request], Any]:
    async def run(request: Request) -> Response:
        image = request.path_params["image"]
        try:
            told = await desk.ask(lambda gallery: detail(gallery, image))
        except UsageError as error:
            return refused(error)
        if told is None:
            return answered(Error(error="not-found", message="There is no such image."), 404)
        return answered(told)

    return run
