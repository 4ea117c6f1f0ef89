"""The rows: which programs do which work, and which ratios are wanted."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import corpus
from benchmarks.peers import aria2, bowerbird, curl, img2dataset, scrapy, wget2
from benchmarks.peers.base import Peer


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio of wall times that is wanted."""

    name: str
    over: str  #: a peer's name: its wall ÷ ours, or ours ÷ its where `slower`
    must: float
    aim: float
    slower: bool = False  #: the wanted ratio is ours ÷ its, small is good

    def ratio(self, ours_s: float, theirs_s: float) -> float:
        """The measured ratio."""
        return ours_s / theirs_s if self.slower else theirs_s / ours_s

    def is_met(self, ratio: float, limit: float) -> bool:
        """Whether it is as good as the limit."""
        return ratio <= limit if self.slower else ratio >= limit


@dataclass(frozen=True, slots=True)
class Suite:
    """One work, done by several programs in turn; the first one is ours."""

    name: str
    title: str
    root: Callable[[int], Path]  #: number of photographs -> the folder that is served
    peers: tuple[Peer, ...]
    goals: tuple[Goal, ...] = ()
    is_list: bool = False


SUITES = (
    Suite(
        "photos-header",
        "A list of photographs, headers checked",
        corpus.photos,
        (bowerbird.HEADER, curl.CURL, wget2.WGET2_LIST, aria2.ARIA2),
        (Goal("wall ÷ curl", curl.CURL.name, 1.5, 1.0, slower=True),),
        is_list=True,
    ),
    Suite(
        "photos-decode",
        "The same list, every photograph decoded",
        corpus.photos,
        (
            bowerbird.DECODE,
            scrapy.SCRAPY_IMAGES,
            scrapy.SCRAPY_FILES,
            img2dataset.IMG2DATASET,
            img2dataset.IMG2DATASET_KEEP,
        ),
        (
            Goal("× faster than Scrapy ImagesPipeline", scrapy.SCRAPY_IMAGES.name, 8, 15),
            Goal("× faster than img2dataset", img2dataset.IMG2DATASET.name, 3, 6),
            Goal(
                "× faster than img2dataset, skip_reencode", img2dataset.IMG2DATASET_KEEP.name, 3, 6
            ),
        ),
        is_list=True,
    ),
    Suite(
        "manual",
        "A manual of 684 pages and 1,963 images (gimp-help-en)",
        lambda _: corpus.MANUAL,
        (
            bowerbird.CRAWL,
            wget2.WGET2_MIRROR,
            scrapy.SCRAPY_CRAWL_FILES,
            scrapy.SCRAPY_CRAWL_IMAGES,
        ),
        (
            Goal("× faster than Scrapy", scrapy.SCRAPY_CRAWL_FILES.name, 12, 25),
            Goal("× faster than Scrapy, ImagesPipeline", scrapy.SCRAPY_CRAWL_IMAGES.name, 12, 25),
            Goal("wall ÷ wget2", wget2.WGET2_MIRROR.name, 4, 1.5, slower=True),
        ),
    ),
    Suite(
        "handbook",
        "All of debian-handbook",
        lambda _: corpus.HANDBOOK,
        (
            bowerbird.CRAWL,
            wget2.WGET2_MIRROR,
            scrapy.SCRAPY_CRAWL_FILES,
            scrapy.SCRAPY_CRAWL_IMAGES,
        ),
        (
            Goal("× faster than Scrapy", scrapy.SCRAPY_CRAWL_FILES.name, 15, 30),
            Goal("× faster than Scrapy, ImagesPipeline", scrapy.SCRAPY_CRAWL_IMAGES.name, 15, 30),
            Goal("wall ÷ wget2", wget2.WGET2_MIRROR.name, 4, 1.5, slower=True),
        ),
    ),
)
