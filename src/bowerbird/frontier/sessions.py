"""Sessions: the lives of worker processes with a frontier, and the leases they hold."""

import os
from collections.abc import Iterator, Sequence

from bowerbird.errors import SessionGoneError
from bowerbird.frontier.base import SESSION_DEADLINE_S
from bowerbird.frontier.tasks import KINDS, NUMBER, Entry
from bowerbird.model import Kind, WorkerInfo


class Session:
    """One worker process's life with a frontier."""

    __slots__ = ("clock_off_s", "deadline", "finished", "ghost", "hard_end_s", "hosts", "id",
                 "kinds", "leases", "news", "seen", "since", "told", "worker")  # fmt: skip

    def __init__(self, number: str, worker: WorkerInfo, kinds: Sequence[Kind], hard: float) -> None:
        self.id, self.worker, self.hard_end_s = number, worker, hard
        self.kinds = frozenset(NUMBER[kind] for kind in kinds) or frozenset(range(len(KINDS)))
        self.ghost = False  #: of before a restart: only its leases stand, for one session time
        self.deadline = self.seen = self.since = 0.0
        self.clock_off_s = 0.0  #: how far the worker's wall clock was ahead of ours
        self.finished = 0
        self.leases: dict[bytes, Entry] = {}  #: oldest first
        self.hosts: set[int] = set()  #: where it has leases or slots
        self.news: set[int] = set()  #: hosts it has to be told about
        self.told: dict[int, tuple[int, float, float]] = {}  #: slots, delay, hold it knows of

    def __repr__(self) -> str:
        return f"<Session {self.id} of {self.worker.name}: {len(self.leases)} leases>"

    def overdue(self, now: float) -> bool:
        """Whether it was silent for too long, or sits on a lease past its hard end."""
        if now > self.deadline:
            return True
        oldest = next(iter(self.leases.values()), None)
        return oldest is not None and not self.ghost and now > oldest.since + self.hard_end_s

    def alone(self) -> bool:
        """Whether it holds a suspect, which is to be its only lease."""
        return (
            any(entry.alone for entry in self.leases.values()) if len(self.leases) == 1 else False
        )


class Sessions:
    """The attached sessions, and all tokens that are still good."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self.tokens: dict[bytes, Entry] = {}
        self._stray: dict[int, bytes] = {}  #: task that nobody holds -> its last token

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[Session]:
        return iter(self._sessions.values())

    def open(self, worker: WorkerInfo, kinds: Sequence[Kind], hard_end_s: float) -> Session:
        """A new session, under a name that no restart repeats."""
        session = Session(os.urandom(8).hex(), worker, kinds, hard_end_s)
        self._sessions[session.id] = session
        return session

    def restore(self, number: str, worker: WorkerInfo, now: float) -> Session:
        """A session of before a restart, as a ghost."""
        session = Session(number, worker, (), float("inf"))
        session.ghost, session.deadline = True, now + SESSION_DEADLINE_S
        session.seen = session.since = now
        self._sessions[number] = session
        return session

    def find(self, number: str) -> Session | None:
        """A session, if it is attached."""
        return self._sessions.get(number)

    def alive(self, number: str, now: float) -> Session:
        """A session that may go on; its deadline moves on.

        Raises:
            SessionGoneError: it is unknown, or was of before a restart.
        """
        session = self._sessions.get(number)
        if session is None or session.ghost:
            raise SessionGoneError()
        session.seen, session.deadline = now, now + SESSION_DEADLINE_S
        return session

    def overdue(self, now: float, limit: int) -> list[Session]:
        """Sessions that have to end, at most `limit`."""
        found = []
        for session in self._sessions.values():
            if session.overdue(now):
                found.append(session)
                if len(found) == limit:
                    break
        return found

    def of_worker(self, name: str) -> list[Session]:
        """The sessions of one worker process."""
        return [one for one in self._sessions.values() if one.worker.name == name]

    def remove(self, session: Session) -> None:
        """A session has ended."""
        self._sessions.pop(session.id, None)

    def clear(self) -> None:
        """Forget the leases, not the sessions: a rollback takes leases back, no one's life."""
        self.tokens.clear()
        self._stray.clear()
        for session in self:
            session.leases.clear()

    # Tokens.

    def hold(self, session: Session, entry: Entry) -> None:
        """A lease is a session's."""
        self.tokens[entry.token] = entry
        session.leases[entry.token] = entry
        entry.session = session.id

    def stray(self, entry: Entry) -> None:
        """A task waits again, and its last token is still good."""
        entry.session = ""
        self.tokens[entry.token] = entry
        self._stray[entry.id] = entry.token

    def spend(self, entry: Entry) -> None:
        """A token has been used."""
        self.tokens.pop(entry.token, None)
        self._stray.pop(entry.id, None)
        session = self._sessions.get(entry.session)
        if session is not None:
            session.leases.pop(entry.token, None)

    def supersede(self, task: int) -> None:
        """The token of a task that nobody holds is good no more: it is leased anew, or dead."""
        token = self._stray.pop(task, None)
        if token is not None:
            del self.tokens[token]
