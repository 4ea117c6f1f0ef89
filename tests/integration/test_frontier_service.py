"""A frontier served over a real Unix socket: batches, waiting leases, lost connections."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, get_type_hints

import msgspec
import pytest

from bowerbird.codec import encode
from bowerbird.errors import (
    ConnectionLostError,
    ProtocolError,
    RemoteCallError,
    SessionGoneError,
    StorageFullError,
)
from bowerbird.frontier import desk as desk_module
from bowerbird.frontier.base import ADD_LIMIT, Frontier, Give
from bowerbird.frontier.calls import LEASE, METHODS
from bowerbird.frontier.desk import Desk, Turn
from bowerbird.frontier.parking import MISSES
from bowerbird.frontier.remote import RemoteFrontier
from bowerbird.frontier.service import FrontierService
from bowerbird.model import (
    Attached,
    BeatReply,
    FinishReply,
    Grant,
    Kind,
    Lease,
    LeaseReply,
    Outcome,
    Record,
    Sighting,
    State,
    Stats,
    Task,
    Verb,
    WorkerInfo,
)
from bowerbird.queues import Door, Server, UnixAddress, new_socket_path
from bowerbird.queues.messages import Request
from bowerbird.queues.server import Call
from bowerbird.settings import Job, Settings

KEY = b"the key of these tests"
WAIT_S = 20.0


def task(number: int, more: str = "") -> Task:
    return Task(url=f"http://x/{number}{more}", kind=Kind.IMAGE)


class StubFrontier:
    """First in, first out; everything else is noted."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self.leased: dict[bytes, tuple[str, Task]] = {}
        self.sessions: set[str] = set()
        self.added: list[tuple[int, int, bool]] = []
        self.finished: list[Outcome] = []
        self.lost_sessions: list[str] = []
        self.batches = self.leases_asked = self.count = 0
        self.state = State.RUNNING
        self.full = False
        self.committing = threading.Event()
        self.may_commit = threading.Event()
        self.may_commit.set()
        self.reaped = threading.Event()
        self.threads: set[int] = set()

    @contextmanager
    def batch(self) -> Iterator[None]:
        self.threads.add(threading.get_ident())
        kept = list(self.tasks), dict(self.leased), set(self.sessions)
        try:
            yield
            self.committing.set()
            self.may_commit.wait(WAIT_S)
            if self.full:
                raise StorageFullError("no room")
        except BaseException:
            self.tasks, self.leased, self.sessions = kept
            raise
        self.batches += 1

    def attach(
        self, worker: WorkerInfo, tokens: Sequence[bytes], kinds: Sequence[Kind],
        hard_end_s: float, in_flight: dict[str, int] | None,
    ) -> Attached:  # fmt: skip
        session = f"session of {worker.name}"
        self.sessions.add(session)
        return Attached(session=session, standing=tuple(tokens))

    def detach(self, session: str) -> None:
        self._end(session)

    def lost(self, session: str) -> None:
        self.lost_sessions.append(session)
        self._end(session)

    def _end(self, session: str) -> None:
        self.sessions.discard(session)
        for token, (holder, task) in list(self.leased.items()):
            if holder == session:
                del self.leased[token]
                self.tasks.append(task)

    def reap(self) -> None:
        self.reaped.set()

    def beat(self, session: str, give: Give | None) -> BeatReply:
        if session not in self.sessions:
            raise SessionGoneError(f"{session} is gone")
        return BeatReply(state=self.state)

    def stats(self) -> Stats:
        return Stats(state=self.state, sessions=len(self.sessions), leased=len(self.leased))

    def add(
        self, tasks: Sequence[Task], sightings: Sequence[Sighting], *, seeds_complete: bool
    ) -> int:
        if any("defect" in task.url for task in tasks):
            raise ValueError("a defect")
        self.added.append((len(tasks), len(sightings), seeds_complete))
        self.tasks += tasks
        return len(tasks)

    def lease(self, session: str, limit: int, wait_s: float, give: Give | None) -> LeaseReply:
        self.leases_asked += 1
        if session not in self.sessions:
            raise SessionGoneError(f"{session} is gone")
        taken, self.tasks = self.tasks[:limit], self.tasks[limit:]
        leases = tuple(Lease(token=self._token(), task=task) for task in taken)
        self.leased |= {lease.token: (session, lease.task) for lease in leases}
        return LeaseReply(state=self.state, leases=leases, next_in_s=0.0 if leases else WAIT_S)

    def _token(self) -> bytes:
        self.count += 1
        return b"%d" % self.count

    def finish(
        self, session: str, outcomes: Sequence[Outcome], give: Give | None = None
    ) -> FinishReply:
        accepted = []
        for outcome in outcomes:
            held = self.leased.pop(outcome.token, None)
            accepted.append(held is not None)
            if held and outcome.verb is Verb.RELEASED:
                self.tasks.append(held[1])
        self.finished += outcomes
        grants = (Grant(host=f"host of {outcomes[-1].detail}", slots=1),)
        return FinishReply(accepted=tuple(accepted), grants=grants)


