"""Exports: whole or not there, harmless to spreadsheets, names safe and unique."""

import csv
import errno
import io
import json
import os
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contracts.store import digest

from bowerbird.catalog import Entry
from bowerbird.errors import StorageFullError, UsageError
from bowerbird.manager.export import COLUMNS, export_csv, export_jsonl, iso, output
from bowerbird.manager.here import Here
from bowerbird.manager.spill import Spill
from bowerbird.manager.tree import export_tree
from bowerbird.manager.tree_names import PART_LIMIT, PATH_LIMIT, folded, names_for
from bowerbird.model import Holder, Place, Record, Sighting
from bowerbird.store import FileStore
from bowerbird.urls import canonical


def here(folder: Path) -> Here:
    return Here(FileStore(folder))


def entry(row: int, url: str, body: bytes, *, alt: str = "", more: int = 0) -> Entry:
    sha256 = digest(body)
    record = Record(
        url=url, final_url=url, status=200, type="jpeg", width=8, height=6, bytes=len(body),
        sha256=sha256, fetched_at=1_700_000_000.5, last_modified="=1+1",
        holders=(Holder(folder="/gone", path=f"images/{sha256[:2]}/{sha256}.jpg", worker="w"),),
    )  # fmt: skip
    seen = Sighting(image_url=url, page_url="https://a.org/", place=Place.IMG, alt=alt)
    return Entry(row=row, record=record, sightings=(seen,), sightings_more=more)


def test_a_line_of_jsonl_has_all_a_program_needs() -> None:
    out = io.BytesIO()
    one = entry(1, "https://a.org/x.jpg", b"x", alt='Ä\n"', more=7)

    assert export_jsonl([one, one], out) == 2

    line = json.loads(out.getvalue().splitlines()[0])
    assert line["path"] == one.record.holders[0].path
    assert line["fetched_at"] == "2023-11-14T22:13:20Z"
    assert line["sightings"] == [
        {"page": "https://a.org/", "alt": 'Ä\n"', "place": "img", "image_url": line["url"]}
    ]
    assert line["sightings_more"] == 7
    assert line["holders"] == [{"folder": "/gone", "path": line["path"], "worker": "w"}]


@pytest.mark.parametrize("alt", ["=HYPERLINK(1)", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "＝1"])
def test_no_cell_of_a_csv_is_a_formula(alt: str) -> None:
    out = io.BytesIO()
    export_csv([entry(1, "https://a.org/x.jpg", b"x", alt=alt)], out)

    (row,) = csv.DictReader(io.StringIO(out.getvalue().decode(), newline=""))
    assert row["alt"] == "'" + alt
    assert row["last_modified"] == "'=1+1"


def test_a_csv_shows_one_sighting_and_counts_all() -> None:
    out = io.BytesIO()
    export_csv([entry(1, "https://a.org/x.jpg", b"x", alt='a, "b"\0', more=3)], out)

    rows = list(csv.reader(io.StringIO(out.getvalue().decode(), newline="")))
    assert tuple(rows[0]) == COLUMNS
    row = dict(zip(COLUMNS, rows[1], strict=True))
    assert (row["alt"], row["sightings"], row["width"]) == ('a, "b"', "4", "8")


@given(st.floats(allow_nan=True))
def test_any_clock_of_a_worker_can_be_exported(seconds: float) -> None:
    assert isinstance(iso(seconds), str)


def test_an_export_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old")

    with pytest.raises(RuntimeError), output(path) as file:
        _write_and_fail(file)

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def _write_and_fail(file: io.BytesIO) -> None:
    file.write(b"new")
    raise RuntimeError


