"""Health while nobody listened: aggregates of 15 minutes, kept on disk for a week, sent when the link is back and all journals are.

A file each, written whole and renamed, so that a power cut costs at most the aggregate that was being made. A file is removed when the
broker has taken its message: a broker that dies just then loses a quarter of an hour of temperatures, which is not evidence.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec

from edge.errors import NotFound, StorageError
from edge.host.disk import Disk
from edge.link.port import PACKET_TOO_LARGE
from edge.link.publish import Direct
from edge.link.topics import HISTORY, address
from edge.messages.health import HealthDocument
from edge.messages.history import Figure, History

log = logging.getLogger(__name__)

SPAN_MS = 15 * 60 * 1000
KEPT_MAX = 7 * 24 * 4
"""A week of them, some 700 kB."""

_FILE = re.compile(r"(\d{10})\.json")


class HealthHistory:
    """One thread, the agent's main one."""

    def __init__(self, disk: Disk, folder: Path, org: str, node: str) -> None:
        self._disk, self._folder = disk, folder
        self._node = node
        self._topic = address(org, node, HISTORY)
        self._stored = self._find()
        self._number = max(self._stored, default=0)
        self._open: list[HealthDocument] = []
        self._tried: set[int] = set()
        """Handed out on this connection: one at a time, and none twice that was not taken."""
        self._flying = False

    def take(self, document: HealthDocument, *, online: bool) -> None:
        """The next health document."""
        if online:
            self.close()
            return
        if self._open and document.mono_ms - self._open[0].mono_ms >= SPAN_MS:
            self.close()
        self._open.append(document)

    def close(self) -> None:
        """The aggregate being made is stored as it is."""
        documents, self._open = self._open, []
        if not documents:
            return
        self._number += 1
        try:
            self._disk.mkdir(self._folder)
            self._disk.replace(self._path(self._number), msgspec.json.encode(aggregate(self._number, documents)))
            self._stored.append(self._number)
            while len(self._stored) > KEPT_MAX:
                self._forget(self._stored[0])
        except StorageError as error:
            log.error("the health from %s to %s is not kept: %s", documents[0].t, documents[-1].t, error)

    def connected(self) -> None:
        """Whatever was under way on the connection before is asked for again."""
        self._tried.clear()
        self._flying = False
        self.close()

    def next(self) -> Direct | None:
        """The oldest that waits, unless one is under way."""
        if self._flying:
            return None
        for number in [each for each in self._stored if each not in self._tried]:
            self._tried.add(number)
            try:
                payload = self._disk.read(self._path(number))
                msgspec.json.decode(payload, type=History)
            except (NotFound, msgspec.DecodeError, UnicodeDecodeError) as error:
                log.error("%s is dropped, it cannot be read: %s", self._path(number), error)
                self._done(number, PACKET_TOO_LARGE)
                continue
            except StorageError as error:
                log.error("%s cannot be read now: %s", self._path(number), error)
                continue
            self._flying = True
            key = f"{self._topic} {number}"
            done = partial(self._done, number)
            return Direct(key, self._topic, payload, HISTORY.qos, HISTORY.retain, HISTORY.expiry_s, on_done=done)
        return None

    def _done(self, number: int, code: int) -> None:
        """Taken, or never to be taken. What nobody subscribes to, or is refused, is tried again on the next connection."""
        self._flying = False
        if code not in (0, PACKET_TOO_LARGE) or number not in self._stored:
            return
        try:
            self._forget(number)
        except StorageError as error:
            log.error("%s cannot be removed, it will be sent again: %s", self._path(number), error)

    def _forget(self, number: int) -> None:
        self._stored.remove(number)
        try:
            self._disk.unlink(self._path(number))
        except NotFound:
            return

    def _find(self) -> list[int]:
        try:
            names = [_FILE.fullmatch(entry.name) for entry in self._disk.scan(self._folder)]
        except NotFound:
            return []
        except StorageError as error:
            log.error("%s cannot be listed, late health stays there: %s", self._folder, error)
            return []
        return sorted(int(name[1]) for name in names if name is not None)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:010}.json"


def aggregate(number: int, documents: list[HealthDocument]) -> History:
    """Of at least one document, in order."""
    first, last = documents[0], documents[-1]
    values: dict[str, list[float]] = {}
    for document in documents:
        for name, value in _figures(document):
            if value is not None:
                values.setdefault(name, []).append(value)
    return History(
        node=last.node,
        number=number,
        boot=last.boot,
        since=first.t,
        until=last.t,
        from_mono_ms=first.mono_ms,
        to_mono_ms=last.mono_ms,
        documents=len(documents),
        clock=last.clock.state,
        figures={name: _figure(found) for name, found in values.items()},
        cameras={camera.camera: camera.state for camera in last.cameras},
        alarms=sorted({code for document in documents for code in document.alarms}),
    )


def _figure(values: list[float]) -> Figure:
    return Figure(min=min(values), mean=round(sum(values) / len(values), 3), max=max(values), last=values[-1])


def _figures(document: HealthDocument) -> Iterator[tuple[str, float | None]]:
    yield "cpu_temp_c", document.heat.cpu_temp_c
    for zone, value in document.heat.temperatures_c.items():
        yield f"temperatures_c.{zone}", value
    yield "power_w", document.power.power_w
    yield "free_bytes", document.storage.free_bytes
    yield "kept_days", document.storage.kept_days
    yield "memory_available_bytes", document.software.memory_available_bytes
    for camera in document.cameras:
        yield f"{camera.camera}.fps", camera.fps
        yield f"{camera.camera}.last_fragment_age_s", camera.last_fragment_age_s
        yield f"{camera.camera}.kept_days", camera.kept_days
        yield f"{camera.camera}.worker_restarts", camera.worker_restarts
