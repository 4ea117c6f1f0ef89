"""Workers that are forked end, fail and are ended as those that are spawned."""

import os
import signal
import sys
from pathlib import Path
from subprocess import TimeoutExpired

import pytest
from tests.bird import flying, wait_for
from tests.family import children, is_fork_server, words, workers
from tests.web import Web, images_of, serve, tree

from bowerbird.app import early
from bowerbird.app.fork_server import Forked, ForkServer, fork_server
from bowerbird.manager.supervisor import KILLED, Process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux")

#: A worker that will not find its manager, and asks for it for 20 s.
WAITS = (*early.PREFIX, "_worker", "unix:///nowhere/at-all.sock", "/dev/null")
#: One that cannot begin: a crash.
FAILS = (*early.PREFIX, "_worker")


@pytest.fixture
def server():
    made = fork_server()
    assert made is not None
    yield made
    made.close()


def pid_of(forked: Process) -> int:
    assert isinstance(forked, Forked)
    wait_for("its id", lambda: forked.pid)
    return forked.pid


def test_it_tells_how_each_has_ended(capfd: pytest.CaptureFixture[str]) -> None:
    server = fork_server()  # here, since it inherits where errors go
    assert server is not None
    one, other = server.spawn(WAITS), server.spawn(FAILS)
    assert other.wait(20.0) == 1
    assert "Traceback" in capfd.readouterr().err
    assert one.poll() is None
    with pytest.raises(TimeoutExpired):
        one.wait(0.01)
    os.kill(pid_of(one), signal.SIGKILL)
    assert (one.wait(20.0), one.poll()) == (KILLED, KILLED)
    server.close()


def test_who_is_ended_before_it_is_there_does_not_live_on(server: ForkServer) -> None:
    hasty, asked = server.spawn(WAITS), server.spawn(WAITS)
    hasty.kill()
    asked.terminate()
    assert hasty.wait(20.0) == KILLED
    assert asked.wait(20.0) == -signal.SIGTERM


def test_a_signal_to_the_whole_group_leaves_the_worker_to_say_how_it_ends(
    server: ForkServer,
) -> None:
    one = server.spawn(WAITS)
    parent = server.pid
    pid = pid_of(one)
    os.kill(parent, signal.SIGTERM)  # as systemd does
    os.kill(pid, signal.SIGTERM)
    assert one.wait(20.0) == -signal.SIGTERM
    assert Path(f"/proc/{parent}").exists()


def test_without_it_workers_are_started_like_any_process(server: ForkServer) -> None:
    lost = server.spawn(WAITS)
    pid = pid_of(lost)
    os.kill(server.pid, signal.SIGKILL)
    assert lost.wait(20.0) == KILLED
    wait_for("its end", lambda: not words(pid))
    spawned = server.spawn(WAITS)
    assert not isinstance(spawned, Forked)
    spawned.kill()
    assert spawned.wait(20.0) == KILLED


def test_what_was_never_forked_has_ended_when_the_server_has(server: ForkServer) -> None:
    os.kill(server.pid, signal.SIGSTOP)
    never = server.spawn(WAITS)
    os.kill(server.pid, signal.SIGKILL)
    assert never.wait(20.0) == KILLED


def test_what_cannot_be_loaded_for_all_does_not_keep_workers_away(server: ForkServer) -> None:
    server.load("bowerbird.no_such_module")
    never = server.spawn(WAITS)
    assert never.wait(20.0) == KILLED
    spawned = server.spawn(WAITS)
    assert not isinstance(spawned, Forked)
    spawned.kill()
    spawned.wait(20.0)


def test_one_that_hangs_does_not_hold_up_the_end() -> None:
    server = fork_server()
    assert server is not None
    os.kill(server.pid, signal.SIGSTOP)
    server.close()
    assert words(server.pid) == []


def test_nothing_of_it_is_left_behind(tmp_path: Path) -> None:
    with serve(tree(1, 4)) as web, flying(*crawling(web, tmp_path, "--delay", 0.2)) as run:
        wait_for("workers", lambda: len(workers(run.process.pid)) == 2)
        wait_for("work", lambda: len(web.requests) > 2)
        forks = next(filter(is_fork_server, children(run.process.pid)))
        there = [forks, *workers(run.process.pid)]
        os.kill(run.process.pid, signal.SIGKILL)
        wait_for("their end", lambda: not any(map(words, there)))


def test_a_crawl_goes_on_when_its_fork_server_is_killed(tmp_path: Path) -> None:
    with serve(tree(2, 4)) as web, flying(*crawling(web, tmp_path, "--delay", 0.1)) as run:
        wait_for("workers", lambda: len(workers(run.process.pid)) == 2)
        wait_for("work", lambda: len(web.requests) > 2)
        os.kill(next(filter(is_fork_server, children(run.process.pid))), signal.SIGKILL)
        ran = run.ended()
        wanted = images_of(web.answers)
    assert (ran.status, ran.report["images"]) == (0, len(wanted)), ran.err
    assert ran.report["failures"] == {}


def test_it_is_not_kept_where_nobody_works_here(tmp_path: Path) -> None:
    listen = ("--workers", 0, "--listen", "127.0.0.1:0")
    with serve(tree(1, 0)) as web, flying(*crawling(web, tmp_path, *listen)) as run:
        run.says("No worker yet")
        assert children(run.process.pid) == []


def crawling(web: Web, out: Path, *more: object) -> tuple[object, ...]:
    start = f"{web.url}/p0"
    return ("crawl", start, "-o", out / "crawl", "--allow-private", "--workers", 2, "--json", *more)
