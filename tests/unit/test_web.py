"""Rules of the dashboard without a server: who may do what, history, rests, metrics."""

import asyncio
import re
from pathlib import Path

import pytest
from starlette.requests import Request

from bowerbird.app.history import LEVELS, History, past_curves
from bowerbird.app.status import Status
from bowerbird.app.watch import Moment
from bowerbird.errors import UsageError
from bowerbird.model import State, Stats, WorkerInfo, WorkerRow
from bowerbird.web.errand import Told, line_of
from bowerbird.web.guard import Guard
from bowerbird.web.metrics import Metrics
from bowerbird.web.place import Place, parse_place, token_of
from bowerbird.web.sparing import GOOD_S, KEPT, SHARE, Sparing

TOKEN = "a token that is long enough"


def request(method: str = "GET", path: str = "/", **headers: str) -> Request:
    told = {"host": "127.0.0.1:8420", **{k.replace("_", "-"): v for k, v in headers.items()}}
    raw = [(name.encode(), value.encode()) for name, value in told.items()]
    return Request({"type": "http", "method": method, "path": path, "headers": raw})


def status_of(guard: Guard, asked: Request) -> int:
    refusal = guard.refusal(asked)
    return refusal.status_code if refusal else 200


OWN = {"authorization": f"Bearer {TOKEN}", "x_bowerbird": "1"}


class TestGuard:
    near = Guard(token=TOKEN, port=8420)
    far = Guard(token=TOKEN, port=8420, open=True)

    @pytest.mark.parametrize(
        "host",
        [
            "evil.example:8420",
            "evil.example",
            "",
            "127.0.0.1.evil.example:8420",
            "localhost@evil:1",
        ],
    )
    def test_a_name_that_was_made_to_point_here_is_no_way_in(self, host: str) -> None:
        assert status_of(self.near, request(host=host)) == 400
        assert status_of(self.near, request("POST", "/api/v1/stop", host=host, **OWN)) == 400

    @pytest.mark.parametrize(
        "host",
        ["127.0.0.1:8420", "localhost:8420", "[::1]:8420", "LOCALHOST:8420", "localhost:9000"],
    )
    def test_our_own_names_are_no_strangers(self, host: str) -> None:
        assert status_of(self.near, request(host=host)) == 200

    @pytest.mark.parametrize(
        "headers",
        [
            {"authorization": f"Bearer {TOKEN}"},  # a form elsewhere sends no header of ours
            {**OWN, "origin": "http://evil.example"},
            {**OWN, "origin": "http://127.0.0.1:9999"},
            {**OWN, "origin": "null"},
            {**OWN, "sec_fetch_site": "cross-site"},
            {**OWN, "sec_fetch_site": "same-site"},
        ],
    )
    def test_a_page_elsewhere_cannot_act_even_with_the_cookie(
        self, headers: dict[str, str]
    ) -> None:
        cookie = f"{self.near.cookie}={self.near.session}"
        assert (
            status_of(self.near, request("POST", "/api/v1/stop", cookie=cookie, **headers)) == 403
        )

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
    def test_no_method_acts_without_the_token(self, method: str) -> None:
        assert status_of(self.near, request(method, "/api/v1/stop", x_bowerbird="1")) == 401
        wrong = {"x_bowerbird": "1", "authorization": "Bearer wrong"}
        assert status_of(self.near, request(method, "/api/v1/stop", **wrong)) == 401

    def test_token_and_cookie_of_our_own_page_act(self) -> None:
        cookie = f"{self.near.cookie}={self.near.session}"
        own = {
            "x_bowerbird": "1",
            "origin": "http://127.0.0.1:8420",
            "sec_fetch_site": "same-origin",
        }
        assert status_of(self.near, request("POST", "/api/v1/stop", cookie=cookie, **own)) == 200
        assert status_of(self.near, request("POST", "/api/v1/stop", **OWN)) == 200

    @pytest.mark.parametrize(
        "path", ["/api/v1/live", "/metrics", "/api/v1/stream", "/api/v1/openapi.json"]
    )
    def test_other_machines_read_nothing_without_the_token(self, path: str) -> None:
        assert status_of(self.far, request(path=path)) == 401
        assert status_of(self.far, request(path=path, authorization=f"Bearer {TOKEN}")) == 200

    @pytest.mark.parametrize("path", ["/", "/hosts", "/gallery", "/gallery/1"])
    def test_other_machines_are_shown_the_way_in(self, path: str) -> None:
        assert status_of(self.far, request(path=path)) == 303
        assert status_of(self.far, request(path="/login")) == 200

    def test_the_cookie_does_not_give_the_token_away(self) -> None:
        assert TOKEN not in self.near.session
        assert (
            status_of(self.far, request(path="/", authorization=f"Bearer {self.far.session}"))
            == 303
        )


