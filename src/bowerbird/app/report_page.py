"""A crawl as one HTML file to send to someone: numbers, charts and a sample of its images.

It asks for nothing from anywhere. Whatever comes from the web is text, escaped by the template;
should that ever fail, its Content-Security-Policy lets nothing run.
"""

import base64
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import msgspec
from jinja2.filters import do_filesizeformat as shown_bytes

from bowerbird._version import __version__
from bowerbird.app.access import Access
from bowerbird.app.browsing import Browser, browser_of
from bowerbird.app.gallery import Gallery
from bowerbird.app.job import stored_job
from bowerbird.app.visit import Say, Visit, visit
from bowerbird.catalog.gallery import Item, Query
from bowerbird.catalog.gallery.summary import Summary
from bowerbird.catalog.gallery.words import name_of
from bowerbird.manager.export import output
from bowerbird.manager.progress import ended, failures, left_out
from bowerbird.model import Stats, traps_of
from bowerbird.words import many

#: Addresses to start from that are named.
STARTS = 5
#: Reasons of failure that are named, and examples of each.
REASONS, EXAMPLES = 20, 3
#: Longest text from the web that is shown, in characters.
LONGEST = 300
#: Width and height of the chart over time, in its own units.
WIDE, HIGH, BASE = 960, 140, 160

Facts = Mapping[str, Any]


class Told(msgspec.Struct, frozen=True):
    """What the report has to say, for the line on the terminal."""

    images: int
    shown: int
    bytes: int  #: of the file


def make_report(
    where: str, access: Access | None, out: Path, sample: int, folders: Sequence[Path] = (),
    say: Say = lambda _: None,
) -> Told:  # fmt: skip
    """Write the report of a crawl, with a sample of so many images. `say`: told what it lacks.

    Raises what `visit` raises, and UsageError where the file cannot be written.
    """
    with visit(where, access) as crawl, output(out) as stream:
        crawl.take_results(say)
        gallery = Gallery(lambda function: function(crawl), folders)
        try:
            gallery.all_taken()
            facts = {**_crawl_facts(crawl), **_image_facts(gallery, sample)}
            facts["cards"] = _cards(facts["stats"], facts["summary"])
        finally:
            gallery.close()
        page = _template().render(facts).encode("utf-8", "replace")
        stream.write(page)
    return Told(facts["summary"].images, len(facts["photos"]), len(page))


