"""A crawl whose images go to a bucket, from outside."""

import json
import os
import re
import shutil
import signal
import threading
import time
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

import bowerbird
from bowerbird.store.s3.client import MULTIPART
from tests.bird import Ran, bird, flying, records_of, wait_for
from tests.buckets import KEY_ID, SECRET, Asked, Proxy, S3Server, Says, keys, s3
from tests.ports import free_port
from tests.redis_fixtures import redis_server
from tests.web import PNG, Answer, Answers, Web, images_of, noisy_png, serve, tree

__all__ = ["keys", "redis_server", "s3"]

pytestmark = pytest.mark.usefixtures("keys")

#: Contents of a test, so that no bucket sees the same twice.
ANSWERS = tree(pages=12, images=3)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def place(s3: S3Server) -> str:
    return f"s3://{s3.make_bucket()}/photos"


def to(place: str, endpoint: str) -> str:
    return f"{place}?endpoint={endpoint}"


def crawled(web: Web, out: str, state: Path, *more: object) -> tuple[object, ...]:
    return (
        "crawl", f"{web.url}/p0", "-o", out, "--state", state, "--json", "--delay", 0,
        "--per-host", 16, *more,
    )  # fmt: skip


def objects(s3: S3Server, place: str) -> set[str]:
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    keys = (key.removeprefix(f"{prefix}/") for key in s3.keys(bucket))
    return {key for key in keys if key.startswith("images/")}


def assert_whole(web: Web, s3: S3Server, place: str, state: Path) -> None:
    """Every image is recorded, every record's bytes lie in the bucket, and nothing else does."""
    records = records_of(state)
    assert {one.final_url for one in records} == {web.url + url for url in images_of(web.answers)}
    assert objects(s3, place) == {holder.path for one in records for holder in one.holders}
    verified = bird("verify", state, "--read")
    assert (verified.status, "all is well" in verified.out) == (0, True), verified.out
    assert not [path for path in (state / ".bowerbird/spool").rglob("*") if path.is_file()]


def assert_refused(ran: Ran, *words: str, status: int = 2) -> None:
    said = ran.out + ran.err
    assert ran.status == status, said
    assert "Traceback" not in said
    assert SECRET not in said
    assert KEY_ID not in said
    for word in words:
        assert word in said


def is_image(asked: Asked) -> bool:
    return asked.method in ("PUT", "POST") and "/images/" in asked.path


class Full:
    """A bucket that has taken five images, and takes nothing more until that is over."""

    def __init__(self, code: str) -> None:
        self.over = threading.Event()
        self._code = code
        self._taken = 0

    def __call__(self, asked: Asked) -> Says | None:
        self._taken += is_image(asked)
        refuses = self._taken > 5 and asked.method == "PUT" and not self.over.is_set()
        return Says(403, self._code) if refuses else None


# All is well.


def test_a_site_lies_in_the_bucket_whole_and_its_catalog_says_so(s3, place, state):
    answers = tree(pages=40, images=4)
    with serve(answers) as web:
        out = to(place, s3.endpoint)
        ran = bird(*crawled(web, out, state))
        again = bird("crawl", "-o", out, "--state", state, "--json")
        assert_whole(web, s3, place, state)

    records = records_of(state)
    paths = {holder.path for record in records for holder in record.holders}
    assert (ran.status, again.status) == (0, 0), ran.err
    assert {holder.folder for record in records for holder in record.holders} == {place}
    assert ran.report["store"] == place
    assert again.report["new_images"] == 0
    assert not (state / "images").exists()
    assert bird("verify", state).status == 0
    lines = [json.loads(line) for line in bird("export", state, "-f", "jsonl").out.splitlines()]
    named = {f"{place}/{path}" for path in paths}
    assert {f"{line['folder']}/{line['path']}" for line in lines} == named
    kept = b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
    assert SECRET.encode() not in kept
    assert KEY_ID.encode() not in kept


