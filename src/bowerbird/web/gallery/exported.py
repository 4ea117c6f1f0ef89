"""Export of a selection, or of all that a query finds, as it is read: nothing gathers here."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from bowerbird.app.gallery import Gallery
from bowerbird.app.picks import FORMS, exported
from bowerbird.errors import BowerbirdError, UsageError
from bowerbird.web.api.routes import refused
from bowerbird.web.gallery.asked import numbers_of, query_of, upto_of
from bowerbird.web.gallery.desk import Desk


def routes(desk: Desk) -> list[BaseRoute]:
    """The one."""

    async def export(request: Request) -> Response:
        asked = request.query_params
        try:
            if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
                raise UsageError("An export is asked for on the dashboard's own page.")
            form = asked.get("form", "")
            if form not in FORMS:
                raise UsageError(f"form={form!r} is none; known are {', '.join(FORMS)}.")
            pieces = await desk.ask(lambda gallery: _pieces(gallery, form, asked))
        except BowerbirdError as error:
            return refused(error)
        name = f"bowerbird-{datetime.now():%Y%m%d-%H%M%S}.{FORMS[form].ending}"
        return StreamingResponse(
            pieces, media_type=FORMS[form].media,
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )  # fmt: skip

    return [Route("/gallery/export", export)]


def _pieces(gallery: Gallery, form: str, asked: Mapping[str, str]) -> Iterator[bytes]:
    chosen = asked.get("ids", "")
    # As an array: 4 bytes an image, where a list of a million takes 40 MB.
    ids: Any = numbers_of(chosen) if chosen else gallery.view(query_of(asked), upto_of(asked)).ids
    return exported(gallery, form, ids)