def _template() -> jinja2.Template:
    text = files("bowerbird.app").joinpath("report.html").read_text("utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return environment.from_string(text)


# The crawl.


def _crawl_facts(crawl: Visit) -> Facts:
    stats = crawl.frontier.stats()
    stored = None if crawl.afar else stored_job(crawl.folder)
    starts = stored.start_urls if stored else ()
    return {
        "title": f"Images of {cut(_host(starts[0]))}" if starts else "Images",
        "state": _state(crawl, stats),
        "starts": [cut(url) for url in starts[:STARTS]],
        "more_starts": f"{len(starts) - STARTS:,}" if len(starts) > STARTS else "",
        "stats": stats,
        "failures": list(_failures(stats, browser_of(crawl))),
        "version": __version__,
        "made": day(datetime.now(UTC).timestamp()),
    }


def _cards(stats: Stats, summary: Summary) -> list[Facts]:
    failed = sum(failures(stats).values())
    counts = (
        (f"{summary.images:,}", "images", False),
        (shown_bytes(summary.bytes), "of pictures", False),
        (f"{summary.hosts:,}", "hosts with images", False),
        (f"{stats.counters.get('pages', 0):,}", "pages read", False),
        (f"{ended(stats):,}", "tasks done", False),
        (f"{failed:,}", "failed", failed > 0),
        (f"{sum(left_out(stats).values()):,}", "left out", False),
    )
    return [{"value": value, "name": name, "bad": bad} for value, name, bad in counts]


def _host(url: str) -> str:
    return url.partition("//")[2].partition("/")[0] or url


def _state(crawl: Visit, stats: Stats) -> str:
    waiting = sum(stats.waiting.values()) + stats.leased
    if crawl.running:
        return f"Still at work: {many(waiting, 'task')} to do."
    return f"Not finished: {many(waiting, 'task')} to do." if waiting else "Finished."


def _failures(stats: Stats, browser: Browser) -> Iterator[Facts]:
    yield from _reasons(failures(stats), "", browser)
    yield from _reasons(left_out(stats), "left out: ", browser)
    for kind, trap in traps_of(stats.counters).items():
        yield {
            "reason": f"links left aside: {kind}", "count": f"{trap.links:,}",
            "examples": (cut(trap.example),),
        }  # fmt: skip


def _reasons(counts: dict[str, int], title: str, browser: Browser) -> Iterator[Facts]:
    for reason, count in sorted(counts.items(), key=lambda item: -item[1])[:REASONS]:
        deaths = browser.deaths(reason, EXAMPLES)
        examples = [cut(f"{one.url} ({one.detail})" if one.detail else one.url) for one in deaths]
        yield {"reason": f"{title}{cut(reason)}", "count": f"{count:,}", "examples": examples}


# The images.


def _image_facts(gallery: Gallery, sample: int) -> Facts:
    summary = gallery.index.summary()
    return {
        "summary": summary,
        "arrivals": _arrivals(summary),
        "charts": [
            _chart("Types", "bar", ((name.upper(), n) for name, n in summary.types.items())),
            _chart("Longer side, pixels", "bar2", summary.sides, ordered=True),
        ],
        "hosts_count": f"{summary.hosts:,}",
        "hosts": list(_hosts(summary)),
        "images_count": f"{summary.images:,}",
        "photos": list(_photos(gallery, sample)),
    }


def _arrivals(summary: Summary) -> Facts:
    most = max(summary.arrivals, default=1) or 1
    step = WIDE / max(len(summary.arrivals), 1)
    over_s = (summary.ended_at - summary.began_at) / max(len(summary.arrivals), 1)
    bars = [
        _bar(
            n * step, step - 3, count / most, f"{moment(summary.began_at + n * over_s)}: {count:,}"
        )
        for n, count in enumerate(summary.arrivals)
        if count
    ]
    first, last = moment(summary.began_at), moment(summary.ended_at)
    said = f"{many(summary.images, 'image')} between {first} and {last}"
    return {
        "bars": bars, "first": first, "last": last, "said": said, "most": f"{most:,} at most",
    }  # fmt: skip


def _bar(x: float, width: float, part: float, title: str) -> Facts:
    tall = max(round(part * HIGH, 2), 1.0)
    return {
        "x": round(x, 2), "y": round(BASE - tall, 2), "width": round(width, 2), "height": tall,
        "title": title,
    }  # fmt: skip


def _chart(
    title: str, color: str, counts: Iterable[tuple[str, int]], *, ordered: bool = False
) -> Facts:
    rows = list(counts)
    if not ordered:
        rows.sort(key=lambda row: -row[1])
    most = max((n for _, n in rows), default=1) or 1
    shown = [{"name": name, "value": f"{n:,}", "share": _share(n, most)} for name, n in rows]
    return {"title": title, "color": color, "rows": shown}


def _share(count: int, most: int) -> float:
    return round(count / most * 100, 1)


def _hosts(summary: Summary) -> Iterator[Facts]:
    most = max((one.images for one in summary.largest), default=1)
    for one in summary.largest:
        yield {
            "name": cut(one.name) or "inside pages", "value": f"{one.images:,}",
            "size": shown_bytes(one.bytes), "share": _share(one.images, most),
        }  # fmt: skip


def _photos(gallery: Gallery, sample: int) -> Iterator[Facts]:
    """Images spread evenly over the crawl, as far as they are on this machine."""
    view = gallery.view(Query())
    step = max(len(view) / sample, 1.0) if sample else math.inf
    places = (int(n * step) for n in range(sample) if n * step < len(view))
    for item in gallery.items([int(view.ids[place]) for place in places]):
        if body := gallery.thumbnail(item).body:
            yield _photo(item, body)


def _photo(item: Item, body: bytes) -> Facts:
    name = cut(name_of(item.url) or item.url)
    return {
        "data": base64.b64encode(body).decode(), "name": name, "url": cut(item.url),
        "alt": cut(item.alt.partition("\n")[0]) or name,
    }  # fmt: skip


# For people.


def cut(text: str) -> str:
    """A text of strangers, at bearable length and without what moves other text about."""
    plain = "".join(one if one.isprintable() else " " for one in text[: LONGEST + 1])
    return plain if len(plain) <= LONGEST else plain[:LONGEST] + "…"


def moment(seconds: float) -> str:
    """A time, to the minute."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def day(seconds: float) -> str:
    """A day."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