def test_from_python(s3, place, state):
    with serve(ANSWERS) as web:
        out = to(place, s3.endpoint)
        report = bowerbird.crawl(f"{web.url}/p0", out=out, state=state, workers=1)
        urls = [one.url for one in bowerbird.watch(out=out, state=state, workers=1)]
        assert_whole(web, s3, place, state)

    assert (report.store, report.images) == (place, len(urls))
    with pytest.raises(bowerbird.BowerbirdError, match="--state"):
        bowerbird.crawl("http://127.0.0.1:1/", out=out)
    with pytest.raises(bowerbird.BowerbirdError, match="neither folder nor bucket"):
        bowerbird.crawl("http://127.0.0.1:1/", out=Path(place))


def test_images_above_and_below_the_size_that_goes_in_parts(s3, place, state):
    dice = Random(5)
    sides = (700, 2400, 2500)  # 1.5 MB, in a spool; 17 and 19 MB, in parts
    shown = "".join(f'<img src="/i{side}.png">' for side in sides)
    answers: Answers = {"/p0": Answer(shown.encode())}
    answers |= {f"/i{n}.png": Answer(noisy_png(dice.randbytes, n), PNG) for n in sides}
    with serve(answers) as web, Proxy(s3, lambda _: None) as proxy:
        ran = bird(*crawled(web, to(place, proxy.endpoint), state, "--workers", 1))
        assert_whole(web, s3, place, state)

    assert ran.status == 0, ran.err
    assert max(one.bytes for one in records_of(state)) > MULTIPART
    assert {len(one.body) for one in proxy.asked if "partNumber=1" in one.path} == {8 << 20}
    assert s3.uploads(place[5:].partition("/")[0]) == []


def test_two_crawls_under_one_prefix_are_told_and_neither_loses_anything(s3, place, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    with serve(tree(pages=3, images=2)) as small, serve(ANSWERS) as large:
        first = bird(*crawled(small, to(place, s3.endpoint), one))
        second = bird(*crawled(large, to(place, s3.endpoint), two))
    pruned = [bird("verify", state, "--prune") for state in (one, two)]

    assert "other crawl" not in first.err
    assert f"{place} has images of 1 other crawl too" in second.err
    assert [(ran.status, "all is well" in ran.out) for ran in pruned] == [(0, True)] * 2


# Bad input.


@pytest.mark.parametrize(
    ("out", "state", "word"),
    [
        ("s3://bucket/x", (), "--state DIR"),
        ("images", ("--state", "state"), "--state belongs to -o s3://"),
        ("s3:/bucket/x", (), "neither folder nor bucket"),
        ("s3://", ("--state", "state"), "names no place in a bucket"),
        ("s3://bucket/../x", ("--state", "state"), "names no place in a bucket"),
        (f"s3://{KEY_ID}:{SECRET}@bucket/x", ("--state", "state"), "AWS_ACCESS_KEY_ID"),
        (f"s3://bucket/x?secret={SECRET}", ("--state", "state"), "unknown options: secret"),
        ("s3://bucket/x?endpoint=http://example.org", ("--state", "state"), "plain HTTP"),
        ("s3://bucket/x?endpoint=http://127.0.0.1:1", ("--state", "state"), "nothing answers"),
    ],
)
def test_a_bucket_that_is_none(tmp_path, out, state, word):
    ran = bird("crawl", "http://127.0.0.1:9/", "-o", out, *state, cwd=tmp_path)

    said = ran.out + ran.err
    assert (ran.status, "Traceback" in said, SECRET in said) == (2, False, False), said
    assert word in said
    assert not list(tmp_path.rglob("crawl.db"))


def test_a_bucket_that_does_not_exist_or_refuses_us_is_said_before_anything_begins(s3, state):
    web = "http://127.0.0.1:9/"
    missing = bird("crawl", web, "-o", to("s3://no-such/x", s3.endpoint), "--state", state)
    assert_refused(missing, "s3://no-such/x cannot be used: the bucket does not exist")
    for code, word in (
        ("AccessDenied", "may not do that"),
        ("InvalidAccessKeyId", "does not know this access key"),
        ("SignatureDoesNotMatch", "secret key does not belong"),
    ):
        with Proxy(s3, lambda _, code=code: Says(403, code)) as proxy:
            ran = bird("crawl", web, "-o", to("s3://bucket/x", proxy.endpoint), "--state", state)
        assert_refused(ran, f"{word} ({code})" if code == "AccessDenied" else word)
    assert not (state / "crawl.db").exists()


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({"AWS_SECRET_ACCESS_KEY": SECRET}, "one is missing"),
        ({"AWS_ACCESS_KEY_ID": KEY_ID}, "one is missing"),
        ({"AWS_SKIP_SIGNATURE": SECRET}, "cannot be read"),
        ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere", "AWS_ROLE_ARN": "x"}, "no credentials"),
        ({"AWS_PROFILE": "nobody"}, "AWS_PROFILE is 'nobody'"),
    ],
)
def test_keys_that_are_not_whole(s3, place, state, monkeypatch, variables, word):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    out = to(place, s3.endpoint)

    assert_refused(bird("crawl", "http://127.0.0.1:9/", "-o", out, "--state", state), word)


