"""Images: what is whole passes with its true size, what lies or lacks something does not."""

import random
import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.image_fixtures import SIZE, animation, exif, picture, whole, written

from bowerbird.images import Inspected, Refused, Result, inspect, true_type
from bowerbird.images.base import CorruptError, Header
from bowerbird.images.formats import jpeg
from bowerbird.images.formats import png as png_format
from bowerbird.images.inspection import look
from bowerbird.settings import ALL_TYPES, Check, Settings

DECODE = Settings()
HEADER = Settings(check=Check.HEADER)
ALL = Settings(types=ALL_TYPES)
KEEP = Settings(keep_damaged=True)
NAMES = sorted(whole())


@pytest.fixture(params=[png_format.AT_ONCE, 0], ids=["at once", "in steps"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """PNGs are inflated as small ones are, then as large ones."""
    monkeypatch.setattr(png_format, "AT_ONCE", request.param)


def reason(result: Result) -> str:
    return result.reason if isinstance(result, Refused) else ""


def seen(body: bytes, options: Settings = DECODE) -> Inspected:
    result = inspect(body, options)
    assert isinstance(result, Inspected), result
    return result


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, raw: bytes, *, depth: int = 8, colour: int = 0) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


# What is whole.


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", [HEADER, DECODE], ids=["header", "decode"])
def test_whole_file_passes_with_the_size_that_pillow_sees(name: str, options: Settings) -> None:
    body = whole()[name]
    with Image.open(BytesIO(body)) as image:
        size, frames = image.size, getattr(image, "n_frames", 1)

    result = seen(body, options)

    assert (result.type, result.width, result.height) == (name.split()[0], *size)
    assert result.frames == (1 if result.type == "ico" else frames)
    assert not result.damaged


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("exif")])
def test_orientation_and_capture_date_are_read(name: str) -> None:
    result = seen(whole()[name], HEADER)

    assert (result.orientation, result.exif_date) == (6, "2021-03-04T05:06:07+02:00")


@pytest.mark.parametrize("turn", range(1, 9))
def test_turns_of_avif_are_told_as_exif_orientation(turn: int) -> None:
    assert seen(written("AVIF", picture((16, 16)), exif=exif(turn)), HEADER).orientation == turn


@pytest.mark.parametrize("date", ["0000:00:00 00:00:00", "2021:13:04 05:06:07", "yesterday", ""])
def test_impossible_capture_dates_are_none(date: str) -> None:
    block = Image.Exif()
    block.get_ifd(0x8769)[0x9003] = date

    assert seen(written("JPEG", exif=block.tobytes()), HEADER).exif_date == ""


def test_broken_exif_costs_the_date_and_not_the_image() -> None:
    body = whole()["jpeg exif"]
    at = body.index(b"Exif\0\0") + 6

    for cut in range(8, 60, 3):
        broken = body[: at + cut] + b"\xff" * 20 + body[at + cut + 20 :]
        assert seen(broken).width == SIZE[0]


@pytest.mark.parametrize("tail", [b"\0" * 7, b"\r\n", b"<!-- cached -->", b"\xff\xd8\xff\xe0film"])
@pytest.mark.parametrize("name", ["jpeg", "jpeg progressive", "png", "gif", "webp", "bmp", "tiff"])
def test_bytes_after_the_end_are_let_be(name: str, tail: bytes) -> None:
    assert seen(whole()[name] + tail).width == SIZE[0]


def test_film_after_a_photograph_is_no_truncation() -> None:
    assert seen(whole()["jpeg restarts"] + b"\0\0\0\x18ftypmp42" + b"\xff\x00\xff\xd0" * 99)


def test_stray_bytes_before_a_jpeg_segment_are_skipped() -> None:
    body = whole()["jpeg"]
    at = body.index(b"\xff\xdb")

    assert seen(body[:at] + b"\0\0" + body[at:]).height == SIZE[1]


