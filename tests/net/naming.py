"""A crawl among names of a hostile DNS; runs in a network and file system namespace of its own.

    unshare --net --mount python -m tests.net.naming FOLDER

writes FOLDER/naming.json: when each name was asked for, where requests arrived, what came of it.
"""

import json
import subprocess
import sys
from pathlib import Path

from bowerbird.app.visit import visit
from tests.bird import flying
from tests.net.dns import NXDOMAIN, SERVFAIL, Answer, NameServer, at, turning
from tests.site import Site

#: An address that is public to everyone but this namespace, which has it.
PUBLIC = "198.41.0.4"
PUBLIC6 = "2001:4860:4860::8888"
PRIVATE = ("10.9.9.9", "169.254.169.254", "100.64.0.1", "192.168.3.4", "168.63.129.16")
PRIVATE6 = ("fd00:ec2::254", "fe80::1234", "64:ff9b::7f00:1", "2002:7f00:1::1", "fec0::1")
GIVEN_S = 2.0  #: for DNS, TCP and TLS together

ZONES = {
    "good.test": at(PUBLIC),
    "six.test": at(PUBLIC6),
    "rebound.test": turning(Answer((PUBLIC,)), Answer(("127.0.0.1",))),
    "both.test": at("127.0.0.1", PUBLIC, "10.9.9.9"),
    "thousand.test": at(*(f"10.9.{n >> 8}.{n & 255}" for n in range(999)), PUBLIC),
    "flapping.test": lambda times: Answer((PUBLIC,)) if times else Answer(code=NXDOMAIN),
    "servfail.test": turning(Answer(code=SERVFAIL)),
    "slow.test": lambda _: None,
    "mapped.test": at("::ffff:127.0.0.1"),
    "empty.test": at(),
    **{f"private{n}.test": at(address) for n, address in enumerate((*PRIVATE, *PRIVATE6))},
}
#: Images asked of each name; and what keeps a worker busy for longer than a name may take.
IMAGES, MANY, PAUSE_MS = 3, 400, 50


def _become_alone(place: Path) -> None:
    """Addresses of the world on our own loopback, and our own name server."""
    conf = place / "resolv.conf"
    conf.write_text("nameserver 127.0.0.1\n")
    _run("ip", "link", "set", "lo", "up")
    for address in (PUBLIC, *PRIVATE):
        _run("ip", "address", "add", f"{address}/32", "dev", "lo")
    for address in (PUBLIC6, *PRIVATE6):
        _run("ip", "address", "add", f"{address}/128", "dev", "lo", "nodad")
    _run("mount", "--bind", conf, "/etc/resolv.conf")


def _run(*words: object) -> None:
    subprocess.run(list(map(str, words)), check=True, capture_output=True)


def main() -> int:
    place = Path(sys.argv[1])
    _become_alone(place)
    with NameServer(ZONES) as names, Site(80, host="") as site:
        found = _crawled(place, names, site)
    (place / "naming.json").write_text(json.dumps(found))
    return 0


def _crawled(place: Path, names: NameServer, site: Site) -> dict[str, object]:
    once = [name for name in ZONES if name not in ("slow.test", "rebound.test")]
    urls = [f"http://{name}/image/whole.png?{n}" for n in range(IMAGES) for name in once]
    urls += [f"http://good.test/later/{PAUSE_MS}?{n}" for n in range(MANY)]
    # Its connection closes without an answer, so that the next try has to ask for the name anew.
    urls += ["http://slow.test/1.png", "http://rebound.test/empty-reply"]
    (place / "list.txt").write_text("\n".join(urls))
    (place / "limits.toml").write_text(f"connect_timeout = {GIVEN_S}\nretries = 1\n")
    options = ("--config", place / "limits.toml", "--delay", 0, "--json", "--workers", 1)
    with flying("download", place / "list.txt", "-o", place / "out", *options) as run:
        ran = run.ended()
    assert ran.status == 0, ran.err
    with visit(str(place / "out")) as crawl:
        results = crawl.frontier.results(limit=10_000)
    ends = [(one.url, one.reason) for one in results.deaths]
    ends += [(one.url, one.type) for one in results.records]
    return {
        "report": ran.report,
        "ends": ends,
        "arrivals": [(one.host, one.header("host"), one.at_s) for one in site.arrivals],
        "asked_s": names.first_s,
    }


if __name__ == "__main__":
    sys.exit(main())
