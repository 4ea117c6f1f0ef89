"""The worker's loop: libcurl's multi interface turns it, everything else waits its turn.

It holds nothing that may not be lost. When its session is over it starts nothing, aborts what
runs, and offers once what it has. A far worker then attaches again, and goes on with what stands.
"""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import msgspec

from bowerbird import urls
from bowerbird.backoff import faster_s
from bowerbird.clock import Clock
from bowerbird.errors import BowerbirdError, SessionGoneError
from bowerbird.fetch import Fetcher, Response
from bowerbird.inbox import waiting
from bowerbird.model import DISK_FULL, NO_RIGHT, BeatReply, LeaseReply, Outcome, State, Verb
from bowerbird.worker.ask import Asker
from bowerbird.worker.away import Away, may_heal
from bowerbird.worker.hosts import Held, Hosts
from bowerbird.worker.link import NO_ROOM_S, Joined, Leased, Link, News, NotJoined, NotLeased
from bowerbird.worker.member import Claim
from bowerbird.worker.work import Work

if TYPE_CHECKING:
    from bowerbird.worker.landing import Landing

#: A worker that was asked to stop lets requests run on for so long, in seconds.
GRACE_S = 10.0
#: How often leases that have waited too long are looked for, in seconds.
SWEEP_EVERY_S = 1.0
#: Longest sleep of the loop, in seconds; it is woken by what happens.
NAP_S = 0.5
#: Least time between an empty answer and the next `lease`, in seconds.
ASK_AGAIN_S = 0.005
#: Tasks at hand, running ones included, that a worker may have at least: each call for more costs
#: the frontier a transaction.
LEAST_HELD = 64
#: Least time between two calls that only give slots back, in seconds.
GIVE_AGAIN_S = 0.5
#: Sleep while the rate is spent, in seconds; it is filled up again little by little.
THROTTLED_NAP_S = 0.02
#: A far worker whose disk is full tries again after this at the latest, in seconds.
NO_ROOM_MOST_S = 30.0
#: After a task that only others may do nothing is leased for so long, in seconds.
NO_RIGHT_S = 1.0
#: Answers in a row without fault after which an adaptive delay shrinks.
WELL_AFTER = 10


