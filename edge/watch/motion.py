"""Motion on the luma window: a background of cell means that follows light and noise, and tracks that must persist and travel.

The picture is shrunk to a grid about 160 cells wide (INTER_AREA, halving: noise averages out). A cell is active when it lies outside what
the background allows within one cell around it (pole sway), corrected by a smooth multiplicative light field (clouds, exposure, lamps), by
more than a threshold made of its own noise and of how often it flips (leaves, rain). Active cells join to blobs, blobs to tracks. When most
of the picture changes at once the background is learnt anew and the note says so: that is a scene change, not motion.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.clock import NS_PER_S
from edge.config.model import Zone
from edge.watch.episode import Box, Path, Sight
from edge.watch.light import LightField, Told
from edge.watch.tracks import Blob, Track, Tracker
from edge.watch.zones import zone_map
from edge.window.luma import UNKNOWN, Exposure

Cells = NDArray[np.float32]
Mask = NDArray[np.uint8]
Note = Literal["", "learning", "scene change"]

GRID_WIDTH = 160
LEARN_S = 1.0
BACKGROUND_S = 6.0
ABSORB_S = 1.5
ACTIVE_S = 60.0
NOISE_S = 8.0
FLIP_S = 20.0
JUMP_SHARE = 0.6
SPREAD_SHARE = 0.3
TILES = (8, 5)
FLOOR = 5.0
"""Grey levels a cell mean must differ by at sensitivity 1, on top of its noise."""
NOISE_FACTOR = 4.5
FLIP_FACTOR = 2.5
BLOB_CELLS = 8
BLOB_STRENGTH = 5.0
MAX_BLOBS = 24
RECENT_S = 0.4
BLIND_S = 30.0
"""After this long without a picture what was learnt is worth nothing."""

cv2.setNumThreads(1)  # 14,400 cells gain nothing from more, and the recorder needs the other cores
TOO_SHORT = "shorter than its zone's least_m"
_KERNEL = np.ones((3, 3), np.uint8)
_WIDE = np.ones((5, 5), np.uint8)


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    sensitivity: float = 1.0
    zones: tuple[Zone, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """score: share (0..1) of the watched picture covered by moving things; 0 = no motion. boxes: x, y, width, height in 0..1 of the
    picture, largest first. paths: for each, where its middle was when it was first seen and where it is now: x, y, x, y. zones: share of
    each include zone covered, those touched only."""

    score: float
    boxes: tuple[Box, ...] = ()
    paths: tuple[Path, ...] = ()
    zones: dict[str, float] = field(default_factory=dict)
    note: Note = ""

    def sight(self, boot_ns: int) -> Sight:
        """For episodes: zones by the share covered, largest first."""
        zones = tuple(sorted(self.zones, key=lambda name: -self.zones[name]))
        return Sight(boot_ns, self.score, zones, self.boxes, self.paths)


class Detector:
    """One per camera and picture size; one thread. A few tenths of a millisecond a 320x180 picture.

    active: uint8[rows, columns], which cells of the newest picture are not as the background lets expect."""

    def __init__(self, width: int, height: int, settings: DetectorSettings | None = None) -> None:
        self._settings = settings or DetectorSettings()
        self._halvings = max(0, round(np.log2(width / GRID_WIDTH)))
        self.columns, self.rows = max(1, width >> self._halvings), max(1, height >> self._halvings)
        self._zones = zone_map(self._settings.zones, self.columns, self.rows)
        self._watched = self._zones.watched.astype(np.uint8)
        self.set_sensitivity(self._settings.sensitivity)
        self._light = LightField(self.columns, self.rows)
        self._told = Told()
        self._last_s: float | None = None
        self._learnt_s = self._calm_s = 0.0
        self._share = self._owed_s = 0.0
        self._turn = False
        self._note: Note = "learning"
        self._relearn(np.zeros((self.rows, self.columns), np.float32), 0.0, "learning")

    def set_sensitivity(self, sensitivity: float) -> None:
        """From the next picture on; what was learnt stays."""
        self._sensitivity = sensitivity
        self._relief = (1.0 / (self._zones.sensitivity * np.float32(sensitivity))).astype(np.float32)

    def look(self, luma: NDArray[np.uint8], boot_ns: int, exposure: Exposure = UNKNOWN) -> Look:
        """The next picture, uint8[height, width] (rows may be strided). boot_ns grows; two pictures of one instant are 1 ms apart."""
        told = self._told.leapt(exposure)
        now_s = boot_ns / NS_PER_S
        cells = self._shrink(luma)
        if self._last_s is None or not -BLIND_S < now_s - self._last_s < BLIND_S:
            self._last_s = now_s
            self._relearn(cells, now_s, "learning")
            return Look(0.0, note="learning")
        now_s = max(now_s, self._last_s + 0.001)
        step_s = min(now_s - self._last_s, 1.0)
        self._last_s = now_s
        expected = self._light.apply(self._background, cells, self.active)
        away: Cells = np.asarray(
            cv2.max(cv2.subtract(cells, cv2.dilate(expected, _KERNEL)), cv2.subtract(cv2.erode(expected, _KERNEL), cells)), np.float32
        )
        threshold = self._noise * np.float32(NOISE_FACTOR)
        threshold += np.float32(FLOOR)
        threshold *= self._flips * np.float32(FLIP_FACTOR) + np.float32(1.0)
        threshold *= self._relief
        active = (away > threshold).astype(np.uint8)
        if now_s - self._learnt_s < LEARN_S:
            self._learn(cells, expected, away, active, step_s, fast=True)
            return Look(0.0, note=self._note)
        if self._jumped(active, now_s):
            self._relearn(cells, now_s, "scene change")
            return Look(0.0, note="scene change")
        if told or self._light.leapt:
            self._forgive(cells, expected, active)
        changing = (cv2.absdiff(cells, self._recent) > 0.5 * threshold).astype(np.uint8)
        cv2.accumulateWeighted(cells, self._recent, min(1.0, step_s / RECENT_S))
        labels, blobs = self._blobs(active, away / threshold, changing)
        tracks = self._tracker.follow(blobs, now_s)
        self._learn(cells, expected, away, active, step_s)
        self._absorb(cells, expected, labels, [track.blob.label for track in tracks if track.still], step_s)
        return self._judge(labels, [track for track in tracks if track.confirmed and not track.still and self._long_enough(track.blob)])

    def doubts(self) -> list[tuple[Track, Box, str]]:
        """What the newest picture shows that is not reported, and why: for people who set a camera up."""
        now = [track for track in self._tracker.tracks if track.seen_s == self._last_s]
        found = [(track, track.doubt(self._tracker.needed)) for track in now if not track.confirmed or track.still]
        found += [(track, TOO_SHORT) for track in now if track.confirmed and not self._long_enough(track.blob)]
        return [(track, self._box(track), why) for track, why in found if why]

    def _jumped(self, active: Mask, now_s: float) -> bool:
        """Whether the picture changed as a whole: at once and everywhere (a lorry covers much, not everything), or most of it for 2 s."""
        share, before = float(cv2.mean(active)[0]), self._share
        self._share = share
        if share <= JUMP_SHARE:
            self._calm_s = now_s
        if share < SPREAD_SHARE:
            return False
        tiles = cv2.resize(active * np.float32(1), TILES, interpolation=cv2.INTER_AREA)
        everywhere = float(np.mean(tiles > 0.1)) >= 0.9
        return (everywhere and before < SPREAD_SHARE / 3) or now_s - self._calm_s > 2.0

    def _forgive(self, cells: Cells, expected: Cells, active: Mask) -> None:
        """The light leapt, and never quite smoothly: cells that became active with it are background in another light."""
        new = active & ~np.asarray(cv2.dilate(self.active, _WIDE), np.uint8)
        where = new.view(np.bool_)
        self._background[where] *= cells[where] / np.maximum(expected[where], 1.0)
        np.copyto(self._recent, cells)
        active &= 1 - new

    def _shrink(self, luma: NDArray[np.uint8]) -> Cells:
        for step in range(self._halvings, 0, -1):
            size = (self.columns << (step - 1), self.rows << (step - 1))
            luma = np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.uint8)
        return luma.astype(np.float32)

    def _relearn(self, cells: Cells, now_s: float, note: Note) -> None:
        self._background = cells.copy()
        self._recent = cells.copy()
        self._noise = np.full_like(cells, 1.5)
        self._flips = np.full_like(cells, 0.5)
        self.active = np.zeros(cells.shape, np.uint8)
        self._tracker = Tracker(cells.size)
        self._light.reset()
        self._learnt_s = self._calm_s = now_s
        self._share = self._owed_s = 0.0
        self._turn = False
        self._note = note

    def _learn(self, cells: Cells, expected: Cells, away: Cells, active: Mask, step_s: float, *, fast: bool = False) -> None:
        """Quiet cells pull the background quickly, active ones hardly; noise is learnt where it is quiet, flips everywhere."""
        quiet = (1 - active).astype(np.float32)
        error = cells - expected
        self._owed_s += step_s
        self._turn = not self._turn
        if fast or self._turn:  # noise changes slowly: every second picture will do
            spread = np.abs(error)
            spread += np.maximum(away, 0, dtype=np.float32)
            spread *= 0.5
            np.minimum(spread, 12, out=spread)
            spread -= self._noise
            spread *= quiet
            cv2.scaleAdd(spread, min(1.0, self._owed_s / (1.0 if fast else NOISE_S)), self._noise, self._noise)
            self._owed_s = 0.0
        slow = 0.5 if fast else step_s / ACTIVE_S
        quiet *= min(1.0, step_s / (0.5 if fast else BACKGROUND_S)) - slow
        quiet += slow
        error *= quiet
        error *= self._background
        error /= np.maximum(expected, 1, dtype=np.float32)
        self._background += error
        if not fast:
            self._flips *= 1.0 - step_s / FLIP_S
            cv2.scaleAdd((active ^ self.active).astype(np.float32), 1.0 / FLIP_S, self._flips, self._flips)
            np.minimum(self._flips, 2, out=self._flips)
        self.active = active

    def _absorb(self, cells: Cells, expected: Cells, labels: NDArray[np.uint16], still: list[int], step_s: float) -> None:
        """What stopped becomes background within a few seconds."""
        for label in still:
            where = labels == label
            light = expected[where] / np.maximum(self._background[where], 1.0)
            self._background[where] += np.float32(min(1.0, step_s / ABSORB_S)) * (
                cells[where] / np.maximum(light, 0.05) - self._background[where]
            )

    def _blobs(self, active: Mask, ratio: Cells, changing: Mask) -> tuple[NDArray[np.uint16], list[Blob]]:
        """Watched active cells joined over one cell's distance -> (label map, the strongest blobs)."""
        watched = active & self._watched
        if not watched.any():
            return np.zeros(active.shape, np.uint16), []
        count, found, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(watched, _KERNEL), connectivity=8, ltype=cv2.CV_16U)
        labels = np.asarray(found, np.uint16)
        where = np.flatnonzero(watched.view(np.bool_))
        of = labels.ravel()[where]
        area = np.bincount(of, minlength=count)
        strength = np.bincount(of, weights=np.minimum(ratio.ravel()[where], 6.0), minlength=count)
        fresh = np.bincount(of, weights=changing.ravel()[where], minlength=count)
        blobs = []
        for i in np.flatnonzero((area >= BLOB_CELLS) & (strength >= area + BLOB_STRENGTH / self._sensitivity)):
            if i > 0:
                x, y, width, height = (float(edge) for edge in stats[i, :4])
                changed = bool(fresh[i] >= max(3.0, 0.04 * area[i]))
                blobs.append(Blob(int(i), x, y, width, height, int(area[i]), float(strength[i]), changed))
        return labels, sorted(blobs, key=lambda blob: -blob.strength)[:MAX_BLOBS]

    def _long_enough(self, blob: Blob) -> bool:
        """As its zone wants it, where it stands: the middle of its lower edge. A blob is a cell wider each way than what moves."""
        column, row = int(blob.x + blob.width / 2), int(blob.y + blob.height) - 1
        return max(blob.width, blob.height) - 2 >= float(self._zones.least[min(row, self.rows - 1), min(column, self.columns - 1)])

    def _judge(self, labels: NDArray[np.uint16], tracks: list[Track]) -> Look:
        if not tracks:
            return Look(0.0)
        tracks = sorted(tracks, key=lambda track: -track.blob.area)
        chosen = np.zeros(int(labels.max()) + 1, bool)
        chosen[[track.blob.label for track in tracks]] = True
        moving = chosen[labels]
        touched = {
            name: float(np.count_nonzero(moving & area)) / max(1, int(np.count_nonzero(area))) for name, area in self._zones.areas.items()
        }
        boxes = tuple(self._box(track) for track in tracks)
        score = sum(track.blob.area for track in tracks) / max(1, self._zones.cells)
        paths = tuple(self._path(track) for track in tracks)
        return Look(min(1.0, score), boxes, paths, {name: share for name, share in touched.items() if share > 0})

    def _box(self, track: Track) -> Box:
        blob = track.blob
        return blob.x / self.columns, blob.y / self.rows, blob.width / self.columns, blob.height / self.rows

    def _path(self, track: Track) -> Path:
        (x, y), (to_x, to_y) = track.first.centre, track.blob.centre
        return x / self.columns, y / self.rows, to_x / self.columns, to_y / self.rows
