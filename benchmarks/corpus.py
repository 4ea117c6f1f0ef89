"""What is fetched: photographs cropped from mate-backgrounds, two manuals, and large bodies."""

import io
import random
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

from PIL import Image

from benchmarks.peers.base import BENCH

BACKGROUNDS = Path("/usr/share/backgrounds/mate/nature")
#: 684 pages and 1,963 images can be reached from its first page.
MANUAL = Path("/usr/share/gimp/2.0/help/en")
HANDBOOK = Path("/usr/share/doc/debian-handbook/html")

SIZE, QUALITY = (720, 540), 90  #: about 50 KB with these pictures
BODY = 30_000_000


def photos(count: int) -> Path:
    """A folder with that many photographs, made once; the same on every machine."""
    folder = BENCH / f"photos-{count}"
    if not (folder / "done").exists():
        print(f"cutting {count} photographs", flush=True)
        for name in range(0, count, 1000):
            (folder / f"{name // 1000:03}").mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor() as pool:
            list(pool.map(_photo, range(count), [folder] * count, chunksize=50))
        (folder / "done").touch()
    return folder


def bodies(count: int) -> Path:
    """A folder with JPEG files of 30 MB: small pictures with very long comments."""
    folder = BENCH / f"bodies-{count}"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / f"{number:03}.jpg"
        if not path.exists():
            path.write_bytes(_padded(number))
    return folder


def url_list(folder: Path, address: str, target: Path) -> Path:
    """The addresses of all pictures of a folder, one a line."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg"))
    target.write_text("".join(f"{address}{name}\n" for name in names))
    return target


def _photo(number: int, folder: Path) -> None:
    path = folder / f"{number // 1000:03}/{number:05}.jpg"
    dice = random.Random(number)
    source = _source(dice.choice(sorted(path.name for path in BACKGROUNDS.glob("*.jpg"))))
    left = dice.randrange(source.width - SIZE[0])
    top = dice.randrange(source.height - SIZE[1])
    crop = source.crop((left, top, left + SIZE[0], top + SIZE[1]))
    crop.save(path, quality=QUALITY)


@cache
def _source(name: str) -> Image.Image:
    return Image.open(BACKGROUNDS / name).convert("RGB")


def _padded(number: int) -> bytes:
    """A JPEG whose comment segments (ITU-T T.81, B.2.4.5) make it large."""
    buffer = io.BytesIO()
    Image.new("RGB", (640, 480), (number, 90, 160)).save(buffer, "JPEG")
    head, rest = buffer.getvalue()[:2], buffer.getvalue()[2:]
    segment = b"\xff\xfe\xff\xff" + random.Random(number).randbytes(65_533)
    return head + segment * (BODY // len(segment)) + rest