def test_a_bucket_that_can_be_read_but_not_written_is_said_before_anything_begins(s3, place, state):
    with Proxy(s3, lambda asked: Says(403, "AccessDenied") if asked.method == "PUT" else None) as p:
        ran = bird("crawl", "http://127.0.0.1:9/", "-o", to(place, p.endpoint), "--state", state)

    assert_refused(ran, place, "may not do that")
    assert not (state / "crawl.db").exists()


def test_a_crawl_stays_with_its_bucket(s3, place, state, tmp_path):
    other = to(f"s3://{s3.make_bucket()}/x", s3.endpoint)
    with serve(tree(pages=1, images=1)) as web:
        bird(*crawled(web, to(place, s3.endpoint), state))
        bird("crawl", f"{web.url}/p0", "-o", tmp_path / "plain", "--quiet")
        moved = bird(*crawled(web, other, state))
        to_folder = bird("crawl", f"{web.url}/p0", "-o", state)
        from_folder = bird(*crawled(web, other, tmp_path / "plain"))
        again = bird(*crawled(web, to(place, s3.endpoint), state))

    assert_refused(moved, f"lie in {place}, not in s3://bucket-")
    assert_refused(to_folder, f"-o {place} --state {state}")
    assert_refused(from_folder, str(tmp_path / "plain/images"))
    assert (again.status, again.report["images"]) == (0, 2)
    assert_refused(bird("status", place), "--state")
    assert_refused(bird("gather", state, tmp_path / "plain"), place, "nothing to gather")


def test_a_tree_is_made_of_a_copy_of_the_bucket(s3, place, state, tmp_path):
    with serve(ANSWERS) as web:
        bird(*crawled(web, to(place, s3.endpoint), state))
    refused = bird("export", state, "-f", "tree", "-o", tmp_path / "tree")
    for path in objects(s3, place):
        file = tmp_path / "copy" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(s3.ask("GET", f"/{place.removeprefix('s3://')}/{path}"))
    made = bird(
        "export", state, "-f", "tree", "-o", tmp_path / "tree", "--folder", tmp_path / "copy"
    )

    assert_refused(refused, place, "--folder")
    assert made.status == 0, made.err
    linked = list((tmp_path / "tree").rglob("*.png"))
    assert len(linked) == len(records_of(state))


# Faults.


def test_a_bucket_that_refuses_in_mid_crawl_pauses_it_until_it_takes_images_again(s3, place, state):
    full = Full("QuotaExceeded")
    with (
        serve(ANSWERS, pause_s=0.01) as web,
        Proxy(s3, full) as proxy,
        flying(*crawled(web, to(place, proxy.endpoint), state, "--workers", 1)) as run,
    ):
        wait_for("pause", lambda: "paused (bucket-refuses)" in bird("status", state).out)
        why = run.says("quota is used up")
        wait_for("rest", lambda: '"leased": 0' in bird("status", state, "--json").out)
        full.over.set()
        ran = run.ended()
        assert_whole(web, s3, place, state)

    assert "(QuotaExceeded)" in why
    assert_refused(ran, "Going on.", status=0)
    assert ran.report["failures"] == {}


#: What may happen to any request, and what of it.
TROUBLE = (
    Says(500, "InternalError"), Says(503, "SlowDown"), Says(429, "TooManyRequests"), Says(0),
    Says(400, "BadDigest"), Says(400, "RequestTimeout"), Says(409, "ConditionalRequestConflict"),
    Says(0, after=True), Says(500, "InternalError", after=True),
)  # fmt: skip


