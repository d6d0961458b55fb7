"""The agent's main thread: turns what happened on the link, in the journals and in the other threads into messages.

Threads meet it in two queues: the link's events and the inbox. It never waits for anything else.
"""

from __future__ import annotations

import logging
import queue
import threading

import msgspec

from edge.clock import monotonic_s
from edge.errors import StorageError
from edge.host import systemd
from edge.link.inbox import CommandNews, Ignored, read
from edge.link.lane import Lane
from edge.link.port import Acknowledged, Connected, Disconnected, Event, Incoming, Unreachable
from edge.link.publish import Direct, Publisher
from edge.messages.clip import JobProgress
from edge.messages.health import LinkHealth
from edge.messages.records import AlarmRaised, Stop
from edge.messages.wire import Ack, NodeInfo, Response, Status
from edge.services.agent_chores import DAY_S, HOLDS_EVERY_S, once_a_day, refresh_holds
from edge.services.agent_health import with_backlog
from edge.services.agent_parts import Inbox, News, Parts
from edge.services.agent_voice import Voice
from edge.services.agent_work import Work
from edge.upload.jobs import Job

log = logging.getLogger(__name__)

ONLINE_TURN_S = 0.1
OFFLINE_TURN_S = 1.0
_BATCH = 200
_ALARMS_EVERY_S = 5.0
_TELL_AGAIN_S = 10.0
_FAREWELL_S = 3.0
_RECORD_AGAIN_S = 10.0


