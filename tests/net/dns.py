"""A DNS server that does to a name what its first label says; UDP and TCP (RFC 1035)."""

import ipaddress
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

A, AAAA = 1, 28
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
#: Larger answers over UDP are cut, with the bit that asks to come again over TCP.
_UDP_MOST = 512


@dataclass(frozen=True)
class Answer:
    """What a question gets: addresses of either kind, or an error; None: no answer at all."""

    addresses: tuple[str, ...] = ()
    code: int = NOERROR


#: (how often this name was asked for this type before) -> answer, None for none
Zone = Callable[[int], Answer | None]


def at(*addresses: str) -> Zone:
    """Always these."""
    return lambda _: Answer(addresses)


def turning(*answers: Answer) -> Zone:
    """One after the other, over and over."""
    return lambda times: answers[times % len(answers)]


@dataclass
class NameServer:
    """Answers on port 53 of an address, from threads, while the `with` block lasts."""

    zones: dict[str, Zone]
    address: str = "127.0.0.1"
    asked: Counter[tuple[str, int]] = field(default_factory=Counter)
    first_s: dict[str, float] = field(default_factory=dict)  #: name -> when it was first asked for

    def __enter__(self) -> "NameServer":
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((self.address, 53))
        self._tcp = socket.create_server((self.address, 53))
        self._lock = threading.Lock()
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._udp.close()
        self._tcp.close()

    def _serve_udp(self) -> None:
        while True:
            try:
                question, sender = self._udp.recvfrom(4_096)
            except OSError:
                return
            reply = self._reply(question)
            if reply is not None:
                self._udp.sendto(reply if len(reply) <= _UDP_MOST else _cut(reply), sender)

    def _serve_tcp(self) -> None:
        while True:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as heard:
                while size := heard.read(2):
                    reply = self._reply(heard.read(int.from_bytes(size)))
                    if reply is not None:
                        connection.sendall(len(reply).to_bytes(2) + reply)

    def _reply(self, question: bytes) -> bytes | None:
        name, kind, end = _read_question(question)
        with self._lock:
            self.first_s.setdefault(name, time.monotonic())
            times = self.asked[name, kind]
            self.asked[name, kind] += 1
        zone = self.zones.get(name)
        answer = zone(times) if zone else Answer(code=NXDOMAIN)
        if answer is None:
            return None
        records = list(map(ipaddress.ip_address, answer.addresses))
        packed = [one.packed for one in records if one.version == (4 if kind == A else 6)]
        head = question[:2] + struct.pack(">HHHHH", 0x8180 | answer.code, 1, len(packed), 0, 0)
        return head + question[12:end] + b"".join(_record(kind, data) for data in packed)


def _read_question(message: bytes) -> tuple[str, int, int]:
    """Name, type, and where the question ends."""
    labels, position = [], 12
    while size := message[position]:
        labels.append(message[position + 1 : position + 1 + size].decode("ascii").lower())
        position += 1 + size
    (kind,) = struct.unpack_from(">H", message, position + 1)
    return ".".join(labels), kind, position + 5


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack(">HHHIH", 0xC00C, kind, 1, 0, len(data)) + data


def _cut(reply: bytes) -> bytes:
    _, _, end = _read_question(reply)
    flags = struct.unpack_from(">H", reply, 2)[0] | 0x0200
    return reply[:2] + struct.pack(">HHHHH", flags, 1, 0, 0, 0) + reply[12:end]
