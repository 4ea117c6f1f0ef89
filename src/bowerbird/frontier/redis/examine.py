"""What of a Redis's settings would lose a crawl: refused, or told to whoever makes one."""

from bowerbird.errors import UsageError
from bowerbird.frontier.redis.info import facts
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
_HALVES = (
    "Redis at {place} does not let this user have its append-only file written anew (ACL rule "
    "+bgrewriteaof): if a kill or a power cut leaves half a change at its end, that comes back at "
    "a later start and hurts the crawl. Without that right, let redis-check-aof --fix run before "
    "each start."
)
#: From Redis 7.0 on; before, only trying would tell.
_MAY_REWRITE = "return (not redis.acl_check_cmd or redis.acl_check_cmd('bgrewriteaof')) and 1 or 0"
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
        known = facts(line.command("INFO"))
    except UsageError:
        return [_BLIND.format(place=line.place)]
    policy = known.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        raise UsageError(_POLICY.format(place=line.place, policy=policy))
    told = []
    if known.get("aof_enabled", "0") == "0":
        told.append(_APPEND)
    elif not line.command("EVAL", _MAY_REWRITE, 0):
        told.append(_HALVES)
    if int(known.get("connected_slaves", "0")) and "min_slaves_good_slaves" not in known:
        told.append(_REPLICA)
    return [sentence.format(place=line.place) for sentence in told]
