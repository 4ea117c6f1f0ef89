"""Type-checked by `make check`, never run: what users write against the public face."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import assert_type

import bowerbird


def crawling() -> None:
    """Reports."""
    report = bowerbird.crawl("https://example.org/", out="images", per_host=8)
    assert_type(report, bowerbird.Report)
    assert_type(report.images, int)
    assert_type(report.failures, dict[str, int])
    assert_type(bowerbird.download(["https://example.org/a.png"], out="a"), bowerbird.Report)
    assert_type(bowerbird.download(Path("list.txt"), out=Path("b")), bowerbird.Report)


def watching() -> None:
    """Records."""
    records: Iterator[bowerbird.Record] = bowerbird.watch("https://example.org/", out="images")
    for record in records:
        assert_type(record.url, str)
        assert_type(record.width, int)


async def awaiting() -> None:
    """Records, for asyncio."""
    records: AsyncIterator[bowerbird.Record] = bowerbird.awatch("https://example.org/", out="i")
    async for record in records:
        assert_type(record, bowerbird.Record)
    await bowerbird.awatch("https://example.org/", out="i").aclose()
    try:
        await anext(records)
    except bowerbird.BowerbirdError:
        assert_type(bowerbird.__version__, str)
