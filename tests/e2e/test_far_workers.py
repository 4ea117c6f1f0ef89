"""Workers of other machines, each a process: before their manager, without it, after it."""

import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bowerbird.frontier.base import BEAT_EVERY_S, SESSION_DEADLINE_S
from bowerbird.store import FileStore
from tests.bird import Flying, Ran, bird, records_of, wait_for
from tests.ports import free_port
from tests.web import Answer, Web, images_of, serve, tree


class Place:
    """A port for a manager, its key, and folders of those who work there."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.out = base / "out"
        self.key = base / "key"
        self.key.write_text("a key that nobody guesses\n")
        self.port = free_port()
        self.fingerprint = ""

    @property
    def address(self) -> str:
        return f"{'tls' if self.fingerprint else 'tcp'}://127.0.0.1:{self.port}"

    def encrypt(self) -> None:
        made = bird("keygen", "-o", self.base / "tls", "--tls")
        (self.fingerprint,) = re.findall(r"^\s*([0-9a-f]{64})$", made.out, re.MULTILINE)

    def crawl(self, web: Web, *more: object, out: Path | None = None) -> tuple[object, ...]:
        return (
            "crawl", f"{web.url}/p0", "-o", out or self.out, "--json", "--delay", "0",
            "--listen", f"127.0.0.1:{self.port}", "--authkey-file", self.key, "--workers", 0, *more,
            *self._tls("--tls-cert", self.base / "tls.crt", "--tls-key", self.base / "tls-tls.key"),
        )  # fmt: skip

    def worker(self, name: str = "w", *more: object) -> tuple[object, ...]:
        given = more or ("--allow-private",)
        return (
            "worker", self.address, "-o", self.base / name, "--authkey-file", self.key, "--json",
            "--workers", 1, *given, *self._tls("--tls-fingerprint", self.fingerprint),
        )  # fmt: skip

    def _tls(self, *arguments: object) -> tuple[object, ...]:
        return arguments if self.fingerprint else ()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def fly() -> Iterator[Callable[..., Flying]]:
    """Start commands; whatever is left of them at the end is killed."""
    started: list[Flying] = []

    def fly(arguments: tuple[object, ...]) -> Flying:
        started.append(Flying(arguments))
        return started[-1]

    yield fly
    for one in started:
        if one.process.poll() is None:
            one.kill_group()


Fly = Callable[..., Flying]


def assert_whole(web: Web, place: Place) -> None:
    """Every image is recorded once, and every record's file lies where its holder says."""
    records = records_of(place.out)
    urls = Counter(record.final_url.removeprefix(web.url) for record in records)
    assert images_of(web.answers) == set(urls)
    assert {url: n for url, n in urls.items() if n > 1} == {}
    for record in records:
        (holder,) = record.holders
        folder = Path(re.sub(r"^file://[^/]*|#.*$", "", holder.folder))
        assert (folder / holder.path).stat().st_size == record.bytes


def ended(worker: Flying) -> Ran:
    ran = worker.ended()
    assert ran.status == 0, ran.err
    assert "Traceback" not in ran.err
    return ran


def quiet_s(web: Web) -> float:
    return time.monotonic() - web.requests[-1].at_s


def assert_nothing_in_vain(web: Web) -> None:
    """Nothing was fetched twice, unless a manager was away beyond the deadline of its workers: on a
    slow machine it may take so long to start."""
    if max(web.gaps_s()) < SESSION_DEADLINE_S - 2 * BEAT_EVERY_S:
        assert max(web.counts().values()) == 1, "something was fetched in vain"


def test_workers_that_start_first_wait_and_share_the_work(place, fly):
    answers, joined = tree(pages=40, images=4), threading.Event()
    first = answers["/p0"]
    assert isinstance(first, Answer)

    def held_up() -> Answer:  # whoever joins late on a slow machine would find nothing to do
        joined.wait(20.0)
        return first

    answers["/p0"] = held_up
    with serve(answers, pause_s=0.01) as web:
        workers = [fly(place.worker(name)) for name in ("one", "two")]
        for worker in workers:
            assert "Waiting" in worker.says("Nothing answers")
        flying = fly(place.crawl(web))
        for worker in workers:
            worker.says("Joined")
        wait_for("both", lambda: '"sessions": 2' in bird("status", place.out, "--json").out)
        joined.set()
        manager = flying.ended()
        ran = [ended(worker).report for worker in workers]

        assert manager.status == 0, manager.err
        assert sum(one["images"] for one in ran) == len(images_of(web.answers))
        assert all(one["images"] > 0 for one in ran), "both have worked"
        for name, one in zip(("one", "two"), ran, strict=True):
            assert len(list(FileStore(place.base / name).files())) == one["images"]
        assert len({holder.folder for r in records_of(place.out) for holder in r.holders}) == 2
        assert max(web.counts().values()) == 1
        assert_whole(web, place)


