"""The asyncio client of named queues; above all, what happens when calls are cancelled."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from queue import Empty, Full
from typing import Any

import msgspec
import pytest

from bowerbird.errors import AuthenticationError, ConnectionLostError, ProtocolError, UsageError
from bowerbird.queues import AsyncQueueClient, QueueServer, UnixAddress, new_socket_path

KEY = b"the key of these tests"
ANY_PORT = "tcp://127.0.0.1:0"


class Job(msgspec.Struct):
    url: str


@asynccontextmanager
async def connected(server: QueueServer) -> AsyncIterator[AsyncQueueClient]:
    async with AsyncQueueClient(server.address, KEY) as client:
        yield client


def run(body: Callable[[AsyncQueueClient], Coroutine[Any, Any, None]], **more: Any) -> None:
    async def main() -> None:
        async with asyncio.timeout(60.0), connected(server) as client:
            await body(client)

    with QueueServer(ANY_PORT, KEY, **more) as server:
        asyncio.run(main())


def test_the_words_are_those_of_the_blocking_client() -> None:
    async def body(client: AsyncQueueClient) -> None:
        queue = await client.queue("jobs", Job, attempts=2, retry_s=0.0, maxsize=4)
        await queue.put_many([Job("a"), Job("b"), Job("c")])
        async with await queue.get(0) as item:
            assert item.value == Job("a")
        with pytest.raises(ZeroDivisionError):
            async with await queue.get(0):
                raise ZeroDivisionError("b")
        batch = await queue.get_many(10, 0)
        assert [item.attempts for item in batch] == [2, 1]
        assert await batch[0].nack("again") == 1
        assert await batch.renew() == 1
        assert await queue.ack_many(batch) == 1
        (letter,) = await queue.dead()
        assert (letter.value, letter.why) == (Job("b"), "again")
        assert await queue.requeue() == 1
        seen = [item.value.url async for item in queue.items(wait_s=0)]
        assert seen == ["b"]
        with pytest.raises(Empty):
            await queue.get(0.01)
        with pytest.raises(Full):
            await queue.put_many([Job("x")] * 5, wait_s=0.01)
        assert (await client.queues())["jobs"].counts.waiting == 4
        with pytest.raises(UsageError):
            await queue.put(object())  # type: ignore[arg-type]

    run(body)


def test_more_calls_may_wait_than_one_connection_bears() -> None:
    async def body(client: AsyncQueueClient) -> None:
        queue = await client.queue("numbers")
        gets = [asyncio.create_task(queue.get()) for _ in range(200)]
        await asyncio.sleep(0)
        await queue.put_many(range(200))
        items = await asyncio.gather(*gets)
        assert sorted(item.value for item in items) == list(range(200))
        assert await queue.ack_many(items) == 200

    run(body)


@pytest.mark.parametrize("seed", range(3))
def test_cancelled_calls_lose_nothing_and_mix_up_nothing(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)

    async def work(client: AsyncQueueClient, name: str, done: list[str]) -> None:
        queue = await client.queue(name)
        while len(done) < 150:
            async with asyncio.timeout(dice.choice([0.0, 0.0005, 0.001, 0.003, 1.0])):
                item = await queue.get(0.5)
                assert item.value.startswith(f"{name}-"), "an answer to another's question"
                if await item.ack():
                    done.append(item.value)

    async def worker(client: AsyncQueueClient, name: str, done: list[str]) -> None:
        while len(done) < 150:
            with suppress(TimeoutError, Empty):
                await work(client, name, done)
            counts = await (await client.queue(name)).counts()
            if not counts.unfinished:
                return

    async def body(client: AsyncQueueClient) -> None:
        done: dict[str, list[str]] = {"a": [], "b": [], "c": []}
        for name in done:
            queue = await client.queue(name, lease_s=600.0, attempts=0)
            await queue.put_many(f"{name}-{n}" for n in range(150))
        names = [name for name in done for _ in range(4)]
        await asyncio.gather(*(worker(client, name, done[name]) for name in names))
        for name, values in done.items():
            queue = await client.queue(name)
            assert (await queue.counts()).unfinished == 0, "an item stayed with a cancelled call"
            assert len(set(values)) == len(values), "an item was finished twice"

    run(body, folder=tmp_path if seed else None)


def test_a_cancelled_get_gives_back_what_it_would_have_got() -> None:
    async def body(client: AsyncQueueClient) -> None:
        queue = await client.queue("jobs", lease_s=600.0)
        gets = [asyncio.create_task(queue.get()) for _ in range(5)]
        await asyncio.sleep(0.05)
        for get in gets:
            get.cancel()
        await queue.put("one")
        item = await queue.get(20.0)
        assert (item.value, item.attempts) == ("one", 1)

    run(body)


def test_a_loop_that_is_left_gives_back_what_it_did_not_do() -> None:
    async def body(client: AsyncQueueClient) -> None:
        queue = await client.queue("numbers")
        await queue.put_many(range(6))
        items = queue.items(ahead=3)
        async for item in items:
            if item.value == 1:
                break
        await items.aclose()
        found = [await queue.get(20.0) for _ in range(5)]
        assert sorted(one.value for one in found) == [1, 2, 3, 4, 5]

    run(body)


def test_a_server_that_comes_again_is_found_again(tmp_path: Path) -> None:
    server = QueueServer(UnixAddress(str(new_socket_path())), KEY, tmp_path).start()

    async def main() -> None:
        async with asyncio.timeout(60.0), connected(server) as client:
            queue = await client.queue("jobs")
            get = asyncio.create_task(queue.get(30.0))
            await asyncio.sleep(0.05)
            await asyncio.to_thread(server.close)
            await asyncio.to_thread(server.start)
            await queue.put("one")
            async with await get as item:
                assert item.value == "one"

    try:
        asyncio.run(main())
    finally:
        server.close()


def test_what_cannot_be_reached_is_told(tmp_path: Path) -> None:
    async def main(address: Any, key: bytes) -> None:
        async with AsyncQueueClient(address, key, timeout_s=5.0) as client:
            await client.queue("jobs")

    with QueueServer(ANY_PORT, KEY) as server:
        with pytest.raises(AuthenticationError, match="same one"):
            asyncio.run(main(server.address, b"guess"))
        port = str(server.address).rpartition(":")[2]
        with pytest.raises((ProtocolError, ConnectionLostError)):
            asyncio.run(main(f"tls://127.0.0.1:{port}", KEY))
    with pytest.raises(ConnectionLostError, match="Nothing answers"):
        asyncio.run(main(f"tcp://127.0.0.1:{port}", KEY))


def test_a_closed_client_ends_its_calls() -> None:
    async def body(client: AsyncQueueClient) -> None:
        queue = await client.queue("jobs")
        get = asyncio.create_task(queue.get())
        await asyncio.sleep(0.02)
        await client.close()
        with pytest.raises(ConnectionLostError):
            await get
        with pytest.raises(ConnectionLostError):
            await queue.put(1)

    run(body)
