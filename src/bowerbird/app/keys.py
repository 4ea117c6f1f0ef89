"""Authkeys: read from a file or the environment, made and kept where there is none yet.

A key is any bytes. One that people made up is the UTF-8 of what they typed, as the shell gave it.
"""

import os
import secrets
from pathlib import Path

from bowerbird.app.folder import write_whole
from bowerbird.errors import UsageError

#: The environment variable that holds a key.
VARIABLE = "BOWERBIRD_AUTHKEY"
#: Random bytes of a key that we make; written as hexadecimal digits, since people copy them.
KEY_BYTES = 32
#: A key file is not larger: whoever names a photograph by mistake is told.
LARGEST = 4_096


def find_authkey(file: str | Path = "", typed: str = "") -> bytes | None:
    """The key that a person has named: a file, the command line, the environment; else None.

    Raises:
        UsageError: it cannot be read, is empty, or is named twice.
    """
    if file and typed:
        raise UsageError("--authkey-file and --authkey name two keys; give one of them.")
    if file:
        return read_authkey(Path(file))
    if typed:
        return os.fsencode(typed)
    return _from_environment()


def need_authkey(file: str | Path = "", typed: str = "") -> bytes:
    """`find_authkey` for those who cannot make one: clients of a manager."""
    key = find_authkey(file, typed)
    if key is None:
        raise UsageError(
            f"No authkey: name its file with --authkey-file, or set {VARIABLE}. It is the one of "
            "the manager, which said at its start where it lies."
        )
    return key


def read_authkey(path: Path) -> bytes:
    """The key in a file: its bytes without one newline at the end.

    Raises:
        UsageError: it cannot be read, is empty, or too large for a key.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"The key file {path} cannot be read: {error.strerror}.") from None
    if len(data) > LARGEST:
        raise UsageError(f"{path} is no key file: it holds more than {LARGEST} bytes.")
    key = data[:-2] if data.endswith(b"\r\n") else data.removesuffix(b"\n")
    if not key:
        raise UsageError(f"The key file {path} is empty; `bowerbird keygen -o FILE` makes a key.")
    return key


def kept_authkey(path: Path) -> bytes:
    """The key kept in a file of ours, made at the first call.

    Raises:
        UsageError: it cannot be read or is empty.
        StorageFullError: the disk refuses.
    """
    if not path.exists():
        write_whole(path, new_key_text(), lasting=True)
    return read_authkey(path)


def new_key_text() -> bytes:
    """The contents of a new key file."""
    return secrets.token_hex(KEY_BYTES).encode() + b"\n"


def make_authkey(path: Path) -> None:
    """Make a key file that only its owner can read.

    Raises:
        UsageError: it is there already, or cannot be written.
    """
    try:
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        with file:
            file.write(new_key_text())
    except FileExistsError:
        raise UsageError(f"{path} is there already; name another file with -o.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from None


def _from_environment() -> bytes | None:
    text = os.environ.get(VARIABLE)
    if text == "":
        raise UsageError(f"{VARIABLE} is set and empty; give it a key, or unset it.")
    return None if text is None else os.fsencode(text)
