"""The gallery: the images as they arrive."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bowerbird.web.site import Site


def routes(site: Site) -> list[BaseRoute]:
    """All paths of the gallery."""

    async def show(request: Request) -> Response:
        return site.page(request, "gallery.html", "Gallery")

    return [Route("/gallery", show)]
