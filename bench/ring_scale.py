"""Does the ring get slower as it gets longer? One day against sixty, 1,440 segments a day, by hard links to a few real ones.

    python bench/ring_scale.py [--folder FOLDER] [--days 60]

Prints start-up of the recorder, a day's timeline, planning a clip and its first byte, a check, and peak memory; ends with 1 when a question
about one day costs more in a long ring than in a short one, or when a bound is broken. FOLDER must be on a file system with hard links.
"""

from __future__ import annotations

import argparse
import gc
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from edge.clip.plan import plan_clip
from edge.clip.virtual import open_part
from edge.clock import NS_PER_MS, NS_PER_S, ManualClock, format_utc
from edge.host.linux_disk import LinuxDisk, LinuxFile
from edge.journal.writer import JournalWriter
from edge.messages.clip import ClipRequest
from edge.messages.records import Boot, Segment
from edge.ring.check import check
from edge.ring.layout import recorder_journal
from edge.ring.limits import RingLimits
from edge.ring.names import SegmentName
from edge.ring.query import RingReader
from edge.ring.retain import Policy
from tests.support.pole import BOOT, CAMERA, Pole

DAY_S = 86_400
SEGMENT_S = 60
PER_DAY = DAY_S // SEGMENT_S
LAST_MIDNIGHT_S = 1_795_046_400
BOOT_S = 100
OLD_BOOT = "00000000-0000-4000-8000-000000000000"
RECORDED_S = 300
TRIES = 9

STARTUP_BOUND_S = 5.0
TIMELINE_BOUND_MS = 100.0
RATIO_BOUND = 1.6
"""Between a long and a short ring; the slack is for a busy machine."""


class HastyDisk(LinuxDisk):
    """Prepares the scene: syncs nothing."""

    def create(self, path: Path) -> LinuxFile:
        return _hasty(super().create(path))

    def append(self, path: Path) -> LinuxFile:
        return _hasty(super().append(path))

    def sync_dir(self, path: Path) -> None:
        """Nothing."""


def _hasty(file: LinuxFile) -> LinuxFile:
    file.fdatasync = lambda: None  # type: ignore[method-assign]
    return file


@dataclass(frozen=True, slots=True)
class Figures:
    """Start-up: CPU seconds, the best of three; questions: wall time, the best of nine."""

    startup_s: float
    timeline_ms: float
    first_byte_ms: float
    check_s: float
    names: int


def lay(data: Path, days: int) -> Pole:
    """A ring of `days` full days that end at LAST_MIDNIGHT_S, with its journal; nothing runs."""
    template = record_template(data / "template")
    clock = ManualClock(LAST_MIDNIGHT_S * NS_PER_S, (BOOT_S + days * DAY_S) * NS_PER_S)
    pole = Pole(disk=LinuxDisk(), clock=clock, data=data, limits=RingLimits(float(SEGMENT_S), bitrate_kbps=30))
    pole.policy = Policy(days=days + 30, minimum_days=1, reserve_bytes=1 << 20)
    past = ManualClock((LAST_MIDNIGHT_S - days * DAY_S) * NS_PER_S, BOOT_S * NS_PER_S)
    journal = JournalWriter(HastyDisk(), pole.folders.journal(recorder_journal(CAMERA)), past, OLD_BOOT)
    journal.append(Boot(version="bench", ended="first"), camera=CAMERA)
    seq = 0
    for _ in range(days):
        facts = []
        source = data / f"template-{seq}.mp4"
        shutil.copyfile(template, source)
        for minute in range(PER_DAY):
            seq += 1
            start_ms = past.read().utc_ns // NS_PER_MS + minute * SEGMENT_S * 1000
            name = SegmentName(seq, SEGMENT_S * 1000, start_ms, None, None)
            target = pole.ring / name.path
            if minute == 0:
                target.parent.mkdir(parents=True)
            target.hardlink_to(source)
            facts.append(record_of(name, past, minute, source.stat().st_size))
        source.unlink()
        past.advance(DAY_S)
        for first in range(0, len(facts), 360):
            journal.append_all(facts[first : first + 360], camera=CAMERA)
    journal.close()
    return pole


def record_of(name: SegmentName, past: ManualClock, minute: int, size: int) -> Segment:
    assert name.start_utc_ms is not None
    return Segment(
        seq=name.seq,
        name=name.path,
        span=f"{OLD_BOOT}/{BOOT_S * NS_PER_S}",
        start=format_utc(name.start_utc_ms * NS_PER_MS),
        end=format_utc((name.start_utc_ms + name.duration_ms) * NS_PER_MS),
        start_mono_ms=past.boot_ns() // NS_PER_MS + minute * SEGMENT_S * 1000,
        duration_ms=name.duration_ms,
        frames=300,
        fragments=60,
        bytes=size,
        sha256="0" * 64,
        params_sha256="0" * 64,
        times_sha256="0" * 64,
        clock="trusted",
        clock_error_ms=1.0,
        codec="h264",
        width=64,
        height=48,
        config_sha256="0" * 64,
    )


