"""From a lease to the request that is sent: what is accepted, how much, with whose headers."""

from collections.abc import Iterator

from bowerbird import urls
from bowerbird.fetch import ACCEPT, Request
from bowerbird.fetch.cookies import CookieJar
from bowerbird.model import Kind, Lease, Task
from bowerbird.settings import MIB, Job, Mode
from bowerbird.worker.read import ROBOTS_BYTES


class Asker:
    """Makes requests; secrets go to the origins of start URLs only, or to those of a list."""

    def __init__(self, job: Job) -> None:
        settings = job.settings
        self._headers = job.secrets.headers
        self._is_list = settings.mode is Mode.DOWNLOAD
        self._trusted = frozenset(
            one for url in job.start_urls for one in _origins(urls.origin_of(url))
        )
        self._jar = CookieJar.parse(job.secrets.cookies) if job.secrets.cookies else None
        self._most = {
            Kind.ROBOTS: ROBOTS_BYTES,
            Kind.PAGE: max(settings.max_page_bytes, settings.max_bytes),
            Kind.IMAGE: settings.max_bytes,
            Kind.SITEMAP: settings.max_sitemap_bytes,
            Kind.FEED: settings.max_page_bytes,
            Kind.STYLESHEET: settings.max_page_bytes,
        }

    def request(self, key: int, lease: Lease) -> Request:
        """The request of a lease."""
        task = lease.task
        return Request(
            key=key,
            url=task.url,
            accept=ACCEPT[task.kind],
            referrer=task.referrer,
            headers=self._headers if self._headers and self._trusts(task) else (),
            cookies=self._jar.header(task.url) if self._jar else "",
            max_bytes=self._most[task.kind],
            spool_above=MIB,
            cut=task.kind is Kind.ROBOTS,
            again=lease.attempts > 0,
        )

    def _trusts(self, task: Task) -> bool:
        """Whether the user has named its origin: not one that a redirect or a page leads to."""
        origin = urls.origin_of(task.url)
        if self._is_list:  # the robots.txt may be that of where a redirect leads
            return task.kind is not Kind.ROBOTS and origin in _origins(urls.origin_of(task.first))
        return origin in self._trusted


def _origins(start: str) -> Iterator[str]:
    """An origin, and where sites go that leave clear text behind."""
    yield start
    if start.startswith("http:") and start == f"http://{urls.host_of_origin(start)}":
        yield start.replace("http:", "https:", 1)
