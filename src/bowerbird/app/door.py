"""Where workers come in: known before the manager is there to open, so that both start at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bowerbird.app.early import PREFIX
from bowerbird.app.folder import Folder, write_whole
from bowerbird.model import Kind
from bowerbird.queues import Door, UnixAddress, new_authkey, new_socket_path, sweep_sockets


@dataclass(slots=True, frozen=True)
class PrivateDoor:
    """A private Unix socket that is or will be listened at, and where its key lies."""

    door: Door
    key_file: Path

    def worker_command(self, kinds: Sequence[Kind] = ()) -> Sequence[str]:
        """The command line of a local worker; `kinds` limits what it takes."""
        address, key = str(self.door.address), str(self.key_file)
        return [*PREFIX, "_worker", address, key, *kinds]


def new_door(folder: Folder) -> PrivateDoor:
    """A door for one run; its key is written where workers read it."""
    sweep_sockets()
    door = Door(UnixAddress(str(new_socket_path())), new_authkey())
    write_whole(folder.authkey_file, door.authkey)
    return PrivateDoor(door, folder.authkey_file)
