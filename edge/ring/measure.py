"""What the ring is measured by: rate, reach and holds of each camera, with bounded work.

A look costs a listing of the oldest day and one stat for each segment up to the first that is not held (at most a few thousand), and one
small file a hold; once an hour, the newest one or two files of the recorder's journal. No segment's file is opened.
"""

from __future__ import annotations

import logging
from itertools import islice
from pathlib import Path

import msgspec

from edge.clock import NS_PER_MS, NS_PER_S, Clock, parse_utc
from edge.errors import NotFound, StorageError
from edge.host.disk import Disk
from edge.journal.reader import JournalReader
from edge.ring.findings import subfolders
from edge.ring.horizon import CameraUse, configured_bytes_per_day, measured_bytes_per_day
from edge.ring.layout import NodeFolders, recorder_journal
from edge.ring.names import RingFolder

log = logging.getLogger(__name__)

_RATE_EVERY_NS = 3600 * NS_PER_S
_STATS_MAX = 4000
_LARGEST_BYTES = 4 << 20


class _HeldBytes(msgspec.Struct, frozen=True):
    camera: str
    end: str
    bytes: int = 0
    released_by: str | None = None


class Measures:
    """One thread. Raises nothing: what cannot be read is unknown."""

    def __init__(self, disk: Disk, folders: NodeFolders, clock: Clock) -> None:
        self._disk, self._folders, self._clock = disk, folders, clock
        self._rates: dict[str, float | None] = {}
        self._rates_until_ns = 0

    def use(self, camera: str, configured_kbps: float) -> CameraUse:
        rate = self._rate(camera)
        oldest_ms = self._oldest_ms(camera)
        return CameraUse(
            camera,
            configured_bytes_per_day(configured_kbps) if rate is None else rate,
            rate is not None,
            oldest_ms,
            self._held_bytes(camera, oldest_ms),
        )

    def _rate(self, camera: str) -> float | None:
        now_ns = self._clock.boot_ns()
        if now_ns >= self._rates_until_ns:
            self._rates, self._rates_until_ns = {}, now_ns + _RATE_EVERY_NS
        if camera not in self._rates:
            journal = JournalReader(self._disk, self._folders.journal(recorder_journal(camera)))
            try:
                self._rates[camera] = measured_bytes_per_day(journal.back())
            except StorageError as error:
                log.warning("camera %s: the measured rate is not known: %s", camera, error)
                return None
        return self._rates[camera]

    def _oldest_ms(self, camera: str) -> int | None:
        """Of the oldest dated segment that nothing links to."""
        folder = RingFolder(self._disk, self._folders.ring(camera))
        start_ms = None
        try:
            for name in islice(folder.dated(), _STATS_MAX):
                start_ms = name.start_utc_ms
                if self._links(folder.root / name.path) == 1:
                    break
        except StorageError as error:
            log.warning("camera %s: the oldest footage is not known: %s", camera, error)
        return start_ms

    def _links(self, path: Path) -> int:
        try:
            return self._disk.stat(path).nlink
        except NotFound:
            return 0

    def _held_bytes(self, camera: str, oldest_ms: int | None) -> int:
        """Of holds that reach beyond the oldest un-held footage; what two of them share counts twice."""
        total = 0
        try:
            for name in subfolders(self._disk, self._folders.hold):
                found = self._held(name)
                if found is not None and found.camera == camera and found.released_by is None:
                    total += found.bytes if oldest_ms is None or parse_utc(found.end) // NS_PER_MS > oldest_ms else 0
        except StorageError as error:
            log.warning("camera %s: held bytes are not known: %s", camera, error)
        return total

    def _held(self, name: str) -> _HeldBytes | None:
        path = self._folders.hold / name / "hold.json"
        try:
            found = msgspec.json.decode(self._disk.read(path, 0, _LARGEST_BYTES), type=_HeldBytes)
            parse_utc(found.end)
        except (NotFound, msgspec.DecodeError, ValueError, OverflowError, RecursionError):
            return None
        return found