def test_icon_of_a_byte_of_size_tells_its_true_size() -> None:
    body = written("ICO", picture((256, 256)), sizes=[(16, 16), (256, 256)])

    assert (seen(body).width, seen(body).height) == (256, 256)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("<svg xmlns='http://www.w3.org/2000/svg' width='40' height='20px'/>", (40, 20)),
        ("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 30 10'/>", (30, 10)),
        ("<svg xmlns='http://www.w3.org/2000/svg' width='60' viewBox='0,0,30,10'/>", (60, 20)),
        ("<svg xmlns='http://www.w3.org/2000/svg' width='1in' height='2.54cm'/>", (96, 96)),
        ("<svg xmlns='http://www.w3.org/2000/svg' width='100%' height='x'/>", (300, 150)),
        ("<?xml version='1.0'?><!-- - -- --><s:svg xmlns:s='x'><s:g/></s:svg>", None),
        ("<!-- x --><!DOCTYPE svg PUBLIC 'a' 'b'><svg width='1' height='1'/>", (1, 1)),
    ],
)
def test_svg_has_a_size_and_is_kept_only_on_request(
    text: str, size: tuple[int, int] | None
) -> None:
    result = inspect(text.encode(), ALL)

    assert inspect(text.encode(), DECODE) == Refused("type-not-wanted", "svg")
    if size:
        assert isinstance(result, Inspected)
        assert (result.width, result.height) == size


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE svg [<!ENTITY a 'b'>]><svg>&a;</svg>",
        "<!DOCTYPE svg [<!ENTITY % p SYSTEM 'file:///etc/passwd'>%p;]><svg/>",
        "<svg>" + "<g>" * 600 + "</g>" * 600 + "</svg>",
        "<svg><g></svg>",
    ],
)
def test_svg_with_entities_or_faults_is_corrupt(text: str) -> None:
    assert reason(inspect(text.encode(), ALL)) == "corrupt"


def test_svg_without_its_end_is_truncated() -> None:
    assert reason(inspect(b"<svg width='9' height='9'><g>", ALL)) == "truncated"


# What is no image.


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not-an-image"),
        (b"plain text", "not-an-image"),
        (b"BM is how this text begins", "not-an-image"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "not-an-image"),
        (b"%PDF-1.7", "not-an-image"),
        (b"8BPS\0\1", "not-an-image"),
        (b"RIFF\0\0\0\0WAVE", "not-an-image"),
        (b"<!DOCTYPE html><title>404</title>", "html-not-image"),
        (b"\xef\xbb\xbf \n<!-- x --><html>", "html-not-image"),
        (b"<?xml version='1.0'?><!DOCTYPE html PUBLIC '-//W3C' 'x'><html>", "html-not-image"),
        (b"<div>gone</div>", "html-not-image"),
    ],
)
def test_what_is_no_image_is_told_from_html(body: bytes, why: str) -> None:
    assert reason(inspect(body, DECODE)) == why


def test_types_that_are_not_wanted_are_refused_before_any_parsing() -> None:
    assert inspect(b"GIF89a", Settings(types=("png",))) == Refused("type-not-wanted", "gif")


# Caps, from the header.


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (Settings(min_width=61), "too-small"),
        (Settings(min_height=41), "too-small"),
        (Settings(max_pixels=2399), "too-many-pixels"),
        (Settings(max_frames=2), "too-many-frames"),
        (Settings(max_frame_pixels=4999), "too-many-pixels"),
    ],
)
@pytest.mark.parametrize("kind", ["png", "gif", "webp", "avif", "tiff"])
def test_caps_hold_from_the_header(kind: str, options: Settings, why: str) -> None:
    assert reason(look(animation(kind.upper()), options)) == why


def test_bomb_is_refused_unopened() -> None:
    body = png(7_900, 7_900, b"\0" * 9_000)

    assert reason(look(body, DECODE)) == "pixel-bomb"


def test_frame_that_outgrows_a_tiny_screen_does_not_slip_under_the_caps() -> None:
    frame = b",\0\0\0\0" + struct.pack("<HH", 12_000, 12_000) + b"\0\x02\x01\0\0"

    assert reason(look(b"GIF89a\1\0\1\0\0\0\0" + frame + b";", DECODE)) == "corrupt"


def test_icon_is_charged_for_all_its_pictures() -> None:
    picture_bytes = png(2_000, 2_000, bytes(2_000 * 2_001))
    entry = struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 8, len(picture_bytes), 6 + 16 * 100)
    body = b"\0\0\1\0" + struct.pack("<H", 100) + entry * 100 + picture_bytes

    assert reason(look(body, DECODE)) == "too-many-pixels"


def test_pages_that_share_their_entries_are_not_read_for_ever() -> None:
    entries = struct.pack("<HHII", 256, 4, 1, 9) * 1_000
    pages = bytearray(b"II*\0\x08\0\0\0")
    for _ in range(400):
        at = len(pages)
        pages += struct.pack("<H", 1_000) + entries + struct.pack("<I", at + 12_006)

    assert reason(look(bytes(pages), DECODE)) == "corrupt"


