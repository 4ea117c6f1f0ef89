"""The tutorial's service process with nothing but the standard library, for Python 3.

Functions of the module in place of lambdas, as the tutorial has them for Windows: where server
processes are spawned, lambdas cannot be sent to them.
"""

import os
import queue
import sys
import time
from multiprocessing import freeze_support
from multiprocessing.managers import BaseManager

ADDRESS = ("127.0.0.1", int(os.environ.get("PORT", "8001")))
AUTHKEY = os.environ.get("BOWERBIRD_AUTHKEY", "qiye").encode()

task_queue: "queue.Queue[str]" = queue.Queue()
result_queue: "queue.Queue[str]" = queue.Queue()


def get_task_queue() -> "queue.Queue[str]":
    return task_queue


def get_result_queue() -> "queue.Queue[str]":
    return result_queue


class QueueManager(BaseManager):
    pass


def main(urls: "list[str]") -> None:
    QueueManager.register("get_task_queue", callable=get_task_queue)
    QueueManager.register("get_result_queue", callable=get_result_queue)
    manager = QueueManager(address=ADDRESS, authkey=AUTHKEY)
    manager.start()
    try:
        task, result = manager.get_task_queue(), manager.get_result_queue()
        for url in urls:
            print(f"put task {url} ...", flush=True)
            task.put(url)
        print("try get result...", flush=True)
        for _ in urls:
            print(f"result is {result.get(timeout=60)}", flush=True)
        time.sleep(3)  # for workers that ask once more whether there is anything: else they die
    finally:
        manager.shutdown()


if __name__ == "__main__":
    freeze_support()
    main(sys.argv[1:] or [f"ImageUrl_{number}" for number in range(10)])
