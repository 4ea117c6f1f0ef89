"""A machine that reads the pickles of plain values, protocols 0 to 5.

Opcodes and their operands as in CPython, Lib/pickletools.py. What is missing here is refused:
persistent ids, extensions, instances, buffers outside of the message.
"""

import struct
from collections.abc import Callable
from typing import Any

from bowerbird.errors import NotPlainError, ProtocolError
from bowerbird.queues.oldstyle.names import SETS, Blank, Maker, Names
from bowerbird.queues.oldstyle.plain import PlainLimits, is_odd_key, not_plain
from bowerbird.queues.oldstyle.values import Raised, Token

STOP = ord(".")
#: Protocols that have an opcode of their own at the start.
NEWEST = 5
#: What an item of a set takes, about.
_ITEM_BYTES = 64


class Name:
    """A name on the stack: to be called, never a value."""

    __slots__ = ("make",)

    def __init__(self, make: Maker) -> None:
        self.make = make


class Machine:
    """Stack, marks and memo of one message."""

    def __init__(self, data: bytes, names: Names, limits: PlainLimits) -> None:
        self._data = data
        self._at = 0
        self._names = names
        self._limits = limits
        self._odd_keys = 0
        self._copied = 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self._marked: list[list[Any]] = []

    def run(self) -> Any:
        """The value; anything but ProtocolError that is raised says: no pickle."""
        for _ in range(self._limits.opcodes):
            code = self.number(1)
            if code == STOP:
                return self.result()
            _OPCODES.get(code, _refused)(self)
        raise NotPlainError("A value has too many parts.")

    def result(self) -> Any:
        """What is left in the end."""
        if self._marked or len(self.stack) != 1 or self._at != len(self._data):
            raise ProtocolError("a pickle that does not end well.")
        return self.stack[0]

    # Operands.

    def take(self, size: int) -> bytes:
        """The next bytes; nothing is taken on the word of a length."""
        end = self._at + size
        if size < 0 or end > len(self._data):
            raise ProtocolError("a pickle that is cut off.")
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def line(self) -> bytes:
        end = self._data.index(b"\n", self._at)
        line = self.take(end - self._at)
        self._at += 1
        return line

    def integer(self, size: int) -> int:
        if size > self._limits.integer_bytes:
            raise NotPlainError("An integer is too long.")
        return int.from_bytes(self.take(size), "little", signed=True)

    def decimal(self, text: bytes) -> int:
        if len(text) > 2 * self._limits.integer_bytes:
            raise NotPlainError("An integer is too long.")
        return int(text)

    # The stack.

    def mark(self) -> None:
        self._marked.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        items = self.stack
        self.stack = self._marked.pop()
        return items

    def top(self, kind: type) -> Any:
        value = self.stack[-1]
        if type(value) is not kind:
            raise ProtocolError("a pickle that mixes up its containers.")
        return value

    def set_items(self, items: list[Any]) -> None:
        target = self.top(dict)
        keys = self.keys(items[::2])
        target.update(zip(keys, items[1::2], strict=True))

    def keys(self, keys: list[Any]) -> list[Any]:
        """Keys that may be hashed: not too many of those whose hash a stranger can choose."""
        self._odd_keys += sum(map(is_odd_key, keys))
        if self._odd_keys > self._limits.odd_keys:
            raise NotPlainError("A value has too many odd keys.")
        return keys

    def copying(self, args: tuple[Any, ...]) -> None:
        """Before a call copies what it is given, which may be in the memo and given again."""
        for value in (args, *args[:1]):
            if isinstance(value, str | list | tuple):
                self._copied += len(value) * (1 if isinstance(value, str) else _ITEM_BYTES)
        if self._copied > self._limits.size:
            raise NotPlainError("A value is too large.")

    def name(self, module: Any, name: Any) -> None:
        if type(module) is not str or type(name) is not str:  # hashing them could take for ever
            raise ProtocolError("a name that is no text.")
        make = self._names.get((module, name))
        if make is None:
            raise not_plain(f"{module}.{name}"[:200])
        self.stack.append(Name(make))


_Step = Callable[[Machine], None]
_OPCODES: dict[int, _Step] = {}


def _refused(_machine: Machine) -> None:
    raise not_plain("what this pickle asks for")


def _on(codes: bytes) -> Callable[[_Step], _Step]:
    def register(step: _Step) -> _Step:
        for code in codes:
            _OPCODES[code] = step
        return step

    return register


def _push(code: bytes, read: Callable[[Machine], Any]) -> None:
    """An opcode that pushes what it reads."""
    _OPCODES[code[0]] = lambda machine: machine.stack.append(read(machine))


def _text_int(machine: Machine) -> int:
    line = machine.line()
    return line == b"01" if line in (b"00", b"01") else machine.decimal(line)


def _text_float(machine: Machine) -> float:
    line = machine.line()
    if len(line) > 64:
        raise ProtocolError("a number that is too long.")
    return float(line)


def _text_bytes(machine: Machine) -> str | bytes:
    line = machine.line()
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
        raise ProtocolError("a text without quotes.")
    from codecs import escape_decode

    return old_text(escape_decode(line[1:-1])[0])


