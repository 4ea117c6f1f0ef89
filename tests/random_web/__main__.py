"""Serve a random web until interrupted, and say what is in it."""

import argparse
import sys
from threading import Event

from tests.random_web import make, serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.random_web")
    for name, default in (("seed", 1), ("hosts", 10), ("pages", 100), ("images", 300), ("port", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--log", type=argparse.FileType("w", bufsize=1), help="a line a request")
    given = parser.parse_args()
    world = make(given.seed, given.hosts, given.pages, given.images)
    with serve(world, given.pause, port=given.port, log_to=given.log) as web:
        truth = world.truth
        print(
            f"{web.start}  {len(truth.images)} images to store, {len(truth.allowed)} URLs to ask, "
            f"{len(truth.forbidden)} forbidden, {len(truth.dead)} dead",
            flush=True,
        )
        Event().wait()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
