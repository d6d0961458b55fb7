"""One journal on its way to the centre: what has been confirmed, what has been sent, what comes next.

Three numbers, each the sequence number of a record:

confirmed   the cursor: delivered for good; persisted, never moves backwards.
base        what the centre says it has. Equal to `confirmed`, but lower when the centre lost records (restored from an older copy):
            they are sent again as long as the journal still has them.
sent        handed to the link in this pass. At most `ahead` records beyond `base`, so that a centre that is away costs neither memory
            here nor a queue at the broker; up to AHEAD_MAX while a backlog drains and its watermarks keep coming.

Lost messages are found in three ways: the centre sees a later record and says `resend`; nothing is confirmed for a while, then one record
is sent again as a probe; the broker forgot our session. In each case sending starts again after `base`. The centre drops duplicates.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec

from edge.errors import StorageError
from edge.link.lines import Line, Lines, Place
from edge.link.port import NO_MATCHING_SUBSCRIBERS, PACKET_TOO_LARGE
from edge.link.topics import EVENT, GAP, Topic
from edge.messages.wire import Event, JournalGap, Watermark

log = logging.getLogger(__name__)

AHEAD = 256
AHEAD_MAX = 2048
PROBE_FIRST_S = 5.0
PROBE_MAX_S = 300.0
RESEND_AGAIN_S = 2.0
FOLLOWS_S = 30.0
SAVE_EVERY_S = 2.0
GROWTH_EVERY_S = 0.05

Why = Literal["missing", "too_large", "set_aside"]


@dataclass(frozen=True, slots=True)
class Item:
    """One message of a lane: records first..last (more than one only in a gap notice)."""

    lane: Lane
    generation: int
    first: int
    last: int
    topic: Topic
    payload: bytes
    probe: bool = False

    @property
    def key(self) -> tuple[str, int]:
        return (self.lane.name, self.first)


class Lane:
    """`growth`: a cheap value that changes when the journal has grown. One thread."""

    def __init__(
        self, node: str, name: str, lines: Lines, place: Place, growth: Callable[[], object], *, by_centre: bool, ahead: int = AHEAD
    ) -> None:
        self.name = name
        self.forked, self.refusal = False, 0
        self._node, self._lines, self._place, self._growth = node, lines, place, growth
        self._by_centre, self._ahead_first, self._ahead = by_centre, ahead, ahead
        self._ahead_reached = False
        self._epoch = ""
        self._confirmed = self._base = self._sent = 0
        self._generation, self._waits_since_s = 0, 0.0
        self._in_flight: dict[int, Item] = {}
        self._aside: dict[int, Why] = {}
        self._iterator: Iterator[Line] | None = None
        self._head: Line | None = None
        self._grown: object = None
        self._look_at_s = 0.0
        self._paused_until_s, self._pause_s = 0.0, PROBE_FIRST_S
        self._probe_at_s, self._probe_s = 0.0, PROBE_FIRST_S
        self._probing = False
        self._resent: tuple[int, float] = (-1, 0.0)
        self._saved, self._save_at_s = 0, 0.0

    @property
    def epoch(self) -> str:
        """Names this life of the journal; "" until it is known to have its first record."""
        return self._epoch

    def learn(self) -> str:
        """Looks whether the journal has begun; its epoch. Raises StorageError."""
        if not self._epoch:
            self._epoch = self._lines.epoch()
            if self._epoch:
                epoch, upto = self._place.get()
                self._confirmed = self._base = self._sent = self._saved = upto if epoch == self._epoch else 0
        return self._epoch

    @property
    def confirmed(self) -> int:
        return self._confirmed

    def backlog(self) -> int:
        """Records not yet confirmed."""
        last = self._lines.last() if self._epoch else None
        return 0 if last is None else max(0, last.seq - self._confirmed)

    def oldest_unsent(self) -> Line | None:
        """The first record not yet confirmed. Raises StorageError."""
        return next(self._lines.read(after_seq=self._confirmed, limit=1), None) if self._epoch else None

    def connected(self, now_s: float, *, session_present: bool) -> None:
        self._paused_until_s = 0.0
        self._probe_s = self._pause_s = PROBE_FIRST_S
        self._probe_at_s = now_s + self._probe_s
        if not session_present:
            self._rewind(self._base)

    def disconnected(self, now_s: float) -> None:
        """A broker that died may keep our session and forget what it took: where the centre follows, all that it lacks goes again, so that
        later records do not overtake those at other subscribers. Where it is away that would be repeated at each cut: it asks later."""
        follows = self._by_centre and now_s - self._waits_since_s < FOLLOWS_S
        self._rewind(self._base if follows else min(self._in_flight) - 1 if self._in_flight else self._sent)

    def next(self, now_s: float, max_payload_bytes: int | None) -> Item | None:
        """The next message to send now, or None. Raises StorageError when the journal cannot be read."""
        if now_s < self._paused_until_s or not self._begun(now_s):
            return None
        if self._by_centre and self._sent - self._base >= self._ahead:
            self._ahead_reached = not self._probing
            return self._probe(now_s, max_payload_bytes)
        line = self._peek(now_s)
        if line is None:
            return self._probe(now_s, max_payload_bytes)
        if line.seq == self._sent + 1:
            self._head = None
        item = self._item(line, self._sent, max_payload_bytes)
        self._waits_since_s = now_s if self._sent == self._base else self._waits_since_s
        if not self._in_flight:
            self._probe_at_s = max(self._probe_at_s, now_s + self._probe_s)
        self._in_flight[item.first] = item
        self._sent = item.last
        return item

    def acknowledged(self, item: Item, code: int, now_s: float) -> None:
        """The broker's word on `item`. Only 0x00 counts as taken."""
        if item.generation != self._generation:
            return
        if not item.probe:
            self._in_flight.pop(item.first, None)
        if code == PACKET_TOO_LARGE:
            self.set_aside(item.first, "too_large")
        elif code == NO_MATCHING_SUBSCRIBERS or code >= 0x80:
            self.refusal = code
            self.pause(now_s)
            if not item.probe:
                self._rewind(item.first - 1)
        else:
            self.refusal = 0
            if not self._by_centre:
                self._confirm(min(self._in_flight) - 1 if self._in_flight else self._sent)

    def watermark(self, mark: Watermark, now_s: float) -> None:
        """The centre's word. It may be old (a retained message restored by the broker); then some records go twice."""
        if not self._epoch or mark.epoch != self._epoch or not self._by_centre:
            return
        upto = self._plausible(max(0, mark.upto))
        moved = upto > self._base
        self._base = upto
        self._paused_until_s = 0.0
        if upto > self._confirmed:
            self._confirm(upto)
        if moved:
            if self._ahead_reached:
                self._ahead = min(max(AHEAD_MAX, self._ahead_first), self._ahead * 2)
            elif upto >= self._sent:
                self._ahead = self._ahead_first
            self._ahead_reached, self._waits_since_s = False, now_s
            self._probe_s = self._pause_s = PROBE_FIRST_S
            self._probe_at_s = now_s + self._probe_s
            self._aside = {seq: why for seq, why in self._aside.items() if seq > upto}
        if self._sent < upto:
            self._rewind(upto)
        elif self._sent > upto and (mark.resend or self._probing or upto < self._confirmed):
            self._resend(upto, now_s)
        self._probing = False

    def set_aside(self, seq: int, why: Why) -> None:
        """This record will not be sent; a gap notice takes its place."""
        self._aside[seq] = why
        self._rewind(min(self._sent, seq - 1))

    def hurry(self) -> None:
        """Looks at the journal at the next call, however short ago the last look was."""
        self._look_at_s = 0.0

    def pause(self, now_s: float) -> None:
        """Nothing from this lane for a while."""
        self._paused_until_s = now_s + self._pause_s
        self._pause_s = min(PROBE_MAX_S, self._pause_s * 2)

    def save(self, now_s: float, *, now: bool = False) -> None:
        """Persists the cursor when it has moved, at most every SAVE_EVERY_S. A disk that refuses is asked again later: sending twice
        is harmless."""
        if self._confirmed == self._saved or (now_s < self._save_at_s and not now):
            return
        self._save_at_s = now_s + SAVE_EVERY_S
        try:
            self._place.advance(self._epoch, self._confirmed)
        except StorageError as error:
            log.error("the cursor of %s stays at %d instead of %d: %s", self.name, self._saved, self._confirmed, error)
        else:
            self._saved = self._confirmed

    def _begun(self, now_s: float) -> bool:
        if not self._epoch and now_s >= self._look_at_s:
            self._look_at_s = now_s + GROWTH_EVERY_S
            if self.learn():
                self._look_at_s = 0.0
        return bool(self._epoch)

    def _confirm(self, upto: int) -> None:
        self._confirmed = max(self._confirmed, upto)
        if not self._by_centre:
            self._base = self._confirmed

    def _plausible(self, upto: int) -> int:
        """Not beyond what this journal has: a centre that knows more has seen another life of it."""
        if upto <= self._sent:
            return upto
        last = self._lines.last()
        most = last.seq if last is not None else 0
        if upto > most and not self.forked:
            self.forked = True
            log.error("the centre has %s up to %d, the journal ends at %d: was its disk replaced by an older copy?", self.name, upto, most)
        return min(upto, most)

    def _resend(self, upto: int, now_s: float) -> None:
        where, when_s = self._resent
        if where != upto or now_s - when_s >= RESEND_AGAIN_S:
            self._resent = (upto, now_s)
            self._rewind(upto)

    def _rewind(self, to: int) -> None:
        self._sent = to
        self._generation += 1
        self._in_flight.clear()
        self._iterator = self._head = self._grown = None
        self._look_at_s = 0.0

    def _peek(self, now_s: float) -> Line | None:
        while self._head is None:
            if self._iterator is None:
                if now_s < self._look_at_s:
                    return None
                self._look_at_s = now_s + GROWTH_EVERY_S
                grown = self._growth()
                if grown == self._grown:
                    return None
                self._grown = grown
                self._iterator = self._lines.read(after_seq=self._sent)
            line = next(self._iterator, None)
            if line is None:
                self._iterator = None
                return None
            if line.seq > self._sent:
                self._head = line
        return self._head

    def _item(self, line: Line, after: int, max_payload_bytes: int | None, *, probe: bool = False) -> Item:
        """The message for `line`, or the notice of what is missing before it."""
        if line.seq > after + 1:
            return self._gap(after + 1, line.seq - 1, "missing", line.record.prev, probe)
        why = self._aside.get(line.seq)
        payload = msgspec.json.encode(Event(node=self._node, journal=self.name, epoch=self._epoch, record=msgspec.Raw(line.raw)))
        if why is None and max_payload_bytes is not None and len(payload) > max_payload_bytes:
            why = "too_large"
        if why is not None:
            return self._gap(line.seq, line.seq, why, hashlib.sha256(line.raw).hexdigest(), probe)
        return Item(self, self._generation, line.seq, line.seq, EVENT, payload, probe)

    def _gap(self, first: int, last: int, why: Why, sha256: str, probe: bool) -> Item:
        notice = JournalGap(node=self._node, journal=self.name, epoch=self._epoch, from_seq=first, to_seq=last, why=why, sha256=sha256)
        return Item(self, self._generation, first, last, GAP, msgspec.json.encode(notice), probe)

    def _probe(self, now_s: float, max_payload_bytes: int | None) -> Item | None:
        """The first unconfirmed record again, when all was sent and nothing is confirmed for a while."""
        if not self._by_centre or self._sent <= self._base or self._in_flight or now_s < self._probe_at_s:
            return None
        self._probe_s = min(PROBE_MAX_S, self._probe_s * 2)
        self._probe_at_s = now_s + self._probe_s
        line = next(self._lines.read(after_seq=self._base, limit=1), None)
        if line is None:
            return None
        self._probing = True
        self._ahead, self._ahead_reached = self._ahead_first, False
        return self._item(line, self._base, max_payload_bytes, probe=True)
