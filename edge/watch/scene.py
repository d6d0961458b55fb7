"""A camera's scene as edges: of a picture, kept as a reference, and how far the one is from the other. Pure; imports cv2.

All maps are 160 x 90 cells, all tiles 16 x 9, whatever the picture's size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Phase = Literal["dark", "dim", "light"]
Map = NDArray[np.float32]

COLUMNS, ROWS = 160, 90
"""Cells of the map."""
TILE = 10
"""Cells: 16 x 9 tiles."""
LIGHT, DARKEST = 100.0, 12.0
"""Grey levels: a picture is judged as if its mean were the first; the second keeps a black one from being all noise."""
TEXTURE = 6.0
"""Mean edge strength from which a tile has something to lose."""
LEAST_TILES = 8
BRIGHT = 245


@dataclass(slots=True)
class Reference:
    """edges: float32[90, 160]. fine: float32[9, 16], strength of details. low: float32[90, 160], brightness smoothed. match:
    float32[9, 16], how well each tile's edges usually agree with these. brightness: mean grey level."""

    edges: Map
    fine: Map
    low: Map
    brightness: float
    match: Map = field(default_factory=lambda: np.ones((ROWS // TILE, COLUMNS // TILE), np.float32))

    @property
    def phase(self) -> Phase:
        return "dark" if self.brightness < 40 else "dim" if self.brightness < 85 else "light"


@dataclass(frozen=True, slots=True)
class Measures:
    """Of a picture against a reference. textured: tiles that have edges to lose. lost: bool[9, 16], of those, fallen below a third.
    gained: share of all tiles with strong new edges. coarse, fine: edges and details, 1: as ever. moved: share of tiles whose edges
    are no more where they were. shape: correlation of the smoothed brightness. top: what the brightest fiftieth reaches. bright: share of
    the picture that is white."""

    textured: int
    lost: NDArray[np.bool_]
    gained: float
    coarse: float
    fine: float
    moved: float
    shape: float
    brightness: float
    top: float
    bright: float
    match: Map

    @property
    def lost_share(self) -> float:
        return float(np.count_nonzero(self.lost)) / max(1, self.textured)


def described(picture: Map) -> Reference:
    """picture: float32[180, 320]. Edges are relative to the light: dusk takes none away."""
    brightness = float(picture.mean())
    picture = picture * np.float32(LIGHT / (brightness + DARKEST))
    small = cv2.resize(picture, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(small, (3, 3), 0)
    edges = np.abs(cv2.Sobel(smooth, cv2.CV_32F, 1, 0)) + np.abs(cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    detail = np.abs(picture - cv2.GaussianBlur(picture, (5, 5), 0))
    low = cv2.GaussianBlur(small, (0, 0), 6)
    return Reference(edges.astype(np.float32), _tiles(detail), low.astype(np.float32), brightness)


def measured(now: Reference, known: Reference, picture: Map) -> Measures:
    mine, theirs = _tiles(now.edges), _tiles(known.edges)
    textured = theirs >= TEXTURE
    match = _match(now.edges, known.edges)
    reliable = textured & (known.match > 0.4)
    enough = np.count_nonzero(reliable) >= LEAST_TILES
    had, had_fine = float(theirs[textured].sum()), float(known.fine[textured].sum())
    return Measures(
        textured=int(np.count_nonzero(textured)),
        lost=textured & (mine < 0.3 * theirs),
        gained=float((mine > 2.0 * theirs + 2 * TEXTURE).mean()),
        coarse=float(mine[textured].sum()) / max(had, 1e-3) if had else 1.0,
        fine=float(now.fine[textured].sum()) / max(had_fine, 1e-3) if had_fine else 1.0,
        moved=float((match[reliable] < 0.45 * known.match[reliable]).mean()) if enough else 0.0,
        shape=_correlation(known.low, now.low),
        brightness=now.brightness,
        top=float(np.percentile(picture[::2, ::2], 98)),
        bright=float((picture >= BRIGHT).mean()),
        match=match,
    )


def _tiles(cells: Map) -> Map:
    """Means, float32[9, 16], of a map of any size."""
    return np.asarray(cv2.resize(cells, (COLUMNS // TILE, ROWS // TILE), interpolation=cv2.INTER_AREA), np.float32)


def _match(a: Map, b: Map) -> Map:
    """Of two edge maps: the correlation within each tile."""
    mean_a, mean_b = _tiles(a), _tiles(b)
    both = _tiles(a * b) - mean_a * mean_b
    size = np.sqrt(np.maximum((_tiles(a * a) - mean_a**2) * (_tiles(b * b) - mean_b**2), 1e-3))
    return np.asarray(both / size, np.float32)


def _correlation(a: Map, b: Map) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / size if size > 1e-6 else 0.0
