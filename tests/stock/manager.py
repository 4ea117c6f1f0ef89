# ruff: noqa
# fmt: off
"""A plain manager as a program: `manager.py KEY_IN_HEX`; prints its port, ends with its input.

Runs on Python 2.7 and 3.6 and later, with nothing but the standard library; hence no linter.
"""

from __future__ import print_function

import binascii
import os
import sys
import threading
from multiprocessing.managers import BaseManager

try:
    from queue import Queue
except ImportError:
    from Queue import Queue

#: No paths of a machine in tracebacks: they go into transcripts.
sys.tracebacklimit = 0


class Thing(object):
    """Something that is no plain value."""


class Desk(object):
    """Methods whose answers are not queues'."""

    def thing(self):
        return Thing()

    def fail(self, text):
        raise ValueError(text)

    def numbers(self):
        return {"list": [1, 2.5, -(1 << 70), None, True], u"\xe9": (b"\xff", u"\u75db")}

    def queue(self):
        return TASKS


class Manager(BaseManager):
    pass


TASKS, RESULTS, DESK = Queue(3), Queue(), Desk()
Manager.register("get_task_queue", callable=lambda: TASKS)
Manager.register("get_result_queue", callable=lambda: RESULTS)
Manager.register("kept", callable=lambda queue: queue)
Manager.register("desk", callable=lambda: DESK, method_to_typeid={"queue": "kept"})


def end_with_input():
    sys.stdin.read()
    os._exit(0)


def main():
    key = binascii.unhexlify(sys.argv[1].encode("ascii"))
    server = Manager(address=("127.0.0.1", 0), authkey=key).get_server()
    print(server.address[1])
    sys.stdout.flush()
    watcher = threading.Thread(target=end_with_input)
    watcher.daemon = True
    watcher.start()
    server.serve_forever()


if __name__ == "__main__":
    main()
