"""A pole without a camera: a disk, two clocks, a ring and its recorder's parts, driven GOP by GOP with real (tiny) pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec

from edge.clock import NS_PER_S, ManualClock
from edge.host.disk import Disk
from edge.host.model_disk import ModelDisk
from edge.journal.line import Line
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.records import TYPE_OF, Stop, facts_of
from edge.messages.stream import Packet, StreamInfo
from edge.ring.gop import Gop
from edge.ring.history import read_history
from edge.ring.layout import NodeFolders, recorder_journal
from edge.ring.ledger import Ledger
from edge.ring.limits import RingLimits
from edge.ring.names import RingFolder, SegmentName
from edge.ring.recording import Recording
from edge.ring.retain import Policy
from edge.ring.room import Sweeps
from edge.ring.startup import start_ring
from edge.ring.sweep import Sweeper
from edge.seal.chain import Maker
from edge.services.interrupted import find_interrupted
from edge.services.sealing import Sealer
from edge.services.signing import SigningDesk
from tests.support import video
from tests.support.signing import MemorySigner, opener

CAMERA = "cam0"
DATA = Path("/data")
FPS = 5
GOP_NS = NS_PER_S
FRAME_NS = NS_PER_S // FPS
BOOT = "11111111-1111-4111-8111-111111111111"

_F = TypeVar("_F", bound=msgspec.Struct)


DIFFERENT = 16
"""Seconds of a lively stream before its pictures come again."""
SIGNATURE_S = 20.0


@cache
def pictures(width: int = 64) -> tuple[list[Packet], StreamInfo]:
    """One second of video and the stream it is of."""
    packets = video.encode(frames=FPS, fps=FPS, gop=FPS, width=width, height=48, bitrate_kbps=30)
    return packets, video.stream_info(packets, width=width, height=48, fps=FPS)


@cache
def lively(width: int = 64) -> list[list[Packet]]:
    """Seconds that differ, of the same form."""
    return video.gops(video.encode(frames=FPS * DIFFERENT, fps=FPS, gop=FPS, width=width, height=48, bitrate_kbps=30))


class NoSweep:
    """For rings that are never full."""

    def sweep(self, needed_bytes: int) -> None:
        assert needed_bytes >= 0


@dataclass
class Camera:
    """Makes GOPs of one second; `dts_ns` and `seq` go on by themselves, `width` is the stream's form. filler_bytes: a second, of filler
    data (H.264 7.3.2.7), which decoders skip. lively: each second has other pictures."""

    clock: ManualClock
    width: int = 64
    seq: int = 0
    dts_ns: int = 0
    filler_bytes: int = 0
    lively: bool = False

    def info(self) -> StreamInfo:
        self.seq = 0
        return pictures(self.width)[1]

    def gop(self, *, joins: bool = True) -> Gop:
        """The next second, beginning now."""
        boot_ns = self.clock.boot_ns()
        seconds = lively(self.width) if self.lively else [pictures(self.width)[0]]
        filler = b"\0\0\0\1\x0c" + b"\xff" * (self.filler_bytes // FPS) + b"\x80" if self.filler_bytes else b""
        made = [
            msgspec.structs.replace(
                packet,
                data=packet.data + filler,
                seq=self.seq + number,
                dts_ns=self.dts_ns + number * FRAME_NS,
                pts_ns=self.dts_ns + number * FRAME_NS,
                boot_ns=boot_ns + number * FRAME_NS,
            )
            for number, packet in enumerate(seconds[self.dts_ns // GOP_NS % len(seconds)])
        ]
        self.seq += len(made)
        self.dts_ns += GOP_NS
        return Gop(made, self.dts_ns if joins else None)


@dataclass
class Pole:
    """`start` begins a run of the recorder, `record` lets seconds pass with pictures, `stop` ends the run in order; a killed run is one
    that is simply left."""

    disk: Disk = field(default_factory=ModelDisk)
    clock: ManualClock = field(default_factory=ManualClock)
    data: Path = DATA
    boot: str = BOOT
    limits: RingLimits = field(default_factory=lambda: RingLimits(segment_s=5.0, bitrate_kbps=30))
    sweeper: Sweeps = field(default_factory=NoSweep)
    policy: Policy | None = None
    """With it, each run has a real sweeper instead."""
    signer: MemorySigner | None = None
    """With it, the recording is signed."""

    def __post_init__(self) -> None:
        self.folders = NodeFolders(self.data, self.data / "run")
        self.camera = Camera(self.clock)
        self.desk: SigningDesk | None = None

    @property
    def ring(self) -> Path:
        return self.folders.ring(CAMERA)

    @property
    def folder(self) -> RingFolder:
        return RingFolder(self.disk, self.ring)

    def start(self) -> Recording:
        """With a stream, ready for GOPs."""
        self.journal = JournalWriter(self.disk, self.folders.journal(recorder_journal(CAMERA)), self.clock, self.boot)
        self.ledger = Ledger(self.journal, self.clock, CAMERA)
        if self.policy is not None:
            self.sweeper = Sweeper(self.disk, self.folder, self.journal, self.policy, self.clock, CAMERA)
        self.recording = start_ring(self.disk, self.folders, CAMERA, self.clock, self.boot, self.ledger, self.sweeper, self.limits, "test")
        if self.desk is not None:
            self.desk.stop(SIGNATURE_S)
        self.desk = SigningDesk(CAMERA, opener(self.signer), "file") if self.signer is not None else None
        self.sealer = self._sealer()
        info = self.camera.info()
        self.sealer.start(info)
        self.recording.start(info)
        return self.recording

    def _sealer(self) -> Sealer:
        maker = Maker(f"pole-1/{CAMERA}", "test")
        if self.desk is None:
            return Sealer(None, self.ledger.put, self.clock, maker, SIGNATURE_S)
        self.desk.thread.start()
        history = read_history(JournalReader(self.disk, self.folders.journal(recorder_journal(CAMERA))), self.boot)
        interrupted = find_interrupted(self.disk, self.ring, history, maker)
        return Sealer(self.desk, self.ledger.put, self.clock, maker, SIGNATURE_S, interrupted)

    def take(self) -> Gop:
        """The camera's next second, signed where that is wanted."""
        gop = self.camera.gop()
        return self.sealer.seal(gop) if self.desk is not None else gop

    def second(self) -> float | None:
        """One GOP, written at its end."""
        gop = self.take()
        self.clock.advance(1.0)
        return self.recording.write(gop)

    def record(self, seconds: int) -> None:
        for _ in range(seconds):
            assert self.second() is None

    def stop(self) -> None:
        if self.desk is not None:
            self.sealer.close()
            self.desk.stop(SIGNATURE_S)
        self.recording.close()
        self.ledger.put(Stop(reason="test"))
        self.journal.close()

    def reboot(self, off_s: float = 30.0, boot: str = "22222222-2222-4222-8222-222222222222") -> None:
        """The power was off: UTC goes on, the boot clock begins anew."""
        utc_ns = self.clock.read().utc_ns + round(off_s * NS_PER_S)
        self.clock = ManualClock(utc_ns, 20 * NS_PER_S, self.clock.read().state)
        self.camera = Camera(self.clock)
        self.boot = boot

    def names(self) -> list[SegmentName]:
        return sorted(self.folder.all(), key=lambda name: name.seq)

    def lines(self) -> list[Line]:
        return list(JournalReader(self.disk, self.folders.journal(recorder_journal(CAMERA))).read())

    def facts(self, shape: type[_F]) -> list[_F]:
        """All records of one kind, in order."""
        return [facts_of(line.record, shape) for line in self.lines() if line.record.type == TYPE_OF[shape]]
