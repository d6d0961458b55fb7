"""What the ring may keep and what it must erase: a decision about names and numbers, without a disk or a clock of its own.

Two bounds: age (the legal maximum) and room (the reserve that stays free, an optional budget). Held footage is neither erased nor counted.

Footage without a date has an age all the same where something proves it: this boot's own footage by the monotonic clock, which needs no
trust; footage of earlier boots (and what a clock that ran ahead named) by its number, once something recorded later is too old. What
nothing proves is erased for room only, in the order of recording.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from edge.config.model import NodeConfig
from edge.messages.records import EraseReason
from edge.ring.names import SegmentName

DAY_MS = 86_400_000
_LEAST_RESERVE_BYTES = 64 * 1024 * 1024
_RESERVE_SHARE = 0.02
_BASIS_CHARS = 300

Suspended = Literal["", "untrusted", "jumped"]


@dataclass(frozen=True, slots=True)
class Policy:
    """days: footage older than this is erased. minimum_days: erasing younger footage for room is an alarm. reserve_bytes: kept free; 0: 2 %
    of the partition, at least 64 MB. budget_bytes: most bytes of one camera's ring; 0: no limit. quarantine_s: no erasure by age for this
    long after the clock jumped forward. profile, basis: the legal profile and what it rests on, for the erase records."""

    days: float
    minimum_days: float
    reserve_bytes: int = 0
    budget_bytes: int = 0
    quarantine_s: float = 86_400.0
    profile: str = ""
    basis: str = ""

    @property
    def text(self) -> str:
        """The rule in the words of an erase record."""
        basis = f" ({self.basis.strip()[:_BASIS_CHARS]})" if self.basis.strip() else ""
        return f"{self.profile or 'retention'}: at most {self.days:g} days, at least {self.minimum_days:g}{basis}"

    def reserve_of(self, total_bytes: int) -> int:
        return self.reserve_bytes or max(int(total_bytes * _RESERVE_SHARE), _LEAST_RESERVE_BYTES)


def policy_of(config: NodeConfig) -> Policy:
    """The policy of a node's configuration, whose legal bounds were checked when it was read."""
    kept, ring = config.retention, config.ring
    return Policy(
        days=kept.days,
        minimum_days=kept.minimum_days,
        reserve_bytes=ring.reserve_bytes,
        budget_bytes=ring.budget_bytes,
        quarantine_s=kept.clock_jump_quarantine_h * 3600,
        profile=kept.profile,
        basis=kept.basis,
    )


@dataclass(frozen=True, slots=True)
class Stored:
    """A sealed segment on disk. held: something besides the ring links to it, or a hold in force claims it."""

    name: SegmentName
    bytes: int
    held: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """now_utc_ms: the clock. now_boot_ms: CLOCK_BOOTTIME. suspended: why ages by UTC cannot be trusted now, "" if they can. known_now_ms:
    it is certainly this late (the newest footage ends then), for ages when the clock is no help. short_bytes: lacking for reserve and
    next segment. excess_bytes: over budget. by_age_at_most: segments that may go by age now, None: all that are too old."""

    now_utc_ms: int
    now_boot_ms: int = 0
    suspended: Suspended = ""
    known_now_ms: int | None = None
    short_bytes: int = 0
    excess_bytes: int = 0
    by_age_at_most: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    stored: Stored
    reason: EraseReason
    early: bool


@dataclass(slots=True)
class Decision:
    """short_bytes: what is lacking still when everything un-held is gone. overdue: a segment whose number says that it is too old and
    whose neighbour's date says that it is not; None if there is none. meets_minimum: the oldest un-held footage has the legal minimum
    age; None: unknown."""

    erase: list[Verdict] = field(default_factory=list)
    short_bytes: int = 0
    overdue: int | None = None
    meets_minimum: bool | None = None


class Waiting:
    """Segments waiting for their turn, oldest first; looking at the first does not take it. Held ones are passed over."""

    def __init__(self, stored: Iterable[Stored]) -> None:
        self._rest: Iterator[Stored] = iter(stored)
        self._first: Stored | None = None
        self.passed_held = 0

    def first(self) -> Stored | None:
        while self._first is None:
            following = next(self._rest, None)
            if following is None:
                return None
            if following.held:
                self.passed_held += 1
            else:
                self._first = following
        return self._first

    def take(self) -> None:
        self._first = None


@dataclass(frozen=True, slots=True)
class Lines:
    """All that is un-held, in three lines. dated: by start. own: undated, of this boot. ageless: of other boots, or named by a clock that
    ran ahead; both by number."""

    dated: Waiting
    ageless: Waiting
    own: Waiting = field(default_factory=lambda: Waiting(()))

    def first(self) -> Waiting | None:
        """The line whose first segment was recorded first."""
        there = [(stored.name.seq, line) for line in (self.dated, self.ageless, self.own) if (stored := line.first()) is not None]
        return min(there, key=lambda pair: pair[0])[1] if there else None


def decide(policy: Policy, situation: Situation, lines: Lines) -> Decision:
    """Take from the lines what must be erased, in order. Looks at one segment more than it takes. Pure but for the lines it draws from."""
    decision = Decision()
    _by_age(policy, situation, lines, decision)
    freed = sum(verdict.stored.bytes for verdict in decision.erase)
    short, excess = situation.short_bytes - freed, situation.excess_bytes - freed
    while (short > 0 or excess > 0) and (line := lines.first()) is not None and (stored := line.first()) is not None:
        line.take()
        reason: EraseReason = "space" if short > 0 else "budget"
        decision.erase.append(Verdict(stored, reason, _is_early(policy, situation, stored.name)))
        short -= stored.bytes
        excess -= stored.bytes
    decision.short_bytes = max(short, excess, 0)
    oldest = lines.dated.first()
    if oldest is not None:
        decision.meets_minimum = not _is_early(policy, situation, oldest.name)
    return decision


def _by_age(policy: Policy, situation: Situation, lines: Lines, decision: Decision) -> None:
    days_ms = policy.days * DAY_MS

    def too_old(line: Waiting, is_so: Callable[[SegmentName], bool]) -> int:
        """Take them; the highest number among them."""
        highest, at_most = 0, situation.by_age_at_most
        while (stored := line.first()) is not None and is_so(stored.name) and (at_most is None or len(decision.erase) < at_most):
            line.take()
            decision.erase.append(Verdict(stored, "age", early=False))
            highest = max(highest, stored.name.seq)
        return highest

    by_boot = too_old(lines.own, lambda name: situation.now_boot_ms - (name.mono_ms or 0) >= days_ms)
    too_old(lines.ageless, lambda name: name.seq < by_boot)
    if situation.suspended:
        return
    by_date = too_old(lines.dated, lambda name: situation.now_utc_ms - (name.start_utc_ms or 0) >= days_ms)
    younger = lines.dated.first()
    too_old(lines.ageless, lambda name: name.seq < by_date and (younger is None or name.seq < younger.name.seq))
    left = lines.ageless.first()
    if left is not None and younger is not None and younger.name.seq < left.name.seq < by_date:
        decision.overdue = left.name.seq


def _is_early(policy: Policy, situation: Situation, name: SegmentName) -> bool:
    """Younger than the legal minimum, or not known to be older."""
    now_ms = situation.known_now_ms if situation.suspended else situation.now_utc_ms
    if name.start_utc_ms is None or now_ms is None:
        return policy.minimum_days > 0
    return now_ms - name.start_utc_ms < policy.minimum_days * DAY_MS