def test_a_full_disk_and_a_wrong_name_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"), output(tmp_path / "no" / "x.csv"):
        pass
    with pytest.raises(StorageFullError, match="No space left"), output(tmp_path / "x.csv"):
        raise OSError(errno.ENOSPC, "")
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_followed_and_a_file_keeps_its_mode(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    with output(link) as file:
        file.write(b"new")

    assert link.is_symlink()
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(pipe.read_bytes)
        with output(pipe) as file:
            file.write(b"records")

        assert reading.result(20.0) == b"records"
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", [".", "/", ""])
def test_a_folder_is_no_file_to_write_to(name: str) -> None:
    with pytest.raises(UsageError, match="Is a directory"), output(Path(name)):
        pass


# The tree.


def grown(tmp_path: Path, *urls: str) -> list[Entry]:
    store = FileStore(tmp_path)
    entries = [entry(i, url, str(i).encode()) for i, url in enumerate(urls, 1)]
    for i, one in enumerate(entries, 1):
        store.put(str(i).encode(), one.record.sha256, "jpeg")
    return entries


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_tree_links_the_same_files_under_names_for_people(tmp_path: Path) -> None:
    entries = grown(tmp_path, "https://a.org/photos/IMG_1.JPG", "https://b.org/")

    tree = export_tree(entries, here(tmp_path), tmp_path / "tree")

    assert (tree.linked, tree.there, tree.missing) == (2, 0, 0)
    assert files_below(tmp_path / "tree") == {
        "a.org/photos/IMG_1.JPG": b"1",
        "b.org/index.jpg": b"2",
    }
    source = tmp_path / entries[0].record.holders[0].path
    assert (tmp_path / "tree/a.org/photos/IMG_1.JPG").samefile(source)


def states_below(folder: Path) -> dict[Path, tuple[int, int, int, int]]:
    """What a write would change of each file and folder; looking at them changes access times."""
    states = {path: path.lstat() for path in folder.rglob("*")}
    return {
        path: (state.st_ino, state.st_mode, state.st_nlink, state.st_mtime_ns)
        for path, state in states.items()
    }


def test_a_tree_again_changes_nothing(tmp_path: Path) -> None:
    urls = [
        "https://a.org/x.jpg",
        "https://a.org/X.jpg",
        "https://a.org/x.jpg?2",
        "https://a.org/x",
    ]
    entries = grown(tmp_path, *urls)
    export_tree(entries, here(tmp_path), tmp_path / "tree")
    before = states_below(tmp_path / "tree")

    tree = export_tree(entries, here(tmp_path), tmp_path / "tree")

    assert (tree.linked, tree.there) == (0, 4)
    assert states_below(tmp_path / "tree") == before


def test_names_are_unique_where_case_and_normal_forms_do_not_count(tmp_path: Path) -> None:
    names = ["a.jpg", "A.jpg", "a.JPG", "%C3%A9.jpg", "e%CC%81.jpg", "a.jpg?1", "a.jpg?2", "a"]
    entries = grown(tmp_path, *(f"https://a.org/{name}" for name in names))

    export_tree(entries, here(tmp_path), tmp_path / "tree")

    found = files_below(tmp_path / "tree")
    assert sorted(found.values()) == sorted(str(i).encode() for i in range(1, len(names) + 1))
    assert len({folded(name) for name in found}) == len(names)


def test_an_image_and_a_folder_of_one_name_both_find_room(tmp_path: Path) -> None:
    entries = grown(tmp_path, "https://a.org/x.jpg", "https://a.org/x.jpg/y.jpg")

    export_tree(entries, here(tmp_path), tmp_path / "tree")

    assert set(files_below(tmp_path / "tree")) == {"a.org/x.jpg", "a.org/x.jpg_/y.jpg"}


def test_a_file_of_someone_elses_is_left_alone(tmp_path: Path) -> None:
    entries = grown(tmp_path, "https://a.org/x.jpg")
    (tmp_path / "tree/a.org").mkdir(parents=True)
    (tmp_path / "tree/a.org/x.jpg").write_text("mine")

    export_tree(entries, here(tmp_path), tmp_path / "tree")

    assert sorted(files_below(tmp_path / "tree").values()) == [b"1", b"mine"]


def test_a_file_that_is_gone_is_counted(tmp_path: Path) -> None:
    entries = grown(tmp_path, "https://a.org/x.jpg")
    (tmp_path / entries[0].record.holders[0].path).unlink()

    assert export_tree(entries, here(tmp_path), tmp_path / "tree").missing == 1


def test_a_path_from_a_stranger_is_never_linked(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    one = entry(1, "https://a.org/x.jpg", b"x")
    holder = Holder(folder=str(tmp_path), path="images/../secret")
    bad = msgspec.structs.replace(
        one, record=msgspec.structs.replace(one.record, holders=(holder,))
    )

    assert export_tree([bad], here(tmp_path), tmp_path / "tree").missing == 1


@pytest.mark.parametrize("code", [errno.EXDEV, errno.EPERM])
def test_where_links_do_not_go_there_are_others_or_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    entries = grown(tmp_path, "https://a.org/x.jpg", "https://a.org/y.jpg")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, "")

    monkeypatch.setattr(os, "link", refuse)
    export_tree(entries, here(tmp_path), tmp_path / "links")
    assert (tmp_path / "links/a.org/x.jpg").is_symlink()
    assert export_tree(entries, here(tmp_path), tmp_path / "links").there == 2

    monkeypatch.setattr(os, "symlink", refuse)
    if code == errno.EPERM:
        export_tree(entries, here(tmp_path), tmp_path / "copies")
        assert not (tmp_path / "copies/a.org/x.jpg").is_symlink()
        assert set(files_below(tmp_path / "copies").values()) == {b"1", b"2"}
        assert export_tree(entries, here(tmp_path), tmp_path / "copies").there == 2


SEGMENTS = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(["..", "%2e%2e%2f", "con", "NUL.txt", "a" * 400, "é" * 300, ".", "x.jpg",
                         "%00", "%ff", "\u202egpj.exe", "-rf", "~", " ", "a.", "com¹", "a\\b",
                         "c:"]),
    ),
    max_size=6,
)  # fmt: skip
DEVICES = {
    "con",
    "prn",
    "aux",
    "nul",
    "com¹",
    *(f"{d}{i}" for d in ("com", "lpt") for i in range(10)),
}


@settings(max_examples=200)
@given(segments=SEGMENTS, host=st.sampled_from(["a.org", "[::1]:8080", "xn--bcher-kva.example:81"]))
def test_any_url_has_names_that_every_system_takes(segments: list[str], host: str) -> None:
    url = canonical(f"https://{host}/" + "/".join(segments))
    if url is None:
        return

    names = names_for(url, "jpeg")

    assert len(set(names)) == len(names) >= 3
    for name in names:
        parts = name.split("/")
        assert len(parts) >= 2
        assert len(name.encode()) <= PATH_LIMIT
        for part in parts:
            assert 0 < len(part.encode()) <= PART_LIMIT
            assert not set(part) & set('<>:"/\\|?*')
            assert part == part.rstrip(". ")
            assert part[0] not in ". "
            assert part.partition(".")[0].lower() not in DEVICES
            assert unicodedata.is_normalized("NFC", part)
        assert name.lower().endswith((".jpg", ".jpeg", ".jpe", ".jfif"))


def test_what_is_no_web_address_has_a_name_too() -> None:
    assert names_for("data:image/png;sha256,00", "png")[0].startswith("data/image~")


def test_a_key_in_the_spill_has_its_first_value() -> None:
    with Spill() as spill:
        assert spill.claim("a", "1")
        assert spill.claim("a", "1")
        assert not spill.claim("a", "2")
        assert "a" in spill
        assert "b" not in spill
