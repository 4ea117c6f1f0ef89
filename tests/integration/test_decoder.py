"""The decode port: the right way for each image, and no child that can hurt its parent."""

import errno
import os
import signal
import struct
import sys
import threading
from collections.abc import Iterator
from mmap import ACCESS_READ, mmap
from pathlib import Path
from queue import SimpleQueue

import pytest
from tests.image_fixtures import animation, picture, whole, written

from bowerbird.images import Inspected, LocalDecoder, Refused, Result, inspect
from bowerbird.images.lanes import BUSY, PATIENCE_S, Job, Lane, Way, way_of
from bowerbird.images.warden import Warden
from bowerbird.settings import Check, Settings

SECONDS = 30.0
AVIF = written("AVIF", picture((64, 48)))
SEEN = Inspected(type="avif", width=64, height=48, cost=64 * 48)


class Waiting:
    """A decoder whose results are waited for."""

    def __init__(self, options: Settings) -> None:
        self._woken = threading.Event()
        self.decoder = LocalDecoder(options, self._woken.set)

    def result(self, body: bytes | mmap, path: str = "") -> tuple[Result, bool]:
        """The result, and whether it came at once."""
        at_once = self.decoder.submit(7, body, path)
        if at_once is not None:
            return at_once, True
        assert self._woken.wait(SECONDS)
        self._woken.clear()
        ((key, result),) = self.decoder.finished()
        assert key == 7
        return result, False


@pytest.fixture
def waiting() -> Iterator[Waiting]:
    waiting = Waiting(Settings())
    yield waiting
    waiting.decoder.close()


def large(kind: str) -> bytes:
    mode = "L" if kind == "GIF" else "RGB"  # its palette would take seconds to choose
    return written(kind, picture((300, 200), mode).resize((2400, 1600)))


@pytest.mark.parametrize("name", sorted(whole()))
def test_every_way_gives_the_verdict_of_a_plain_inspection(waiting: Waiting, name: str) -> None:
    body = whole()[name]

    assert waiting.result(body)[0] == inspect(body, Settings())
    assert isinstance(waiting.result(body[:-20])[0], Refused)


@pytest.mark.parametrize(
    ("body", "way"),
    [
        (whole()["jpeg"], Way.NOW),
        (whole()["ico"], Way.NOW),
        (whole()["bmp"], Way.NOW),
        (large("PNG"), Way.THREAD),
        (large("WEBP"), Way.THREAD),
        (large("GIF"), Way.THREAD),
        (AVIF, Way.CHILD),
        (whole()["tiff"], Way.CHILD),
    ],
)
def test_cheap_at_once_large_in_a_thread_risky_in_the_child(
    waiting: Waiting, body: bytes, way: Way
) -> None:
    seen = inspect(body, Settings(check=Check.HEADER))
    assert isinstance(seen, Inspected)

    result, at_once = waiting.result(body)

    assert result == seen
    assert way_of(seen, body) is way
    assert at_once is (way is Way.NOW)


def test_large_photograph_goes_to_the_child() -> None:
    seen = Inspected(type="jpeg", width=6_000, height=4_000, cost=24_000_000)

    assert way_of(seen, b"") is Way.CHILD


def test_photograph_of_many_scans_does_not_hold_up_the_loop() -> None:
    usual = written("JPEG", picture((600, 600), "L"), progressive=True)
    last = usual.rindex(b"\xff\xda")
    many = usual[:-2] + usual[last:-2] * 30 + b"\xff\xd9"
    seen = inspect(usual, Settings(check=Check.HEADER))
    assert isinstance(seen, Inspected)

    assert (way_of(seen, usual), way_of(seen, many)) == (Way.NOW, Way.THREAD)


def test_header_check_decodes_nothing() -> None:
    waiting = Waiting(Settings(check=Check.HEADER))

    assert waiting.result(AVIF) == (SEEN, True)


