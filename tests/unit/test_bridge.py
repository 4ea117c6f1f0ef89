"""Old-style clients served from a frontier, without sockets. Time stands still unless told."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.bench import PLAIN, Bench, Worker, image, page

from bowerbird.errors import StorageFullError
from bowerbird.frontier.desk import Desk, Turn
from bowerbird.frontier.memory import MemoryFrontier
from bowerbird.frontier.rules import Rules
from bowerbird.frontier.service import FrontierService
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.inbox import waiting
from bowerbird.manager.bridge.bridge import Bridge
from bowerbird.manager.bridge.hands import HARD_END_S, RESERVED_S, TAKEN_MOST
from bowerbird.manager.bridge.texts import read_result, result_text
from bowerbird.model import State
from bowerbird.queues.oldstyle.values import EMPTY, Kind, OldCall, OldReply
from bowerbird.testing import ManualClock

NOTHING = "no answer yet"


class Shop:
    """A bridge, its frontier, and clients known by a number."""

    def __init__(self, rules: Rules = PLAIN, database: Path | None = None) -> None:
        self.clock = ManualClock()
        self.frontier = (
            SqliteFrontier(database, rules, self.clock)
            if database
            else MemoryFrontier(rules, self.clock)
        )
        self.bench = Bench(self.frontier, self.clock)
        self.bridge = Bridge(self.frontier, self.clock.wall_s)
        self.desk = Desk(self.frontier, {}, self.bridge)
        self.answers: dict[int, Any] = {}
        self.count = 0

    def turn(self, *calls: OldCall, closed: int = 0) -> None:
        turn = Turn(self.clock.now_s())
        with self.desk.batch():
            if closed:
                self.desk.end(closed, turn)
            self.desk.serve([], turn, calls)
        for connection, reply in turn.replies:
            assert isinstance(reply, OldReply)
            self.answers[connection] = reply.value
        self.desk.settle(turn)

    def call(self, client: int, typeid: str, method: str, *args: Any, **kwds: Any) -> OldCall:
        self.count += 1
        return OldCall(client, self.count, typeid, method, args, kwds, "MainProcess")

    def ask(self, client: int, method: str, *args: Any, **kwds: Any) -> Any:
        """A call of the task queue: its answer, if there is one at once."""
        self.answers[client] = NOTHING
        self.turn(self.call(client, "get_task_queue", method, *args, **kwds))
        return self.answers[client]

    def put(self, client: int, text: Any) -> None:
        self.answers[client] = NOTHING
        self.turn(self.call(client, "getResultQueue", "put", text))
        assert self.answers[client] is None

    def done(self, client: int, url: str) -> None:
        self.put(client, f"{url}--->success")

    def leave(self, client: int) -> None:
        self.turn(closed=client)

    def wait(self, seconds: float) -> None:
        """Let time pass, with a turn whenever something is due."""
        until_s = self.clock.now_s() + seconds
        while self.clock.now_s() < until_s:
            wait_s = self.desk.wait_s(self.clock.now_s())
            left_s = until_s - self.clock.now_s()
            self.clock.advance(min(left_s, max(0.001, left_s if wait_s is None else wait_s)))
            for worker in self.bench.workers:
                worker.beat()
            self.turn()

    def done_images(self) -> int:
        return self.frontier.stats().done.get("image", 0)


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    assert shop.frontier.audit() == []


def fill(shop: Shop, *paths: str) -> list[str]:
    tasks = [image(path) for path in paths]
    shop.bench.add(*tasks)
    shop.desk.changed = True  # as an `add` that comes by it would
    return [task.url for task in tasks]


@contextmanager
def slow_page(shop: Shop) -> Iterator[Worker]:
    """The first page is being fetched by a worker of ours."""
    shop.bench.add(page("index"))
    worker = shop.bench.worker()
    worker.lease()
    yield worker


def test_the_tutorials_loop_takes_every_url_and_ends(shop: Shop) -> None:
    urls = fill(shop, "a", "b", "c")
    taken = []
    while not shop.ask(1, "empty"):
        taken.append(shop.ask(1, "get", True, timeout=5))
        shop.put(1, f"{taken[-1]}--->success")
    assert sorted(taken) == sorted(urls)
    assert shop.frontier.stats().state is State.ENDED


def test_a_success_is_a_record_without_file_or_hash(shop: Shop) -> None:
    (url,) = fill(shop, "a")
    shop.put(1, f"{shop.ask(1, 'get')} ---> success")
    (record,) = shop.frontier.results().records
    assert (record.final_url, record.state) == (url, "elsewhere")
    assert (record.bytes, record.width, record.sha256, record.holders) == (0, 0, "", ())


def test_empty_waits_for_a_slow_first_page_and_the_get_that_follows_finds_what_it_promised(
    shop: Shop,
) -> None:
    with slow_page(shop):
        assert shop.ask(1, "empty") == NOTHING
        shop.wait(5)
        assert shop.answers[1] == NOTHING
        fill(shop, "a")
        shop.turn()
        assert shop.answers[1] is False
        assert shop.ask(2, "get", False) == EMPTY  # it is set aside for the other
        assert shop.ask(1, "get", True, timeout=0.001) == "http://a.test/a"


def test_empty_is_true_after_30_seconds_in_vain(shop: Shop) -> None:
    with slow_page(shop):
        assert shop.ask(1, "empty") == NOTHING
        shop.wait(29.5)
        assert shop.answers[1] == NOTHING
        shop.wait(1)
        assert shop.answers[1] is True


def test_what_waits_is_told_of_the_end_at_once(shop: Shop) -> None:
    fill(shop, "a")
    url = shop.ask(1, "get")
    shop.ask(2, "empty")
    shop.ask(3, "get")
    shop.ask(4, "join")
    shop.done(1, url)
    assert (shop.answers[2], shop.answers[3], shop.answers[4]) == (True, EMPTY, None)


@pytest.mark.parametrize(("args", "seconds"), [((True, 2), 2.0), ((True, 0.5), 0.5)])
def test_a_get_ends_with_empty_after_its_timeout(
    shop: Shop, args: tuple[Any, ...], seconds: float
) -> None:
    with slow_page(shop):
        assert shop.ask(1, "get", *args) == NOTHING
        shop.wait(seconds - 0.1)
        assert shop.answers[1] == NOTHING
        shop.wait(0.2)
        assert shop.answers[1] == EMPTY


def test_gets_that_do_not_wait(shop: Shop) -> None:
    with slow_page(shop):
        assert shop.ask(1, "get_nowait") == EMPTY
        assert shop.ask(1, "get", False) == EMPTY
        assert shop.ask(1, "get", block=False) == EMPTY
        assert shop.ask(1, "get", timeout=0) == EMPTY


def test_arguments_that_no_queue_takes_are_refused_as_a_queue_would(shop: Shop) -> None:
    assert shop.ask(1, "get", True, -1).name == "ValueError"
    assert shop.ask(1, "get", True, "soon").name == "TypeError"
    assert shop.ask(1, "get", 1, 2, 3).name == "TypeError"
    assert shop.ask(1, "put").name == "TypeError"


def test_a_client_that_dies_with_a_url_loses_nothing(shop: Shop) -> None:
    (url,) = fill(shop, "a")
    assert shop.ask(1, "get") == url
    assert shop.ask(2, "empty") == NOTHING
    shop.leave(1)
    shop.wait(1.5)
    assert shop.answers[2] is False
    shop.done(2, shop.ask(2, "get"))
    assert shop.frontier.stats().state is State.ENDED


def test_a_client_that_dies_blocked_in_get_eats_nothing(shop: Shop) -> None:
    with slow_page(shop):
        shop.ask(1, "get")
        shop.leave(1)
        (url,) = fill(shop, "a")
        shop.turn()
        assert shop.answers[1] == NOTHING
        assert shop.ask(2, "get") == url


def test_a_task_that_comes_as_a_waiting_client_dies_is_not_given_to_it(shop: Shop) -> None:
    with slow_page(shop):
        shop.ask(1, "get")
        (url,) = fill(shop, "a")
        shop.leave(1)
        assert shop.answers[1] == NOTHING
        assert (shop.bridge.clients(), shop.frontier.stats().sessions) == (0, 1)
        assert shop.ask(2, "get_nowait") == url


def test_a_call_and_the_end_of_its_connection_in_one_turn_take_nothing(shop: Shop) -> None:
    (url,) = fill(shop, "a")
    shop.turn(shop.call(1, "getTaskQueue", "get"), closed=1)
    assert shop.bridge.clients() == 0
    assert shop.ask(2, "get_nowait") == url


def test_many_deaths_of_clients_do_not_condemn_a_task(shop: Shop) -> None:
    (url,) = fill(shop, "a")
    for client in range(1, 8):
        assert shop.ask(client, "get") == url
        shop.leave(client)
    shop.wait(1)
    shop.done(9, shop.ask(9, "get"))
    assert shop.frontier.stats().dead == {}


def test_success_counts_whichever_connection_brings_it(shop: Shop) -> None:
    fill(shop, "a")
    shop.done(2, shop.ask(1, "get"))
    assert shop.done_images() == 1


def test_success_after_the_end_of_its_connection_is_still_heard(shop: Shop) -> None:
    (url,) = fill(shop, "a")
    shop.ask(1, "get")
    shop.leave(1)
    shop.done(2, url)
    assert shop.done_images() == 1


def test_success_of_a_url_that_was_given_to_another_one_finishes_it(shop: Shop) -> None:
    (url,) = fill(shop, "a")
    shop.ask(1, "get")
    shop.leave(1)
    assert shop.ask(2, "get") == url
    shop.done(3, url)
    shop.done(2, url)
    assert (shop.done_images(), shop.bridge.ignored) == (1, 1)


def test_any_other_text_sends_a_url_to_retry_and_in_the_end_to_the_dead(shop: Shop) -> None:
    (url,) = fill(shop, "a")
    for _ in range(PLAIN.retries + 1):
        assert shop.ask(1, "empty") in (False, NOTHING)
        shop.wait(20)
        assert shop.ask(1, "get", True, 5) == url
        shop.put(1, f"{url}--->HTTP 500, sorry")
    assert shop.frontier.stats().dead == {"client-failed": 1}
    (death,) = shop.frontier.results().deaths
    assert death.detail == "HTTP 500, sorry"


@pytest.mark.parametrize(
    "text", ["hello", "http://a.test/other--->success", 17, None, b"\xff", ["x"], "--->"]
)
def test_texts_of_no_url_are_counted_and_harm_nobody(shop: Shop, text: object) -> None:
    fill(shop, "a")
    shop.ask(1, "get")
    shop.put(1, text)
    assert (shop.bridge.ignored, shop.frontier.stats().leased) == (1, 1)


def test_a_url_taken_goes_back_after_ten_minutes_and_harms_nobody(shop: Shop) -> None:
    (url,) = fill(shop, "a")
    assert shop.ask(1, "get") == url
    shop.wait(HARD_END_S - 5)
    assert shop.ask(2, "get_nowait") == EMPTY
    shop.wait(10)
    assert shop.ask(2, "get_nowait") == url
    shop.put(2, f"{url}--->success")
    assert shop.ask(1, "empty") is True
    assert shop.frontier.stats().dead == {}


def test_a_url_set_aside_and_not_taken_goes_back(shop: Shop) -> None:
    (url,) = fill(shop, "a")
    assert shop.ask(1, "empty") is False
    shop.wait(RESERVED_S - 5)
    assert shop.ask(2, "get_nowait") == EMPTY
    shop.wait(10)
    assert shop.ask(2, "get_nowait") == url


def test_no_host_is_asked_by_more_than_it_bears() -> None:
    shop = Shop(Rules(obey_robots=False, per_host=2))
    urls = fill(shop, "a", "b", "c")
    taken = [shop.ask(client, "get_nowait") for client in (1, 2, 3)]
    assert (taken[2], set(taken[:2]) < set(urls)) == (EMPTY, True)
    shop.ask(3, "get")
    shop.done(1, taken[0])
    assert shop.answers[3] in urls


def test_one_client_with_several_urls_in_hand_counts_for_each() -> None:
    shop = Shop(Rules(obey_robots=False, per_host=2))
    fill(shop, "a", "b", "c")
    assert [shop.ask(1, "get_nowait") == EMPTY for _ in range(3)] == [False, False, True]


def test_no_client_takes_it_all_at_once(shop: Shop) -> None:
    tasks = [image("x", f"h{number}.test") for number in range(TAKEN_MOST + 5)]
    shop.bench.add(*tasks)
    taken = [shop.ask(1, "get_nowait") for _ in tasks]
    assert taken.count(EMPTY) == 5
    shop.done(1, taken[0])
    assert shop.ask(1, "get_nowait") != EMPTY


def test_a_delay_is_counted_from_the_result() -> None:
    shop = Shop(Rules(obey_robots=False, per_host=2, delay_s=3.0))
    fill(shop, "a", "b")
    url = shop.ask(1, "get")
    shop.wait(10)
    shop.done(1, url)
    shop.ask(1, "get")
    shop.wait(2.9)
    assert shop.answers[1] == NOTHING
    shop.wait(0.2)
    assert shop.answers[1] == "http://a.test/b"


def test_only_images_are_given_to_old_clients(shop: Shop) -> None:
    shop.bench.add(page("p"), image("i"))
    assert shop.ask(1, "get_nowait") == "http://a.test/i"
    assert shop.ask(1, "get_nowait") == EMPTY


def test_sizes(shop: Shop) -> None:
    fill(shop, "a", "b")
    assert shop.ask(1, "qsize") == 2
    assert shop.ask(1, "empty") is False
    assert (shop.ask(1, "qsize"), shop.ask(2, "qsize"), shop.ask(1, "full")) == (2, 1, False)
    assert shop.ask(1, "task_done") is None


def test_whoever_has_the_key_may_put_urls(shop: Shop) -> None:
    assert shop.ask(1, "put", "HTTP://a.test:80/x#y") is None
    assert shop.ask(1, "put_nowait", "ImageUrl_0") is None
    assert shop.ask(2, "get_nowait") == "http://a.test/x"
    assert shop.bridge.ignored == 1


def test_the_result_queue_is_always_empty(shop: Shop) -> None:
    fill(shop, "a")

    def ask(method: str, *args: Any) -> Any:
        shop.answers[1] = NOTHING
        shop.turn(shop.call(1, "get_result_queue", method, *args))
        return shop.answers[1]

    assert (ask("empty"), ask("full"), ask("qsize"), ask("join")) == (True, False, 0, None)
    assert ask("get_nowait") == EMPTY
    assert ask("get", True, 10) == NOTHING
    shop.wait(10.1)
    assert shop.answers[1] == EMPTY


def test_sessions_end_when_nobody_uses_them(shop: Shop) -> None:
    with slow_page(shop):
        shop.ask(1, "get_nowait")
        assert shop.frontier.stats().sessions == 2
        shop.wait(6)
        assert (shop.frontier.stats().sessions, shop.bridge.clients()) == (1, 1)
        shop.ask(1, "get")
        shop.wait(60)
        assert shop.frontier.stats().sessions == 2


def test_it_is_noticed_that_old_clients_alone_would_read_no_pages(shop: Shop) -> None:
    shop.bench.add(page("p"))
    assert not shop.bridge.lacks_readers()
    shop.ask(1, "empty")
    assert shop.bridge.lacks_readers()
    shop.bench.worker()
    assert not shop.bridge.lacks_readers()


def test_what_a_disk_refused_has_not_happened(tmp_path: Path) -> None:
    shop = Shop(database=tmp_path / "crawl.db")
    fill(shop, "a", "b")
    url = shop.ask(1, "get")
    turn = Turn(shop.clock.now_s())
    calls = [
        shop.call(1, "get_result_queue", "put", f"{url}--->success"),
        shop.call(2, "get_task_queue", "get"),
    ]
    with suppress(ZeroDivisionError), shop.desk.batch():
        shop.desk.serve([], turn, calls)
        raise ZeroDivisionError
    shop.desk.undo(turn)
    assert shop.frontier.stats().leased == 1
    shop.done(1, url)
    shop.wait(1)
    assert shop.ask(2, "get") == "http://a.test/b"
    assert (shop.done_images(), shop.bridge.ignored) == (1, 0)
    shop.frontier.close()


def test_what_the_disk_refuses_is_tried_again_and_not_an_error_for_the_client(shop: Shop) -> None:
    (url,) = fill(shop, "a")
    shop.ask(1, "get")
    shop.desk.put_off(shop.call(1, "get_result_queue", "put", f"{url}--->success"), 1_000.0)
    shop.answers[1] = NOTHING
    shop.wait(2)
    assert (shop.answers[1], shop.done_images()) == (None, 1)


@pytest.mark.parametrize("url", ["http://a.test/x-", "http://a.test/a--b-", "http://[::1]:8/"])
@pytest.mark.parametrize("text", ["{}--->success", "{} ---> success", " {}  --->  Success\n"])
def test_results_are_read_however_they_are_spaced(url: str, text: str) -> None:
    said = read_result(text.format(url))
    assert said is not None
    assert (said.url, said.good) == (url, True)


def test_results_are_written_as_each_tutorial_does() -> None:
    assert result_text("u") == "u--->success"
    assert result_text("u", "failed: http-404", spaced=True) == "u ---> failed: http-404"


def test_replies_say_what_they_are(shop: Shop) -> None:
    turn = Turn(shop.clock.now_s())
    call = shop.call(1, "get_task_queue", "get_nowait")
    with shop.desk.batch():
        shop.desk.serve([], turn, [call])
    assert turn.replies == [(1, OldReply(call.id, Kind.ERROR, EMPTY))]


class Wire:
    """In place of a server: what was replied."""

    def __init__(self) -> None:
        self.replies: list[tuple[int, Any]] = []

    def reply_many(self, replies: Any) -> None:
        self.replies += replies


def test_on_a_full_disk_old_calls_wait_and_what_needs_no_room_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, wire = Shop(database=tmp_path / "crawl.db"), Wire()
    service = FrontierService(shop.frontier, wire, None, shop.clock, shop.bridge)  # type: ignore[arg-type]
    put = shop.call(1, "get_task_queue", "put", "http://a.test/x")
    get = shop.call(2, "get_task_queue", "get")
    service._carry_out([get])
    commit, full = shop.frontier.store.commit, [True]

    def refuse(*values: Any) -> None:
        if full:
            raise StorageFullError("no room")
        commit(*values)

    monkeypatch.setattr(shop.frontier.store, "commit", refuse)
    for _ in range(3):
        look = service.call(lambda: shop.frontier.stats().leased)
        service._carry_out([put] if not service.refusals else [])
        service._carry_out(waiting(service._inbox))  # type: ignore[arg-type]
        assert look.result() == 0
        shop.clock.advance(1.1)
    assert wire.replies == []
    full.clear()
    for _ in range(3):
        service._carry_out([])
        shop.clock.advance(1.1)
    assert wire.replies == [
        (1, OldReply(put.id, Kind.RETURN, None)),
        (2, OldReply(get.id, Kind.RETURN, "http://a.test/x")),
    ]
    assert shop.frontier.audit() == []
    shop.frontier.close()
