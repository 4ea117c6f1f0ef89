"""Thumbnails and originals. A foreign file is never sent as what a browser would run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bowerbird.app.gallery import Gallery, Item, Thumbnail, extension_of
from bowerbird.errors import BowerbirdError
from bowerbird.web.gallery.desk import DRAWN as AT_ONCE
from bowerbird.web.gallery.desk import Desk
from bowerbird.web.gallery.values import DRAWN

#: A number names the same bytes as long as the index stands, and its address has their sha256.
KEPT = "private, max-age=604800, immutable"
#: Whatever a browser takes these bytes for: it has no origin, runs nothing and asks for nothing.
SANDBOX = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; sandbox"

_MEDIA = {"ico": "image/x-icon"}


def media_type(type: str) -> str:
    """The media type of an image's bytes; what browsers might run is only ever saved."""
    return _MEDIA.get(type, f"image/{type}") if type in DRAWN else "application/octet-stream"


def headers_of(item: Item) -> dict[str, str]:
    """The headers of an original."""
    way = "inline" if item.type in DRAWN else "attachment"
    name = f"{item.sha256[:16]}.{extension_of(item.type)}"
    return {
        "content-security-policy": SANDBOX,
        "cache-control": KEPT,
        "content-disposition": f'{way}; filename="{name}"',
    }


def routes(desk: Desk) -> list[BaseRoute]:
    """All of them."""
    draw = _answering(desk, _thumbnail)

    async def thumbnail(request: Request) -> Response:
        body = desk.kept(request.query_params.get("v", ""))
        return _drawn(body) if body else await draw(request)

    return [
        Route("/gallery/thumbnail/{image:int}", thumbnail),
        Route("/gallery/original/{image:int}", _answering(desk, _original)),
    ]


def _answering(desk: Desk, answer: Callable[[Gallery, Item], Response]) -> Any:
    async def run(request: Request) -> Response:
        image = request.path_params["image"]

        def asked(gallery: Gallery) -> Response:
            item = gallery.item(image)
            return answer(gallery, item) if item else _none("unknown", 404)

        try:
            return await desk.ask(asked, AT_ONCE)
        except BowerbirdError as error:
            return PlainTextResponse(str(error), 503)

    return run


def _thumbnail(gallery: Gallery, item: Item) -> Response:
    found: Thumbnail = gallery.thumbnail(item)
    if not found.body:
        return _none(found.reason, 404)
    return _drawn(found.body)


def _drawn(body: bytes) -> Response:
    headers = {"cache-control": KEPT, "content-security-policy": SANDBOX}
    return Response(body, media_type="image/webp", headers=headers)


def _original(gallery: Gallery, item: Item) -> Response:
    path: Path | None = gallery.originals.path(item)
    media, headers = media_type(item.type), headers_of(item)
    if path is not None:
        return FileResponse(path, media_type=media, headers=headers)
    body = gallery.originals.body(item)
    if body is None:
        return _none(gallery.originals.away(item) or "missing", 404)
    return Response(body, media_type=media, headers=headers)


def _none(reason: str, status: int) -> Response:
    return PlainTextResponse(reason, status)
