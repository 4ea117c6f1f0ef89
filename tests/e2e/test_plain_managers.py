"""`bowerbird worker` at managers of the standard library: the tutorials' service processes."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.managers import BaseManager
from pathlib import Path
from queue import Queue

import pytest

from bowerbird.store import FileStore
from tests.bird import Flying, bird, flying, records_of, wait_for
from tests.e2e.test_tutorials import behind_a_gate, programs
from tests.ports import free_port
from tests.stock.pythons import VERSIONS, interpreter
from tests.tutorials import ARROWS, Tutorial
from tests.web import Web, images_of, serve, tree


class Plain:
    """A stock manager in a thread of the test, whose queues can be looked into."""

    def __init__(self, folder: Path, names: tuple[str, str]) -> None:
        class Manager(BaseManager):
            pass

        self.tasks, self.results = Queue[str](), Queue[str]()
        Manager.register(names[0], callable=lambda: self.tasks)
        Manager.register(names[1], callable=lambda: self.results)
        self.server = Manager(address=("127.0.0.1", 0), authkey=b"qiye").get_server()
        threading.Thread(target=self._serve, daemon=True).start()
        self.port = self.server.address[1]
        self.tutorial = Tutorial("A", self.port, folder)

    def _serve(self) -> None:
        with pytest.raises(SystemExit):
            self.server.serve_forever()


@pytest.fixture
def plain(tmp_path: Path) -> Plain:
    return Plain(tmp_path, ("get_task_queue", "get_result_queue"))


def working(tutorial: Tutorial, *more: object) -> list[object]:
    return [
        "worker", f"tcp://127.0.0.1:{tutorial.port}", "--authkey-file", tutorial.key_file,
        "-o", tutorial.folder / "out", "--allow-private", "--workers", 1, *more,
    ]  # fmt: skip


def check_files(tutorial: Tutorial, urls: Iterable[str]) -> None:
    """Every image is there, whole, under its content."""
    store = FileStore(tutorial.folder / "out")
    records = records_of(tutorial.folder / "out")
    assert {one.final_url for one in records} == set(urls)
    for record in records:
        assert store.sha256_of(record.holders[0].path) == record.sha256


@contextmanager
def waiting_images(images: int) -> Iterator[tuple[Web, list[threading.Event], list[str]]]:
    """A web whose images come when they are let, but the first one, since a host is asked for
    one thing until it has answered: their gates, and their URLs."""
    answers = tree(1, images)
    paths = sorted(images_of(answers))
    gates = [behind_a_gate(answers, path) for path in paths]
    gates[0].set()
    with serve(answers) as web:
        try:
            yield web, gates, [web.url + path for path in paths]
        finally:
            for gate in gates:
                gate.set()


@pytest.mark.parametrize("name", ["A", "B"])
@pytest.mark.parametrize("version", VERSIONS)
def test_the_service_process_of_every_python_gets_its_results(
    version: str, name: str, tmp_path: Path
) -> None:
    tutorial = Tutorial(name, free_port(), tmp_path)
    with serve(tree(1, 3)) as web, programs() as run:
        urls = [web.url + path for path in (*images_of(web.answers), "/none.png")]
        service = run(tutorial.service(interpreter(version), version, [*urls, urls[0], "Url_0"]))
        while service.says() != "try get result...":
            pass
        ran = bird(*working(tutorial))
        told = service.ended().splitlines()
        assert ran.status == 0, (ran, told)
        check_files(tutorial, urls[:-1])
    arrow = ARROWS[name]
    failed = {urls[-1]: "failed: http-404", "Url_0": "failed: bad-url"}
    assert sorted(told) == sorted(
        f"result is {url}{arrow}{failed.get(url, 'success')}" for url in (*urls, urls[0], "Url_0")
    )


def test_what_is_there_already_is_answered_and_what_failed_is_tried_anew(plain: Plain) -> None:
    with serve(tree(1, 2)) as web:
        urls = [web.url + path for path in (*images_of(web.answers), "/none.png")]
        for _ in range(2):
            for url in urls:
                plain.tasks.put(url)
            assert bird(*working(plain.tutorial)).status == 0
        counts = web.counts()
    answers = [plain.results.get_nowait() for _ in range(2 * len(urls))]
    assert sorted(answers[: len(urls)]) == sorted(answers[len(urls) :])
    assert counts == {**dict.fromkeys(images_of(web.answers), 1), "/none.png": 2}


def test_an_empty_queue_is_the_end_unless_one_is_to_stay(plain: Plain) -> None:
    assert bird(*working(plain.tutorial)).status == 0
    with serve(tree(1, 0)) as web, flying(*working(plain.tutorial, "--stay")) as worker:
        wait_for("the worker to wait", lambda: plain.tasks.not_empty._waiters)  # type: ignore[attr-defined]
        plain.tasks.put(f"{web.url}/shared.png")
        assert plain.results.get(timeout=60) == f"{web.url}/shared.png--->success"
        worker.interrupt()
        assert worker.ended().status == 130


def test_other_machines_get_their_share(plain: Plain) -> None:
    with waiting_images(40) as (_, gates, urls):
        for url in urls:
            plain.tasks.put(url)
        with flying(*working(plain.tutorial)) as worker:
            wait_for("the worker to have enough", lambda: plain.tasks.qsize() <= len(urls) - 16)
            assert plain.tasks.qsize() == len(urls) - 16
            open_all(gates)
            assert worker.ended().status == 0
    assert plain.results.qsize() == len(urls)


def open_all(gates: list[threading.Event]) -> None:
    for gate in gates:
        gate.set()


def in_hand(worker: Flying, web: Web, requests: int) -> None:
    wait_for("requests", lambda: len(web.requests) >= requests or worker.process.poll() is not None)


def test_what_is_not_done_at_ctrl_c_is_put_back(plain: Plain) -> None:
    with waiting_images(1) as (web, _, urls):
        for url in urls:
            plain.tasks.put(url)
        with flying(*working(plain.tutorial)) as worker:
            in_hand(worker, web, 2)
            assert plain.results.get(timeout=60) == f"{urls[0]}--->success"
            worker.interrupt()
            worker.says("again to leave at once")
            worker.interrupt()
            ran = worker.ended()
    assert (ran.status, plain.tasks.get_nowait()) == (130, urls[1])
    assert "1 not done, and put back" in ran.out


def test_a_worker_killed_with_tasks_in_hand_answers_them_when_it_comes_again(plain: Plain) -> None:
    with waiting_images(2) as (web, gates, urls):
        for url in urls:
            plain.tasks.put(url)
        with flying(*working(plain.tutorial)) as worker:
            in_hand(worker, web, 3)
            worker.kill_group()
        open_all(gates)
        assert plain.tasks.empty()
        assert bird(*working(plain.tutorial)).status == 0
        check_files(plain.tutorial, urls)
    answers = [plain.results.get_nowait() for _ in urls]
    assert sorted(answers) == sorted(f"{url}--->success" for url in urls)


#: A service process of one piece, and so of one life.
SERVICE = """
import queue, threading
from multiprocessing.managers import BaseManager
tasks, results = queue.Queue(), queue.Queue()
for url in URLS:
    tasks.put(url)
