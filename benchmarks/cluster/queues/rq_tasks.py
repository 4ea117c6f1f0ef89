"""RQ: jobs in its default queue."""

import sys

from redis import Redis
from rq import Queue


def nothing() -> None:
    """The task."""


if __name__ == "__main__":
    queue = Queue(connection=Redis.from_url(sys.argv[1]))
    name = "benchmarks.cluster.queues.rq_tasks.nothing"
    for _ in range(int(sys.argv[2])):
        queue.enqueue(name, result_ttl=0)
