"""The leases of old-style clients: who has which URL in hand, set aside, or has had it.

Each session holds one lease at most, and gives its slots back with it: so the frontier itself, by
what it leases, keeps hosts from being asked too often or too soon.
"""

import os
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from bowerbird.errors import SessionGoneError
from bowerbird.frontier.base import BEAT_EVERY_S, Frontier
from bowerbird.manager.bridge.clients import Client, Held, Undoable
from bowerbird.model import OLD_STYLE, Grant, Kind, Lease, LeaseReply, Outcome, State, WorkerInfo
from bowerbird.urls import host_of

#: A URL taken goes back after this, in seconds; success that comes later is still heard.
HARD_END_S = 600.0
#: A URL set aside and not taken goes back after this, in seconds.
RESERVED_S = 30.0
#: A session that nobody has used for so long ends, in seconds: each makes the others' shares less.
IDLE_S = 2.0
#: URLs of one client at most: each is a session, and each session makes the others' shares less.
TAKEN_MOST = 64
#: URLs of clients that have gone, of which word may still come.
STRAYS = 10_000


class Hands:
    """All clients and what they hold. `changed`: something has gone back, or is finished."""

    def __init__(self, frontier: Frontier) -> None:
        self.changed = False
        self.tend_at_s: float | None = None  #: when `tend` is due
        self._frontier = frontier
        self._clients: Undoable[int, Client] = Undoable()
        self._held: Undoable[str, Held] = Undoable()  # by URL
        self._strays: Undoable[str, Held] = Undoable()  # the same, of ended sessions; oldest first
        self._count = 0
        self._life = os.urandom(3).hex()

    def __repr__(self) -> str:
        return f"<Hands [{len(self._clients)} clients, {len(self._held)} URLs]>"

    def __len__(self) -> int:
        """How many clients have asked for tasks and are here."""
        return len(self._clients)

    def sessions(self) -> int:
        """How many sessions of the frontier are theirs."""
        own = sum(bool(one.idle) + bool(one.reserved) for one in self._clients.values())
        return own + len(self._held)

    def settle(self) -> None:
        """The batch is committed."""
        self.changed = False
        for one in (self._clients, self._held, self._strays):
            one.settle()

    def undo(self) -> None:
        """The batch was rolled back."""
        self.changed = False
        for one in (self._clients, self._held, self._strays):
            one.undo()

    # Out.

    def reserved(self, connection: int) -> Held | None:
        """What is set aside for a client."""
        return self._clients.get(connection, Client()).reserved

    def reserve(self, connection: int, peer: str, now_s: float) -> Held | LeaseReply:
        """Set something aside for a client, unless it is; else what the frontier says.

        `peer` is the client's address.
        """
        client = self._clients.get(connection, Client())
        if client.reserved is not None:
            return client.reserved
        if len(client.taken) >= TAKEN_MOST:
            return LeaseReply(state=State.RUNNING, next_in_s=IDLE_S)
        session, reply = self._lease(client.idle, connection, peer, now_s)
        held = _held(reply.leases, session, connection, now_s)
        if held is not None and not _may_begin(held.host, reply.grants):
            self._detach(session)
            held, session = None, ""
        idle = "" if held else session
        changed = msgspec.structs.replace(client, idle=idle, idle_s=now_s, reserved=held)
        self._clients.put(connection, changed)
        return held or reply

    def take(self, held: Held, now_s: float) -> str:
        """What was set aside is the client's: the URL."""
        client = self._clients[held.connection]
        taken = (*client.taken, held.url)
        changed = msgspec.structs.replace(client, reserved=None, taken=taken)
        self._clients.put(held.connection, changed)
        self._strays.drop(held.url)
        self._held.put(held.url, msgspec.structs.replace(held, until_s=now_s + HARD_END_S))
        return held.url

    def _lease(self, idle: str, connection: int, peer: str, now_s: float) -> tuple[str, LeaseReply]:
        if idle:
            with suppress(SessionGoneError):
                return idle, self._frontier.lease(idle, 1)
        session = self._attach(connection, peer, now_s)
        return session, self._frontier.lease(session, 1)

    def _attach(self, connection: int, peer: str, now_s: float) -> str:
        self._count += 1
        # A worker has one session, a client several; none is one of a manager of before.
        name = f"old-style-{self._life}-{connection}.{self._count}"
        info = WorkerInfo(name=name, version=OLD_STYLE, address=peer, local=False)
        if self.tend_at_s is None:
            self.tend_at_s = now_s + BEAT_EVERY_S
        # The frontier would end the session with a death: a lease that is too old goes back before.
        most_s = RESERVED_S + HARD_END_S + 10.0
        return self._frontier.attach(info, kinds=(Kind.IMAGE,), hard_end_s=most_s).session

    # Back.

    def find(self, url: str) -> Held | None:
        """Who has or had this URL last."""
        return self._held.get(url) or self._strays.get(url)

    def finish(self, held: Held, outcome: Outcome, now_s: float) -> bool:
        """A URL is finished, whoever says so; whether the frontier accepts it."""
        self._held.drop(held.url)
        self._strays.drop(held.url)
        self.changed = True
        reply = self._frontier.finish(held.session, [outcome], {held.host: 1})
        client = self._clients.get(held.connection)
        if client is not None and held.url in client.taken:
            self._free(held, client.without(held.url), now_s)
        return reply.accepted[0]

    def _free(self, held: Held, client: Client, now_s: float) -> None:
        """A session has nothing in hand any more: it waits for the next, or one is enough."""
        if client.idle or client.reserved:
            self._detach(held.session)
        else:
            client = msgspec.structs.replace(client, idle=held.session, idle_s=now_s)
        self._clients.put(held.connection, client)

    def part(self, connection: int) -> None:
        """A client has gone: all it has goes back."""
        client = self._clients.drop(connection)
        if client is None:
            return
        for url in client.taken:
            self._detach(self._held[url].session)
            self._stray(url)
        self._detach(client.idle)
        if client.reserved:
            self._detach(client.reserved.session)

    def _detach(self, session: str) -> None:
        """Leases go back uncounted, slots too; a token is good until its task is leased again."""
        if session:
            self._frontier.detach(session)
            self.changed = True

    def _stray(self, url: str) -> None:
        held = self._held.drop(url)
        if held is not None:
            self._strays.put(url, held)
        if len(self._strays) > STRAYS:
            self._strays.drop(next(iter(self._strays)))

    # Meanwhile.

    def tend(self, now_s: float) -> None:
        """Beat for what is in use, end what is not, take back what was held too long."""
        if self.tend_at_s is None or self.tend_at_s > now_s:
            return
        # Set first: where the disk refuses to end a session, other calls must not fail with it.
        self.tend_at_s = now_s + BEAT_EVERY_S
        for connection, client in tuple(self._clients.items()):
            tended = self._tended(client, now_s)
            if tended != client:
                self._clients.put(connection, tended)
        if not self.sessions():
            self.tend_at_s = None

    def _tended(self, client: Client, now_s: float) -> Client:
        if client.idle and client.idle_s + IDLE_S <= now_s:
            self._detach(client.idle)
            client = msgspec.structs.replace(client, idle="")
        if client.reserved and not self._keep(client.reserved, now_s, begun=False):
            client = msgspec.structs.replace(client, reserved=None)
        for url in client.taken:
            if not self._keep(self._held[url], now_s, begun=True):
                self._stray(url)
                client = client.without(url)
        return client

    def _keep(self, held: Held, now_s: float, *, begun: bool) -> bool:
        """Beat for a lease; whether it still stands."""
        with suppress(SessionGoneError):
            if held.until_s > now_s:
                grants = self._frontier.beat(held.session).grants
                if begun or _may_begin(held.host, grants):
                    return True
        self._detach(held.session)
        return False


def _held(leases: Sequence[Lease], session: str, connection: int, now_s: float) -> Held | None:
    for lease in leases:
        host = host_of(lease.task.url)
        return Held(lease, session, connection, host, now_s + RESERVED_S)
    return None


def _may_begin(host: str, grants: Sequence[Grant]) -> bool:
    """Whether the grants of an answer let a request to this host begin now."""
    return all(grant.slots > 0 and not grant.hold_s for grant in grants if grant.host == host)
