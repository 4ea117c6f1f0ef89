"""Builds the gallery website into a folder: pages, pictures, sitemap, and what to find."""

import base64
import hashlib
import html
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from string import Template

from bowerbird.demo import pictures
from bowerbird.demo.content import HIDDEN, PHOTOS, ROOMS, Photo, Room

COPY = "second-print.jpg"
#: Path asked for -> path it redirects to.
REDIRECTS = {"/photo-of-the-day": "/photos/evening-ridge-1080.jpg"}
ABOUT = "A gallery that was made to be gathered."


@dataclass(frozen=True, slots=True)
class Expected:
    """What a crawl with default settings must find. Paths start with a slash."""

    pages: frozenset[str]
    images: dict[str, str]  #: path -> sha256; two paths have the same one
    inline: frozenset[str]  #: sha256 of images inside pages (data: URIs)
    failures: dict[str, str]  #: path -> "truncated" or "404"
    redirects: dict[str, str]  #: path -> path

    @property
    def files(self) -> frozenset[str]:
        """sha256 of every file that must lie in the store."""
        return self.inline | frozenset(self.images.values())


def build(folder: Path, base: str) -> Expected:
    """Writes the website; `base` is its address, with a slash at the end, e.g. for og:image.

    Takes about a second: 25 photographs are drawn in three sizes.
    """
    for name in ("photos", "images", "galleries"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor() as pool:  # Pillow and numpy let go of the GIL
        list(pool.map(partial(pictures.write_photo, folder=folder / "photos"), PHOTOS))
    _write_oddities(folder)
    _write_pages(folder, base)
    return _expected(folder)


def _write_oddities(folder: Path) -> None:
    """What is not a photograph, or not in order."""
    photos = folder / "photos"
    pictures.write_icons(folder)
    pictures.write_poster(photos / "last-light-1080.jpg", folder / "images/film.jpg")
    shutil.copyfile(photos / "morning-ridge-1080.jpg", photos / COPY)
    whole = (photos / "low-sun-1080.jpg").read_bytes()
    (photos / "torn-print.jpg").write_bytes(whole[: len(whole) * 6 // 10])


def _write_pages(folder: Path, base: str) -> None:
    pages = {"index.html": _index(base), "about/index.html": _about(base)}
    pages |= {f"galleries/{room.slug}.html": _room(room, base) for room in ROOMS}
    pages |= {"sitemap.xml": _sitemap(base), "robots.txt": _robots(base)}
    pages |= {name: _template(name).template for name in ("style.css", "lazy.js")}
    (folder / "about").mkdir(exist_ok=True)
    for path, text in pages.items():
        (folder / path).write_text(text, encoding="utf-8")


def _index(base: str) -> str:
    cover = ROOMS[0].photos[2]
    cards = [_fill("room-card.html", **_words(room), **_cover(room.photos[0])) for room in ROOMS]
    main = _fill("index.html", rooms="".join(cards), **_cover(cover))
    return _page(base, "", "Bright things", "Photographs of places that do not exist.", cover, main)


def _room(room: Room, base: str) -> str:
    figures = [_fill(room.figure, **_texts(photo)) for photo in room.photos]
    main = _fill("room.html", figures="".join(figures), **_words(room))
    return _page(base, "../", room.title, room.words, room.photos[0], main)


def _about(base: str) -> str:
    data = "data:image/png;base64," + base64.b64encode(pictures.ornament()).decode()
    main = _fill("about.html", words=ABOUT, ornament=data, copy=COPY)
    return _page(base, "../", "About", ABOUT, ROOMS[1].photos[0], main)


def _page(base: str, root: str, title: str, words: str, cover: Photo, main: str) -> str:
    """A whole page; `root` leads from its folder to the top."""
    return _fill(
        "page.html",
        base=base,
        root=root,
        title=title,
        words=words,
        cover=cover.slug,
        json_ld=_json_ld(base, title, cover),
        menu=_menu(root, title),
        main=main,
    )


def _menu(root: str, current: str) -> str:
    places = [(f"{root}galleries/{room.slug}.html", room.title) for room in ROOMS]
    links = [*places, (f"{root}about/", "About")]
    mark = {current: ' aria-current="page"'}
    return "".join(f'<a href="{to}"{mark.get(name, "")}>{name}</a>' for to, name in links)


def _json_ld(base: str, title: str, cover: Photo) -> str:
    return json.dumps(
        {
            "@context": "https://schema.org",
            "@type": "ImageGallery",
            "name": title,
            "image": f"{base}photos/{cover.slug}-1080.jpg",
        }
    )


def _sitemap(base: str) -> str:
    """With the image extension, which alone names the hidden photograph."""
    pages = ["", "about/", *(f"galleries/{room.slug}.html" for room in ROOMS)]
    image = f"<image:image><image:loc>{base}photos/{HIDDEN.slug}-1080.jpg</image:loc></image:image>"
    urls = [f"<url><loc>{base}{page}</loc>{'' if page else image}</url>\n" for page in pages]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"\n'
        '  xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">\n'
        f"{''.join(urls)}</urlset>\n"
    )


def _robots(base: str) -> str:
    return f"User-agent: *\nAllow: /\n\nSitemap: {base}sitemap.xml\n"


def _words(room: Room) -> dict[str, str]:
    return {"slug": room.slug, "title": room.title, "words": room.words}


def _cover(photo: Photo) -> dict[str, str]:
    return {"cover": photo.slug, "cover_title": html.escape(photo.title)}


def _texts(photo: Photo) -> dict[str, str]:
    return {"slug": photo.slug, "title": html.escape(photo.title), "year": str(photo.year)}


def _fill(name: str, **texts: str) -> str:
    return _template(name).substitute(texts)


def _template(name: str) -> Template:
    return Template((resources.files("bowerbird.demo") / "pages" / name).read_text("utf-8"))


def _expected(folder: Path) -> Expected:
    found = [f"/photos/{photo.slug}-1080.jpg" for photo in PHOTOS]
    found += [f"/photos/{photo.slug}-360.jpg" for photo in ROOMS[2].photos]  # thumbnails of links
    found += [f"/photos/{COPY}", "/favicon.ico"]
    found += [f"/images/{name}" for name in ("film.jpg", "touch-icon.png", "feathers.png")]
    pages = ["/", "/index.html", "/about/", *(f"/galleries/{room.slug}.html" for room in ROOMS)]
    return Expected(
        pages=frozenset(pages),
        images={path: _sha256((folder / path[1:]).read_bytes()) for path in found},
        inline=frozenset([_sha256(pictures.ornament())]),
        failures={"/photos/torn-print.jpg": "truncated", "/photos/mislaid.jpg": "404"},
        redirects=REDIRECTS,
    )


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
