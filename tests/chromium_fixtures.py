"""Headless Chromium over its DevTools protocol: what does it request of a page?"""

import json
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-extensions", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--disable-dev-shm-usage", "--mute-audio", "--hide-scrollbars"),
    *("--remote-debugging-port=0", "--remote-allow-origins=*"),
)
#: No request for this long: the page has come to rest, in seconds.
QUIET_S = 0.08
#: A page that has not come to rest by then is measured as it is, in seconds.
LONGEST_S = 5.0


@contextmanager
def chromium(program: str) -> Iterator[int]:
    """A running browser with an empty profile; its DevTools port."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield _port(Path(profile), process)
        finally:
            process.terminate()
            process.wait(20)


def _port(profile: Path, process: subprocess.Popen[bytes]) -> int:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        lines = (profile / "DevToolsActivePort").read_text().split() if _ready(profile) else []
        if lines:
            return int(lines[0])
        time.sleep(0.05)
    raise RuntimeError(f"Chromium did not start (exit status {process.poll()})")


def _ready(profile: Path) -> bool:
    return (profile / "DevToolsActivePort").exists()


class Tab:
    """The one tab of a browser: only a tab in front draws, and asks for what it draws."""

    def __init__(self, port: int) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=30) as answer:
            address = next(
                each["webSocketDebuggerUrl"] for each in json.load(answer) if each["type"] == "page"
            )
        self._socket = websocket.create_connection(address, timeout=30)
        self._last_id = 0
        self._loaded = False
        self.requests: set[tuple[str, str]] = set()
        for name in ("Network.enable", "Page.enable"):
            self.call(name)
        self.call("Network.setCacheDisabled", cacheDisabled=True)

    def close(self) -> None:
        self._socket.close()

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a DevTools method and wait for its answer."""
        self._last_id += 1
        self._socket.settimeout(30)
        self._socket.send(json.dumps({"id": self._last_id, "method": method, "params": params}))
        while True:
            message = self._receive()
            if message.get("id") == self._last_id:
                return dict(message.get("result", {}))

    def open(self, url: str, width: int, density: int, *, scripts: bool) -> None:
        """Show a page, scroll it to its end and wait until it asks for nothing more."""
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=1_200,
            deviceScaleFactor=density,
            mobile=False,
        )
        self._loaded = False
        self.call("Page.navigate", url=url)
        self._read_until(LONGEST_S, loaded=True)
        self.call("Runtime.evaluate", expression="scrollTo(0, 1e6)")
        self._read_until(LONGEST_S)

    def leave(self) -> set[tuple[str, str]]:
        """What was requested since the last call; nothing comes after it."""
        self.call("Page.navigate", url="about:blank")
        self._read_until(LONGEST_S)
        asked, self.requests = self.requests, set()
        return asked

    def _read_until(self, longest_s: float, *, loaded: bool = False) -> None:
        """Take events until the page has loaded, or until it has come to rest."""
        end = time.monotonic() + longest_s
        self._socket.settimeout(longest_s if loaded else QUIET_S)
        while time.monotonic() < end and not (loaded and self._loaded):
            try:
                self._receive()
            except websocket.WebSocketTimeoutException:
                return

    def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._socket.recv())
        if message.get("method") == "Network.requestWillBeSent":
            params = message["params"]
            self.requests.add((params.get("type", ""), params["request"]["url"]))
        elif message.get("method") == "Page.loadEventFired":
            self._loaded = True
        return message
