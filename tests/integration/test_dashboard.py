"""The dashboard over real HTTP: what it shows of crawls that end, run, vanish and come back."""

import http.client
import json
import socket
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.bird import wait_for
from tests.dashboard_fixtures import HOSTILE, Pages, dashboard, finished, managed

from bowerbird.app.visit import visit
from bowerbird.web.place import Place

PATHS = ("/", "/hosts", "/workers", "/failures", "/api", "/login")


@pytest.fixture
def crawl(tmp_path: Path) -> Path:
    failures = [("http-404", ""), ("http-404", ""), ("timeout", HOSTILE)]
    return finished(tmp_path / "crawl", hosts=120, failures=failures, images=7)


def seen(pages: Pages, condition: Callable[[Any], object]) -> Any:
    """The first live answer of which something is so."""
    found: list[Any] = []

    def look() -> bool:
        found.append(pages.live())
        return bool(condition(found[-1]))

    wait_for("a live answer", look)
    return found[-1]


def test_a_crawl_that_nobody_works_at_is_shown_and_not_held(crawl: Path) -> None:
    with dashboard(crawl) as pages:
        live = seen(pages, lambda one: one["known"])
        assert tuple(live[name] for name in ("images", "bytes", "failed", "hosts")) == (
            7,
            7_000,
            3,
            124,
        )
        assert live["failures"] == {"http-404": 2, "timeout": 1}
        assert not live["running"]
        with visit(str(crawl)) as visited:  # the folder is free: a crawl can begin in it
            assert not visited.running
        past = pages.get("/api/v1/history?span=0").json
        assert round(sum(past["images_per_s"]) * past["every_s"]) == 7


def test_what_was_left_out_is_no_failure_here_either(tmp_path: Path) -> None:
    ends = [("http-404", ""), ("too-small", ""), ("too-small", ""), ("robots", "")]
    folder = finished(tmp_path / "crawl", failures=ends)
    with dashboard(folder) as pages:
        live = seen(pages, lambda one: one["known"])
        metrics = pages.get("/metrics").body.decode()
    assert (live["failed"], live["failures"]) == (1, {"http-404": 1})
    assert live["left_out"] == {"too-small": 2, "robots": 1}
    assert 'bowerbird_tasks_failed{reason="too-small"}' not in metrics
    assert 'bowerbird_tasks_left_out{reason="too-small"} 2' in metrics


def test_a_manager_that_vanishes_and_comes_back_is_met_again(crawl: Path) -> None:
    with dashboard(crawl) as pages:
        seen(pages, lambda one: one["known"] and not one["running"])
        for _ in range(2):
            with managed(crawl):
                seen(pages, lambda one: one["running"] and not one["trouble"])
            live = seen(pages, lambda one: not one["running"] and not one["trouble"])
            assert live["images"] == 7


def test_a_far_manager_that_is_away_is_trouble_and_no_end(crawl: Path) -> None:
    with managed(crawl) as engine:
        address = str(engine.addresses[0])
        key = crawl / ".bowerbird" / "authkey"
        from bowerbird.app.access import Access

        access = Access(authkey_file=str(key))
        with dashboard(address, access=access) as pages:
            live = seen(pages, lambda one: one["running"])
            assert address == live["where"]
            engine._service.stop()
            live = seen(pages, lambda one: one["trouble"])
            assert live["images"] == 7
            assert not live["running"]
            assert pages.act("/api/v1/pause").status == 503


def test_pause_resume_retry_and_stop_reach_the_manager(crawl: Path) -> None:
    with managed(crawl), dashboard(crawl) as pages:
        seen(pages, lambda one: one["running"])
        assert pages.act("/api/v1/pause").json == {"state": "paused"}
        seen(pages, lambda one: one["state"] == "paused")
        assert pages.act("/api/v1/resume").json == {"state": "running"}
        seen(pages, lambda one: one["state"] == "running")
        assert pages.act("/api/v1/retry", {"reason": "http-404"}).json == {"requeued": 2}
        assert {
            reason: n
            for reason, n in seen(pages, lambda one: one["failed"] == 1)["failures"].items()
            if n
        } == {"timeout": 1}
        assert pages.act("/api/v1/stop").json == {"state": "draining"}
        seen(pages, lambda one: one["state"] in ("draining", "ended"))


