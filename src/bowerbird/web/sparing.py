"""Questions that cost a crawl time, asked sparingly: however many pages ask however often, they
take a small share of its time. What was answered a moment ago is answered again.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

#: The share of a crawl's time that questions may take.
SHARE = 0.02
#: An answer is good for so long at least, in seconds.
GOOD_S = 2.0
#: Nobody waits longer for his turn, in seconds: then the share may be passed for once.
LONGEST_S = 3.0
#: Answers that are kept.
KEPT = 64


@dataclass(slots=True, frozen=True)
class _Answer:
    value: Any
    until_s: float


class Sparing:
    """Asks one question after another, with rests in between as long as the answers took."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._turn = asyncio.Lock()
        self._answers: OrderedDict[Hashable, _Answer] = OrderedDict()
        self._free_s = 0.0  # when the next question may be asked

    async def ask(
        self, question: Hashable, answer: Callable[[], Awaitable[T]], *, at_work: bool = True
    ) -> T:
        """What `answer` answers to a question, or has answered a moment ago. Nobody `at_work`: it
        takes time from none, and no rest is needed."""
        if (known := self._known(question)) is not None:
            return known.value  # type: ignore[no-any-return]
        async with self._turn:
            if (known := self._known(question)) is not None:  # by who was before us
                return known.value  # type: ignore[no-any-return]
            rest_s = self._free_s - self._now_s()
            if rest_s > 0 and at_work:
                await asyncio.sleep(min(rest_s, LONGEST_S))
            began_s = self._now_s()
            value = await answer()
            self._keep(question, value, self._now_s() - began_s)
            return value

    def _known(self, question: Hashable) -> _Answer | None:
        found = self._answers.get(question)
        return found if found and found.until_s > self._now_s() else None

    def _keep(self, question: Hashable, value: Any, took_s: float) -> None:
        now_s = self._now_s()
        self._free_s = now_s + took_s / SHARE
        self._answers[question] = _Answer(value, max(now_s + GOOD_S, self._free_s))
        self._answers.move_to_end(question)
        while len(self._answers) > KEPT:
            self._answers.popitem(last=False)
