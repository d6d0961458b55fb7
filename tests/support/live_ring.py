"""A recorder's ring that grows in real time, with numbered pictures: what live sessions follow. A thread writes, as the recorder would."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec

from edge.clock import NS_PER_S
from edge.config.model import Camera, Node, NodeConfig, Retention, Ring
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.host.timesync import KernelClock
from edge.journal.writer import JournalWriter
from edge.messages.stream import Codec, Packet
from edge.ring.gop import Gop
from edge.ring.layout import NodeFolders, recorder_journal
from edge.ring.ledger import Ledger
from edge.ring.limits import RingLimits
from edge.ring.names import RingFolder
from edge.ring.retain import policy_of
from edge.ring.startup import start_ring
from edge.ring.sweep import Sweeper
from tests.support.video import encode, gops, stream_info

CAMERA = "cam0"
FPS = 10
GOP = 5
"""Pictures: half a second."""
ROUND = 200
SEGMENT_S = 2.0
"""Short, so that a test crosses their ends."""
GOP_NS = GOP * NS_PER_S // FPS


class LiveRing:
    """`with` records. filler_bytes: of filler data (H.264 7.3.2.7) in each picture, which decoders skip."""

    def __init__(self, data: Path, *, width: int = 320, codec: Codec = "h264", b_frames: int = 0, filler_bytes: int = 0) -> None:
        self.data, self.width = data, width
        self._codec, self._b_frames = codec, b_frames
        self._filler = b"\0\0\0\1\x0c" + b"\xff" * filler_bytes + b"\x80" if filler_bytes else b""
        self._clock = KernelClock("assume")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()

    @property
    def folders(self) -> NodeFolders:
        return NodeFolders(self.data, self.data / "run")

    def __enter__(self) -> LiveRing:
        self._groups = gops(encode(self._codec, ROUND, FPS, self._b_frames, GOP, width=self.width))
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        disk, folders, boot = LinuxDisk(), self.folders, boot_id()
        config = NodeConfig(
            node=Node(id="pole-1", data=str(self.data)),
            camera=[Camera(id=CAMERA, source="synthetic:")],
            ring=Ring(reserve_bytes=1 << 20),
            retention=Retention(days=30.0),
        )
        journal = JournalWriter(disk, folders.journal(recorder_journal(CAMERA)), self._clock, boot)
        ledger = Ledger(journal, self._clock, CAMERA)
        journal.open()
        sweeper = Sweeper(disk, RingFolder(disk, folders.ring(CAMERA)), journal, policy_of(config), self._clock, CAMERA)
        limits = RingLimits(SEGMENT_S, "fragment", 200)
        recording = start_ring(disk, folders, CAMERA, self._clock, boot, ledger, sweeper, limits, "test")
        first = [packet for group in self._groups for packet in group]
        recording.start(stream_info(first, self._codec, width=self.width, fps=FPS))
        begin_ns, number = self._clock.boot_ns(), 0
        try:
            while not self._stop.wait(max(0, begin_ns + (number + 1) * GOP_NS - self._clock.boot_ns()) / NS_PER_S):
                refused = recording.write(self._group(number, begin_ns))
                assert refused is None
                number += 1
                if number == 2:
                    self._ready.set()
        finally:
            recording.close()
            journal.close()

    def _group(self, number: int, begin_ns: int) -> Gop:
        """The number-th, as if taken just before it is written."""
        turn, place = divmod(number, len(self._groups))
        shift_ns = turn * len(self._groups) * GOP_NS
        packets: list[Packet] = [
            msgspec.structs.replace(
                packet,
                data=packet.data + self._filler,
                pts_ns=packet.pts_ns + shift_ns,
                dts_ns=packet.dts_ns + shift_ns,
                boot_ns=begin_ns + number * GOP_NS + position * NS_PER_S // FPS,
                seq=packet.seq + turn * ROUND,
            )
            for position, packet in enumerate(self._groups[place])
        ]
        return Gop(packets, packets[0].dts_ns + GOP_NS)
