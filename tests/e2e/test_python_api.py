"""Bowerbird from Python: records as they come, leaving early, errors, threads, asyncio."""

import asyncio
import shlex
import signal
import threading
from pathlib import Path

import pytest

import bowerbird
import bowerbird.queues
from bowerbird.errors import UsageError
from tests.bird import bird, records_of, wait_for
from tests.web import images_of, serve, tree


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_crawl_answers_the_report_and_touches_no_signal_handler(out):
    handlers = [signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)]
    answers = tree(pages=5, images=2)
    with serve(answers) as web:
        report = bowerbird.crawl(f"{web.url}/p0", out=out, workers=1)

    assert (report.state, report.images, report.pages) == ("ended", len(images_of(answers)), 5)
    assert handlers == [signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)]


@pytest.mark.parametrize(
    ("package", "names"),
    [
        (bowerbird, {"crawl", "watch", "Secrets"}),
        (bowerbird.queues, {"QueueServer", "QueueClient"}),
    ],
)
def test_dir_shows_what_is_public_before_it_is_loaded(package, names):
    assert names <= set(dir(package))
    assert not {"app", "wire"} & set(dir(package))
    assert all(hasattr(package, name) for name in dir(package))


def test_watch_yields_every_record_once(out):
    answers = tree(pages=5, images=2)
    with serve(answers) as web:
        urls = [r.url for r in bowerbird.watch(f"{web.url}/p0", out=out, workers=1)]

    assert sorted(urls) == sorted(web.url + path for path in images_of(answers))


def test_leaving_early_keeps_what_was_done_and_the_same_call_goes_on(out):
    answers = tree(pages=30, images=3)
    with serve(answers, pause_s=0.02) as web:
        for record in bowerbird.watch(f"{web.url}/p0", out=out, workers=1):
            left_at = record
            break
        early = len(records_of(out))
        urls = [r.url for r in bowerbird.watch(f"{web.url}/p0", out=out, workers=1, per_host=32)]

    assert left_at.url in urls
    assert 0 < early < len(images_of(answers))
    assert sorted(urls) == sorted(web.url + path for path in images_of(answers))


def test_an_error_reaches_who_iterates(out):
    with pytest.raises(bowerbird.BowerbirdError, match="not a URL"):
        list(bowerbird.watch("nonsense", out=out))


def test_an_error_reaches_who_awaits(out):
    async def go() -> None:
        async for _ in bowerbird.awatch("nonsense", out=out):
            pass

    with pytest.raises(bowerbird.BowerbirdError, match="not a URL"):
        asyncio.run(go())


def test_an_option_that_is_none_is_said_by_name(out):
    with pytest.raises(bowerbird.BowerbirdError, match="per_hosts"):
        bowerbird.crawl("https://example.org/", out=out, per_hosts=3)


@pytest.mark.parametrize(
    ("urls", "options", "word"),
    [
        (["http://a.example/"], {"secrets": {"headers": []}}, "secrets takes bowerbird.Secrets"),
        ([["http://a.example/"]], {}, "give them one by one"),
        (["http://a.example/"], {"ignore_robots": True}, "Here it is obey_robots"),
    ],
)
def test_what_a_program_gives_in_the_wrong_form_is_refused_in_words(out, urls, options, word):
    with pytest.raises(UsageError, match=word):
        bowerbird.crawl(*urls, out=out, **options)
    assert not out.exists()


def test_awatch_lets_the_loop_run_and_can_be_left(out):
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    async def go(url: str) -> int:
        ticking = asyncio.create_task(tick())
        records = bowerbird.awatch(url, out=out, workers=1)
        async for record in records:
            assert record.type == "png"
            break
        await records.aclose()
        ticking.cancel()
        return ticks

    with serve(tree(pages=30, images=3), pause_s=0.02) as web:
        assert asyncio.run(go(f"{web.url}/p0")) > 0
    assert not [thread for thread in threading.enumerate() if thread.name == "crawl"]


def test_download_takes_an_iterable_and_a_path(out, tmp_path):
    answers = tree(pages=4, images=2)
    listed = tmp_path / "list.txt"
    with serve(answers) as web:
        urls = [web.url + path for path in sorted(images_of(answers))]
        listed.write_text("\n".join(urls))
        of_iterable = bowerbird.download(iter(urls), out=out, allow_private=True, workers=1)
        of_path = bowerbird.download(listed, out=tmp_path / "2", allow_private=True, workers=1)

    assert of_iterable.images == of_path.images == len(urls)


def test_the_name_of_a_list_is_no_iterable_of_letters_and_its_bad_lines_are_told(out, tmp_path):
    listed = tmp_path / "list.txt"
    with serve(tree(pages=1, images=2)) as web:
        listed.write_text(f"{web.url}/i1.png\nno url\n")
        of_text = bowerbird.download(str(listed), out=out, allow_private=True, workers=1)
        given = [f"{web.url}/x/../i1.png", 5, f"{web.url}/i1.png", "no url"]
        of_list = bowerbird.download(given, out=tmp_path / "2", allow_private=True, workers=1)

    assert (of_text.images, of_list.images) == (1, 1)
    assert "1 bad line left out" in of_text.notes[0]
    assert "2 bad lines left out" in of_list.notes[0]


def test_what_an_iterable_raises_reaches_the_caller(out):
    def broken():
        yield "http://127.0.0.1:9/a.png"
        raise ValueError("the list broke")

    with pytest.raises(ValueError, match="the list broke"):
        bowerbird.download(broken(), out=out, workers=1)


def test_a_crawl_runs_in_a_thread(out):
    reports = []
    with serve(tree(pages=3, images=1)) as web:
        url = f"{web.url}/p0"
        thread = threading.Thread(
            target=lambda: reports.append(bowerbird.crawl(url, out=out, workers=1))
        )
        thread.start()
        thread.join()

    assert [report.images for report in reports] == [4]


def test_workers_of_other_machines_join_a_crawl_from_python(out, tmp_path, caplog):
    answers = tree(pages=5, images=2)
    reports: list[bowerbird.Report] = []
    with serve(answers, pause_s=0.05) as web, caplog.at_level("INFO", "bowerbird.app.api"):
        manager = threading.Thread(
            target=lambda: reports.append(
                bowerbird.crawl(f"{web.url}/p0", out=out, workers=0, listen="127.0.0.1:0")
            )
        )
        manager.start()
        wait_for("the line to paste", lambda: "bowerbird worker" in caplog.text)
        (line,) = (one for one in caplog.messages if "bowerbird worker" in one)
        worker = bird(*shlex.split(line)[1:], "-o", tmp_path / "there", "--workers", 1)
        manager.join()

    assert worker.status == 0, worker.err
    assert (reports[0].state, reports[0].images) == ("ended", len(images_of(answers)))
    assert len(list((tmp_path / "there/images").rglob("*.png"))) == len(images_of(answers))


def test_nobody_works_where_nobody_can_join(out):
    with pytest.raises(bowerbird.BowerbirdError, match="listen"):
        bowerbird.crawl("http://127.0.0.1:1/", out=out, workers=0)
    with pytest.raises(bowerbird.BowerbirdError, match="HOST:PORT"):
        bowerbird.crawl("http://127.0.0.1:1/", out=out, listen="8001")


@pytest.mark.parametrize("headers", ["X: y", ("no colon",), ("X: a\r\nY: b",), (7,)])
def test_headers_that_are_none_are_refused_before_anything_begins(out, headers):
    secrets = bowerbird.Secrets(headers=headers)
    with pytest.raises(UsageError):
        bowerbird.crawl("http://example.org/", out=out, secrets=secrets)
    assert not out.exists()