def test_what_failed_can_be_put_back_while_nobody_works(crawl: Path) -> None:
    with dashboard(crawl) as pages:
        assert pages.act("/api/v1/retry").json == {"requeued": 3}
        seen(pages, lambda one: one["known"] and one["failed"] == 0)


@pytest.mark.parametrize(
    "body", ["[]", '{"reason": 1}', '{"reasons": ""}', "{", '"' + "x" * 70_000]
)
def test_a_wrong_question_is_answered_and_changes_nothing(crawl: Path, body: str) -> None:
    with dashboard(crawl) as pages:
        parts = urlsplit(pages.address)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        own = {"X-Bowerbird": "1", "Authorization": f"Bearer {pages.token}"}
        connection.request("POST", "/api/v1/retry", body, own)
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["error"]) == (400, "bad-request")
        connection.close()
        assert seen(pages, lambda one: one["known"])["failed"] == 3


@pytest.mark.parametrize("at_work", [False, True])
def test_hosts_are_sorted_searched_and_turned_page_by_page(crawl: Path, at_work: bool) -> None:
    def hosts(**query: object) -> Any:
        text = "&".join(f"{name}={value}" for name, value in query.items())
        return pages.get(f"/api/v1/hosts?{text}").json

    with managed(crawl) if at_work else nullcontext(), dashboard(crawl) as pages:
        seen(pages, lambda one: one["known"] and one["running"] == at_work)
        first = hosts(sort="host", limit=100)
        second = hosts(sort="host", limit=100, offset=100)
        names = [host["host"] for host in (*first["hosts"], *second["hosts"])]
        assert (first["matching"], len(set(names))) == (124, 124)
        assert names == sorted(names)
        assert [one["host"] for one in hosts(search="T77.")["hosts"]] == ["host77.example"]
        assert hosts(search="%")["matching"] == 0
        assert {"dead0.example", "dead1.example", "dead2.example"} == {
            one["host"] for one in hosts(sort="failed", limit=3)["hosts"]
        }
        assert hosts(sort="done", limit=1)["hosts"][0]["done"] == 7
        assert hosts(sort="busy", limit=1)["hosts"][0]["waiting"] == 1
        assert hosts(sort="busy", limit=1, reverse=1)["hosts"][0]["waiting"] == 0
        assert hosts(state="down")["hosts"] == []
        assert pages.get("/api/v1/hosts?sort=name;drop").status == 400
        assert pages.get("/api/v1/hosts?limit=many").status == 400


def test_examples_of_failures_are_of_their_reason(crawl: Path) -> None:
    with dashboard(crawl) as pages:
        seen(pages, lambda one: one["known"])
        found = pages.get("/api/v1/failures?reason=http-404").json
        assert (2, {"http-404"}) == (found["count"], {one["reason"] for one in found["examples"]})
        assert pages.get("/api/v1/failures?reason=timeout").json["examples"][0]["detail"] == HOSTILE


def test_each_answer_forbids_what_is_not_ours(crawl: Path) -> None:
    with dashboard(crawl) as pages:
        for path in (*PATHS, "/gallery", "/nowhere", "/static/style.css", "/api/v1/live"):
            headers = pages.get(path).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert headers["x-content-type-options"] == "nosniff"


