"""How much of the data partition holds may pin, so that evidence does not push all other footage out."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.clock import NS_PER_S, parse_utc
from edge.errors import NotFound, Refused, StorageError
from edge.host.disk import Disk, Stat
from edge.messages.hold import Hold
from edge.ring.hold_folder import HoldFolder
from edge.ring.hold_request import told
from edge.ring.query import RingReader, SegmentRef

_log = logging.getLogger(__name__)

_RATE_NS = 600 * NS_PER_S


@dataclass(frozen=True, slots=True)
class HoldQuota:
    disk: Disk
    data: Path
    reader: RingReader
    percent: float
    rates_kbps: Mapping[str, int]
    """By camera, for footage that is still to come where none was recorded lately."""

    def total_bytes(self) -> int:
        return int(self.disk.space(self.data).total_bytes * self.percent / 100)

    def held(self, folders: Iterable[HoldFolder]) -> dict[int, int]:
        """Inode -> bytes of everything holds link to: a segment in two of them counts once."""
        found: dict[int, int] = {}
        for folder in folders:
            for link in folder.links().values():
                try:
                    stat = self.disk.stat(folder.path / link)
                except StorageError as refused:
                    _log.error("hold %s: %s is not counted: %s", told(folder.path.name), link, refused)
                    continue
                found[stat.inode] = stat.size
        return found

    def check(self, wanted: Hold, refs: Iterable[SegmentRef], held: dict[int, int], others: Sequence[Hold], now_ns: int) -> None:
        """Raises Refused (hold_quota) for more than fits, footage that is still to come included, of the others too."""
        total, used = self.total_bytes(), sum(held.values())
        ahead_s = {hold.id: _ahead_s(hold, now_ns) for hold in (wanted, *others)}
        rates = {hold.camera: self._bytes_per_s(hold.camera, now_ns) for hold in (wanted, *others) if ahead_s[hold.id]}
        promised = sum(round(rates[hold.camera] * ahead_s[hold.id]) for hold in others if ahead_s[hold.id])
        more = round(rates.get(wanted.camera, 0) * ahead_s[wanted.id])
        for ref in refs:
            stat = self._stat(ref.path)
            more += stat.size if stat is not None and stat.inode not in held else 0
        if used + promised + more > total:
            text = f"{more} bytes more, beside {used} held and {promised} promised to holds that still grow, are over the quota of {total}"
            raise Refused("hold_quota", f"{text} ({self.percent:g} % of the partition)", remedy="release holds, or ask for less")

    def fitting(self, refs: Iterable[SegmentRef], held: dict[int, int]) -> list[SegmentRef]:
        """The first segments that fit; those held already do."""
        total, used = self.total_bytes(), sum(held.values())
        found: list[SegmentRef] = []
        for ref in refs:
            stat = self._stat(ref.path)
            if stat is None:
                continue
            used += 0 if stat.inode in held else stat.size
            if used > total and stat.inode not in held:
                break
            found.append(ref)
        return found

    def _bytes_per_s(self, camera: str, now_ns: int) -> float:
        """Of the last ten minutes, else as configured."""
        recent = self.reader.segments(camera, now_ns - _RATE_NS, now_ns)
        length_ns = sum(ref.end_utc_ns - ref.start_utc_ns for ref in recent)
        size = sum(stat.size for ref in recent if (stat := self._stat(ref.path)))
        return size * NS_PER_S / length_ns if length_ns else self.rates_kbps.get(camera, 0) * 125

    def _stat(self, path: Path) -> Stat | None:
        try:
            return self.disk.stat(path)
        except NotFound:
            return None


def _ahead_s(hold: Hold, now_ns: int) -> float:
    """Length of the part of its range that lies ahead."""
    return max(0, parse_utc(hold.end) - max(now_ns, parse_utc(hold.start))) / NS_PER_S
