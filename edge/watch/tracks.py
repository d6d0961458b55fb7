"""Blobs followed from picture to picture: only what persists and travels is believed; what stands still stops being motion.

Lengths are in cells of the detector's grid, instants in seconds.
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
    sights: int = 1
    confirmed: bool = False
    still: bool = False
    velocity: tuple[float, float] = (0.0, 0.0)

    def follow(self, blob: Blob, now_s: float) -> None:
        old, new = self.blob.centre, blob.centre
        gap_s = max(now_s - self.seen_s, 1e-3)
        self.velocity = ((new[0] - old[0]) / gap_s, (new[1] - old[1]) / gap_s)
        self.blob, self.seen_s = blob, now_s
        self.sights += 1
        if blob.changing:
            self.changed_s = now_s
            if math.dist(self.anchor, new) > STILL_CELLS:
                self.anchor, self.anchor_s = new, now_s
        self.still = now_s - self.anchor_s > STILL_S or now_s - self.changed_s > UNCHANGED_S
        far = math.dist(self.first.centre, new) >= TRAVEL_CELLS + 0.15 * max(blob.width, blob.height)
        if self.sights >= 3 and now_s - self.born_s >= PERSIST_S and far and not self.still:
            self.confirmed = True

    def expected(self, now_s: float) -> tuple[float, float]:
        gap_s = now_s - self.seen_s
        x, y = self.blob.centre
        return x + self.velocity[0] * gap_s, y + self.velocity[1] * gap_s


@dataclass(slots=True)
class Tracker:
    tracks: list[Track] = field(default_factory=list)
    last_s: float = 0.0

    def follow(self, blobs: Sequence[Blob], now_s: float) -> list[Track]:
        """Blobs of one picture -> the tracks they belong to (some new). Nearest expected place first; larger things may leap farther."""
        lost_s = max(LOST_S, 2.2 * (now_s - self.last_s))
        self.last_s = now_s
        self.tracks = [track for track in self.tracks if now_s - track.seen_s <= lost_s]
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
                self.tracks[i].follow(blobs[j], now_s)
        for j, blob in enumerate(blobs):
            if j not in taken and len(self.tracks) < MAX_TRACKS:
                taken[j] = Track(now_s, now_s, blob, blob, blob.centre, now_s, now_s)
                self.tracks.append(taken[j])
        return list(taken.values())
