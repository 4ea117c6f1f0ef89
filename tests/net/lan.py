"""Several hosts on one machine: network namespaces, each with a cable to one switch.

    with local_network() as lan:
        manager, worker = lan.host("manager"), lan.host("worker")
        manager.popen(["bowerbird", ...])
        worker.unplug(); worker.plug()

The switch is a bridge in a namespace of its own, so nothing shows in the machine's own network and
`ip netns delete` removes all of it. Needs root, iproute2 and iptables.
"""

import ctypes
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

#: All namespaces of these tests; then the process id of the test and some random letters.
PREFIX = "bowerbird-"
#: The hosts' network. What lies in its upper half is delivered to who calls `take_all`.
SUBNET = "10.77"
UPPER_HALF = f"{SUBNET}.128.0/17"

_CLONE_NEWNET = 0x40000000  # <sched.h>
_CONF = Path("/etc/netns")  # `ip netns exec` lays what is here over /etc
_libc = ctypes.CDLL(None, use_errno=True)


class UnableError(Exception):
    """This machine gives no network namespaces; the text says why."""


class Host:
    """A machine of its own as far as its network goes; its disk is everyone's."""

    def __init__(self, name: str, namespace: str, number: int, switch: str) -> None:
        self.name = name
        self.address = f"{SUBNET}.0.{number}"
        self._namespace = namespace
        self._switch, self._port = switch, f"port{number}"

    def __repr__(self) -> str:
        return f"<Host {self.name} {self.address}>"

    # Programs.

    def command(self, words: Sequence[object]) -> list[str]:
        """A command line that runs another one here."""
        return ["ip", "netns", "exec", self._namespace, *map(str, words)]

    def popen(self, words: Sequence[object], **more: Any) -> subprocess.Popen[Any]:
        """Start a program here; its process is the very child, nothing in between."""
        return subprocess.Popen(self.command(words), **more)

    def pids(self) -> list[int]:
        """What runs there now."""
        return _pids(self._namespace)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """What this thread and its new threads connect inside the block is of this host."""
        with _namespace_file("/proc/thread-self/ns/net") as home:
            with _namespace_file(f"/run/netns/{self._namespace}") as here:
                _set_namespace(here)
            try:
                yield
            finally:
                _set_namespace(home)

    # Faults.

    def unplug(self) -> None:
        """Pull the cable."""
        _ip("-n", self._switch, "link", "set", self._port, "down")

    def plug(self) -> None:
        """Put it in again."""
        _ip("-n", self._switch, "link", "set", self._port, "up")

    def deafen(self) -> None:
        """Let nothing come in; what it sends arrives."""
        self._iptables("-A", "INPUT", "!", "-i", "lo", "-j", "DROP")

    def mute(self) -> None:
        """Let nothing go out; what is sent to it arrives."""
        self._iptables("-A", "OUTPUT", "!", "-o", "lo", "-j", "DROP")

    def lose(self, share: float) -> None:
        """Lose this share of what comes in, at random."""
        chance = ["-m", "statistic", "--mode", "random", "--probability", str(share)]
        self._iptables("-A", "INPUT", "!", "-i", "lo", *chance, "-j", "DROP")

    def heal(self) -> None:
        """Plugged in, hearing and speaking."""
        self.plug()
        self._iptables("-F")

    def reset_connections(self, port: int) -> None:
        """End every connection to a port of others, and to one of its own, with a RST."""
        for end in ("dport", "sport"):
            self._run(["ss", "-K", "-t", "-H", end, "=", f":{port}"])

    # Addresses.

    def take_all(self) -> None:
        """Be the host of every address in `UPPER_HALF` too."""
        self._run(["ip", "route", "add", "local", UPPER_HALF, "dev", "lo"])

    def _iptables(self, *words: str) -> None:
        self._run(["iptables", "-w", *words])

    def _run(self, words: Sequence[object]) -> str:
        return _said(self.command(words))


