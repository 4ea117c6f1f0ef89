"""The gallery: the images as they arrive, each one's page, selections and their export.

The page asks `/api/v1/gallery` for what it shows; thumbnails and originals lie under `/gallery`.
"""

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bowerbird.web.gallery import exported, files
from bowerbird.web.gallery.api import endpoints
from bowerbird.web.gallery.desk import Desk
from bowerbird.web.site import Site

__all__ = ["Desk", "endpoints", "routes"]


def routes(site: Site, desk: Desk) -> list[BaseRoute]:
    """All paths of the gallery."""

    async def show(request: Request) -> Response:
        answer = site.page(request, "gallery.html", "Gallery")
        answer.background = BackgroundTask(desk.open)  # while the browser reads the page
        return answer

    return [
        Route("/gallery", show),
        *files.routes(desk),
        *exported.routes(desk),
    ]
