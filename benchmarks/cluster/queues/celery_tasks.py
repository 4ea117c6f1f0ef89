"""Celery: tasks whose results nobody wants."""

import os
import sys

from celery import Celery

app = Celery("nothing", broker=os.environ.get("BROKER", ""))
app.conf.task_ignore_result = True
app.conf.worker_prefetch_multiplier = 64


@app.task(name="nothing")
def nothing() -> None:
    """The task."""


if __name__ == "__main__":
    app.conf.broker_url = sys.argv[1]
    with app.producer_pool.acquire() as producer:
        for _ in range(int(sys.argv[2])):
            nothing.apply_async(producer=producer)