@pytest.mark.parametrize("kind", ["AVIF", "JPEG", "TIFF"])
def test_body_in_a_file_is_read_from_there(waiting: Waiting, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "body"
    path.write_bytes(written(kind))
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as view:
        result, _ = waiting.result(view, str(path))

    assert isinstance(result, Inspected)


def test_file_that_has_gone_is_a_refusal(waiting: Waiting) -> None:
    assert waiting.result(AVIF, "/nonexistent/body") == (
        Refused("decoder-died", "cannot read the file: No such file or directory"),
        False,
    )


def test_many_at_once_all_get_their_own_answer() -> None:
    woken = threading.Event()
    decoder = LocalDecoder(Settings(), woken.set)
    bodies = [AVIF, AVIF[:-9], whole()["tiff"], large("GIF"), whole()["tiff"][:-9]] * 4
    results: dict[int, Result] = {}
    for key, body in enumerate(bodies):
        at_once = decoder.submit(key, body)
        if at_once is not None:
            results[key] = at_once
    while len(results) < len(bodies):
        assert woken.wait(SECONDS)
        woken.clear()
        results.update(decoder.finished())
    decoder.close()

    assert [results[key] for key in range(len(bodies))] == [
        inspect(body, Settings()) for body in bodies
    ]


def test_packed_bitmap_is_decoded(waiting: Waiting) -> None:
    rows = b"\x04\x01\x00\x00" * 4 + b"\x00\x01"  # four rows of four pixels by run length
    palette = bytes(1024)
    size = 14 + 40 + len(palette) + len(rows)
    head = b"BM" + struct.pack("<IHHI", size, 0, 0, 54 + len(palette))
    dib = struct.pack("<IiiHHIIiiII", 40, 4, 4, 1, 8, 1, len(rows), 0, 0, 256, 0)

    whole_result, _ = waiting.result(head + dib + palette + rows)
    cut_result, _ = waiting.result(head + dib + palette + rows[:-4])

    assert whole_result == Inspected(type="bmp", width=4, height=4, cost=16)
    assert isinstance(cut_result, Refused)
    assert cut_result.reason == "truncated"


def test_what_is_risky_is_decoded_in_a_child_for_those_who_wait_too(waiting: Waiting) -> None:
    own = threading.active_count()

    assert waiting.decoder.inspect(AVIF) == SEEN
    assert waiting.decoder.inspect(AVIF[:-9]) == inspect(AVIF[:-9], Settings())

    aside = waiting.decoder._aside
    assert isinstance(aside, Warden)
    assert aside.pid
    assert threading.active_count() == own  # in turn, behind nobody's queue
    waiting.decoder.close()
    assert not aside.pid


class Slow:
    """A hand that is kept busy."""

    def __init__(self) -> None:
        self.begun, self.free = threading.Event(), threading.Event()

    def decode(self, job: Job) -> Result:
        self.begun.set()
        assert self.free.wait(SECONDS)
        return job.seen

    def interrupt(self) -> None:
        self.free.set()

    def close(self) -> None:
        """Nothing to let go of."""


def test_what_waits_too_long_for_a_decoder_is_given_back_and_not_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = [0.0]
    monkeypatch.setattr("bowerbird.images.lanes.monotonic", lambda: now_s[0])
    hand, told = Slow(), SimpleQueue[tuple[int, Result]]()
    lane = Lane(hand, lambda job, result: told.put((job.key, result)), "slow")
    for key in (1, 2):
        lane.put(Job(key, AVIF, "", SEEN))
    assert hand.begun.wait(SECONDS)
    now_s[0] = PATIENCE_S + 1.0
    hand.free.set()

    assert told.get(timeout=SECONDS) == (1, SEEN)
    assert told.get(timeout=SECONDS) == (2, Refused(BUSY))
    lane.put(Job(3, AVIF, "", SEEN))
    assert told.get(timeout=SECONDS) == (3, SEEN)
    lane.close()


# Children that misbehave.

IMPORTS = "import os,signal,socket,time; from bowerbird.images.child import *; "
READY = IMPORTS + "s = socket.socket(fileno=0); send(s, 'ready'); receive(s); "


def child(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def job(body: bytes = AVIF) -> Job:
    return Job(1, body, "", SEEN)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (child(READY + "os._exit(1)"), "decoder-died"),
        (child(READY + "os.kill(os.getpid(), signal.SIGSEGV)"), "decoder-died"),
        (child(READY + "s.sendall(bytes([0, 0, 0, 2, 255, 255])); time.sleep(60)"), "decoder-died"),
        (child(READY + "s.sendall(bytes([255] * 8)); time.sleep(60)"), "decoder-died"),
        (child(READY + "time.sleep(60)"), "decode-timeout"),
        (child("raise SystemExit(3)"), "decoder-died"),
        (["/nonexistent/python"], "decoder-died"),
    ],
)
def test_child_that_dies_hangs_or_babbles_is_a_refusal(command: list[str], reason: str) -> None:
    warden = Warden(command, deadline_s=0.3 if reason == "decode-timeout" else SECONDS)

    result = warden.decode(job())
    warden.close()

    assert isinstance(result, Refused)
    assert result.reason == reason


