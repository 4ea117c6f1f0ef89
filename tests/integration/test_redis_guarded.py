"""Sentinels and Clusters behind TLS and passwords: reached by who knows them, silent about them."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from tests.bird import Ran, bird
from tests.ports import free_port
from tests.redis_fixtures import START_S, RedisServer, need_redis

from bowerbird.queues.certificate import make_certificate

MASTER_WORD, WATCH_WORD = "word-of-the-master", "word-of-the-sentinel"


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Certificate and key of 127.0.0.1."""
    folder = tmp_path_factory.mktemp("tls")
    make_certificate(folder / "cert.pem", folder / "key.pem", ["127.0.0.1"])
    return str(folder / "cert.pem"), str(folder / "key.pem")


def tls_options(pem: tuple[str, str], port: int) -> tuple[str, ...]:
    return (
        "--tls-port", str(port), "--tls-cert-file", pem[0], "--tls-key-file", pem[1],
        "--tls-ca-cert-file", pem[0], "--tls-auth-clients", "no",
    )  # fmt: skip


@pytest.fixture
def master(tmp_path: Path, pem: tuple[str, str]) -> Iterator[int]:
    """The TLS port of a Redis with a password."""
    need_redis()
    port = free_port()
    options = ("--requirepass", MASTER_WORD, *tls_options(pem, port))
    server = RedisServer(tmp_path / "master", *options).start()
    yield port
    server.kill()


@pytest.fixture
def sentinel(tmp_path: Path, master: int, pem: tuple[str, str]) -> Iterator[int]:
    """A Sentinel that speaks TLS alone, to a user of its own."""
    port, folder = free_port(), tmp_path / "sentinel"
    folder.mkdir()
    options = tls_options(pem, port)
    pairs = zip(options[::2], options[1::2], strict=True)
    (folder / "sentinel.conf").write_text(
        f"port 0\nbind 127.0.0.1\ndir {folder}\ntls-replication yes\n"
        + "".join(f"{name[2:]} {value}\n" for name, value in pairs)
        + f"sentinel monitor mine 127.0.0.1 {master} 1\nsentinel auth-pass mine {MASTER_WORD}\n"
        f"user default off\nuser watcher on >{WATCH_WORD} ~* &* +@all\n"
    )
    process = subprocess.Popen(
        ["redis-server", str(folder / "sentinel.conf"), "--sentinel"], stdout=subprocess.DEVNULL
    )
    yield port
    process.kill()
    process.wait()


def listed(engine: str, ca: str) -> Ran:
    """`bowerbird crawls`, tried again while Sentinels or Cluster still find their feet."""
    until = time.monotonic() + START_S
    while True:
        ran = bird("crawls", engine, "--tls-ca", ca)
        if "cannot be reached" not in ran.err or time.monotonic() > until:
            return ran
        time.sleep(0.2)


def test_sentinels_have_a_user_of_their_own_and_nobody_is_told_the_passwords(
    sentinel: int, pem: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"rediss+sentinel://127.0.0.1:{sentinel}/mine"
    engine = f"{place}?sentinel_username=watcher"
    monkeypatch.setenv("REDISCLI_AUTH", MASTER_WORD)
    locked_out = listed(engine, pem[0])
    monkeypatch.setenv("BOWERBIRD_SENTINEL_AUTH", "wrong-word")
    wrong = listed(engine, pem[0])
    monkeypatch.setenv("BOWERBIRD_SENTINEL_AUTH", WATCH_WORD)
    good = listed(engine, pem[0])
    distrusted = bird("crawls", engine)
    typed = listed(f"{engine}&sentinel_password={WATCH_WORD}", pem[0])
    monkeypatch.setenv("REDISCLI_AUTH", "wrong-word")
    no_master = listed(engine, pem[0])

    for ran in (locked_out, wrong):
        assert (ran.status, "The Sentinels of Redis" in ran.err) == (2, True), ran.err
    assert (good.status, typed.status) == (0, 0), good.err + typed.err
    assert (distrusted.status, "certificate" in distrusted.err) == (1, True), distrusted.err
    assert "can be seen by every user" in typed.err
    assert (no_master.status, "REDISCLI_AUTH" in no_master.err) == (2, True), no_master.err
    for ran in (locked_out, wrong, good, distrusted, typed, no_master):
        said = ran.out + ran.err
        assert not any(word in said for word in (MASTER_WORD, WATCH_WORD, "wrong-word")), said
        assert "Traceback" not in said


def test_a_cluster_is_reached_through_tls(
    tmp_path: Path, pem: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    need_redis()
    port = free_port()
    options = (
        "--cluster-enabled", "yes", "--tls-cluster", "yes", "--requirepass", MASTER_WORD,
        *tls_options(pem, port),
    )  # fmt: skip
    server = RedisServer(tmp_path / "node", *options).start()
    try:
        with redis.Redis(port=server.port, password=MASTER_WORD, protocol=2) as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)  # type: ignore[no-untyped-call]
        monkeypatch.setenv("REDISCLI_AUTH", MASTER_WORD)
        good = listed(f"rediss+cluster://127.0.0.1:{port}/", pem[0])
        distrusted = bird("crawls", f"rediss+cluster://127.0.0.1:{port}/")
        monkeypatch.setenv("REDISCLI_AUTH", "wrong-word")
        wrong = listed(f"rediss+cluster://127.0.0.1:{port}/", pem[0])
    finally:
        server.kill()
    assert good.status == 0, good.err
    assert (distrusted.status, "certificate" in distrusted.err) == (1, True), distrusted.err
    assert (wrong.status, "REDISCLI_AUTH" in wrong.err) == (2, True), wrong.err
    assert "word" not in (good.err + distrusted.err + wrong.err).replace("password", "")


def test_tls_that_cannot_work_is_said_at_once_and_the_line_for_workers_has_what_they_need(
    tmp_path: Path, master: int, pem: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDISCLI_AUTH", MASTER_WORD)
    engine, (cert, key) = f"rediss://127.0.0.1:{master}/0?crawl=x", pem
    refused = {
        words: bird("worker", engine, *options)
        for words, options in {
            "--tls-ca: Cannot read the CA certificates in /none": ("--tls-ca", "/none"),
            "--tls-ca: /dev/null holds no": ("--tls-ca", "/dev/null"),
            "--tls-key: Cannot read the key in /none": ("--tls-cert", cert, "--tls-key", "/none"),
            "go together": ("--tls-cert", cert),
            "--tls-fingerprint is for managers": ("--tls-fingerprint", "ab:cd"),
        }.items()
    }
    distrusted = bird("status", engine)
    own = ("--tls-ca", cert, "--tls-cert", cert, "--tls-key", key)
    begun = bird(
        "crawl", "http://127.0.0.1:1/", "-o", tmp_path / "out", "--engine", engine, *own,
        "--workers", 1, "--retries", 0, "--allow-private",
    )  # fmt: skip
    for words, ran in refused.items():
        assert (ran.status, words in ran.err) == (2, True), ran.err
    assert "with --tls-ca" in distrusted.err
    assert "Does it run" not in distrusted.err
    assert f"--tls-ca {cert} --tls-cert CERTIFICATE --tls-key KEY" in begun.err
