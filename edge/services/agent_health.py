"""Thread "health" of the agent: looks at the node at a steady pace, away from the thread that must never wait."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence

import msgspec

from edge.clock import NS_PER_S, Clock, parse_utc
from edge.config.model import NodeConfig
from edge.errors import StorageError
from edge.health.alarms import Alarms
from edge.health.probe import probe
from edge.health.report import health_document
from edge.host.disk import Disk
from edge.link.lane import Lane
from edge.messages.health import HealthDocument, LinkHealth
from edge.messages.records import AlarmRaised
from edge.ring.layout import NodeFolders
from edge.ring.measure import Measures
from edge.services.lifecycle import ServiceThread

log = logging.getLogger(__name__)

LOOK_EVERY_S = 10.0
"""A dead camera is told within a minute, however seldom documents go out: two looks and the alarm's hold time."""
ORPHAN_AFTER_S = 900.0
"""Longer than any alarm's hold time: what was raised before the start and is not raised again by then stands no more."""


class HealthWatch:
    """`tell` is called in the thread "health", with the document that is due, or with one by which alarms changed; it only queues.
    `standing`: alarms of this kind that were raised when the process before this one ended."""

    def __init__(
        self,
        config: NodeConfig,
        folders: NodeFolders,
        disk: Disk,
        clock: Clock,
        standing: Iterable[AlarmRaised],
        tell: Callable[[tuple[HealthDocument, list[AlarmRaised]]], None],
    ) -> None:
        self._config, self._folders, self._disk, self._clock = config, folders, disk, clock
        self._orphans = {alarm.code: alarm for alarm in standing}
        self._tell = tell
        self._alarms = Alarms()
        self._measures = Measures(disk, folders, clock)
        self._began_ns = clock.boot_ns()
        self._due_ns = self._began_ns
        self._stop = threading.Event()
        self.link: LinkHealth | None = None
        """Replaced by the agent's main thread."""
        self.agent_refused = False
        """The agent's own journal takes nothing; set by its main thread."""
        self.thread = ServiceThread("health", self._run)

    def start(self) -> None:
        self.thread.start()

    def stop(self, deadline_s: float) -> None:
        self._stop.set()
        self.thread.join(deadline_s)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.look()
            self._stop.wait(min(self._config.health.interval_s, LOOK_EVERY_S))

    def look(self) -> None:
        """Judge the node as it is now."""
        seen = probe(self._config, self._folders, self._disk, self._clock, measures=self._measures)
        document = health_document(self._config, seen, link=self.link, alarms=self._alarms.active, agent_refused=self.agent_refused)
        edges = self._alarms.judge(document)
        edges += self._orphaned(edges)
        now_ns = self._clock.boot_ns()
        if edges or now_ns >= self._due_ns:
            self._due_ns = now_ns + round(self._config.health.interval_s * NS_PER_S)
            self._tell((document, edges))

    def _orphaned(self, edges: list[AlarmRaised]) -> list[AlarmRaised]:
        for edge in edges:
            self._orphans.pop(edge.code, None)
        if not self._orphans or self._clock.boot_ns() - self._began_ns < ORPHAN_AFTER_S * 1e9:
            return []
        gone = [AlarmRaised(code=code, active=False, severity=alarm.severity, text=alarm.text) for code, alarm in self._orphans.items()]
        self._orphans.clear()
        return gone


def with_backlog(known: LinkHealth, lanes: Sequence[Lane], confirmed_age_s: float | None, clock: Clock) -> LinkHealth:
    """What waits in the journals; unknown where one of them cannot be read just now."""
    now_ns = clock.read().utc_ns
    try:
        unsent = sum(lane.backlog() for lane in lanes)
        lines = [line for line in (lane.oldest_unsent() for lane in lanes) if line is not None]
    except StorageError as error:
        log.warning("the backlog is not known: %s", error)
        return known
    oldest_s = max((max(0.0, (now_ns - parse_utc(line.record.t)) / NS_PER_S) for line in lines), default=None)
    return msgspec.structs.replace(
        known,
        last_confirmed_age_s=None if confirmed_age_s is None else round(confirmed_age_s, 1),
        unsent_records=unsent,
        oldest_unsent_s=None if oldest_s is None else round(oldest_s, 1),
    )
