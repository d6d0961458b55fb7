"""A node whose footage is gone: a month of erasures in the journals of two cameras, one of which is configured no more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from edge.clock import NS_PER_S, ManualClock, format_utc, parse_utc
from edge.host.linux_disk import LinuxDisk
from edge.journal.writer import JournalWriter
from edge.messages.records import Erase, EraseReason, HoldAdded, HoldReleased
from tests.support.nodefile import write_config
from tests.support.plain_ring import CAMERA, POLICY, PlainRing

START = "2026-10-01T00:00:00.000Z"
CONFIG = """
[node]
id = "pole-17"
data = "data"
place = "ul. Długa 5 <Rynek>"
[[camera]]
id = "cam1"
source = "synthetic:"
[clock]
trust = "assume"
"""


@dataclass(frozen=True)
class Destroyed:
    """cam1: 33 days of an hour a segment, the first of which went by age in the last days. gate: 29 early for space, 4 of those undated
    and with an untrusted clock; 6 by decommission, one without a hash. local: one hold, one release."""

    config: Path
    data: Path
    ring: PlainRing


def make_destroyed(folder: Path) -> Destroyed:
    config, data = write_config(folder, CONFIG), folder / "data"
    data.mkdir()
    clock = ManualClock(parse_utc(START))
    ring = PlainRing(LinuxDisk(), clock, data=data, policy=replace(POLICY, reserve_bytes=1))
    for _ in range(33):
        ring.record_days(1)
        ring.sweeper.sweep(0)
    gate = JournalWriter(ring.disk, data / "journal" / "recorder.gate", clock, ring.boot)
    gate.append_all([erased(seq, "2026-10-11", "space", early=True) for seq in range(1, 26)], "gate")
    clock.set_state("untrusted")
    gate.append_all([erased(seq, "", "space", early=True) for seq in range(26, 30)], "gate")
    clock.set_state("trusted")
    gate.append_all([erased(seq, "2026-10-12", "decommission", has_hash=seq != 33) for seq in range(30, 36)], "gate")
    gate.close()
    local = JournalWriter(ring.disk, data / "journal" / "local", clock, ring.boot)
    words = {"start": "2026-10-02T10:00:00.000Z", "end": "2026-10-02T10:30:00.000Z", "case": "RSOW-12/26", "by": "a.nowak"}
    local.append(HoldAdded(id="h1", camera_id=CAMERA, review=None, segments=[1], bytes=5, **words), CAMERA)
    local.append(HoldReleased(id="h0", by="j.lis", why="materiał wydany Policji", case="RSOW-3/26"), CAMERA)
    local.close()
    return Destroyed(config, data, ring)


def erased(seq: int, day: str, reason: EraseReason, *, early: bool = False, has_hash: bool = True) -> Erase:
    """day: "" for footage without a date."""
    name, start, end = f"undated/boot-3/{seq * 60_000}_60000ms_{seq:09d}.mp4", None, None
    if day:
        start_ns = parse_utc(f"{day}T10:00:00Z") + seq * 60 * NS_PER_S
        start, end = format_utc(start_ns), format_utc(start_ns + 60 * NS_PER_S)
        name = f"{day}/{start[:19].replace('-', '').replace(':', '')}.000Z_60000ms_{seq:09d}.mp4"
    return Erase(
        seq=seq,
        name=name,
        start=start,
        end=end,
        bytes=31_234_567,
        sha256=sha256(name.encode()).hexdigest() if has_hash else "",
        reason=reason,
        policy="custom: at most 45 days, at least 20 (uchwała Rady Miasta nr XII/345/2025)",
        early=early,
    )
