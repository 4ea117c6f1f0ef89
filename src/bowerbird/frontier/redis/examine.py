"""What of a Redis's settings would lose a crawl: refused, or told to whoever makes one."""

from bowerbird.errors import UsageError
from bowerbird.frontier.redis.line import Line

_POLICY = (
    "Redis at {place} throws keys away when its memory is full (maxmemory-policy {policy}): a "
    "crawl would lose tasks without a word. Give it a Redis with maxmemory-policy noeviction "
    "(redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf)."
)
_APPEND = (
    "Redis at {place} keeps no append-only file: when it ends, all it knows of the crawl since its "
    "last snapshot is lost. Set appendonly yes (redis-cli CONFIG SET appendonly yes, and the same "
    "in redis.conf)."
)
_BLIND = (
    "Redis at {place} does not tell its settings to this user (ACL rule +info): unchecked. That it "
    "was started anew will go unnoticed too: if it has lost something, hosts may be asked too soon."
)
_REPLICA = (
    "Redis at {place} has replicas but may take writes that none of them has got: set "
    "min-replicas-to-write 1, or a failover can lose the last seconds."
)


def warnings_of(line: Line) -> list[str]:
    """What people should put right, in whole sentences.

    Raises:
        UsageError: its settings make it lose keys.
    """
    try:
        facts = _facts(line.command("INFO"))
    except UsageError:
        return [_BLIND.format(place=line.place)]
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        raise UsageError(_POLICY.format(place=line.place, policy=policy))
    told = []
    if facts.get("aof_enabled", "0") == "0":
        told.append(_APPEND)
    if int(facts.get("connected_slaves", "0")) and "min_slaves_good_slaves" not in facts:
        told.append(_REPLICA)
    return [sentence.format(place=line.place) for sentence in told]


def _facts(info: bytes) -> dict[str, str]:
    pairs = (text.partition(":") for text in info.decode("utf-8", "replace").splitlines())
    return {name: value for name, colon, value in pairs if colon}
