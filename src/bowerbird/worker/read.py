"""Documents: pages, stylesheets, sitemaps, feeds and robots.txt, read for what they name."""

import dataclasses
from collections.abc import Iterable, Sequence

import msgspec

from bowerbird import extract, urls
from bowerbird.extract import Extracted, Form
from bowerbird.extract.base import words
from bowerbird.fetch.base import Response
from bowerbird.model import Kind, Lease, Outcome, Record, Robots, Sighting, Task, Verb
from bowerbird.settings import Settings
from bowerbird.worker.judge import Judge
from bowerbird.worker.keep import Keeper
from bowerbird.worker.links import Admission, Finder
from bowerbird.worker.traps import Traps

#: Bytes of a robots.txt that are read (RFC 9309 section 2.5).
ROBOTS_BYTES = 512 * 1024
#: Directives that ask not to take images.
NO_IMAGES = frozenset({"noimageindex", "noai", "noimageai"})
#: Directives of a page that ask not to follow its links.
NO_PAGES = frozenset({"nofollow", "none"})
#: Those of a name before the colon that speak to us.
OUR_NAME = "bowerbird"
#: Directives that have a value behind a colon themselves.
WITH_VALUE = words("max-snippet max-image-preview max-video-preview unavailable_after")


class Reader:
    """Turns documents into outcomes with all that they name."""

    def __init__(
        self, settings: Settings, admission: Admission, finder: Finder, keeper: Keeper,
        judge: Judge, traps: Traps,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._admission = admission
        self._finder = finder
        self._keeper = keeper
        self._judge = judge
        self._traps = traps

    def robots(self, lease: Lease, response: Response, body: bytes) -> Outcome:
        """The text of a robots.txt, and the sitemaps that it names."""
        text = body[:ROBOTS_BYTES].decode("utf-8", "replace")
        if response.cut:  # half a rule would be another rule
            text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1]
        origin = urls.origin_of(lease.task.first)
        outcome = self._judge.done(
            lease, status=response.status, robots=Robots(verdict="text", text=text)
        )
        named = extract.robots_sitemaps(text, lease.task.url)
        return msgspec.structs.replace(
            outcome, found=tuple(self._finder.sitemaps_of(origin, named))
        )

    def read(self, lease: Lease, response: Response, body: bytes, form: Form) -> Outcome:
        """A document by what its bytes are, whatever the link promised."""
        task = lease.task
        if form is Form.CSS or task.kind is Kind.STYLESHEET:
            return self._stylesheet(lease, response, body)
        if task.kind is Kind.IMAGE and not self._may_be_page(task, form):
            reason = "html-not-image" if form is Form.HTML else "not-an-image"
            return self._judge.dead(lease, reason, status=response.status)
        if form is Form.HTML:
            return self._page(lease, response, body)
        if form is Form.SITEMAP:
            return self._sitemap(lease, response, body)
        if form is Form.FEED:
            return self._links(lease, response, extract.extract_feed(body, task.url))
        return self._judge.done(lease, status=response.status, counts={"other-documents": 1})

    def refuses_images(self, response: Response) -> bool:
        """Whether X-Robots-Tag asks not to take images of this answer."""
        if not self._settings.obey_tags:
            return False
        return not NO_IMAGES.isdisjoint(_directives(response.headers.all("x-robots-tag")))

    def _may_be_page(self, task: Task, form: Form) -> bool:
        return form is Form.HTML and self._admission.page(
            task.url, task.depth, task.referrer or task.url
        )

    def _page(self, lease: Lease, response: Response, body: bytes) -> Outcome:
        content_type = response.headers.get("content-type", "")
        found = extract.extract_html(
            body, lease.task.url, content_type=content_type, srcset=self._settings.srcset,
            most=self._settings.max_page_links,
        )  # fmt: skip
        self._tell_cut("page-links", lease, found)
        counts = {"pages": 1}
        if found.has_scripts and not (found.images or found.data):
            counts["script-pages-without-images"] = 1
        if self._settings.obey_tags and (
            self.refuses_images(response) or not NO_IMAGES.isdisjoint(found.directives)
        ):
            counts["pages-that-refuse-images"] = 1
            found = dataclasses.replace(found, images=[], data=[])
        if self._settings.obey_tags and not NO_PAGES.isdisjoint(found.directives):
            counts["pages-that-refuse-following"] = 1
            found = dataclasses.replace(found, pages=[])
        return self._links(lease, response, found, counts, body)

    def _tell_cut(self, kind: str, lease: Lease, found: Extracted) -> None:
        if found.cut:
            self._traps.count(kind, lease.task.url)

    def _sitemap(self, lease: Lease, response: Response, body: bytes) -> Outcome:
        settings = self._settings
        found = extract.extract_sitemap(
            body, lease.task.url, settings.max_sitemap_urls, settings.max_sitemap_bytes
        )
        self._tell_cut("sitemap-urls", lease, found)
        return self._links(lease, response, found)

    def _stylesheet(self, lease: Lease, response: Response, body: bytes) -> Outcome:
        content_type = response.headers.get("content-type", "")
        found = extract.extract_css(
            body, lease.task.url, content_type=content_type, most=self._settings.max_page_links
        )
        self._tell_cut("page-links", lease, found)
        tasks, sightings = self._finder.of_stylesheet(lease.task, found)
        counts = {"stylesheets": 1} | self._traps.counts()
        return self._outcome(lease, response, tasks, sightings, counts)

    def _links(
        self, lease: Lease, response: Response, found: Extracted,
        counts: dict[str, int] | None = None, page: bytes = b"",
    ) -> Outcome:  # fmt: skip
        tasks: Sequence[Task]
        tasks, sightings = self._finder.of_page(lease.task, found)
        if page and not found.data:
            tasks = self._traps.sift(lease.task, tasks, page)
        kept, late = self._keeper.keep_data(found.data, lease.task.url)
        counts = (counts or {}) | ({"inline-images-left-out": late} if late else {})
        return self._outcome(
            lease, response, tasks, [*sightings, *(seen for _, seen in kept)],
            counts | self._traps.counts(),
            [record for record, _ in kept],
        )  # fmt: skip

    def _outcome(
        self, lease: Lease, response: Response, tasks: Iterable[Task],
        sightings: Iterable[Sighting], counts: dict[str, int], records: Iterable[Record] = (),
    ) -> Outcome:  # fmt: skip
        return Outcome(
            token=lease.token, verb=Verb.DONE, status=response.status, answered=True,
            found=tuple(tasks), sightings=tuple(sightings), records=tuple(records), counts=counts,
        )  # fmt: skip


def _directives(headers: Iterable[str]) -> set[str]:
    """The directives of X-Robots-Tag that are for all, or for us: `noai` or `bowerbird: noai`."""
    found: set[str] = set()
    for header in headers:
        for_us = True
        for part in header.lower().split(","):
            name, colon, rest = map(str.strip, part.partition(":"))
            if colon and name not in WITH_VALUE and " " not in name:  # a date has one
                for_us, name = name == OUR_NAME, rest
            if for_us:
                found.add(name)
    return found
