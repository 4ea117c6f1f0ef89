"""A dashboard of the test's own process over real HTTP, and crawls for it to show."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bowerbird.app.access import Access
from bowerbird.app.door import new_door
from bowerbird.app.engine import Engine, opened
from bowerbird.app.folder import Folder
from bowerbird.app.job import Prepared, prepare, store_job
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.model import Kind, Outcome, Record, Task, Verb, WorkerInfo
from bowerbird.settings import Mode, Secrets
from bowerbird.web.place import Place
from bowerbird.web.serve import Dashboard

#: What a page elsewhere might have us show.
HOSTILE = "<script>window.hit = 1</script>\"'><img src=x onerror='window.hit = 1'>"


@dataclass(frozen=True)
class Answered:
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Pages:
    """A dashboard that is served, and a client of it."""

    def __init__(self, dashboard: Dashboard) -> None:
        self.dashboard = dashboard
        self.address = dashboard.address
        self.token = dashboard.token

    def get(self, path: str, **headers: str) -> Answered:
        return self._ask("GET", path, None, headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answered:
        return self._ask("POST", path, json.dumps(body or {}).encode(), headers)

    def act(self, path: str, body: Any = None) -> Answered:
        """An action as a program with the token makes it."""
        return self.post(path, body, x_bowerbird="1", authorization=f"Bearer {self.token}")

    def live(self) -> Any:
        return self.get("/api/v1/live").json

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answered:
        request = urllib.request.Request(self.address + path, body, method=method)
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with _no_way_round.open(request, timeout=30) as answer:
                return Answered(answer.status, _lowered(answer.headers), answer.read())
        except urllib.error.HTTPError as answer:
            with answer:
                return Answered(answer.code, _lowered(answer.headers), answer.read())


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_no_way_round = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def _lowered(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@contextmanager
def dashboard(
    where: object, place: Place | None = None, access: Access | None = None,
    folders: Sequence[Path] = (),
) -> Iterator[Pages]:  # fmt: skip
    """A dashboard on a free port."""
    shown = Dashboard(str(where), access or Access(), place or Place(port=0), folders)
    thread = threading.Thread(target=shown.run, name="dashboard of a test")
    thread.start()
    try:
        yield Pages(shown)
    finally:
        shown.end()
        thread.join(30)
        assert not thread.is_alive()


def begun(path: Path) -> Prepared:
    """A crawl's folder, with its job."""
    folder = Folder(path)
    folder.create()
    return prepare(folder, Mode.CRAWL, ["http://first.example/"], {}, Secrets(), None, "", None)


def finished(
    path: Path, hosts: int = 1, failures: Sequence[tuple[str, str]] = (), images: int = 0
) -> Path:
    """A crawl that nobody works at: a page waits at each host; `failures` are (reason, detail)."""
    job = begun(path).job
    frontier = SqliteFrontier(Folder(path).database)
    store_job(Folder(path), job)
    with frontier.batch():
        tasks = [
            Task(url=f"http://dead{n}.example/x.png", kind=Kind.IMAGE) for n in range(len(failures))
        ]
        frontier.add(tasks)
        session = frontier.attach(WorkerInfo(name="w")).session
        _end(frontier, session, failures)
        frontier.add(
            [Task(url=f"http://got.example/{n}.png", kind=Kind.IMAGE) for n in range(images)]
        )
        _store(frontier, session)
        for start in range(0, hosts, 1_000):
            urls = (f"http://host{n}.example/" for n in range(start, min(start + 1_000, hosts)))
            frontier.add([Task(url=url, kind=Kind.PAGE) for url in urls])
        frontier.add([], seeds_complete=True)
        frontier.detach(session)
    frontier.close()
    return path


def _leased(frontier: SqliteFrontier, session: str) -> Iterator[Any]:
    while True:
        leases = frontier.lease(session, 100).leases
        if not leases:
            return
        for lease in leases:
            if lease.task.kind is Kind.ROBOTS:
                from bowerbird.model import Robots

                frontier.finish(
                    session,
                    [Outcome(token=lease.token, verb=Verb.DONE, robots=Robots(verdict="allow"))],
                )
            else:
                yield lease


def _end(frontier: SqliteFrontier, session: str, failures: Sequence[tuple[str, str]]) -> None:
    for (reason, detail), lease in zip(failures, _leased(frontier, session), strict=False):
        outcome = Outcome(token=lease.token, verb=Verb.DEAD, reason=reason, detail=detail)
        frontier.finish(session, [outcome])


def _store(frontier: SqliteFrontier, session: str) -> None:
    for number, lease in enumerate(_leased(frontier, session)):
        url = lease.task.url
        record = Record(
            url=url, final_url=url, status=200, type="png", width=10, height=10, bytes=1_000,
            sha256=f"{number:064x}", fetched_at=1_700_000_000.0 + number,
        )  # fmt: skip
        frontier.finish(session, [Outcome(token=lease.token, verb=Verb.DONE, records=(record,))])


@contextmanager
def managed(path: Path) -> Iterator[Engine]:
    """A manager at work in a folder, without workers."""
    folder = Folder(path)
    with folder.locked(60.0):  # the dashboard may be looking
        job = begun(path).job
        store_job(folder, job)
        with opened(folder, job, [new_door(folder).door]) as engine:
            yield engine


Wait = Callable[[str, Callable[[], Any]], None]
