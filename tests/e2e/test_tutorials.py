"""The tutorials' task processes, unchanged, work for a crawl: old-style clients of every Python."""

import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from multiprocessing.managers import BaseManager
from pathlib import Path
from queue import Queue

import pytest

from bowerbird.app.status import status_of
from tests.bird import Ran, flying, records_of, wait_for
from tests.ports import free_port
from tests.stock.pythons import VERSIONS, find
from tests.tutorials import Program, Tutorial
from tests.web import Answer, Answers, Web, images_of, serve, tree

NOW = "3"  #: the Python that runs the tests


@pytest.fixture
def tutorial(tmp_path: Path) -> Tutorial:
    return Tutorial("A", free_port(), tmp_path)


@contextmanager
def programs() -> Iterator[Callable[[Program], Program]]:
    """Programs that are killed at the end if they still run."""
    with ExitStack() as stack:

        def kept(program: Program) -> Program:
            stack.callback(program.kill)
            return program

        yield kept


def crawling(web: Web, tutorial: Tutorial, *more: object) -> list[object]:
    return [
        "crawl", f"{web.url}/p0", "-o", tutorial.folder / "out", "--allow-private",
        "--listen", f"127.0.0.1:{tutorial.port}", "--authkey-file", tutorial.key_file,
        "--workers", 0, *more,
    ]  # fmt: skip


def sessions(tutorial: Tutorial) -> int:
    return len(status_of(str(tutorial.folder / "out")).workers)


def behind_a_gate(answers: Answers, path: str = "/p0") -> threading.Event:
    """A page that comes when it is let."""
    gate, page = threading.Event(), answers[path]
    assert isinstance(page, Answer)

    def answer() -> Answer:
        gate.wait(60)
        return page

    answers[path] = answer
    return gate


def check_all_elsewhere(tutorial: Tutorial, web: Web, ran: Ran) -> None:
    assert ran.status == 0, ran
    records = records_of(tutorial.folder / "out")
    paths = {record.final_url.removeprefix(web.url) for record in records}
    assert paths == images_of(web.answers)
    assert {(one.state, one.bytes, one.sha256, one.holders) for one in records} == {
        ("elsewhere", 0, "", ())
    }
    assert not paths & web.counts().keys()  # nobody here has fetched them


def taken(told: str) -> list[str]:
    return re.findall(r"run task download (\S+)\.\.\.", told)


@pytest.mark.parametrize("name", ["A", "B"])
def test_task_processes_of_every_python_share_a_crawl_and_live_through_a_slow_first_page(
    name: str, tmp_path: Path
) -> None:
    tutorial = Tutorial(name, free_port(), tmp_path)
    answers = tree(7, 15)
    gate = behind_a_gate(answers)
    pythons = {version: path for version in VERSIONS if (path := find(version))}
    with (
        serve(answers) as web,
        flying(*crawling(web, tutorial, "--per-host", 2 * len(pythons))) as bird,
        programs() as run,
    ):
        bird.says("Listening at")
        started = {
            version: run(tutorial.task(python, version, 0.03))
            for version, python in pythons.items()
        }
        wait_for("all clients to wait in empty()", lambda: sessions(tutorial) > len(pythons))
        gate.set()
        told = {version: program.ended() for version, program in started.items()}
        ran = bird.ended()
        check_all_elsewhere(tutorial, web, ran)
        assert f"{len(images_of(answers))} images with clients" in ran.out
    assert {version: out.splitlines()[-1] for version, out in told.items()} == dict.fromkeys(
        pythons, "worker exit."
    )
    urls = [url for out in told.values() for url in taken(out)]
    assert len(urls) == len(set(urls))
    assert all(taken(out) for out in told.values())


def test_a_list_is_downloaded_by_a_task_process(tutorial: Tutorial) -> None:
    urls = tutorial.folder / "list.txt"
    with serve(tree(1, 4)) as web, programs() as run:
        urls.write_text("".join(f"{web.url}{path}\n" for path in images_of(web.answers)))
        command = ["download", urls, *crawling(web, tutorial)[2:]]
        with flying(*command) as bird:
            bird.says("Listening at")
            told = run(tutorial.task(sys.executable, NOW)).ended()
            check_all_elsewhere(tutorial, web, bird.ended())
    assert len(taken(told)) == 5


