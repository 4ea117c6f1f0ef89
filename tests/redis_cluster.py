"""Real Redis Clusters for tests."""

import time
from collections.abc import Iterator

import pytest

from tests.redis_fixtures import RedisServer, Start, need_redis, until


def cluster(start: Start, number: int = 3, *options: str) -> list[RedisServer]:
    """Nodes that share all slots."""
    nodes = [
        start("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", *options)
        for _ in range(number)
    ]
    join(nodes)
    return nodes


@pytest.fixture(scope="module")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RedisServer]]:
    """One of three nodes for a module: in memory only."""
    need_redis()
    folder = tmp_path_factory.mktemp("cluster")
    nodes = [RedisServer(folder / f"{n}", "--cluster-enabled", "yes").start() for n in range(3)]
    join(nodes)
    yield nodes
    for node in nodes:
        node.stop()


def address_of(nodes: list[RedisServer], partitions: int, crawl: str = "x") -> str:
    """The address of a crawl there."""
    return f"redis+cluster://127.0.0.1:{nodes[0].port}/?crawl={crawl}&partitions={partitions}"


def add_replica(start: Start, master: RedisServer, *options: str) -> RedisServer:
    """A replica that has all of a node."""
    node = start(
        "--cluster-enabled", "yes", "--cluster-node-timeout", "2000",
        "--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0", *options,
    )  # fmt: skip
    mine = node.client()
    mine.execute_command("CLUSTER", "MEET", "127.0.0.1", master.port)
    number = master.client().execute_command("CLUSTER", "MYID").decode()
    until(lambda: number in str(mine.execute_command("CLUSTER", "NODES")))
    until(lambda: b"cluster_state:ok" in _info(node))
    mine.execute_command("CLUSTER", "REPLICATE", number)
    until(lambda: mine.info("replication").get("master_link_status") == "up")
    return node


def join(nodes: list[RedisServer]) -> None:
    """Have nodes share all slots, each with an epoch of its own, as `redis-cli` has it: of two that
    have one, the first to see it takes a newer one, and slots that are just being moved back."""
    share = 16_384 // len(nodes)
    first = nodes[0].client()
    for number, node in enumerate(nodes):
        node.client().execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
    for number, node in enumerate(nodes):
        low, last = number * share, number == len(nodes) - 1
        high = 16_383 if last else low + share - 1
        node.client().execute_command("CLUSTER", "ADDSLOTSRANGE", low, high)
        first.execute_command("CLUSTER", "MEET", "127.0.0.1", node.port)
    until(lambda: all(b"cluster_state:ok" in _info(node) for node in nodes))


def _info(node: RedisServer) -> bytes:
    client = node.client()
    client.response_callbacks.clear()
    info: bytes = client.execute_command("CLUSTER", "INFO")
    return info


def _epoch(node: RedisServer) -> str:
    return next(row for row in _info(node).decode().split() if "current_epoch" in row)


def owns(node: RedisServer, slot: int) -> bool:
    client = node.client()
    client.response_callbacks.clear()
    mine = client.execute_command("CLUSTER", "MYID")
    rows = client.execute_command("CLUSTER", "SLOTS")
    return any(row[0] <= slot <= row[1] and row[2][2] == mine for row in rows)


def move_slot(nodes: list[RedisServer], slot: int) -> None:
    """As `redis-cli --cluster reshard` does it, slowly enough to be met."""
    source = next(node for node in nodes if owns(node, slot))
    target = next(node for node in nodes if not owns(node, slot))
    here, there = source.client(), target.client()
    ids = [client.execute_command("CLUSTER", "MYID").decode() for client in (here, there)]
    there.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0])
    here.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1])
    time.sleep(0.3)
    while keys := here.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 5):
        here.execute_command(
            "MIGRATE", "127.0.0.1", target.port, "", 0, 30_000, "REPLACE", "KEYS", *keys
        )
        time.sleep(0.01)
    # a target that has not heard of its newest epoch would lose the slot and all keys to the source
    until(lambda: len({_epoch(node) for node in nodes}) == 1)
    for client in (there, here, *(node.client() for node in nodes)):
        client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[1])
