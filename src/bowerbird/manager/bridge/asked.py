"""What the calls of old-style clients ask for: arguments as `queue.Queue` takes them."""

from collections.abc import Sequence
from typing import Any

from bowerbird.queues.oldstyle.values import QUEUE_METHODS, OldCall, OldMenu, Raised

#: `empty()` says so after this, in seconds; a stock client has no time-out there.
EMPTY_S = 30.0
FOREVER = float("inf")

#: The queues, under either spelling of the tutorials.
TASKS = frozenset(("get_task_queue", "getTaskQueue"))
RESULTS = frozenset(("get_result_queue", "getResultQueue"))
MENU: OldMenu = dict.fromkeys(sorted(TASKS | RESULTS), QUEUE_METHODS)


class BadArgumentsError(Exception):
    """Raised when a call has other arguments than a queue takes; `error` goes to the client."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.error = Raised(kind, (text,))


def patience_s(call: OldCall) -> float:
    """How long the call waits for something, in seconds."""
    if call.method == "get":
        return _timeout_s(call)
    return {"empty": EMPTY_S, "join": FOREVER}.get(call.method, 0.0)


def item_of(call: OldCall) -> Any:
    """What is put into a queue."""
    given = _given(call, ("item", "block", "timeout")[: 1 if call.method == "put_nowait" else 3])
    if "item" not in given:
        raise BadArgumentsError("TypeError", f"{call.method}() has to be given an item")
    return given["item"]


def _timeout_s(call: OldCall) -> float:
    given = _given(call, ("block", "timeout"))
    timeout_s = given.get("timeout")
    if not given.get("block", True):
        return 0.0
    if timeout_s is None:
        return FOREVER
    if not isinstance(timeout_s, int | float):
        raise BadArgumentsError("TypeError", "'timeout' must be a number")
    if not timeout_s >= 0:
        raise BadArgumentsError("ValueError", "'timeout' must be a non-negative number")
    return float(timeout_s)


def _given(call: OldCall, names: Sequence[str]) -> dict[str, Any]:
    given = dict(zip(names, call.args, strict=False)) | call.kwds
    if len(call.args) > len(names) or not given.keys() <= set(names):
        raise BadArgumentsError("TypeError", f"{call.method}() takes {', '.join(names)}")
    return given
