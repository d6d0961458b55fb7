"""What the agent leaves of its link for `edge diag`: a small volatile file, so that a crew sees why a node is not connected."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import msgspec

from edge.clock import Clock, format_utc
from edge.config.model import Mqtt
from edge.link.port import Disconnected, Unreachable
from edge.messages.diag import LinkNote
from edge.messages.health import LinkHealth

log = logging.getLogger(__name__)


class LinkNotes:
    """The agent's main thread. A folder that cannot be written costs the note, and is told once."""

    def __init__(self, path: Path, mqtt: Mqtt, clock: Clock, boot: str) -> None:
        self._path, self._clock = path, clock
        first = LinkHealth(connected=False)
        self._note = LinkNote(t=self._now(), boot=boot, pid=os.getpid(), broker=f"{mqtt.host}:{mqtt.port}", link=first)
        self._refused = False

    @property
    def online(self) -> bool:
        return self._note.link.connected

    def connected(self) -> None:
        self._note = msgspec.structs.replace(self._note, connected_t=self._now(), next_attempt_s=None)

    def trouble(self, event: Disconnected | Unreachable) -> None:
        wait_s = round(event.next_attempt_s, 1) if isinstance(event, Unreachable) else None
        self._note = msgspec.structs.replace(self._note, trouble=event.text[:500], trouble_t=self._now(), next_attempt_s=wait_s)
        self.put(msgspec.structs.replace(self._note.link, connected=False))

    def put(self, link: LinkHealth) -> None:
        self._note = msgspec.structs.replace(self._note, t=self._now(), link=link)
        fresh = self._path.with_name(f".{self._path.name}.new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(msgspec.json.encode(self._note))
            fresh.replace(self._path)
        except OSError as error:
            if not self._refused:
                log.warning("%s cannot be written: %s", self._path, error)
            self._refused = True

    def _now(self) -> str:
        return format_utc(self._clock.read().utc_ns)
