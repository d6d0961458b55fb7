"""What goes out next: answers and properties first, then the journals by priority, never more than the window in flight.

Nothing is stored here: journals stay on disk, of a property only the newest value waits, answers are few and bounded. So a month of
backlog costs no memory, and a fresh alarm never waits behind it.

A message that breaks the connection each time it is sent (seen with proxies and faulty brokers) would end all delivery, since it is
always the next one. What was in flight when a connection broke is therefore sent one by one on the next; a message that was alone in
flight at three such breaks, each soon after it was sent, is set aside.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge.errors import StorageError
from edge.link.lane import Item, Lane
from edge.link.pace import Pace
from edge.link.port import PACKET_TOO_LARGE, Acknowledged, Connected, Disconnected, Outgoing
from edge.link.topics import address
from edge.messages.wire import Ack

log = logging.getLogger(__name__)

STRIKES = 3
STRIKE_WITHIN_S = 10.0
DIRECT_MAX = 1000
_PACKET_OVERHEAD_BYTES = 512


@dataclass(frozen=True, slots=True)
class Direct:
    """A message outside the journals. key: a newer one with the same key replaces one that still waits. trusted: never a suspect.
    on_done: called with the broker's reason code; with PACKET_TOO_LARGE also for one that is set
    aside."""

    key: str
    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    expiry_s: int | None = None
    correlation: bytes | None = None
    trusted: bool = False
    on_done: Callable[[int], None] | None = None


@dataclass(frozen=True, slots=True)
class _InFlight:
    what: Direct | Item
    sent_at_s: float


Key = str | tuple[str, int]


class Publisher:
    """One thread. `groups`: lanes by priority, the most urgent first; lanes of one group take turns. `later`: asked when
    no lane has anything to send."""

    def __init__(
        self,
        org: str,
        node: str,
        send: Callable[[Outgoing], None],
        groups: Sequence[Sequence[Lane]],
        window: int,
        on_set_aside: Callable[[str], None] | None = None,
        later: Callable[[], Direct | None] = lambda: None,
    ) -> None:
        self._org, self._node, self._send = org, node, send
        self._groups = [list(group) for group in groups]
        self._window = window
        self._on_set_aside = on_set_aside
        self._later = later
        self._connection = 0
        self._pace = Pace(window)
        self._online = False
        self._max_payload_bytes: int | None = None
        self._proven = False
        self._token = 0
        self._in_flight: dict[int, _InFlight] = {}
        self._waiting: dict[str, Direct] = {}
        self._held: Item | Direct | None = None
        self._suspects: set[Key] = set()
        self._strikes: dict[Key, int] = {}

    @property
    def online(self) -> bool:
        return self._online

    @property
    def lanes(self) -> list[Lane]:
        return [lane for group in self._groups for lane in group]

    @property
    def idle(self) -> bool:
        """Nothing of ours is waiting or in flight but what the journals hold."""
        return not self._waiting and not self._in_flight

    def lag_s(self, now_s: float) -> float:
        """How long the oldest message in flight has been waiting for the broker's acknowledgement; 0 while nothing is."""
        return max((now_s - each.sent_at_s for each in self._in_flight.values()), default=0.0)

    def put(self, message: Direct) -> None:
        """Sent as soon as the link allows. Of more than DIRECT_MAX waiting the oldest is dropped."""
        self._waiting[message.key] = message
        if len(self._waiting) > DIRECT_MAX:
            oldest = next(iter(self._waiting))
            log.warning("%s: dropped, more than %d messages wait for the link", oldest, DIRECT_MAX)
            del self._waiting[oldest]

    def connected(self, news: Connected, now_s: float) -> None:
        self._connection = news.connection
        self._online = True
        self._pace = Pace(min(self._window, news.window))
        self._max_payload_bytes = None if news.max_packet_bytes is None else max(0, news.max_packet_bytes - _PACKET_OVERHEAD_BYTES)
        self._proven = False
        for lane in self.lanes:
            lane.connected(now_s, session_present=news.session_present)

    def disconnected(self, news: Disconnected, now_s: float) -> None:
        self._online = False
        flying = list(self._in_flight.values())
        self._in_flight.clear()
        held, self._held = self._held, None
        for lane in self.lanes:
            lane.disconnected(now_s)
        guilty = self._blame(flying, now_s) if news.by_peer else None
        again = [each.what for each in flying if isinstance(each.what, Direct)]
        if isinstance(held, Direct):
            again.append(held)
        self._waiting = {each.key: each for each in again if each is not guilty} | self._waiting

    def acknowledged(self, news: Acknowledged, now_s: float) -> None:
        flight = self._in_flight.pop(news.token, None)
        if flight is None or news.connection != self._connection:
            return
        self._proven = True
        self._pace.took(now_s - flight.sent_at_s)
        what = flight.what
        self._suspects.discard(what.key)
        self._strikes.pop(what.key, None)
        if isinstance(what, Item):
            what.lane.acknowledged(what, news.code, now_s)
        elif what.on_done is not None:
            what.on_done(news.code)

    def watermarks(self, ack: Ack, now_s: float) -> None:
        for lane in self.lanes:
            mark = ack.watermarks.get(lane.name)
            if mark is not None:
                try:
                    lane.watermark(mark, now_s)
                except StorageError as error:
                    log.error("journal %s: its watermark cannot be compared with it: %s", lane.name, error)

    def pump(self, now_s: float) -> int:
        """Sends what may be sent now; how many messages that were."""
        sent = 0
        while self._online and len(self._in_flight) < self._pace.window:
            what = self._held or self._next(now_s)
            self._held = what
            if what is None or not self._may_go(what):
                break
            self._held = None
            self._hand_over(what, now_s)
            sent += 1
        for lane in self.lanes:
            lane.save(now_s)
        return sent

    def close(self, now_s: float) -> None:
        for lane in self.lanes:
            lane.save(now_s, now=True)

    def _next(self, now_s: float) -> Item | Direct | None:
        return self._next_direct() or self._next_item(now_s) or self._next_late()

    def _next_direct(self) -> Direct | None:
        while self._waiting:
            first = next((key for key in self._waiting if key not in self._suspects), next(iter(self._waiting)))
            direct = self._waiting.pop(first)
            if self._max_payload_bytes is None or len(direct.payload) <= self._max_payload_bytes:
                return direct
            log.error("%s: not sent, %d bytes are more than the broker takes", first, len(direct.payload))
            if direct.on_done is not None:
                direct.on_done(PACKET_TOO_LARGE)
        return None

    def _next_item(self, now_s: float) -> Item | None:
        for group in self._groups:
            for turn, lane in enumerate(group):
                item = _next_of(lane, now_s, self._max_payload_bytes)
                if item is not None:
                    group[:] = group[turn + 1 :] + group[: turn + 1]
                    return item
        return None

    def _next_late(self) -> Direct | None:
        """Through the same door as the others, for the broker's size limit."""
        late = self._later()
        if late is not None:
            self.put(late)
        return self._next_direct()

    def _may_go(self, what: Item | Direct) -> bool:
        """A suspect goes alone."""
        if not self._suspects:
            return True
        if what.key in self._suspects:
            return not self._in_flight
        return not any(flight.what.key in self._suspects for flight in self._in_flight.values())

    def _hand_over(self, what: Item | Direct, now_s: float) -> None:
        self._token += 1
        if isinstance(what, Direct):
            message = Outgoing(
                self._connection, self._token, what.topic, what.payload, what.qos, what.retain, what.expiry_s, what.correlation
            )
        else:
            topic = what.topic
            where = address(self._org, self._node, topic)
            message = Outgoing(self._connection, self._token, where, what.payload, topic.qos, topic.retain, topic.expiry_s)
        if message.qos > 0:
            self._in_flight[self._token] = _InFlight(what, now_s)
        self._send(message)

    def _blame(self, flying: Sequence[_InFlight], now_s: float) -> Item | Direct | None:
        """Remembers who was in flight; returns the one that is set aside now, if any. A connection that carried nothing proves nothing."""
        possible = [each for each in flying if not (isinstance(each.what, Direct) and each.what.trusted)]
        self._suspects.update(each.what.key for each in possible)
        if not self._proven or len(flying) != 1 or not possible or now_s - possible[0].sent_at_s > STRIKE_WITHIN_S:
            return None
        what = possible[0].what
        strikes = self._strikes[what.key] = self._strikes.get(what.key, 0) + 1
        if strikes < STRIKES:
            return None
        log.error("%s: set aside, the connection broke %d times when it was sent", what.key, strikes)
        self._suspects.discard(what.key)
        del self._strikes[what.key]
        if isinstance(what, Item):
            what.lane.set_aside(what.first, "set_aside")
        elif what.on_done is not None:
            what.on_done(PACKET_TOO_LARGE)
        if self._on_set_aside is not None:
            self._on_set_aside(what.key if isinstance(what, Direct) else f"{what.lane.name} {what.first}")
        return what


def _next_of(lane: Lane, now_s: float, max_payload_bytes: int | None) -> Item | None:
    """A journal that cannot be read just now does not stop the others."""
    try:
        return lane.next(now_s, max_payload_bytes)
    except StorageError as error:
        log.error("journal %s cannot be read: %s", lane.name, error)
        lane.pause(now_s)
        return None
