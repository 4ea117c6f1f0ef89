"""Lists of image URLs: every form, every fault, in bounded memory."""

import gzip
import io
import json
import os
import string
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bowerbird.errors import ListError
from bowerbird.manager.list_text import Text
from bowerbird.manager.lists import Listed, UrlList, _reader, open_list

URLS = [f"https://a.org/{name}.jpg" for name in ("one", "two", "three")]
FAST = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def listed(path: Path, body: str | bytes) -> UrlList:
    path.write_bytes(body.encode() if isinstance(body, str) else body)
    return open_list(str(path))


def urls_of(path: Path, body: str | bytes) -> list[str]:
    with listed(path, body) as found:
        return list(found)


TEXTS = {
    "list.txt": "\n".join(URLS),
    "ends.txt": "\r\n".join(URLS) + "\r\n",
    "old-mac.txt": "\r".join(URLS),
    "mark.txt": "\ufeff" + "\n".join(URLS),
    "comments.txt": "# mine\n\n" + "\n  \n# more\n".join(URLS) + "\n\n",
    "quoted.txt": "\n".join(f'"{url}",' for url in URLS),
    "angled.txt": "\n".join(f"<{url}>" for url in URLS),
    "header.txt": "url\n" + "\n".join(URLS),
    "spaces.txt": "\n".join(f"  {url}\t a caption" for url in URLS),
    "no-extension": "\n".join(URLS),
    "list.urls": "\n".join(URLS),
    "list.csv": "\n".join(URLS),
    "named.csv": "id,Image URL,caption\n" + "\n".join(f'1,{url},"a, b"' for url in URLS),
    "unnamed.csv": "\n".join(f"1,{url},x" for url in URLS),
    "other-names.csv": "nr,wo,was\n" + "\n".join(f"1,{url},x" for url in URLS),
    "empty-name.csv": "url,image\n" + "\n".join(f",{url}" for url in URLS),
    "semicolons.csv": "id;src\n" + "\n".join(f"1;{url}" for url in URLS),
    "bars.csv": "id|src\n" + "\n".join(f"1|{url}" for url in URLS),
    "quotes.csv": "url,caption\n" + "\n".join(f'"{url}","over\ntwo ""lines"""' for url in URLS),
    "table-without-extension": "id,url\n" + "\n".join(f"1,{url}" for url in URLS),
    "list.tsv": "url\talt\n" + "\n".join(f"{url}\tb" for url in URLS),
    "list.jsonl": "\n".join(json.dumps({"id": 1, "url": url}) for url in URLS),
    "strings.jsonl": "\n".join(map(json.dumps, URLS)),
    "odd-names.jsonl": "\n".join(json.dumps({"x": [1], "wo": url}) for url in URLS),
    "lines-named.json": "\n".join(json.dumps({"url": url}) for url in URLS),
    "list.json": json.dumps(URLS),
    "pretty.json": json.dumps([{"image_url": url, "n": 1} for url in URLS], indent=2),
    "inside.json": json.dumps({"count": 3, "images": [{"src": url} for url in URLS]}),
    "json-without-extension": json.dumps(URLS),
}


@pytest.mark.parametrize("name", TEXTS)
def test_every_form_people_keep_is_read(tmp_path: Path, name: str) -> None:
    with listed(tmp_path / name, TEXTS[name]) as found:
        assert list(found) == URLS
        assert (found.good, found.bad) == (3, 0)


@pytest.mark.parametrize("name", TEXTS)
def test_every_form_is_read_packed(tmp_path: Path, name: str) -> None:
    assert urls_of(tmp_path / f"{name}.gz", gzip.compress(TEXTS[name].encode())) == URLS


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_texts_of_windows_programs_are_read(tmp_path: Path, encoding: str) -> None:
    mark = "\ufeff" if encoding.endswith(("-le", "-be")) else ""
    body = (mark + "\n".join(URLS)).encode(encoding)

    assert urls_of(tmp_path / "list.txt", body) == URLS


def test_standard_input_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").write_text("\n".join(URLS))
    with (tmp_path / "in").open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        with open_list("-") as found:
            assert list(found) == URLS


def test_a_pipe_that_cannot_seek_is_read(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, gzip.compress("\n".join(URLS).encode()))
    os.close(writing)

    with open_list(f"/dev/fd/{reading}") as found:
        assert list(found) == URLS
    os.close(reading)


@pytest.mark.parametrize(
    "pieces",
    [
        ['{\n', ' "images": [\n', f'  "{URLS[0]}"\n ]\n}}\n'],
        ['{"version": 1}\n', f'{{"url": "{URLS[0]}"}}\n'],
        [f'{{"url": "{URLS[0]}"}}\n'],
        ["[", f'"{URLS[0]}"', "]"],
        [f'{{"title": "my [best] \\" photos", "images": ["{URLS[0]}"]}}'],
    ],
)  # fmt: skip
def test_json_on_a_pipe_is_known_for_what_it_is_in_whatever_pieces_it_comes(
    pieces: list[str],
) -> None:
    text = Text("-", Pieces(pieces))
    faults = list[str]()
    rows = _reader("-", text.head)(text, lambda *fault: faults.append(str(fault)))
    assert [url for _, url, _ in rows] == [URLS[0]]


