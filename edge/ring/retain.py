"""What the ring may keep and what it must erase: a decision about names and numbers, without a disk or a clock of its own.

Two bounds: age (the legal maximum) and room (the reserve that stays free, an optional budget). Held footage is neither erased nor counted.
Footage whose age is unknown (undated, or named by a clock that ran ahead) is erased for room only, in the order of recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from edge.config.model import NodeConfig
from edge.messages.records import EraseReason
from edge.ring.names import SegmentName

DAY_MS = 86_400_000
_LEAST_RESERVE_BYTES = 64 * 1024 * 1024
_RESERVE_SHARE = 0.02

Suspended = Literal["", "untrusted", "jumped"]


@dataclass(frozen=True, slots=True)
class Policy:
    """days: footage older than this is erased. minimum_days: erasing younger footage for room is an alarm. reserve_bytes: kept free; 0: 2 %
    of the partition, at least 64 MB. budget_bytes: most bytes of one camera's ring; 0: no limit. quarantine_s: no erasure by age for this
    long after the clock jumped forward. profile: the legal profile, for the erase records."""

    days: float
    minimum_days: float
    reserve_bytes: int = 0
    budget_bytes: int = 0
    quarantine_s: float = 86_400.0
    profile: str = ""

    @property
    def text(self) -> str:
        """The rule in the words of an erase record."""
        return f"{self.profile or 'retention'}: at most {self.days:g} days, at least {self.minimum_days:g}"

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
    )


@dataclass(frozen=True, slots=True)
class Stored:
    """A sealed segment on disk. held: something besides the ring links to it."""

    name: SegmentName
    bytes: int
    held: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """now_utc_ms: the clock. suspended: why ages cannot be trusted now, "" if they can. known_now_ms: it is certainly this late (the newest
    footage ends then), for ages when the clock is no help. short_bytes: lacking for reserve and next segment. excess_bytes: over budget.
    by_age_at_most: segments that may go by age now, None: all that are too old."""

    now_utc_ms: int
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
    """short_bytes: what is lacking still when everything un-held is gone. overdue: a segment of unknown age that was recorded before one
    that is too old; None if there is none. meets_minimum: the oldest un-held footage has the legal minimum age; None: unknown."""

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


def decide(policy: Policy, situation: Situation, dated: Waiting, ageless: Waiting) -> Decision:
    """Take from the lines what must be erased, in order. dated: by start; ageless: unknown age, by number. Looks at one segment more than
    it takes. Pure but for the lines it draws from."""
    decision = Decision()
    if not situation.suspended:
        _by_age(policy, situation, dated, ageless, decision)
    freed = sum(verdict.stored.bytes for verdict in decision.erase)
    short, excess = situation.short_bytes - freed, situation.excess_bytes - freed
    while short > 0 or excess > 0:
        line = _older(dated, ageless)
        stored = line.first()
        if stored is None:
            break
        line.take()
        reason: EraseReason = "space" if short > 0 else "budget"
        decision.erase.append(Verdict(stored, reason, _is_early(policy, situation, stored.name)))
        short -= stored.bytes
        excess -= stored.bytes
    decision.short_bytes = max(short, excess, 0)
    oldest = dated.first()
    if oldest is not None:
        decision.meets_minimum = not _is_early(policy, situation, oldest.name)
    return decision


def _by_age(policy: Policy, situation: Situation, dated: Waiting, ageless: Waiting, decision: Decision) -> None:
    limit_ms = situation.now_utc_ms - policy.days * DAY_MS
    at_most = situation.by_age_at_most
    while (stored := dated.first()) is not None and (stored.name.start_utc_ms or 0) <= limit_ms:
        if at_most is not None and len(decision.erase) >= at_most:
            return
        dated.take()
        decision.erase.append(Verdict(stored, "age", early=False))
        unknown = ageless.first()
        if unknown is not None and unknown.name.seq < stored.name.seq:
            decision.overdue = unknown.name.seq


def _older(dated: Waiting, ageless: Waiting) -> Waiting:
    one, other = dated.first(), ageless.first()
    if one is None or (other is not None and other.name.seq < one.name.seq):
        return ageless
    return dated


def _is_early(policy: Policy, situation: Situation, name: SegmentName) -> bool:
    """Younger than the legal minimum, or not known to be older."""
    now_ms = situation.known_now_ms if situation.suspended else situation.now_utc_ms
    if name.start_utc_ms is None or now_ms is None:
        return policy.minimum_days > 0
    return now_ms - name.start_utc_ms < policy.minimum_days * DAY_MS
