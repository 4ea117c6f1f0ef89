"""Killed at any moment, interrupted, paused, stopped: nothing is lost, nothing is there twice."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from bowerbird.frontier.base import SESSION_DEADLINE_S
from bowerbird.store import FileStore
from tests.bird import PATIENCE_S, bird, flying, records_of, wait_for
from tests.web import Answer, Web, images_of, serve, tree


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def crawling(web: Web, out: Path, *more: object) -> tuple[object, ...]:
    return ("crawl", f"{web.url}/p0", "-o", out, "--json", "--delay", "0", *more)


def assert_whole(web: Web, out: Path) -> None:
    """Every image once, every file with its record, none damaged, nothing dead."""
    records = records_of(out)
    urls = Counter(record.final_url.removeprefix(web.url) for record in records)
    assert images_of(web.answers) == set(urls)
    assert {url: n for url, n in urls.items() if n > 1} == {}
    verified = bird("verify", out)
    assert verified.status == 0 or "left over" in verified.out, verified.out
    assert bird("verify", out, "--prune").status == 0
    assert list(FileStore(out).files())


@pytest.mark.parametrize(("kills", "seed"), [(4, 1), pytest.param(8, 2, marks=pytest.mark.slow)])
def test_kill_9_of_the_whole_group_loses_nothing(out, kills, seed):
    dice = random.Random(seed)
    with serve(tree(pages=120, images=4), pause_s=0.01) as web:
        for _ in range(kills):
            wanted = len(web.requests) + dice.randint(1, 120)
            with flying(*crawling(web, out)) as run:
                wait_for(
                    "requests or the end",
                    lambda n=wanted, run=run: len(web.requests) >= n or run.process.poll() == 0,
                )
                run.kill_group()
        ran = bird(*crawling(web, out))

        assert ran.status == 0
        assert ran.report["failures"] == {}
        assert_whole(web, out)


def test_a_storm_of_signals_neither_hangs_it_nor_loses_anything(out):
    with serve(tree(pages=30, images=2), pause_s=0.05) as web:
        with flying(*crawling(web, out)) as run:
            wait_for("an image", lambda: any("/i" in path for path in web.counts()))
            for _ in range(400):
                if run.process.poll() is None:
                    run.process.send_signal(signal.SIGTERM)
                time.sleep(0.001)
            ran = run.ended()
        assert ran.status in (130, -signal.SIGTERM), ran.err  # handlers go before the process does
        resumed = bird(*crawling(web, out))
        assert resumed.status == 0, resumed.err
        assert_whole(web, out)


def test_a_worker_killed_in_mid_task_loses_nothing_and_is_replaced(out):
    with serve(tree(pages=60, images=4), pause_s=0.01) as web, flying(*crawling(web, out)) as run:
        wait_for("some requests", lambda: len(web.requests) > 40)
        os.kill(run.workers()[0], signal.SIGKILL)
        ran = run.ended()

        assert ran.status == 0
        assert ran.report["workers_died"] == 1
        assert_whole(web, out)


def test_requests_keep_their_distance_even_when_a_worker_is_killed(out):
    delay_s = 0.2
    arguments = ("--delay", delay_s, "--workers", 2)
    with serve(tree(pages=4, images=5)) as web, flying(*crawling(web, out, *arguments)) as run:
        wait_for("some requests", lambda: len(web.requests) > 6)
        os.kill(run.workers()[0], signal.SIGKILL)
        ran = run.ended()

        assert ran.status == 0
        assert min(web.gaps_s()) >= delay_s
        assert_whole(web, out)


def test_ctrl_c_finishes_what_is_in_flight_and_the_same_command_goes_on(out):
    with serve(tree(pages=120, images=4), pause_s=0.01) as web:
        with flying(*crawling(web, out)) as run:
            wait_for("some requests", lambda: len(web.requests) > 40)
            run.interrupt()
            ran = run.ended()
        again = bird(*crawling(web, out))

        assert ran.status == 130
        assert ran.report["state"] == "interrupted"
        assert ran.report["waiting"] > 0
        assert "Traceback" not in ran.err
        assert again.status == 0
        assert max(web.counts().values()) == 1, "what was in flight is not asked for again"
        assert_whole(web, out)


def test_a_second_ctrl_c_leaves_at_once(out):
    with serve({"/p0": Answer(b"x")}, pause_s=60.0) as web, flying(*crawling(web, out)) as run:
        wait_for("a request that hangs", lambda: len(web.requests) > 0)
        run.interrupt()
        run.says("again")
        run.interrupt()

        assert run.ended().status == 130


def test_a_terminal_that_is_closed_ends_a_crawl_in_order(out):
    ours, theirs = os.openpty()
    with serve(tree(pages=120, images=4), pause_s=0.04) as web:
        command = ("setsid", "--ctty", sys.executable, "-m", "bowerbird", *crawling(web, out))
        before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
        run = subprocess.Popen(
            list(map(str, command)), stdin=theirs, stdout=theirs, stderr=theirs
        )  # fmt: skip
        signal.signal(signal.SIGHUP, before)
        try:
            os.close(theirs)
            wait_for("some requests", lambda: len(web.requests) > 40)
            os.close(ours)
            status = run.wait(PATIENCE_S)
        finally:
            run.kill()
        report = json.loads((out / "report.json").read_bytes())
        again = bird(*crawling(web, out))

        assert (status, report["state"], report["workers_died"]) == (130, "interrupted", 0)
        assert again.status == 0
        assert max(web.counts().values()) == 1, "what was in flight is not asked for again"
        assert_whole(web, out)


def test_a_paused_crawl_ends_when_its_time_is_up(out):
    with serve(tree(pages=120, images=4), pause_s=0.01) as web:
        with flying(*crawling(web, out)) as run:
            wait_for("some requests", lambda: len(web.requests) > 40)
            bird("pause", out)
            run.kill_group()
        late = bird(*crawling(web, out, "--max-time", 1))
        bird("resume", out)
        bird(*crawling(web, out, "--max-time", 0))

        assert (late.status, json.loads(late.out)["reason"]) == (0, "--max-time reached")
        assert_whole(web, out)


def test_a_machine_that_slept_has_killed_no_worker(out):
    """A suspension ends all sessions; were that a death, the fourth would end a good task."""
    with serve(tree(pages=2, images=2), pause_s=3.0) as web, flying(*crawling(web, out)) as run:
        wait_for("a request", lambda: len(web.requests) > 0)
        before = len(web.requests)
        os.killpg(run.process.pid, signal.SIGSTOP)
        time.sleep(SESSION_DEADLINE_S + 1.0)  # what is tested is that time passes
        os.killpg(run.process.pid, signal.SIGCONT)
        wait_for("another request", lambda: len(web.requests) > before)
        deaths = deaths_in(out)
        ran = run.ended()

    assert (deaths, ran.status) == (0, 0)


def test_workers_that_are_stopped_end_with_a_manager_that_is_killed(out):
    with serve(tree(pages=40, images=4), pause_s=0.05) as web, flying(*crawling(web, out)) as run:
        wait_for("some requests", lambda: len(web.requests) > 10)
        workers = run.workers()
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        os.kill(run.process.pid, signal.SIGKILL)
        wait_for("their end", lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))

    assert workers


def deaths_in(out: Path) -> int:
    """How many deaths are noted with tasks, while the crawl goes on."""
    database = f"file:{out / 'crawl.db'}?mode=ro"
    with closing(sqlite3.connect(database, uri=True)) as connection:
        return int(connection.execute("SELECT sum(deaths) FROM task").fetchone()[0])


def test_pause_lets_nothing_begin_until_resume(out):
    with serve(tree(pages=120, images=4), pause_s=0.01) as web, flying(*crawling(web, out)) as run:
        wait_for("some requests", lambda: len(web.requests) > 40)
        paused = bird("pause", out)
        wait_for("rest", lambda: '"leased": 0' in bird("status", out, "--json").out)
        still = len(web.requests)
        status = bird("status", out)
        after = len(web.requests)
        resumed = bird("resume", out)
        ran = run.ended()

        assert (paused.status, resumed.status, ran.status) == (0, 0, 0)
        assert "paused" in status.out
        assert still == after
        assert_whole(web, out)


def test_stop_ends_the_run_and_keeps_what_waits(out):
    with serve(tree(pages=120, images=4), pause_s=0.01) as web:
        with flying(*crawling(web, out)) as run:
            wait_for("some requests", lambda: len(web.requests) > 40)
            stopped = bird("stop", out)
            ran = run.ended()
        again = bird(*crawling(web, out))

        assert (stopped.status, ran.status, again.status) == (0, 0, 0)
        assert ran.report["waiting"] > 0
        assert_whole(web, out)


def test_retry_brings_back_what_failed(out):
    answers = tree(pages=3, images=1)
    lost = answers.pop("/i2.png")
    with serve(answers) as web:
        first = bird(*crawling(web, out))
        web.answers["/i2.png"] = lost
        retried = bird("retry", out)
        second = bird(*crawling(web, out))

        assert first.report["failures"] == {"http-404": 1}
        assert retried.out.startswith("1 ")
        assert second.report["failures"] == {}
        assert_whole(web, out)


def test_a_changed_list_is_gone_on_with(out, tmp_path):
    with serve(tree(pages=10, images=4)) as web:
        images = sorted(web.url + path for path in images_of(web.answers))
        listed = tmp_path / "list.txt"
        listed.write_text("\n".join(images[:20]))
        bird("download", listed, "-o", out, "--allow-private")
        listed.write_text("\n".join(images[10:]))
        ran = bird("download", listed, "-o", out, "--allow-private")

        assert ran.status == 0
        assert max(web.counts().values()) == 1
        assert_whole(web, out)


@pytest.mark.parametrize("after_s", [0.08, 0.12, 0.16, 0.2, 0.3])
def test_ctrl_c_at_any_moment_shows_no_traceback(out, after_s):
    with serve(tree(pages=30, images=2), pause_s=0.01) as web, flying(*crawling(web, out)) as run:
        run.process.poll()
        wait_until = time.monotonic() + after_s  # a moment of the start-up, not a thing to wait for
        while time.monotonic() < wait_until:
            pass
        run.interrupt()
        ran = run.ended()
        again = bird(*crawling(web, out))

        # On a busy machine it may still be the interpreter, before any line of ours can answer.
        early = "Traceback" in ran.err and "__main__.py" not in ran.err
        assert early or "Traceback" not in ran.err
        assert early or ran.status in (0, 130, -signal.SIGINT), ran.err
        assert again.status == 0
        assert_whole(web, out)


def test_workers_with_a_defect_are_given_up_with_their_traceback(out, tmp_path, monkeypatch):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import os, sys\n"
        "def fail():\n"
        "    sys.stderr.write('Traceback: a defect of ours\\n'); sys.stderr.flush(); os._exit(1)\n"
        "manager = os.getpid()\n"  # whose only child by fork makes workers
        "os.register_at_fork(after_in_child=lambda: os.getppid() == manager or fail())\n"
        "if {'_worker', '_far'} & set(sys.orig_argv):\n"
        "    fail()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(broken))
    with serve(tree(2, 1)) as web:
        ran = bird(*crawling(web, out, "--workers", 2))
        monkeypatch.delenv("PYTHONPATH")
        again = bird(*crawling(web, out, "--workers", 1))
    assert (ran.status, again.status) == (1, 0), ran.err + again.err
    assert "Workers end as soon as they start" in ran.err.splitlines()[-1]
    assert 5 <= ran.err.count("a defect of ours") <= 12
