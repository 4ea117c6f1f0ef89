"""Bad input: a clear message, the right exit status, no traceback, nothing lost."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.gallery.made import make_crawl

from bowerbird.cli import _end_with
from bowerbird.store import claimed
from tests.bird import Ran, bird, flying, records_of, wait_for
from tests.ports import free_port
from tests.web import Answer, serve, tree


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def assert_refused(ran: Ran, *words: str, status: int = 2) -> None:
    said = ran.out + ran.err
    assert ran.status == status, said
    assert "Traceback" not in said
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    ("url", "word"),
    [("not a url", "not a URL"), ("ftp://example.org/", "ftp"), ("http://", "URL"),
     ("http://[bad", "URL"), ("word", "URL"), ("", "URL")],
)  # fmt: skip
def test_not_a_url(out, url, word):
    assert_refused(bird("crawl", url, "-o", out), word)
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--user-agent", "a\r\nX-Evil: b"], ["--user-agent", "control characters"]),
        (["--header", os.fsdecode(b"X: \xff")], ["--header", "UTF-8"]),
        (["-o", "n" * 300], ["nnn", "File name too long"]),
        (["http://me:secret@example.net/"], ["one by one"]),
    ],
)
def test_what_would_be_sent_or_written_wrongly(out, options, words):
    ran = bird("crawl", "http://example.org/", "-o", out, *options)
    assert_refused(ran, *words)
    assert "secret" not in ran.err
    assert not out.exists()


def test_a_folder_that_belongs_to_somebody_else(out, capsys):
    with pytest.raises(SystemExit) as end:
        _end_with(PermissionError(13, "Permission denied", str(out / "job.json")))
    assert end.value.code == 2
    assert capsys.readouterr().err == f"bowerbird: {out}/job.json: Permission denied.\n"


def test_a_folder_whose_name_is_no_text(tmp_path):
    named = os.fsdecode(os.fsencode(tmp_path) + b"/o\xff6")
    assert_refused(bird("crawl", "http://example.org/", "-o", named), "UTF-8", "o\\xff6")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--per-host", "0"], "--per-host"),
        (["--per-host", "many"], "per-host"),
        (["--delay", "-1"], "delay"),
        (["--max-bytes", "lots"], "lots"),
        (["--max-bytes", "1.5"], "1.5"),
        (["--min-size", "big"], "--min-size"),
        (["--types", "jpeg,exe"], "exe"),
        (["--scope", "galaxy"], "scope"),
        (["--header", "no colon"], "--header"),
        (["--cookies", "/nowhere"], "--cookies"),
        (["--config", "/nowhere.toml"], "--config"),
        (["--allow-range", "10.0.0.0/99"], "10.0.0.0/99"),
        (["--proxy", "gopher://x"], "proxy"),
        (["--engine", ""], "--engine is empty"),
        (["--no-such-option"], "--no-such-option"),
    ],
)
def test_an_option_out_of_range_or_unknown(out, options, word):
    assert_refused(bird("crawl", "http://127.0.0.1:1/", "-o", out, *options), word)
    assert not (out / "crawl.db").exists()


def test_nothing_to_crawl_makes_no_folder(out):
    assert_refused(bird("crawl", "-o", out), "name at least one URL")
    assert not out.exists()


def test_a_broken_configuration_file_names_the_line(out, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text('per-host = 4\nscope = "host\n')

    assert_refused(bird("crawl", "http://127.0.0.1:1/", "-o", out, "--config", config), "line 2")


def test_an_unknown_name_in_a_configuration_file(out, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text("per-hots = 4\n")

    assert_refused(bird("crawl", "http://127.0.0.1:1/", "-o", out, "--config", config), "per_hots")


def test_a_configuration_file_is_obeyed_and_the_command_line_wins(out, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text('max-depth = 0\nmax-bytes = "1M"\nmax-images = 1\n')
    with serve(tree(pages=3, images=4)) as web:
        arguments = ("--config", config, "--max-images", 3, "--json")
        ran = bird("crawl", f"{web.url}/p0", "-o", out, *arguments)

    assert ran.report["images"] == 3
    assert ran.report["pages"] == 1


def test_a_host_that_does_not_resolve_ends_soon_with_status_1(out):
    ran = bird("crawl", "http://no-such-host.invalid/", "-o", out, "--retries", 0)

    assert_refused(ran, "no-such-host.invalid", status=1)


def test_a_host_where_nobody_listens_ends_soon_with_status_1(out):
    ran = bird("crawl", "http://127.0.0.1:9/", "-o", out, "--retries", 0)

    assert_refused(ran, "http://127.0.0.1:9/ could not be fetched", "connect-refused", status=1)


def test_a_line_on_standard_input_is_fetched_before_the_next_is_written(out):
    with serve(tree(pages=1, images=2)) as web:
        command = (sys.executable, "-m", "bowerbird", "download", "-", "-o", str(out))
        command += ("--allow-private", "--quiet")
        with subprocess.Popen(command, stdin=subprocess.PIPE) as run:
            assert run.stdin is not None
            for n in (1, 2):
                run.stdin.write(f"{web.url}/i{n}.png\n".encode())
                run.stdin.flush()
                path = f"/i{n}.png"
                wait_for(path, lambda path=path: path in [one.path for one in web.requests])
            run.stdin.close()
            assert run.wait(20.0) == 0

    assert len(records_of(out)) == 2


def test_a_proxy_that_does_not_answer_is_named(out, tmp_path):
    (tmp_path / "list.txt").write_text("http://example.org/a.png\n")
    proxy = f"http://127.0.0.1:{free_port()}"
    ran = bird("download", tmp_path / "list.txt", "-o", out, "--proxy", proxy, "--retries", 0)

    assert_refused(ran, f"Nothing came through the proxy {proxy}", status=1)


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("missing.txt", None, "missing.txt"),
        ("empty.txt", b"", "empty"),
        ("binary.txt", bytes(range(256)) * 40, "binary.txt"),
        ("words.txt", b"no url here\nnor here\n", "no http or https URL"),
        ("bad.txt.gz", b"this is not gzip", "bad.txt.gz"),
        ("bad.json", b'["http://x/', "bad.json"),
    ],
)
def test_a_list_that_is_none(out, tmp_path, name, content, word):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)

    assert_refused(bird("download", path, "-o", out), word)


def test_bad_lines_among_good_ones_are_counted_and_listed(out, tmp_path):
    listed = tmp_path / "list.csv.gz"
    with serve(tree(pages=1, images=2)) as web:
        text = f"image_url,caption\n{web.url}/i1.png,one\nnot-a-url,two\n{web.url}/i2.png,three\n"
        listed.write_bytes(gzip.compress(text.encode()))
        ran = bird("download", listed, "-o", out, "--allow-private")

    assert ran.status == 0
    assert "2 images" in ran.out
    assert "1 bad line" in ran.out + ran.err
    assert "not-a-url" in ran.out + ran.err


def test_urls_that_a_list_gives_twice_are_told(out, tmp_path):
    listed = tmp_path / "list.txt"
    with serve(tree(pages=1, images=3)) as web:
        urls = [f"{web.url}/i{n}.png" for n in (1, 2, 1, 2, 1)]
        listed.write_text("\n".join(urls))
        once = bird("download", listed, "-o", out, "--allow-private", "--json")
        listed.write_text("\n".join([*urls, f"{web.url}/i3.png"]))
        longer = bird("download", listed, "-o", out, "--allow-private")

    assert (once.report["images"], once.report["known"]) == (2, 3)
    assert "3 images" in longer.out
    assert "5 URLs of the list known already: given twice, or in an earlier run" in longer.out


def test_include_and_exclude_choose_among_a_list(out, tmp_path):
    listed = tmp_path / "list.txt"
    with serve(tree(pages=1, images=4)) as web:
        listed.write_text("\n".join(f"{web.url}/i{n}.png" for n in (1, 2, 3)))
        chosen = ("--include", "image:*i[12].png", "--include", "page:*", "--exclude", "*1.png")
        ran = bird("download", listed, "-o", out, "--allow-private", "--workers", 1, *chosen)

    assert "1 image," in ran.out
    assert [record.url for record in records_of(out)] == [f"{web.url}/i2.png"]
    assert "2 URLs of the list left out by --include and --exclude" in ran.out


def test_an_export_to_a_full_disk_is_no_traceback(out, tmp_path):
    with serve(tree(pages=1, images=1)) as web:
        bird("crawl", f"{web.url}/p0", "-o", out, "--workers", 1)
    ran = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m bowerbird export {out} -f jsonl > /dev/full"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1), ran.stderr
    assert "No space left" in ran.stderr


@pytest.mark.parametrize("command", ["--version", "--help", "completion bash", "status DIR"])
def test_output_that_nobody_reads_is_no_error(out, command):
    make_crawl(out, 0, files=0)
    unread, ours = os.pipe()
    os.close(unread)
    line = f"{sys.executable} -m bowerbird {command.replace('DIR', str(out))}"
    with os.fdopen(ours, "wb") as stream:
        ran = subprocess.run(line.split(), stdout=stream, stderr=subprocess.PIPE, check=False)

    assert (ran.returncode, ran.stderr) == (141, b"")


def test_standard_streams_that_are_closed_are_no_error(out):
    make_crawl(out, 0, files=0)
    line = f"{sys.executable} -m bowerbird export {out} -f jsonl >&-"
    ran = subprocess.run(["sh", "-c", line], stderr=subprocess.PIPE, check=False)

    assert (ran.returncode, ran.stderr) == (0, b"")


def test_a_tree_among_the_images_themselves_is_refused(out):
    make_crawl(out, 0, files=0)
    assert_refused(bird("export", out, "-f", "tree", "-o", out / "images" / "x"), "another folder")
    assert not (out / "images" / "x").exists()


def test_a_list_from_standard_input(out):
    with serve(tree(pages=1, images=2)) as web:
        text = f"{web.url}/i1.png\n{web.url}/i2.png\n"
        ran = bird("download", "-", "-o", out, "--allow-private", stdin=text)

    assert "2 images" in ran.out


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")

    assert_refused(bird("crawl", "http://127.0.0.1:1/", "-o", tmp_path), "not empty")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_workers_folder_is_no_place_for_a_crawl(tmp_path):
    claimed(tmp_path, "another")

    assert_refused(bird("crawl", "http://127.0.0.1:1/", "-o", tmp_path), "images of a worker")


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "file").write_text("")

    assert_refused(bird("crawl", "http://127.0.0.1:1/", "-o", tmp_path / "file"), "is a file")


def test_a_folder_of_another_crawl(out):
    with serve(tree(1, 1)) as web:
        bird("crawl", f"{web.url}/p0", "-o", out)

    assert_refused(bird("crawl", "http://127.0.0.2/", "-o", out), "belongs to")
    assert_refused(bird("download", "-", "-o", out, stdin="http://127.0.0.2/a.png"), "belongs to")


def test_a_folder_in_use(out):
    slow = serve({"/p0": Answer(b"x")}, pause_s=60)
    with slow as web, flying("crawl", f"{web.url}/p0", "-o", out) as run:
        wait_for("a request", lambda: len(web.requests) > 0)
        second = bird("crawl", f"{web.url}/p0", "-o", out)
        run.kill_group()

    assert_refused(second, "in use")


def test_a_newer_database_is_refused(out):
    import apsw

    with serve(tree(1, 1)) as web:
        bird("crawl", f"{web.url}/p0", "-o", out)
    database = apsw.Connection(str(out / "crawl.db"))
    database.execute("PRAGMA user_version = 999")
    database.close()

    assert_refused(bird("status", out), "newer")


@pytest.mark.parametrize("command", ["status", "retry", "verify", "pause", "resume", "stop"])
def test_a_folder_without_a_crawl(tmp_path, command):
    assert_refused(bird(command, tmp_path), "no crawl")
    assert_refused(bird(command, tmp_path / "nowhere"), "does not exist")


def test_no_command_shows_the_help():
    ran = bird()

    assert "crawl" in ran.out + ran.err
    assert "Traceback" not in ran.err
