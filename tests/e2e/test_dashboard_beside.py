"""A dashboard beside a crawl: whatever becomes of it, the crawl does not notice."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bird import Flying, bird, flying, wait_for
from tests.dashboard_fixtures import dashboard, finished
from tests.engine_place import Place
from tests.family import words
from tests.redis_fixtures import RedisServer, redis_server
from tests.web import Web, serve, tree

__all__ = ["redis_server"]  # a fixture

PAGES, IMAGES = 20, 4
#: Each page's own, and the one that all of them show.
ALL = PAGES * IMAGES + 1


@pytest.fixture
def web() -> Iterator[Web]:
    with serve(tree(PAGES, IMAGES), pause_s=0.02) as served:
        yield served


def beside(flown: Flying) -> int:
    """The dashboard's process, once it is there."""
    found: list[int] = []

    def look() -> bool:
        found[:] = [pid for pid in flown.workers() if is_dashboard(pid)]
        return bool(found)

    wait_for("a dashboard", look)
    return found[0]


def is_dashboard(pid: int) -> bool:
    return words(pid)[-1:] == ["_dashboard"]


@pytest.mark.parametrize("deed", [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM])
def test_a_dashboard_that_dies_or_hangs_costs_the_crawl_nothing(
    web: Web, tmp_path: Path, deed: signal.Signals
) -> None:
    folder = tmp_path / "crawl"
    order = ("crawl", f"{web.url}/p0", "-o", folder, "--per-host", 2, "--json")
    with flying(*order, "--dashboard", ":0") as flown:
        pid = beside(flown)
        os.kill(pid, deed)
        ended = flown.ended()
    assert (ended.status, ended.report["images"]) == (0, ALL)
    assert not Path(f"/proc/{pid}").exists()


def test_nothing_is_left_of_it_when_the_crawl_is_killed(web: Web, tmp_path: Path) -> None:
    with flying("crawl", f"{web.url}/p0", "-o", tmp_path / "c", "--dashboard", ":0") as flown:
        pid = beside(flown)
        flown.says("Dashboard: ")
        os.kill(flown.process.pid, signal.SIGKILL)
        flown.ended()
        wait_for("its end", lambda: not is_dashboard(pid))


def test_a_port_that_is_taken_costs_the_dashboard_and_not_the_crawl(
    web: Web, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        order = ("crawl", f"{web.url}/p0", "-o", tmp_path / "c", "--per-host", 1)
        ran = bird(*order, "--json", "--dashboard", place)
    assert (ran.status, ran.report["images"]) == (0, ALL)
    assert f"no dashboard: The dashboard cannot listen at {place}" in ran.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--dashboard", "here:there"), "is no HOST:PORT"),
        (("--dashboard-token", "some.file"), "--dashboard-token goes with --dashboard"),
        (("--dashboard", ":0", "--dashboard-cert", "some.pem"), "go together"),
    ],
)
def test_a_wrong_place_is_said_before_anything_begins(
    tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    ran = bird("crawl", "http://127.0.0.1:1/", "-o", tmp_path / "c", *options)
    assert (ran.status, said in ran.err) == (2, True), ran.err
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("where", "options", "said"),
    [
        ("nowhere", (), "does not exist"),
        (".", (), "holds no crawl"),
        ("tcp://127.0.0.1:1", ("--authkey", "key"), "Nothing answers"),
        (".", ("--cert", "some.pem"), "go together"),
    ],
)
def test_a_dashboard_of_nothing_says_so(
    tmp_path: Path, where: str, options: tuple[str, ...], said: str
) -> None:
    ran = bird("dashboard", where, *options, cwd=tmp_path)
    assert ran.status in (1, 2)
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_a_folder_of_images_that_is_none_is_said_before_anything_is_shown(tmp_path: Path) -> None:
    finished(tmp_path / "c")
    ran = bird("dashboard", "c", "--port", 0, "--folder", "away", cwd=tmp_path)
    assert (ran.status, "away is no folder" in ran.err) == (2, True)


def test_a_crawl_in_redis_is_seen_by_address_and_by_folder(
    web: Web, redis_server: RedisServer, tmp_path: Path
) -> None:
    place = Place(redis_server, tmp_path)
    assert bird(*place.crawl(web, "--workers", 1)).status == 0
    for where in (place.engine, place.out):
        with dashboard(where) as pages:
            wait_for("a look", lambda pages=pages: pages.live()["known"])
            assert pages.live()["images"] == ALL
            assert pages.get("/api/v1/hosts").json["hosts"][0]["host"] == "127.0.0.1"
            assert pages.act("/api/v1/pause").json == {"state": "paused"}
            wait_for("the pause", lambda pages=pages: pages.live()["state"] == "paused")
            assert pages.act("/api/v1/resume").json == {"state": "running"}


def test_it_loads_nothing_before_it_is_looked_at_that_only_the_gallery_and_pages_need() -> None:
    """Its start costs the crawl time: numpy alone is a third of it."""
    code = "import sys, bowerbird.web.serve; print({'numpy', 'jinja2', 'PIL'} & {*sys.modules})"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
