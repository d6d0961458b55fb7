"""A broker in memory, for tests and simulations of many nodes: it keeps the rules of `port.py` without a socket or a thread.

Delivery happens inside `send`, in the sender's thread. Message expiry is passed on but no time passes here.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from edge.link.port import NO_MATCHING_SUBSCRIBERS, Acknowledged, Connected, Disconnected, Event, Incoming, Outgoing, Unreachable, Will


@dataclass
class _Session:
    """Outlives connections, as a broker's does. waiting: sent or queued, not yet done."""

    patterns: tuple[str, ...] = ()
    waiting: dict[int, Incoming] = field(default_factory=dict)
    next_id: int = 1


class MemoryBroker:
    """Any thread may call. `refusals`: topic -> reason code given to publications on it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.up = True
        self.refusals: dict[str, int] = {}
        self.retained: dict[str, Outgoing] = {}
        self.sessions: dict[str, _Session] = {}
        self.links: dict[str, MemoryLink] = {}

    def kill(self) -> None:
        """What SIGKILL does: connections end, wills are not published, messages waiting for absent subscribers are gone."""
        with self.lock:
            self.up = False
            for session in self.sessions.values():
                session.waiting.clear()
            for link in list(self.links.values()):
                link.lost(by_peer=True)

    def restart(self) -> None:
        with self.lock:
            self.up = True

    def publish(self, message: Outgoing) -> int:
        with self.lock:
            if message.topic in self.refusals:
                return self.refusals[message.topic]
            if message.retain:
                self.retained[message.topic] = message
            taken = [client for client, session in self.sessions.items() if any(matches(each, message.topic) for each in session.patterns)]
            for client in taken:
                self.deliver(client, message, retain=False)
            return 0 if taken else NO_MATCHING_SUBSCRIBERS

    def deliver(self, client: str, message: Outgoing, *, retain: bool) -> None:
        session = self.sessions[client]
        news = Incoming(0, session.next_id, message.topic, message.payload, message.qos, retain, message.expiry_s, message.correlation)
        session.next_id += 1
        if message.qos > 0:
            session.waiting[news.id] = news
        link = self.links.get(client)
        if link is not None:
            link.take(news)


class MemoryLink:
    def __init__(self, broker: MemoryBroker, client: str, subscriptions: Sequence[str], prepare: Callable[[], Will | None]) -> None:
        self._broker = broker
        self._client = client
        self._subscriptions = tuple(subscriptions)
        self._prepare = prepare
        self._events: queue.Queue[Event] = queue.Queue()
        self._number = 0
        self._will: Will | None = None

    @property
    def events(self) -> queue.Queue[Event]:
        return self._events

    def start(self) -> None:
        """Also the next attempt after a loss: nothing here runs by itself."""
        broker = self._broker
        with broker.lock:
            if not broker.up:
                self._events.put(Unreachable(0, "the broker is down", 0.0))
                return
            earlier = broker.links.get(self._client)
            if earlier is not None:
                earlier.lost(by_peer=True)
            self._will = self._prepare()
            self._number += 1
            present = self._client in broker.sessions
            session = broker.sessions.setdefault(self._client, _Session())
            session.patterns = self._subscriptions
            waiting = list(session.waiting.values())
            broker.links[self._client] = self
            self._events.put(Connected(self._number, present, 65_535, None))
            for news in waiting:
                self.take(news)
            for message in list(broker.retained.values()):
                if any(matches(each, message.topic) for each in self._subscriptions):
                    broker.deliver(self._client, message, retain=True)

    def stop(self, deadline_s: float = 5.0) -> None:
        with self._broker.lock:
            if self._broker.links.get(self._client) is self:
                self._will = None
                self.lost(by_peer=False)

    def lost(self, *, by_peer: bool) -> None:
        """The connection ends here; the will goes out if the broker lives."""
        broker = self._broker
        with broker.lock:
            broker.links.pop(self._client, None)
            self._events.put(Disconnected(self._number, by_peer, 0, "the connection ended"))
            if self._will is not None and broker.up:
                broker.publish(Outgoing(0, 0, self._will.topic, self._will.payload, 1, True))

    def take(self, news: Incoming) -> None:
        self._events.put(replace(news, connection=self._number))

    def send(self, message: Outgoing) -> None:
        with self._broker.lock:
            if message.connection != self._number or self._broker.links.get(self._client) is not self:
                return
            code = self._broker.publish(message)
            if message.qos > 0:
                self._events.put(Acknowledged(self._number, message.token, code))

    def done(self, message: Incoming) -> None:
        with self._broker.lock:
            if message.connection == self._number and self._client in self._broker.sessions:
                self._broker.sessions[self._client].waiting.pop(message.id, None)


def matches(pattern: str, topic: str) -> bool:
    """MQTT 5.0, 4.7: + is one level, # at the end is any number of them."""
    wanted, levels = pattern.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted, levels = wanted[:-1], levels[: len(wanted) - 1]
    return len(wanted) == len(levels) and all(each in ("+", level) for each, level in zip(wanted, levels, strict=True))
