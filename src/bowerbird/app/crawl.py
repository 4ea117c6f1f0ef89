"""Crawl and download: the parts of a manager put together, one run from lock to report."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

from bowerbird.app.access import Access
from bowerbird.app.bucket import Watched, here, places, store_at
from bowerbird.app.certificate import CertificateWatch
from bowerbird.app.door import new_door
from bowerbird.app.early import drop
from bowerbird.app.folder import LOOKER_S, Folder, write_whole
from bowerbird.app.fork_server import fork_server
from bowerbird.app.interrupts import taken
from bowerbird.app.job import Prepared, StoredJob, engine_of, prepare, start_urls, store_job
from bowerbird.app.listen import Listen
from bowerbird.app.login import check_secrets, login_apart
from bowerbird.clock import SystemClock
from bowerbird.errors import StorageFullError, UsageError
from bowerbird.fetch.guard import Guard
from bowerbird.frontier.redis.address import shown
from bowerbird.manager.limits import StopRules
from bowerbird.manager.progress import Progress, ended
from bowerbird.manager.report import Report, make_report
from bowerbird.manager.room import NO_ROOM
from bowerbird.manager.run import Run
from bowerbird.manager.seeds import Chosen, Seeder, as_they_come, list_tasks, start_tasks
from bowerbird.manager.supervisor import Supervisor
from bowerbird.model import Kind, State, Stats, Task
from bowerbird.settings import Check, Job, Mode, Secrets, make_settings
from bowerbird.store.bucket import Bucket
from bowerbird.words import many

if TYPE_CHECKING:
    from bowerbird.app.cluster import ClusterEngine
    from bowerbird.app.engine import Engine

    AnyEngine: TypeAlias = Engine | ClusterEngine

#: Options whose change may let in what was refused before; secrets may, too.
ADMITTING = (
    "--allow", "--check", "--connect-timeout", "--cookies", "--header", "--ignore-robots",
    "--keep-damaged", "--max-bytes", "--max-page-bytes", "--min-size", "--proxy", "--timeout",
    "--robots", "--types", "--user-agent",
)  # fmt: skip


#: Options whose change may let in what pages had named and nobody kept.
WIDENING = ("--max-depth", "--scope", "--include", "--exclude")


@dataclass(slots=True)
class Order:
    """What a person asks for."""

    mode: Mode
    out: str  #: a folder, or an s3:// URL
    state: str = ""  #: the folder of all but the images, where these go to a bucket
    engine: str = ""  #: the address of a crawl in Redis; "": the folder holds the frontier
    access: Access = field(default_factory=Access)  #: what it takes to get in there
    backlog: int | None = None  #: bytes of results that may wait there for the manager
    start: Iterable[str] = ()  #: start URLs, or the image URLs of a list
    feed: Callable[[], Iterable[Task | None]] | None = None  #: in place of a list, once it runs
    options: Mapping[str, Any] = field(default_factory=dict)
    secrets: Secrets = field(default_factory=Secrets)
    listen: Listen | None = None  #: where workers of other machines come in
    notes: Callable[[], Iterable[str]] = tuple  #: more to be said in the report, at its end
    said: Callable[[str], None] = lambda _: None  #: a line for people
    tell: Callable[[Progress], None] = lambda _: None
    opened: "Callable[[AnyEngine, Run], None]" = lambda *_: None  #: to watch engine and run
    settled: Callable[[], None] = lambda: None  #: all that was brought is in the catalog
    signals: bool = False  #: Ctrl-C is taken as a wish to stop in order


def carry_out(order: Order) -> Report:
    """Run a crawl or download until it ends, is stopped or interrupted.

    Raises:
        UsageError: the input, an option or the folder cannot be used.
        BowerbirdError: it cannot go on; what was done is kept.
    """
    folder, bucket = places(order.out, order.state)
    engine = order.engine or engine_of(folder)
    _check_who_works(order, engine)
    _check_what_is_asked(order, begun=bool(engine) or folder.holds_crawl())
    folder.create()
    with folder.locked(LOOKER_S):
        folder.address_file.unlink(missing_ok=True)  # of a manager that was killed
        if not engine:
            return _run(order, folder, _prepared(order, folder, bucket), embedded)
        from bowerbird.app.cluster import Cluster

        drop()  # a cluster's workers are told on standard input what to do
        with Cluster(engine, folder, order) as cluster:
            prepared = _prepared(order, folder, bucket, str(cluster), cluster.stored())
            return _run(order, folder, prepared, cluster.site)


def _prepared(
    order: Order, folder: Folder, bucket: Bucket | None, engine: str = "",
    posted: StoredJob | None = None,
) -> Prepared:  # fmt: skip
    start = order.start if order.mode is Mode.CRAWL else ()
    prepared = prepare(
        folder, order.mode, start, order.options, order.secrets, bucket, engine, posted
    )
    Guard.of(prepared.job)  # says what is wrong with --allow-range, before anything begins
    for line in _claim(prepared.job):
        order.said(line)
    if prepared.resumed:
        order.said(f"Going on with the crawl in {engine or folder}.")
        for change in prepared.changes:
            order.said(f"changed: {change}")
    return prepared


def _claim(job: Job) -> Iterator[str]:
    """Say in the bucket that this crawl's images lie there, before anything begins."""
    if not job.store:
        return
    store = store_at(job.store)
    store.claim(job.name)
    if others := store.crawls() - {job.name}:
        yield (
            f"{store.name} has images of {many(len(others), 'other crawl')} too: "
            "`bowerbird verify` cannot tell what belongs to none of them."
        )


