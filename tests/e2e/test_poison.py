"""A task that kills whoever takes it: it ends in the dead letters, and takes nobody along."""

import os
import signal
from pathlib import Path

import pytest

from tests.bird import Flying, bird, flying, records_of
from tests.web import PNG, Answer, Web, images_of, serve, tree


def owner_of(port: int, pids: list[int]) -> int:
    """Which of these processes has the connection from this port; 0: it has just died."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {fields[9] for fields in lines if int(fields[1].partition(":")[2], 16) == port}
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").glob("*"):
            if link.is_symlink() and str(link.readlink())[8:-1] in inodes:
                return pid
    return 0


class Poison:
    """An image whose first byte is never sent: who asks for it is killed."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.run: Flying | None = None
        self.killed: list[int] = []

    def __call__(self) -> Answer:
        assert self.run
        pid = owner_of(self.web.asking.port, self.run.workers())
        if pid:
            self.killed.append(pid)
            os.kill(pid, signal.SIGKILL)
        return Answer(b"", PNG, status=503)


@pytest.mark.parametrize("poisons", [1, 3])
def test_what_kills_its_workers_is_dead_in_the_end_and_nothing_else_is(
    tmp_path: Path, poisons: int
) -> None:
    answers = tree(pages=20, images=4)
    bad = [f"/i{17 * n + 5}.png" for n in range(poisons)]
    whole = images_of(answers) - set(bad)
    with serve(answers, pause_s=0.01) as web:
        poison = Poison(web)
        answers.update(dict.fromkeys(bad, poison))
        arguments = ("-o", tmp_path / "out", "--json", "--delay", "0", "--workers", "2")
        with flying("crawl", f"{web.url}/p0", *arguments) as run:
            poison.run = run
            ran = run.ended()

    assert ran.status == 0, ran.err
    assert ran.report["failures"] == {"kills-worker": poisons}
    assert {
        record.final_url.removeprefix(web.url) for record in records_of(tmp_path / "out")
    } == whole
    assert bird("verify", tmp_path / "out", "--prune").status == 0
    # Two deaths make a suspect, two more while it is alone make it dead. What was asked for
    # beside another poison dies with it, and counts its death as well.
    assert 4 <= ran.report["workers_died"] == len(set(poison.killed)) <= 4 * poisons
    assert all(2 <= web.counts()[path] <= 4 for path in bad)