def test_a_manager_killed_and_started_anew_has_its_workers_back_and_all_they_did(place, fly):
    with serve(tree(pages=60, images=6), pause_s=0.05) as web:
        workers = [fly(place.worker(name)) for name in ("one", "two")]
        for kill in range(3):
            manager = fly(place.crawl(web))
            wanted = len(web.requests) + 60
            wait_for("requests", lambda n=wanted: len(web.requests) > n)
            manager.kill_group()
            if not kill:  # what is in flight ends while nobody is there to be told
                wait_for("rest", lambda: quiet_s(web) > 0.4)
        manager = bird(*place.crawl(web))
        ran = [ended(worker).report for worker in workers]

        assert manager.status == 0, manager.err
        assert_nothing_in_vain(web)
        assert sum(one["lost"] + one["workers_died"] for one in ran) == 0
        assert_whole(web, place)


@pytest.mark.slow
def test_a_worker_stopped_beyond_its_lease_and_one_killed_lose_nothing(place, fly):
    with serve(tree(pages=30, images=6), pause_s=0.05) as web:
        frozen, killed = (fly(place.worker(name)) for name in ("frozen", "killed"))
        manager = fly(place.crawl(web))
        wait_for("requests", lambda: len(web.requests) > 60)
        os.killpg(frozen.process.pid, signal.SIGSTOP)
        killed.kill_group()
        spare = fly(place.worker("spare"))
        wait_for("others to take over", lambda: max(web.counts().values()) > 1)
        os.killpg(frozen.process.pid, signal.SIGCONT)
        ran = [ended(worker) for worker in (spare, frozen)]

        assert ended(manager).report["failures"] == {}
        assert max(web.counts().values()) == 2
        assert sum(one.report["workers_died"] for one in ran) == 0, "a thawed worker goes on"
        assert_whole(web, place)


@pytest.mark.slow
def test_a_worker_whose_manager_is_away_beyond_the_deadline_aborts_and_keeps_what_is_done(
    place, fly
):
    answers = tree(pages=20, images=4)
    with serve(answers, pause_s=0.02) as web:
        worker = fly(place.worker())
        manager = fly(place.crawl(web))
        wait_for("requests", lambda: len(web.requests) > 30)
        manager.kill_group()
        assert "Trying again" in worker.says("away")
        wait_for("the deadline", lambda: quiet_s(web) > 9.0)
        again = bird(*place.crawl(web))

        assert again.status == 0, again.err
        report = ended(worker).report
        # The answer to what was handed in last may have died with the manager.
        assert 0 < report["images"] <= len(images_of(answers))
        assert max(web.counts().values()) <= 2
        assert_whole(web, place)


def test_workers_of_an_interrupted_manager_wait_for_it_with_their_results(place, fly):
    with serve(tree(pages=60, images=4), pause_s=0.05) as web:
        workers = [fly(place.worker(name)) for name in ("one", "two")]
        manager = fly(place.crawl(web))
        wait_for("requests", lambda: len(web.requests) > 60)
        manager.interrupt()
        interrupted = manager.ended()
        wait_for("rest", lambda: quiet_s(web) > 0.4)
        again = bird(*place.crawl(web))
        ran = [ended(worker).report for worker in workers]

        assert (interrupted.status, again.status) == (130, 0)
        assert_nothing_in_vain(web)
        assert sum(one["workers_died"] for one in ran) == 0
        assert_whole(web, place)


