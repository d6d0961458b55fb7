"""Tampering with a camera, told by what its picture lost against a reference of the same scene: no threads, no files, times come in.

Twice a second the picture, averaged over a second (noise and passers-by fade), is reduced to a map of its edges, 160 cells wide, and tiles.
While all is well the reference follows the scene within a minute, so that dusk, fog and shadows become part of it; it stands still while
something is suspected. References of other light are kept: what fits one of them is a change of light. See docs/design/tamper.md.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.clock import NS_PER_S
from edge.watch.repeats import Repeats
from edge.watch.scene import COLUMNS, LEAST_TILES, ROWS, TILE, Map, Measures, Phase, Reference, described, measured

Kind = Literal["covered", "sprayed", "defocused", "turned", "dazzled", "black", "frozen"]
KINDS: tuple[Kind, ...] = get_args(Kind)

EVERY_S = 0.5
STEP_S = 3.0
"""Cameras of which only key frames are decoded are looked at seldom: a look stands for no more than this."""
AVERAGE_S = 1.0
LEARN_S = 8.0
FOLLOW_S = 60.0
KEEP_S = 60.0
"""Of being well, after which the reference is kept for its light."""
BLIND_S = 30.0
"""After so long without a picture the scene is looked at anew before anything is said."""
LEVELS_S = 20.0
LASTING_S = 3.0
SAME_PICTURES = 6
"""Noise never repeats: so many pictures that are each the same as the one before, or as one a fixed distance back, are no live pictures."""
HOLD_S: dict[Kind, float] = {
    "covered": 4.0,
    "sprayed": 2.0,
    "defocused": 5.0,
    "turned": 4.0,
    "dazzled": 3.0,
    "black": 3.0,
    "frozen": 6.0,
}
_AGE_NS: dict[Kind, int] = {"sprayed": round(LASTING_S * NS_PER_S)}
"""How old a suspicion is when it is first there."""
CLEAR_S = 8.0
BLACK = 30.0
"""Grey level that a black picture's brightest fiftieth stays below."""


@dataclass(frozen=True, slots=True)
class Change:
    """A kind of tampering began or ended. since_ns: of the first picture that showed it. measure: what was measured."""

    kind: Kind
    active: bool
    since_ns: int
    measure: float


@dataclass(slots=True)
class _Standing:
    """held_s: grows while it is suspected, falls half as fast: somebody who walks past does not reset it."""

    since_ns: int | None = None
    held_s: float = 0.0
    well_ns: int | None = None
    raised: bool = False


