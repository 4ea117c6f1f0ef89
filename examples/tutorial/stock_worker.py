"""The tutorial's task process with nothing but the standard library, for Python 3.

It works for manager.py, for stock_manager.py, and for `bowerbird crawl ... --listen`.
"""

import os
import time
from multiprocessing.managers import BaseManager

HOST = os.environ.get("HOST", "127.0.0.1")
PORT = int(os.environ.get("PORT", "8001"))
AUTHKEY = os.environ.get("BOWERBIRD_AUTHKEY", "qiye").encode()


class QueueManager(BaseManager):
    pass


def main() -> None:
    QueueManager.register("get_task_queue")
    QueueManager.register("get_result_queue")
    print(f"Connect to server {HOST}...", flush=True)
    manager = QueueManager(address=(HOST, PORT), authkey=AUTHKEY)
    manager.connect()
    task, result = manager.get_task_queue(), manager.get_result_queue()
    while not task.empty():
        url = task.get(True, timeout=5)
        print(f"run task download {url}...", flush=True)
        time.sleep(float(os.environ.get("SECONDS_PER_TASK", "1")))  # in place of the download
        result.put(f"{url}--->success")
    print("worker exit.", flush=True)


if __name__ == "__main__":
    main()
