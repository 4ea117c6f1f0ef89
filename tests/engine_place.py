"""A crawl in Redis for tests: its address, and folders of those who work there."""

from pathlib import Path

from bowerbird.manager.chronicle import Chronicle
from bowerbird.model import Record
from tests.redis_fixtures import RedisServer
from tests.web import Web


class Place:
    """A Redis of this test, and folders of those who work there."""

    def __init__(self, server: RedisServer, base: Path) -> None:
        self.server, self.base = server, base
        self.out = base / "out"
        self.engine = server.address("birds")

    def crawl(self, web: Web, *more: object, out: Path | None = None) -> tuple[object, ...]:
        return (
            "crawl", f"{web.url}/p0", "-o", out or self.out, "--engine", self.engine, "--json",
            "--delay", 0, "--per-host", 16, *more,
        )  # fmt: skip

    def worker(self, name: str = "w", *more: object) -> tuple[object, ...]:
        return (
            "worker", self.engine, "-o", self.base / name, "--json", "--workers", 1,
            "--allow-private", *more,
        )  # fmt: skip


def records_in(folder: Path) -> list[Record]:
    """What crawl.db says, and nothing else."""
    chronicle = Chronicle(folder / "crawl.db")
    try:
        return [entry.record for entry in chronicle.page(0, 10_000)]
    finally:
        chronicle.close()


def urls_in(folder: Path, web: Web) -> list[str]:
    return sorted(record.url.removeprefix(web.url) for record in records_in(folder))
