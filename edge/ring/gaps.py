"""Every missing second is explained: from where footage ends to where it goes on, with a reason, as facts for the journal."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge.clock import NS_PER_MS, NS_PER_S, Reading, format_utc
from edge.messages.records import Gap, GapReason, Segment
from edge.ring.gop import Jump

NOTICEABLE_NS = 100 * NS_PER_MS
"""A shorter hole needs no record: it is less than the time stamps of a network camera tremble."""
_TEXT_LIMIT = 300


@dataclass(frozen=True, slots=True)
class FootageEnd:
    """Where footage ends. boot_ns: on the clock of `boot`. utc_ns: None where it could not be dated. seq: its segment, None: no footage
    before this."""

    boot: str
    boot_ns: int
    utc_ns: int | None
    seq: int | None


@dataclass(frozen=True, slots=True)
class _Pending:
    reason: GapReason
    text: str
    frames_lost: int
    from_ns: int | None
    """Boot time at which pictures began to miss, where the footage's end is not that (first start)."""


class GapKeeper:
    """One thread. `end` is the end of what is on disk."""

    def __init__(self, boot: str, end: FootageEnd | None) -> None:
        self._boot = boot
        self._pending: _Pending | None = None
        self.end = end

    @property
    def reason(self) -> GapReason | None:
        """Of the gap that lasts, None while footage flows."""
        return self._pending.reason if self._pending else None

    def begin(self, reason: GapReason, reading: Reading, text: str = "", frames_lost: int = 0) -> Gap | None:
        """Pictures are missing from now on. The first reason stays; later words and losses are added. The open record where it is new."""
        if (pending := self._pending) is not None:
            words = pending.text if not text or text in pending.text else f"{pending.text}; {text}".removeprefix("; ")
            self._pending = replace(pending, text=words[:_TEXT_LIMIT], frames_lost=pending.frames_lost + frames_lost)
            return None
        self._pending = _Pending(reason, text[:_TEXT_LIMIT], frames_lost, reading.boot_ns if self.end is None else None)
        return self._record(self._pending, None, reading)

    def lose(self, frames: int) -> None:
        """Pictures that had arrived were not kept."""
        if self._pending is not None:
            self._pending = replace(self._pending, frames_lost=self._pending.frames_lost + frames)

    def resume(self, boot_ns: int, reading: Reading, otherwise: GapReason | None = None, frames_lost: int = 0) -> Gap | None:
        """Footage goes on at `boot_ns`. The final record, None where nothing is missing.

        otherwise: the reason where none was announced and a hole is seen; None: the caller knows that there is none. frames_lost: pictures
        that had arrived and were not kept, besides those told before.
        """
        self.lose(frames_lost)
        pending, self._pending = self._pending, None
        if pending is None:
            hole_ns = 0 if self.end is None or self.end.boot != self._boot else boot_ns - self.end.boot_ns
            if otherwise is None or (hole_ns < NOTICEABLE_NS and frames_lost == 0):
                return None
            pending = _Pending(otherwise, "", frames_lost, None)
        return self._record(pending, boot_ns, reading)

    def jumped(self, jump: Jump, reading: Reading, more: int) -> Gap:
        """The record of time stamps that jumped among pictures that are all kept; `more` jumps followed in the same GOP."""
        text = f"the source's time stamps moved by {jump.by_ns / NS_PER_S:+.3f} s"
        return Gap(
            reason="time_jump",
            start=format_utc(reading.utc_of(jump.from_boot_ns)) if reading.dated else None,
            end=format_utc(reading.utc_of(jump.to_boot_ns)) if reading.dated else None,
            start_mono_ms=jump.from_boot_ns // NS_PER_MS,
            end_mono_ms=jump.to_boot_ns // NS_PER_MS,
            start_boot=self._boot,
            after_seq=self.end.seq if self.end else None,
            text=f"{text}, and {more} times more" if more else text,
        )

    def _record(self, pending: _Pending, to_ns: int | None, reading: Reading) -> Gap:
        boot, start_ns = self._boot, pending.from_ns
        start_utc_ns = reading.utc_of(start_ns) if start_ns is not None and reading.dated else None
        if self.end is not None:
            boot, start_ns, start_utc_ns = self.end.boot, self.end.boot_ns, self.end.utc_ns
            if boot == self._boot and reading.dated:
                start_utc_ns = reading.utc_of(start_ns)
        if to_ns is not None and start_ns is not None and boot == self._boot:
            to_ns = max(to_ns, start_ns)
        return Gap(
            reason=pending.reason,
            start=None if start_utc_ns is None else format_utc(start_utc_ns),
            end=None if to_ns is None or not reading.dated else format_utc(reading.utc_of(to_ns)),
            start_mono_ms=None if start_ns is None else start_ns // NS_PER_MS,
            end_mono_ms=None if to_ns is None else to_ns // NS_PER_MS,
            start_boot=boot,
            frames_lost=pending.frames_lost or None,
            after_seq=self.end.seq if self.end else None,
            open=to_ns is None,
            text=pending.text,
        )


def missing_between(before: Segment, after: Segment, known: Gap | None) -> Gap | None:
    """The record of the hole between two neighbours, where there is one and `known`, the newest record behind `before`, does not end it."""
    boots = before.span.partition("/")[0], after.span.partition("/")[0]
    end_ms = before.start_mono_ms + before.duration_ms
    if boots[0] == boots[1] and (after.start_mono_ms - end_ms) * NS_PER_MS < NOTICEABLE_NS:
        return None
    if known is not None and not known.open:
        return None
    guessed: GapReason = "power" if boots[0] != boots[1] else "crash" if before.span != after.span else "unknown"
    return Gap(
        reason=known.reason if known else guessed,
        start=before.end,
        end=after.start,
        start_mono_ms=end_ms,
        end_mono_ms=after.start_mono_ms,
        start_boot=boots[0],
        after_seq=before.seq,
        text=known.text if known else "",
    )