class Pieces:
    """What a slow pipe brings, a piece for each read."""

    def __init__(self, pieces: list[str]) -> None:
        self._pieces = [piece.encode() for piece in pieces]

    def read1(self, _: int) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    read = read1


def test_captions_come_along(tmp_path: Path) -> None:
    with listed(tmp_path / "list.csv", f"caption,url\nÄ cat,{URLS[0]}\n") as found:
        assert list(found.entries()) == [Listed(URLS[0], "Ä cat")]
    with listed(tmp_path / "list.jsonl", json.dumps({"url": URLS[0], "alt": "b"})) as found:
        assert list(found.entries()) == [Listed(URLS[0], "b")]


def test_urls_become_canonical(tmp_path: Path) -> None:
    body = "HTTP://EXAMPLE.org:80/a b.jpg#top\nhttps://bücher.example/ä.png\n"

    assert urls_of(tmp_path / "list.txt", body) == [
        "http://example.org/a%20b.jpg",
        "https://xn--bcher-kva.example/%C3%A4.png",
    ]


def test_a_comma_in_a_url_makes_no_table_of_a_list(tmp_path: Path) -> None:
    body = "https://a.org/w_100,h_200/x.jpg\nhttps://a.org/w_1,h_2/y.jpg\n"

    assert urls_of(tmp_path / "list", body) == body.split()


def test_bad_lines_among_good_ones_are_counted_and_shown(tmp_path: Path) -> None:
    body = f"{URLS[0]}\nexample.com/a.jpg\nftp://a.org/b\nhttp://\n{URLS[1]}\n"

    with listed(tmp_path / "list.txt", body) as found:
        assert list(found) == URLS[:2]
        assert (found.good, found.bad) == (2, 3)
        assert [str(line) for line in found.bad_lines] == [
            "line 2: a URL begins with http:// or https://: 'example.com/a.jpg'",
            "line 3: ftp: is neither http nor https: 'ftp://a.org/b'",
            "line 4: not a URL: 'http://'",
        ]


@pytest.mark.parametrize(
    ("name", "bad"),
    [("list.csv", f"n,url\n1,{URLS[0]}\n2\n3,\n4,{URLS[1]}"),
     ("list.jsonl", f'{{"url":"{URLS[0]}"}}\n{{broken\n[]\n"{URLS[1]}"'),
     ("list.json", f'["{URLS[0]}", 17, null, "{URLS[1]}"]')],
)  # fmt: skip
def test_bad_entries_do_not_end_a_list(tmp_path: Path, name: str, bad: str) -> None:
    with listed(tmp_path / name, bad) as found:
        assert list(found) == URLS[:2]
        assert (found.bad, len(found.bad_lines)) == (2, 2)


def test_only_the_first_bad_lines_are_kept(tmp_path: Path) -> None:
    with listed(tmp_path / "list.txt", URLS[0] + "\nbad" * 1_000) as found:
        list(found)
        assert (found.bad, len(found.bad_lines)) == (1_000, 20)


def test_an_endless_line_costs_no_memory_and_no_neighbour(tmp_path: Path) -> None:
    body = f"{URLS[0]}\n" + "x" * 5_000_000 + f"\n{URLS[1]}\n"

    with listed(tmp_path / "list.txt", body) as found:
        assert list(found) == URLS[:2]
        assert [line.number for line in found.bad_lines] == [2]
        assert len(found.bad_lines[0].text) == 200


def test_a_quote_never_closed_does_not_swallow_the_rest_in_silence(tmp_path: Path) -> None:
    body = "url\n" + f"{URLS[0]}\n" + '"' + "x\n" * 100_000 + f"{URLS[1]}\n"

    with listed(tmp_path / "list.csv", body) as found:
        assert next(iter(found)) == URLS[0]
        list(found)
        assert found.bad >= 1