def test_a_bucket_in_trouble_loses_nothing_and_is_said_nothing_of(s3, place, state):
    dice, turn = Random(3), threading.Lock()

    def fault(asked: Asked) -> Says | None:
        with turn:
            return dice.choice(TROUBLE) if is_image(asked) and dice.random() < 0.2 else None

    with serve(ANSWERS) as web, Proxy(s3, fault) as proxy:
        ran = bird(*crawled(web, to(place, proxy.endpoint), state, "--workers", 2))
        assert_whole(web, s3, place, state)

    assert_refused(ran, status=0)
    assert ran.report["failures"] == {}
    assert "paused" not in ran.err


@pytest.mark.parametrize("whole", [False, True], ids=["a worker", "all of it"])
def test_kill_9_while_images_are_on_their_way(s3, place, state, whole):
    opened, waiting = threading.Event(), [0]

    def fault(asked: Asked) -> Says | None:
        if is_image(asked) and not opened.is_set():
            waiting[0] += 1
            opened.wait(60)
        return None

    dice = Random(9)
    answers: Answers = {"/p0": Answer(b"".join(b"<img src=/i%d.png>" % n for n in range(12)))}
    answers |= {f"/i{n}.png": Answer(noisy_png(dice.randbytes, 640), PNG) for n in range(12)}
    with serve(answers) as web, Proxy(s3, fault) as proxy:
        command = crawled(web, to(place, proxy.endpoint), state, "--workers", 1)
        with flying(*command) as run:
            wait_for("uploads", lambda: waiting[0] >= 6)
            spooled = list((state / ".bowerbird/spool").rglob(".tmp-*"))
            if whole:
                run.kill_group()
            else:
                os.kill(run.workers()[0], signal.SIGKILL)
            opened.set()
            ran = bird(*command) if whole else run.ended()
        swept = bird(*command)
        assert_whole(web, s3, place, state)

    assert spooled, "bodies above 1 MiB are files of ours until they have landed"
    assert (ran.status, swept.status, ran.report["failures"]) == (0, 0, {}), ran.err


# Checks.


def test_verify_finds_what_was_lost_damaged_or_left_over_in_the_bucket(s3, place, state):
    with serve(ANSWERS) as web:
        command = crawled(web, to(place, s3.endpoint), state)
        bird(*command)
        lost, damaged, *_ = sorted(objects(s3, place))
        at = f"/{place.removeprefix('s3://')}"
        body = s3.ask("GET", f"{at}/{damaged}")
        s3.ask("DELETE", f"{at}/{lost}")
        s3.ask("PUT", f"{at}/{damaged}", bytes(reversed(body)))
        s3.ask("PUT", f"{at}/images/ab/ab{'0' * 62}.png", b"nobody's")
        s3.ask("PUT", f"{at}/images/notes.txt", b"somebody's")
        by_size = bird("verify", state)
        read = bird("verify", state, "--read")
        mended = bird("verify", state, "--read", "--repair", "--prune")
        again = bird(*command)
        verified = bird("verify", state, "--read")

    assert by_size.status == read.status == 1
    assert f"bad (missing): {lost}" in by_size.out
    assert "1 without a record" in by_size.out
    assert "1 not ours, left alone" in by_size.out
    assert damaged not in by_size.out
    assert f"bad (content): {damaged}" in read.out
    assert mended.status == 0, mended.out
    assert again.report["failures"] == {}
    assert "all is well" in verified.out.replace("1 not ours, left alone", "all is well")
    assert {lost, damaged} <= objects(s3, place)
    assert "images/notes.txt" in objects(s3, place)


# Other machines.


@pytest.fixture
def manager(tmp_path: Path) -> tuple[object, ...]:
    """How a manager listens; its first word is its port."""
    port = free_port()
    (tmp_path / "key").write_text("key")
    return ("--listen", f"127.0.0.1:{port}", "--authkey-file", tmp_path / "key", "--workers", 0)


def joining(manager: tuple[object, ...], out: object) -> tuple[object, ...]:
    return (
        "worker", f"tcp://{manager[1]}", "-o", out, *manager[2:4], "--workers", 1,
        "--allow-private", "--json",
    )  # fmt: skip


