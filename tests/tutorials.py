"""The tutorials' programs, as people write them: with nothing but the standard library.

The originals are of Python 2; for Python 3 a few words of them are replaced, as people do. Port
and key are put in, the second that stands for a download is made shorter, and where the originals
put ten names into the task queue, these put URLs.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.bird import Heard

#: The task process of the first tutorial.
TASK_A = """\
#coding:utf-8
import time
from multiprocessing.managers import BaseManager
class QueueManager(BaseManager):
    pass
QueueManager.register('get_task_queue')
QueueManager.register('get_result_queue')
server_addr = '127.0.0.1'
print('Connect to server %s...' % server_addr)
m = QueueManager(address=(server_addr, 8001), authkey='qiye')
m.connect()
task = m.get_task_queue()
result = m.get_result_queue()
while(not task.empty()):
        image_url = task.get(True,timeout=5)
        print('run task download %s...' % image_url)
        time.sleep(1)
        result.put('%s--->success'%image_url)
print('worker exit.')
"""

#: The task process of the second one.
TASK_B = """\
#coding:utf-8
import time
from multiprocessing.managers import BaseManager

class QueueManager(BaseManager):
    pass

QueueManager.register('getTaskQueue')
QueueManager.register('getResultQueue')

serverAddr = '127.0.0.1'
print 'Connect to server %s...' % serverAddr
manager = QueueManager(address=(serverAddr, 8001), authkey='痛点就是起点')
manager.connect()

task = manager.getTaskQueue()
result = manager.getResultQueue()

while not task.empty():
    url = task.get(True, timeout=5)
    print 'run task download %s...' % url
    time.sleep(1)
    result.put('%s ---> success' % url)

print 'worker exit.'
"""

#: The service process of the first tutorial, on Linux.
SERVICE_A = """\
#coding:utf-8
import Queue
from multiprocessing.managers import BaseManager
task_queue=Queue.Queue()
result_queue=Queue.Queue()
class Queuemanager(BaseManager):
    pass
Queuemanager.register('get_task_queue',callable=lambda:task_queue)
Queuemanager.register('get_result_queue',callable=lambda:result_queue)
manager=Queuemanager(address=('',8001),authkey='qiye')
manager.start()
task=manager.get_task_queue()
result=manager.get_result_queue()
for url in URLS:
    print('put task %s ...' %url)
    task.put(url)
print('try get result...')
for i in range(len(URLS)):
    print('result is %s' %result.get(timeout=10))
manager.shutdown()
"""

#: The service process of the second one.
SERVICE_B = """\
#coding:utf-8
import Queue
from multiprocessing.managers import BaseManager

taskQueue = Queue.Queue()
resultQueue = Queue.Queue()

class QueueManager(BaseManager):
    pass

QueueManager.register('getTaskQueue', callable=lambda: taskQueue)
QueueManager.register('getResultQueue', callable=lambda: resultQueue)

manager = QueueManager(address=('', 8001), authkey='痛点就是起点')
manager.start()

task = manager.getTaskQueue()
result = manager.getResultQueue()

for url in URLS:
    print 'put task %s ...' % url
    task.put(url)

print 'try get result...'
for i in range(len(URLS)):
    print 'result is %s' % result.get(timeout=10)

manager.shutdown()
"""

#: What becomes of an original in Python 3.
TODAY = (
    ("authkey='qiye'", "authkey=b'qiye'"),
    ("authkey='痛点就是起点'", "authkey='痛点就是起点'.encode('utf-8')"),
    ("import Queue\n", "import queue\n"),
    ("Queue.Queue()", "queue.Queue()"),
    ("print 'worker exit.'", "print('worker exit.')"),
    ("print 'try get result...'", "print('try get result...')"),
    ("print 'Connect to server %s...' % serverAddr", "print('Connect to %s' % serverAddr)"),
    ("print 'run task download %s...' % url", "print('run task download %s...' % url)"),
    ("print 'put task %s ...' % url", "print('put task %s ...' % url)"),
    (
        "print 'result is %s' % result.get(timeout=10)",
        "print('result is %s' % result.get(timeout=10))",
    ),
)

TASKS = {"A": TASK_A, "B": TASK_B}
SERVICES = {"A": SERVICE_A, "B": SERVICE_B}
KEYS = {"A": "qiye", "B": "痛点就是起点"}
ARROWS = {"A": "--->", "B": " ---> "}


class Program:
    """One that runs; what it says is read at its end."""

    def __init__(self, python: str, path: Path) -> None:
        env = {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            [python, str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=env,
        )  # fmt: skip
        assert self.process.stdout is not None
        self._said = Heard(self.process.stdout)

    def says(self) -> str:
        """The next line; "" where there is none any more."""
        return self._said.line().strip()

    def ended(self) -> str:
        """All the rest that it says; its status has to be 0."""
        status, rest = self.process.wait(60), self._said.rest()
        assert status == 0, rest
        return rest

    def kill(self) -> None:
        """kill -9, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@dataclass(frozen=True)
class Tutorial:
    """The programs of one of them, for one manager."""

    name: str  #: A or B
    port: int
    folder: Path

    @property
    def key_file(self) -> Path:
        """A file with the key, written anew."""
        path = self.folder / f"key-{self.name}"
        path.write_text(KEYS[self.name], "utf-8")
        return path

    def task(self, python: str, version: str, pause_s: float = 0.01) -> Program:
        """Start the task process."""
        return self._start(TASKS[self.name], python, version, pause_s)

    def service(self, python: str, version: str, urls: list[str]) -> Program:
        """Start the service process with these URLs."""
        text = SERVICES[self.name].replace("URLS", repr(list(map(str, urls))))
        return self._start(text, python, version, 1.0)

    def own(self, lines: str) -> Program:
        """A program of one's own after the first lines of the task process: `m`, `task`, `result`.

        Run by the Python that runs the tests.
        """
        return self.program(TASK_A[: TASK_A.index("while(not")] + lines)

    def program(self, text: str) -> Program:
        """Any other program, of the Python that runs the tests."""
        return self._start(text, sys.executable, "3", 1.0)

    def _start(self, text: str, python: str, version: str, pause_s: float) -> Program:
        for old, new in TODAY if version != "2.7" else ():
            text = text.replace(old, new)
        text = text.replace("8001", str(self.port)).replace("sleep(1)", f"sleep({pause_s})")
        text = text.replace("timeout=10", "timeout=60")  # a busy machine's workers start late
        path = self.folder / f"{self.name}-{version}-{abs(hash(text))}.py"
        path.write_text(text, "utf-8")
        return Program(python, path)
