"""The demo's gallery: what other tests and a new user's first minute stand on."""

import hashlib
import http.client
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from PIL import Image

from bowerbird.demo import Gallery, open_gallery


@dataclass(frozen=True)
class Site:
    gallery: Gallery
    folder: Path

    def get(self, path: str, client: http.client.HTTPConnection) -> http.client.HTTPResponse:
        client.request("GET", path)
        return client.getresponse()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("gallery")
    with open_gallery(folder) as gallery:
        yield Site(gallery, folder)


@pytest.fixture
def client(site: Site) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(urlsplit(site.gallery.url).netloc)
    yield connection
    connection.close()


def test_no_expected_image_is_missing_or_other_than_promised(site, client):
    for path, sha256 in site.gallery.expected.images.items():
        response = site.get(path, client)

        assert response.status == 200, path
        assert sha256 == hashlib.sha256(response.read()).hexdigest()


def test_no_expected_page_is_missing(site, client):
    for path in site.gallery.expected.pages:
        response = site.get(path, client)

        assert (response.status, response.getheader("Content-Type")) == (200, "text/html")
        response.read()


def test_the_broken_ones_are_broken_as_promised(site, client):
    torn = site.get("/photos/torn-print.jpg", client).read()
    missing = site.get("/photos/mislaid.jpg", client)

    assert not torn.endswith(b"\xff\xd9")
    assert missing.status == 404


def test_a_redirect_leads_to_an_image_and_keeps_the_connection(site, client):
    for path, target in site.gallery.expected.redirects.items():
        response = site.get(path, client)
        response.read()

        assert (302, target) == (response.status, response.getheader("Location"))
        assert target in site.gallery.expected.images


def test_exactly_one_image_has_two_names(site):
    expected = site.gallery.expected

    assert len(expected.images) - 1 == len(set(expected.images.values()))


def test_no_page_names_a_local_file_that_is_not_there(site):
    known = set(site.gallery.expected.failures) | set(site.gallery.expected.redirects)
    for page in site.folder.rglob("*.html"):
        text = page.read_text()
        base = urljoin(site.gallery.url, str(page.relative_to(site.folder)))
        named = re.findall(r'(?:href|src|poster)="([^"]+)"|([^\s",]+) \d+[wx]', text)
        for one in (a or b for a, b in named if not a.startswith("data:")):
            path = urlsplit(urljoin(base, one)).path
            assert path in known or (site.folder / path[1:]).exists(), (page.name, one)


def test_the_hidden_photograph_is_named_by_the_sitemap_alone(site):
    naming = [path.name for path in site.folder.rglob("*.*ml") if "hidden" in path.read_text()]

    assert naming == ["sitemap.xml"]


def test_the_same_seed_draws_the_same_photograph(site, tmp_path):
    from bowerbird.demo.content import PHOTOS
    from bowerbird.demo.pictures import write_photo

    write_photo(PHOTOS[0], tmp_path)
    name = f"{PHOTOS[0].slug}-1080.jpg"

    assert (tmp_path / name).read_bytes() == (site.folder / "photos" / name).read_bytes()


def test_a_photograph_lacks_no_capture_date(site):
    with Image.open(site.folder / "photos" / "first-snow-1080.jpg") as image:
        assert image.size == (1080, 720)
        assert image.getexif().get_ifd(0x8769)[0x9003].startswith("2019:")
