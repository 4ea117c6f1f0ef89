"""From what a document names to tasks and sightings: which links belong, and how deep they lie."""

from collections.abc import Iterable

from bowerbird import urls
from bowerbird.extract.base import Extracted, ImageLink
from bowerbird.model import Kind, Place, Sighting, Task
from bowerbird.settings import Mode, Scope, Settings
from bowerbird.worker.traps import Traps

#: Longest alt text that is kept, in characters.
MAX_ALT = 1_000


class Admission:
    """Which URLs belong to a crawl.

    Scope binds pages only. A page that was admitted admits its own host (or domain, or
    folder): so the target of a start page's redirect takes the place of the start.
    """

    def __init__(self, settings: Settings, start_urls: Iterable[str]) -> None:
        self._scope = settings.scope
        self._max_depth = settings.max_depth
        self._starts = tuple(start_urls)
        self._in_scope = urls.in_scope(settings.scope, self._starts)
        self._origin_in_scope = urls.in_scope(_of_origins(settings.scope), self._starts)
        self._page_matches = urls.matcher(settings.include, settings.exclude, "page")
        self._image_matches = urls.matcher(settings.include, settings.exclude, "image")
        self._follows = settings.mode is Mode.CRAWL

    def page(self, url: str, depth: int, source: str) -> bool:
        """Whether a page named by a document at `source` belongs."""
        return (
            self._follows
            and self.depth(depth)
            and (self._in_scope(url) or self._beside(url, source))
            and self._page_matches(url)
        )

    def origin(self, origin: str) -> bool:
        """Whether the sitemaps of an origin are read."""
        return self._follows and self.depth(1) and self._origin_in_scope(origin + "/")

    def depth(self, depth: int) -> bool:
        """Whether pages so many links away belong."""
        return self._max_depth is None or depth <= self._max_depth

    def image(self, url: str) -> bool:
        """Whether an image belongs; any host may have it."""
        return self._image_matches(url)

    def redirect(self, task: Task, url: str) -> bool:
        """Whether the target of a redirect belongs; that of a start page always does."""
        if task.kind is not Kind.PAGE:
            return task.kind is not Kind.IMAGE or self.image(url)
        return task.depth == 0 or self.page(url, task.depth, task.url)

    def _beside(self, url: str, source: str) -> bool:
        if self._scope is Scope.PREFIX:
            return url.startswith(source.partition("?")[0].rpartition("/")[0] + "/")
        here, there = urls.host_of(source), urls.host_of(url)
        if self._scope is Scope.DOMAIN:
            return urls.domain_of(here) == urls.domain_of(there)
        return here == there


def _of_origins(scope: Scope) -> Scope:
    return Scope.HOST if scope is Scope.PREFIX else scope


class Known:
    """URLs that the frontier is known to have, so that menus are not sent with each page."""

    #: URLs remembered; 14 MB at most.
    LIMIT = 200_000

    def __init__(self) -> None:
        self._hashes: set[int] = set()

    def __contains__(self, url: str) -> bool:
        return hash(url) in self._hashes

    def clear(self) -> None:
        """Forget all."""
        self._hashes.clear()

    def add(self, tasks: Iterable[Task]) -> None:
        """Remember what the frontier has accepted."""
        if len(self._hashes) > self.LIMIT:
            self._hashes.clear()
        self._hashes.update(hash(task.url) for task in tasks)


class Finder:
    """Makes tasks and sightings of what a document names."""

    def __init__(
        self, admission: Admission, known: Known, traps: Traps, sitemap_depth: int = 2
    ) -> None:
        """`known`: URLs the frontier has already; they are not sent again."""
        self._admission = admission
        self._known = known
        self._traps = traps
        self._sitemap_depth = sitemap_depth

    def of_page(self, task: Task, found: Extracted) -> tuple[list[Task], list[Sighting]]:
        """What a page, feed or sitemap leads to. Sitemaps put their pages one link away."""
        here = task.url
        depth = 1 if task.kind is Kind.SITEMAP else task.depth + 1
        images, sightings = self.images(task, here, here, found.images)
        tasks = [
            *images,
            *self._documents(Kind.STYLESHEET, found.stylesheets, here, task.depth),
            *self._pages(Kind.PAGE, found.pages, here, depth),
            *self._pages(Kind.FEED, found.feeds, here, depth),
            *self._sitemaps(task, found.sitemaps),
        ]
        return tasks, sightings

    def of_stylesheet(self, task: Task, found: Extracted) -> tuple[list[Task], list[Sighting]]:
        """What a stylesheet shows: on the page that named it."""
        page = task.referrer or task.url
        images, sightings = self.images(task, task.url, page, found.images)
        sheets = self._documents(Kind.STYLESHEET, found.stylesheets, page, task.depth)
        return [*images, *sheets], sightings

    def sitemaps_of(self, origin: str, named: Iterable[str]) -> list[Task]:
        """The sitemaps that an origin's robots.txt names."""
        if not self._admission.origin(origin):
            return []
        return self._documents(Kind.SITEMAP, named, origin + "/robots.txt", 0)

    def images(
        self, task: Task, referrer: str, page: str, links: Iterable[ImageLink]
    ) -> tuple[list[Task], list[Sighting]]:
        """Images, each with where it was seen."""
        named = list(links)
        wanted = [link for link in named if self._admission.image(link.url)]
        if len(wanted) < len(named):
            self._traps.note("image-links-left-out", len(named) - len(wanted))
        tasks = [
            Task(
                url=link.url, kind=Kind.IMAGE, depth=task.depth + 1, referrer=referrer,
                alternates=link.alternates,
            )
            for link in wanted
            if link.url not in self._known
        ]  # fmt: skip
        return tasks, [
            Sighting(
                image_url=link.url, page_url=page, place=_place(task, link), alt=link.alt[:MAX_ALT]
            )
            for link in wanted
        ]

    def _pages(self, kind: Kind, links: Iterable[str], here: str, depth: int) -> list[Task]:
        admits, known, leads_on = self._admission.page, self._known, self._traps.admits
        return [
            Task(url=url, kind=kind, depth=depth, referrer=here)
            for url in links
            if url not in known and admits(url, depth, here) and leads_on(url)
        ]

    def _documents(self, kind: Kind, links: Iterable[str], referrer: str, depth: int) -> list[Task]:
        return [
            Task(url=url, kind=kind, depth=depth, referrer=referrer)
            for url in links
            if url not in self._known
        ]

    def _sitemaps(self, task: Task, links: Iterable[str]) -> list[Task]:
        level = task.depth + 1 if task.kind is Kind.SITEMAP else 0
        if not self._admission.depth(1):
            return []
        if level > self._sitemap_depth:
            self._left_aside(links)
            return []
        return self._documents(Kind.SITEMAP, links, task.url, level)

    def _left_aside(self, sitemaps: Iterable[str]) -> None:
        fresh = [url for url in sitemaps if url not in self._known]
        if fresh:
            self._traps.count("sitemap-depth", fresh[0], len(fresh))


def _place(task: Task, link: ImageLink) -> Place:
    return Place.CSS if task.kind is Kind.STYLESHEET else link.place
