"""Files that are bad or gone are found, named and fetched anew; a machine that went down too."""

from pathlib import Path
from threading import Event

import apsw
import pytest

from bowerbird.store.owner import host_mark
from tests.bird import PATIENCE_S, bird, flying, records_of, wait_for, went_down
from tests.web import Answer, Web, images_of, serve, tree

SHARED = "/shared.png"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def crawled(web: Web, out: Path, *more: object) -> tuple[object, ...]:
    return ("crawl", f"{web.url}/p0", "-o", out, "--json", "--delay", "0", *more)


def file_of(out: Path, web: Web, path: str) -> Path:
    (record,) = [one for one in records_of(out) if one.final_url == web.url + path]
    return out / record.holders[0].path


def hurt(out: Path, web: Web) -> dict[str, Path]:
    """Flip a byte of one file, cut another, remove a third."""
    files = {path: file_of(out, web, path) for path in ("/i1.png", "/i2.png", "/i3.png")}
    body = bytearray(files["/i1.png"].read_bytes())
    body[40] ^= 1
    files["/i1.png"].write_bytes(body)
    files["/i2.png"].write_bytes(files["/i2.png"].read_bytes()[:-5])
    files["/i3.png"].unlink()
    return files


def test_verify_names_what_is_bad_and_repair_has_it_fetched_anew(out):
    with serve(tree(pages=4, images=2)) as web:
        bird(*crawled(web, out))
        files = hurt(out, web)
        before = web.counts()

        found = bird("verify", out)
        repaired = bird("verify", out, "--repair")
        between = bird("verify", out)
        again = bird(*crawled(web, out))
        after = bird("verify", out)

        assert found.status == 1
        for path, why in (("/i1.png", "content"), ("/i2.png", "size"), ("/i3.png", "missing")):
            name = files[path].relative_to(out)
            assert f"bad ({why}): {name} from {web.url}{path}" in found.out
        assert "--repair" in found.out
        assert (repaired.status, between.status) == (0, 0)
        assert "3 to be fetched anew" in repaired.out
        assert "same `crawl`" in repaired.out
        assert (again.status, after.status) == (0, 0)
        fetched = {path for path, number in (web.counts() - before).items() if number}
        assert fetched - {"/robots.txt"} == {"/i1.png", "/i2.png", "/i3.png"}
        assert {one.final_url for one in records_of(out)} == {
            web.url + path for path in images_of(web.answers)
        }
        assert "Nothing new" not in again.out
        assert again.report["failures"] == {}


def test_repair_of_one_file_mends_all_records_of_its_content(out):
    answers = tree(pages=2, images=1)
    answers["/i2.png"] = answers["/i1.png"]
    with serve(answers) as web:
        bird(*crawled(web, out))
        file_of(out, web, "/i1.png").write_bytes(b"")

        assert "2 to be fetched anew" in bird("verify", out, "--repair").out
        assert bird(*crawled(web, out)).status == 0
        assert len(records_of(out)) == 3
        assert bird("verify", out).status == 0


def test_repair_of_a_crawl_at_work_is_done_by_that_crawl(out):
    answers, gate = tree(pages=4, images=2), Event()
    total, last = len(images_of(answers)), answers["/i8.png"]

    def held_back() -> Answer:
        gate.wait(PATIENCE_S)
        return last

    answers["/i8.png"] = held_back
    with serve(answers) as web, flying(*crawled(web, out)) as run:
        wait_for("all but one", lambda: f"{total - 1} images" in bird("status", out).out)
        hurt_file = next(out.glob("images/*/*.png"))
        hurt_file.write_bytes(b"")
        repaired = bird("verify", out, "--repair")
        gate.set()
        ran = run.ended()

        assert "1 to be fetched anew" in repaired.out
        assert ran.status == 0
        assert bird("verify", out).status == 0
        assert len(records_of(out)) == total


def test_after_the_machine_went_down_cut_files_are_fetched_anew(out):
    with serve(tree(pages=4, images=2)) as web:
        bird(*crawled(web, out))
        hurt(out, web)
        went_down(out)
        before = web.counts()

        ran = bird(*crawled(web, out))

        assert ran.status == 0
        assert any("The machine went down" in note for note in ran.report["notes"])
        assert bird("verify", out).status == 0
        fetched = {path for path, number in (web.counts() - before).items() if number}
        assert fetched - {"/robots.txt"} == {"/i1.png", "/i2.png", "/i3.png"}
        again = bird(*crawled(web, out))
        assert not any("The machine went down" in note for note in again.report["notes"])


def test_an_older_record_of_a_lost_file_comes_back_with_it(out):
    answers = tree(pages=2, images=1)
    answers["/i2.png"] = answers["/i1.png"]
    with serve(answers) as web:
        bird(*crawled(web, out))
        file_of(out, web, "/i1.png").write_bytes(b"")
        connection = apsw.Connection(str(out / "crawl.db"))
        connection.execute(
            "UPDATE catalog_record SET fetched_at = 1 WHERE final_id ="
            " (SELECT id FROM catalog_url WHERE url = ?)", (web.url + "/i1.png",)
        )  # fmt: skip
        connection.close()
        went_down(out)

        assert bird(*crawled(web, out)).status == 0
        assert bird("verify", out).status == 0
        assert len(records_of(out)) == 3


def test_what_a_killed_worker_left_half_written_is_swept(out):
    with serve(tree(pages=4, images=2)) as web:
        bird(*crawled(web, out))
        left = out / "images" / "ab" / f".tmp-{host_mark()}-999999999-1-00000000-0"
        left.parent.mkdir(exist_ok=True)
        left.write_bytes(b"half")
        foreign = out / "images" / "mine.txt"
        foreign.write_bytes(b"not yours")

        with serve({}) as _, flying(*crawled(web, out)) as run:
            wait_for("the sweep", lambda: not left.exists())
            run.ended()

        assert foreign.exists()
