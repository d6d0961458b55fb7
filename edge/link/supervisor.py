"""A connection that is kept: one thread, "link", runs one session after another, with full-jitter back-off between them."""

from __future__ import annotations

import collections
import logging
import os
import queue
import threading
from collections.abc import Callable, Sequence

from edge.clock import monotonic_s
from edge.errors import TryAgain
from edge.link.backoff import STABLE_S, Backoff
from edge.link.broker import Lost, Session
from edge.link.dial import Addresses, Version, cause_of
from edge.link.port import SESSION_TAKEN_OVER, Disconnected, Event, Incoming, Outgoing, Unreachable, Will
from edge.link.settings import LinkSettings

log = logging.getLogger(__name__)

_RENEWED_EVERY_S = 1.0


class MqttLink:
    """`prepare` is called in the link thread before the first attempt and again after each connection that came about: it gives
    the will, and must not raise."""

    def __init__(self, settings: LinkSettings, subscriptions: Sequence[str], prepare: Callable[[], Will | None]) -> None:
        self._settings = settings
        self._subscriptions = tuple(subscriptions)
        self._prepare = prepare
        self._events: queue.Queue[Event] = queue.Queue()
        self._orders: collections.deque[Outgoing | Incoming] = collections.deque()
        self._stop = threading.Event()
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)

    @property
    def events(self) -> queue.Queue[Event]:
        return self._events

    def start(self) -> None:
        self._thread.start()

    def stop(self, deadline_s: float = 5.0) -> None:
        """DISCONNECT, so that no will is published. Returns when the thread has ended, or at the deadline (a resolver may hang)."""
        self._stop.set()
        self._wake()
        if self._thread.is_alive():
            self._thread.join(deadline_s)
        if not self._thread.is_alive():
            for number in (self._wake_read, self._wake_write):
                if number >= 0:
                    os.close(number)
            self._wake_read = self._wake_write = -1

    def send(self, message: Outgoing) -> None:
        self._order(message)

    def done(self, message: Incoming) -> None:
        if message.qos > 0:
            self._order(message)

    def _order(self, order: Outgoing | Incoming) -> None:
        """Orders come from one thread, so one that is not alone will be seen with the one before it: no further wake-up."""
        self._orders.append(order)
        if len(self._orders) == 1:
            self._wake()

    def _wake(self) -> None:
        if self._wake_write < 0:
            return
        try:
            os.write(self._wake_write, b"x")
        except BlockingIOError:
            return  # the pipe is full of wake-ups already

    def _run(self) -> None:
        backoff = Backoff(self._settings.backoff_max_s)
        addresses = Addresses(self._settings.host, self._settings.port)
        number, will = 0, self._prepare()
        while not self._stop.is_set():
            files = self._settings.versions()
            session = Session(self._settings, self._subscriptions, self._events, self._orders, number + 1)
            started_s = monotonic_s()
            lost = _ended(session, will, addresses, self._stop, self._wake_read)
            if session.established:
                number += 1
                lasted_s = monotonic_s() - started_s
                if lost.code != SESSION_TAKEN_OVER or lasted_s >= STABLE_S:  # two of one name must not chase each other
                    backoff.lasted(lasted_s)
                self._events.put(Disconnected(number, lost.by_peer, lost.code, lost.message))
                if not self._stop.is_set():
                    will = self._prepare()
            if self._stop.is_set():
                return
            wait_s = backoff.wait_s()
            if not session.established:
                self._events.put(Unreachable(lost.code, lost.message, wait_s, lost.cause))
            log.info("broker %s:%d: %s; next attempt in %.1f s", self._settings.host, self._settings.port, lost.message, wait_s)
            self._pause(wait_s, files)

    def _pause(self, wait_s: float, files: list[Version]) -> None:
        """Shorter where certificates or password are replaced meanwhile: who renews them waits for the node."""
        ends_s = monotonic_s() + wait_s
        while (left_s := ends_s - monotonic_s()) > 0 and not self._stop.wait(min(left_s, _RENEWED_EVERY_S)):
            if self._settings.versions() != files:
                return


def _ended(session: Session, will: Will | None, addresses: Addresses, stop: threading.Event, wake: int) -> Lost:
    """Runs a session to its end and says why it ended."""
    try:
        session.run(will, addresses, stop, wake)
    except Lost as lost:
        return lost
    except OSError as error:
        cause, text = cause_of(error)
        return Lost(text, cause=cause)
    except TryAgain as error:
        return Lost(f"no connection: {error}")
    except Exception as error:  # what a peer's bytes can make a foreign codec raise is not a closed list; the link must outlive it
        log.exception("the connection is given up after a fault in handling it")
        return Lost(f"fault: {error!r}", by_peer=True)
    finally:
        session.close()
    return Lost("stopped")
