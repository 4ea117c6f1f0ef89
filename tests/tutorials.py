"""The tutorials' programs, as people write them: with nothing but the standard library.

The originals are of Python 2; the others are the same for Python 3. Port, key and the time that
stands for a download are put in; URLs come from whoever serves them.
"""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: The task process of the first tutorial.
TASK_A2 = """\
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

TASK_A3 = TASK_A2.replace("authkey='qiye'", "authkey=b'qiye'")

#: The task process of the second one.
TASK_B2 = """\
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

TASK_B3 = (
    TASK_B2.replace("authkey='痛点就是起点'", "authkey='痛点就是起点'.encode('utf-8')")
    .replace("print 'worker exit.'", "print('worker exit.')")
    .replace(
        "print 'Connect to server %s...' % serverAddr",
        "print('Connect to server %s...' % serverAddr)",
    )
    .replace("print 'run task download %s...' % url", "print('run task download %s...' % url)")
)

KEYS = {"A": "qiye", "B": "痛点就是起点"}
TASKS = {("A", 2): TASK_A2, ("A", 3): TASK_A3, ("B", 2): TASK_B2, ("B", 3): TASK_B3}


@dataclass(frozen=True)
class Stock:
    """One of the programs, for one interpreter."""

    tutorial: str  #: A or B
    version: str
    python: str

    def __str__(self) -> str:
        return f"{self.tutorial}-{self.version}"

    @property
    def key(self) -> bytes:
        """The authkey as bytes."""
        return KEYS[self.tutorial].encode()

    def task(self, folder: Path, port: int, pause_s: float = 0.01) -> Path:
        """The task process as a file."""
        text = TASKS[self.tutorial, int(self.version[0])]
        text = text.replace("8001", str(port)).replace("time.sleep(1)", f"time.sleep({pause_s})")
        path = folder / f"task-{self}.py"
        path.write_text(text, "utf-8")
        return path

    def start(self, program: Path, *more: str) -> "subprocess.Popen[str]":
        """Run a program."""
        return run(self.python, program, *more)


def stocks(versions: dict[str, str]) -> Sequence[Stock]:
    """Both tutorials for each interpreter."""
    return [Stock(name, version, path) for version, path in versions.items() for name in KEYS]


def run(python: str, program: Path, *more: str) -> "subprocess.Popen[str]":
    """Start a program; what it says is kept apart from nothing."""
    env = {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [python, str(program), *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env=env,
    )  # fmt: skip
