"""A disk that fills up in mid-crawl: it waits, says so, and goes on by itself; nothing is lost.

On small file systems that the test mounts; as root, as CI is.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from bowerbird.store.names import owner_of
from tests.bird import bird, flying, records_of, wait_for
from tests.ports import free_port
from tests.web import PNG, Answer, Answers, Web, images_of, noisy_png, serve

MIB = 1 << 20
Mount = Callable[[Path, int], Path]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Mounts a tmpfs of so many bytes at a folder."""
    mounted: list[Path] = []

    def mounting(folder: Path, size: int) -> Path:
        folder.mkdir(parents=True)
        options = ["-t", "tmpfs", "-o", f"size={size},mode=0777", "bowerbird-test", str(folder)]
        tried = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
        if tried.returncode:
            reason = f"no file system can be mounted here: {tried.stderr.strip()}"
            if os.environ.get("CI") == "true":
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)
        mounted.append(folder)
        return folder

    yield mounting
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def gallery(images: int, side: int) -> Answers:
    """A page with images of noise, each of about side * side * 3 bytes."""
    shown = "".join(f'<img src="/i{n}.png">' for n in range(images))
    answers: Answers = {"/p0": Answer(f"<title>all</title>{shown}".encode())}
    dice = Random(7)
    answers.update(
        {f"/i{n}.png": Answer(noisy_png(dice.randbytes, side), PNG) for n in range(images)}
    )
    return answers


def crawled(web: Web, out: Path, *more: object) -> tuple[object, ...]:
    return ("crawl", f"{web.url}/p0", "-o", out, "--json", "--delay", "0", *more)


def fill(folder: Path, leaving: int = 0) -> Path:
    """Take all room but so many bytes, or what is left of it while others write."""
    ballast = folder / ".bowerbird" / "ballast" if folder.name == "out" else folder / "ballast"
    ballast.parent.mkdir(exist_ok=True)
    room = os.statvfs(folder)
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        left = room.f_bavail * room.f_frsize - leaving
        while not leaving or left > 0:
            left -= file.write(bytes(min(left, MIB) if leaving else 4096))
    return ballast


def test_a_far_worker_whose_disk_is_full_leaves_the_rest_to_others(tmp_path, mount):
    answers = gallery(40, 200)
    small = mount(tmp_path / "small", 2 * MIB)
    port = free_port()
    (tmp_path / "key").write_text("key")
    joining = ("--authkey-file", tmp_path / "key", "--workers", 1, "--allow-private", "--json")
    listening = ("--listen", f"127.0.0.1:{port}", "--workers", 0)
    with serve(answers, pause_s=0.01) as web:
        arguments = crawled(web, tmp_path / "out", *listening, *joining[:2])
        with (
            flying(*arguments) as run,
            flying("worker", f"tcp://127.0.0.1:{port}", "-o", small, *joining) as full,
        ):
            full.says("No more room in")
            status = bird("status", tmp_path / "out")
            with flying(
                "worker", f"tcp://127.0.0.1:{port}", "-o", tmp_path / "large", *joining
            ) as roomy:
                ran = run.ended()
                both = [one.ended().report["images"] for one in (full, roomy)]

        assert "paused" not in status.out
        assert (ran.status, ran.report["failures"]) == (0, {})
        assert 0 < both[0] < both[1]
        assert sum(both) == len(images_of(answers))


def temporaries(out: Path) -> list[Path]:
    return [path for path in out.glob("images/**/.*") if owner_of(str(path.relative_to(out)))]


def assert_whole(web: Web, out: Path) -> None:
    assert {one.final_url for one in records_of(out)} == {
        web.url + path for path in images_of(web.answers)
    }
    assert bird("verify", out).status == 0


def paused(out: Path) -> bool:
    return "paused (disk-full)" in bird("status", out).out


