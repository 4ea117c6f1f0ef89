"""A server of named queues."""

import threading
from pathlib import Path
from typing import Self

from bowerbird.clock import Clock, SystemClock
from bowerbird.queues.address import Address, parse_address
from bowerbird.queues.door import Door
from bowerbird.queues.limits import Limits
from bowerbird.queues.named.desk import Desk
from bowerbird.queues.named.keys import key_of
from bowerbird.queues.named.places import FilePlace, MemoryPlace, Place
from bowerbird.queues.named.service import QueueService
from bowerbird.queues.server import Server
from bowerbird.queues.tls import ServerTls


class QueueServer:
    """Named queues for other processes, in two threads, whatever the clients do.

    With a folder, queues are kept there unless their client wishes them in memory: what was
    answered survives the death of any process, with `durable` a power cut too.
    """

    def __init__(
        self,
        address: str | Address,
        authkey: bytes | str,
        folder: Path | str | None = None,
        *,
        tls: ServerTls | None = None,
        durable: bool = False,
        limits: Limits | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`address`: tcp://host:port (port 0: any free one), tls://host:port or unix:///path.

        Raises:
            UsageError: the address is none.
        """
        found = parse_address(address) if isinstance(address, str) else address
        self._door = Door(found, key_of(authkey), tls)
        self._folder = None if folder is None else Path(folder)
        self._durable, self._limits = durable, limits
        self._clock = clock or SystemClock()
        self._server: Server | None = None
        self._service: QueueService
        self._places: list[Place] = []
        self._over = threading.Event()

    def __repr__(self) -> str:
        return f"<QueueServer {self.address}>"

    @property
    def address(self) -> Address:
        """Where it listens; once started with the port that was found."""
        return self._server.addresses[0] if self._server else self._door.address

    def start(self) -> Self:
        """Open the folder and listen.

        Raises:
            UsageError: the address is in use, or the folder; FolderError and its kinds say how.
            StorageFullError: the disk is full or refuses writes.
        """
        server = Server([self._door], self._limits)
        self._places.append(MemoryPlace(self._clock))
        if self._folder is not None:
            self._places.append(FilePlace(self._folder, self._clock, durable=self._durable))
        try:
            memory, *file = map(Desk, self._places)
            self._service = QueueService(server, memory, file[0] if file else None, self._clock)
            self._service.start()
        except BaseException:
            self._close_places()
            raise
        self._server = server
        return self

    def serve_forever(self) -> None:
        """Start, and return when another thread calls `close`, or at Ctrl-C."""
        if self._server is None:
            self.start()
        try:
            self._over.wait()
        except KeyboardInterrupt:
            self.close()

    def close(self) -> None:
        """Answer what was asked, then end all connections. Idempotent."""
        server, self._server = self._server, None
        if server is not None:
            self._door = server.doors[0]
            self._service.stop()
            self._close_places()
        self._over.set()

    def _close_places(self) -> None:
        for place in self._places:
            place.close()
        self._places.clear()

    def __enter__(self) -> Self:
        return self.start() if self._server is None else self

    def __exit__(self, *_: object) -> None:
        self.close()
