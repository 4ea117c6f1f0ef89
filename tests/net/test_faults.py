"""Cables, processes and connections fail: nothing is lost, nothing is stored twice."""

import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.bird import wait_for
from tests.net.fleet import PORT, Fleet, Running, judge, served_on
from tests.net.lan import Lan
from tests.net.slowline import Line, slow_line
from tests.web import PNG, Answer, Answers, Web, images_of, png, tree

#: Workers are to be back so soon after a manager listens again, in seconds.
BACK_WITHIN_S = 10.0


@pytest.fixture
def web(lan: Lan) -> Iterator[Web]:
    with served_on(lan.host("web"), tree(pages=100, images=4), pause_s=0.02) as served:
        yield served


def start(fleet: Fleet, web: Web, *more: object) -> Running:
    return fleet.crawl(f"{web.url}/p0", "--delay", 0, *more)


def assert_whole(fleet: Fleet, web: Web) -> None:
    judge(fleet.out, {web.url + path for path in images_of(web.answers)}).assert_whole()


def wait_for_requests(web: Web, number: int) -> None:
    wanted = len(web.requests) + number
    wait_for(f"{number} requests", lambda: len(web.requests) >= wanted)


# Cables.

CUTS = {
    "a pulled cable": lambda host: host.unplug(),
    "a cable that brings nothing": lambda host: host.deafen(),
    "a cable that carries nothing away": lambda host: host.mute(),
}


@pytest.mark.parametrize("cut", CUTS)
def test_a_worker_cut_off_beyond_its_lease_comes_back_and_nothing_is_lost(fleet, web, cut):
    manager = start(fleet, web)
    away, _ = fleet.workers(2)
    wait_for_requests(web, 40)
    web.pause_s = 0.5  # there is still work when it comes back
    CUTS[cut](away.host)
    fleet.wait_for_sessions(1)
    away.host.heal()
    fleet.wait_for_sessions(2)
    web.pause_s = 0.0

    assert manager.ended() == 0, manager.said
    assert away.ended() == 0, away.said
    assert_whole(fleet, web)


def test_a_cable_out_for_a_moment_costs_nothing(fleet, web):
    manager = start(fleet, web)
    (worker,) = fleet.workers(1)
    for _ in range(3):
        wait_for_requests(web, 40)
        worker.host.unplug()
        time.sleep(0.5)  # the length of the fault
        worker.host.plug()

    assert manager.ended() == 0, manager.said
    assert max(web.counts().values()) == 1, "TCP mends it: nothing is fetched again"
    assert_whole(fleet, web)


def test_a_manager_far_away_over_a_narrow_line_that_loses_packets_is_served(fleet, web, lan):
    router = lan.host("router")
    manager = start(fleet, web)
    line = Line(latency_s=0.1, bytes_per_s=50_000)
    with router.entered():
        proxied = slow_line((fleet.manager_host.address, PORT), line, router.address)
        proxy = proxied.__enter__()
    try:
        host = lan.host("far")
        worker = fleet.join(host, address=f"tcp://{router.address}:{proxy.address[1]}")
        host.lose(0.1)

        assert manager.ended() == 0, manager.said
        assert worker.ended() == 0, worker.said
        assert_whole(fleet, web)
    finally:
        proxied.__exit__(None, None, None)


def test_connections_reset_again_and_again_leave_nothing_behind(fleet, web):
    manager = start(fleet, web)
    workers = fleet.workers(2)
    fleet.wait_for_sessions(2)
    before = open_files(manager)
    for _ in range(8):
        wait_for_requests(web, 20)
        fleet.manager_host.reset_connections(PORT)
    wait_for_requests(web, 20)
    after = open_files(manager)

    assert manager.ended() == 0, manager.said
    assert [worker.ended() for worker in workers] == [0, 0]
    assert after <= before + 4
    assert_whole(fleet, web)


def open_files(running: Running) -> int:
    return sum(1 for _ in Path(f"/proc/{running.pid}/fd").iterdir())


# Processes.


def test_a_worker_frozen_beyond_its_lease_hands_in_late_and_nothing_is_stored_twice(fleet, web):
    manager = start(fleet, web)
    frozen, _ = fleet.workers(2)
    wait_for_requests(web, 40)
    web.pause_s = 0.5  # what it has asked for is answered while it sleeps
    wait_for_requests(web, 4)
    frozen.signal(signal.SIGSTOP)
    fleet.wait_for_sessions(1)
    frozen.signal(signal.SIGCONT)
    fleet.wait_for_sessions(2)
    web.pause_s = 0.0

    assert manager.ended() == 0, manager.said
    assert frozen.ended() == 0, frozen.said
    assert max(web.counts().values()) <= 2
    assert_whole(fleet, web)


def test_a_manager_killed_and_started_again_has_its_workers_back_and_loses_nothing(fleet, web):
    workers = [start(fleet, web), *fleet.workers(2)][1:]
    for _ in range(2):
        wait_for_requests(web, 60)
        fleet.running[0].kill()
        manager = fleet.running[0] = start(fleet, web)
        wait_for("a manager that listens", lambda: fleet.is_open())
        until_s = time.monotonic() + BACK_WITHIN_S
        fleet.wait_for_sessions(2)

        assert time.monotonic() < until_s

    assert manager.ended() == 0, manager.said
    assert [worker.ended() for worker in workers] == [0, 0]
    assert_whole(fleet, web)


def test_workers_that_come_first_wait_for_their_manager(fleet, web):
    workers = fleet.workers(2)
    wait_for("patience", lambda: all(worker.said for worker in workers))
    manager = start(fleet, web)

    assert manager.ended() == 0, manager.said
    assert [worker.ended() for worker in workers] == [0, 0]
    assert_whole(fleet, web)


#: Least time between two requests to one host, in seconds.
DELAY_S = 0.3


def test_fifty_workers_killed_and_started_at_once_keep_their_distance(fleet, lan):
    pictures: Answers = {f"/{n}.png": Answer(png(n), PNG) for n in range(25)}
    with served_on(lan.host("web"), pictures) as web:
        urls = [at_host(web, host) + path for host in range(40) for path in pictures]
        manager = fleet.download(urls, "--delay", DELAY_S)
        hosts = [lan.host("many"), lan.host("more")]
        fifty = [fleet.join(host, "--workers", 25) for host in hosts]
        fleet.wait_for_sessions(50)
        wait_for_requests(web, 40)
        for one in fifty:
            one.kill()
        again = [fleet.join(host, "--workers", 25) for host in hosts]

        assert manager.ended() == 0, manager.said
        assert [one.ended() for one in again] == [0, 0]
        assert min(gaps_s(web)) >= DELAY_S
        judge(fleet.out, set(urls)).assert_whole()


def at_host(web: Web, number: int) -> str:
    """One of the web's many addresses, each a host of its own."""
    port = web.url.rpartition(":")[2]
    return f"http://10.77.{128 + number // 250}.{number % 250 + 1}:{port}"


def gaps_s(web: Web) -> list[float]:
    """Times between request starts at the same host."""
    moments = defaultdict(list)
    for request in web.requests:
        moments[request.headers["Host"]].append(request.at_s)
    return [
        later - earlier for times in moments.values() for earlier, later in pairwise(sorted(times))
    ]
