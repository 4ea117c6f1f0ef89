"""A web of many hosts made from a seed, whose truth is known before anyone crawls it.

    world = make(seed=7, hosts=20, pages=200, images=600)
    with serve(world) as web:
        ... crawl web.start with --scope any --allow-private ...
    verdict = compare(web, records_of(folder))
    verdict.assert_whole()

- `make` is pure: the same arguments give the same `World`, byte by byte. `world.truth` says which
  images are to be stored, under which URL and with which sha256; what may be asked at all, and how
  often; what is to die, and of what; what robots.txt forbids.
- `serve` answers for all hosts on one port, and logs every request (`web.log`): host, path, begin
  and end. Hosts are addresses of 127.0.0.0/8, so that no name has to be resolved.
- `compare` compares the log and a crawl's records with the truth, as sets: lost, duplicated,
  unexpected, wrong; asked though forbidden, asked in vain; the smallest gap per host, the most in
  flight.

URLs in `truth` are keys: host and path, without scheme and port (`127.77.0.1/a.png`);
`web.url(key)` and `key_of(url)` lead there and back. By hand: `python -m tests.random_web`.
"""

from tests.random_web.server import Asked, RandomWeb, read_log, serve
from tests.random_web.verdict import Verdict, compare
from tests.random_web.world import Truth, World, key_of, make

__all__ = [
    "Asked", "RandomWeb", "Truth", "Verdict", "World", "compare", "key_of", "make", "read_log",
    "serve",
]  # fmt: skip