class Site(NamedTuple):
    """An engine that is open, and those who work there."""

    engine: "AnyEngine"
    supervisor: Supervisor
    reader: Sequence[str] = ()  #: the command of a worker that takes all but images


#: Opens an engine for a job, with so many workers of this machine.
OpenSite = Callable[["Order", Folder, Job, int], AbstractContextManager[Site]]


@contextmanager
def embedded(order: Order, folder: Folder, job: Job, count: int) -> Iterator[Site]:
    """The frontier in the folder, served to workers."""
    door = new_door(folder)
    doors = [door.door, *(listen.door(folder) for listen in (order.listen,) if listen)]
    if not count:
        drop()
    forks = fork_server() if count else None
    if forks and job.settings.check is Check.DECODE:
        forks.load("bowerbird.images.turbo")
    launch = forks.spawn if forks else None
    supervisor = Supervisor(door.worker_command(), count, SystemClock(), launch)
    supervisor.start()  # they wake up while the engine is built
    try:
        # 60 ms of imports that a wrong option should not cost.
        from bowerbird.app.engine import opened

        with opened(folder, job, doors) as engine:
            store_job(folder, job)
            for line in (*engine.recovered, *_invitation(order, engine, job, folder)):
                order.said(line)
            reader = door.worker_command([kind for kind in Kind if kind is not Kind.IMAGE])
            yield Site(engine, supervisor, reader)
            if forks:
                forks.let_go()  # it ends while the database is closed
    finally:
        supervisor.kill()
        if forks:
            forks.close()


def _run(order: Order, folder: Folder, prepared: Prepared, open_site: OpenSite) -> Report:
    clock = SystemClock()
    began_s = clock.now_s()
    count = _worker_count(prepared.job, alone=open_site is embedded and order.listen is None)
    job = msgspec.structs.replace(prepared.job, workers=max(1, count))
    order.start = chosen = Chosen(order.start, job.settings)
    with open_site(order, folder, job, count) as site:
        engine = site.engine
        for line in _of_pause(engine, folder):
            order.said(line)
        seeder = Seeder(_seeds(order, job), engine.add, engine.lost_seeds)
        stats, state = _work(order, job, site, seeder)
        engine.settle()
        order.settled()
        if site.supervisor.deaths:
            here(folder.path, job.store).sweep()  # what the dead were writing
        report = make_report(
            stats, engine.before, name=job.name, folder=job.folder, state=state,
            store=job.store.partition("?")[0],
            totals=engine.totals(), seconds=clock.now_s() - began_s,
            workers_died=site.supervisor.deaths, wall_s=clock.wall_s(),
            known=seeder.known if order.mode is Mode.DOWNLOAD else 0,
            notes=(*order.notes(), *chosen.notes(), *_notes(engine, prepared, stats)),
        )  # fmt: skip
    try:
        write_whole(folder.report, report.as_json(), mode=0o666)  # as the images beside it
    except StorageFullError as error:  # the images are there, and the report is shown
        order.said(str(error))
    return report


