"""Scrapy with its two media pipelines; spiders in scrapy_spiders.py."""

from pathlib import Path

from benchmarks.peers.base import PEER_PYTHON, Peer, Work, package_version

SPIDERS = Path(__file__).with_name("scrapy_spiders.py")

#: No delay, 64 at once, no robots, no telnet, no log: the fastest that its settings allow.
SETTINGS = {
    "CONCURRENT_REQUESTS": "64",
    "CONCURRENT_REQUESTS_PER_DOMAIN": "64",
    "CONCURRENT_ITEMS": "256",
    "DOWNLOAD_DELAY": "0",
    "ROBOTSTXT_OBEY": "False",
    "TELNETCONSOLE_ENABLED": "False",
    "LOG_LEVEL": "ERROR",
    "RETRY_ENABLED": "False",
    "REACTOR_THREADPOOL_MAXSIZE": "4",
}


def _settings(out: Path, pipeline: str) -> list[str]:
    field = pipeline.removesuffix("Pipeline").upper()
    settings = SETTINGS | {
        f"{field}_STORE": str(out),
        "ITEM_PIPELINES": f'{{"scrapy.pipelines.{field.lower()}.{pipeline}": 1}}',
    }
    return [word for name, value in settings.items() for word in ("-s", f"{name}={value}")]


def _peer(name: str, spider: str, pipeline: str, source: str) -> Peer:
    def command(work: Work) -> list[str]:
        target = work.start if source == "start" else str(work.urls)
        arguments = ["-a", f"mode={spider}", "-a", f"target={target}"]
        runspider = [str(PEER_PYTHON), "-m", "scrapy", "runspider", str(SPIDERS)]
        return [*runspider, *arguments, *_settings(work.out, pipeline)]

    return Peer(name, package_version("scrapy"), command)


SCRAPY_IMAGES = _peer("Scrapy ImagesPipeline", "list", "ImagesPipeline", "urls")
SCRAPY_FILES = _peer("Scrapy FilesPipeline", "list", "FilesPipeline", "urls")
SCRAPY_CRAWL_IMAGES = _peer("Scrapy crawl, ImagesPipeline", "crawl", "ImagesPipeline", "start")
SCRAPY_CRAWL_FILES = _peer("Scrapy crawl, FilesPipeline", "crawl", "FilesPipeline", "start")