def test_size_of_nothing_is_corrupt() -> None:
    body = whole()["jpeg"]
    at = body.index(b"\xff\xc0") + 5

    assert reason(inspect(body[:at] + bytes(4) + body[at + 4 :], DECODE)) == "corrupt"


# What lacks its end, or lies.


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", [HEADER, DECODE], ids=["header", "decode"])
def test_no_cut_file_passes_as_whole(name: str, options: Settings) -> None:
    body = whole()[name]
    end = len(body) - (4 if name == "tiff pages" else 0)  # it ends with four bytes of padding
    cuts = [*range(1, min(end, 200), 7), *range(200, end - 40, 97), *range(max(1, end - 40), end)]

    for cut in cuts:
        assert reason(inspect(body[:cut], options)) in ("truncated", "not-an-image"), cut


@pytest.mark.parametrize("name", ["jpeg", "png", "gif", "webp", "bmp"])
def test_file_that_lacks_only_its_end_is_kept_on_request_and_flagged(name: str) -> None:
    body = whole()[name][:-30]

    result = seen(body, KEEP)

    assert result.damaged
    assert (result.width, result.height) == SIZE


@pytest.mark.parametrize("name", ["jpeg", "png", "gif", "webp"])
def test_file_that_lacks_its_header_is_not_kept(name: str) -> None:
    assert reason(inspect(whole()[name][:14], KEEP)) == "truncated"


def test_corrupt_file_is_not_kept_as_damaged() -> None:
    body = png(4, 4, b"\0" * 12)

    assert reason(inspect(body, KEEP)) == "corrupt"


@pytest.mark.parametrize("name", ["jpeg", "jpeg progressive", "jpeg cmyk", "jpeg restarts"])
def test_photograph_that_was_cut_and_closed_again_is_corrupt(name: str) -> None:
    body = whole()[name]

    for cut in range(len(body) // 2, len(body) - 40, 61):
        closed = body[:cut].rstrip(b"\xff") + b"\xff\xd9"
        assert reason(inspect(closed, DECODE)) in ("corrupt", "truncated"), cut


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"\0" * 20, ""),
        (b"\4" + b"\0" * 19, ""),
        (b"\0" * 19, "corrupt"),
        (b"\5" + b"\0" * 19, "corrupt"),
        (b"\0" * 15 + b"\xff" + b"\0" * 4, "corrupt"),
        (b"\0" * 900_000, ""),
    ],
)
def test_png_rows_must_all_be_there_with_filters_that_exist(raw: bytes, why: str) -> None:
    assert reason(inspect(png(4, 4, raw), DECODE)) == why


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("colour", [0, 2, 3, 4, 6, 1, 5, 7])
@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16, 3])
def test_png_of_impossible_depth_is_corrupt(depth: int, colour: int) -> None:
    allowed = {0: (1, 2, 4, 8, 16), 2: (8, 16), 4: (8, 16), 6: (8, 16)}.get(colour, ())

    result = inspect(png(4, 4, bytes(200), depth=depth, colour=colour), DECODE)

    assert (reason(result) == "") is (depth in allowed)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (8, 8), (61, 43)])
def test_interlaced_png_passes(size: tuple[int, int]) -> None:
    # Pillow writes none, so the passes are laid out here: every row one filter byte and its pixels
    width, height = size
    steps = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2)]
    rows = b""
    for x, y, dx, dy in [*steps, (0, 1, 1, 2)]:
        columns, lines = len(range(x, width, dx)), len(range(y, height, dy))
        rows += (b"\2" + b"\x77" * columns) * lines if columns else b""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 1)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    body = b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)

    with Image.open(BytesIO(body)) as image:
        image.load()

    assert (seen(body).width, seen(body).height) == size


@pytest.mark.usefixtures("either_way")
def test_every_flipped_bit_of_a_png_that_counts_is_found() -> None:
    body = whole()["png bits"]
    start, end = body.index(b"IHDR"), body.index(b"IEND")
    for at in range(start, end):
        flipped = body[:at] + bytes([body[at] ^ 0x10]) + body[at + 1 :]
        assert reason(inspect(flipped, DECODE)), at


def test_gif_with_too_little_data_for_its_frame_is_corrupt() -> None:
    body = whole()["gif"]
    start = body.index(b",\0\0\0\0" + struct.pack("<HH", *SIZE)) + 11  # of its compressed data

    shortened = body[:start] + b"\x10" + body[start + 1 : start + 17] + b"\0;"

    assert reason(inspect(shortened, DECODE)) == "corrupt"
    assert reason(inspect(body[:start] + b"\0;", DECODE)) == "corrupt"


