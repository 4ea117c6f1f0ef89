"""Serve the site until interrupted, and say what there is, each on a host of its own."""

import sys
from threading import Event

from tests.site import Site
from tests.site.resources import RESOURCES


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    with Site(port, host="0.0.0.0") as site:
        for name, resource in sorted(RESOURCES.items()):
            print(f"{site.home('/' + name):44} {(resource.__doc__ or '').strip()}", flush=True)
        Event().wait()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
