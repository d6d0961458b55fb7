"""Blobs followed from picture to picture: only what persists and travels is believed; what stands still stops being motion.

Rain and snow give blobs without end, and chance joins them to tracks. So the sights of a track must lie where the ones before let expect,
and the more blobs go astray, the more such sights it takes, of something stronger than what goes astray: the chance of a false track
stays the same in any weather. Lengths are in cells of the detector's grid, instants in seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

PERSIST_S = 0.25
TRAVEL_CELLS = 5.0
"""How far an edge or the centre must have moved to confirm a track (more for large ones: their outlines flicker)."""
LOST_S = 0.7
STILL_S = 2.5
UNCHANGED_S = 0.8
STILL_CELLS = 2.0
MAX_TRACKS = 40
STRAY_CELLS = 1.5
STRAY_SIZES = 0.5
"""A sight is steady within STRAY_CELLS and this share of the blob's size of where it is expected."""
UNSTEADY_S = 1.0
CLUTTER_S = 8.0
LUCK = 1e-4
"""False tracks a picture that chance may make of strays."""
REACH_AREA = 800.0
STEADY_AREA = 60.0
"""Cells in which a blob is joined to a track, and those in which it is steady, for blobs of the size of strays."""
STEADY_LEAST, STEADY_MOST = 3, 9
STRAY_FACTOR = 3.0
"""Where there are strays in every picture, a track is believed that is this much stronger than they are."""


@dataclass(frozen=True, slots=True)
class Blob:
    """label: number in the picture's label map. strength: sum over its cells of how many times their threshold they reach. changing: it
    differs from a moment ago, not only from the background (a ghost of what has left does not)."""

    label: int
    x: float
    y: float
    width: float
    height: float
    area: int
    strength: float
    changing: bool

    @property
    def centre(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Proof:
    """steady: sights in a row; strength: of the blob."""

    steady: int
    strength: float


@dataclass(slots=True)
class Track:
    born_s: float
    seen_s: float
    blob: Blob
    first: Blob
    anchor: tuple[float, float]
    """Where it was when it last moved noticeably, and when."""
    anchor_s: float
    changed_s: float
    steady: int = 1
    """Sights in a row that lie where the ones before let expect."""
    believed_s: float | None = None
    confirmed: bool = False
    still: bool = False
    velocity: tuple[float, float] = (0.0, 0.0)

    def follow(self, blob: Blob, now_s: float, needed: Proof) -> bool:
        """Returns whether this sight is steady."""
        old, new = self.blob.centre, blob.centre
        astray = math.dist(self.expected(now_s), new)
        steady = self.steady == 1 or astray <= STRAY_CELLS + STRAY_SIZES * math.sqrt(max(blob.area, self.blob.area))
        self.steady = self.steady + 1 if steady else 2
        gap_s = max(now_s - self.seen_s, 1e-3)
        self.velocity = ((new[0] - old[0]) / gap_s, (new[1] - old[1]) / gap_s)
        self.blob, self.seen_s = blob, now_s
        if blob.changing:
            self.changed_s = now_s
            if math.dist(self.anchor, new) > STILL_CELLS:
                self.anchor, self.anchor_s = new, now_s
        self.still = now_s - self.anchor_s > STILL_S or now_s - self.changed_s > UNCHANGED_S
        if not self.doubt(needed):
            self.confirmed, self.believed_s = True, now_s
        elif self.believed_s is not None and now_s - self.believed_s > UNSTEADY_S:
            self.confirmed = False
        return steady

    def doubt(self, needed: Proof) -> str:
        """Why it is not believed at its last sight; "" if it is."""
        if self.still:
            return "stands still"
        if self.steady < needed.steady or self.seen_s - self.born_s < PERSIST_S:
            return f"came and went or jumped: {self.steady} pictures in a row agree, {needed.steady} are needed"
        if self.blob.strength < needed.strength:
            return "no stronger than what rain or snow makes"
        far = TRAVEL_CELLS + 0.15 * max(self.blob.width, self.blob.height)
        return "" if math.dist(self.first.centre, self.blob.centre) >= far else "has not gone far enough"

    def expected(self, now_s: float) -> tuple[float, float]:
        gap_s = now_s - self.seen_s
        x, y = self.blob.centre
        return x + self.velocity[0] * gap_s, y + self.velocity[1] * gap_s


@dataclass(slots=True)
class Tracker:
    """cells: of the grid. strays: blobs of a picture that belong to no track, about; stray_strength: how strong they are."""

    cells: int
    tracks: list[Track] = field(default_factory=list)
    last_s: float = 0.0
    strays: float = 0.5
    stray_strength: float = 0.0

    @property
    def needed(self) -> Proof:
        """What confirms a track in this weather."""
        density = self.strays / self.cells
        pairs = self.strays * min(1.0, density * REACH_AREA)
        steady = 2 + math.ceil(math.log(LUCK / pairs) / math.log(min(0.5, density * STEADY_AREA))) if pairs > LUCK else 0
        return Proof(min(max(STEADY_LEAST, steady), STEADY_MOST), STRAY_FACTOR * min(1.0, self.strays) * self.stray_strength)

    def follow(self, blobs: Sequence[Blob], now_s: float) -> list[Track]:
        """Blobs of one picture -> the tracks they belong to (some new). Nearest expected place first; larger things may leap farther."""
        step_s = now_s - self.last_s
        self.last_s = now_s
        astray = self._forget(now_s - max(LOST_S, 2.2 * step_s))
        needed = self.needed
        pairs = []
        for i, track in enumerate(self.tracks):
            place = track.expected(now_s)
            for j, blob in enumerate(blobs):
                reach = 6.0 + 0.7 * max(track.blob.width, track.blob.height, blob.width, blob.height)
                distance = min(math.dist(place, blob.centre), math.dist(track.blob.centre, blob.centre))
                if distance <= reach:
                    pairs.append((distance, i, j))
        taken: dict[int, Track] = {}
        used: set[int] = set()
        for _, i, j in sorted(pairs):
            if j not in taken and i not in used:
                used.add(i)
                taken[j] = self.tracks[i]
                if not self.tracks[i].follow(blobs[j], now_s, needed):
                    astray.append(blobs[j].strength)
        for j, blob in enumerate(blobs):
            if j not in taken and len(self.tracks) < MAX_TRACKS:
                taken[j] = Track(now_s, now_s, blob, blob, blob.centre, now_s, now_s)
                self.tracks.append(taken[j])
        share = min(1.0, step_s / CLUTTER_S)
        self.strays += share * (len(astray) - self.strays)
        if astray:
            self.stray_strength += share * (sum(astray) / len(astray) - self.stray_strength)
        return list(taken.values())

    def _forget(self, since_s: float) -> list[float]:
        """Tracks not seen since are gone -> the strengths of the strays among them: of those never believed the first sight,
        and the second, which always counts as steady."""
        gone = [track for track in self.tracks if track.seen_s < since_s]
        self.tracks = [track for track in self.tracks if track.seen_s >= since_s]
        return [track.blob.strength for track in gone if track.believed_s is None for _ in range(min(2, track.steady))]