def old_text(data: bytes) -> str | bytes:
    """A `str` of Python 2: text where it is UTF-8, else bytes."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def _unicode(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


_push(b"N", lambda _: None)
_push(b"\x88", lambda _: True)
_push(b"\x89", lambda _: False)
_push(b"I", _text_int)
_push(b"J", lambda m: m.integer(4))
_push(b"K", lambda m: m.number(1))
_push(b"M", lambda m: m.number(2))
_push(b"L", lambda m: m.decimal(m.line().rstrip(b"L")))
_push(b"\x8a", lambda m: m.integer(m.number(1)))
_push(b"\x8b", lambda m: m.integer(m.number(4)))
_push(b"F", _text_float)
_push(b"G", lambda m: struct.unpack(">d", m.take(8))[0])
_push(b"S", _text_bytes)
_push(b"T", lambda m: old_text(m.take(m.number(4))))
_push(b"U", lambda m: old_text(m.take(m.number(1))))
_push(b"B", lambda m: m.take(m.number(4)))
_push(b"C", lambda m: m.take(m.number(1)))
_push(b"\x8e", lambda m: m.take(m.number(8)))
_push(b"V", lambda m: m.line().decode("raw-unicode-escape"))
_push(b"X", lambda m: _unicode(m.take(m.number(4))))
_push(b"\x8c", lambda m: _unicode(m.take(m.number(1))))
_push(b"\x8d", lambda m: _unicode(m.take(m.number(8))))
_push(b"]", lambda _: [])
_push(b"}", lambda _: {})
_push(b")", lambda _: ())
_push(b"\x8f", lambda _: set())
_push(b"g", lambda m: m.memo[m.decimal(m.line())])
_push(b"h", lambda m: m.memo[m.number(1)])
_push(b"j", lambda m: m.memo[m.number(4)])


@_on(b"\x80")
def _proto(machine: Machine) -> None:
    if machine.number(1) > NEWEST:
        raise ProtocolError("a pickle of a newer protocol.")


@_on(b"\x95")
def _frame(machine: Machine) -> None:
    machine.number(8)  # how much to read ahead; it is all here


@_on(b"(")
def _mark(machine: Machine) -> None:
    machine.mark()


@_on(b"p")
def _put(machine: Machine) -> None:
    machine.memo[machine.decimal(machine.line())] = machine.stack[-1]


@_on(b"q")
def _binput(machine: Machine) -> None:
    machine.memo[machine.number(1)] = machine.stack[-1]


@_on(b"r")
def _long_binput(machine: Machine) -> None:
    machine.memo[machine.number(4)] = machine.stack[-1]


@_on(b"\x94")
def _memoize(machine: Machine) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


@_on(b"l")
def _list(machine: Machine) -> None:
    items = machine.since_mark()
    machine.stack.append(items)


@_on(b"t")
def _tuple(machine: Machine) -> None:
    items = machine.since_mark()
    machine.stack.append(tuple(items))


@_on(b"\x85")
def _tuple1(machine: Machine) -> None:
    _short_tuple(machine, 1)


@_on(b"\x86")
def _tuple2(machine: Machine) -> None:
    _short_tuple(machine, 2)


@_on(b"\x87")
def _tuple3(machine: Machine) -> None:
    _short_tuple(machine, 3)


def _short_tuple(machine: Machine, size: int) -> None:
    items = machine.stack[-size:]
    if len(items) < size:
        raise ProtocolError("a pickle that takes what is not there.")
    machine.stack[-size:] = [tuple(items)]


@_on(b"a")
def _append(machine: Machine) -> None:
    item = machine.stack.pop()
    machine.top(list).append(item)


@_on(b"e")
def _appends(machine: Machine) -> None:
    items = machine.since_mark()
    machine.top(list).extend(items)


@_on(b"s")
def _setitem(machine: Machine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    machine.set_items([key, value])


@_on(b"u")
def _setitems(machine: Machine) -> None:
    machine.set_items(machine.since_mark())


@_on(b"d")
def _dict(machine: Machine) -> None:
    items = machine.since_mark()
    machine.stack.append({})
    machine.set_items(items)


@_on(b"\x90")
def _additems(machine: Machine) -> None:
    items = machine.since_mark()
    machine.top(set).update(machine.keys(items))


@_on(b"\x91")
def _frozenset(machine: Machine) -> None:
    items = machine.since_mark()
    machine.stack.append(frozenset(machine.keys(items)))


@_on(b"c")
def _global(machine: Machine) -> None:
    machine.name(_unicode(machine.line()), _unicode(machine.line()))


@_on(b"\x93")
def _stack_global(machine: Machine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.name(module, name)


@_on(b"R\x81")
def _call(machine: Machine) -> None:
    args = machine.top(tuple)
    machine.stack.pop()
    make = machine.top(Name).make
    machine.copying(args)
    if make in SETS:
        args = (machine.keys(_items(args)),)
    machine.stack[-1] = make(*args)


def _items(args: Any) -> list[Any]:
    match args:
        case ():
            return []
        case ([*items],) if type(args[0]) is list:
            return items
    raise not_plain("such a set")


@_on(b"b")
def _build(machine: Machine) -> None:
    """The state of an object: of a Token all there is, of an exception nothing we want."""
    state = machine.stack.pop()
    if type(machine.stack[-1]) is Raised:
        return
    machine.top(Blank)
    typeid, address, ident = state
    machine.stack[-1] = Token(typeid, address, ident)