class TamperWatch:
    """One per camera; one thread. known: references of earlier runs: with them nothing is learnt anew at the start, or a covered lens would
    be what is normal. standing: kinds that were raised before, and still are. kept: counts each change of `known`."""

    def __init__(self, known: dict[Phase, Reference] | None = None, standing: Iterable[Kind] = ()) -> None:
        self.known: dict[Phase, Reference] = known or {}
        self.kept = 0
        self.measures: Measures | None = None
        self._current: Reference | None = None
        self._standing = {kind: _Standing(raised=kind in standing) for kind in KINDS}
        self._average: Map | None = None
        self._seen_ns: int | None = None
        self._judged_ns: int | None = None
        self._learn_until_ns = self._well_since_ns = 0
        self._repeats = Repeats()
        self._levels: deque[tuple[int, float]] = deque()
        self._lost_s = np.zeros((ROWS // TILE, COLUMNS // TILE), np.float32)

    def look(self, luma: NDArray[np.uint8], boot_ns: int) -> list[Change]:
        """The next picture, uint8[height, width]. What began and what ended."""
        seen_ns, self._seen_ns = self._seen_ns, boot_ns
        if seen_ns is None or self._average is None or not 0 <= boot_ns - seen_ns < BLIND_S * NS_PER_S:
            self._begin(boot_ns)
            seen_ns = boot_ns
        self._repeats.see(luma)
        picture = cv2.resize(luma, (2 * COLUMNS, 2 * ROWS), interpolation=cv2.INTER_AREA).astype(np.float32)
        if self._average is None:
            self._average = picture
        cv2.accumulateWeighted(picture, self._average, min(1.0, max(0.05, (boot_ns - seen_ns) / NS_PER_S / AVERAGE_S)))
        step_s = EVERY_S if self._judged_ns is None else (boot_ns - self._judged_ns) / NS_PER_S
        if step_s < EVERY_S:
            return []
        self._judged_ns = boot_ns
        return self._judge(self._average, boot_ns, min(step_s, STEP_S))

    def forget(self) -> None:
        """The scene as it is from now on is what is normal."""
        self.known.clear()
        self._seen_ns = None

    def _begin(self, boot_ns: int) -> None:
        self._average, self._current, self._judged_ns = None, None, None
        self._well_since_ns = boot_ns
        self._learn_until_ns = boot_ns + (0 if self.known else round(LEARN_S * NS_PER_S))
        self._levels.clear()
        self._repeats = Repeats()

    def _judge(self, picture: Map, boot_ns: int, step_s: float) -> list[Change]:
        now = described(picture)
        if self._current is None:
            self._current = deepcopy(self.known.get(now.phase) or next(iter(self.known.values()), now))
        self._levels.append((boot_ns, now.brightness))
        while boot_ns - self._levels[0][0] > LEVELS_S * NS_PER_S:
            self._levels.popleft()
        learning = boot_ns < self._learn_until_ns
        m = self.measures = measured(now, self._current, picture)
        self._lost_s = np.where(m.lost, self._lost_s + step_s, 0).astype(np.float32)
        suspected = None if learning else self._suspicion(m)
        if suspected is not None and (other := self._in_another_light(now, picture)) is not None:
            self._current, suspected = other, None
        if self._repeats.run >= SAME_PICTURES:
            suspected = "frozen", float(self._repeats.distance)
        if suspected is None and not any(each.raised for each in self._standing.values()):
            now.match = np.maximum(m.match, 0)
            self._follow(now, boot_ns, 0.2 if learning else step_s / FOLLOW_S)
        else:
            self._well_since_ns = boot_ns
        return self._changes(suspected, boot_ns, step_s)

    def _suspicion(self, m: Measures) -> tuple[Kind, float] | None:
        """The one that explains the picture, with what was measured."""
        was = max(level for _, level in self._levels)
        if m.top < BLACK and (self._standing["black"].raised or was > 2.0 * m.brightness + 12):
            return "black", m.brightness
        lost = m.lost_share
        if m.bright > 0.35 and lost > 0.3:
            return "dazzled", m.bright
        if m.textured < LEAST_TILES:
            return None
        if lost >= 0.85:
            return "covered", lost
        blurred = m.fine < 0.4 and m.fine < 0.65 * m.coarse
        if (m.moved >= 0.7 or (m.moved >= 0.5 and m.shape < 0)) and not (blurred and m.shape > 0.7):
            return "turned", m.moved
        lasting = float(np.count_nonzero(self._lost_s >= LASTING_S)) / m.textured
        if lasting >= 0.35 and m.gained < 0.2:
            return "sprayed", lasting
        return ("defocused", m.fine) if blurred and lost < 0.35 else None

    def _in_another_light(self, now: Reference, picture: Map) -> Reference | None:
        """A reference of another phase against which nothing is wrong: infra-red lamps, a street light."""
        for known in self.known.values():
            if self._suspicion(measured(now, known, picture)) is None:
                return deepcopy(known)
        return None

    def _follow(self, now: Reference, boot_ns: int, share: float) -> None:
        current = self._current
        assert current is not None
        for mine, theirs in (
            (current.edges, now.edges),
            (current.fine, now.fine),
            (current.low, now.low),
            (current.match, now.match),
        ):
            cv2.accumulateWeighted(theirs, mine, share)
        current.brightness += share * (now.brightness - current.brightness)
        if boot_ns - self._well_since_ns >= KEEP_S * NS_PER_S:
            self._well_since_ns = boot_ns
            self.known[current.phase] = deepcopy(current)
            self.kept += 1

    def _changes(self, suspected: tuple[Kind, float] | None, boot_ns: int, step_s: float) -> list[Change]:
        found = []
        for kind, state in self._standing.items():
            if suspected is not None and kind == suspected[0]:
                state.since_ns = boot_ns - _AGE_NS.get(kind, 0) if state.since_ns is None else state.since_ns
                state.well_ns = None
                state.held_s += step_s
                if not state.raised and state.held_s > HOLD_S[kind]:
                    state.raised = True
                    found.append(Change(kind, True, state.since_ns, suspected[1]))
            elif not state.raised:
                state.held_s -= step_s / 2
                if state.held_s <= 0:
                    self._standing[kind] = _Standing()
            else:
                state.well_ns = boot_ns if state.well_ns is None else state.well_ns
                if boot_ns - state.well_ns >= CLEAR_S * NS_PER_S:
                    found.append(Change(kind, False, state.since_ns or boot_ns, 0.0))
                    self._standing[kind] = _Standing()
        return found