def test_a_client_killed_with_a_task_in_hand_loses_nothing(tutorial: Tutorial) -> None:
    with serve(tree(1, 3)) as web, flying(*crawling(web, tutorial)) as bird, programs() as run:
        bird.says("Listening at")
        dying = run(tutorial.task(sys.executable, NOW, pause_s=600))
        while not taken(dying.says()):
            pass
        dying.kill()
        told = run(tutorial.task(sys.executable, NOW)).ended()
        check_all_elsewhere(tutorial, web, bird.ended())
    assert len(taken(told)) == 4


def test_a_client_killed_while_it_waits_in_get_loses_nothing(tutorial: Tutorial) -> None:
    answers = tree(1, 3)
    gate = behind_a_gate(answers)
    with serve(answers) as web, flying(*crawling(web, tutorial)) as bird, programs() as run:
        bird.says("Listening at")
        dying = run(tutorial.own("print('in get')\nprint(task.get())\n"))
        wait_for("the client to wait", lambda: sessions(tutorial) > 1)
        dying.kill()
        living = run(tutorial.task(sys.executable, NOW))
        gate.set()
        assert len(taken(living.ended())) == 4
        check_all_elsewhere(tutorial, web, bird.ended())


def test_the_standard_librarys_own_manager_loses_what_such_a_client_was_waiting_for(
    tmp_path: Path,
) -> None:
    """The contrast: why a queue with leases is worth having."""
    tasks = Queue[str]()

    class Manager(BaseManager):
        pass

    Manager.register("get_task_queue", callable=lambda: tasks)
    Manager.register("get_result_queue", callable=lambda: tasks)
    server = Manager(address=("127.0.0.1", 0), authkey=b"qiye").get_server()
    threading.Thread(target=_serve, args=(server,), daemon=True).start()
    with programs() as run:
        dying = run(Tutorial("A", server.address[1], tmp_path).own("print('in')\ntask.get()\n"))
        assert dying.says().startswith("Connect")
        assert dying.says() == "in"
        wait_for("the client to wait", lambda: tasks.not_empty._waiters)  # type: ignore[attr-defined]
        dying.kill()
        tasks.put("http://example.org/1.png")
        wait_for("the ghost to take it", lambda: not tasks.qsize())


def _serve(server: object) -> None:
    with pytest.raises(SystemExit):
        server.serve_forever()  # type: ignore[attr-defined]


def test_failures_are_tried_again_and_what_means_nothing_is_ignored(tutorial: Tutorial) -> None:
    lines = """
result.put('nonsense')
result.put(17)
result.put('http://example.org/never-given--->success')
failed = set()
while not task.empty():
    url = task.get(True, 5)
    result.put(url + ('--->success' if url in failed else '--->HTTP 500'))
    failed.add(url)
print(len(failed))
"""
    with serve(tree(1, 1)) as web, flying(*crawling(web, tutorial)) as bird, programs() as run:
        bird.says("Listening at")
        assert run(tutorial.own(lines)).ended().split()[-1] == "2"
        ran = bird.ended()
        check_all_elsewhere(tutorial, web, ran)
        assert "3 things that they put into a queue meant nothing here" in ran.out


def test_delays_hold_for_old_clients_too(tutorial: Tutorial) -> None:
    lines = """
import time
while not task.empty():
    url = task.get(True, 5)
    print('at %f' % time.monotonic())
    result.put(url + '--->success')
"""
    with (
        serve(tree(1, 3)) as web,
        flying(*crawling(web, tutorial, "--delay", "0.3s")) as bird,
        programs() as run,
    ):
        bird.says("Listening at")
        told = run(tutorial.own(lines)).ended()
        check_all_elsewhere(tutorial, web, bird.ended())
    moments = [float(at) for at in re.findall(r"at (\S+)", told)]
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert len(gaps) == 3
    assert min(gaps) >= 0.29
