"""Names of segments: the index of the ring. A name is its segment's true UTC start, length and sequence number, or lies under undated/.

    2026-11-22/20261122T130500.120Z_60040ms_000000123.mp4      below ring/<camera>: a day of UTC, then start, length, number
    undated/<boot id>/<monotonic ms>_60040ms_000000125.mp4     recorded while the clock could not be trusted
    open/000000124.mp4                                         being written
    erasing/age@2026-11-22@20261122T130500.120Z_60040ms_000000123.mp4   taken out of the ring, not yet recorded and gone

Numbers never repeat within a camera and are given in the order of recording, whatever the clock did meanwhile.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from edge.clock import NS_PER_MS, utc_datetime
from edge.errors import NotFound
from edge.host.disk import Disk

_NUMBER = r"(0|[1-9][0-9]{0,17})"
_SEQ = r"([0-9]{9}|[1-9][0-9]{9,17})"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATED = re.compile(
    rf"([0-9]{{4}})-([0-9]{{2}})-([0-9]{{2}})/\1\2\3T([0-9]{{2}})([0-9]{{2}})([0-9]{{2}})\.([0-9]{{3}})Z_{_NUMBER}ms_{_SEQ}\.mp4"
)
_UNDATED = re.compile(rf"undated/([A-Za-z0-9][A-Za-z0-9_-]{{0,63}})/{_NUMBER}_{_NUMBER}ms_{_SEQ}\.mp4")
_OPEN = re.compile(rf"{_SEQ}\.mp4")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class SegmentName:
    """Dated (start_utc_ms) or undated (boot, mono_ms: CLOCK_BOOTTIME at the first picture), never both."""

    seq: int
    duration_ms: int
    start_utc_ms: int | None
    boot: str | None
    mono_ms: int | None

    @property
    def path(self) -> str:
        """Relative to ring/<camera>."""
        if self.start_utc_ms is None:
            return f"undated/{self.boot}/{self.mono_ms}_{self.duration_ms}ms_{self.seq:09d}.mp4"
        moment = utc_datetime(self.start_utc_ms * NS_PER_MS)
        millis = self.start_utc_ms % 1000
        return f"{moment:%Y-%m-%d}/{moment:%Y%m%dT%H%M%S}.{millis:03d}Z_{self.duration_ms}ms_{self.seq:09d}.mp4"

    @property
    def flat(self) -> str:
        """The path as one file name, for folders outside the ring's tree."""
        return self.path.replace("/", "@")

    @property
    def end_utc_ms(self) -> int | None:
        return None if self.start_utc_ms is None else self.start_utc_ms + self.duration_ms


def parse(path: str) -> SegmentName | None:
    """The name behind a path below ring/<camera>; None for anything that is not exactly one."""
    match = _DATED.fullmatch(path)
    if match is not None:
        year, month, day, hour, minute, second, millis, duration_ms, seq = map(int, match.groups())
        try:
            moment = datetime(year, month, day, hour, minute, second, millis * 1000, tzinfo=timezone.utc)
        except ValueError:
            return None
        start_ms = (moment - _EPOCH) // _MS
        return SegmentName(seq, duration_ms, start_ms, None, None) if start_ms >= 0 else None
    match = _UNDATED.fullmatch(path)
    if match is None:
        return None
    return SegmentName(int(match[4]), int(match[3]), None, match[1], int(match[2]))


def parse_flat(name: str) -> SegmentName | None:
    """The inverse of `SegmentName.flat`."""
    return parse(name.replace("@", "/"))


def parse_erasing(name: str) -> tuple[str, SegmentName] | None:
    """A file name in erasing/ -> (why, what)."""
    why, _, flat = name.partition("@")
    what = parse_flat(flat)
    return None if what is None else (why, what)


def open_name(seq: int) -> str:
    return f"open/{seq:09d}.mp4"


