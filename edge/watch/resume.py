"""What a previous run of the watcher left behind, told from the records it wrote. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from edge.clock import NS_PER_MS
from edge.messages.records import AlarmRaised, Episode, Record, facts_of


@dataclass(frozen=True, slots=True)
class Legacy:
    """unfinished: end records to write, by camera. alarms: codes that stand. starts_ns: when episodes started in this
    boot, by camera."""

    ended: Literal["first", "orderly", "crash", "power"]
    unfinished: list[tuple[str | None, Episode]] = field(default_factory=list)
    alarms: list[AlarmRaised] = field(default_factory=list)
    starts_ns: dict[str, list[int]] = field(default_factory=dict)


def legacy_of(records: Iterable[Record], boot: str) -> Legacy:
    """From the records of at least the last run, oldest first."""
    started: dict[str, tuple[str | None, Episode]] = {}
    standing: dict[str, AlarmRaised] = {}
    starts_ns: dict[str, list[int]] = {}
    last: Record | None = None
    for record in records:
        last = record
        if record.type == "episode":
            episode = facts_of(record, Episode)
            if episode.state == "start":
                started[episode.id] = (record.camera, _closed(episode, record))
                if record.boot == boot and record.camera is not None:
                    starts_ns.setdefault(record.camera, []).append(record.mono_ms * NS_PER_MS)
            else:
                started.pop(episode.id, None)
        elif record.type == "alarm":
            alarm = facts_of(record, AlarmRaised)
            standing.pop(alarm.code, None)
            if alarm.active:
                standing[alarm.code] = alarm
    if last is None:
        return Legacy("first")
    ended: Literal["orderly", "crash", "power"] = "orderly" if last.type == "stop" else "crash" if last.boot == boot else "power"
    return Legacy(ended, list(started.values()), list(standing.values()), starts_ns)


def _closed(episode: Episode, record: Record) -> Episode:
    """Its end record: motion is known until the start record was written, not longer."""
    return msgspec.structs.replace(episode, state="end", until=record.t, until_mono_ms=record.mono_ms, mark_until=record.t)
