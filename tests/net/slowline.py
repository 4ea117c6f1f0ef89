"""A TCP proxy that behaves as a bad line does: far away, narrow, silent, half dead, cut.

The kernels of test machines lack netem, so what `tc` would do to packets is done to streams here.
It runs on a thread of the test's process; faults are set while connections run.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

#: Bytes taken from one side at once; also the grain of the bandwidth.
CHUNK = 16 << 10
#: How often a dead direction looks whether it is alive again, in seconds.
LOOK_EVERY_S = 0.01
#: Bytes on their way in one direction; whoever sends more has to wait, as on a real line.
IN_FLIGHT = 256 << 10


Pair = tuple[socket.socket, socket.socket]  # of the client, of the server


@dataclass
class Line:
    """How the line is at the moment."""

    latency_s: float = 0.0  #: for each direction
    bytes_per_s: float = 0.0  #: of each connection and direction; 0: no bound
    dead: frozenset[str] = frozenset()  #: directions, "up" or "down", that carry nothing for now


class SlowLine:
    """A port that leads to another one over a line of ours."""

    def __init__(self, target: tuple[str, int], line: Line) -> None:
        self.line = line
        self.address: tuple[str, int]
        self.accepted = 0  #: connections since the start
        self._target = target
        self._pairs: dict[Pair, asyncio.Task[None]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def open(self) -> int:
        """Connections now."""
        return len(self._pairs)

    def half_close(self) -> None:
        """Tell each client that nothing more will come, and go on taking what it says."""
        self._each(lambda pair, _: pair[0].shutdown(socket.SHUT_WR))

    def reset(self) -> None:
        """End every connection with a RST on both sides."""
        self._each(_reset)

    def _each(self, act: Callable[[Pair, "asyncio.Task[None]"], object]) -> None:
        async def do() -> None:
            for pair, task in tuple(self._pairs.items()):
                with suppress(OSError):
                    act(pair, task)

        self._run(do())

    # The life of the proxy.

    def start(self, host: str) -> None:
        """Listen; what the calling thread's namespace reaches is reached, there and back."""
        listener = socket.create_server((host, 0), backlog=1_024)
        listener.setblocking(False)
        self.address = listener.getsockname()
        self._thread.start()
        self._run(self._begin(listener))

    def stop(self) -> None:
        """End everything."""
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _begin(self, listener: socket.socket) -> None:
        self._accepting = self._loop.create_task(self._accept(listener))

    async def _end(self) -> None:
        tasks = asyncio.all_tasks(self._loop) - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, listener: socket.socket) -> None:
        with listener:
            async with asyncio.TaskGroup() as carried:
                while True:
                    client, _ = await self._loop.sock_accept(listener)
                    self.accepted += 1
                    task = carried.create_task(self._carry(client))
                    # Cancelled before it began, it would keep its socket open.
                    task.add_done_callback(lambda _, client=client: client.close())

    async def _carry(self, client: socket.socket) -> None:
        with client, socket.socket() as server:
            server.setblocking(False)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with suppress(OSError):
                await asyncio.sleep(self.line.latency_s)
                await self._loop.sock_connect(server, self._target)
                await self._both_ways((client, server))

    async def _both_ways(self, pair: Pair) -> None:
        task = asyncio.current_task()
        assert task
        self._pairs[pair] = task
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._way(*pair, "up"))
                ways.create_task(self._way(*reversed(pair), "down"))
        except* OSError:
            pass  # one side has reset it, so both end
        finally:
            del self._pairs[pair]

    async def _way(self, source: socket.socket, sink: socket.socket, name: str) -> None:
        """Carry one direction: a reader that stamps, a writer that waits."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(IN_FLIGHT // CHUNK)
        async with asyncio.TaskGroup() as ends:
            ends.create_task(self._read(source, queue, name))
            ends.create_task(self._write(sink, queue))

    async def _read(self, source: socket.socket, queue: Any, name: str) -> None:
        while True:
            data = await self._loop.sock_recv(source, CHUNK)
            while name in self.line.dead:
                await asyncio.sleep(LOOK_EVERY_S)
            await queue.put((self._loop.time() + self.line.latency_s, data))
            await asyncio.sleep(self._spell_s(data))
            if not data:
                return

    async def _write(self, sink: socket.socket, queue: Any) -> None:
        while True:
            due_s, data = await queue.get()
            await asyncio.sleep(due_s - self._loop.time())
            if not data:
                sink.shutdown(socket.SHUT_WR)
                return
            await self._loop.sock_sendall(sink, data)

    def _spell_s(self, data: bytes) -> float:
        return len(data) / self.line.bytes_per_s if self.line.bytes_per_s else 0.0


@contextmanager
def slow_line(
    target: tuple[str, int], line: Line | None = None, host: str = "127.0.0.1"
) -> Iterator[SlowLine]:
    """A line to a target until the block ends; `.address` is where it begins."""
    proxy = SlowLine(target, line or Line())
    proxy.start(host)
    try:
        yield proxy
    finally:
        proxy.stop()


def _reset(pair: Pair, task: "asyncio.Task[None]") -> None:
    """Close both so that the kernel sends RSTs."""
    for end in pair:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    task.cancel()
