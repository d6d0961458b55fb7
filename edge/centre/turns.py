"""The centre's thread: takes what the link brings, makes it durable, tells the watermarks, then lets the broker forget."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from edge.centre.archive import Archive, StoredEvent
from edge.centre.asking import Asking
from edge.centre.history import HistoryStore
from edge.centre.roster import NodeView, Roster
from edge.centre.witness import Witness
from edge.clock import Clock, format_utc, monotonic_s
from edge.config.model import Mqtt
from edge.link.port import Acknowledged, Connected, Disconnected, Incoming, Link, Subscribed, Unreachable
from edge.link.port import Event as LinkEvent
from edge.link.publish import Direct, Publisher
from edge.link.topics import ACK, EVENT, GAP, HISTORY, JOB, RESPONSE, SNAPSHOT, STATUS, Address, address, parse
from edge.messages.clip import JobProgress
from edge.messages.wire import Ack, Event, JournalGap, Response

log = logging.getLogger(__name__)

_BATCH = 500
_TURN_S = 0.25


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Called in the thread "centre"; must be quick. See Client."""

    on_event: Callable[[StoredEvent], None] | None = None
    on_node: Callable[[NodeView], None] | None = None
    on_link: Callable[[bool], None] | None = None


class Turns:
    """`run` belongs to one thread; `connected`, `seen` and `trouble` may be read by any. archive and witness: both or none."""

    def __init__(
        self,
        mqtt: Mqtt,
        link: Link,
        roster: Roster,
        asking: Asking,
        archive: Archive | None,
        witness: Witness | None,
        history: HistoryStore,
        clock: Clock,
        callbacks: Callbacks,
    ) -> None:
        self._org, self._link, self._roster, self._asking = mqtt.org, link, roster, asking
        self._archive, self._witness, self._history = archive, witness, history
        self._clock, self._callbacks = clock, callbacks
        self._publisher = Publisher(mqtt.org, "", link.send, [], mqtt.window)
        self.connected = threading.Event()
        self.seen = threading.Condition()
        """Notified when a view of a node has changed."""
        self.trouble = ""

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._turn()
        if self._archive is not None and self._witness is not None:
            self._witness.sync()
            self._archive.sync()

    def _turn(self) -> None:
        """One batch: take, make durable, tell the watermarks, then let the broker forget."""
        taken: list[Incoming] = []
        fresh: list[StoredEvent] = []
        for news in self._news():
            if isinstance(news, Incoming):
                taken.append(news)
                self._take(news, fresh)
            else:
                self._link_news(news)
        if self._archive is not None and self._witness is not None:
            self._witness.look()
            self._witness.sync()
            self._history.sync()
            self._make_durable(self._archive, fresh)
        for message in taken:
            self._link.done(message)
        with contextlib.suppress(queue.Empty):
            while True:
                self._publisher.put(self._asking.orders.get_nowait())
        self._publisher.pump(monotonic_s())

    def _news(self) -> list[LinkEvent]:
        found: list[LinkEvent] = []
        with contextlib.suppress(queue.Empty):
            found.append(self._link.events.get(timeout=_TURN_S))
            while len(found) < _BATCH:
                found.append(self._link.events.get_nowait())
        return found

    def _make_durable(self, archive: Archive, fresh: list[StoredEvent]) -> None:
        for node, ack in archive.sync().items():
            self._tell(node, ack)
        if self._callbacks.on_event is not None:
            for event in fresh:
                if archive.durable(event):
                    self._callbacks.on_event(event)

    def _link_news(self, news: Connected | Subscribed | Disconnected | Unreachable | Acknowledged) -> None:
        now_s = monotonic_s()
        if isinstance(news, Acknowledged):
            self._publisher.acknowledged(news, now_s)
        elif isinstance(news, Connected):
            log.info("connected to the broker")
            _tell_refused(news)
            self._publisher.connected(news, now_s)
            if self._archive is not None:
                # What the broker held for us may be gone with it: ask each node to send again after its watermark.
                for node in self._archive.nodes():
                    self._tell(node, self._archive.ack(node, resend=True))
            self.connected.set()
        elif isinstance(news, Unreachable):
            self.trouble = news.text
        elif isinstance(news, Subscribed):
            return _tell_refused(news)
        else:
            log.warning("broker: %s", news.text)
            self.trouble = news.text
            self._publisher.disconnected(news, now_s)
            self.connected.clear()
        if self._witness is not None and not isinstance(news, Acknowledged):
            self._witness.connected(isinstance(news, Connected))
        if self._callbacks.on_link is not None and not isinstance(news, Acknowledged):
            self._callbacks.on_link(isinstance(news, Connected))

    def _tell(self, node: str, ack: Ack) -> None:
        topic = address(self._org, node, ACK)
        self._publisher.put(Direct(topic, topic, msgspec.json.encode(ack), retain=True, trusted=True))

    def _take(self, message: Incoming, fresh: list[StoredEvent]) -> None:
        """A message that cannot be used is logged and dropped: one node must not stop the others."""
        place = parse(self._org, message.topic)
        if place is None:
            return
        try:
            if self._witness is not None:
                self._witness.take(place, message)
            if place.topic is EVENT:
                self._event(place, msgspec.json.decode(message.payload, type=Event), fresh)
            elif place.topic is GAP:
                self._gap(place, msgspec.json.decode(message.payload, type=JournalGap))
            elif place.topic is HISTORY:
                self._history.take(place.node, message.payload)
            elif place.topic is RESPONSE:
                self._asking.answered(place.node, msgspec.json.decode(message.payload, type=Response))
            elif place.topic is JOB:
                self._asking.progressed(place.node, msgspec.json.decode(message.payload, type=JobProgress))
            elif place.topic is SNAPSHOT:
                self._asking.pictured(place.node, message.payload)
            else:
                self._property(place, message.payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            log.warning("%s: not readable, dropped: %s", message.topic, error)

    def _event(self, place: Address, event: Event, fresh: list[StoredEvent]) -> None:
        outcome = self._archive.offer(place.node, event) if self._archive is not None else None
        if outcome is None or self._witness is None:
            return
        self._witness.offered(place.node, *outcome)
        if outcome[0] in ("stored", "broken"):
            fresh.append(outcome[1])

    def _gap(self, place: Address, gap: JournalGap) -> None:
        if self._archive is not None and self._witness is not None and self._archive.offer_gap(place.node, gap) == "stored":
            self._witness.gap(place.node, gap)

    def _property(self, place: Address, payload: bytes) -> None:
        view = self._roster.take(place, payload, format_utc(self._clock.read().utc_ns))
        if view is None:
            return
        if place.topic is STATUS and view.status is not None and self._archive is not None and view.online:
            self._archive.expect(place.node, view.status.journals)
        with self.seen:
            self.seen.notify_all()
        if self._callbacks.on_node is not None:
            self._callbacks.on_node(self._roster.views[place.node])


def _tell_refused(news: Connected | Subscribed) -> None:
    for pattern, code in news.refused:
        log.error("the broker refuses the subscription to %s: 0x%02x", pattern, code)