def test_header_that_claims_more_than_the_data_holds_is_refused() -> None:
    body = whole()["jpeg"]
    at = body.index(b"\xff\xc0") + 5
    taller = body[:at] + struct.pack(">HH", SIZE[1] * 4, SIZE[0] * 4) + body[at + 4 :]

    assert reason(inspect(taller, DECODE)) == "corrupt"


def test_thousands_of_scans_are_refused_before_they_are_decoded() -> None:
    body = whole()["jpeg progressive"]
    at = body.rindex(b"\xff\xda")
    scan = body[at:-2]

    result = inspect(body[:-2] + scan * (jpeg.MAX_SCANS + 1) + b"\xff\xd9", DECODE)

    assert result == Refused("corrupt", f"jpeg: more than {jpeg.MAX_SCANS} scans")


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("tiff")])
def test_directories_in_a_loop_end(name: str) -> None:
    body = bytearray(whole()[name])
    if name == "tiff":
        (first,) = struct.unpack_from("<I", body, 4)
        (count,) = struct.unpack_from("<H", body, first)
        struct.pack_into("<I", body, first + 2 + 12 * count, first)

        assert reason(inspect(bytes(body), DECODE)) == "corrupt"


# Whatever comes.


def mutations(body: bytes, seed: int, count: int) -> list[bytes]:
    dice = random.Random(seed)
    out = []
    for _ in range(count):
        data = bytearray(body)
        for _ in range(dice.choice((1, 1, 2, 8))):
            at = dice.randrange(min(len(data), dice.choice((64, 400, len(data)))))
            data[at] = dice.choice((0, 255, 0x7F, 0x80, dice.randrange(256)))
        if dice.random() < 0.3:
            at = dice.randrange(len(data))
            del data[at : at + dice.choice((1, 4, 100))]
        out.append(bytes(data))
    return out


@pytest.mark.parametrize("name", NAMES)
def test_no_mutated_file_raises_or_passes_the_caps(name: str, capfd: object) -> None:
    options = Settings(types=ALL_TYPES, max_pixels=200_000, max_frames=50, max_frame_pixels=400_000)
    for body in mutations(whole()[name], hash(name) & 0xFF, 120):
        result = inspect(body, options)
        if isinstance(result, Inspected):
            assert 0 < result.width * result.height <= 200_000
            assert result.frames <= 50


HEADS = st.sampled_from(
    [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\xff\0\0\0WEBPVP8X", b"BM"]
    + [b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0", b"\0\0\1\0\1\0", b"<svg ", b"\0\0\0\x14ftypavif"]
    + [
        whole()[name][:cut]
        for name in ("jpeg", "avif", "tiff", "webp animated")
        for cut in (40, 200)
    ]
)


@settings(max_examples=300, deadline=None)
@given(HEADS, st.binary(max_size=400))
def test_no_bytes_raise(head: bytes, tail: bytes) -> None:
    assert inspect(head + tail, ALL)
    assert inspect(head + tail, Settings(types=ALL_TYPES, keep_damaged=True))
    assert true_type(head + tail) in {"", *ALL_TYPES}


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xd8\xff" + b"\xe1\0\2\xff" * 1_000_000,
        b"\xff\xd8\xff" + b"\0" * 4_000_000,
        b"\xff\xd8" + b"\xff" * 4_000_000,
        whole()["jpeg"][:-2] + b"\xff\xe0\0\2" * 1_000_000,
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 0, 0, 0, 0))
        + png_chunk(b"fcTL", bytes(26)) * 90_000,
        b"GIF89a\1\0\1\0\0\0\0" + b"!\xfe\0" * 1_000_000,
        b"GIF89a\1\0\1\0\0\0\0!\xfe" + b"\1a" * 2_000_000,
        b"GIF89a\1\0\1\0\0\0\0" + b",\0\0\0\0\1\0\1\0\0\2\1\0\0" * 300_000,
        b"RIFF\xff\xff\xff\0WEBPVP8X" + b"\0" * 4_000_000,
        b"\0\0\0\x14ftypavif\0\0\0\0avif" + b"\0\0\0\x08free" * 500_000,
        b"II*\0\x08\0\0\0" + b"\xff\xff" + b"\1" * 4_000_000,
        b"<svg " + b"a" * 2_000_000,
        b"<svg>" + b"<g>" * 700_000,
        b"<!--" * 1_000_000,
        b"\0\0\1\0\0\1" + b"\x10" * 16 * 256,
    ],
    ids=range(15),
)
def test_no_bytes_take_more_than_linear_time(body: bytes) -> None:
    assert reason(inspect(body, ALL))


