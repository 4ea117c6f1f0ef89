"""The gallery, built and served."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bowerbird.demo.server import serve
from bowerbird.demo.site import REDIRECTS, Expected, build


@dataclass(frozen=True, slots=True)
class Gallery:
    """A website that runs."""

    url: str  #: of its first page
    expected: Expected


@contextmanager
def open_gallery(folder: Path) -> Iterator[Gallery]:
    """Builds the website in a folder and serves it as long as the context lasts.

    The port is free and chosen anew each time, so the pages are built after it is known.
    """
    with serve(folder, REDIRECTS) as url:
        yield Gallery(url, build(folder, url))
