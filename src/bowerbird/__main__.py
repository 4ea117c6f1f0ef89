"""The entry: what needs no command line parser does not wait for one."""

import gc
import os
import sys
from contextlib import suppress

#: Exit status after Ctrl-C, as shells have it.
INTERRUPTED = 130
#: New objects between two searches for garbage in cycles. Neither pages nor images leave any, whole
#: or broken; with Python's own 700, what is loaded at the start would be searched 70 times.
GARBAGE = 50_000
#: Commands that will have workers of this machine.
EMPLOYING = (["crawl"], ["download"])


def main() -> None:
    """Run `bowerbird`."""
    try:
        _run(sys.argv[1:])
    except KeyboardInterrupt:  # while something is still being loaded
        sys.exit(INTERRUPTED)
    finally:
        # What is left goes with the process: a last search for cycles would take it 20 to 50 ms,
        # for which a manager waits once for itself and once for its workers.
        gc.freeze()


def _run(arguments: list[str]) -> None:
    _open_what_is_closed()
    if arguments == ["--version"]:
        from bowerbird._version import __version__
        from bowerbird.cli.heard import heard

        with heard():
            print(f"bowerbird {__version__}")  # noqa: T201
        return
    _open_as_many_files_as_we_may()
    gc.set_threshold(GARBAGE)
    if arguments[:1] == ["_worker"]:
        from bowerbird.app.worker import main as work

        sys.exit(work(*arguments[1:]))
    elif arguments == ["_far"]:
        from bowerbird.app.far import main as work_far

        sys.exit(work_far())
    elif arguments == ["_workers"]:
        from bowerbird.app.forking import main as fork

        fork(_run)
    elif arguments == ["_dashboard"]:
        from bowerbird.web.child import main as show

        sys.exit(show())
    else:
        if arguments[:1] in EMPLOYING:
            from bowerbird.app.early import begin

            begin(_run)  # it loads what workers need while we load what we need
        from bowerbird.cli import run

        run()


def _open_what_is_closed() -> None:
    """Without a standard stream (`>&-`) the next file or socket would get its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def _open_as_many_files_as_we_may() -> None:
    """The soft limit, often 1,024, is for programs that use select(2); we do not."""
    try:
        import resource
    except ImportError:  # Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # macOS refuses "no limit"
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()