class Agent:
    """`run` blocks; everything happens in its thread."""

    def __init__(self, parts: Parts, inbox: Inbox) -> None:
        self._parts = parts
        self._inbox = inbox
        self._publisher = Publisher(
            parts.mqtt.org, parts.node, parts.link.send, parts.groups, parts.mqtt.window, self._set_aside, parts.history.next
        )
        self._voice = Voice(
            parts.mqtt, parts.node, parts.wills, max(1, round(3 * parts.health_interval_s)), self._publisher.put, self._told
        )
        self._work = Work(parts, self._voice)
        self._connects = 0
        self._told_epochs: dict[str, str] = {}
        self._told_info = parts.info
        self._confirmed_s: float | None = None
        self._due_s = dict.fromkeys(("alarms", "link", "tell", "day", "record", "holds"), 0.0)

    def run(self, stop: threading.Event) -> int:
        """Until `stop`: 0. 1 when a thread has ended by a fault: the service manager starts everything anew."""
        parts = self._parts
        self._work.start()
        self._measure_link(monotonic_s())
        parts.health.start()
        parts.checkpoints.start()
        parts.link.start()
        systemd.ready()
        threads = parts.threads
        try:
            while not stop.is_set():
                self.turn()
                systemd.watchdog()
                if any(thread.broken for thread in threads):
                    log.error("a thread has ended by a fault")
                    return 1
            return 0
        finally:
            self._end()

    def turn(self) -> None:
        """One round: what came in, what is due, what goes out."""
        for event in self._events(ONLINE_TURN_S if self._publisher.online else OFFLINE_TURN_S):
            self._link_event(event, monotonic_s())
        now_s = monotonic_s()
        while True:
            try:
                self._thread_news(self._inbox.get_nowait())
            except queue.Empty:
                break
        for direct in self._parts.properties.fresh(now_s):
            self._publisher.put(direct)
        self._chores(now_s)
        self._publisher.pump(now_s)
        if self._parts.jobs is not None:
            self._parts.jobs.link_lags(self._publisher.lag_s(now_s), now_s)

    def _events(self, wait_s: float) -> list[Event]:
        found: list[Event] = []
        try:
            found.append(self._parts.link.events.get(timeout=wait_s))
            while len(found) < _BATCH:
                found.append(self._parts.link.events.get_nowait())
        except queue.Empty:
            pass
        return found

    def _link_event(self, event: Event, now_s: float) -> None:
        if isinstance(event, Acknowledged):
            self._publisher.acknowledged(event, now_s)
            self._confirmed_s = now_s
        elif isinstance(event, Incoming):
            self._incoming(event, now_s)
        elif isinstance(event, Connected):
            self._connected(event, now_s)
        elif isinstance(event, Disconnected):
            log.warning("broker: %s", event.text)
            self._publisher.disconnected(event, now_s)
            self._parts.link_alarms.disconnected(event, now_s)
        elif isinstance(event, Unreachable):
            log.debug("broker: %s", event.text)

    def _connected(self, event: Connected, now_s: float) -> None:
        self._connects += 1
        log.info("connected to the broker, session %d", self._parts.wills.session)
        for pattern, code in event.refused:
            log.error("the broker refuses the subscription to %s: 0x%02x", pattern, code)
        for lane in self._publisher.lanes:
            _learn(lane)
        self._publisher.connected(event, now_s)
        self._parts.history.connected()
        self._birth()
        self._told_info = self._info()
        self._voice.info(self._told_info)
        for direct in self._parts.properties.all():
            self._publisher.put(direct)
        self._work.tell_again()
        self._publisher.pump(now_s)

    def _info(self) -> NodeInfo:
        """The certificate is known only once the key has signed."""
        return msgspec.structs.replace(self._parts.info, certificates=self._parts.checkpoints.certificates)

    def _birth(self) -> None:
        self._told_epochs = {lane.name: lane.epoch for lane in self._publisher.lanes if lane.epoch}
        self._voice.status("boot" if self._connects <= 1 else "reconnect", self._told_epochs)

    def _incoming(self, message: Incoming, now_s: float) -> None:
        news = read(self._parts.mqtt.org, self._parts.node, message)
        if isinstance(news, CommandNews):
            self._work.take(news)
        elif isinstance(news, Ack):
            before = [lane.confirmed for lane in self._publisher.lanes]
            self._publisher.watermarks(news, now_s)
            if before != [lane.confirmed for lane in self._publisher.lanes]:
                self._confirmed_s = now_s
            if now_s >= self._due_s["tell"]:
                self._due_s["tell"] = now_s + _TELL_AGAIN_S
                self._work.tell_again()
        elif isinstance(news, Status):
            self._own_status(news, now_s)
        elif isinstance(news, Ignored):
            log.warning("%s: %s", message.topic, news.why)
        self._parts.link.done(message)

    def _own_status(self, status: Status, now_s: float) -> None:
        if self._voice.is_foreign(status):
            log.error("another client is online as %s: session %d of boot %s", self._parts.node, status.session, status.boot)
            self._parts.link_alarms.taken_over(now_s)

    def _told(self, response: Response) -> None:
        self._work.told(response)

    def _thread_news(self, news: News) -> None:
        if isinstance(news, JobProgress):
            self._work.progress(news)
        elif isinstance(news, Response):
            self._work.answer(news)
        elif isinstance(news, Direct):
            self._publisher.put(news)
        elif isinstance(news[0], Job):
            self._work.ended(*news)
        else:
            document, edges = news
            self._parts.history.take(document, online=self._publisher.online)
            for edge in edges:
                self._alarm(edge)
            self._voice.health(document)

    def _alarm(self, alarm: AlarmRaised) -> None:
        log.log(logging.WARNING if alarm.active else logging.INFO, "alarm %s: %s", alarm.code, alarm.text)
        try:
            self._parts.journal.append(alarm)
        except StorageError as error:
            log.error("alarm %s is not recorded: %s", alarm.code, error)

    def _set_aside(self, what: str) -> None:
        self._parts.link_alarms.set_aside(what, monotonic_s())

    def _chores(self, now_s: float) -> None:
        if self._due("alarms", now_s, _ALARMS_EVERY_S):
            self._parts.link_alarms.look(self._publisher.lanes, now_s)
            self._parts.checkpoints.look(now_s)
            if self._publisher.online and self._told_info != self._info():
                self._told_info = self._info()
                self._voice.info(self._told_info)
            if self._publisher.online and self._told_epochs != {lane.name: lane.epoch for lane in self._publisher.lanes if lane.epoch}:
                self._birth()
        if self._due("link", now_s, self._parts.health_interval_s / 2):
            self._measure_link(now_s)
        if self._work.unrecorded and self._due("record", now_s, _RECORD_AGAIN_S):
            self._work.again()
        if self._due("holds", now_s, HOLDS_EVERY_S):
            refresh_holds(self._parts.holds, self._parts.hold_alarms)
        if self._due("day", now_s, DAY_S):
            once_a_day(self._parts)

    def _due(self, what: str, now_s: float, every_s: float) -> bool:
        if now_s < self._due_s[what]:
            return False
        self._due_s[what] = now_s + every_s
        return True

    def _measure_link(self, now_s: float) -> None:
        confirmed_age_s = None if self._confirmed_s is None else now_s - self._confirmed_s
        known = LinkHealth(connected=self._publisher.online, session=self._parts.wills.session, connects=self._connects)
        self._parts.health.agent_refused = self._parts.journal.refusing
        self._parts.health.link = with_backlog(known, self._publisher.lanes, confirmed_age_s, self._parts.clock)

    def _end(self) -> None:
        """Jobs stay open; the record of the stop and the farewell go out if the link allows."""
        systemd.stopping()
        parts = self._parts
        parts.stop_threads(_FAREWELL_S)
        try:
            parts.journal.append(Stop(reason="asked to"))
        except StorageError as error:
            log.error("the stop is not recorded: %s", error)
        if self._publisher.online:
            self._farewell()
        self._publisher.close(monotonic_s())
        parts.history.close()
        parts.link.stop()
        parts.journal.close()

    def _farewell(self) -> None:
        self._voice.status("shutdown", self._told_epochs)
        for lane in self._publisher.lanes:
            lane.hurry()
        ends_s = monotonic_s() + _FAREWELL_S
        while monotonic_s() < ends_s and self._publisher.online:
            self._publisher.pump(monotonic_s())
            if self._publisher.idle:
                return
            for event in self._events(0.1):
                self._link_event(event, monotonic_s())


def _learn(lane: Lane) -> None:
    try:
        lane.learn()
    except StorageError as error:
        log.error("journal %s cannot be read: %s", lane.name, error)
