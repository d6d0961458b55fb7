"""A node's data folder as a recorder leaves it: one camera, sealed segments with names and records, a gap that is explained."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

from edge.clock import NS_PER_MS, NS_PER_S, ManualClock, format_utc, parse_utc
from edge.host.linux_disk import LinuxDisk
from edge.journal.writer import JournalWriter
from edge.messages.records import Episode, Gap, Segment
from edge.messages.stream import Packet
from edge.ring.names import SegmentName
from tests.support.footage import BOOT, BOOT_NS, Written, write_segments
from tests.support.nodefile import write_config
from tests.support.video import encode

START = "2024-06-01T10:00:00.000Z"
"""Of the first picture. Long ago, so that no machine's clock is before it."""
START_NS = parse_utc(START)
GAP_S = 3
_FOR_YEARS = '[retention]\nprofile = "custom"\nbasis = "test"\ndays = 3650\nminimum_days = 0\njournal_days = 3650\n'
CAMERA = "cam0"


@dataclass(frozen=True)
class OnDisk:
    """config: node.toml. Footage: 4 s from START (two segments), GAP_S seconds camera_died, 4 s more (two segments)."""

    config: Path
    data: Path
    segments: list[Path]


def at(seconds: float) -> str:
    """RFC 3339, `seconds` after the first picture."""
    return format_utc(START_NS + round(seconds * NS_PER_S))


def make_node(folder: Path, more: str = "", *, for_years: bool = True, padding: int = 0) -> OnDisk:
    """for_years: its footage, long ago, is within the retention time. padding: bytes that each picture is longer, as filler data (H.264,
    7.3.2.7), which decoders pass over: for files larger than what sockets hold."""
    config, data = write_config(folder, more=f"{more}\n{_FOR_YEARS if for_years else ''}"), folder / "data"
    disk, clock = LinuxDisk(), ManualClock(START_NS, BOOT_NS)
    recorder = JournalWriter(disk, data / "journal" / f"recorder.{CAMERA}", clock, BOOT)
    watcher = JournalWriter(disk, data / "journal" / "watcher", clock, BOOT)
    for folder_ in (recorder.folder, watcher.folder):
        disk.mkdir(folder_)
    paths = []
    for run, first_seq in ((0, 1), (1, 3)):
        offset_s = run * (4 + GAP_S)
        if run:
            clock.advance(GAP_S)
            recorder.append(_gap(offset_s), CAMERA)
        packets = [_padded(each, padding) for each in encode(frames=100, boot_ns=BOOT_NS + offset_s * NS_PER_S)]
        for written in write_segments(packets, gops_each=2, first_seq=first_seq):
            clock.advance(2)
            path, record = _sealed(data, written)
            paths.append(path)
            recorder.append(record, CAMERA)
    watcher.append(_episode(), CAMERA)
    recorder.close()
    watcher.close()
    return OnDisk(config, data, paths)


def _padded(packet: Packet, padding: int) -> Packet:
    filler = b"\0\0\0\1\x0c" + b"\xff" * padding + b"\x80"
    return msgspec.structs.replace(packet, data=packet.data + filler) if padding else packet


def _sealed(data: Path, written: Written) -> tuple[Path, Segment]:
    index = written.index
    start_ns = START_NS + index.start_boot_ns - BOOT_NS
    name = SegmentName(seq=index.seq, duration_ms=2000, start_utc_ms=start_ns // NS_PER_MS, boot=None, mono_ms=None)
    path = data / "ring" / CAMERA / name.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(written.data)
    (data / "ring" / CAMERA / "open").mkdir(exist_ok=True)
    record = Segment(
        seq=index.seq,
        name=name.path,
        span=f"{BOOT}/{BOOT_NS}",
        start=format_utc(start_ns),
        end=format_utc(start_ns + 2 * NS_PER_S),
        start_mono_ms=index.start_boot_ns // NS_PER_MS,
        duration_ms=2000,
        frames=len(written.packets),
        fragments=len(index.fragments),
        bytes=len(written.data),
        sha256=sha256(written.data).hexdigest(),
        params_sha256=index.params_sha256,
        times_sha256=index.times_sha256,
        clock="trusted",
        clock_error_ms=1.0,
        codec=index.codec,
        width=index.width,
        height=index.height,
    )
    return path, record


def _gap(offset_s: int) -> Gap:
    start_ms = BOOT_NS // NS_PER_MS + 4000
    return Gap(
        reason="camera_died",
        start=at(4),
        end=at(offset_s),
        start_mono_ms=start_ms,
        end_mono_ms=start_ms + GAP_S * 1000,
        start_boot=BOOT,
        after_seq=2,
    )


def _episode() -> Episode:
    return Episode(
        id="e1",
        state="end",
        since=at(1),
        until=at(2.5),
        since_mono_ms=101_000,
        until_mono_ms=102_500,
        score=0.75,
        zones=["kerb"],
        peak=at(2),
        path=[0.1, 0.6, 0.8, 0.5],
        mark_from=at(-4),
        mark_until=at(7.5),
    )
