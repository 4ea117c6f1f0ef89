"""A disk that takes no more is nobody's fault but ours: the task goes back uncounted."""

import base64
import gc
from typing import Any

import pytest
from tests.web import png

from bowerbird.errors import StorageFullError
from bowerbird.fetch import Failure, Headers, Response
from bowerbird.images import BUSY, Refused, make_decoder
from bowerbird.model import Kind, Lease, Outcome, Task, Verb
from bowerbird.settings import make_settings
from bowerbird.worker.judge import Judge
from bowerbird.worker.keep import Keeper
from bowerbird.worker.links import Admission, Finder, Known
from bowerbird.worker.read import Reader
from bowerbird.worker.traps import Traps
from bowerbird.worker.work import Work

URL = "http://example.org/"


class FullStore:
    """Refuses whatever it is given."""

    folder = "/full"

    def put(self, *_: object) -> str:
        raise StorageFullError("the disk is full")


@pytest.fixture
def work() -> Work:
    settings = make_settings({})
    admission = Admission(settings, [URL])
    judge = Judge(settings, lambda: 1e9, admission.redirect)
    store: Any = FullStore()
    keeper = Keeper(store, make_decoder(settings), judge, "w", lambda: 1e9)
    traps = Traps(settings)
    reader = Reader(settings, admission, Finder(admission, Known(), traps), keeper, judge, traps)
    return Work(settings, judge, reader, keeper)


def answered(work: Work, body: bytes = b"", failure: Failure | None = None) -> Outcome | None:
    lease = Lease(token=b"t", task=Task(url=URL, kind=Kind.PAGE), attempts=9)
    response = Response(
        key=1, url=URL, status=200, headers=Headers(b""), body=body, size=len(body), failure=failure
    )
    return work.outcome(lease, response, 0.0)


def test_an_image_that_cannot_be_written_goes_back(work: Work) -> None:
    outcome = answered(work, png(1))
    assert outcome is not None
    assert (outcome.verb, outcome.counts["disk-full"]) == (Verb.RELEASED, 1)


def test_a_page_whose_inline_image_cannot_be_written_goes_back(work: Work) -> None:
    inline = base64.b64encode(png(1))
    outcome = answered(work, b"<!doctype html><img src='data:image/png;base64,%b'>" % inline)
    assert outcome is not None
    assert (outcome.verb, outcome.counts["disk-full"]) == (Verb.RELEASED, 1)


def test_a_page_that_is_larger_than_pages_may_be_is_refused_though_an_image_might_be(
    work: Work,
) -> None:
    outcome = answered(work, b"<!doctype html>" + b"<p>long</p>" * 800_000)
    assert outcome is not None
    assert (outcome.verb, outcome.reason) == (Verb.DEAD, "too-large")
    assert outcome.detail.endswith("--max-page-bytes is 8388608")


def test_a_body_that_filled_the_disk_on_its_way_goes_back_however_often_it_was_tried(
    work: Work,
) -> None:
    outcome = answered(work, failure=Failure("disk-full", "", transient=True, answered=True))
    assert outcome is not None
    assert (outcome.verb, outcome.counts["disk-full"]) == (Verb.RELEASED, 1)