def record_template(data: Path) -> Path:
    """One minute of real footage."""
    pole = Pole(disk=HastyDisk(), data=data, limits=RingLimits(float(SEGMENT_S), bitrate_kbps=30))
    pole.start()
    pole.record(SEGMENT_S)
    pole.stop()
    return pole.ring / pole.names()[0].path


@contextmanager
def timed(into: list[float]) -> Iterator[None]:
    began = time.perf_counter()
    yield
    into.append(time.perf_counter() - began)


def in_turn(*works: Callable[[], object]) -> list[float]:
    """Best seconds of each; they take turns, so that what else the machine does hits all alike."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(TRIES):
        for work, into in zip(works, taken, strict=True):
            with timed(into):
                work()
    return [min(each) for each in taken]


class OneFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size

    def read(self, offset: int, length: int) -> bytes:
        return LinuxDisk().read(self._path, offset, length)


def first_byte(pole: Pole, start_ns: int) -> bytes:
    """As the agent does it for a request: a fresh reader, a plan, the first part's first bytes."""
    ring = RingReader(pole.disk, pole.data, pole.clock, BOOT)
    request = ClipRequest(id="bench", camera=CAMERA, start=format_utc(start_ns), end=format_utc(start_ns + 90 * NS_PER_S))
    plan = plan_clip(ring, request)
    files = plan.files()
    clip = open_part(plan.parts[0], lambda seq: OneFile(files[seq]))
    return clip.read(0, 1)


def started(data: Path, days: int) -> tuple[Pole, float, int]:
    """A ring at work, the best of three starts, and when its newest footage begins. To the sweep all linked segments look held: its
    worst case."""
    pole = lay(data, days)
    taken: list[float] = []
    for _ in range(3):
        before_s = time.process_time()
        pole.start()
        taken.append(time.process_time() - before_s)
        pole.stop()
    pole.start()
    began_ns = pole.clock.read().utc_ns
    pole.record(RECORDED_S)
    return pole, min(taken), began_ns


def one_day(pole: Pole) -> None:
    noon_ns = (LAST_MIDNIGHT_S - DAY_S) * NS_PER_S
    found = RingReader(pole.disk, pole.data, pole.clock, BOOT).timeline(CAMERA, noon_ns, noon_ns + DAY_S * NS_PER_S)
    assert [span.segments for span in found.spans] == [PER_DAY]


def checked(pole: Pole, days: int) -> tuple[float, int]:
    taken: list[float] = []
    with timed(taken):
        report = check(pole.disk, pole.data)
    assert report.ok, report.findings[:3]
    assert report.counts["segments"] == days * PER_DAY + RECORDED_S // SEGMENT_S - 1
    return taken[0], report.counts["segments"]


def measure(folder: Path, *rings: int) -> list[Figures]:
    made = [started(folder / f"{days}-days", days) for days in rings]
    gc.collect()
    gc.freeze()
    timelines = in_turn(*(partial(one_day, pole) for pole, _, _ in made))
    clips = in_turn(*(partial(first_byte, pole, began_ns + 30 * NS_PER_S) for pole, _, began_ns in made))
    checks = [checked(pole, days) for (pole, _, _), days in zip(made, rings, strict=True)]
    return [
        Figures(startup, timeline * 1000, clip * 1000, *looked)
        for (_, startup, _), timeline, clip, looked in zip(made, timelines, clips, checks, strict=True)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--days", type=int, default=60)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ring-scale-", dir=asked.folder) as folder:
        short, long = measure(Path(folder), 1, asked.days)
    print(f"{'':28}{'1 day':>12}{f'{asked.days} days':>12}")
    print(f"{'segments':28}{short.names:12,}{long.names:12,}")
    for label, field, unit in (
        ("recorder's start-up, CPU", "startup_s", "s"),
        ("timeline of one day", "timeline_ms", "ms"),
        ("clip of 90 s, first byte", "first_byte_ms", "ms"),
        ("check of everything", "check_s", "s"),
    ):
        print(f"{label:28}{getattr(short, field):9.2f} {unit:2}{getattr(long, field):9.2f} {unit:2}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    broken = [
        words
        for holds, words in (
            (long.startup_s < STARTUP_BOUND_S, f"start-up takes {long.startup_s:.1f} s, at most {STARTUP_BOUND_S} s"),
            (long.timeline_ms < TIMELINE_BOUND_MS, f"a day's timeline takes {long.timeline_ms:.0f} ms, at most {TIMELINE_BOUND_MS:.0f} ms"),
            (long.timeline_ms < RATIO_BOUND * short.timeline_ms + 5, "a day's timeline costs more in a long ring"),
            (long.first_byte_ms < RATIO_BOUND * short.first_byte_ms + 5, "a clip's first byte costs more in a long ring"),
        )
        if not holds
    ]
    print("\n".join(broken) or "bounds kept")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
