"""The two queues of a stock manager, under either spelling of their names."""

import queue
from typing import Any

from bowerbird.errors import RemoteCallError, UsageError
from bowerbird.queues.oldstyle.client import PlainManager, PlainProxy

#: Task queue, result queue, and whether the texts have spaces around their arrow.
SPELLINGS = (
    ("get_task_queue", "get_result_queue", False),
    ("getTaskQueue", "getResultQueue", True),
)
#: How long a full result queue may keep us, in seconds.
FULL_S = 1.0
#: What an answer may take beyond what was asked to wait, in seconds.
ANSWER_S = 30.0


class Pair:
    """Takes from the one queue and puts into the other; any number of threads may."""

    def __init__(self, manager: PlainManager) -> None:
        self.spaced = False  #: what its results look like
        self._manager = manager
        self._tasks: PlainProxy
        self._results: PlainProxy

    def __repr__(self) -> str:
        return f"<Pair at {self._manager.address}>"

    def open(self) -> None:
        """Find the queues.

        Raises:
            UsageError: the manager has none under these names.
            BowerbirdError: see `PlainManager.open`.
        """
        for tasks, results, spaced in SPELLINGS:
            try:
                self._tasks = self._manager.object(tasks)
                self._results = self._manager.object(results)
            except RemoteCallError:
                continue
            self.spaced = spaced
            return
        names = " nor ".join(f"{tasks} and {results}" for tasks, results, _ in SPELLINGS)
        raise UsageError(f"The manager at {self._manager.address} offers neither {names}.")

    def take(self, wait_s: float) -> Any:
        """The next task; None where none came in this time.

        Raises:
            ConnectionLostError: the manager is gone; what it was giving may be lost.
        """
        try:
            return self._call(True, "get", True, wait_s, timeout_s=wait_s + ANSWER_S)
        except queue.Empty:
            return None

    def answer(self, text: str) -> bool:
        """Put a result; whether there was room."""
        return self._put(False, text)

    def give_back(self, item: Any) -> bool:
        """Put a task back; whether there was room."""
        return self._put(True, item)

    def close(self) -> None:
        """Let go of the connections."""
        self._manager.close()

    def _put(self, of_tasks: bool, item: Any) -> bool:
        try:
            self._call(of_tasks, "put", item, True, FULL_S)
        except queue.Full:
            return False
        return True

    def _call(
        self, of_tasks: bool, method: str, *arguments: Any, timeout_s: float = ANSWER_S
    ) -> Any:
        try:
            return self._proxy(of_tasks).call(method, *arguments, timeout_s=timeout_s)
        except RemoteCallError:
            self.open()  # a manager that was started again does not know our objects
        return self._proxy(of_tasks).call(method, *arguments, timeout_s=timeout_s)

    def _proxy(self, of_tasks: bool) -> PlainProxy:
        return self._tasks if of_tasks else self._results
