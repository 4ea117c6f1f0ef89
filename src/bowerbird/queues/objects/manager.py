"""`QueueManager`: to be used as the standard library's `BaseManager`, and safer."""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from bowerbird.clock import SystemClock
from bowerbird.errors import UsageError
from bowerbird.queues.address import Address, TcpAddress, TlsAddress, UnixAddress, parse_address
from bowerbird.queues.door import Door
from bowerbird.queues.named.keys import key_of
from bowerbird.queues.objects.proxies import Local, QueueProxy, Whereabouts
from bowerbird.queues.objects.registry import Registered, Shown, shown
from bowerbird.queues.objects.service import ObjectService
from bowerbird.queues.oldstyle.client import TIMEOUT_S, PlainManager
from bowerbird.queues.server import Server
from bowerbird.queues.tls import ClientTls, ServerTls

_log = logging.getLogger(__name__)

#: A place as people give it: (host, port), or a path, or a text such as tcp://host:port.
Place = tuple[str, int] | str | Address
#: Hosts that stand for all addresses of a machine; a client on the same machine means itself.
_ALL_HOSTS = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_LOOPBACK = ("127.", "localhost", "::1")


class QueueManager:
    """Queues, and other objects of a process, on the network.

    Register names on a subclass or on this class, `start()` in one process, `connect()` in others.
    The differences to `BaseManager`: objects are served by threads of the process that starts the
    manager, so lambdas will do under every start method; there is one object for each name; only
    plain values travel and nothing is unpickled that names a class; a client that dies while it
    waits has taken nothing; nobody can shut the manager down from afar. Clients and managers of the
    standard library, of any Python, can be at the other end.
    """

    _registry: ClassVar[dict[str, Registered]] = {}

    def __init__(
        self,
        address: Place | None = None,
        authkey: bytes | str | None = None,
        *,
        tls: ServerTls | ClientTls | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """`address` None: a free port of this machine. `authkey` None: that of this process and
        its children. `tls`: for a `tls://` address, as the manager serves or is connected to.

        Raises:
            UsageError: the address is none, or the key is empty.
        """
        self._address = _parsed(address)
        self._authkey = key_of(_own_key() if authkey is None else authkey)
        self._tls, self._timeout_s = tls, timeout_s
        self._service: ObjectService | None = None
        self._objects: dict[str, Shown] = {}
        self._connected = False
        self._pid = 0
        self._over = threading.Event()

    @classmethod
    def register(
        cls,
        typeid: str,
        callable: Callable[[], Any] | None = None,
        *,
        exposed: Sequence[str] | None = None,
    ) -> None:
        """Give a name to an object, for this class and those derived from it later.

        Args:
            typeid: the name; managers have a method of this name that gives a `QueueProxy`.
            callable: makes the object, once, when the manager starts. Left out where managers of
                the class only connect.
            exposed: methods that may be called. Left out, those of a `queue.Queue` for what is
                like one, else all public ones.

        Raises:
            UsageError: the name is none, or is a method's already.
        """
        if not typeid.isidentifier() or typeid.startswith("_"):
            raise UsageError(f"{typeid!r} cannot be the name of a method.")
        if hasattr(QueueManager, typeid) and typeid not in QueueManager._registry:
            raise UsageError(f"A QueueManager has a {typeid!r} already; choose another name.")
        if "_registry" not in cls.__dict__:
            cls._registry = dict(cls._registry)
        cls._registry[typeid] = Registered(callable, tuple(exposed) if exposed else None)

        def object_of(self: QueueManager) -> QueueProxy:
            return self._proxy(typeid)

        object_of.__name__ = typeid
        object_of.__doc__ = f"What is registered as {typeid!r}."
        setattr(cls, typeid, object_of)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Callable[[], QueueProxy]:
            """The methods that `register` makes."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._address}>"

    @property
    def address(self) -> tuple[str, int] | str:
        """(host, port), or the path of a Unix socket; once started with the port that was found."""
        place = self._address
        return place.path if isinstance(place, UnixAddress) else (place.host, place.port)

    # The manager's process.

    def start(
        self, initializer: Callable[..., object] | None = None, initargs: Sequence[Any] = ()
    ) -> None:
        """Make the objects and serve them from threads of this process.

        Raises:
            UsageError: the address is in use, or it is started or connected already.
        """
        if self._service is not None or self._connected:
            raise UsageError(f"{self!r} has been started or connected already.")
        if initializer is not None:
            initializer(*initargs)
        made = [shown(*pair) for pair in self._registry.items() if pair[1].make is not None]
        server = Server([Door(self._address, self._authkey, self._server_tls())])
        service = ObjectService(server, made, SystemClock())
        service.start()
        self._address = server.addresses[0]
        self._warn()
        self._objects = {one.typeid: one for one in made}
        self._service, self._pid = service, os.getpid()

    def get_server(self) -> Self:
        """For `get_server().serve_forever()`."""
        return self

    def serve_forever(self) -> None:
        """Start, and return after `shutdown` by another thread, or at Ctrl-C."""
        if self._service is None:
            self.start()
        try:
            self._over.wait()
        except KeyboardInterrupt:
            self.shutdown()

    def shutdown(self) -> None:
        """End all connections and stop serving. Idempotent; a forked child ends nothing."""
        service, self._service = self._service, None
        if service is not None and self._pid == os.getpid():
            service.stop()
        self._objects = {}
        self._over.set()

    def join(self, timeout: float | None = None) -> None:
        """Wait until `shutdown`, for `timeout` seconds at most."""
        self._over.wait(timeout)

    def __enter__(self) -> Self:
        if self._service is None and not self._connected:
            self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    # Other processes.

    def connect(self) -> None:
        """See that a manager answers at the address, and that the keys are the same.

        Raises:
            ConnectionLostError: nothing answers there.
            AuthenticationError: the keys differ.
            ProtocolError: something else listens there.
        """
        if self._service is not None:
            raise UsageError(f"{self!r} has been started; others connect to it.")
        with PlainManager(*self._whereabouts()[:2], self._timeout_s, self._client_tls()) as manager:
            manager.open()
        self._connected = True

    def _proxy(self, typeid: str) -> QueueProxy:
        if self._service is None and not self._connected:
            raise UsageError(f"{self!r} is neither started nor connected.")
        made = self._objects.get(typeid)
        if made is None or self._service is None:
            return QueueProxy(typeid, self._whereabouts()).open()
        return QueueProxy(
            typeid, self._whereabouts(), Local(made, self._service.nudge, self._pid)
        ).open()

    def _whereabouts(self) -> Whereabouts:
        place = self._address
        if not isinstance(place, UnixAddress) and place.host in _ALL_HOSTS:
            place = type(place)(_ALL_HOSTS[place.host], place.port)
        return Whereabouts(place, self._authkey, self._client_tls())

    def _server_tls(self) -> ServerTls | None:
        return self._tls if isinstance(self._tls, ServerTls) else None

    def _client_tls(self) -> ClientTls | None:
        return self._tls if isinstance(self._tls, ClientTls) else None

    def _warn(self) -> None:
        place = self._address
        if isinstance(place, TcpAddress) and not place.host.startswith(_LOOPBACK):
            _log.warning(
                "%s is open to the network without encryption: whoever can listen in on it reads "
                "along. Serve tls:// or stay on 127.0.0.1 where that matters.",
                place,
                extra={"action": "listen"},
            )


def _own_key() -> bytes:
    from multiprocessing.process import current_process

    return bytes(current_process().authkey)


def _parsed(address: Place | None) -> Address:
    if address is None:
        return TcpAddress("127.0.0.1", 0)
    if isinstance(address, UnixAddress | TcpAddress | TlsAddress):
        return address
    if isinstance(address, str):
        return UnixAddress(address) if address.startswith("/") else parse_address(address)
    try:
        host, port = address
        return TcpAddress(str(host) or "0.0.0.0", int(port))
    except (TypeError, ValueError):
        raise UsageError(f"{address!r} is no address; give (host, port).") from None