class Lan:
    """A switch and the hosts at it."""

    def __init__(self) -> None:
        self._prefix = f"{PREFIX}{os.getpid()}-{secrets.token_hex(2)}-"
        self._switch = f"{self._prefix}switch"
        self._hosts: list[Host] = []

    def open(self) -> None:
        """Make the switch.

        Raises:
            UnableError: this machine does not let us.
        """
        if os.geteuid() != 0:
            raise UnableError("network namespaces need root")
        try:
            _ip("netns", "add", self._switch)
            _ip("-n", self._switch, "link", "add", "bridge", "type", "bridge")
            _ip("-n", self._switch, "link", "set", "bridge", "up")
        except subprocess.CalledProcessError as error:
            self.close()
            raise UnableError(f"no network namespaces here: {error.stderr.strip()}") from None

    def host(self, name: str, names: Mapping[str, str] | None = None) -> Host:
        """A new host; `names` are those it can resolve, name -> address."""
        number = len(self._hosts) + 1
        host = Host(name, f"{self._prefix}{name}", number, self._switch)
        self._hosts.append(host)
        self._wire(host._namespace, host._port, host.address)
        _write_hosts(host._namespace, names or {})
        return host

    def heal(self) -> None:
        """No fault is left on any cable."""
        for host in self._hosts:
            host.heal()

    def close(self) -> None:
        """Remove all of it, and kill whatever still runs there."""
        _remove(self._prefix)

    def _wire(self, namespace: str, port: str, address: str) -> None:
        _ip("netns", "add", namespace)
        ends = ["link", "add", port, "netns", self._switch, "type", "veth"]
        _ip(*ends, "peer", "name", "eth0", "netns", namespace)
        _ip("-n", self._switch, "link", "set", port, "master", "bridge", "up")
        _ip("-n", namespace, "addr", "add", f"{address}/16", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", namespace, "link", "set", device, "up")


@contextmanager
def local_network() -> Iterator[Lan]:
    """A network of one's own until the block ends.

    Raises:
        UnableError: this machine does not let us.
    """
    _remove_remains()
    lan = Lan()
    lan.open()
    try:
        yield lan
    finally:
        lan.close()


def _write_hosts(namespace: str, names: Mapping[str, str]) -> None:
    folder = _CONF / namespace
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{address} {name}\n" for name, address in names.items()]
    (folder / "hosts").write_text("127.0.0.1 localhost\n" + "".join(lines))
    (folder / "resolv.conf").write_text("")  # no name server: what is not listed does not resolve


def _remove_remains() -> None:
    """Of tests that were killed before they could clean up."""
    for namespace in _namespaces(PREFIX):
        pid = namespace.removeprefix(PREFIX).partition("-")[0]
        if not Path(f"/proc/{pid}").exists():
            _remove(namespace)


def _remove(prefix: str) -> None:
    for namespace in _namespaces(prefix):
        for pid in _pids(namespace):
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
        subprocess.run(["ip", "netns", "delete", namespace], check=False)
        shutil.rmtree(_CONF / namespace, ignore_errors=True)


def _pids(namespace: str) -> list[int]:
    return [int(pid) for pid in _said(["ip", "netns", "pids", namespace]).split()]


def _namespaces(prefix: str) -> list[str]:
    folder = Path("/run/netns")
    return sorted(one.name for one in folder.glob(f"{prefix}*")) if folder.exists() else []


@contextmanager
def _namespace_file(path: str) -> Iterator[IO[bytes]]:
    with Path(path).open("rb") as file:
        yield file


def _set_namespace(file: IO[bytes]) -> None:
    if _libc.setns(file.fileno(), _CLONE_NEWNET):
        error = ctypes.get_errno()
        raise OSError(error, f"setns: {os.strerror(error)}")


def _ip(*words: str) -> None:
    _said(["ip", *words])


def _said(words: Sequence[str]) -> str:
    """Raises CalledProcessError with what the program said."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout
