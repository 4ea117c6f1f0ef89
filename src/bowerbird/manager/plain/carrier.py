"""From a plain manager's task queue into a download, and from what became of it to the results.

Two threads: `tasks` is drawn by the seeder, a few tasks ahead of what is answered, so that other
machines get their share; `run` looks what became of each and says so.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from bowerbird.backoff import retry_in_s
from bowerbird.catalog import Fate
from bowerbird.errors import BowerbirdError, ConnectionLostError
from bowerbird.manager.bridge.texts import SUCCESS, result_text
from bowerbird.manager.plain.ledger import Ledger
from bowerbird.manager.plain.pair import Pair
from bowerbird.model import Kind, Task
from bowerbird.urls import canonical

#: How long the manager is asked to wait for a task, in seconds.
TAKE_S = 1.0
#: How often it is looked what became of tasks, in seconds.
LOOK_EVERY_S = 0.1
#: Sleep while enough is at hand, in seconds.
NAP_S = 0.02
#: A manager that was lost is looked for this often at least, in seconds.
SEEK_S = 10.0

Say = Callable[[str], None]


class Desk(Protocol):
    """Where the download is."""

    def fates(self, urls: Sequence[str]) -> Mapping[str, Fate]:
        """How those have ended that have."""
        ...

    def try_again(self, url: str) -> None:
        """A URL that is dead is to be fetched once more."""
        ...


class Carrier:
    """What was taken and is not answered yet."""

    def __init__(self, pair: Pair, ahead: int, say: Say, *, stay: bool) -> None:
        """`ahead`: tasks at hand at most. `stay`: an empty queue is not the end."""
        self.done = 0  #: answered with success
        self.failed = 0
        self._pair, self._ahead, self._say, self._stay = pair, ahead, say, stay
        self._lock = threading.Lock()
        self._out: dict[str, list[str]] = {}  # URL -> tasks as they were given
        self._answers: deque[tuple[str, str]] = deque()  # task, word
        self._ended = threading.Event()
        self._losses = 0
        self._again_s = 0.0
        self._desk: Desk
        self._ledger: Ledger
        self._thread = threading.Thread(target=self._run, name="answers", daemon=True)

    def __repr__(self) -> str:
        return f"<Carrier [{len(self._out)} out, {len(self._answers)} to be answered]>"

    def start(self, desk: Desk, ledger: Ledger) -> None:
        """Begin to answer."""
        self._desk, self._ledger = desk, ledger
        self._thread.start()

    # Tasks in: drawn by the seeder's thread.

    def tasks(self) -> Iterator[Task | None]:
        """The tasks of the download; None wherever what came so far is to be added."""
        for text in self._ledger.open:
            yield from self._accept(text)
        while True:
            yield None
            if len(self._out) >= self._ahead or time.monotonic() < self._again_s:
                time.sleep(NAP_S)
                continue
            item = self._take()
            if item is not None:
                text = _text(item)
                self._ledger.took(text)
                yield from self._accept(text)
            elif self._is_over():
                return

    def _take(self) -> Any:
        try:
            item = self._pair.take(TAKE_S)
        except ConnectionLostError as error:
            self._lost(error)
            return None
        self._found()
        return item

    def _accept(self, text: str) -> Iterator[Task]:
        url = canonical(text)
        if url is None:
            self._answers.append((text, "failed: bad-url"))
            return
        fate = self._desk.fates([url]).get(url)
        if fate is not None and fate.reason:
            self._desk.try_again(fate.url)
        with self._lock:
            self._out.setdefault(url, []).append(text)
        yield Task(url=url, kind=Kind.IMAGE)

    def _is_over(self) -> bool:
        with self._lock:
            return not (self._stay or self._out or self._answers)

    # Answers out: on a thread of its own.

    def _run(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            try:
                self._look()
                self._hand_in()
            except ConnectionLostError as error:
                self._lost(error)
            except BowerbirdError as error:
                self._say(f"Results could not be handed in: {error}")
                self._put_off()

    def _look(self) -> None:
        for url, fate in self._desk.fates(list(self._out)).items():
            word = f"failed: {fate.reason}" if fate.reason else SUCCESS
            with self._lock:
                self._answers.extend((text, word) for text in self._out.pop(url, ()))

    def _hand_in(self) -> None:
        while self._answers and time.monotonic() >= self._again_s:
            text, word = self._answers[0]
            if not self._pair.answer(result_text(text, word, spaced=self._pair.spaced)):
                return
            self._answers.popleft()
            self._ledger.answered(text)
            self.done += word == SUCCESS
            self.failed += word != SUCCESS
            self._found()

    # The end.

    def end(self) -> Iterator[str]:
        """Answer what can be answered, put back what is not done; what there is to be said."""
        self._ended.set()
        self._thread.join()
        back = 0
        try:
            self._look()
            self._again_s = 0.0
            self._hand_in()
            back = self._give_back()
        except BowerbirdError:
            pass  # it is said below, and the ledger has it
        yield f"{self.done:,} answered with success, {self.failed:,} as failed."
        if back:
            yield f"{back:,} not done, and put back into the task queue."
        left = len(self._answers) + sum(map(len, self._out.values()))
        if left:
            yield f"{left:,} not answered; the same command does so when the manager is there."

    def _give_back(self) -> int:
        back = 0
        for url, texts in list(self._out.items()):
            while texts and self._pair.give_back(texts[-1]):
                self._ledger.answered(texts.pop())
                back += 1
            if not texts:
                del self._out[url]
        return back

    # A manager that has gone.

    def _lost(self, error: BowerbirdError) -> None:
        """Wait ever longer; the first time a person is told."""
        with self._lock:
            if time.monotonic() < self._again_s:
                return  # the other thread has met it too
            if not self._losses and (self._stay or self._out or self._answers):
                self._say(f"{error} What is done is kept, and handed in when the manager is back.")
            self._losses += 1
            self._put_off()

    def _put_off(self) -> None:
        self._again_s = time.monotonic() + min(SEEK_S, retry_in_s(self._losses))

    def _found(self) -> None:
        with self._lock:
            if self._losses and time.monotonic() >= self._again_s:
                self._losses = 0
                self._say("The manager is back.")


def _text(item: Any) -> str:
    """A task as text: managers of Python 2 may give bytes."""
    return item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)
