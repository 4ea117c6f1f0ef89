"""What an answer, or the lack of one, means for its task. Pure: values in, an outcome out."""

import random
from collections.abc import Callable
from http import HTTPStatus

from bowerbird import backoff, urls
from bowerbird.fetch.base import Failure, Response
from bowerbird.model import Kind, Lease, Outcome, Robots, Task, Verb
from bowerbird.settings import Settings

#: Statuses that may pass: a timeout of the server's, too early, too many requests, 5xx.
PASSING = frozenset({408, 425, 429, *range(500, 600)} - {501, 505})
#: Statuses that ask the whole fleet to leave the host alone for a while.
HOLDING = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
#: Redirects with a Location (RFC 9110 section 15.4).
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Judge:
    """Turns failures, redirects and error statuses into outcomes."""

    def __init__(
        self,
        settings: Settings,
        wall_s: Callable[[], float],
        admits: Callable[[Task, str], bool],
        dice: random.Random | None = None,
    ) -> None:
        """`admits(task, url)` says whether a redirect of this task to this URL belongs."""
        self._settings = settings
        self._wall_s = wall_s
        self._admits = admits
        self._dice = dice

    def failed(self, lease: Lease, failure: Failure, delay_s: float = 0.0) -> Outcome:
        """No answer, or a broken one."""
        if not failure.transient:
            return self.dead(lease, failure.reason, failure.detail, answered=failure.answered)
        return self._again(
            lease, failure.reason, failure.detail, answered=failure.answered, delay_s=delay_s
        )

    def answered(self, lease: Lease, response: Response, delay_s: float = 0.0) -> Outcome | None:
        """An answer by its status; None for 2xx with a body that is to be looked at."""
        status = response.status
        if status in REDIRECTS:
            return self._moved(lease, response)
        if lease.task.kind is Kind.ROBOTS and _has_no_rules(status):
            verdict = Robots(verdict="allow")
            return self.done(lease, status=status, robots=verdict)
        if status in PASSING:
            return self._passing(lease, response, delay_s)
        if 200 <= status < 300 and status not in (204, 205, 206):
            return None
        if _is_guess(lease.task):
            return self.done(lease, status=status, counts={"no-sitemap": 1})
        return self.dead(lease, f"http-{status}", status=status)

    def dead(
        self, lease: Lease, reason: str, detail: str = "", *, status: int = 0,
        answered: bool | None = True, try_alternates: bool = True,
    ) -> Outcome:  # fmt: skip
        """A task that will not pass; another size of its image is tried in its place."""
        return Outcome(
            token=lease.token, verb=Verb.DEAD, reason=reason, detail=detail, status=status,
            answered=answered, found=_alternate(lease.task) if try_alternates else (),
        )  # fmt: skip

    def done(
        self, lease: Lease, *, status: int = 0, robots: Robots | None = None,
        counts: dict[str, int] | None = None,
    ) -> Outcome:  # fmt: skip
        """A task that brought nothing but itself."""
        return Outcome(
            token=lease.token, verb=Verb.DONE, status=status, answered=True, robots=robots,
            counts=counts or {},
        )  # fmt: skip

    def _passing(self, lease: Lease, response: Response, delay_s: float) -> Outcome:
        holding = response.status in HOLDING
        retry_after = response.headers.get("retry-after", "")
        asked_s = backoff.hold_in_s(retry_after, lease.attempts, self._wall_s()) if holding else 0.0
        hold_s = min(asked_s, self._settings.max_hold)
        return self._again(
            lease, f"http-{response.status}", "", status=response.status, answered=True,
            delay_s=delay_s, hold_s=hold_s,
        )  # fmt: skip

    def _again(
        self, lease: Lease, reason: str, detail: str, *, answered: bool, delay_s: float,
        status: int = 0, hold_s: float = 0.0,
    ) -> Outcome:  # fmt: skip
        spent = lease.attempts >= self._settings.retries
        first_s = backoff.FIRST_DNS_S if reason.startswith("dns-") else backoff.FIRST_S
        # Who was not reached has not been slow, and is a matter of `host-down`.
        slows = self._settings.delay is None and not reason.startswith(("dns-", "connect-"))
        return Outcome(
            token=lease.token,
            verb=Verb.DEAD if spent else Verb.RETRY,
            reason=reason,
            detail=detail,
            status=status,
            answered=answered,
            in_s=0.0
            if spent
            else max(hold_s, backoff.retry_in_s(lease.attempts, self._dice, first_s)),
            hold_s=hold_s,
            delay_s=backoff.slower_s(delay_s) if slows else None,
            found=_alternate(lease.task) if spent else (),
        )

    def _moved(self, lease: Lease, response: Response) -> Outcome:
        task, status = lease.task, response.status
        location = _location(response)
        target = urls.canonical(location, task.url) if location else None
        if target is None:
            return self.dead(lease, "bad-redirect", f"Location: {location[:200]}", status=status)
        if task.kind is not Kind.ROBOTS and not self._admits(task, target):
            return self.dead(
                lease, "out-of-scope", f"redirect to {target}", status=status, try_alternates=False
            )
        if task.kind is not Kind.ROBOTS and task.hops >= self._settings.max_hops:
            return self.dead(lease, "redirect-loop", f"{task.hops} hops", status=status)
        moved = Task(
            url=target, kind=task.kind, depth=task.depth, hops=task.hops + 1,
            first_url=task.first, referrer=task.referrer, alternates=task.alternates,
        )  # fmt: skip
        return Outcome(
            token=lease.token, verb=Verb.MOVED, moved=moved, status=status, answered=True
        )


def _has_no_rules(status: int) -> bool:
    """Whether an answer to robots.txt says that there is none, or an empty one (RFC 9309 2.3.1)."""
    return status in (204, 205) or (400 <= status < 500 and status != 429)


def _location(response: Response) -> str:
    """Location as it was meant: the first; bytes beyond ASCII are UTF-8 where they can be."""
    location = next(iter(response.headers.all("location")), "")
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return location


def _alternate(task: Task) -> tuple[Task, ...]:
    if not task.alternates:
        return ()
    url, *rest = task.alternates
    return (
        Task(
            url=url, kind=task.kind, depth=task.depth, first_url=task.first,
            referrer=task.referrer, alternates=tuple(rest),
        ),
    )  # fmt: skip


def _is_guess(task: Task) -> bool:
    """A sitemap nobody has named: its absence is no failure."""
    return task.kind is Kind.SITEMAP and not task.referrer
