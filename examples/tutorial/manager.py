"""The tutorial's service process in its six steps, with Bowerbird's QueueManager.

Tasks come from the command line (image URLs) or are the tutorial's ImageUrl_0 to ImageUrl_9.
"""

import os
import queue
import sys
import time

from bowerbird.queues import QueueManager

# The port and the key have to be the same on both sides.
ADDRESS = ("127.0.0.1", int(os.environ.get("PORT", "8001")))
AUTHKEY = os.environ.get("BOWERBIRD_AUTHKEY", "qiye").encode()


def main(urls: list[str]) -> None:
    # 1. Two queues of this process: one for tasks, one for results.
    task_queue: queue.Queue[str] = queue.Queue()
    result_queue: queue.Queue[str] = queue.Queue()

    # 2. Each gets a name by which it is found on the network. Lambdas work everywhere, since the
    #    server is a thread of this process and nothing has to be pickled.
    QueueManager.register("get_task_queue", callable=lambda: task_queue)
    QueueManager.register("get_result_queue", callable=lambda: result_queue)

    # 3. The manager, with its address and key.
    manager = QueueManager(address=ADDRESS, authkey=AUTHKEY)

    # 4. From here on others can connect.
    manager.start()
    try:
        # 5. Take the queues from the manager, as the others do, and put the tasks in.
        task, result = manager.get_task_queue(), manager.get_result_queue()
        for url in urls:
            print(f"put task {url} ...", flush=True)
            task.put(url)

        # 6. Wait for the results.
        print("try get result...", flush=True)
        for _ in urls:
            print(f"result is {result.get(timeout=60)}", flush=True)
        time.sleep(3)  # for workers that ask once more whether there is anything: else they die
    finally:
        manager.shutdown()


if __name__ == "__main__":
    main(sys.argv[1:] or [f"ImageUrl_{number}" for number in range(10)])
