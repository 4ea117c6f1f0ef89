"""Crawls of the misbehaving website: each resource ends by its own reason, within its clock, in
bounded memory, and stops nobody else."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bowerbird.app.visit import visit
from bowerbird.model import HostRow, Results
from tests.bird import bird, flying, wait_for
from tests.memory import Peaks
from tests.site import Site
from tests.site.bombs import prepare
from tests.site.moves import FORBIDDEN
from tests.site.resources import RESOURCES

#: A transfer's clock here, and how much later a client may leave that has no processor.
TIMEOUT_S, SLACK_S = 18.0, 20.0
#: What no process may ever have had in memory, in MiB.
MOST_MIB = 256
SHORT = f"""
timeout = {TIMEOUT_S}
connect_timeout = 10
first_byte_timeout = 12
idle_timeout = 5
max_near_duplicates = 20
"""


@dataclass(frozen=True)
class Came:
    """What became of the hosts of a crawl, each by the path that lives there."""

    report: dict[str, Any]
    peaks: Peaks
    results: Results
    rows: dict[str, HostRow]
    found: dict[str, Counter[str]]  #: -> types of images kept, and reasons of deaths


def crawl(
    site: Site, out: Path, paths: list[str], config: str, until: Callable[[], bool] | None = None
) -> Came:
    """Crawl a host for each path, all at once; to the end, or interrupted when something is so."""
    starts = {path: site.home(path) for path in paths}
    (out / "limits.toml").write_text(config)
    arguments = ("-o", out / "crawl", "--config", out / "limits.toml", "--delay", 0, "--json")
    with (
        flying("crawl", *starts.values(), *arguments) as run,
        Peaks(run.process.pid) as peaks,
    ):
        if until:
            wait_for("what is to be seen", until)
            run.interrupt()
        ran = run.ended()
    assert ran.status == (130 if until else 0), ran.err
    with visit(str(out / "crawl")) as done:
        assert done.frontier.audit() == []
        results, rows = done.frontier.results(limit=100_000), done.frontier.hosts(1_000)
    return Came(
        ran.report, peaks, results, {row.host: row for row in rows}, _by_home(site, results)
    )


def _by_home(site: Site, results: Results) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for death in results.deaths:
        found[_home(site, death.first_url)][death.reason] += 1
    for record in results.records:
        found[_home(site, record.url)][record.type] += 1
    return found


def _home(site: Site, url: str) -> str:
    return site.homes.get(url.partition("//")[2].partition(":")[0], url)


@pytest.fixture
def site() -> Iterator[Site]:
    prepare()
    with Site(host="0.0.0.0") as site:
        yield site


#: Three ways to write one address: it is one task, that of whoever comes first.
ONE_ADDRESS = frozenset(f"/redirect-to/{word}" for word in ("loopback", "number", "hex"))
GUARDED = ("localhost", "zero", "mapped", "compatible", "nat64", "6to4", "metadata",
           "metadata6", "private")  # fmt: skip
NO_WEB = ("file", "ftp", "gopher", "data", "javascript")

#: path of a resource -> what is kept of it, or why not; "": nothing of either
EXPECTED: dict[str, str] = {
    "/silent": "first-byte-timeout",
    "/slow-headers": "timeout",
    "/stalled": "idle-timeout",
    "/drip": "timeout",
    "/byte-a-second": "timeout",
    "/endless": "too-large",
    "/endless-chunks": "too-many-chunks",
    "/huge-length": "too-large",
    "/endless-headers": "headers-too-large",
    "/long-header": "headers-too-large",
    "/many-headers": "too-many-headers",
    "/endless-interim": "too-many-interim",
    "/huge-bomb/gzip": "bomb",
    "/huge-bomb/deflate": "bomb",
    "/huge-bomb/br": "bomb",
    "/huge-bomb/zstd": "bad-encoding",  # was not asked for, and is not unpacked
    "/huge-bomb/gzip/10240/302": "",  # of a redirect only the target counts
    "/double-bomb": "bomb",
    "/coded-thrice": "too-many-codings",
    "/coded-without-end": "too-large",
    "/truncated": "truncated",
    "/truncated-chunks": "truncated",
    "/bad-gzip": "bad-encoding",
    "/half-headers": "truncated",
    "/bad-chunks": "bad-response",
    "/loud-bomb": "bomb",
    "/short-answer": "",  # it leads elsewhere, though its body is cut
    "/reset-in-body": "connection-reset",
    "/reset": "connection-reset",
    "/empty-reply": "empty-reply",
    "/garbage": "bad-response",
    "/nul-header": "bad-header",
    "/bare-cr": "bad-header",
    "/two-lengths": "bad-response",
    "/redirect-loop": "",  # all of it has been seen
    "/redirect-chain": "redirect-loop",
    "/redirect-endless": "redirect-loop",
    "/redirect-nowhere": "bad-redirect",
    "/redirect-split": "http-404",
    **{f"/redirect-to/{word}": "bad-redirect" for word in NO_WEB},
    **{f"/redirect-to/{word}": "private-address" for word in GUARDED},
    "/retry-after/seconds": "http-429",  # there are no retries here
    "/robots-plain": "png robots",
    "/robots-huge": "png robots",
    "/robots-many": "png robots",
    "/robots-error": "robots-unreachable",
    "/robots-slow": "robots-unreachable",
    "/robots-loop": "png",
    "/robots-away": "robots-unreachable",
    "/robots-binary": "png",
    "/robots-flipping": "png",
    "/sitemap-entities": "",
    "/sitemap-external": "",
    "/sitemap-loop": "",
    "/sitemap-nested": "",
    "/sitemap-entries": "",
    "/sitemap-deep": "",
    "/sitemap-bomb": "",
    "/sitemap-lines": "",
    "/cuts/png": "not-an-image truncated",
    "/cuts/gif": "not-an-image truncated",
    "/trap-calendar": "png",
    "/trap-sessions": "png",
    "/trap-facets": "png",
    "/trap-path-loop": "png",
    "/trap-deep": "png",
    "/trap-pages": "png",
    "/trap-links": "png",
}
#: Behaves well, or is shown by another; and two whose host is given up a minute later.
ELSEWHERE = frozenset({
    "bytes", "later", "flow", "echo", "chunked", "until-close", "interim", "status", "redirect",
    "coded", "coded-oddly", "coded-twice", "bomb", "truncated-gzip",
    "image", "images", "cut", "secret", "redirect-to", "closes-reused",
    "huge-bomb", "retry-after", "cuts", "trap-words", "robots-silent", "tls-stall",
})  # fmt: skip
#: page.jpg is read as the page that it is.
IMAGES = {
    "whole.png": "png", "jpeg.png": "jpeg", "archive.jpg": "jpeg", "bad-exif.jpg": "jpeg",
    "page-in-comment.png": "png", "script.gif": "corrupt",
    "text.jpg": "not-an-image", "empty.png": "empty", "bomb.svg": "type-not-wanted",
    "frames.gif": "corrupt",  # more blocks than are counted at all
    "frames.png": "truncated",  # it says 100,000 and has one
    "bomb.png": "too-many-pixels", "bomb.jpg": "too-many-pixels", "bomb.gif": "too-many-pixels",
    "bomb.webp": "too-many-pixels", "bomb.bmp": "too-many-pixels", "bomb.tif": "too-many-pixels",
    "bomb.ico": "too-many-pixels", "bomb.avif": "too-many-pixels",
}  # fmt: skip


def test_no_resource_is_left_out() -> None:
    named = {path.split("/")[1] for path in EXPECTED} | ELSEWHERE
    assert named == set(RESOURCES)
    redirects = {*ONE_ADDRESS, *(path for path in EXPECTED if path.startswith("/redirect-to/"))}
    assert redirects == {f"/redirect-to/{word}" for word in FORBIDDEN}


@pytest.mark.slow
def test_every_resource_ends_by_its_reason_and_none_stops_the_others(site, tmp_path):
    came = crawl(site, tmp_path, [*EXPECTED, *ONE_ADDRESS, "/images"], SHORT + "retries = 0")

    # How many pages of a trap wait when it is recognised is a matter of chance.
    got = {path: " ".join(sorted(came.found[path].keys() - {"trap"})) for path in EXPECTED}
    assert got == EXPECTED
    assert Counter(word for path in ONE_ADDRESS for word in came.found[path]) == {
        "private-address": 1
    }
    assert came.report["state"] == "ended"
    assert came.report["workers_died"] == 0
    assert came.peaks.highest_mib < MOST_MIB
    late = {path: stay for path, stay in site.stays_s.items() if stay > TIMEOUT_S + SLACK_S}
    assert late == {}
    # What a redirect to this machine would have brought was never asked for.
    assert [one.path for one in site.arrivals if one.path == "/secret"] == []
    assert _images_of(site, came) == IMAGES
    _assert_traps_are_told(site, came)


def _images_of(site: Site, came: Came) -> dict[str, str]:
    shown = {death.url: death.reason for death in came.results.deaths}
    shown |= {record.final_url: record.type for record in came.results.records}
    return {
        url.rpartition("/")[2]: word for url, word in shown.items() if _home(site, url) == "/images"
    }


def _assert_traps_are_told(site: Site, came: Came) -> None:
    traps = came.report["traps"]
    assert {"path-repeats", "path-segments", "near-duplicates", "depth", "sitemap-depth",
            "sitemap-urls", "page-links"} == set(traps)  # fmt: skip
    for kind, trap in traps.items():
        assert trap["links"] > 0
        assert trap["example"].startswith("http://127.66."), kind
        assert any(trap["example"] in note for note in came.report["notes"])
    asked = Counter(site.homes[one.host] for one in site.arrivals)
    assert {path: n for path, n in asked.items() if n > 3_000} == {}
    for path in (path for path in EXPECTED if path.startswith("/trap-")):
        assert came.found[path]["png"] == 1


def test_a_host_that_names_ever_new_pages_ends_by_its_budget(site, tmp_path):
    config = SHORT + "max_host_urls = 60"
    came = crawl(site, tmp_path, ["/trap-words", "/robots-plain"], config)

    assert came.report["traps"]["host-urls"]["links"] > 0
    example = came.report["traps"]["host-urls"]["example"]
    assert example in bird("status", tmp_path / "crawl").out
    assert "trap-at" not in bird("status", tmp_path / "crawl").out
    bird("report", tmp_path / "crawl", "-o", tmp_path / "report.html")
    assert example in (tmp_path / "report.html").read_text()
    assert len(site.arrivals) < 60 + 20  # robots.txt and the like, and the other host's
    assert {path: set(came.found[path]) for path in ("/trap-words", "/robots-plain")} == {
        "/trap-words": {"png"},
        "/robots-plain": {"png", "robots"},
    }


def test_retry_after_is_obeyed_within_its_cap_and_holds_nobody_else(site, tmp_path):
    words = ("seconds", "date", "negative", "past", "garbage", "decade", "endless")
    paths = [f"/retry-after/{word}" for word in words]
    patient, endless = paths[:5], paths[5:]
    came = crawl(
        site, tmp_path, paths, SHORT,
        until=lambda: all(len(_moments(site, path)) == 2 for path in patient),
    )  # fmt: skip

    rows = {site.homes[host]: row for host, row in came.rows.items() if host in site.homes}
    for path in endless:
        assert 3_000 < rows[path].hold_s <= 3_600
        assert len(_moments(site, path)) == 1
    for path in (paths[0], paths[1]):
        first, second = _moments(site, path)
        assert second - first >= 1.0  # a date has no fractions


def _moments(site: Site, path: str) -> list[float]:
    return [one.at_s for one in site.arrivals if one.path == path]
