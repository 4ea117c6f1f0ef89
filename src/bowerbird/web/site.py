"""What every page is given: the watch, the stream, a frame from a template."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse

from bowerbird._version import __version__
from bowerbird.app.visit import Visit
from bowerbird.app.watch import Watch
from bowerbird.web.guard import Guard
from bowerbird.web.sparing import Sparing
from bowerbird.web.stream import Stream

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent
#: The pages of the navigation: path, title, icon (static/icons.svg).
PAGES = (
    ("/", "Live", "live"),
    ("/hosts", "Hosts", "hosts"),
    ("/workers", "Workers", "workers"),
    ("/failures", "Failures", "failures"),
    ("/gallery", "Gallery", "gallery"),
    ("/api", "API", "api"),
)

T = TypeVar("T")


@dataclass(slots=True, frozen=True)
class Site:
    """One dashboard."""

    watch: Watch
    stream: Stream
    guard: Guard
    sparing: Sparing  #: for questions that cost the crawl something

    async def ask(self, function: Callable[[Visit], T]) -> T:
        """Ask the crawl something, on a thread.

        Raises:
            BowerbirdError: it cannot be asked now.
        """
        return await run_in_threadpool(self.watch.ask, function)

    async def ask_sparingly(self, question: Hashable, function: Callable[[Visit], T]) -> T:
        """As `ask`, what costs a manager something: not more often than it can well bear."""
        return await self.sparing.ask(
            question, lambda: self.ask(function), at_work=self.watch.at_work
        )

    async def steer(self, function: Callable[[Visit], T]) -> T:
        """Change something, as `ask`; then have all pages told of it at once."""
        try:
            return await self.ask(function)
        finally:
            self.watch.look_now()

    def page(self, request: Request, template: str, title: str, **values: object) -> HTMLResponse:
        """A page from a template that extends base.html."""
        text = _templates().get_template(template).render(
            title=title, path=request.url.path, pages=PAGES, version=__version__,
            where=self.watch.where, trusted=self.guard.is_trusted(request),
            secured=self.guard.open, **values,
        )  # fmt: skip
        return HTMLResponse(text)


@cache
def _templates() -> "Environment":
    """Templates of all parts. Everything is escaped: what is shown comes from foreign pages."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # 30 ms before the first page

    folders = [HERE / "templates", HERE / "gallery" / "templates"]
    return Environment(
        loader=FileSystemLoader(folders), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