def test_far_workers_put_images_there_with_keys_of_their_own(
    s3, place, state, manager, tmp_path, monkeypatch
):
    keys = tmp_path / "credentials"
    keys.write_text(
        "[fleet]\naws_access_key_id = AKIAFLEET\naws_secret_access_key = fleetssecret\n"
    )
    with serve(ANSWERS, pause_s=0.01) as web, Proxy(s3, lambda _: None) as proxy:
        with flying(*crawled(web, to(place, s3.endpoint), state, *manager)) as run:
            line = run.says("bowerbird worker")
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
                monkeypatch.delenv(name)
            monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys))
            monkeypatch.setenv("AWS_PROFILE", "fleet")
            own_way = to(place.rpartition("/")[0], proxy.endpoint)
            with flying(*joining(manager, own_way)) as worker:
                ran, far = run.ended(), worker.ended()
        assert_whole(web, s3, place, state)

    assert (ran.status, far.status) == (0, 0), far.err
    assert f"-o '{to(place, s3.endpoint)}'" in line
    assert far.report["images"] == len(images_of(ANSWERS))
    asked = [one for one in proxy.asked if is_image(one)]
    assert {re.findall(r"Credential=(\w+)/", one.headers["authorization"])[0] for one in asked} == {
        "AKIAFLEET"
    }
    assert not list(tmp_path.rglob("bowerbird-images"))


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("mine", "start the worker with -o 's3://"),
        ("s3://another/photos", "not to s3://another/photos"),
        ("{place}x", "not to s3://"),
        ("{place}?endpoint=http://127.0.0.1:1", "nothing answers"),
    ],
)
def test_a_far_workers_keys_are_used_where_its_owner_says_and_nowhere_else(
    s3, place, state, manager, tmp_path, out, words
):
    own = out.format(place=place) if out != "mine" else tmp_path / out
    with (
        serve(ANSWERS) as web,
        flying(*crawled(web, to(place, s3.endpoint), state, *manager)) as run,
    ):
        run.says("bowerbird worker")
        worker = bird(*joining(manager, own))

    assert_refused(worker, words)
    assert objects(s3, place) == set()


def test_a_bucket_is_no_place_for_a_crawl_into_folders(s3, place, manager, tmp_path):
    with (
        serve(ANSWERS) as web,
        flying("crawl", f"{web.url}/p0", "-o", tmp_path / "out", *manager) as run,
    ):
        run.says("bowerbird worker")
        worker = bird(*joining(manager, to(place, s3.endpoint)))

    assert_refused(worker, "name a folder with -o")


def test_a_bucket_that_refuses_far_workers_and_the_manager_pauses_the_crawl(
    s3, place, state, manager
):
    full = Full("AccessDenied")
    with serve(ANSWERS, pause_s=0.01) as web, Proxy(s3, full) as proxy:
        out = to(place, proxy.endpoint)
        with (
            flying(*crawled(web, out, state, *manager)) as run,
            flying(*joining(manager, out)) as worker,
        ):
            why = worker.says("may not do that")
            wait_for("pause", lambda: "paused (bucket-refuses)" in bird("status", state).out)
            afar = bird("verify", f"tcp://{manager[1]}", *manager[2:4])
            full.over.set()
            ran, far = run.ended(), worker.ended()
        assert_whole(web, s3, place, state)

    assert (ran.status, far.status) == (0, 0), ran.err
    assert place in why
    assert f"in {place}, which is not on this machine" in afar.out
    assert ran.report["failures"] == {}


def test_a_far_worker_that_alone_is_refused_leaves_the_rest_to_others(s3, place, state, manager):
    def fault(asked: Asked) -> Says | None:
        return Says(400, "ExpiredToken") if is_image(asked) else None

    with serve(ANSWERS, pause_s=0.01) as web, Proxy(s3, fault) as proxy:
        with (
            flying(*crawled(web, to(place, s3.endpoint), state, *manager)) as run,
            flying(*joining(manager, to(place, proxy.endpoint))) as refused,
        ):
            assert "credentials have expired" in refused.says(place + " cannot be read or written")
            with flying(*joining(manager, to(place, s3.endpoint))) as well:
                ran, _, _ = run.ended(), refused.ended(), well.ended()
        assert_whole(web, s3, place, state)

    assert (ran.status, "paused" in ran.err) == (0, False), ran.err
    assert ran.report["failures"] == {}


# A frontier in Redis.


