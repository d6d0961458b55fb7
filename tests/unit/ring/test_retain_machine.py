"""Whatever happens to a ring, in whatever order, the retention decision keeps its rules."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge.ring.names import SegmentName
from edge.ring.retain import DAY_MS, Lines, Policy, Situation, Stored, Suspended, Verdict, Waiting, decide

POLICY = Policy(days=30.0, minimum_days=20.0)
NOW_MS = 1_795_000_000_000
SIZE = 10


class Ring(RuleBasedStateMachine):
    """A ring as it is on disk, and beside it the truth: when each segment was really recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.true_ms = NOW_MS
        self.booted_ms = NOW_MS
        self.boot = 1
        self.suspended: Suspended = ""
        self.stored: dict[int, Stored] = {}
        self.recorded_ms: dict[int, int] = {}
        self.next_seq = 1
        self.erased: list[Verdict] = []

    @rule(days=st.floats(0.01, 12.0))
    def time_goes_by(self, days: float) -> None:
        self.true_ms += round(days * DAY_MS)

    @rule(days=st.floats(0.0, 90.0))
    def the_power_is_off(self, days: float) -> None:
        self.true_ms += round(days * DAY_MS)
        self.boot += 1
        self.booted_ms = self.true_ms

    @rule(suspended=st.sampled_from(("", "untrusted", "jumped")))
    def the_clock_is(self, suspended: Suspended) -> None:
        self.suspended = suspended

    @rule(count=st.integers(1, 4), has_date=st.booleans())
    def records(self, count: int, has_date: bool) -> None:
        for _ in range(count):
            seq, self.next_seq = self.next_seq, self.next_seq + 1
            if has_date:
                name = SegmentName(seq, 60_000, self.true_ms, None, None)
            else:
                name = SegmentName(seq, 60_000, None, f"boot-{self.boot}", self.true_ms - self.booted_ms)
            self.stored[seq] = Stored(name, SIZE, held=False)
            self.recorded_ms[seq] = self.true_ms
            self.true_ms += 60_000

    @precondition(lambda self: self.stored)
    @rule(data=st.data(), held=st.booleans())
    def a_hold_comes_or_goes(self, data: st.DataObject, held: bool) -> None:
        seq = data.draw(st.sampled_from(sorted(self.stored)))
        self.stored[seq] = Stored(self.stored[seq].name, SIZE, held)

    @rule(short=st.integers(-50, 60), excess=st.integers(-50, 60), at_most=st.sampled_from((None, 1, 256)))
    def sweeps(self, short: int, excess: int, at_most: int | None) -> None:
        situation = Situation(
            self.true_ms,
            now_boot_ms=self.true_ms - self.booted_ms,
            suspended=self.suspended,
            known_now_ms=max((each for each in self.recorded_ms.values()), default=None),
            short_bytes=short,
            excess_bytes=excess,
            by_age_at_most=at_most,
        )
        decision = decide(POLICY, situation, self._lines())
        for verdict in decision.erase:
            self._judge(verdict)
            del self.stored[verdict.stored.name.seq]
        freed = SIZE * len(decision.erase)
        left = [each for each in self.stored.values() if not each.held]
        assert freed >= max(short, excess) or not left
        assert decision.short_bytes == max(short - freed, excess - freed, 0)
        if at_most != 1:
            self._nothing_too_old_is_left(left)

    def _lines(self) -> Lines:
        everything = [self.stored[seq] for seq in sorted(self.stored)]
        this_boot = f"boot-{self.boot}"
        return Lines(
            dated=Waiting(each for each in everything if each.name.start_utc_ms is not None),
            ageless=Waiting(each for each in everything if each.name.boot is not None and each.name.boot != this_boot),
            own=Waiting(each for each in everything if each.name.boot == this_boot),
        )

    def _judge(self, verdict: Verdict) -> None:
        name = verdict.stored.name
        age_days = (self.true_ms - self.recorded_ms[name.seq]) / DAY_MS
        assert not verdict.stored.held, "held"
        if verdict.reason == "age":
            assert age_days >= POLICY.days, "by age, and not old enough"
            assert not verdict.early
            assert not (self.suspended and name.start_utc_ms is not None), "dated, by age, on a clock that is not believed"
        elif age_days < POLICY.minimum_days:
            assert verdict.early, "younger than the legal minimum, and not called early"
        self.erased.append(verdict)

    def _nothing_too_old_is_left(self, left: list[Stored]) -> None:
        limit_ms = self.true_ms - POLICY.days * DAY_MS
        for each in left:
            old = self.recorded_ms[each.name.seq] <= limit_ms
            provable = each.name.boot == f"boot-{self.boot}" or (each.name.start_utc_ms is not None and not self.suspended)
            assert not (old and provable), f"{each.name.seq} is too old, un-held, and still there"

    @invariant()
    def each_goes_once(self) -> None:
        numbers = [verdict.stored.name.seq for verdict in self.erased]
        assert len(numbers) == len(set(numbers))


TestRing = Ring.TestCase
TestRing.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