def test_child_that_died_is_replaced() -> None:
    warden = Warden()
    assert warden.decode(job()) == SEEN
    first = warden.pid
    assert first
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)

    assert warden.decode(job()) == SEEN
    assert warden.pid != first
    warden.close()


def test_child_outlives_the_signals_meant_for_its_parent() -> None:
    warden = Warden()
    assert warden.decode(job()) == SEEN
    pid = warden.pid
    assert pid
    os.kill(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGINT)

    assert warden.decode(job()) == SEEN
    assert warden.pid == pid
    warden.close()


def test_memory_of_the_child_is_limited() -> None:
    hungry = IMPORTS + (
        "import bowerbird.images.child as c; c.decode = lambda data, seen: bytearray(3 << 30); "
        "c.main()"
    )
    warden = Warden(child(hungry))

    result = warden.decode(job())
    warden.close()

    assert isinstance(result, Refused)
    assert result.reason in ("decoder-died", "out-of-memory")


def test_child_ends_with_its_parent() -> None:
    warden = Warden()
    warden.decode(job())
    process = warden._process
    assert process
    assert warden._connection

    warden._connection.close()

    assert process.wait(SECONDS) == 0


def test_close_gives_up_what_is_under_way() -> None:
    decoder = LocalDecoder(Settings())
    for key in range(5):
        decoder.submit(key, animation("AVIF", 4))

    decoder.close()

    names = [thread.name for thread in threading.enumerate()]
    assert "decode-child" not in names


# What the child has given up.

REACH = (
    "import bowerbird.images.child as c, errno, os, socket, ctypes\n"
    "from bowerbird.images import Refused\n"
    "def tried(call):\n"
    "    try: call()\n"
    "    except OSError as error: return error.errno\n"
    "    return 0\n"
    "def reach(request, data):\n"
    "    return Refused('corrupt', str(tried(lambda: {what})))\n"
    "c.load()\n"
    "c.serve(c.Request, reach)\n"
)


@pytest.mark.parametrize(
    "what",
    [
        "open('/etc/passwd')",
        "open('/dev/null', 'w')",
        "socket.socket()",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "os.unlink('/nonexistent')",
        "os.kill(os.getppid(), 0)",
        "os.mkdir('/nonexistent/x')",
        "os.setuid(0)",
        "os.stat('/etc')",
    ],
)
def test_a_decoder_reaches_no_file_no_network_and_no_other_process(what: str) -> None:
    if not (sys.platform == "linux" and os.uname().machine == "x86_64"):
        pytest.skip("sealed on Linux, x86-64")
    warden = Warden(child(REACH.format(what=what)))

    result = warden.decode(job())
    warden.close()

    assert result == Refused("corrupt", str(errno.EPERM))


def test_a_part_that_a_sealed_child_lacks_is_no_verdict_on_the_image() -> None:
    late = IMPORTS + (
        "import bowerbird.images.child as c; c.serve(Request, lambda request, data: "
        "c.decode(data, request.seen))"
    )
    warden = Warden(child(late))

    result = warden.decode(job())
    warden.close()

    assert isinstance(result, Refused)
    assert result.reason == "decoder-died"


@pytest.mark.parametrize("name", sorted(whole()))
def test_a_sealed_child_has_all_that_a_decode_needs(sealed: Warden, name: str) -> None:
    seen = inspect(whole()[name], Settings(check=Check.HEADER))
    assert isinstance(seen, Inspected)

    assert sealed.decode(Job(1, whole()[name], "", seen)) == seen


@pytest.fixture(scope="module")
def sealed() -> Iterator[Warden]:
    warden = Warden()
    yield warden
    warden.close()