Client = Callable[[], RemoteFrontier]


@pytest.fixture
def stub() -> StubFrontier:
    return StubFrontier()


@pytest.fixture
def service(stub: StubFrontier) -> Iterator[FrontierService]:
    address = UnixAddress(str(new_socket_path()))
    job = Job(name="a job", settings=Settings(per_host=7))
    extra = {"job": lambda *_: encode(job), "echo": lambda payload, _: payload}
    service = FrontierService(stub, Server([Door(address, KEY)]), extra)
    service.start()
    yield service
    stub.may_commit.set()
    service.stop()


@pytest.fixture
def client(service: FrontierService) -> Iterator[Client]:
    clients: list[RemoteFrontier] = []

    def make() -> RemoteFrontier:
        clients.append(RemoteFrontier(service._server.addresses[0], KEY))
        return clients[-1]

    yield make
    for one in clients:
        one.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as pool:
        yield pool


def join(frontier: RemoteFrontier, name: str = "w", *, local: bool = True) -> str:
    return frontier.attach(WorkerInfo(name=name, local=local)).session


def on_frontier(service: FrontierService, function: Callable[[], Any]) -> Any:
    return service.call(function).result(WAIT_S)


def until(service: FrontierService, condition: Callable[[], bool]) -> None:
    """Wait, turn by turn, until something is so."""
    for _ in range(20_000):
        if on_frontier(service, condition):
            return
    pytest.fail("it never came to be")


# Waiting leases.


def test_a_waiting_lease_is_answered_when_a_task_is_added(
    client: Client, service: FrontierService, stub: StubFrontier, pool: ThreadPoolExecutor
) -> None:
    worker, manager = client(), client()
    session = join(worker)
    waiting = pool.submit(worker.lease, session, 8, WAIT_S)
    until(service, lambda: stub.leases_asked > 0)
    assert not waiting.done()
    manager.add([task(1)])
    assert [lease.task for lease in waiting.result(WAIT_S).leases] == [task(1)]


def test_a_lease_whose_wait_is_over_is_answered_with_nothing(client: Client) -> None:
    worker = client()
    reply = worker.lease(join(worker), 8, 0.05)
    assert reply.leases == ()
    assert reply.state is State.RUNNING


def test_an_ended_crawl_answers_at_once_and_to_all_that_wait(
    client: Client, service: FrontierService, stub: StubFrontier, pool: ThreadPoolExecutor
) -> None:
    workers = [client() for _ in range(12)]
    sessions = [join(worker, f"w{i}") for i, worker in enumerate(workers)]
    waiting = [
        pool.submit(worker.lease, session, 8, WAIT_S)
        for worker, session in zip(workers, sessions, strict=True)
    ]
    until(service, lambda: stub.leases_asked >= 12)
    on_frontier(service, lambda: setattr(stub, "state", State.ENDED))
    assert {each.result(WAIT_S).state for each in waiting} == {State.ENDED}
    assert workers[0].lease(sessions[0], 8, WAIT_S).state is State.ENDED


def test_a_session_that_ends_while_it_waits_is_told(
    client: Client, service: FrontierService, stub: StubFrontier, pool: ThreadPoolExecutor
) -> None:
    worker = client()
    session = join(worker)
    waiting = pool.submit(worker.lease, session, 8, WAIT_S)
    until(service, lambda: stub.leases_asked > 0)
    client().detach(session)
    with pytest.raises(SessionGoneError):
        waiting.result(WAIT_S)


@pytest.mark.parametrize("local", [True, False])
def test_a_client_that_dies_while_it_waits_takes_no_task_along(
    client: Client,
    service: FrontierService,
    stub: StubFrontier,
    pool: ThreadPoolExecutor,
    local: bool,
) -> None:
    dying, other = client(), client()
    session, second = join(dying, "dying", local=local), join(other, "other")
    waiting = pool.submit(dying.lease, session, 8, WAIT_S)
    until(service, lambda: stub.leases_asked > 0)
    dying.close()
    with pytest.raises(ConnectionLostError):
        waiting.result(WAIT_S)
    until(service, lambda: not service._desk._parking._waiting)
    other.add([task(1)])
    assert [lease.task for lease in other.lease(second, 8).leases] == [task(1)]