def test_with_a_frontier_in_redis_any_state_folder_has_the_catalog_anew(
    s3, place, state, redis_server, tmp_path
):
    engine = redis_server.address("buckets")
    with serve(ANSWERS, pause_s=0.01) as web:
        out = to(place, s3.endpoint)
        command = crawled(web, out, state, "--engine", engine, "--workers", 0)
        with flying(*command) as run:
            line = run.says("bowerbird worker")
            joined = ("worker", engine, "--workers", 1, "--allow-private", "--json", "-o")
            alone = bird(*joined, tmp_path / "mine")
            with flying(*joined, out) as worker:
                ran, far = run.ended(), worker.ended()
        shutil.rmtree(state)
        again = bird(*crawled(web, out, tmp_path / "elsewhere", "--engine", engine))
        verified = bird("verify", tmp_path / "elsewhere", "--read")

    assert f"-o '{out}'" in line
    assert_refused(alone, "start the worker with -o 's3://")
    assert (ran.status, far.status, again.status) == (0, 0, 0), ran.err + far.err + again.err
    assert far.report["images"] == ran.report["images"] == len(images_of(ANSWERS))
    assert again.report["images"] == len(images_of(ANSWERS))
    assert (verified.status, "all is well" in verified.out) == (0, True), verified.out
    assert objects(s3, place)


def test_a_bucket_that_refuses_pauses_a_crawl_in_redis_too(s3, place, state, redis_server):
    full = Full("QuotaExceeded")
    with (
        serve(ANSWERS, pause_s=0.01) as web,
        Proxy(s3, full) as proxy,
        flying(
            *crawled(web, to(place, proxy.endpoint), state, "--workers", 1),
            *("--engine", redis_server.address("full")),
        ) as run,
    ):
        wait_for("pause", lambda: "paused (bucket-refuses)" in bird("status", state).out)
        full.over.set()
        ran = run.ended()

    assert_refused(ran, "quota is used up", "Going on.", status=0)
    assert (ran.report["failures"], ran.report["images"]) == ({}, len(images_of(ANSWERS)))


# Memory.


def test_a_worker_with_many_large_bodies_on_their_way_keeps_its_memory(s3, place, state):
    def slow(asked: Asked) -> Says | None:
        time.sleep(0.5 if is_image(asked) else 0.0)
        return None

    dice = Random(1)
    image = noisy_png(dice.randbytes, 1650)  # 8 MB
    paths = [f"/i{n}.png" for n in range(24)]
    answers: Answers = {"/p0": Answer("".join(f"<img src={path}>" for path in paths).encode())}
    answers |= {path: Answer(image + path.encode(), PNG) for path in paths}
    most_mib = 0
    with (
        serve(answers) as web,
        Proxy(s3, slow) as proxy,
        flying(*crawled(web, to(place, proxy.endpoint), state, "--workers", 1)) as run,
    ):
        while run.process.poll() is None:
            most_mib = max(most_mib, *map(peak_mib, run.workers()), 0)
            time.sleep(0.02)
        ran = run.ended()

    assert (ran.status, ran.report["images"]) == (0, 24), ran.err
    assert 30 < most_mib < 160


def peak_mib(pid: int) -> int:
    """The most memory that a process has had, or 0 once it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) // 1024 if found else 0


def test_an_image_that_alone_is_refused_dies_and_the_crawl_goes_on(s3, place, state):
    whole = images_of(ANSWERS)
    refused = sha256(ANSWERS["/i7.png"].body).hexdigest()

    def fault(asked: Asked) -> Says | None:
        return Says(403, "AccessDenied") if is_image(asked) and refused in asked.path else None

    with serve(ANSWERS, pause_s=0.01) as web, Proxy(s3, fault) as proxy:
        ran = bird(*crawled(web, to(place, proxy.endpoint), state, "--workers", 2, "--retries", 1))
        failed = json.loads(bird("status", state, "--json").out)["stats"]["dead"]

    assert_refused(ran, "these credentials may not do that", status=0)
    assert (ran.report["state"], ran.report["failures"]) == ("ended", {"bucket-refuses-it": 1})
    assert failed == {"bucket-refuses-it": 1}
    assert ran.report["images"] == len(whole) - 1
    assert ran.err.count("paused (bucket-refuses)") <= 8
