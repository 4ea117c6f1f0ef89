"""Crawls for the gallery to show: with odd images, and with very many."""

from hashlib import sha256
from itertools import islice
from pathlib import Path

from benchmarks.gallery.made import images, make_crawl, make_files

from bowerbird.catalog import CatalogWriter, Entry
from bowerbird.catalog.gallery.index import GalleryIndex
from bowerbird.frontier.rules import Rules
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.model import Holder, Place, Record, Redirection, Sighting
from bowerbird.store import FileStore

SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>parent.hit = 1</script></svg>"
HTML = b"GIF89a<html><script>window.hit = 1</script>"


def add(folder: Path, name: str, body: bytes, type: str, alt: str = "", where: str = "") -> str:
    """One more image, whatever its bytes are; answer its path."""
    frontier = SqliteFrontier(folder / "crawl.db", Rules())
    digest = sha256(body).hexdigest()
    path = FileStore(folder).put(body, digest, type)
    url = f"https://odd.example/{name}"
    record = Record(
        url=url, final_url=url, status=200, type=type, width=9, height=9, bytes=len(body),
        sha256=digest, fetched_at=1_800_000_000.0,
        holders=(Holder(folder=where or str(folder), path=path),),
    )  # fmt: skip
    seen = Sighting(image_url=url, page_url="javascript:hit()", place=Place.IMG, alt=alt)
    with frontier.batch():
        CatalogWriter(frontier.connection).add([record], (), [seen])
    frontier.close()
    return path


def describe(folder: Path, url: str, alt: str) -> None:
    """A page shows an image that is known, over a redirection, and says what it is."""
    frontier = SqliteFrontier(folder / "crawl.db", Rules())
    first = Redirection(from_url=f"{url}?small", to_url=url, status=301)
    page = f"https://odd.example/{alt}"
    seen = Sighting(image_url=first.from_url, page_url=page, place=Place.IMG, alt=alt)
    with frontier.batch():
        CatalogWriter(frontier.connection).add((), [first], [seen])
    frontier.close()


def make_many(folder: Path, number: int, files: int = 12) -> Path:
    """A crawl whose gallery has so many images; its catalog has none of them, which takes a tenth
    of the time."""
    make_crawl(folder, 0, files=0)
    source = images(make_files(FileStore(folder), files), number, str(folder))
    index = GalleryIndex(folder / ".bowerbird/gallery/index.db")
    row = 0
    while chunk := list(islice(source, 5_000)):
        rows = range(row + 1, row + 1 + len(chunk))
        entries = [
            Entry(row=at, record=record, sightings=tuple(seen))
            for at, (record, seen) in zip(rows, chunk, strict=True)
        ]
        index.take(row, entries)
        row = rows[-1]
    index.close()
    return folder