class Loop:
    """Leases in, outcomes out, until the crawl has ended or somebody says stop."""

    def __init__(
        self, link: Link, fetcher: Fetcher, asker: Asker, work: "Work | Landing", clock: Clock,
        concurrency: int,
    ) -> None:  # fmt: skip
        self._link = link
        self._fetcher = fetcher
        self._asker = asker
        self._work = work
        self._clock = clock
        self._concurrency = concurrency
        self._most_held = max(2 * concurrency, LEAST_HELD)
        self._hosts = Hosts()
        self._running: dict[int, Held] = {}
        self._decoding: dict[int, int] = {}  # -> bytes of its body, which are in memory meanwhile
        self._well: dict[str, int] = {}
        self._told = set[str]()  # hosts whose learned delay is taken back
        self._key = 0
        self._ask_s = 0.0
        self._give_s = 0.0
        self._sweep_s = 0.0
        self._stop_s: float | None = None
        self._ended = False
        self._full = 0  # how often our own disk has refused, one after the other
        self._away: Away | None = None
        self._place = 1  # the number of the session whose answers count
        self.error: BowerbirdError | None = None  #: why the session ended, if it did not end well

    def __repr__(self) -> str:
        return f"<Loop [{len(self._running)} in flight, {len(self._work)} decoding] {self._hosts}>"

    def stop(self) -> None:
        """Ask for nothing more, let requests in flight end. Safe in a signal handler."""
        self._stop_s = self._stop_s or self._clock.now_s()

    @property
    def away_s(self) -> float | None:
        """For how long there has been no session; None while there is one. Any thread may ask."""
        away = self._away
        return self._clock.now_s() - away.since_s if away else None

    def run(self) -> None:
        """Turn until the end."""
        while not self._is_over():
            self._turn()
        self._leave()

    def _turn(self) -> None:
        now_s = self._clock.now_s()
        self._read_inbox(now_s)
        self._look_after_session(now_s)
        self._ask(now_s)
        self._start(now_s)
        for response in self._fetcher.poll(self._nap_s(now_s)):
            self._answered(response)
        for key, outcome in self._work.finished():
            del self._running[key]
            self._fetcher.release(self._decoding.pop(key, 0))
            self._say(outcome)
        self._sweep(self._clock.now_s())
        self._link.flush(now_s, at_once=not self._at_hand())

    def _at_hand(self) -> bool:
        return bool(self._running) or bool(self._hosts.waiting)

    def _is_over(self) -> bool:
        now_s = self._clock.now_s()
        if not (self._link.returns or self._link.alive(now_s)):
            self.error = self.error or SessionGoneError()
        if self.error:
            return True
        at_hand = self._at_hand()
        if self._stop_s is None:
            return self._ended and not at_hand
        owed = self._away is not None and self._link.owed()
        return not (at_hand or owed) or now_s - self._stop_s > GRACE_S

    def _leave(self) -> None:
        """Abort what runs, release what is at hand, hand in the rest."""
        self._fetcher.abort_all()
        self._release_all((*self._running.values(), *self._hosts.clear()))
        self._running.clear()
        self._work.close()

    # In.

    def _read_inbox(self, now_s: float) -> None:
        for place, news in waiting(self._link.inbox):
            self._take(place, news, now_s)

    def _take(self, place: int, news: News, now_s: float) -> None:
        if isinstance(news, (Leased, NotLeased)):
            self._link.asking = False
        if isinstance(news, Joined):
            self._joined(place, news)
        elif isinstance(news, NotJoined):
            self._not_joined(news.error, now_s)
        elif isinstance(news, NotLeased):
            self._failed(place, news.error, now_s)
        elif isinstance(news, BowerbirdError):
            self._failed(place, news, now_s)
        elif place != self._place or self._away:
            return  # of a session that is over: its leases go back, its numbers are void
        elif isinstance(news, Leased):
            self._take_leases(*news, now_s)
            self._heed(news.reply.state)
        else:
            self._heed(news.state)
            self._hosts.accept(news.grants, news.seq, now_s)
            if isinstance(news, BeatReply) and news.sessions:
                self._fetcher.share(news.sessions)

    def _heed(self, state: State) -> None:
        """Paused or draining: what has not started goes back."""
        if state in (State.PAUSED, State.DRAINING):
            self._release_all(self._hosts.clear())
        if state is State.ENDED and self._full:
            self._ended = True  # it asks for leases too rarely to hear of it there

    def _take_leases(self, reply: LeaseReply, asked_s: float, now_s: float) -> None:
        self._hosts.accept_leased(reply.grants, reply.seq, now_s)
        for lease in reply.leases:
            if (outcome := self._work.spared(lease)) is not None:
                self._link.say(outcome)
            else:
                self._hosts.add(Held(lease, urls.host_of(lease.task.url), asked_s))
        self._ended = reply.state is State.ENDED
        if not reply.leases:
            # It blocks by itself: this only bounds a defect.
            self._ask_s = max(self._ask_s, now_s + ASK_AGAIN_S)

    def _ask(self, now_s: float) -> None:
        """Ask once half of what may be at hand is gone, or when slots are owed."""
        if self._link.asking or self._ended or self._away:
            return
        room = self._room(now_s)
        if room or (now_s >= self._give_s and self._hosts.owes_gifts(now_s)):
            self._give_s = now_s + GIVE_AGAIN_S
            self._link.ask(room, self._hosts.take_gifts(now_s))

    def _room(self, now_s: float) -> int:
        """How many leases to ask for; none before half of what may be at hand is gone."""
        if self._stop_s or self._link.crowded or now_s < self._ask_s:
            return 0
        room = self._most_held - len(self._running) - self._hosts.waiting
        if room * 2 < self._most_held:
            return 0
        return 1 if self._full else room

    # Without a session.

    def _failed(self, place: int, error: BowerbirdError, now_s: float) -> None:
        if not (self._link.returns and may_heal(error)):
            self.error = error
        elif place != self._place:
            return  # the end of a way that we have left already
        else:
            self._away = self._away or Away(now_s)

    def _not_joined(self, error: BowerbirdError, now_s: float) -> None:
        if not may_heal(error):
            self.error = error
        elif self._away is not None:
            self._away.failed(now_s)

    def _look_after_session(self, now_s: float) -> None:
        if not self._link.returns:
            return
        if not self._link.alive(now_s):
            self._lapse(now_s)
        if self._away is not None and self._away.due(now_s):
            self._away.trying = True
            self._link.rejoin(self._claim())

    def _lapse(self, now_s: float) -> None:
        """The session is over, whether or not anyone could tell us: end every request, keep what
        has been fetched."""
        self._away = self._away or Away(now_s)
        if self._away.lapsed:
            return
        self._away.lapsed = True
        self._link.give_up()
        self._abort_all_but(frozenset())
        self._hosts.forget()

    def _claim(self) -> Claim:
        held = (*self._hosts.tokens(), *(one.lease.token for one in self._running.values()))
        tokens = tuple(dict.fromkeys((*held, *self._link.owed())))
        return Claim(tokens, self._hosts.in_flight())

    def _joined(self, place: int, joined: Joined) -> None:
        """Go on with what stands; the rest is somebody else's by now."""
        self._place, self._away, self._ended = place, None, False
        self._abort_all_but(joined.standing)
        self._hosts.begin_anew(joined.claim.in_flight, joined.standing)
        self._link.known.clear()  # the frontier may have been set back by a power cut
        for token in joined.standing.difference(self._claim().tokens):
            # Claimed, and given up since: the answer took longer than the session had left.
            self._link.say(Outcome(token=token, verb=Verb.RELEASED))

    def _abort_all_but(self, standing: Collection[bytes]) -> None:
        for key, held in list(self._running.items()):
            if held.lease.token not in standing and key not in self._decoding:
                del self._running[key]
                self._fetcher.abort(key)
                self._hosts.aborted(held.host)

    # Out.

    def _start(self, now_s: float) -> None:
        if self._stop_s is not None and self._hosts.waiting:
            self._release_all(self._hosts.clear())
        if self._away or not self._link.alive(now_s):
            return
        if self._fetcher.throttled or self._link.crowded:
            return  # what is begun beyond --max-rate would only wait, and time out
        for held in self._hosts.take(now_s, self._concurrency - len(self._running)):
            self._key += 1
            self._running[self._key] = held
            self._fetcher.submit(self._asker.request(self._key, held.lease))

    def _nap_s(self, now_s: float) -> float:
        """Until time alone has something to do; news, answers and decodes wake us."""
        if self._fetcher.throttled:
            return THROTTLED_NAP_S
        next_s = now_s + NAP_S
        if self._away:
            return max(0.0, min(next_s, self._away.next_s) - now_s)
        own = (self._ask_s, self._give_s) if not self._link.asking else ()
        moments = [one_s for one_s in own if one_s > now_s]
        due = (self._hosts.next_start_s(), self._link.flush_s())
        moments.extend(one_s for one_s in due if one_s is not None)
        return max(0.0, min((next_s, *moments)) - now_s)

    def _answered(self, response: Response) -> None:
        held = self._running[response.key]
        now_s = self._clock.now_s()
        delay_s = self._hosts.delay_s(held.host)
        outcome = self._work.outcome(held.lease, response, delay_s)
        slower_s = (outcome.delay_s if outcome else None) or 0.0
        seen_s = response.first_byte_s or now_s
        self._hosts.ended(held.host, seen_s, now_s, slower_s)
        if outcome is None:
            self._decoding[response.key] = len(response.body)
            self._fetcher.hold(len(response.body))
            return  # it is being decoded
        if outcome.hold_s:
            self._hosts.hold(held.host, now_s + outcome.hold_s)
        del self._running[response.key]
        self._say(self._adapt(held.host, outcome, delay_s))

    def _say(self, outcome: Outcome) -> None:
        self._link.say(outcome)
        if NO_RIGHT in outcome.counts:
            self._ask_s = self._clock.now_s() + NO_RIGHT_S  # it would be given to us again
        if DISK_FULL in outcome.counts:
            # What else is at hand would be fetched in vain: the manager looks before more begins.
            self._wait_for_room(self._clock.now_s())
            self._release_all(self._hosts.clear())
        elif outcome.records:
            self._full = 0

    def _wait_for_room(self, now_s: float) -> None:
        """The manager pauses a crawl whose own disk is full. Of ours it knows nothing, and others
        can go on: we try ever more rarely, with one task."""
        if now_s < self._ask_s:
            return  # this one was under way when the first was refused
        self._ask_s = now_s + min(NO_ROOM_S * 2.0**self._full, NO_ROOM_MOST_S)
        self._full += self._link.returns

    def _adapt(self, host: str, outcome: Outcome, delay_s: float) -> Outcome:
        """A host that has been well for a while may be asked faster again."""
        if outcome.delay_s is not None or not delay_s:
            self._well.pop(host, None)
            return outcome
        if not self._work.adaptive:
            return self._fix(host, outcome, delay_s)
        well = self._well[host] = self._well.get(host, 0) + 1
        if well < WELL_AFTER:
            return outcome
        del self._well[host]
        return msgspec.structs.replace(outcome, delay_s=faster_s(delay_s))

    def _fix(self, host: str, outcome: Outcome, delay_s: float) -> Outcome:
        """What was learned of a host in an earlier run gives way to a delay that is fixed now."""
        if delay_s <= self._work.delay_s or host in self._told:
            return outcome  # or it is a Crawl-delay
        self._told.add(host)
        return msgspec.structs.replace(outcome, delay_s=0.0)

    def _sweep(self, now_s: float) -> None:
        if now_s < self._sweep_s:
            return
        self._sweep_s = now_s + SWEEP_EVERY_S
        self._release_all(self._hosts.stale(now_s))
        self._hosts.prune()

    def _release_all(self, unstarted: Iterable[Held]) -> None:
        for held in unstarted:
            self._link.say(Outcome(token=held.lease.token, verb=Verb.RELEASED))