def _check_who_works(order: Order, engine: str) -> None:
    """Raises UsageError where nobody can listen there, or nobody would work."""
    if engine and order.listen is not None:
        raise UsageError(
            f"--listen is for a manager that holds the frontier; this one is in {shown(engine)}, "
            "where workers join: `bowerbird worker` with the same address."
        )
    if order.listen is not None:
        order.listen.address()
    elif order.options.get("workers") == 0 and not engine:
        raise UsageError(
            "--workers 0 leaves all work to other machines; it needs --listen, so that they can "
            "come in, or --engine."
        )


def _check_what_is_asked(order: Order, *, begun: bool) -> None:
    """Raises UsageError before a folder is made for what cannot begin."""
    make_settings(dict(order.options))
    check_secrets(order.secrets)
    if order.mode is Mode.CRAWL:
        starts = start_urls(order.start, begun=begun)
        order.start, order.secrets = login_apart(starts, order.secrets)


def _worker_count(job: Job, *, alone: bool) -> int:
    """Local workers; none only where others can come in.

    Raises:
        UsageError: it was begun for others alone, and now they cannot come in.
    """
    wanted = job.settings.workers
    if wanted == 0 and alone:
        raise UsageError(
            "This crawl was begun with --workers 0, for other machines alone. Give --listen again, "
            "so that they can come in, or say how many are to work here: --workers 2."
        )
    return wanted if wanted is not None else os.cpu_count() or 1


def _invitation(order: Order, engine: "Engine", job: Job, folder: Folder) -> list[str]:
    if order.listen is None:
        return []
    from bowerbird.app.invitation import invitation

    return invitation(order.listen, engine.addresses[-1], job, folder.listen_key)


def _work(order: Order, job: Job, site: Site, seeder: Seeder) -> tuple[Stats, str]:
    engine, clock = site.engine, SystemClock()
    watch = CertificateWatch(order.listen.tls_cert if order.listen else "", clock, order.said)

    def tell(progress: Progress) -> None:
        watch.look()
        order.tell(progress)

    run = Run(
        desk=engine, supervisor=site.supervisor, seeder=seeder,
        rules=StopRules(job.settings), clock=clock, folder=Path(job.folder),
        reader=site.reader, tell=tell, say=order.said,
        bucket=Watched(job.store, job.name) if job.store else None,
    )  # fmt: skip
    engine.gives_up = lambda: run.interrupts > 0
    order.opened(engine, run)
    with taken(run, wanted=order.signals):
        return run.work()


def _of_pause(engine: "AnyEngine", folder: Folder) -> Iterator[str]:
    """A pause outlasts restarts: who starts a paused crawl should not wait in the dark."""
    before = engine.before
    if before.state is State.PAUSED and before.reason not in NO_ROOM:  # which the run says itself
        reason = f" ({before.reason})" if before.reason else ""
        yield f"This crawl is paused{reason}; `bowerbird resume {folder}` lets it go on."


def _notes(engine: "AnyEngine", prepared: Prepared, stats: Stats) -> Iterator[str]:
    """What a person should know beside the counts."""
    job = prepared.job
    yield from engine.recovered
    yield from engine.fate_of(job.start_urls)
    yield from engine.notes()
    proxy = job.settings.proxy
    if proxy and stats.dead and not any(stats.done.values()):
        yield f'Nothing came through the proxy {proxy}: is it right? `--proxy ""` goes without.'
    left = stats.leased + stats.skipped
    nothing = ended(stats) == ended(engine.before) and not left
    if prepared.resumed and nothing and stats.state is State.ENDED:
        yield (
            f"Nothing new: this crawl had ended. `bowerbird retry {job.folder}` tries what failed "
            "or was left out once more; a new folder begins anew."
        )
    elif engine.before.dead and _has_changed(prepared, ADMITTING):
        yield (
            "What had failed or was left out before the options changed was not tried again: "
            f"`bowerbird retry {job.folder}` does."
        )
    if _has_changed(prepared, WIDENING):
        yield (
            "Pages that were read are not read again, and what they named that did not belong "
            "then was not kept: if more belongs now, a new folder takes it in."
        )


def _has_changed(prepared: Prepared, options: tuple[str, ...]) -> bool:
    return any(one.startswith(options) for one in prepared.changes)


def _seeds(order: Order, job: Job) -> Iterable[Task | None]:
    if order.feed is not None:
        return order.feed()
    if order.mode is Mode.DOWNLOAD:
        return as_they_come(list_tasks(order.start))
    return start_tasks(job.settings, job.start_urls)
