"""examples/tutorial/: its programs do what they promise, with each other and with our commands."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bowerbird.demo import open_gallery
from tests.bird import PATIENCE_S, wait_for
from tests.ports import free_port

FOLDER = Path(__file__).resolve().parents[2] / "examples/tutorial"
TASKS = [f"ImageUrl_{number}" for number in range(10)]
MANAGERS, WORKERS = ("manager.py", "stock_manager.py"), ("worker.py", "stock_worker.py")
CONSOLE = re.compile(r"^```(?:console|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Terminals:
    """Terminals in which a reader types; the tutorial's port is one that is free here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = str(free_port())
        self.started: list[subprocess.Popen[str]] = []
        self.environment = {
            **os.environ, "PORT": self.port, "SECONDS_PER_TASK": "0.02",
            "BOWERBIRD_AUTHKEY": "qiye", "PYTHONUNBUFFERED": "1",
        }  # fmt: skip

    def run(self, *words: object) -> subprocess.Popen[str]:
        """Type something; what it prints goes to a file."""
        command = [sys.executable, "-W", "error", *map(str, words)]
        log = self.log(len(self.started)).open("w")
        with log:
            self.started.append(
                subprocess.Popen(
                    command,
                    cwd=self.folder,
                    env=self.environment,
                    stdout=log,
                    stderr=log,
                    text=True,
                    start_new_session=True,
                )
            )
        return self.started[-1]

    def program(self, name: str, *more: str) -> subprocess.Popen[str]:
        return self.run(FOLDER / name, *more)

    def bird(self, *words: object) -> subprocess.Popen[str]:
        return self.run("-m", "bowerbird", *words)

    def log(self, number: int) -> Path:
        return self.folder / f"terminal-{number}.log"

    def printed(self, process: subprocess.Popen[str]) -> str:
        return self.log(self.started.index(process)).read_text()

    def wait_for(self, process: subprocess.Popen[str], text: str) -> None:
        """Until it has printed something."""
        wait_for(text, lambda: text in self.printed(process) or process.poll() is not None)
        assert text in self.printed(process)

    def ended(self, process: subprocess.Popen[str]) -> str:
        """What it has printed once it has ended well."""
        assert process.wait(PATIENCE_S) == 0, self.printed(process)
        return self.printed(process)

    def close(self) -> None:
        for process in self.started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Terminals]:
    found = Terminals(tmp_path)
    yield found
    found.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with open_gallery(tmp_path_factory.mktemp("gallery") / "site") as gallery:
        yield gallery.url


@pytest.mark.parametrize("worker", WORKERS)
@pytest.mark.parametrize("manager", MANAGERS)
def test_any_worker_works_for_any_manager(terminals, manager, worker):
    service = terminals.program(manager)
    terminals.wait_for(service, "try get result...")
    task = terminals.ended(terminals.program(worker))

    lines = terminals.ended(service).splitlines()
    assert lines[:10] == [f"put task {url} ..." for url in TASKS]
    assert lines[10:] == ["try get result...", *(f"result is {url}--->success" for url in TASKS)]
    assert task.splitlines() == [
        "Connect to server 127.0.0.1...", *(f"run task download {url}..." for url in TASKS),
        "worker exit.",
    ]  # fmt: skip


def test_workers_share_the_tasks_each_done_once(terminals):
    service = terminals.program("manager.py")
    terminals.wait_for(service, "try get result...")
    printed = [terminals.ended(one) for one in [terminals.program("worker.py") for _ in range(3)]]

    done = re.findall("run task download (.*?)\\.\\.\\.", "".join(printed))
    assert sorted(done) == TASKS
    assert sorted(re.findall("result is (.*?)--->success", terminals.ended(service))) == TASKS


def test_the_tutorials_worker_works_for_a_real_crawl(terminals, site):
    crawl = terminals.bird(
        "crawl", site, "-o", "images", "--listen", f"127.0.0.1:{terminals.port}", "--workers", 0
    )
    terminals.wait_for(crawl, "Listening at")
    task = terminals.ended(terminals.program("stock_worker.py"))

    assert f"run task download {site}" in task
    assert "39 images with clients" in terminals.ended(crawl)


def test_our_worker_works_for_the_tutorials_manager(terminals, site):
    photo, nothing = f"{site}photos/plum-1080.jpg", f"{site}nothing.jpg"
    service = terminals.program("stock_manager.py", photo, nothing)
    terminals.wait_for(service, "try get result...")
    address = f"tcp://127.0.0.1:{terminals.port}"
    worker = terminals.bird("worker", address, "-o", "downloads", "--allow-private")

    printed = terminals.ended(service)
    assert f"result is {photo}--->success" in printed
    assert f"result is {nothing}--->failed: http-404" in printed
    assert len(list(terminals.folder.glob("downloads/images/*/*.jpg"))) == 1
    worker.wait(PATIENCE_S)


def test_both_languages_show_the_same_commands():
    english, chinese = ((FOLDER / f"README{more}.md").read_text() for more in ("", ".zh"))

    assert CONSOLE.findall(english) == CONSOLE.findall(chinese)
    assert re.findall(r"\]\((\.\./.*?)\)", english) == re.findall(r"\]\((\.\./.*?)\)", chinese)
    links = re.findall(r"\]\(([^)]*?)\)", english + chinese)
    assert all((FOLDER / link).exists() for link in links), links
