# ruff: noqa
# fmt: off
"""Checks of a plain client: `client.py PORT KEY_IN_HEX CHECK...`; prints a line for each.

Runs on Python 2.7 and 3.6 and later, with nothing but the standard library; hence no linter.
"""

from __future__ import print_function

import binascii
import multiprocessing
import os
import sys
import threading
import traceback
from multiprocessing.managers import BaseManager, RemoteError

try:
    import queue
except ImportError:
    import Queue as queue

PORT, KEY = int(sys.argv[1]), binascii.unhexlify(sys.argv[2].encode("ascii"))


class Manager(BaseManager):
    pass


for typeid in ("get_task_queue", "get_result_queue", "get_nothing"):
    Manager.register(typeid)


class Thing(object):
    """Something that is no plain value."""


def connect(key=KEY):
    manager = Manager(address=("127.0.0.1", PORT), authkey=key)
    manager.connect()
    return manager


def raises(kind, call, *args, **kwds):
    try:
        call(*args, **kwds)
    except kind as error:
        return str(error)
    raise AssertionError("nothing was raised")


def wrong_key():
    raises(multiprocessing.AuthenticationError, connect, b"wrong" + KEY)
    connect()


def queues():
    tasks, results = connect().get_task_queue(), connect().get_result_queue()
    assert tasks.empty() and tasks.qsize() == 0 and not tasks.full()
    tasks.put("ImageUrl_0")
    tasks.put("ImageUrl_1", True, 1)
    tasks.put_nowait(item="ImageUrl_2")
    assert tasks.full() and tasks.qsize() == 3 and not tasks.empty()
    assert tasks.get(True, timeout=5) == "ImageUrl_0"
    assert tasks.get() == "ImageUrl_1"
    assert tasks.get_nowait() == "ImageUrl_2"
    results.put("%s--->success" % "ImageUrl_0")
    assert results.get(timeout=5) == "ImageUrl_0--->success"


def empty_and_full():
    tasks = connect().get_task_queue()
    raises(queue.Empty, tasks.get, timeout=0.05)
    raises(queue.Empty, tasks.get_nowait)
    for number in range(3):
        tasks.put(number)
    raises(queue.Full, tasks.put, 3, timeout=0.05)
    raises(queue.Full, tasks.put, 3, block=False)
    assert [tasks.get() for _ in range(3)] == [0, 1, 2]


def unknown():
    manager = connect()
    raises(RemoteError, manager.get_nothing)
    tasks = manager.get_task_queue()
    raises(RemoteError, tasks._callmethod, "nothing")
    raises(RemoteError, tasks._callmethod, "__class__")
    raises(RemoteError, tasks._callmethod, "#GETVALUE")
    assert str(tasks).startswith("<")
    assert tasks.qsize() == 0


def no_shutdown():
    from multiprocessing.connection import Client
    from multiprocessing.managers import dispatch

    told = raises(RemoteError, dispatch, Client(("127.0.0.1", PORT), authkey=KEY), None, "shutdown")
    assert "shut" in told, told
    dispatch(Client(("127.0.0.1", PORT), authkey=KEY), None, "number_of_objects")
    dispatch(Client(("127.0.0.1", PORT), authkey=KEY), None, "debug_info")
    connect()


VALUES = [
    None, True, False, 0, -1, 255, 256, 65536, 1 << 40, -(1 << 70), 1.5, float("inf"),
    "", "text", u"\u75db\u70b9\u5c31\u662f\u8d77\u70b9", b"", b"\xff\x00", (), (1,), (1, 2, 3, 4),
    [], [1, [2, [3]]], {}, {"a": {"b": [None]}, 1: 2}, ["x"] * 2000, "http://a.example/i.png",
]


def values():
    results = connect().get_result_queue()
    for value in VALUES:
        results.put(value)
        back = results.get()
        assert back == value, (value, back)
        assert type(back) in (type(value), type(u""), type(1 << 70)), (value, back)
    shared = [1, 2]
    results.put([shared, shared, (shared, "x", "x")])
    assert results.get() == [[1, 2], [1, 2], ([1, 2], "x", "x")]


def large():
    results = connect().get_result_queue()
    value = b"\xfe" * 5000000
    results.put(value)
    assert results.get() == value


def no_objects():
    results = connect().get_result_queue()
    told = raises(RemoteError, results.put, Thing())
    raises(RemoteError, results.put, [threading.Thread])
    assert results.empty()
    return told


def refusal_is_clear():
    assert "plain values" in no_objects() and "Thing" in no_objects()


def threads():
    results = connect().get_result_queue()
    done = []

    def work(number):
        for step in range(20):
            results.put((number, step))
            done.append(results.get(timeout=20))

    started = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    assert len(set(done)) == 80 and results.empty()


def _child(results):
    results.put(os.getpid())


def forks():
    results = connect().get_result_queue()
    assert results.empty()
    context = multiprocessing
    if hasattr(multiprocessing, "get_context"):
        context = multiprocessing.get_context("fork")
    children = [context.Process(target=_child, args=(results,)) for _ in range(2)]
    for child in children:
        child.start()
    assert set(results.get(timeout=20) for _ in children) == set(child.pid for child in children)
    for child in children:
        child.join()


def tutorial():
    manager = connect()
    tasks, results = manager.get_task_queue(), manager.get_result_queue()
    for number in range(3):
        tasks.put("ImageUrl_%d" % number)
    while not tasks.empty():
        image = tasks.get(True, timeout=5)
        results.put("%s--->success" % image)
    told = [results.get(timeout=10) for _ in range(3)]
    assert told == ["ImageUrl_%d--->success" % number for number in range(3)]


def restart():
    """The test restarts the manager when this says so, and then writes a line."""
    tasks = connect().get_task_queue()
    tasks.put("kept")
    print("restart me")
    sys.stdout.flush()
    sys.stdin.readline()
    raises((EOFError, OSError, IOError), tasks.qsize)
    answers = []

    def again():
        answers.append(tasks.get(timeout=20))

    thread = threading.Thread(target=again)
    thread.start()
    thread.join()
    assert answers == ["kept"]


def blocked():
    """Ends by being killed."""
    tasks = connect().get_task_queue()
    tasks.empty()
    print("blocked")
    sys.stdout.flush()
    tasks.get()


def leaves():
    tasks = connect().get_task_queue()
    assert tasks.empty()
    print("ok leaves")
    sys.stdout.flush()
    os._exit(0)


def run(name):
    try:
        globals()[name]()
    except BaseException:
        print("FAILED %s: %s" % (name, traceback.format_exc().replace("\n", " | ")))
    else:
        print("ok", name)
    sys.stdout.flush()


if __name__ == "__main__":
    for check in sys.argv[3:]:
        run(check)
