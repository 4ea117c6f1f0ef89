"""What all tests share: the policy for servers and browsers that may be missing."""

import os
import shutil
import signal
import threading
from collections.abc import Callable

import pytest

#: Debian keeps servers where an ordinary user's PATH does not look.
SERVER_PATHS = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


def pytest_configure() -> None:
    """What a shell starts in the background ignores Ctrl-C, and so would all that tests start."""
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def needs() -> Callable[[str], str]:
    """`needs("nginx")` gives the program's path; without it, a laptop skips and CI fails.

    A skip in CI would pass for a test that ran.
    """

    def path_of(program: str) -> str:
        path = shutil.which(program, path=SERVER_PATHS)
        if path is not None:
            return path
        reason = f"{program} is not installed; `make test` as root on Debian installs it"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)

    return path_of
