"""From a lease to the request that is sent: what is accepted, how much, with whose headers."""

from bowerbird import urls
from bowerbird.fetch import ACCEPT, Request
from bowerbird.fetch.cookies import CookieJar
from bowerbird.model import Kind, Lease
from bowerbird.settings import MIB, Job
from bowerbird.worker.read import ROBOTS_BYTES


class Asker:
    """Makes requests; secrets go to start hosts only."""

    def __init__(self, job: Job) -> None:
        settings = job.settings
        self._headers = job.secrets.headers
        plain = frozenset(urls.host_of(url) for url in job.start_urls if _is_plain(url))
        self._start_hosts, self._plain = frozenset(map(urls.host_of, job.start_urls)), plain
        self._jar = CookieJar.parse(job.secrets.cookies) if job.secrets.cookies else None
        self._most = {
            Kind.ROBOTS: ROBOTS_BYTES,
            Kind.PAGE: max(settings.max_page_bytes, settings.max_bytes),
            Kind.IMAGE: settings.max_bytes,
            Kind.SITEMAP: settings.max_sitemap_bytes,
            Kind.FEED: settings.max_page_bytes,
            Kind.STYLESHEET: settings.max_page_bytes,
        }

    def request(self, key: int, lease: Lease, host: str) -> Request:
        """The request of a lease."""
        task = lease.task
        return Request(
            key=key,
            url=task.url,
            accept=ACCEPT[task.kind],
            referrer=task.referrer,
            headers=self._headers if self._trusts(host, task.url) else (),
            cookies=self._jar.header(task.url) if self._jar else "",
            max_bytes=self._most[task.kind],
            spool_above=MIB,
            cut=task.kind is Kind.ROBOTS,
            again=lease.attempts > 0,
        )

    def _trusts(self, host: str, url: str) -> bool:
        """Whether it is a start host, and not in clear where the start was not."""
        return host in self._start_hosts and (host in self._plain or not _is_plain(url))


def _is_plain(url: str) -> bool:
    return url.startswith("http:")