def test_no_page_names_another_host_or_holds_a_script(crawl: Path) -> None:
    with dashboard(crawl) as pages:
        for path in (*PATHS, "/gallery"):
            text = pages.get(path).body.decode()
            assert "//" not in text.replace(pages.address, "").replace("http://www.w3.org", "")
            assert "<script>" not in text
            assert " style=" not in text
            assert " onclick=" not in text


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2f..%2fapp%2fcrawl.py",
        "/static//etc/passwd",
        "/static/gallery/../../guard.py",
        "/static/%2e%2e/%2e%2e/%2e%2e/pyproject.toml",
        "/static/\\..\\app.py",
        "/static/vendor",
    ],
)
def test_no_path_leads_out_of_the_static_files(crawl: Path, path: str) -> None:
    with dashboard(crawl) as pages:
        parts = urlsplit(pages.address)
        with socket.create_connection((parts.hostname, parts.port), 30) as line:
            host = f"{parts.hostname}:{parts.port}"
            line.sendall(
                f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
            )
            answer = b"".join(iter(lambda: line.recv(65_536), b""))
        assert answer.split(b" ", 2)[1] in (b"404", b"400")
        assert b"import" not in answer.split(b"\r\n\r\n", 1)[1]


def test_a_hostile_folder_name_is_text(tmp_path: Path) -> None:
    folder = finished(tmp_path / "<script>window.hit=1<")
    with dashboard(folder) as pages:
        assert b"<script>window" not in pages.get("/").body
        assert b"&lt;script&gt;window" in pages.get("/").body


def test_other_machines_come_in_with_the_token_alone(crawl: Path) -> None:
    with dashboard(crawl, Place(host="0.0.0.0", port=0)) as pages:
        pages.address = f"http://127.0.0.1:{urlsplit(pages.address).port}"
        assert (pages.get("/").status, pages.get("/").headers["location"]) == (303, "/login")
        assert pages.get("/api/v1/live").status == 401
        assert pages.get("/login").status == 200
        assert pages.post("/session", {"token": "wrong"}, x_bowerbird="1").status == 403
        answer = pages.post("/session", {"token": pages.token}, x_bowerbird="1")
        cookie = answer.headers["set-cookie"]
        assert all(word in cookie for word in ("HttpOnly", "SameSite=strict"))
        assert pages.token not in cookie
        assert pages.get("/", cookie=cookie.partition(";")[0]).status == 200
        assert pages.get("/metrics", authorization=f"Bearer {pages.token}").status == 200


def test_the_token_of_a_folder_outlasts_the_dashboard_and_is_private(crawl: Path) -> None:
    with dashboard(crawl) as pages:
        first = pages.token
    with dashboard(crawl) as pages:
        assert first == pages.token
        assert str(crawl) in pages.dashboard.token_file
    assert (crawl / ".bowerbird" / "dashboard.token").stat().st_mode & 0o777 == 0o600


def test_the_api_document_speaks_of_every_answer(crawl: Path) -> None:
    with dashboard(crawl) as pages:
        seen(pages, lambda one: one["known"])
        document = pages.get("/api/v1/openapi.json").json
        wait_for("the gallery", lambda: pages.get("/api/v1/gallery").json["images"])
        for path, methods in document["paths"].items():
            if "get" not in methods:
                continue
            answer = methods["get"]["responses"]["200"]["content"]["application/json"]
            name = answer["schema"]["$ref"].rpartition("/")[2]
            fields = document["components"]["schemas"][name]["properties"]
            assert pages.get(path.format(image=0)).json.keys() == fields.keys(), path


def test_the_stream_begins_with_what_is_known_and_ends_with_the_dashboard(crawl: Path) -> None:
    with dashboard(crawl) as pages:
        seen(pages, lambda one: one["known"])
        parts = urlsplit(pages.address)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        connection.request("GET", "/api/v1/stream")
        answer = connection.getresponse()
        lines = iter(answer.readline, b"")
        data = next(line for line in lines if line.startswith(b"data: "))
        assert json.loads(data.removeprefix(b"data: "))["images"] == 7
        pages.dashboard.end()
        assert any(line == b"event: end\n" for line in lines)
        connection.close()
