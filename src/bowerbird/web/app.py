"""The application: the routes of all parts behind one guard."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from bowerbird.app.watch import Watch
from bowerbird.web import gallery, metrics, pages, session
from bowerbird.web.api import document
from bowerbird.web.api import routes as api
from bowerbird.web.guard import Guard, Guarded
from bowerbird.web.site import HERE, Site
from bowerbird.web.sparing import Sparing
from bowerbird.web.stream import Stream


def application(watch: Watch, guard: Guard, folders: Sequence[Path] = ()) -> tuple[ASGIApp, Site]:
    """The application that shows what a watch sees, and what its pages share."""
    site = Site(watch, Stream(watch), guard, Sparing())
    desk = gallery.Desk(watch, folders)
    more = gallery.endpoints(desk)

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        site.stream.begin()
        yield
        await desk.close()

    routes = [
        *pages.routes(site),
        *session.routes(site),
        *api.routes(site, more),
        *document.routes(site, more),
        *metrics.routes(site),
        *gallery.routes(site, desk),
        Mount("/static/gallery", _files("gallery/static")),
        Mount("/static", _files("static")),
    ]
    app = Starlette(routes=routes, lifespan=life, exception_handlers={404: _missing(site)})
    return Guarded(app, guard), site


class _Files(StaticFiles):
    """Files of ours: kept by browsers, asked for anew with their tag."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """See StaticFiles."""
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "no-cache"
        return response


def _files(folder: str) -> ASGIApp:
    return _Files(directory=HERE / folder)


def _missing(site: Site) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def missing(request: Request, _: Exception) -> Response:
        if request.url.path.startswith("/api/v"):
            return JSONResponse({"error": "not-found", "message": "There is no such path."}, 404)
        answer = site.page(request, "missing.html", "Not found")
        answer.status_code = 404
        return answer

    return missing
