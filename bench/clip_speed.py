"""How long does a clip take, and how soon does it begin? Ten minutes of 1080p25 at 4 Mbit/s against `cp` of the same bytes.

    python bench/clip_speed.py [--folder FOLDER] [--days 60]

Prints the time to stream the clip (medians of alternating runs, warm cache), the time to its first byte (reader, plan, header and first
video, all anew), and both in a ring of 1 day and of many. A clip's bytes are checked (CRC-32) when its hash is made, which comes before any
sending and is timed by itself. Ends with 1 when a bound is broken.
FOLDER must be on a file system with hard links; without it, memory is used where there is enough: the disk's own speed, which would hide
ours, is no part of it then.
"""

from __future__ import annotations

import argparse
import gc
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import msgspec

from edge.clip.holes import Missing
from edge.clip.plan import plan_clip
from edge.clip.virtual import VirtualClip, open_part
from edge.clock import NS_PER_MS, NS_PER_S, ManualClock, format_utc
from edge.host.linux_disk import LinuxDisk
from edge.messages.clip import ClipRequest
from edge.messages.stream import Packet
from edge.ring.gop import Gop
from edge.ring.limits import RingLimits
from edge.ring.names import SegmentName
from edge.ring.query import RingReader
from edge.upload.jobs import PinnedFile
from tests.support import video
from tests.support.pole import BOOT, CAMERA, Pole

WIDTH, HEIGHT, FPS = 1920, 1080, 25
BYTES_PER_S = 500_000
SEGMENT_S = 60
CLIP_S = 600
DAY_S = 86_400
PER_DAY = DAY_S // SEGMENT_S
NOON_UTC_S = 1_795_003_200
COPIES, QUESTIONS = 9, 15

COPY_RATIO_BOUND = 1.5
"""Of `cp`, in memory, where that is at its best. The hash is known, as whenever a clip is sent or written; making it checked all bytes."""
FIRST_BYTE_BOUND_MS = 25.0
LENGTH_RATIO_BOUND = 1.5
"""Between a long ring and a short one; the slack is for a busy machine."""