def day_of(utc_ms: int) -> str:
    """The day folder of an instant."""
    return f"{utc_datetime(utc_ms * NS_PER_MS).date()}"


class RingFolder:
    """ring/<camera> as it is on disk at each call. A missing folder is an empty one; names that are no segments are left out."""

    def __init__(self, disk: Disk, root: Path) -> None:
        self.root = root
        self._disk = disk

    def days(self) -> list[str]:
        """Day folders, oldest first."""
        return sorted(name for name in self._names("", folders=True) if _DAY.fullmatch(name))

    def day(self, day: str) -> list[SegmentName]:
        """Segments that began on a UTC day, by their start."""
        return sorted(self._segments(day), key=_by_start)

    def boots(self) -> list[str]:
        """Boot ids with undated footage, in no particular order."""
        return self._names("undated", folders=True)

    def undated_of(self, boot: str) -> list[SegmentName]:
        """Undated segments of one boot, in the order of recording."""
        return sorted(self._segments(f"undated/{boot}"), key=_by_seq)

    def undated(self) -> list[SegmentName]:
        """All undated segments, in the order of recording."""
        return sorted((name for boot in self.boots() for name in self._segments(f"undated/{boot}")), key=_by_seq)

    def opened(self) -> list[int]:
        """Numbers of the files in open/, ascending."""
        found = (_OPEN.fullmatch(name) for name in self._names("open", folders=False))
        return sorted(int(match[1]) for match in found if match)

    def erasing(self) -> list[SegmentName]:
        """Segments whose erasure was begun and not ended."""
        return [name for _, name in self.claims()]

    def claims(self) -> list[tuple[str, SegmentName]]:
        """What lies in erasing/: why, and which segment; in the order of recording."""
        found = (parse_erasing(name) for name in self._names("erasing", folders=False))
        return sorted((claim for claim in found if claim is not None), key=lambda claim: claim[1].seq)

    def newest(self) -> SegmentName | None:
        """The dated segment with the latest start."""
        for day in reversed(self.days()):
            names = self.day(day)
            if names:
                return names[-1]
        return None

    def dated(self, last_day: str = "9999-12-31") -> Iterator[SegmentName]:
        """Dated segments up to a day, oldest first; one day in memory at a time."""
        return (name for day in self.days() if day <= last_day for name in self.day(day))

    def ageless(self, last_day: str = "9999-12-31") -> list[SegmentName]:
        """Segments whose age is unknown, in the order of recording: undated, or in days after `last_day` (the clock ran ahead)."""
        ahead = [name for day in self.days() if day > last_day for name in self._segments(day)]
        return sorted(self.undated() + ahead, key=_by_seq)

    def all(self) -> Iterator[SegmentName]:
        """Every sealed segment, oldest first, undated ones where their number puts them; one day in memory at a time."""
        undated = self.undated()
        return heapq.merge(self.dated(), undated, key=_by_seq) if undated else self.dated()

    def newer_than(self, seq: int, today: str) -> list[SegmentName]:
        """Segments with a higher number, undated ones included. Looks only at the newest days, and at those after `today`: a clock that ran
        ahead made them, and what was recorded since lies before them."""
        found = [name for name in self.undated() if name.seq > seq]
        for day in reversed(self.days()):
            names = [name for name in self._segments(day) if name.seq > seq]
            if not names and day <= today:
                break
            found += names
        return found

    def _segments(self, folder: str) -> list[SegmentName]:
        found = (parse(f"{folder}/{name}") for name in self._names(folder, folders=False))
        return [name for name in found if name is not None]

    def _names(self, folder: str, *, folders: bool) -> list[str]:
        try:
            return [entry.name for entry in self._disk.scan(self.root / folder) if entry.is_dir == folders]
        except NotFound:
            return []


def _by_seq(name: SegmentName) -> int:
    return name.seq


def _by_start(name: SegmentName) -> tuple[int, int]:
    return name.start_utc_ms or 0, name.seq