def test_only_decoders_that_are_allowed_are_loaded(tmp_path: Path) -> None:
    import subprocess
    import sys

    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from tests.image_fixtures import whole\n"
        "bodies = whole()\n"
        "loaded = [name for name in sys.modules if name.startswith('PIL')]\n"
        "for name in loaded: del sys.modules[name]\n"
        "from bowerbird.images import inspect; from bowerbird.settings import Settings\n"
        "for body in bodies.values(): inspect(body, Settings())\n"
        "print(*[name for name in sys.modules if name.endswith('ImagePlugin')])"
    )
    tests = str(Path(__file__).parent.parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", program, tests], capture_output=True, text=True, check=True
    )

    allowed = {"Gif", "WebP", "Avif", "Bmp", "Tiff", "Jpeg"}
    assert set(done.stdout.split()) <= {f"PIL.{name}ImagePlugin" for name in allowed}


def test_bytes_in_a_comment_that_look_like_scans_are_no_bomb() -> None:
    body = written("jpeg")
    comment = b"\xff\xfe" + (2 + 1_400).to_bytes(2, "big") + b"\xff\xda" * 700

    seen(body[:2] + comment + body[2:])


def chunks_of(body: bytes) -> list[tuple[bytes, bytes]]:
    at, found = 8, []
    while at < len(body):
        size = int.from_bytes(body[at : at + 4], "big")
        found.append((body[at + 4 : at + 8], body[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


def renumbered(chunks: list[tuple[bytes, bytes]]) -> bytes:
    """An animated PNG of these chunks, in whatever order, numbered anew."""
    number, parts = 0, [b"\x89PNG\r\n\x1a\n"]
    for name, data in chunks:
        if name in (b"fcTL", b"fdAT"):
            data, number = number.to_bytes(4, "big") + data[4:], number + 1
        parts.append(png_chunk(name, data))
    return b"".join(parts)


@pytest.mark.usefixtures("either_way")
def test_animated_png_that_lacks_a_frame_is_not_whole() -> None:
    chunks = chunks_of(whole()["png animated"])
    last = max(at for at, (name, _) in enumerate(chunks) if name == b"fcTL")
    data = [at for at, (name, _) in enumerate(chunks) if name == b"fdAT" and at > last]

    assert seen(renumbered(chunks)).frames == 3
    assert reason(inspect(renumbered(chunks[:last] + chunks[-1:]), DECODE)) == "truncated"
    without = [chunk for at, chunk in enumerate(chunks) if at not in data]
    assert reason(inspect(renumbered(without), DECODE)) == "corrupt"


@pytest.mark.usefixtures("either_way")
def test_animated_png_out_of_order_is_corrupt() -> None:
    chunks = chunks_of(whole()["png animated"])
    wrong = [(name, data.replace(b"\0\0\0\2", b"\0\0\0\3", 1) if name == b"fdAT" else data)
             for name, data in chunks]  # fmt: skip
    body = b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in wrong)

    assert reason(inspect(body, DECODE)) == "corrupt"


def test_bitmap_whose_pixels_are_said_to_begin_in_its_palette_is_measured_from_behind_it() -> None:
    body = bytearray(whole()["bmp palette"])
    body[10:14] = struct.pack("<I", 54)

    assert seen(bytes(body)).width == SIZE[0]
    assert reason(inspect(bytes(body[:-1]), DECODE)) == "truncated"


def test_svg_in_an_encoding_that_nobody_knows_is_corrupt() -> None:
    body = b"<?xml version='1.0' encoding='UTF-UTF-8'?><svg xmlns='http://www.w3.org/2000/svg'/>"

    assert reason(inspect(body, ALL)) == "corrupt"


def scanned(side: int, scans: int) -> bytes:
    """A progressive photograph whose last scan is there again and again: 70 bytes each."""
    body = written("JPEG", picture((side, side), "L"), progressive=True)
    last = body.rindex(b"\xff\xda")
    return body[:-2] + body[last:-2] * scans + b"\xff\xd9"


def test_scans_are_limited_by_what_they_cost() -> None:
    header = jpeg.header(scanned(64, 1))
    large = Header(width=8_000, height=8_000)

    jpeg._limit_scans(scanned(64, 300), header)
    for scans, size in ((501, header), (21, large)):
        with pytest.raises(CorruptError, match="scans"):
            jpeg._limit_scans(scanned(64, scans), size)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("side", [63, 64, 255, 256, 257, 511, 512, 513, 1024])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_png_of_one_colour_is_whole_whatever_its_size(side: int, mode: str) -> None:
    # A tile of 256 x 256 RGBA has 256 bytes more than a step, in 600 bytes of file.
    body = written("PNG", Image.new(mode, (side, side)))

    assert (seen(body).width, seen(body).height) == (side, side)
    for length in range(len(body) - 20, len(body)):
        assert reason(inspect(body[:length], DECODE)) == "truncated"


def test_bitmap_with_a_short_palette_is_whole() -> None:
    body = whole()["bmp palette"]
    start: int = struct.unpack_from("<I", body, 10)[0]
    short = body[:10] + struct.pack("<I", 54 + 64) + body[14 : 54 + 64] + body[start:]

    assert seen(short).width == SIZE[0]
    assert reason(inspect(short[:-1], DECODE)) == "truncated"


# What browsers show, and what they do not.


@pytest.mark.parametrize("behind", [b"\n", b"\r\n", bytes(4), b"<!-- a server's remark -->"])
@pytest.mark.parametrize("name", ["avif", "avif animated", "gif", "png", "webp", "jpeg"])
def test_what_follows_a_whole_picture_is_let_be(name: str, behind: bytes) -> None:
    assert seen(whole()[name] + behind) == seen(whole()[name])


@pytest.mark.parametrize("name", ["gif", "gif animated"])
def test_zeros_before_the_end_of_a_gif_are_padding(name: str) -> None:
    body = whole()[name]

    assert seen(body[:-1] + b"\0\0;") == seen(body)
    assert reason(inspect(body[:-1] + b"\x01;", DECODE)) == "corrupt"


def test_a_gif_of_no_pixels_or_too_many_bits_is_corrupt() -> None:
    body = whole()["gif"]
    at = body.index(b"\x2c\0\0\0\0")
    depth = at + 10 + (3 << (body[at + 9] & 7) + 1 if body[at + 9] & 0x80 else 0)

    assert reason(inspect(body[: at + 5] + bytes(4) + body[at + 9 :], DECODE)) == "corrupt"
    assert reason(inspect(body[:depth] + b"\x0c" + body[depth + 1 :], DECODE)) == "corrupt"


def test_a_gif_of_millions_of_tiny_blocks_is_not_walked_for_ever() -> None:
    body = whole()["gif"]

    assert (
        reason(inspect(body[:-1] + b"!\xfe" + b"\x01x" * 1_000_000 + b"\0;", DECODE)) == "corrupt"
    )


@pytest.mark.parametrize(
    ("name", "size"),
    [("ico bitmap", 0), ("ico bitmap", 20), ("ico", 0), ("ico", 20), ("ico", 1_000_000)],
)
def test_the_sizes_that_an_icon_s_directory_says_are_not_needed(name: str, size: int) -> None:
    body = whole()[name]
    told = body[:14] + struct.pack("<I", size) + body[18:]

    assert seen(told) == seen(body)


@pytest.mark.parametrize("at", [26, 27, 28])
def test_a_png_of_methods_that_nobody_knows_is_corrupt(at: int) -> None:
    head = bytearray(struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0))
    head[at - 16] = 2
    chunks = [(b"IHDR", bytes(head)), (b"IDAT", zlib.compress(bytes(6))), (b"IEND", b"")]
    body = b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)

    assert reason(inspect(body, HEADER)) == "corrupt"


@pytest.mark.parametrize(("name", "whole"), [(b"QQQQ", False), (b"qqqq", True)])
def test_a_png_with_a_part_that_must_be_understood_and_is_not_is_corrupt(
    name: bytes, whole: bool
) -> None:
    body = png(2, 2, bytes(6))
    body = body[:33] + png_chunk(name, b"x") + body[33:]

    assert (reason(inspect(body, DECODE)) == "") is whole


def test_a_palette_counts_only_where_colours_come_from_it() -> None:
    rgb = png(2, 2, bytes(14), colour=2)
    odd = png_chunk(b"PLTE", bytes(4))

    assert seen(rgb[:33] + odd + rgb[33:]).width == 2
    mapped = png(2, 2, bytes(6), colour=3)
    assert reason(inspect(mapped[:33] + odd + mapped[33:], DECODE)) == "corrupt"
