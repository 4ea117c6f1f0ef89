"""What wget2 mirrors of a real site is on our disk too: by content and by URL."""

import hashlib
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from bowerbird.images import true_type
from tests.bird import bird, records_of, wait_for
from tests.ports import free_port
from tests.web import Answer, tree

pytestmark = pytest.mark.nginx

HANDBOOK = Path("/usr/share/doc/debian-handbook/html")
CONF = """
{user} daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    types {{ text/html html; text/css css; image/png png; image/svg+xml svg; }}
    access_log off;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2;
    fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""
TYPES = "jpeg,png,gif,webp,avif,bmp,tiff,ico,svg"


@contextmanager
def nginx(program: str, folder: Path, root: Path) -> Iterator[str]:
    folder.mkdir()
    port = free_port()
    user = "user root;" if Path.home() == Path("/root") else ""
    conf = folder / "nginx.conf"
    conf.write_text(CONF.format(user=user, folder=folder, port=port, root=root))
    # It warns of a log it cannot open before it has read where ours is.
    process = subprocess.Popen(
        [program, "-p", str(folder), "-c", str(conf)], stderr=subprocess.DEVNULL
    )
    try:
        wait_for("nginx", lambda: _listens(port, process))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "nginx does not start"
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def site(tmp_path: Path) -> tuple[Path, str]:
    """(root, path of the start page): a real manual where there is one, else a tree of pages."""
    if (HANDBOOK / "en-US/index.html").exists():
        return HANDBOOK, "/en-US/"
    root = tmp_path / "site"
    root.mkdir()
    for path, answer in tree(pages=30, images=3).items():
        assert isinstance(answer, Answer)
        name = path[1:] if path.endswith(".png") else f"{path[1:]}.html"
        (root / name).write_bytes(answer.body.replace(b'">x</a>', b'.html">x</a>'))
    return root, "/p0.html"


def mirrored(folder: Path) -> dict[str, str]:
    """URL path -> sha256 of what wget2 has left that is an image."""
    bodies = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    return {
        "/" + path.partition("/")[2]: hashlib.sha256(body).hexdigest()
        for path, body in bodies.items()
        if true_type(body[:4096])
    }


def on_disk(url: str) -> str:
    """The path wget2 gives a URL: file systems know no double slash."""
    return unquote(urlsplit(url).path).replace("//", "/")


def test_no_image_that_wget2_mirrors_is_missing(
    tmp_path: Path, site: tuple[Path, str], needs: Callable[[str], str]
) -> None:
    wget2, (root, start) = needs("wget2"), site
    with nginx(needs("nginx"), tmp_path / "nginx", root) as url:
        recursive = ["-q", "-r", "-l", "inf", "-p", "-np", "-P", str(tmp_path / "theirs")]
        subprocess.run([wget2, *recursive, url + start], check=False, timeout=60)
        bird(
            "crawl", url + start, "-o", tmp_path / "ours", "--srcset", "all", "--types", TYPES,
            "--per-host", 16, "--delay", 0,
        )  # fmt: skip

    theirs = mirrored(tmp_path / "theirs")
    ours = {on_disk(record.final_url): record.sha256 for record in records_of(tmp_path / "ours")}
    assert len(theirs) > 50
    assert theirs.items() <= ours.items()
