"""What the centre knows of each node at this moment, from retained messages. Nothing here is stored: the broker keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from edge.link.topics import ALARM, CONFIG_REPORTED, HEALTH, INFO, MOTION, STATUS, Address
from edge.messages.config import ConfigReported
from edge.messages.wire import AlarmState, Motion, Status


@dataclass(frozen=True, slots=True)
class NodeView:
    """seen_utc: when this centre last heard from the node, RFC 3339. health and info: the documents as they came."""

    node: str
    status: Status | None = None
    seen_utc: str = ""
    motion: dict[str, Motion] = field(default_factory=dict)
    alarms: dict[str, AlarmState] = field(default_factory=dict)
    health: dict[str, Any] | None = None
    info: dict[str, Any] | None = None
    config: ConfigReported | None = None

    @property
    def online(self) -> bool:
        return self.status is not None and self.status.state == "online"


class Roster:
    """One thread writes; any may read the views, which never change."""

    def __init__(self) -> None:
        self.views: dict[str, NodeView] = {}

    def take(self, place: Address, payload: bytes, now_utc: str) -> NodeView | None:
        """The new view where the message changed it; None for one that is older than what is known, or empty. Raises
        msgspec.DecodeError for a payload that does not fit."""
        known = self.views.get(place.node, NodeView(place.node))
        new = _changed(known, place, payload) if payload else None
        if new is not None:
            self.views[place.node] = replace(new, seen_utc=now_utc)
        return new


def _changed(known: NodeView, place: Address, payload: bytes) -> NodeView | None:
    if place.topic is STATUS:
        status = msgspec.json.decode(payload, type=Status)
        if status.state == "offline" and known.status is not None and status.session < known.status.session:
            return None  # an old will, delivered late; a birth counts always: sessions start anew on a new card
        return replace(known, status=status)
    if place.topic is MOTION:
        return replace(known, motion=known.motion | {place.part: msgspec.json.decode(payload, type=Motion)})
    if place.topic is ALARM:
        return replace(known, alarms=known.alarms | {place.part: msgspec.json.decode(payload, type=AlarmState)})
    if place.topic is HEALTH:
        return replace(known, health=msgspec.json.decode(payload, type=dict[str, Any]))
    if place.topic is INFO:
        return replace(known, info=msgspec.json.decode(payload, type=dict[str, Any]))
    if place.topic is CONFIG_REPORTED:
        return replace(known, config=msgspec.json.decode(payload, type=ConfigReported))
    return None
