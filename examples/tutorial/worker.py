"""The tutorial's task process in its four steps, with Bowerbird's QueueManager.

Start as many as you like, on this machine or others: the tasks are shared among them.
"""

import os
import queue
import time

from bowerbird.errors import ConnectionLostError
from bowerbird.queues import QueueManager, QueueProxy

HOST = os.environ.get("HOST", "127.0.0.1")
PORT = int(os.environ.get("PORT", "8001"))
AUTHKEY = os.environ.get("BOWERBIRD_AUTHKEY", "qiye").encode()


def main() -> None:
    # 1. The names of the queues; what is behind them is the manager's business.
    QueueManager.register("get_task_queue")
    QueueManager.register("get_result_queue")

    # 2. Connect, with the same key.
    print(f"Connect to server {HOST}...", flush=True)
    manager = QueueManager(address=(HOST, PORT), authkey=AUTHKEY)
    manager.connect()

    # 3. The queues, as if they were here.
    task, result = manager.get_task_queue(), manager.get_result_queue()

    # 4. Take tasks, work, hand in results.
    while (url := next_of(task)) is not None:
        print(f"run task download {url}...", flush=True)
        time.sleep(float(os.environ.get("SECONDS_PER_TASK", "1")))  # in place of the download
        result.put(f"{url}--->success")

    print("worker exit.", flush=True)


def next_of(task: QueueProxy) -> str | None:
    """The next task; None when there are no more.

    Another worker may take the last one between our `empty` and our `get`, or the manager may have
    all its results and leave: the tutorial's program dies of either, this one does not.
    """
    try:
        return None if task.empty() else task.get(True, timeout=5)
    except (queue.Empty, ConnectionLostError):
        return None


if __name__ == "__main__":
    main()
