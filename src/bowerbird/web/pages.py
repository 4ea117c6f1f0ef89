"""The pages that are frames for a module of JavaScript."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bowerbird.web.site import Site

#: Path, template, title.
FRAMES = (
    ("/", "live.html", "Live"),
    ("/hosts", "hosts.html", "Hosts"),
    ("/workers", "workers.html", "Workers"),
    ("/failures", "failures.html", "Failures"),
    ("/login", "login.html", "Come in"),
)


def routes(site: Site) -> list[BaseRoute]:
    """All of them."""
    return [
        *(_frame(site, *frame) for frame in FRAMES),
        Route("/healthz", _health),
        Route("/favicon.ico", _icon),
    ]


def _frame(site: Site, path: str, template: str, title: str) -> Route:
    async def show(request: Request) -> Response:
        return site.page(request, template, title)

    return Route(path, show)


async def _health(_: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _icon(_: Request) -> Response:
    return RedirectResponse("/static/icon.svg", 301)
