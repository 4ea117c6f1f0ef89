"""HTTP/2 against a real server: one connection carries many requests."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fetch_fixtures import drain, fetch, fetching
from tests.ports import free_port
from tests.site.server import CERTIFICATE

from bowerbird.fetch import Request

pytestmark = pytest.mark.nginx

CONFIGURATION = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error;
events {{ worker_connections 512; }}
http {{
    log_format short '$connection $server_protocol $status'; access_log {folder}/log short;
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen 127.0.0.1:{port} ssl http2; root {folder};
        ssl_certificate {certificate}; ssl_certificate_key {certificate};
    }}
}}
"""


class Nginx:
    """A server of one folder."""

    def __init__(self, program: str, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        text = CONFIGURATION.format(folder=folder, port=self.port, certificate=CERTIFICATE)
        (folder / "conf").write_text(text)
        command = [program, "-c", str(folder / "conf"), "-e", str(folder / "error")]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def wait(self) -> None:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError((self.folder / "error").read_text())

    def log(self) -> list[list[str]]:
        return [line.split() for line in (self.folder / "log").read_text().splitlines()]

    def url(self, path: str) -> str:
        return f"https://127.0.0.1:{self.port}/{path}"


@pytest.fixture
def nginx(needs: Callable[[str], str], tmp_path: Path) -> Iterator[Nginx]:
    server = Nginx(needs("nginx"), tmp_path)
    try:
        server.wait()
        yield server
    finally:
        server.process.terminate()
        server.process.wait()


def test_many_requests_share_one_connection(nginx: Nginx) -> None:
    (nginx.folder / "image").write_bytes(b"x" * 200_000)
    with fetching(ca_file=str(CERTIFICATE)) as fetcher:
        for key in range(40):
            fetcher.submit(Request(key=key, url=nginx.url(f"image?{key}")))
        responses = drain(fetcher)
    assert [response.failure for response in responses.values()] == [None] * 40
    assert {response.size for response in responses.values()} == {200_000}
    connections = {connection for connection, protocol, _ in nginx.log() if protocol == "HTTP/2.0"}
    assert len(connections) == 1


def test_streams_that_wait_for_memory_all_arrive(nginx: Nginx) -> None:
    (nginx.folder / "image").write_bytes(b"x" * 700_000)
    with fetching(ca_file=str(CERTIFICATE), memory=300_000) as fetcher:
        for key in range(12):
            fetcher.submit(Request(key=key, url=nginx.url("image")))
        responses = drain(fetcher)
    assert [response.size for response in responses.values()] == [700_000] * 12


def test_headers_and_statuses_are_read_as_of_http_1(nginx: Nginx) -> None:
    with fetching(ca_file=str(CERTIFICATE)) as fetcher:
        response = fetch(fetcher, nginx.url("missing"))
    assert (response.status, response.headers.get("Content-Type")) == (404, "text/html")
    assert response.failure is None


def test_a_body_that_is_refused_leaves_the_other_streams_alone(nginx: Nginx) -> None:
    (nginx.folder / "image").write_bytes(b"x" * 500_000)
    with fetching(ca_file=str(CERTIFICATE)) as fetcher:
        for key in range(8):
            most = 100_000 if key % 2 else 1_000_000
            fetcher.submit(Request(key=key, url=nginx.url("image"), max_bytes=most))
        responses = drain(fetcher)
    failures = [responses[key].failure for key in range(8)]
    assert failures[::2] == [None] * 4
    assert {failure.reason for failure in failures[1::2] if failure} == {"too-large"}