def test_secrets_come_by_tls_alone(place, fly):
    secret = ("--header", "X-Secret: opal")
    with serve(tree(pages=3, images=2)) as web:
        worker = fly(place.worker("plain"))
        assert bird(*place.crawl(web, *secret)).status == 0
        assert "not sent" in ended(worker).err
        assert {request.headers.get("X-Secret") for request in web.requests} == {None}

        web.requests.clear()
        place.encrypt()
        worker = fly(place.worker("encrypted"))
        assert bird(*place.crawl(web, *secret, out=place.base / "out2")).status == 0
        assert "not sent" not in ended(worker).err
        assert {request.headers.get("X-Secret") for request in web.requests} == {"opal"}


def test_a_restart_with_other_options_reaches_the_workers(place, fly):
    place.encrypt()
    with serve(tree(pages=40, images=4), pause_s=0.02) as web:
        worker = fly(place.worker())
        manager = fly(place.crawl(web, "--user-agent", "first"))
        wait_for("requests", lambda: len(web.requests) > 40)
        manager.kill_group()
        again = bird(*place.crawl(web, "--user-agent", "second"))

        assert (again.status, ended(worker).status) == (0, 0)
        assert {request.headers["User-Agent"] for request in web.requests} == {"first", "second"}
        assert web.requests[-1].headers["User-Agent"] == "second"
        assert_nothing_in_vain(web)
        assert_whole(web, place)


def test_a_worker_without_the_right_leaves_private_addresses_to_others_and_says_so(place, fly):
    with serve(tree(pages=5, images=2)) as web:
        manager = fly(place.crawl(web, "--allow-private"))
        without = fly(place.worker("without", "--allow-range", "10.0.0.0/8"))
        said = without.says("leads to the private address 127.0.0.1")
        assert "--allow-range 127.0.0.1" in said
        manager.says("started without --allow-range")
        assert web.requests == []
        other = fly(place.worker("with", "--allow-range", "127.0.0.0/8"))
        ran = ended(manager)

        assert ran.report["failures"] == {}
        assert ended(without).report["images"] == 0
        assert ended(other).report["images"] == len(images_of(web.answers))
        assert_whole(web, place)


def test_stay_waits_for_the_next_crawl_at_the_address(place, fly):
    with serve(tree(pages=3, images=2)) as web, serve(tree(pages=4, images=2)) as other:
        worker = fly(place.worker("w", "--stay", "--allow-private"))
        for number, site in enumerate((web, other)):
            ran = bird(*place.crawl(site, out=place.base / f"out{number}"))
            assert ran.status == 0, ran.err
            assert ran.report["images"] == len(images_of(site.answers))
            assert f"{site.url}/p0" in worker.says("Joined")
            worker.says("waiting for the next one")
        worker.interrupt()
        ran = worker.ended()

        assert ran.status == 130
        assert len(ran.report["crawls"]) == 2
        assert ran.report["images"] == sum(len(images_of(one.answers)) for one in (web, other))


def test_a_worker_waits_for_its_first_manager_as_long_as_it_was_told(place):
    ran = bird(*place.worker("w", "--patience", "0.5"))

    assert ran.status == 1
    assert "for 0.5 s at most" in ran.err
    assert "Traceback" not in ran.err


def test_a_worker_that_was_cut_off_leaves_when_its_patience_is_over(place, fly):
    with serve(tree(pages=40, images=4), pause_s=0.02) as web:
        manager = fly(place.crawl(web))
        worker = fly(place.worker("w", "--allow-private", "--patience", "1s"))
        wait_for("requests", lambda: len(web.requests) > 40)
        manager.kill_group()
        ran = worker.ended()

        assert (ran.status, ran.report["state"]) == (1, "alone")
        assert "for 1 s at most" in ran.err
        assert "Traceback" not in ran.err
        again = fly(place.crawl(web))
        assert bird(*place.worker()).status == 0
        ended(again)
        assert_whole(web, place)


def test_a_worker_does_not_say_that_its_crawl_has_ended_where_another_took_its_place(place, fly):
    with serve(tree(pages=40, images=4), pause_s=0.02) as web, serve({"/p0": Answer(b"x")}) as b:
        manager = fly(place.crawl(web))
        worker = fly(place.worker())
        wait_for("requests", lambda: len(web.requests) > 40)
        manager.kill_group()
        b.pause_s = 60.0
        fly(place.crawl(b, out=place.base / "other"))
        ran = worker.ended()

    assert (ran.status, ran.report["state"]) == (1, "replaced")
    assert "Another crawl is run" in ran.err