REFUSED = {
    "empty.txt": (b"", "is empty"),
    "blank.txt": (b"\n\n \n", "has no http or https URL"),
    "none.txt": (b"hello\nworld\n", "The first line that is none: line 1: not a URL: 'hello'"),
    "bare.txt": (b"example.com/a.jpg\n", "begins with http:// or https://"),
    "image.txt": (b"\xff\xd8\xff\xe0\x00\x10JFIF" * 20, "is binary"),
    "not.txt.gz": (b"https://a.org/x.jpg\n", "is not gzip"),
    "cut.txt.gz": (gzip.compress(os.urandom(99_999))[:500], "breaks off|is damaged"),
    "rot.txt.gz": (gzip.compress(b"x" * 99)[:12] + b"rot" * 9, "is damaged"),
    "empty.txt.gz": (gzip.compress(b""), "has no http or https URL"),
    "broken.json": (b'["https:/', "broken JSON behind element 0"),
    "wrong.json": (b'{"a": 1}', "JSON without an array|no http"),
    "number.json": (b"17", "JSON without an array"),
    "empty.json": (b"[]", "has no http or https URL"),
    "header-only.csv": (b"id,url\n", "has no http or https URL"),
    "deep.jsonl": (b"[" * 100_000, "has no http or https URL"),
    "deep.json": (b"[" * 100_000, "broken JSON"),
    "bad.parquet": (b"PAR1 is no table PAR1", "cannot be read as Parquet"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_list_is_refused_by_name_before_anything_begins(
    tmp_path: Path, name: str
) -> None:
    body, words = REFUSED[name]
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")

    with pytest.raises(ListError, match=words) as caught:
        listed(tmp_path / name, body)

    assert name in str(caught.value)


def test_a_list_that_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ListError, match="does not exist"):
        open_list(str(tmp_path / "no.txt"))
    with pytest.raises(ListError, match="is a URL, not a list"):
        open_list("https://example.org/a.png")
    with pytest.raises(ListError, match="is a folder"):
        open_list(str(tmp_path))
    with pytest.raises(ListError, match="cannot be read"):
        open_list("a\0b")


def test_a_list_that_breaks_off_later_says_so_after_what_was_good(tmp_path: Path) -> None:
    body = "\n".join(f"https://a.org/{os.urandom(8).hex()}" for _ in range(100_000)).encode()

    with listed(tmp_path / "cut.gz", gzip.compress(body)[:-50_000]) as found:
        with pytest.raises(ListError, match=r"cut\.gz breaks off"):
            list(found)
        assert found.good > 10_000


def test_parquet_is_read_in_batches(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pa.table({"n": [1, 2, 3], "TEXT": ["a", None, "c"], "URL": [URLS[0], None, URLS[2]]})
    parquet.write_table(table, tmp_path / "list.parquet")

    with open_list(str(tmp_path / "list.parquet")) as found:
        assert list(found.entries()) == [Listed(URLS[0], "a"), Listed(URLS[2], "c")]
        assert found.bad == 1


def test_parquet_without_texts_has_no_urls(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pa.table({"n": [1, 2, 3]}), tmp_path / "list.parquet")

    with pytest.raises(ListError, match="has no http or https URL"):
        open_list(str(tmp_path / "list.parquet"))


def test_without_pyarrow_parquet_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)

    with pytest.raises(ListError, match=r"pip install 'bowerbird\[parquet\]'"):
        listed(tmp_path / "list.parquet", b"PAR1...PAR1")


@pytest.mark.parametrize("form", ["txt", "csv", "json", "jsonl"])
def test_a_long_list_is_streamed(tmp_path: Path, form: str) -> None:
    urls = [f"https://a.org/photographs/{number}.jpg" for number in range(60_000)]
    with (tmp_path / f"list.{form}").open("w") as file:
        if form == "json":
            json.dump(urls, file)
        else:
            line = '{{"url":"{}"}}\n' if form == "jsonl" else "{}\n"
            file.writelines(line.format(url) for url in urls)
    del urls

    tracemalloc.start()
    with open_list(str(tmp_path / f"list.{form}")) as found:
        assert sum(1 for _ in found) == 60_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 6 << 20


NAMES = st.sampled_from(["a.txt", "a.csv", "a.tsv", "a.json", "a.jsonl", "a", "a.gz"])


@FAST
@given(body=st.binary(max_size=400), name=NAMES)
def test_arbitrary_bytes_are_read_or_refused(tmp_path: Path, body: bytes, name: str) -> None:
    _read_or_refused(tmp_path / name, body)


@FAST
@given(
    body=st.text(alphabet="htps:/a.[]{}\",;\t\n\r\\'#|1 é\x85\u2028", max_size=200),
    name=NAMES,
)
def test_arbitrary_marks_are_read_or_refused(tmp_path: Path, body: str, name: str) -> None:
    _read_or_refused(tmp_path / name, (URLS[0] + body).encode())
    _read_or_refused(tmp_path / name, (body + URLS[0]).encode())


def _read_or_refused(path: Path, body: bytes) -> None:
    try:
        found = listed(path, body)
    except ListError:
        return
    with found:
        try:
            assert all(url.startswith(("http://", "https://")) for url in found)
        except ListError:
            assert path.suffix in {".json", "", ".gz"}


WORDS = st.text(alphabet=string.ascii_lowercase + string.digits + ",;|'é \"", max_size=12)


@FAST
@given(captions=st.lists(WORDS, min_size=1, max_size=20), delimiter=st.sampled_from(",;\t|"))
def test_what_a_csv_writer_wrote_is_read_back(
    tmp_path: Path, captions: list[str], delimiter: str
) -> None:
    import csv

    entries = [Listed(f"https://a.org/{i}.jpg", text.strip()) for i, text in enumerate(captions)]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(["nr", "url", "caption"])
    writer.writerows([i, entry.url, entry.alt] for i, entry in enumerate(entries))

    with listed(tmp_path / "list.csv", text.getvalue()) as found:
        assert list(found.entries()) == entries
