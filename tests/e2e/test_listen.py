"""`--listen`: others come in with the key, see and steer the crawl, and hear of its end."""

import os
import resource
import shlex
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from bowerbird._version import __version__
from bowerbird.app.access import Access
from bowerbird.app.visit import visit
from bowerbird.errors import AuthenticationError, BowerbirdError, SessionGoneError
from bowerbird.frontier.base import Frontier
from bowerbird.frontier.remote import RemoteFrontier
from bowerbird.model import State, WorkerInfo
from bowerbird.queues.certificate import make_certificate
from tests.bird import PATIENCE_S, Flying, Ran, bird, flying, records_of, wait_for
from tests.web import Answer, Answers, Web, serve, tree

PAGES, IMAGES = 4, 2
LISTEN = ("--listen", "127.0.0.1:0")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def crawling(web, out: Path, *options: object) -> tuple[object, ...]:
    return ("crawl", f"{web.url}/p0", "-o", out, *LISTEN, *options)


class Held:
    """An answer that is held back, so that the crawl goes on while others come and go."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.gate = answer, threading.Event()

    def __call__(self) -> Answer:
        self.gate.wait(PATIENCE_S)
        return self.answer


def held() -> Answers:
    """A small web whose first page is held back until `ended` is called."""
    answers = tree(PAGES, IMAGES)
    first = answers["/p0"]
    assert isinstance(first, Answer)
    answers["/p0"] = Held(first)
    return answers


def gate(web: Web) -> threading.Event:
    """Whether the first page is answered."""
    first = web.answers["/p0"]
    assert isinstance(first, Held)
    return first.gate


def ended(run: Flying, web: Web) -> Ran:
    """Let a crawl go on to its end."""
    gate(web).set()
    return run.ended()


def line_to_paste(run: Flying) -> list[str]:
    """What the manager says that others are to type, as a shell reads it."""
    return shlex.split(run.says("  bowerbird worker "))


def way_in(run: Flying) -> tuple[str, Access]:
    """The address and the key, as the line to paste has them."""
    _, _, address, *options = line_to_paste(run)
    return address, Access(**options_of(options))


def key_of(access: Access) -> tuple[str, str]:
    return "--authkey-file", access.authkey_file


def options_of(words: list[str]) -> dict[str, str]:
    pairs = zip(words[::2], words[1::2], strict=True)
    return {name[2:].replace("-", "_"): value for name, value in pairs if "range" not in name}


@contextmanager
def far(address: str, access: Access, name: str) -> Iterator[RemoteFrontier]:
    """A session as another machine has it."""
    worker = WorkerInfo(name=name, local=False, version=__version__)
    with visit(address, access) as crawl, attached(crawl.frontier, worker):
        yield crawl.frontier


@contextmanager
def attached(frontier: Frontier, worker: WorkerInfo) -> Iterator[None]:
    """A session that lives on however long commands take to start; it may end before."""
    session, over = frontier.attach(worker).session, threading.Event()

    def beat() -> None:
        with suppress(BowerbirdError):
            while not over.wait(1.0):
                frontier.beat(session)

    beating = threading.Thread(target=beat)
    beating.start()
    try:
        yield
    finally:
        over.set()
        beating.join()


def test_others_come_in_by_the_line_that_was_said(out):
    with serve(held()) as web, flying(*crawling(web, out)) as run:
        address, access = way_in(run)
        with visit(address, access) as crawl:
            job = crawl.frontier.job()
            assert job.start_urls == (f"{web.url}/p0",)
            assert job.folder == ""  # ours means nothing there
        assert ended(run, web).status == 0
    assert len(records_of(out)) == PAGES * IMAGES + 1


@pytest.mark.parametrize("pair", [False, True], ids=["plain", "tls"])
def test_the_line_to_paste_does_all_the_work(out, tmp_path, pair):
    bird("keygen", "-o", tmp_path / "fleet.key", "--tls")
    tls = ("--tls-cert", tmp_path / "fleet.crt", "--tls-key", tmp_path / "fleet-tls.key")
    options = ("--workers", 0, "--json", *(tls if pair else ()))
    with serve(tree(PAGES, IMAGES)) as web, flying(*crawling(web, out, *options)) as run:
        joined = bird(*line_to_paste(run)[1:], "-o", tmp_path / "there", "--workers", 1)
        ran = run.ended()
    assert (joined.status, ran.status) == (0, 0), joined.err + ran.err
    assert ran.report["images"] == PAGES * IMAGES + 1
    assert not list((out / "images").rglob("*.png"))
    assert len(list((tmp_path / "there" / "images").rglob("*.png"))) == PAGES * IMAGES + 1


def test_the_key_is_made_once_and_only_its_owner_can_read_it(out):
    with serve(held()) as web:
        with flying(*crawling(web, out)) as run:
            _, access = way_in(run)
            made = Path(access.authkey_file)
            key = made.read_bytes()
            run.kill_group()
        with flying(*crawling(web, out)) as run:
            assert way_in(run)[1] == access
            ended(run, web)
    assert made.read_bytes() == key
    assert len(key) == 65
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


def test_the_key_is_nowhere_to_be_seen(out):
    with serve(held()) as web, flying(*crawling(web, out)) as run:
        said = line_to_paste(run)
        key = Path(said[said.index("--authkey-file") + 1]).read_text().strip()
        mine = [run.process.pid, *run.workers()]
        seen = b"".join(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in mine)
        ran = ended(run, web)
    assert key.encode() not in seen
    assert key not in ran.out + ran.err + " ".join(said)


def test_a_killed_manager_comes_back_at_the_same_port_at_once(out):
    with serve(held()) as web, flying(*crawling(web, out)) as run:
        address, access = way_in(run)
        with far(address, access, "far-1"):
            run.kill_group()
            with flying("crawl", "-o", out, "--listen", address) as second:
                assert way_in(second) == (address, access)
                with pytest.raises(SessionGoneError), visit(address, access) as crawl:
                    crawl.frontier.beat("of before")
                assert ended(second, web).status == 0


def test_without_local_workers_it_waits_for_others_and_says_so(out):
    with serve(tree(1, 0)) as web, flying(*crawling(web, out, "--workers", 0)) as run:
        address, access = way_in(run)
        assert run.workers() == []
        assert "No worker yet" in said_next(run)
        with far(address, access, "comes-and-goes") as frontier:
            assert "comes-and-goes" in bird("status", address, *key_of(access)).out
            frontier.detach(frontier.workers()[0].session)
            assert "No worker is left" in said_next(run)
        run.interrupt()
        assert run.ended().status == 130


def said_next(run: Flying) -> str:
    """The next line that is not about progress."""
    return next(line for line in iter(run.line, "") if "·" not in line)


def test_far_workers_hear_of_the_end_before_the_door_is_closed(out):
    heard: list[object] = []

    def work(address: str, access: Access) -> None:
        with visit(address, access) as crawl:
            session = crawl.frontier.attach(WorkerInfo(name="idle", local=False)).session
            state = State.RUNNING
            while state is not State.ENDED:
                reply = crawl.frontier.lease(session, 0, 1.0)
                state = reply.state
            heard.append(state)
            crawl.frontier.detach(session)

    with serve(tree(PAGES, IMAGES)) as web, flying(*crawling(web, out, "--workers", 1)) as run:
        worker = threading.Thread(target=work, args=way_in(run), daemon=True)
        worker.start()
        assert run.ended().status == 0
        worker.join(PATIENCE_S)
    assert heard == [State.ENDED]


def test_a_far_worker_that_was_killed_does_not_hold_the_end_up_for_long(out):
    with (
        serve(tree(PAGES, IMAGES)) as web,
        flying(*crawling(web, out)) as run,
        far(*way_in(run), "dead"),
    ):
        began_s = time.monotonic()
        assert run.ended().status == 0
    assert time.monotonic() - began_s < PATIENCE_S / 3


def test_a_crawl_begun_for_others_alone_is_not_worked_here_unasked(out):
    with serve(tree(1, 1)) as web:
        with flying(*crawling(web, out, "--workers", 0)) as run:
            line_to_paste(run)
            run.interrupt()
            run.ended()
        refused = bird("crawl", "-o", out)
        assert (refused.status, "--workers 2" in refused.err, "--listen" in refused.err) == (
            2, True, True,
        )  # fmt: skip
        assert web.requests == []
        assert bird("crawl", "-o", out, "--workers", 1).status == 0
    assert len(records_of(out)) == 2


# Seeing it.


def test_status_by_address_tells_of_far_workers_and_of_what_is_odd_about_them(out):
    far_1 = WorkerInfo(name="far-1", local=False, version="0.0.1", address="liar")
    with serve(held()) as web, flying(*crawling(web, out)) as run:
        address, access = way_in(run)
        where = (address, *key_of(access))
        with (
            visit(address, access) as crawl,
            attached(crawl.frontier, replace(far_1, clock_s=time.time() - 600)),
        ):
            said = bird("status", *where).out
            rows = bird("status", *where, "--json").report["workers"]
    (line,) = (line for line in said.splitlines() if "far-1" in line)
    assert "at 127.0.0.1:" in line  # where it comes from, not what it says
    assert "version 0.0.1" in line
    assert "clock -10 min" in line
    assert "leased" in line
    (row,) = (row for row in rows if row["worker"]["name"] == "far-1")
    assert -610 < row["clock_off_s"] < -590
    assert row["attached_s"] >= 0


def test_nobody_from_elsewhere_passes_for_one_of_ours(out):
    with (
        serve(held()) as web,
        flying(*crawling(web, out)) as run,
        visit(*way_in(run)) as crawl,
    ):
        crawl.frontier.attach(WorkerInfo(name="pretender", local=True))
        rows = {row.worker.name: row.worker.local for row in crawl.frontier.workers()}
    assert rows["pretender"] is False


def test_a_crawl_is_steered_and_read_by_address(out):
    with serve(tree(60, IMAGES), pause_s=0.1) as web, flying(*crawling(web, out)) as run:
        address, access = way_in(run)
        where = (address, *key_of(access))
        wait_for("images", (out / "images").exists)
        web.pause_s = 2.0  # there is work left however long commands take to start
        assert "Paused" in bird("pause", *where).out
        assert "paused" in bird("status", *where).out  # and so it stays while we look
        assert bird("retry", *where, "--json").report == {"requeued": 0}
        assert bird("export", *where, "-f", "jsonl").status == 0
        assert bird("verify", *where, "--folder", out).status == 0
        refused = bird("export", *where, "-f", "tree")
        assert (refused.status, "-o" in refused.err) == (2, True)
        assert bird("resume", *where).status == 0
        bird("stop", *where)
        assert "Stopped" in run.ended().out or len(records_of(out)) == 60 * IMAGES + 1


# Keys and certificates.


def test_a_wrong_key_lets_nobody_in(out, tmp_path):
    wrong = tmp_path / "wrong.key"
    wrong.write_text("not the key\n")
    with serve(held()) as web, flying(*crawling(web, out)) as run:
        address, _ = way_in(run)
        ran = bird("status", address, "--authkey-file", wrong)
        assert (ran.status, "authkey" in ran.err, "Traceback" in ran.err) == (1, True, False)
        with pytest.raises(AuthenticationError), visit(address, Access(str(wrong))) as crawl:
            crawl.frontier.stats()
        ran = ended(run, web)
    assert ran.status == 0
    line, *more = (one for one in ran.err.splitlines() if "was refused at" in one)
    assert line.startswith("warning: 127.0.0.1:")
    assert len(more) <= 1  # one a minute, however often somebody knocks
    assert "--authkey-file" in line


def test_a_key_may_come_from_the_environment_in_any_script(out, monkeypatch):
    monkeypatch.setenv("BOWERBIRD_AUTHKEY", "痛点就是起点")
    with serve(held()) as web, flying(*crawling(web, out)) as run:
        said = line_to_paste(run)
        assert "--authkey-file" not in said
        with reached(said[2], "痛点就是起点".encode()) as frontier:
            assert frontier.stats().state is State.RUNNING
        assert bird("status", said[2]).status == 0
        ended(run, web)
    assert not (out / ".bowerbird" / "listen.key").exists()


@contextmanager
def reached(address: str, key: bytes) -> Iterator[RemoteFrontier]:
    frontier = RemoteFrontier(address, key)
    try:
        yield frontier
    finally:
        frontier.close()


def test_a_typed_key_works_with_a_warning(out):
    with serve(tree(PAGES, IMAGES)) as web:
        ran = bird(*crawling(web, out, "--authkey", "typed"))
    assert (ran.status, "ps" in ran.err, "typed" in ran.err) == (0, True, False)


def test_a_pair_of_keygen_serves_tls_and_secrets_travel_only_there(out, tmp_path):
    key = tmp_path / "fleet.key"
    made = bird("keygen", "-o", key, "--tls", "--host", "127.0.0.1")
    assert made.status == 0
    secret = ("--header", "X-Secret: s3cret")
    pair = ("--tls-cert", tmp_path / "fleet.crt", "--tls-key", tmp_path / "fleet-tls.key")
    with serve(held()) as web:
        options = (*secret, *pair, "--authkey-file", key)
        with flying(*crawling(web, out, *options)) as run:
            address, access = way_in(run)
            assert address.startswith("tls://")
            assert access.tls_fingerprint in made.out
            with visit(address, access) as crawl:
                job = crawl.frontier.job()
            assert (job.secrets.headers, job.withheld) == (("X-Secret: s3cret",), False)
            ended(run, web)
        gate(web).clear()
        with flying("crawl", f"{web.url}/p0", "-o", tmp_path / "2", *LISTEN, *secret) as run:
            with visit(*way_in(run)) as crawl:
                job = crawl.frontier.job()
            assert (job.secrets.headers, job.withheld) == ((), True)
            ended(run, web)


def test_a_client_without_certificate_is_refused_where_one_is_asked_for(out, tmp_path):
    cert, cert_key = tmp_path / "fleet.crt", tmp_path / "fleet-tls.key"
    make_certificate(cert, cert_key, days=1)
    pair = ("--tls-cert", cert, "--tls-key", cert_key)
    asking = (*pair, "--tls-client-ca", cert)
    with (
        serve(held()) as web,
        flying(*crawling(web, out, *asking)) as run,
    ):
        address, _, *said = line_to_paste(run)[2:]
        where = (address, "--authkey-file", said[0], "--tls-fingerprint", said[2])
        assert bird("status", *where).status == 1
        assert bird("status", *where, *pair).status == 0
        ran = ended(run, web)
    assert ran.status == 0
    assert f"the certificate in {cert} expires soon" in ran.err


# keygen.


def test_a_key_of_keygen_is_private_and_never_replaces_another(tmp_path):
    key = tmp_path / "my.key"
    assert bird("keygen", "-o", key).status == 0
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    first = key.read_text()
    again = bird("keygen", "-o", key)
    assert (again.status, "already" in again.err) == (2, True)
    assert key.read_text() == first
    printed = bird("keygen").out
    assert len(printed) == len(first) == 65
    assert printed != first


# Bad input.


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--listen", "8001"], "HOST:PORT"),
        (["--listen", "127.0.0.1"], "HOST:PORT"),
        (["--listen", "127.0.0.1:70000"], "HOST:PORT"),
        (["--listen", "http://127.0.0.1:8001"], "HOST:PORT"),
        (["--listen", "tls://127.0.0.1:0"], "--tls-cert"),
        (["--listen", ":0", "--tls-cert", "c.pem"], "--tls-key"),
        (["--listen", ":0", "--tls-key", "k.pem"], "--tls-cert"),
        (["--listen", ":0", "--tls-client-ca", "ca.pem"], "--tls-cert"),
        (["--listen", "tcp://:0", "--tls-cert", "c", "--tls-key", "k"], "not encrypted"),
        (["--tls-cert", "c.pem", "--tls-key", "k.pem"], "--listen"),
        (["--authkey-file", "f"], "--listen"),
        (["--workers", "0"], "--listen"),
    ],
)
def test_what_cannot_be_listened_to_is_refused_before_anything_begins(out, options, word):
    ran = bird("crawl", "http://127.0.0.1:1/", "-o", out, *options)
    assert (ran.status, word in ran.err, "Traceback" in ran.err) == (2, True, False), ran.err
    assert not out.exists()


def test_a_port_in_use_is_said_before_anything_begins(out):
    with serve({}) as web:
        port = web.url.rpartition(":")[2]
        ran = bird("crawl", f"{web.url}/", "-o", out, "--listen", f"127.0.0.1:{port}")
    assert (ran.status, "Choose another port" in ran.err) == (2, True), ran.err
    assert "while attempting" not in ran.err
    assert not (out / "crawl.db").exists()


@pytest.mark.parametrize(
    ("text", "word"),
    [(None, "cannot be read"), ("", "empty"), ("\n", "empty"), ("x" * 5_000, "no key")],
)
def test_a_bad_key_file_is_named(out, tmp_path, text, word):
    key = tmp_path / "the.key"
    if text is not None:
        key.write_text(text)
    ran = bird("crawl", "http://127.0.0.1:1/", "-o", out, *LISTEN, "--authkey-file", key)
    assert (ran.status, word in ran.err, str(key) in ran.err) == (2, True, True), ran.err
    ran = bird("status", "tcp://127.0.0.1:1", "--authkey-file", key)
    assert (ran.status, word in ran.err) == (2, True), ran.err


@pytest.mark.parametrize(
    ("arguments", "status", "word"),
    [
        (["localhost:8001"], 2, "tcp://localhost:8001"),
        (["tcp://127.0.0.1:1"], 2, "authkey"),
        (["tcp://127.0.0.1", "--authkey", "k"], 2, "port"),
        (["tcp://127.0.0.1:0", "--authkey", "k"], 2, "port"),
        (["tcp://127.0.0.1:1", "--authkey", "k"], 1, "Nothing answers"),
        (["tcp://127.0.0.1:1", "--authkey", "k", "--tls-ca", "x"], 2, "not encrypted"),
        (["tls://127.0.0.1:1", "--authkey", "k", "--tls-fingerprint", "x"], 2, "fingerprint"),
        (["tls://127.0.0.1:1", "--authkey", "k", "--tls-ca", "/nowhere"], 2, "/nowhere"),
        (["tls://127.0.0.1:1", "--authkey", "k", "--tls-cert", "/nowhere"], 2, "--tls-key"),
    ],
)
def test_an_address_that_leads_nowhere_is_told_in_words(arguments, status, word):
    ran = bird("status", *arguments)
    assert (ran.status, word in ran.err, "Traceback" in ran.err) == (status, True, False), ran.err


def test_a_port_in_use_is_said(out, tmp_path):
    with serve(tree(1, 0)) as web:
        taken = web.url.removeprefix("http://")
        ran = bird("crawl", web.url, "-o", out, "--listen", taken)
    assert (ran.status, "in use" in ran.err, taken in ran.err) == (2, True, True), ran.err


def test_the_socket_of_a_killed_manager_is_swept(out, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    sockets = tmp_path / f"bowerbird-{os.getuid()}"
    with serve(held()) as web:
        with flying(*crawling(web, out)) as run:
            line_to_paste(run)
            run.kill_group()
        gate(web).set()
        (left,) = sockets.glob("*.sock")
        os.utime(left, (1, 1))
        assert bird(*crawling(web, out)).status == 0
    assert not left.exists()


def test_a_manager_may_open_as_many_files_as_the_system_lets_it(out):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = min(512, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, hard))
    try:
        run = flying("crawl", "http://127.0.0.1:1/", "-o", out, *LISTEN, "--workers", 0)
        with run as manager:
            line_to_paste(manager)
            seen, _ = resource.prlimit(manager.process.pid, resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert seen == hard
