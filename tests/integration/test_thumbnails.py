"""Thumbnails: drawn in a child, kept within a bound, and what hostile files do there."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from bowerbird.images.base import Refused
from bowerbird.images.sketches import SIDE, Sketches
from bowerbird.store.thumbnails import Thumbnail, Thumbnails


@pytest.fixture(scope="module")
def sketches() -> Iterator[Sketches]:
    made = Sketches(children=1)
    yield made
    made.close()


def encoded(picture: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF"])
def test_every_type_that_is_kept_is_drawn(sketches, tmp_path, form) -> None:
    file = tmp_path / "picture"
    file.write_bytes(encoded(Image.new("RGB", (900, 300), (200, 30, 30)), form))

    for drawn in (sketches.draw(str(file)), sketches.draw(body=file.read_bytes())):
        assert isinstance(drawn, bytes)
        small = Image.open(io.BytesIO(drawn))
        assert (small.format, small.size) == ("WEBP", (SIDE, SIDE // 3))
        assert small.convert("RGB").getpixel((5, 5))[0] > 180


def test_transparency_is_kept(sketches) -> None:
    drawn = sketches.draw(body=encoded(Image.new("RGBA", (50, 40), (0, 0, 0, 0)), "PNG"))

    assert Image.open(io.BytesIO(drawn)).convert("RGBA").getpixel((3, 3))[3] == 0


def test_a_photograph_taken_upright_stands_upright(sketches) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    drawn = sketches.draw(body=encoded(Image.new("RGB", (400, 200)), "JPEG", exif=exif))

    assert Image.open(io.BytesIO(drawn)).size == (SIDE // 2, SIDE)


def test_sixteen_bits_are_not_cut_off_at_white(sketches) -> None:
    picture = Image.linear_gradient("L").convert("I").point(lambda value: value * 200)
    drawn = sketches.draw(body=encoded(picture.convert("I;16"), "PNG"))

    low, high = Image.open(io.BytesIO(drawn)).convert("L").getextrema()
    assert low < 20
    assert high > 230


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", "not-drawn"),
        (b"<html><script>alert(1)</script>", "html-not-image"),
        (b"", "missing"),
        (b"\xff\xd8\xff\xe0" + bytes(500), "corrupt"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "not-an-image"),
    ],
    ids=["svg", "page", "nothing", "zeros", "postscript"],
)
def test_what_cannot_be_drawn_is_refused_and_the_next_one_drawn(sketches, body, reason) -> None:
    refused = sketches.draw("" if body else "/no/such/file", body)

    assert isinstance(refused, Refused)
    assert refused.reason == reason
    assert isinstance(sketches.draw(body=encoded(Image.new("L", (9, 9)), "PNG")), bytes)


def test_half_a_picture_is_shown_as_far_as_it_goes(sketches) -> None:
    body = encoded(Image.effect_noise((400, 400), 90), "JPEG")

    assert isinstance(sketches.draw(body=body[: len(body) // 2]), bytes)


def test_a_child_that_rests_is_started_again(sketches, monkeypatch) -> None:
    monkeypatch.setattr("bowerbird.images.sketches.IDLE_S", 0.0)
    sketches.rest()

    assert isinstance(sketches.draw(body=encoded(Image.new("L", (9, 9)), "PNG")), bytes)


def test_thumbnails_never_take_more_than_their_bound(tmp_path: Path) -> None:
    kept = Thumbnails(tmp_path / "thumbnails.db", most_bytes=400_000)
    for number in range(200):
        kept.put(f"{number:064x}", Thumbnail(os.urandom(8_000)))
        assert kept.size <= 430_000

    assert kept.get(f"{199:064x}") is not None
    assert kept.get(f"{0:064x}") is None
    assert kept.get(f"{999:064x}") is None


def test_a_reason_is_kept_as_well(tmp_path: Path) -> None:
    kept = Thumbnails(tmp_path / "thumbnails.db")
    kept.put("ab" * 32, Thumbnail(reason="corrupt"))
    kept.close()

    assert Thumbnails(tmp_path / "thumbnails.db").get("ab" * 32) == Thumbnail(reason="corrupt")
