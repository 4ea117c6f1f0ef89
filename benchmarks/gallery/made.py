"""Makes up the folder of a crawl with any number of images.

    python -m benchmarks.gallery.made FOLDER [NUMBER] [--files 240]

The files are real, drawn by code, in several types and shapes; many records share one. Records,
sightings and hosts are of the sort and spread that crawls bring.
"""

import argparse
import io
import random
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from bowerbird.catalog import CatalogWriter
from bowerbird.demo.scenes import SCENES, draw
from bowerbird.frontier.rules import Rules
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.model import Holder, Place, Record, Sighting
from bowerbird.store import FileStore

#: Widths and heights as sites have them.
SHAPES = ((720, 480), (480, 720), (600, 600), (960, 400), (640, 480), (300, 200), (160, 160))
#: Types and how many of a hundred are of each.
TYPES = {"jpeg": 66, "png": 12, "webp": 14, "avif": 4, "gif": 4}
#: 2026-09-01, from which on one image came each 2 s.
BEGAN = 1_788_220_800
HOSTS = 2_000
CHUNK = 2_000

ADJECTIVES = [
    "quiet",
    "golden",
    "misty",
    "bright",
    "lonely",
    "distant",
    "frozen",
    "early",
    "late",
    "wide",
    "narrow",
    "old",
]
NOUNS = {
    "mountains": ["ridge", "valley", "summit", "pass", "glacier", "hut"],
    "dunes": ["dune", "desert", "caravan", "sandstorm", "oasis", "ripple"],
    "sea": ["harbour", "wave", "lighthouse", "bay", "island", "shore"],
    "night": ["moon", "galaxy", "campfire", "meteor", "village", "owl"],
    "aurora": ["aurora", "fjord", "winter", "sky", "reindeer", "cabin"],
    "study": ["still", "life", "vase", "window", "shadow", "letter"],
}


class Made(NamedTuple):
    """A file in the store."""

    kind: str
    type: str
    size: tuple[int, int]
    bytes: int
    sha256: str
    path: str


def make_files(store: FileStore, number: int, seed: int = 7) -> list[Made]:
    """Draw pictures and store them."""
    dice = random.Random(seed)
    kinds = list(SCENES)
    return [_file(store, kinds[n % len(kinds)], dice, n) for n in range(number)]


def _file(store: FileStore, kind: str, dice: random.Random, seed: int) -> Made:
    size = SHAPES[dice.randrange(len(SHAPES))]
    type = dice.choices(list(TYPES), TYPES.values())[0]
    buffer = io.BytesIO()
    picture: Image.Image = draw(kind, size, seed)
    picture.save(buffer, type, **({"method": 0} if type == "webp" else {}))
    body = buffer.getvalue()
    digest = sha256(body).hexdigest()
    return Made(kind, type, size, len(body), digest, store.put(body, digest, type))


def host_name(number: int) -> str:
    """A few large hosts and many small ones."""
    return f"{('www', 'img', 'media', 'cdn')[number % 4]}.site-{number:04d}.example"


def images(files: list[Made], number: int, folder: str) -> Iterator[tuple[Record, list[Sighting]]]:
    """Records with what pages say of them, the oldest first."""
    dice = random.Random(11)
    for n in range(number):
        made = files[dice.randrange(len(files))]
        host = host_name(min(int(dice.expovariate(1 / 120)), HOSTS - 1))
        words = f"{dice.choice(ADJECTIVES)} {dice.choice(NOUNS[made.kind])}"
        name = f"{words.replace(' ', '-')}-{n}.{made.path.rpartition('.')[2]}"
        url = f"https://{host}/{made.kind}/{name}"
        record = Record(
            url=url, final_url=url, status=200, type=made.type, width=made.size[0],
            height=made.size[1], bytes=made.bytes, sha256=made.sha256, fetched_at=BEGAN + 2.0 * n,
            holders=(Holder(folder=folder, path=made.path, worker="made-up"),),
        )  # fmt: skip
        page = f"https://{host}/{made.kind}/page-{n // 20}.html"
        alt = f"{words.capitalize()}, photograph {n}" if n % 5 else ""
        yield record, [Sighting(image_url=url, page_url=page, place=Place.IMG, alt=alt)]


def make_crawl(folder: Path, number: int, files: int = 240) -> None:
    """Make the folder of a crawl that has ended."""
    store = FileStore(folder)
    drawn = make_files(store, files)
    (folder / ".bowerbird").mkdir(mode=0o700, parents=True, exist_ok=True)
    frontier = SqliteFrontier(folder / "crawl.db", Rules())
    writer = CatalogWriter(frontier.connection)
    source = images(drawn, number, str(folder.absolute()))
    while chunk := list(islice(source, CHUNK)):
        with frontier.batch():
            writer.add([one for one, _ in chunk], (), [each for _, seen in chunk for each in seen])
    frontier.add([], seeds_complete=True)
    frontier.close()


def main() -> None:
    """Make one where the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("number", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--files", type=int, default=240)
    chosen = parser.parse_args()
    make_crawl(chosen.folder, chosen.number, chosen.files)


if __name__ == "__main__":
    main()
