"""An nginx of the benchmark's own, on loopback."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers.base import program

CONF = """
{user}
worker_processes 1;
worker_rlimit_nofile 8192;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    types {{
        text/html html; text/css css; image/jpeg jpg jpeg; image/png png; image/gif gif;
        image/svg+xml svg; application/javascript js; text/plain txt;
    }}
    access_log {access_log};
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    {servers}
}}
"""

SERVER = """
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root {root};
        autoindex on;
        {extra}
    }}
"""


@contextmanager
def nginx(
    folder: Path, roots: dict[str, Path], *, slow: str = "", log: bool = False
) -> Iterator[dict[str, str]]:
    """Serves each root on a port of its own; gives name -> address, slash at the end.

    The root named `slow` is served at 4 MB/s a connection.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ports = {name: free_port() for name in roots}
    (folder / "error.log").write_text("")
    conf = folder / "nginx.conf"
    conf.write_text(_conf(folder, roots, ports, slow, log))
    process = subprocess.Popen([program("nginx"), "-p", str(folder), "-c", str(conf)])
    try:
        for port in ports.values():
            _await(port, process)
        yield {name: f"http://127.0.0.1:{port}/" for name, port in ports.items()}
    finally:
        process.terminate()
        process.wait()
        _complain(folder / "error.log")


def _conf(folder: Path, roots: dict[str, Path], ports: dict[str, int], slow: str, log: bool) -> str:
    servers = [
        SERVER.format(port=ports[name], root=root, extra="limit_rate 4m;" if name == slow else "")
        for name, root in roots.items()
    ]
    return CONF.format(
        folder=folder,
        user="user root;" if os.geteuid() == 0 else "",
        access_log=f"{folder}/access.log" if log else "off",
        servers="".join(servers),
    )


def _complain(log: Path) -> None:
    """A server that fails spoils every row; missing files are the site's own."""
    failures = [line for line in log.read_text().splitlines() if "[crit]" in line]
    if failures:
        print(f"nginx failed {len(failures)} times, the rows are void: {failures[0]}", flush=True)


def free_port() -> int:
    """A port of loopback where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("nginx does not start; see .bench/nginx/error.log") from None
            time.sleep(0.02)
