"""Type-checked by `make check`, never run: what users write against the public face."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import assert_type

import bowerbird
from bowerbird.queues import (
    AsyncItem,
    AsyncQueueClient,
    Item,
    NamedQueue,
    QueueClient,
    QueueManager,
    QueueProxy,
)


def crawling() -> None:
    """Reports."""
    report = bowerbird.crawl("https://example.org/", out="images", per_host=8)
    assert_type(report, bowerbird.Report)
    assert_type(report.images, int)
    assert_type(report.failures, dict[str, int])
    bowerbird.crawl("https://example.org/", out="images", listen="0.0.0.0:8001", workers=0)
    bowerbird.crawl("https://a.org/", out="i", listen=bowerbird.Listen(":0", authkey_file="k"))
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


def queueing(client: QueueClient) -> None:
    """Queues of one's own."""
    queue = client.queue("numbers", int, lease_s=5.0, attempts=3)
    assert_type(queue, NamedQueue[int])
    queue.put_many([1, 2])
    for item in queue:
        assert_type(item, Item[int])
        assert_type(item.ack(), int)
    with queue.get_many(64, wait_s=0) as batch:
        assert_type(batch.values, list[int])
        queue.get_many(64, done=[batch])
    assert_type(queue.dead()[0].value, int)


async def queueing_with_asyncio(client: AsyncQueueClient) -> None:
    """The same, awaited."""
    queue = await client.queue("texts", str)
    async with await queue.get() as item:
        assert_type(item, AsyncItem[str])
        assert_type(await item.renew(), int)
    async for one in queue.items(wait_s=0):
        assert_type(one.value, str)


def managing() -> None:
    """The tutorials' class."""
    QueueManager.register("get_task_queue", callable=lambda: None)
    manager = QueueManager(address=("", 8001), authkey=b"qiye")
    assert_type(manager.get_task_queue(), QueueProxy)
    assert_type(manager.get_task_queue().qsize(), int)
