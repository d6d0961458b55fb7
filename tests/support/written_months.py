"""Journals of whole months, written without a disk: the lines a recorder would have left, as fast as they can be made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from edge.clock import NS_PER_MS, NS_PER_S, ClockState, format_utc
from edge.journal.line import NO_PREVIOUS, Line, chain_hash, parse_line
from edge.messages.records import TYPE_OF, Boot, Dated, Facts, Gap, GapReason, Record, Segment, Stop

BOOT = "11111111-1111-4111-8111-111111111111"


@dataclass
class WrittenJournal:
    """One journal; `at` is the moment each next record is written, UTC nanoseconds. The boot clock is UTC minus `boot_utc_ns`."""

    camera: str = "cam0"
    boot_utc_ns: int = 0
    raws: list[bytes] = field(default_factory=list)
    seq: int = 0
    after_seq: int | None = None
    head: str = NO_PREVIOUS

    def put(self, facts: Facts, at_ns: int, clock: ClockState = "trusted", camera: str | None = None) -> None:
        record = Record(
            seq=len(self.raws) + 1,
            t=format_utc(at_ns),
            clock=clock,
            mono_ms=max(0, at_ns - self.boot_utc_ns) // NS_PER_MS,
            boot=BOOT,
            type=TYPE_OF[type(facts)],
            camera=self.camera if camera is None else camera,
            facts=msgspec.Raw(msgspec.json.encode(facts)),
            prev=self.head,
        )
        raw = msgspec.json.encode(record)
        self.head = chain_hash(raw)
        self.raws.append(raw)

    def lines(self) -> Iterator[Line]:
        for raw in self.raws:
            line = parse_line(raw)
            assert line is not None
            yield line

    def boot(self, at_ns: int, ended: str = "first", clock: ClockState = "trusted") -> None:
        self.put(Boot(version="test", ended=ended), at_ns, clock)  # type: ignore[arg-type]

    def stop(self, at_ns: int) -> None:
        self.put(Stop(reason="asked to stop"), at_ns)

    def footage(self, start_ns: int, end_ns: int, segment_s: int = 60, *, dated: bool = True) -> None:
        """Segments from start to end, recorded as each is sealed."""
        while start_ns < end_ns:
            finish_ns = min(end_ns, start_ns + segment_s * NS_PER_S)
            self.segment(start_ns, finish_ns, dated=dated)
            start_ns = finish_ns

    def segment(self, start_ns: int, end_ns: int, *, dated: bool = True, at_ns: int | None = None) -> None:
        self.seq += 1
        self.after_seq = self.seq
        facts = Segment(
            seq=self.seq,
            name=f"x/{self.seq}.mp4",
            span=f"{BOOT}/0",
            start=format_utc(start_ns) if dated else None,
            end=format_utc(end_ns) if dated else None,
            start_mono_ms=(start_ns - self.boot_utc_ns) // NS_PER_MS,
            duration_ms=(end_ns - start_ns) // NS_PER_MS,
            frames=1500,
            fragments=60,
            bytes=30_000_000,
            sha256="0" * 64,
            params_sha256="0" * 64,
            times_sha256="0" * 64,
            clock="trusted" if dated else "untrusted",
            clock_error_ms=1.0,
            codec="h264",
            width=1920,
            height=1080,
        )
        self.put(facts, end_ns if at_ns is None else at_ns, "trusted" if dated else "untrusted")

    def date(self, seqs: list[int], at_ns: int) -> None:
        self.put(Dated(of_boot=BOOT, offset_ms=self.boot_utc_ns // NS_PER_MS, segments=seqs), at_ns)

    def gap(self, reason: GapReason, start_ns: int, end_ns: int | None, at_ns: int, text: str = "") -> None:
        facts = Gap(
            reason=reason,
            start=format_utc(start_ns),
            end=None if end_ns is None else format_utc(end_ns),
            start_mono_ms=(start_ns - self.boot_utc_ns) // NS_PER_MS,
            end_mono_ms=None if end_ns is None else (end_ns - self.boot_utc_ns) // NS_PER_MS,
            start_boot=BOOT,
            after_seq=self.after_seq,
            open=end_ns is None,
            text=text,
        )
        self.put(facts, at_ns)

    def outage(self, reason: GapReason, start_ns: int, end_ns: int, text: str = "") -> None:
        """Told when it begins and when it is over."""
        self.gap(reason, start_ns, None, start_ns, text)
        self.gap(reason, start_ns, end_ns, end_ns, text)


@dataclass
class WrittenNode:
    """As edge.audit.journals.Journals."""

    journals: dict[str, WrittenJournal]

    def names(self) -> list[str]:
        return sorted(self.journals)

    def lines(self, name: str, from_utc: str) -> Iterator[Line]:
        assert from_utc.endswith("Z")
        return self.journals[name].lines()
