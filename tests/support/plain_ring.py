"""A ring of small files that are no video, with the records their recorder would have written: for retention, which never looks inside."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec

from edge.clock import NS_PER_MS, NS_PER_S, ManualClock, format_utc
from edge.host.disk import Disk
from edge.host.model_disk import ModelDisk
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.records import TYPE_OF, Segment, facts_of
from edge.ring.names import RingFolder, SegmentName
from edge.ring.retain import Policy
from edge.ring.sweep import Sweeper

CAMERA = "cam1"
DATA = Path("/data")
DAY_S = 86_400.0
SEGMENT_BYTES = 1000
POLICY = Policy(days=30.0, minimum_days=20.0, reserve_bytes=1, profile="pl-guard")

_F = TypeVar("_F", bound=msgspec.Struct)


@dataclass
class PlainRing:
    """`disk`, `clock` and `boot` may be exchanged between runs; `start` begins one."""

    disk: Disk = field(default_factory=ModelDisk)
    clock: ManualClock = field(default_factory=ManualClock)
    boot: str = "boot-1"
    policy: Policy = POLICY
    data: Path = DATA
    next_seq: int = 1
    rotate_bytes: int = 1 << 20

    def __post_init__(self) -> None:
        self.root = self.data / "ring" / CAMERA
        self.folder = RingFolder(self.disk, self.root)
        self.disk.mkdir(self.root)
        self.start()

    def start(self) -> None:
        """A new process of the recorder."""
        self.folder = RingFolder(self.disk, self.root)
        self.journal = JournalWriter(self.disk, self.data / "journal" / f"recorder.{CAMERA}", self.clock, self.boot, self.rotate_bytes, 0)
        self.sweeper = Sweeper(self.disk, self.folder, self.journal, self.policy, self.clock, CAMERA)

    def record(self, seconds: float = 60.0, *, recorded: bool = True, size: int = SEGMENT_BYTES) -> SegmentName:
        """A segment that ends `seconds` from now; time goes on."""
        seq, reading = self.next_seq, self.clock.read()
        self.next_seq += 1
        mono_ms = reading.boot_ns // NS_PER_MS
        if reading.dated:
            name = SegmentName(seq, round(seconds * 1000), reading.utc_ns // NS_PER_MS, None, None)
        else:
            name = SegmentName(seq, round(seconds * 1000), None, self.boot, mono_ms)
        self.clock.advance(seconds)
        content = content_of(seq, size)
        self.disk.mkdir((self.root / name.path).parent)
        file = self.disk.create(self.root / name.path)
        file.write(content)
        file.fsync()
        file.close()
        self.disk.sync_dir((self.root / name.path).parent)
        if recorded:
            self.journal.append(self._facts(name, mono_ms, content), camera=CAMERA)
        return name

    def record_days(self, days: float, every_s: float = 3600.0) -> list[SegmentName]:
        return [self.record(every_s) for _ in range(round(days * DAY_S / every_s))]

    def reboot(self, off_s: float, boot: str) -> None:
        utc_ns = self.clock.read().utc_ns + round(off_s * NS_PER_S)
        self.clock = ManualClock(utc_ns, 20 * NS_PER_S, self.clock.read().state)
        self.boot = boot
        self.start()

    def seqs(self) -> list[int]:
        return [name.seq for name in self.folder.all()]

    def hold(self, name: SegmentName, hold: str = "h1") -> Path:
        """What an evidence lock looks like to the sweep."""
        link = self.data / "hold" / hold / Path(name.path).name
        self.disk.mkdir(link.parent)
        self.disk.link(self.root / name.path, link)
        return link

    def facts(self, shape: type[_F]) -> list[_F]:
        reader = JournalReader(self.disk, self.journal.folder)
        return [facts_of(line.record, shape) for line in reader.read() if line.record.type == TYPE_OF[shape]]

    def _facts(self, name: SegmentName, mono_ms: int, content: bytes) -> Segment:
        return Segment(
            seq=name.seq,
            name=name.path,
            span=f"{self.boot}/0",
            start=None if name.start_utc_ms is None else format_utc(name.start_utc_ms * NS_PER_MS),
            end=None if name.end_utc_ms is None else format_utc(name.end_utc_ms * NS_PER_MS),
            start_mono_ms=mono_ms,
            duration_ms=name.duration_ms,
            frames=1,
            fragments=1,
            bytes=len(content),
            sha256=sha256(content).hexdigest(),
            params_sha256="",
            times_sha256="",
            clock=self.clock.read().state,
            clock_error_ms=None,
            codec="h264",
            width=64,
            height=48,
        )


def content_of(seq: int, size: int = SEGMENT_BYTES) -> bytes:
    return (f"segment {seq} ".encode() * (size // 8 + 1))[:size]
