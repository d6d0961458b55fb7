"""From a finished file in open/ to a named, recorded segment. Recorder and recovery do it alike, so that either may finish what the
other began."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from edge.bmff.fragment import ns_of
from edge.bmff.index import SegmentIndex
from edge.clock import NS_PER_MS, NS_PER_S, Reading, format_utc
from edge.host.disk import Disk
from edge.messages.records import Segment
from edge.ring.limits import RingLimits
from edge.ring.names import SegmentName

_CHUNK_BYTES = 1 << 20
_YEAR_9999_NS = 253_370_764_800 * NS_PER_S
"""A clock that says more, or less than 1970, is not believed whatever its state."""


def footage_end_ns(index: SegmentIndex) -> int:
    """Boot time at which the last picture ends."""
    last = index.fragments[-1]
    return last.boot_ns + ns_of(index.duration_ticks - last.dts)


def name_of(index: SegmentIndex, end_boot_ns: int | None = None) -> SegmentName:
    """The name follows from the file alone: the mapping to UTC is that of its last fragment, the newest look at the clock in it.

    end_boot_ns: where the next segment's footage begins, when that follows without a gap: the names then meet exactly.
    """
    last = index.fragments[-1]
    end_ns = footage_end_ns(index) if end_boot_ns is None else end_boot_ns
    offset_ns = last.utc_ns - last.boot_ns
    dated = last.clock != "untrusted" and 0 <= index.start_boot_ns + offset_ns < _YEAR_9999_NS
    offset_ns = offset_ns if dated else 0
    start_ms = (index.start_boot_ns + offset_ns) // NS_PER_MS
    duration_ms = max(1, (end_ns + offset_ns) // NS_PER_MS - start_ms)
    if dated:
        return SegmentName(index.seq, duration_ms, start_utc_ms=start_ms, boot=None, mono_ms=None)
    return SegmentName(index.seq, duration_ms, start_utc_ms=None, boot=index.boot, mono_ms=start_ms)


def file_away(disk: Disk, ring: Path, path: Path, name: SegmentName) -> None:
    """Give a finished file its name: rename without overwriting, then make both folders durable."""
    target = ring / name.path
    disk.mkdir(target.parent)
    disk.rename(path, target)
    disk.sync_dir(target.parent)
    disk.sync_dir(path.parent)


def segment_facts(
    index: SegmentIndex,
    name: SegmentName,
    size: int,
    digest: str,
    span: str,
    *,
    limits: RingLimits | None = None,
    clock: Reading | None = None,
    gops: tuple[int | None, int | None] = (None, None),
) -> Segment:
    """The record of a sealed segment. limits: in force while it was recorded, where known. clock: as read at sealing. gops: counters of the
    signatures of its first and last GOP."""
    last = index.fragments[-1]
    limits = limits or RingLimits()
    start_ms = name.start_utc_ms
    return Segment(
        seq=index.seq,
        name=name.path,
        span=span,
        start=None if start_ms is None else format_utc(start_ms * NS_PER_MS),
        end=None if start_ms is None else format_utc((start_ms + name.duration_ms) * NS_PER_MS),
        start_mono_ms=index.start_boot_ns // NS_PER_MS,
        duration_ms=name.duration_ms,
        frames=index.frames,
        fragments=len(index.fragments),
        bytes=size,
        sha256=digest,
        params_sha256=index.params_sha256,
        times_sha256=index.times_sha256,
        clock=last.clock,
        clock_error_ms=clock.error_ms if clock is not None and last.clock == "trusted" else None,
        codec=index.codec,
        width=index.width,
        height=index.height,
        config_sha256=limits.config_sha256,
        masks_sha256=limits.masks_sha256,
        version=limits.version,
        clock_source=clock.source if clock is not None else "",
        clock_offset_ms=None if start_ms is None else (last.utc_ns - last.boot_ns) // NS_PER_MS,
        first_gop=gops[0],
        last_gop=gops[1],
    )


def file_sha256(disk: Disk, path: Path, size: int) -> str:
    """Hex digest of the file's first `size` bytes, read in portions."""
    whole = sha256()
    for offset in range(0, size, _CHUNK_BYTES):
        whole.update(disk.read(path, offset, min(_CHUNK_BYTES, size - offset)))
    return whole.hexdigest()
