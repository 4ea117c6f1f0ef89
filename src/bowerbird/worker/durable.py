"""Nothing is said to be done before its files are as durable as was asked for."""

from collections.abc import Sequence

from bowerbird.errors import StorageFullError
from bowerbird.model import Outcome
from bowerbird.store import FileStore
from bowerbird.worker.keep import given_back


class Durable:
    """Syncs files, and gives back the outcomes whose files may be lost."""

    def __init__(self, store: FileStore) -> None:
        self._store = store
        self._failed = False

    def __call__(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Sync what these outcomes speak of; answer those to hand in."""
        try:
            self._store.flush()
        except (StorageFullError, OSError) as error:  # also where another worker has removed a file
            self._failed = True
            return [given_back(one.token, str(error)) if one.records else one for one in outcomes]
        if self._failed:  # it has removed a file, of which an outcome may only come now
            return [self._if_whole(one) for one in outcomes]
        return list(outcomes)

    def _if_whole(self, outcome: Outcome) -> Outcome:
        for record in outcome.records:
            if any(self._store.size_of(one.path) != record.bytes for one in record.holders):
                return given_back(outcome.token, "its file could not be made durable")
        return outcome
