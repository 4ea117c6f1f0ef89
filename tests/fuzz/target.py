"""What a target is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One reader of foreign bytes.

    `check` raises where something is wrong: any exception but those that the reader declares,
    or an AssertionError for what does not hold. Time and memory are the runner's to watch.
    """

    name: str
    check: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]  #: whole and typical inputs to begin with
    words: tuple[bytes, ...] = ()  #: what the language is made of, to be strewn in
    most: int = 4_096  #: bytes of the longest input tried

    @property
    def found(self) -> list[Path]:
        """Inputs that have failed once; they must not again."""
        return sorted((CORPUS / self.name).glob("*"))


def split(data: bytes, parts: int) -> list[bytes]:
    """An input as so many, divided at NUL bytes, so that fuzzers can change one alone."""
    pieces = data.split(b"\0", parts - 1)
    return pieces + [b""] * (parts - len(pieces))


def text_of(data: bytes) -> str:
    """Any text that a reader may be given, lone surrogates included."""
    return data.decode("utf-8", "surrogateescape")
