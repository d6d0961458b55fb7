"""Retained properties from journals: is there motion now, which alarms stand, the newest checkpoint.

They follow the end of each journal, whatever the centre still has to catch up: an alarm raised now is on its topic now, even when a
month of records waits before it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import msgspec

from edge.errors import StorageError
from edge.link.lane import GROWTH_EVERY_S
from edge.link.lines import Lines
from edge.link.publish import Direct
from edge.link.topics import ALARM, CHECKPOINT, MOTION, Topic, address, is_level
from edge.messages.evidence import Checkpoint
from edge.messages.records import AlarmRaised, Episode, Record, facts_of
from edge.messages.wire import AlarmState, Motion

log = logging.getLogger(__name__)

LOOK_BACK_S = 86_400


class Follower:
    """New records of one journal: at first those since `since_utc`, then each as it comes. `growth` as for a Lane."""

    def __init__(self, name: str, lines: Lines, growth: Callable[[], object], since_utc: str) -> None:
        self.name = name
        self._lines, self._growth = lines, growth
        self._since_utc = since_utc
        self._seq: int | None = None
        self._grown: object = None
        self._look_at_s = 0.0

    def fresh(self, now_s: float) -> Iterator[Record]:
        """Raises StorageError."""
        if now_s < self._look_at_s:
            return
        self._look_at_s = now_s + GROWTH_EVERY_S
        grown = self._growth()
        if grown == self._grown:
            return
        lines = self._lines.since(self._since_utc) if self._seq is None else self._lines.read(after_seq=self._seq)
        for line in lines:
            self._seq = line.seq
            yield line.record
        self._grown = grown


class Properties:
    """The newest state of each property. One thread. own: the journal of the process that makes checkpoints regularly; those that others
    make now and then stand in their journals."""

    def __init__(self, org: str, node: str, followers: list[Follower], own: str = "agent") -> None:
        self._org, self._node = org, node
        self._followers = followers
        self._own = own
        self._current: dict[str, Direct] = {}

    def all(self) -> list[Direct]:
        """Every property as it stands: sent again at each connection, since a broker may have lost what it retained."""
        return list(self._current.values())

    def fresh(self, now_s: float) -> list[Direct]:
        """Properties that changed since the last call."""
        changed: dict[str, Direct] = {}
        for follower in self._followers:
            try:
                for record in follower.fresh(now_s):
                    direct = self._property(follower.name, record)
                    if direct is not None:
                        changed[direct.key] = direct
            except StorageError as error:
                log.error("journal %s cannot be followed: %s", follower.name, error)
        self._current |= changed
        return list(changed.values())

    def _property(self, journal: str, record: Record) -> Direct | None:
        try:
            if record.type == "episode" and record.camera is not None and is_level(record.camera):
                return self._motion(record.camera, facts_of(record, Episode))
            if record.type == "alarm":
                return self._alarm(journal, record.t, facts_of(record, AlarmRaised))
            if record.type == "checkpoint" and journal == self._own:
                return self._direct(CHECKPOINT, "", msgspec.json.encode(facts_of(record, Checkpoint)))
        except msgspec.DecodeError as error:
            log.warning("journal %s, record %d: %s", journal, record.seq, error)
        return None

    def _motion(self, camera: str, episode: Episode) -> Direct:
        active = episode.state == "start"
        since = episode.since if active or episode.until is None else episode.until
        motion = Motion(active=active, id=episode.id, since=since, score=episode.score, zones=episode.zones)
        return self._direct(MOTION, camera, msgspec.json.encode(motion))

    def _alarm(self, journal: str, t: str, alarm: AlarmRaised) -> Direct | None:
        if not is_level(alarm.code):
            log.warning("journal %s: the alarm code %r is no topic level", journal, alarm.code)
            return None
        state = AlarmState(
            active=alarm.active,
            severity=alarm.severity,
            since=t,
            text=alarm.text,
            todo=alarm.todo,
            value=alarm.value,
            threshold=alarm.threshold,
            source=journal,
        )
        return self._direct(ALARM, alarm.code, msgspec.json.encode(state))

    def _direct(self, topic: Topic, part: str, payload: bytes) -> Direct:
        where = address(self._org, self._node, topic, part)
        return Direct(where, where, payload, topic.qos, topic.retain, topic.expiry_s)