@pytest.mark.parametrize("side", [150, 800], ids=["in-memory", "spooled"])
def test_images_that_fill_their_disk_pause_the_crawl_until_there_is_room(tmp_path, mount, side):
    out = tmp_path / "out"
    answers = gallery(12, side)
    total = sum(len(answers[path].body) for path in images_of(answers))
    images = mount(out / "images", total * 3 // 2)
    ballast = fill(images, leaving=total // 2)
    with serve(answers) as web, flying(*crawled(web, out)) as run:
        wait_for("the pause", lambda: paused(out))
        wait_for("rest", lambda: '"leased": 0' in bird("status", out, "--json").out)
        asked = len(web.requests)
        status = bird("status", out).out
        again = len(web.requests)
        assert temporaries(out) == []
        assert "failed nothing" in status
        ballast.unlink()
        ran = run.ended()

        assert asked == again, "nothing is fetched while there is no room to keep it"
        assert ran.status == 0
        assert ran.report["failures"] == {}
        assert ran.report["state"] == "ended"
        assert ran.err.count("No more room") == 1
        assert ran.err.count("going on") == 1
        assert "Traceback" not in ran.err
        assert_whole(web, out)


def test_a_disk_without_room_for_the_database_loses_nothing(tmp_path, mount):
    out = mount(tmp_path / "out", 12 * MIB)
    answers = gallery(8, 150)
    for n in range(20):
        links = "".join(f'<a href="/q{n}-{k}">x</a>' for k in range(60))
        answers[f"/r{n}"] = Answer(links.encode())
    roots = "".join(f'<a href="/r{n}">r</a>' for n in range(20))
    answers["/p0"] = Answer(answers["/p0"].body + roots.encode())
    gone = Answer(b"<title>leaf</title>")
    answers.update({f"/q{n}-{k}": gone for n in range(20) for k in range(60)})
    alike = ("--max-near-duplicates", 0)  # no trap: all are to be read
    with serve(answers) as web, flying(*crawled(web, out, *alike)) as run:
        wait_for("tasks", lambda: len(web.requests) > 20)
        ballast = fill(out)
        run.says("No more room")
        ballast.unlink()
        ran = run.ended()

        assert "Traceback" not in ran.err
        assert ran.status == 0, ran.err
        assert ran.report["failures"] == {}
        assert len(web.requests) >= len(answers)
        assert_whole(web, out)


def test_a_full_disk_at_the_start_ends_with_a_clear_word(tmp_path, mount):
    out = mount(tmp_path / "out", 2 * MIB)
    with serve(gallery(3, 20)) as web:
        ballast = fill(out)
        first = bird(*crawled(web, out))
        ballast.unlink()
        second = bird(*crawled(web, out))

        assert first.status == 1
        assert "cannot be written" in first.err
        assert "Traceback" not in first.err
        assert second.status == 0
        assert_whole(web, out)


def test_a_crawl_on_a_disk_that_takes_nothing_can_be_looked_at(tmp_path, mount):
    disk = mount(tmp_path / "archive", 16 * MIB)
    out = disk / "out"
    with serve(gallery(3, 4)) as web:
        bird(*crawled(web, out))
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        crawled_again = bird(*crawled(web, out))
    looks = [bird(*words, out) for words in (("status",), ("verify",), ("export", "-f", "csv"))]
    changes = [bird(*words, out) for words in (("pause",), ("retry",), ("verify", "--prune"))]

    assert [ran.status for ran in looks] == [0, 0, 0]
    assert "all is well" in looks[1].out
    assert [ran.status for ran in (crawled_again, *changes)] == [2, 2, 2, 2]
    assert all("is read-only" in ran.err for ran in (crawled_again, *changes))


def test_a_crawl_on_a_disk_that_has_filled_up_since_can_be_looked_at(tmp_path, mount):
    disk = mount(tmp_path / "small", 4 * MIB)
    out = disk / "out"
    with serve(gallery(3, 4)) as web:
        bird(*crawled(web, out))
    fill(disk)
    looks = [bird(*words, out) for words in (("status",), ("verify",), ("export", "-f", "csv"))]
    paused = bird("pause", out)

    assert [ran.status for ran in looks] == [0, 0, 0]
    assert (paused.status, "no room left on its disk" in paused.err) == (2, True)


def test_a_disk_that_refuses_for_another_reason_is_not_called_full(tmp_path):
    out = tmp_path / "out"
    answers = gallery(12, 20)
    with serve(answers) as web:
        assert bird(*crawled(web, out, "--max-images", 3)).status == 0
        (out / "images").rename(tmp_path / "kept")
        (out / "images").write_text("in the way")
        with flying(*crawled(web, out, "--max-images", 0)) as run:
            run.says("a file lies where a folder belongs (ENOTDIR): paused (disk-full)")
            (out / "images").unlink()
            (tmp_path / "kept").rename(out / "images")
            ran = run.ended()

        assert "No more room" not in ran.err
        assert ran.status == 0
        assert_whole(web, out)


def test_ctrl_c_ends_a_crawl_in_order_whose_disk_has_no_room_for_anything(tmp_path, mount):
    small = mount(tmp_path / "small", 3 * MIB)
    answers = gallery(40, 200)
    with serve(answers) as web:
        (tmp_path / "list").write_text("\n".join(web.url + path for path in images_of(answers)))
        with flying(
            "download", tmp_path / "list", "-o", small / "out", "--allow-private", "--json"
        ) as run:
            run.says("paused (disk-full)")
            fill(small)
            run.interrupt()
            ran = run.ended()

    assert (ran.status, ran.report["state"]) == (130, "interrupted")
    assert "Traceback" not in ran.err