def test_ctrl_c_finishes_what_is_in_flight_and_gives_the_rest_back(place, fly):
    with serve(tree(pages=40, images=4), pause_s=0.05) as web:
        manager = fly(place.crawl(web))
        leaving = fly(place.worker("leaving"))
        wait_for("requests", lambda: len(web.requests) > 40)
        leaving.interrupt()
        left = leaving.ended()
        staying = fly(place.worker("staying"))
        ended(staying)

        assert (left.status, ended(manager).status) == (130, 0)
        assert left.report["images"] > 0
        assert left.report["lost"] == 0
        assert max(web.counts().values()) == 1, "what was in flight was finished"
        assert_whole(web, place)


def test_a_second_ctrl_c_leaves_at_once(place, fly):
    with serve({"/p0": Answer(b"x")}, pause_s=60.0) as web:
        fly(place.crawl(web))
        worker = fly(place.worker())
        wait_for("a request that hangs", lambda: len(web.requests) > 0)
        worker.interrupt()
        worker.says("again to leave at once")
        worker.interrupt()

        assert worker.ended().status == 130


def test_processes_end_when_their_parent_is_killed(place, fly):
    with serve({"/p0": Answer(b"x")}, pause_s=0.01) as web:
        worker = fly(place.worker("w", "--allow-private", "--stay", "--workers", 2))
        assert bird(*place.crawl(web)).status in (0, 1)
        children = worker.workers()
        assert len(children) == 2
        os.kill(worker.process.pid, signal.SIGKILL)
        wait_for("their end", lambda: not any(map(_lives, children)))


def _lives(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


# What cannot be: said at once, in words that help.


def test_a_wrong_key_is_said_and_ends_it(place, fly):
    with serve({"/p0": Answer(b"x")}, pause_s=60.0) as web:
        fly(place.crawl(web)).says("Listening")
        wrong = place.base / "wrong"
        wrong.write_text("another\n")
        ran = bird("worker", place.address, "--authkey-file", wrong, "-o", place.base / "w")

        assert ran.status in (1, 2)
        assert "authkey" in ran.err
        assert "Traceback" not in ran.err
        assert not (place.base / "w").exists()  # nothing is left of who has never joined


def test_a_manager_that_comes_back_with_another_key_ends_its_workers(place, fly):
    with serve(tree(pages=40, images=4), pause_s=0.02) as web:
        worker, manager = fly(place.worker()), fly(place.crawl(web))
        wait_for("requests", lambda: len(web.requests) > 20)
        manager.kill_group()
        place.key.write_text("a new one\n")
        fly(place.crawl(web))
        ran = worker.ended()

        assert ran.status in (1, 2)
        assert "authkey" in ran.err
        assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("address", "word"),
    [("here:80", "address"), ("tcp://localhost", "port"), ("tcp://localhost:0", "port"),
     ("http://localhost:80", "address")],
)  # fmt: skip
def test_an_address_that_is_none_is_a_mistake(place, address, word):
    ran = bird("worker", address, "--authkey-file", place.key, "-o", place.base / "w")

    assert ran.status == 2
    assert word in ran.err
    assert "Traceback" not in ran.err


def test_folders_that_hold_other_things_are_refused(place, fly):
    (place.base / "full").mkdir()
    (place.base / "full" / "thesis.txt").write_text("mine")
    (place.base / "file").write_text("mine")
    for name, word in (("full", "not empty"), ("file", "is a file")):
        ran = bird("worker", place.address, "--authkey-file", place.key, "-o", place.base / name)
        assert ran.status == 2
        assert word in ran.err


def test_the_folder_of_another_crawl_is_refused_and_the_crawls_own_is_shared(place, fly):
    with serve(tree(pages=4, images=2)) as web, serve(tree(pages=3, images=1)) as other:
        assert bird("crawl", f"{other.url}/p0", "-o", place.base / "foreign").status == 0
        manager = fly(place.crawl(web))
        manager.says("Listening")
        refused = bird(*place.worker("foreign"))
        ran = bird(*place.worker("out"))

        assert refused.status == 2
        assert "belongs to another crawl" in refused.err
        assert (ran.status, ended(manager).status) == (0, 0)
        assert {holder.folder for r in records_of(place.out) for holder in r.holders} == {
            str(place.out)
        }
        assert bird("verify", place.out).status == 0
