"""A node's life with clocks that jump, prunings and power cuts, and somebody who has every command ever sent and sends it again."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge.clock import NS_PER_S
from edge.command.forgotten import JOIN_S
from edge.link.inbox import CommandNews
from tests.support.obeying import Node

DAY_S = 86_400
YEARS_S = 3650 * DAY_S
STEPS_S = st.sampled_from([sign * s for sign in (-1, 1) for s in (60, 700, 3600, DAY_S + 700, 3 * DAY_S, 40 * DAY_S, YEARS_S)])
SOONEST_S, LATEST_S = (1_795_000_000 + decades * YEARS_S for decades in (-2, 2))
MOST = 3


class Life(RuleBasedStateMachine):
    """What is signed states the time of the node's clock: the town's clock is wrong with it, or right with it."""

    def __init__(self) -> None:
        super().__init__()
        self.node = Node(most=MOST)
        self.boots = 1
        self.sent: list[bytes] = []
        self.issued_s: list[int] = []
        self.pruned: dict[str, list[int]] = {}
        """Boot -> `exp` of what was forgotten in it."""

    @rule(seconds=STEPS_S)
    def the_clock_is_set(self, seconds: int) -> None:
        if SOONEST_S < self.now_s + seconds < LATEST_S:
            self.node.clock.step_utc(seconds)

    @precondition(lambda self: self.issued_s)
    @rule(which=st.integers(0, 1000), late=st.sampled_from([0, 1, 299]))
    def the_clock_is_set_to_when_a_command_was_good(self, which: int, late: int) -> None:
        self.node.clock.step_utc(self.issued_s[which % len(self.issued_s)] + late - self.now_s)

    @rule(seconds=st.sampled_from([1, 250, 700, DAY_S + 700, 5 * DAY_S]))
    def time_goes_by(self, seconds: int) -> None:
        if self.now_s + seconds < LATEST_S:
            self.node.clock.advance(seconds)

    @rule(trusted=st.booleans())
    def the_clock_is_believed_or_not(self, trusted: bool) -> None:
        self.node.clock.set_state("trusted" if trusted else "untrusted")

    @rule(seed=st.integers(0, 1000))
    def the_power_fails(self, seed: int) -> None:
        self.boots += 1
        self.node = self.node.rebooted(f"boot-{self.boots}", seed)

    @rule(named=st.booleans())
    def busy_days_go_by(self, named: bool) -> None:
        self.somebody_commands(named, MOST)
        self.node.clock.advance(DAY_S + 700)
        self.it_forgets()

    @rule()
    def it_forgets(self) -> None:
        entries = {entry.claims.id: entry.claims.exp for entry in self.node.ledger.entries()}
        self.node.ledger.prune(self.node.clock.read())
        gone = [exp for id, exp in entries.items() if not self.node.ledger.known(id)]
        self.pruned.setdefault(self.node.boot, []).extend(gone)

    @rule(named=st.booleans(), times=st.integers(1, 3))
    def somebody_commands(self, named: bool, times: int) -> None:
        for _ in range(times):
            id, exp = f"c{len(self.sent)}", self.now_s + 300
            self._send(self._signed(id, named))
            here = self.pruned.get(self.node.boot, [])
            before = [exps for boot, exps in self.pruned.items() if boot != self.node.boot]
            heard = named or self.node.clock.read().dated
            close = _among(here, exp) or (not named and any(_among(exps, exp) for exps in before))
            at_all_close = close or (not named and _among([each for exps in before for each in exps], exp))
            obeyed = id in self.node.done
            assert not (obeyed and (close or not heard))
            assert obeyed or at_all_close or not heard, "an honest command is refused without need"

    @rule(named=st.booleans())
    def a_command_is_withheld(self, named: bool) -> None:
        self._signed(f"c{len(self.sent)}", named)

    @precondition(lambda self: self.sent)
    @rule()
    def everything_is_sent_again(self) -> None:
        for token in self.sent:
            self._send(token)

    @invariant()
    def nothing_was_obeyed_twice(self) -> None:
        assert len(set(self.node.done)) == len(self.node.done)

    @property
    def now_s(self) -> int:
        return self.node.clock.read().utc_ns // NS_PER_S

    def _signed(self, id: str, named: bool) -> bytes:
        """An operator of its own: quotas are another matter."""
        token = self.node.token(id, boot=self.node.boot if named else "", operator=f"operator of {id}")
        self.sent.append(token)
        self.issued_s.append(self.now_s)
        return token

    def _send(self, token: bytes) -> None:
        self.node.dispatcher.take(CommandNews("note", token, False, 300, None))


def _among(forgotten: Iterable[int], exp: int) -> bool:
    """Between two of them that are no further apart than what is joined."""
    near = sorted(forgotten)
    return exp in near or any(first <= exp <= last and last - first <= JOIN_S for first, last in pairwise(near))
