"""The gallery's part of the API, under /api/v1/gallery."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from bowerbird.app.gallery import Entry, Gallery, Sort
from bowerbird.errors import BowerbirdError
from bowerbird.web.api.routes import Answering, Endpoint, Parameter
from bowerbird.web.gallery.asked import MOST, number, query_of, upto_of
from bowerbird.web.gallery.desk import Desk
from bowerbird.web.gallery.values import (
    DRAWN,
    Counts,
    Detail,
    Found,
    Holding,
    Names,
    Picture,
    Pictures,
    Seen,
    picture_of,
)
from bowerbird.web.site import Site

PATH = "/gallery"
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


def hosts(gallery: Gallery, asked: Asked) -> Names:
    """Names of hosts with a text in them, for who types one."""
    return Names(names=gallery.index.hosts_with(asked.get("text", "")[:200], OFFERED))


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


_FILTER = (
    Parameter("words", "string", "all of these in alt texts or file name"),
    Parameter("host", "string", "a part of the host's name"),
    Parameter("types", "string", "jpeg,png,…"),
    Parameter("min_side", "integer", "pixels of the longer side, at least"),
    Parameter("max_side", "integer", "pixels of the longer side, at most"),
    Parameter("min_bytes", "integer", "at least"),
    Parameter("max_bytes", "integer", "at most"),
    Parameter("since", "string", "fetched on this day (UTC) or later: 2026-11-21"),
    Parameter("until", "string", "fetched on this day or before"),
    Parameter("sort", "string", ", ".join(Sort)),
    Parameter("upto", "integer", "only the first so many that arrived, so that places stay"),
)


def endpoints(desk: Desk) -> tuple[Endpoint, ...]:
    """All of them."""
    stretch = (
        Parameter("start", "integer", "the first place"),
        Parameter("count", "integer", f"at most {MOST}; 100 unless given"),
    )
    text = (Parameter("text", "string", "a part of the name"),)
    image = (Parameter("image", "integer", "its number"),)
    return (
        _endpoint("", Found, "How many images a query finds.", _FILTER,
                  desk, found),
        _endpoint("/counts", Counts, "Counts over what a query finds.", _FILTER, desk, counts),
        _endpoint("/images", Pictures, "A stretch of what a query finds.", (*_FILTER, *stretch),
                  desk, pictures),
        _endpoint("/hosts", Names, "Hosts with a text in their name.", text, desk, hosts),
        Endpoint(f"{PATH}/images/{{image}}", _details(desk), Detail,
                 "All that is known of one image.", parameters=image),
    )  # fmt: skip


def _endpoint(
    path: str, returns: type, text: str, parameters: Sequence[Parameter], desk: Desk,
    answer: Callable[[Gallery, Asked], Any],
) -> Endpoint:  # fmt: skip
    async def run(_: Site, request: Request) -> Any:
        return await desk.ask(lambda gallery: answer(gallery, request.query_params))

    return Endpoint(PATH + path, run, returns, text, parameters=parameters)


def _details(desk: Desk) -> Answering:
    async def run(_: Site, request: Request) -> Detail:
        image = request.path_params["image"]
        if not (image.isascii() and image.isdigit()):
            raise HTTPException(404)
        told = await desk.ask(lambda gallery: detail(gallery, int(image)))
        if told is None:
            raise HTTPException(404)
        return told

    return run