@pytest.mark.parametrize(
    "error", [KeyError("x"), RecursionError("deep"), MemoryError(), OSError(5)]
)
def test_a_defect_in_reading_costs_one_task_and_no_worker(
    work: Work, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def read(*_: object) -> Outcome:
        raise error

    monkeypatch.setattr(Reader, "read", read)

    outcome = answered(work, b"<!doctype html><p>")

    assert outcome is not None
    assert (outcome.verb, outcome.reason) == (Verb.DEAD, "internal-error")
    assert outcome.detail.startswith(type(error).__name__)


def test_a_page_of_inline_images_that_take_for_ever_ends_and_says_so(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bowerbird.worker.keep.DATA_S", -1.0)
    inline = [base64.b64encode(png(number)) for number in range(3)]
    tags = b"".join(b"<img src='data:image/png;base64,%b'>" % each for each in inline)

    outcome = answered(work, b"<!doctype html>" + tags)

    assert outcome is not None
    assert (outcome.verb, outcome.records) == (Verb.DONE, ())
    assert outcome.counts["inline-images-left-out"] == 3


def test_an_image_that_found_the_decoder_busy_goes_back_uncounted(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work._keeper._decoder, "submit", lambda *_: Refused(BUSY))

    outcome = answered(work, png(1))
    again = answered(work, png(1))  # nothing is remembered of it

    for one in (outcome, again):
        assert one is not None
        assert (one.verb, one.counts) == (Verb.RELEASED, {})


@pytest.mark.parametrize(
    "body",
    [
        png(1),
        png(1)[:-20],
        png(1).replace(b"IDAT", b"IDAT\xff"),
        b"<!doctype html><a href='/b'><img srcset='a.png, b.png 2x'><iframe srcdoc='<img src=c>'>",
        b"<!doctype html><script type='application/ld+json'>{]</script><img src='data:,x'>",
    ],
)
def test_nothing_that_was_read_waits_for_the_collector_of_cycles(work: Work, body: bytes) -> None:
    """Workers let it run rarely: a tree or a body in a cycle would stay for hundreds of pages."""
    answered(work, body)
    gc.collect()
    gc.disable()
    try:
        answered(work, body)
        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("head", "verb"),
    [
        (b"HTTP/1.0 200 OK\r\nContent-Type: image/png\r\n", Verb.RETRY),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 99\r\n", Verb.DEAD),
        (b"HTTP/2 200\r\ncontent-type: image/png\r\n", Verb.DEAD),
    ],
)
def test_half_an_image_of_no_announced_length_is_asked_for_again(
    work: Work, head: bytes, verb: Verb
) -> None:
    lease = Lease(token=b"t", task=Task(url=URL, kind=Kind.IMAGE))
    half = png(1)[:-20]
    response = Response(
        key=1, url=URL, status=200, headers=Headers(head), body=half, size=len(half)
    )

    outcome = work.outcome(lease, response, 0.0)

    assert outcome is not None
    assert (outcome.verb, outcome.reason) == (verb, "truncated")


def test_links_of_a_page_that_asks_so_are_not_followed_and_counted(work: Work) -> None:
    outcome = answered(work, b"<!doctype html><meta name=robots content=nofollow><a href=/b>b</a>")

    assert outcome is not None
    assert outcome.found == ()
    assert outcome.counts["pages-that-refuse-following"] == 1


@pytest.mark.parametrize(
    ("value", "refuses"),
    [
        ("noimageindex", True),
        ("max-snippet:-1, noimageindex", True),
        ("unavailable_after: 25 Jun 2030 15:00:00 PST, NoAI", True),
        ("unavailable_after: Tuesday, 25-Jun-30 15:00:00 GMT, noai", True),
        ("googlebot: nofollow, bowerbird: noai", True),
        ("googlebot: noai", False),
        ("googlebot: nofollow, noai", False),
        ("noindex, nofollow", False),
    ],
)
def test_what_a_tag_asks_of_us_is_heard_wherever_it_stands(
    work: Work, value: str, refuses: bool
) -> None:
    headers = Headers(f"HTTP/1.1 200 OK\r\nX-Robots-Tag: {value}\r\n".encode())
    response = Response(key=1, url=URL, status=200, headers=headers)

    assert work._reader.refuses_images(response) is refuses


def test_half_a_rule_of_a_robots_txt_that_was_cut_is_not_obeyed(work: Work) -> None:
    lease = Lease(token=b"t", task=Task(url=f"{URL}robots.txt", kind=Kind.ROBOTS))
    body = b"User-agent: *\rAllow: /a\rDisallow: /"
    response = Response(key=1, url=URL, status=200, body=body, size=len(body), cut=True)

    outcome = work.outcome(lease, response, 0.0)

    assert outcome is not None
    assert outcome.robots is not None
    assert outcome.robots.text == "User-agent: *\rAllow: /a\r"


def test_one_path_that_cannot_be_written_costs_one_image(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(*_: object) -> str:
        raise IsADirectoryError(21, "Is a directory", "images/ab/x.png")

    monkeypatch.setattr(FullStore, "put", put)
    outcome = answered(work, png(1))

    assert outcome is not None
    assert (outcome.verb, outcome.reason) == (Verb.DEAD, "storage-failed")
    assert "images/ab/x.png" in outcome.detail
