"""Zones of the configuration as cells of the detector's grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.config.model import Zone

_SHIFT = 8


@dataclass(frozen=True)
class ZoneMap:
    """watched: bool[rows, columns], where motion counts. sensitivity: float32[rows, columns], 1 = as the camera; of zones that overlap
    the most sensitive wins. least: float32[rows, columns], cells that the longer side of a thing with its foot there must have, 0: any; of
    zones that overlap the smallest wins. areas: include zone name -> bool[rows, columns], without excluded cells."""

    watched: NDArray[np.bool_]
    sensitivity: NDArray[np.float32]
    least: NDArray[np.float32]
    areas: dict[str, NDArray[np.bool_]]

    @property
    def cells(self) -> int:
        return int(np.count_nonzero(self.watched))


def polygon_cells(polygon: Sequence[tuple[float, float]], columns: int, rows: int) -> NDArray[np.bool_]:
    """Cells a polygon (corners in 0..1) covers or touches."""
    places = np.array([[x * columns - 0.5, y * rows - 0.5] for x, y in polygon])
    corners = np.clip(places, 0, [columns - 1, rows - 1]) * (1 << _SHIFT)
    mask = np.zeros((rows, columns), np.uint8)
    cv2.fillPoly(mask, [np.rint(corners).astype(np.int32)], (1,), cv2.LINE_8, _SHIFT)
    return mask.astype(bool)


def zone_map(zones: Sequence[Zone], columns: int, rows: int) -> ZoneMap:
    """No include zone: the whole picture is watched. Exclude wins over include."""
    closed = np.zeros((rows, columns), bool)
    areas: dict[str, NDArray[np.bool_]] = {}
    sensitivity = np.zeros((rows, columns), np.float32)
    least = np.full((rows, columns), np.inf, np.float32)
    for zone in zones:
        cells = polygon_cells(zone.polygon, columns, rows)
        if zone.kind == "exclude":
            closed |= cells
        else:
            areas[zone.name] = areas[zone.name] | cells if zone.name in areas else cells
            sensitivity[cells] = np.maximum(sensitivity[cells], np.float32(zone.sensitivity))
            least[cells] = np.minimum(least[cells], zone.least_m / zone.span_m * columns if zone.span_m else 0)
    watched = sensitivity > 0 if areas else np.ones((rows, columns), bool)
    sensitivity[sensitivity == 0] = 1.0
    least[np.isinf(least)] = 0
    return ZoneMap(watched & ~closed, sensitivity, least, {name: cells & ~closed for name, cells in areas.items()})