# Lost connections.


def test_a_local_worker_that_vanishes_dies_and_its_tasks_go_back(
    client: Client, service: FrontierService, stub: StubFrontier
) -> None:
    dying, other = client(), client()
    session = join(dying, "dying")
    other.add([task(1)])
    assert dying.lease(session, 8).leases
    dying.close()
    until(service, lambda: stub.lost_sessions == [session])
    assert len(other.lease(join(other, "other"), 8, WAIT_S).leases) == 1


def test_one_that_detached_or_is_of_another_machine_is_not_dead_when_it_closes(
    client: Client, service: FrontierService, stub: StubFrontier
) -> None:
    leaving, far, vanishing = client(), client(), client()
    leaving.detach(join(leaving, "leaving"))
    join(far, "far", local=False)
    session = join(vanishing, "vanishing")
    for one in (leaving, far, vanishing):
        one.close()
    until(service, lambda: bool(stub.lost_sessions))
    until(service, lambda: True)
    assert stub.lost_sessions == [session]


# Batches.


def test_what_has_gathered_is_committed_as_one(
    client: Client, service: FrontierService, stub: StubFrontier, pool: ThreadPoolExecutor
) -> None:
    clients = [client() for _ in range(20)]
    for one in clients:
        one.stats()  # connected
    go, begun = threading.Event(), threading.Event()
    service.call(lambda: (begun.set(), go.wait(WAIT_S)))
    begun.wait(WAIT_S)
    before = stub.batches
    adding = [pool.submit(one.add, [task(number)]) for number, one in enumerate(clients)]
    while service._inbox.qsize() < 20:
        pass
    go.set()
    assert sum(each.result(WAIT_S) for each in adding) == 20
    assert stub.batches - before == 2  # that which held them up, and one for all


def test_no_answer_leaves_before_its_commit(
    client: Client, stub: StubFrontier, pool: ThreadPoolExecutor
) -> None:
    one = client()
    one.stats()
    stub.committing.clear()
    stub.may_commit.clear()
    adding = pool.submit(one.add, [task(1)])
    stub.committing.wait(WAIT_S)
    assert not adding.done()
    stub.may_commit.set()
    assert adding.result(WAIT_S) == 1


def test_a_full_disk_is_told_to_each_and_service_goes_on(
    client: Client, service: FrontierService, stub: StubFrontier, pool: ThreadPoolExecutor
) -> None:
    worker, other = client(), client()
    session = join(worker)
    waiting = pool.submit(worker.lease, session, 8, WAIT_S)
    until(service, lambda: stub.leases_asked > 0)
    stub.full = True
    for _ in range(2):
        with pytest.raises(StorageFullError, match="no room"):
            other.add([task(1)])
    with pytest.raises(StorageFullError):
        on_frontier(service, lambda: None)
    with pytest.raises(StorageFullError):  # parked, it would fail every other call
        waiting.result(WAIT_S)
    stub.full = False
    assert other.add([task(2)]) == 1
    assert [lease.task for lease in worker.lease(session, 8, WAIT_S).leases] == [task(2)]


def test_a_defect_fails_its_own_call_and_no_neighbours(
    client: Client,
    service: FrontierService,
    stub: StubFrontier,
    pool: ThreadPoolExecutor,
    caplog: pytest.LogCaptureFixture,
) -> None:
    clients = [client() for _ in range(3)]
    for one in clients:
        one.stats()
    go, begun = threading.Event(), threading.Event()
    service.call(lambda: (begun.set(), go.wait(WAIT_S)))
    begun.wait(WAIT_S)
    calls = [
        pool.submit(one.add, [task(number, more)])
        for number, (one, more) in enumerate(zip(clients, ("", "defect", ""), strict=True))
    ]
    while service._inbox.qsize() < 3:
        pass
    go.set()
    assert calls[0].result(WAIT_S) == calls[2].result(WAIT_S) == 1
    with pytest.raises(RemoteCallError, match="Internal error"):
        calls[1].result(WAIT_S)
    assert len(stub.tasks) == 2
    assert "ValueError: a defect" in caplog.text


# Other ways in.


def test_all_that_touches_the_frontier_is_one_thread(
    client: Client, service: FrontierService, stub: StubFrontier
) -> None:
    idents = {on_frontier(service, threading.get_ident) for _ in range(3)}
    client().stats()
    assert stub.threads == idents
    assert threading.get_ident() not in idents


def test_the_managers_own_methods_and_the_job(client: Client) -> None:
    one = client()
    assert one.job() == Job(name="a job", settings=Settings(per_host=7))
    assert one.call("echo", b"hello") == b"hello"