def second_of_video() -> list[Packet]:
    """One GOP, filled up to the rate with filler data (H.264 7.3.2.7)."""
    packets = video.encode(frames=FPS, fps=FPS, gop=FPS, width=WIDTH, height=HEIGHT, bitrate_kbps=BYTES_PER_S * 8 // 1000)
    lacking = max(0, BYTES_PER_S - sum(len(packet.data) for packet in packets)) // FPS
    filler = b"\0\0\0\1\x0c" + b"\xff" * lacking + b"\x80"
    return [msgspec.structs.replace(packet, data=packet.data + filler) for packet in packets]


def record(data: Path) -> Pole:
    """The footage of the clip and a minute more, in a ring whose recorder has stopped."""
    pole = Pole(disk=LinuxDisk(), clock=ManualClock(NOON_UTC_S * NS_PER_S), data=data, limits=RingLimits(float(SEGMENT_S)))
    pole.start()
    packets = second_of_video()
    pole.recording.start(video.stream_info(packets, width=WIDTH, height=HEIGHT, fps=FPS))
    first_ns = pole.clock.boot_ns()
    for second in range(CLIP_S + SEGMENT_S):
        gop = Gop([_later(packet, second, first_ns) for packet in packets], (second + 1) * NS_PER_S)
        pole.clock.advance(1.0)
        assert pole.recording.write(gop) is None
    pole.stop()
    return pole


def _later(packet: Packet, second: int, first_ns: int) -> Packet:
    place_ns = second * NS_PER_S + packet.dts_ns
    seq = second * FPS + packet.seq
    return msgspec.structs.replace(packet, seq=seq, pts_ns=place_ns, dts_ns=place_ns, boot_ns=first_ns + place_ns)


def lengthened(pole: Pole, data: Path, days: int) -> Pole:
    """The same ring in another folder, by hard links, with `days` full days in front of its own."""
    shutil.copytree(pole.data, data, copy_function=os.link)
    ring = data / "ring" / CAMERA
    sources = cycle([pole.ring / name.path for name in pole.names()])
    first_ms = (NOON_UTC_S // DAY_S - days) * DAY_S * 1000
    for number in range(days * PER_DAY):
        name = SegmentName(1_000_000 + number, SEGMENT_S * 1000, first_ms + number * SEGMENT_S * 1000, None, None)
        if number % PER_DAY == 0:
            (ring / name.path).parent.mkdir()
        os.link(next(sources), ring / name.path)
    return Pole(disk=pole.disk, clock=pole.clock, data=data)


def clip_of(pole: Pole) -> VirtualClip:
    """As the agent makes it for a request: a reader, a plan and a clip that know nothing yet."""
    start_ns = NOON_UTC_S * NS_PER_S + 500 * NS_PER_MS
    request = ClipRequest(id="bench", camera=CAMERA, start=format_utc(start_ns), end=format_utc(start_ns + CLIP_S * NS_PER_S))
    ring = RingReader(pole.disk, pole.data, pole.clock, BOOT)

    def missing(first_ns: int, last_ns: int) -> list[Missing]:
        return [Missing(gap.start_utc_ns, gap.end_utc_ns, gap.reason) for gap in ring.timeline(CAMERA, first_ns, last_ns).gaps]

    plan = plan_clip(ring, request, missing=missing)
    assert not plan.gaps
    assert len(plan.parts) == 1
    files = plan.files()
    return open_part(plan.parts[0], lambda seq: PinnedFile(pole.disk, files[seq]))


def first_byte(pole: Pole) -> None:
    clip = clip_of(pole)
    assert len(clip.read(0, clip.header_bytes + 1)) == clip.header_bytes + 1


def stream(clip: VirtualClip, target: Path) -> None:
    with target.open("wb", buffering=0) as file:
        for part in clip.stream():
            file.write(part)


def hash_anew(pole: Pole) -> None:
    """The first pass over a clip: every fragment's CRC is checked, the SHA-256 is made."""
    clip_of(pole).etag()


def copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", str(source), str(target)], check=True)


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians. copy_s, hash_s, stream_s: of the whole clip. stream_s, first_byte_ms: per ring."""

    clip_bytes: int
    header_bytes: int
    copy_s: float
    hash_s: float
    stream_s: list[float]
    first_byte_ms: list[float]


def in_turn(works: Sequence[Callable[[], None]], tries: int, after: Callable[[], None] = lambda: None) -> list[float]:
    """Median seconds of each; they take turns, so that what else the machine does hits all alike. after: not timed."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(tries):
        for work, into in zip(works, taken, strict=True):
            began = time.perf_counter()
            work()
            into.append(time.perf_counter() - began)
            after()
    return [median(each) for each in taken]


def measure(folder: Path, days: int) -> Figures:
    recorded = record(folder / "recorded")
    rings = [lengthened(recorded, folder / f"{length}-days", length) for length in (1, days)]
    reference, target = folder / "reference.mp4", folder / "target.mp4"
    clips = [clip_of(ring) for ring in rings]
    assert len({clip.etag() for clip in clips}) == 1
    stream(clips[0], reference)
    copy(reference, target)
    stream(clips[1], target)
    assert reference.read_bytes() == target.read_bytes()
    target.unlink()
    gc.collect()
    gc.freeze()
    works = [partial(copy, reference, target), partial(hash_anew, rings[0]), *(partial(stream, clip, target) for clip in clips)]
    copied, hashed, *streamed = in_turn(works, COPIES, after=partial(target.unlink, missing_ok=True))
    begun = in_turn([partial(first_byte, ring) for ring in rings], QUESTIONS)
    return Figures(clips[0].size, clips[0].header_bytes, copied, hashed, streamed, [each * 1000 for each in begun])


def broken(found: Figures) -> Iterator[str]:
    short_s, long_s = found.stream_s
    short_ms, long_ms = found.first_byte_ms
    for stream_s in found.stream_s:
        if stream_s > COPY_RATIO_BOUND * found.copy_s:
            yield f"streaming takes {stream_s / found.copy_s:.2f} times as long as cp, at most {COPY_RATIO_BOUND}"
    if max(short_ms, long_ms) > FIRST_BYTE_BOUND_MS:
        yield f"the first byte takes {max(short_ms, long_ms):.1f} ms, at most {FIRST_BYTE_BOUND_MS:.0f}"
    if long_s > LENGTH_RATIO_BOUND * short_s:
        yield "streaming costs more in a long ring"
    if long_ms > LENGTH_RATIO_BOUND * short_ms + 1:
        yield "the first byte costs more in a long ring"


@contextmanager
def place(asked: Path | None) -> Iterator[Path]:
    memory = Path("/dev/shm")
    if asked is None and memory.is_dir() and shutil.disk_usage(memory).free > 4 * CLIP_S * BYTES_PER_S:
        asked = memory
    with tempfile.TemporaryDirectory(prefix="clip-speed-", dir=asked) as folder:
        yield Path(folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--days", type=int, default=60)
    asked = parser.parse_args()
    with place(asked.folder) as folder:
        found = measure(folder, asked.days)
    print(f"clip of {CLIP_S // 60} min: {found.clip_bytes / 1e6:.0f} MB, header {found.header_bytes / 1000:.0f} kB")
    print(f"{'cp of the same bytes':28}{found.copy_s:7.3f} s")
    print(f"{'first pass: check and hash':28}{found.hash_s:7.3f} s")
    for days, stream_s, first_ms in zip((1, asked.days), found.stream_s, found.first_byte_ms, strict=True):
        label = f"streamed, ring of {days} day{'s' if days > 1 else ''}"
        print(f"{label:28}{stream_s:7.3f} s = {stream_s / found.copy_s:.2f} x cp; first byte {first_ms:.1f} ms")
    verdict = list(broken(found))
    print("\n".join(verdict) or "bounds kept")
    return 1 if verdict else 0


if __name__ == "__main__":
    sys.exit(main())