class TestPlace:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("127.0.0.1", ("127.0.0.1", None)),
            (":9000", ("127.0.0.1", 9000)),
            ("9000", ("127.0.0.1", 9000)),
            ("0.0.0.0:0", ("0.0.0.0", 0)),
            ("[::1]:80", ("::1", 80)),
        ],
    )
    def test_what_people_write_is_understood(self, text: str, expected: object) -> None:
        assert expected == parse_place(text)

    @pytest.mark.parametrize("text", ["host:port", "host:99999", "a:b:c"])
    def test_what_is_no_place_is_refused(self, text: str) -> None:
        with pytest.raises(UsageError, match="HOST:PORT"):
            parse_place(text)

    @pytest.mark.parametrize(
        ("host", "expected"),
        [
            *((host, False) for host in ("127.0.0.1", "::1", "localhost")),
            *((host, True) for host in ("0.0.0.0", "10.0.0.1", "::", "example.org")),
        ],
    )
    def test_all_but_loopback_needs_the_token_for_looking(self, host: str, expected: bool) -> None:
        assert expected == Place(host=host).open

    def test_a_short_token_is_refused(
        self, tmp_path: object, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BOWERBIRD_DASHBOARD_TOKEN", "1234")
        with pytest.raises(UsageError, match="too short"):
            token_of(Place(), "tcp://somewhere:1")

    def test_a_certificate_without_its_key_is_refused(self) -> None:
        with pytest.raises(UsageError, match="together"):
            Place(cert="some.pem").check()

    def test_the_token_is_shown_to_a_person_and_to_no_log(self) -> None:
        told = Told(
            address="http://127.0.0.1:1", way_in="http://127.0.0.1:1/#token=secret", file="/f"
        )
        assert "secret" in line_of(told, shows=True)
        assert "secret" not in line_of(told, shows=False)


def stats(records: int = 0, waiting: int = 0, dead: dict[str, int] | None = None) -> Stats:
    return Stats(
        state=State.RUNNING, records=records, bytes=records * 100, waiting={"image": waiting},
        dead=dead or {},
    )  # fmt: skip


class TestHistory:
    def test_rates_are_exact_however_coarse_the_points(self) -> None:
        history = History()
        for second in range(20_000):
            history.add(float(second), stats(records=5 * second, waiting=second))
        for span_s in (60.0, 3_600.0, 80_000.0, 2_000_000.0):
            curves = history.curves(span_s, 20_000.0)
            assert {5.0} == set(curves.images_per_s)
            assert {500.0} == set(curves.bytes_per_s)
            assert list(curves.at_s) == list(curves.waiting)

    def test_it_does_not_grow_without_end(self) -> None:
        history = History()
        for second in range(0, 3_000_000, 60):
            history.add(float(second), stats())
        for every_s, most in LEVELS:
            assert len(history.curves(every_s * most, 3e6).at_s) <= most * 9 // 8

    def test_images_taken_off_are_no_negative_rate(self) -> None:
        history = History()
        history.add(0.0, stats(records=100))
        history.add(1.0, stats(records=90))
        assert list(history.curves(60.0, 1.0).images_per_s) == [0.0]

    def test_hours_without_images_are_no_slope_between_two_points(self) -> None:
        curves = past_curves(10.0, [(100.0, 20, 2_000), (200.0, 10, 1_000)])
        assert min(curves.images_per_s) == 0.0
        assert [rate for rate in curves.images_per_s if rate] == [2.0, 1.0]


class TestSparing:
    def test_questions_take_a_small_share_of_the_time(self) -> None:
        """A clock of our own: an answer takes 0.01 s, a rest what it sleeps."""
        clock = [0.0]
        asked: list[float] = []

        async def answer() -> int:
            asked.append(clock[0])
            clock[0] += 0.01
            return len(asked)

        async def sleep(seconds: float) -> None:
            clock[0] += seconds

        async def many() -> None:
            sparing = Sparing(lambda: clock[0])
            for number in range(50):
                await sparing.ask(number, answer)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(asyncio, "sleep", sleep)
            asyncio.run(many())
        assert len(asked) == 50
        assert SHARE * clock[0] * 1.05 >= 50 * 0.01

    def test_pages_that_ask_the_same_ask_once(self) -> None:
        asked: list[int] = []

        async def answer() -> str:
            asked.append(1)
            await asyncio.sleep(0)
            return "answer"

        async def many() -> list[str]:
            sparing = Sparing(lambda: 0.0)
            return await asyncio.gather(*(sparing.ask("same", answer) for _ in range(20)))

        assert asyncio.run(many()) == ["answer"] * 20
        assert asked == [1]

    def test_answers_are_no_heap(self) -> None:
        clock = [0.0]

        async def nothing() -> None:
            clock[0] += 1e-6

        async def many() -> int:
            sparing = Sparing(lambda: clock[0])
            for number in range(3 * KEPT):
                clock[0] += GOOD_S
                await sparing.ask(number, nothing)
            return len(sparing._answers)

        assert asyncio.run(many()) <= KEPT


class TestMetrics:
    def moment(self, records: int = 0, dead: dict[str, int] | None = None) -> Moment:
        worker = WorkerRow(worker=WorkerInfo(name='w"1\n'), session="s", finished=3)
        counts = stats(records=records, dead=dead)
        status = Status(folder="f", running=True, stats=counts, hosts=[], workers=[worker])
        return Moment(number=1, status=status)

    def test_a_counter_never_falls(self) -> None:
        metrics = Metrics()
        assert "\nbowerbird_images_total 7\n" in metrics.text(self.moment(records=7))
        assert "\nbowerbird_images_total 7\n" in metrics.text(self.moment(records=5))

    def test_names_and_units_are_those_that_prometheus_asks_for(self) -> None:
        text = Metrics().text(self.moment(records=1, dead={"http-404": 2}))
        kinds = dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE"))
        assert all(name.startswith(("bowerbird_", "process_")) for name in kinds)
        assert all((kind == "counter") == name.endswith("_total") for name, kind in kinds.items())
        assert 'bowerbird_tasks_failed{reason="http-404"} 2' in text

    def test_a_hostile_label_ends_no_line(self) -> None:
        lines = Metrics().text(self.moment()).splitlines()
        assert 'bowerbird_worker_tasks_finished_total{worker="w\\"1\\n"} 3' in lines

    def test_a_crawl_that_cannot_be_seen_is_down(self) -> None:
        assert "bowerbird_up 0" in Metrics().text(Moment())


def test_each_metric_that_the_board_draws_exists() -> None:
    board = Path("examples/grafana/bowerbird.json").read_text("utf-8")
    drawn = set(re.findall(r"\b(?:bowerbird|process)_[a-z_]+", board))
    text = Metrics().text(TestMetrics().moment(records=1, dead={"http-404": 2}))
    assert len(drawn) > 15
    assert drawn - set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)) == set()