def test_an_error_of_an_errand_is_the_callers(service: FrontierService) -> None:
    with pytest.raises(ZeroDivisionError):
        on_frontier(service, lambda: 1 // 0)
    with pytest.raises(SessionGoneError):
        on_frontier(service, lambda: (_ for _ in ()).throw(SessionGoneError()))
    assert on_frontier(service, lambda: 7) == 7


def test_after_stop_nothing_hangs(
    client: Client, service: FrontierService, stub: StubFrontier, pool: ThreadPoolExecutor
) -> None:
    worker = client()
    session = join(worker)
    waiting = pool.submit(worker.lease, session, 8, WAIT_S)
    until(service, lambda: stub.leases_asked > 0)
    service.stop()
    service.stop()
    with pytest.raises(ConnectionLostError):
        waiting.result(WAIT_S)
    with pytest.raises(ConnectionLostError):
        on_frontier(service, lambda: 1)
    with pytest.raises(ConnectionLostError):
        worker.stats()


def test_what_was_asked_before_stop_is_answered(
    client: Client, service: FrontierService, pool: ThreadPoolExecutor
) -> None:
    one = client()
    one.stats()
    go, begun = threading.Event(), threading.Event()
    service.call(lambda: (begun.set(), go.wait(WAIT_S)))
    begun.wait(WAIT_S)
    adding = pool.submit(one.add, [task(1)])
    while not service._inbox.qsize():
        pass
    stopping = pool.submit(service.stop)
    while not service._stopping:
        pass
    go.set()
    assert adding.result(WAIT_S) == 1
    stopping.result(WAIT_S)


def test_nonsense_is_an_error_and_no_harm(client: Client) -> None:
    one = client()
    with pytest.raises(RemoteCallError, match="no method"):
        one.call("shutdown")
    for method in METHODS:
        for payload in (b"", b"\xc1", encode((1, 2, 3, 4, 5, 6)), encode({"a": 1})):
            with pytest.raises(ProtocolError):
                one.call(method, payload)
    with pytest.raises(SessionGoneError, match="nobody"):
        one.beat("nobody")
    assert one.stats().state is State.RUNNING


def test_silent_sessions_are_looked_after_while_nobody_calls(
    client: Client, stub: StubFrontier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "TEND_S", 0.01)
    join(client())
    stub.reaped.clear()
    assert stub.reaped.wait(WAIT_S)


# The desk alone: what would be slow or uncertain to see from outside.


def test_an_idle_service_sleeps(stub: StubFrontier) -> None:
    desk = Desk(stub, {})
    desk.serve([], Turn(10.0))
    assert desk.wait_s(10.0) is None


def lease_call(session: str, number: int) -> Call:
    return Call(number, Request(1, "lease", LEASE.ask(session, 1, 30.0, None)))


def test_who_asks_for_no_task_is_not_kept_waiting_for_one(stub: StubFrontier) -> None:
    desk, turn = Desk(stub, {}), Turn(0.0)
    stub.sessions.add("s")
    gifts = Call(1, Request(1, "lease", LEASE.ask("s", 0, 30.0, {"host": 0})))
    desk.serve([gifts], turn)
    assert [number for number, _ in turn.replies] == [1]


def test_one_task_does_not_wake_a_thousand_sleepers(stub: StubFrontier) -> None:
    desk, turn = Desk(stub, {}), Turn(0.0)
    stub.sessions.add("s")
    desk.serve([lease_call("s", number) for number in range(1_000)], turn)
    desk.settle(turn)
    stub.leases_asked = 0
    stub.tasks.append(task(1))
    desk.changed, turn = True, Turn(0.1)
    desk.serve([], turn)
    desk.settle(turn)
    assert [number for number, _ in turn.replies] == [0]
    assert stub.leases_asked == 1 + MISSES
    assert desk.wait_s(0.1) == desk_module.LATER_S  # the others have their turn soon


def test_leases_see_what_came_in_the_same_turn(stub: StubFrontier) -> None:
    desk, turn = Desk(stub, {}), Turn(0.0)
    stub.sessions.add("s")
    add = Call(2, Request(1, "add", encode(([task(1)], [], False))))
    desk.serve([lease_call("s", 1), add], turn)
    assert [number for number, _ in turn.replies] == [2, 1]


# Large calls.


def test_large_adds_are_split_and_only_the_last_completes_the_seeds(
    client: Client, stub: StubFrontier
) -> None:
    sightings = [Sighting(image_url="i", page_url="p", place="img")] * 3  # type: ignore[arg-type]
    assert client().add(list(map(task, range(2_500))), sightings, seeds_complete=True) == 2_500
    assert max(count for count, _, _ in stub.added) <= ADD_LIMIT
    assert [complete for _, _, complete in stub.added] == [False] * (len(stub.added) - 1) + [True]
    assert sum(seen for _, seen, _ in stub.added) == 3
    assert [each.url for each in stub.tasks] == [task(number).url for number in range(2_500)]


def test_an_add_far_beyond_a_frame_arrives(client: Client, stub: StubFrontier) -> None:
    many = [
        msgspec.structs.replace(task(number), alternates=("u" * 8_000,) * 20)
        for number in range(200)
    ]
    assert client().add(many) == 200
    assert stub.tasks == many


def test_leases_beyond_a_frame_are_cut_and_the_rest_stays(
    client: Client, stub: StubFrontier
) -> None:
    worker = client()
    session = join(worker)
    many = [
        msgspec.structs.replace(task(number), alternates=("u" * 8_000,) * 60)
        for number in range(64)
    ]
    worker.add(many)
    seen: list[Task] = []
    while leases := worker.lease(session, 64).leases:
        seen += [lease.task for lease in leases]
    assert sorted(each.url for each in seen) == sorted(each.url for each in many)
    assert len(stub.leased) == 64


def test_outcomes_beyond_a_frame_are_split_in_order(client: Client, stub: StubFrontier) -> None:
    worker = client()
    session = join(worker)
    worker.add(list(map(task, range(10))))
    leases = worker.lease(session, 10).leases
    outcomes = [
        Outcome(
            token=b"no such" if number == 3 else lease.token,
            verb=Verb.DEAD,
            reason="x",
            detail=str(number) + "d" * (2 << 20),
        )
        for number, lease in enumerate(leases)
    ]
    reply = worker.finish(session, outcomes)
    assert [number for number, taken in enumerate(reply.accepted) if not taken] == [3]
    assert len({grant.host for grant in reply.grants}) == len(reply.grants) >= 2
    assert [outcome.token for outcome in stub.finished] == [outcome.token for outcome in outcomes]


def test_a_page_with_too_much_on_it_sends_most_ahead(client: Client, stub: StubFrontier) -> None:
    worker = client()
    session = join(worker)
    worker.add([task(0)])
    (lease,) = worker.lease(session, 1).leases
    found = tuple(task(number, "/" + "u" * 8_000) for number in range(1, 2_400))
    record = Record(
        url="u", final_url="u", status=200, type="png", width=1, height=1, bytes=1, sha256="",
        fetched_at=0.0,
    )  # fmt: skip
    outcome = Outcome(token=lease.token, verb=Verb.DONE, found=found, records=(record,))
    assert worker.finish(session, [outcome]).accepted == (True,)
    (last,) = stub.finished
    assert last.records == (record,)
    assert [*stub.tasks, *last.found] == list(found)


def test_an_answer_beyond_a_frame_is_asked_for_in_smaller_steps(
    client: Client, stub: StubFrontier, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bowerbird.model import Death, Results

    death = Death(url="u", first_url="u", kind=Kind.IMAGE, reason="x", detail="d" * (1 << 20))
    stub.results = lambda cursor, limit: Results(  # type: ignore[attr-defined]
        cursor="next", deaths=(death,) * limit
    )
    assert 0 < len(client().results(limit=100).deaths) < 17


# The table of calls.


def test_the_table_says_what_the_contract_says() -> None:
    assert set(METHODS) == Frontier.__abstractmethods__ - {"close"}
    for name, method in METHODS.items():
        hints = get_type_hints(getattr(Frontier, name))
        assert hints.pop("return") == method.answer, name
        arguments = msgspec.inspect.type_info(method.arguments)
        assert isinstance(arguments, msgspec.inspect.TupleType)
        assert len(arguments.item_types) == len(hints), name


def test_futures_are_plain(service: FrontierService) -> None:
    future = service.call(lambda: 1)
    assert isinstance(future, Future)
    assert not future.cancel()


def test_requests_gather_for_who_is_there_and_not_for_who_has_gone(stub: StubFrontier) -> None:
    desk = Desk(stub, {})
    stub.sessions.add("s")
    for now_s in (0.0, 1.5, 3.0):
        turn = Turn(now_s)
        desk.serve([lease_call("s", number) for number in range(10)], turn)
        desk.settle(turn)
    assert desk.gather_s > 0.0
    leaving, later = Turn(3.1), Turn(5.0)
    for number in range(10):
        desk.end(number, leaving)
    desk.settle(leaving)
    assert desk.gather_s == 0.0
    desk.serve([], later)
    desk.settle(later)
    assert desk.gather_s == 0.0
