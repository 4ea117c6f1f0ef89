"""Dramatiq: messages in its default queue."""

import os
import sys

import dramatiq
from dramatiq.brokers.redis import RedisBroker

broker = RedisBroker(url=os.environ.get("BROKER") or sys.argv[1])
dramatiq.set_broker(broker)


@dramatiq.actor
def nothing() -> None:
    """The task."""


if __name__ == "__main__":
    for _ in range(int(sys.argv[2])):
        nothing.send()