class Manager(BaseManager): pass
Manager.register('get_task_queue', callable=lambda: tasks)
Manager.register('get_result_queue', callable=lambda: results)
server = Manager(address=('127.0.0.1', 8001), authkey=b'qiye').get_server()
threading.Thread(target=server.serve_forever, daemon=True).start()
for _ in range(RESULTS):
    print(results.get(timeout=60))
"""


def service_of(urls: list[str], results: int) -> str:
    return SERVICE.replace("URLS", repr(urls)).replace("RESULTS", str(results))


def late_result(says: Callable[[], str], early: str) -> str:
    """What a second manager hears first, but an answer that the first one had read and was killed
    before it could say so."""
    said = says()
    return says() if said == f"{early}--->success" else said


def test_results_are_kept_while_the_manager_is_away(tmp_path: Path) -> None:
    tutorial = Tutorial("A", free_port(), tmp_path)
    with waiting_images(1) as (web, gates, urls), programs() as run:
        service = run(tutorial.program(service_of(urls, results=9)))
        with flying(*working(tutorial)) as worker:
            assert service.says() == f"{urls[0]}--->success"
            in_hand(worker, web, 2)
            service.kill()
            worker.says("handed in when the manager is back")
            late = run(tutorial.program(service_of([], results=9)))
            open_all(gates)
            assert late_result(late.says, urls[0]) == f"{urls[1]}--->success"
            assert worker.ended().status == 0
        check_files(tutorial, urls)


def test_a_manager_without_such_queues_is_told_of(tmp_path: Path) -> None:
    other = Plain(tmp_path, ("tasks", "results"))
    ran = bird(*working(other.tutorial))
    assert ran.status == 2
    assert "offers neither get_task_queue and get_result_queue nor getTaskQueue" in ran.err
    assert "Traceback" not in ran.err
