"""A recorder's ring without a camera: writes GOPs as fast as the disk takes them and prints each fragment once the disk has confirmed it.

python -m tests.support.ring_writer DATA BOOT FIRST_UTC_S SYNC RESERVE_BYTES. Prints "ready", then "SEQ FRAGMENTS" a line.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from edge.clock import NS_PER_S, ManualClock
from edge.config.model import Camera as CameraModel
from edge.config.model import Node as NodeModel
from edge.config.model import NodeConfig, Retention, Ring
from edge.host.linux_disk import LinuxDisk
from edge.journal.writer import JournalWriter
from edge.messages.stream import Packet
from edge.ring.gop import Gop
from edge.ring.layout import NodeFolders, recorder_journal
from edge.ring.ledger import Ledger
from edge.ring.limits import RingLimits
from edge.ring.names import RingFolder
from edge.ring.recording import Recording
from edge.ring.retain import policy_of
from edge.ring.startup import start_ring
from edge.ring.sweep import Sweeper
from tests.support.video import encode, gops, stream_info

CAMERA = "cam0"
SEGMENT_S = 6.0
GOP_FRAMES = 10
GOP_NS = NS_PER_S


@contextmanager
def open_ring(data: Path, boot: str, clock: ManualClock, sync: str, reserve_bytes: int) -> Iterator[Recording]:
    """As `edge record` does it, with a clock that the caller moves."""
    config = NodeConfig(
        node=NodeModel(id="pole", data=str(data)),
        camera=[CameraModel(id=CAMERA, source="synthetic:")],
        ring=Ring(segment_s=SEGMENT_S, sync=sync, reserve_bytes=reserve_bytes),  # type: ignore[arg-type]
        retention=Retention(days=30.0),
    )
    disk, folders = LinuxDisk(), NodeFolders(data, data / "run")
    journal = JournalWriter(disk, folders.journal(recorder_journal(CAMERA)), clock, boot)
    ledger = Ledger(journal, clock, CAMERA)
    journal.open()
    sweeper = Sweeper(disk, RingFolder(disk, folders.ring(CAMERA)), journal, policy_of(config), clock, CAMERA)
    limits = RingLimits(SEGMENT_S, config.ring.sync, 200)
    recording = start_ring(disk, folders, CAMERA, clock, boot, ledger, sweeper, limits, "test")
    try:
        yield recording
    finally:
        recording.close()
        journal.close()


def main(data: str, boot: str, first_utc_s: str, sync: str, reserve_bytes: str) -> None:
    clock = ManualClock(int(first_utc_s) * NS_PER_S)
    with open_ring(Path(data), boot, clock, sync, int(reserve_bytes)) as recording:
        write_for_ever(recording, clock)


def write_for_ever(recording: Recording, clock: ManualClock) -> None:
    packets = encode(frames=GOP_FRAMES * 8, fps=GOP_FRAMES, gop=GOP_FRAMES, boot_ns=clock.boot_ns())
    groups = gops(packets)
    recording.start(stream_info(packets, fps=GOP_FRAMES))
    print("ready", flush=True)
    fragments: dict[int, int] = {}
    round_ns = len(groups) * GOP_NS
    round_frames = len(packets)
    turn = 0
    while True:
        for group in groups:
            moved = Gop([_later(packet, turn * round_ns, turn * round_frames) for packet in group])
            clock.advance(GOP_NS / NS_PER_S)
            if recording.write(moved) is None and recording.progress.segment_seq is not None:
                seq = recording.progress.segment_seq
                fragments[seq] = fragments.get(seq, 0) + 1
                print(seq, fragments[seq], flush=True)
        turn += 1


def _later(packet: Packet, offset_ns: int, offset_frames: int) -> Packet:
    return msgspec.structs.replace(
        packet,
        pts_ns=packet.pts_ns + offset_ns,
        dts_ns=packet.dts_ns + offset_ns,
        boot_ns=packet.boot_ns + offset_ns,
        seq=packet.seq + offset_frames,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
