"""Privacy masks, burnt into a picture before anything else sees it: encoder, luma picture and whatever is made of them. Imports numpy and,
of PyAV, nothing: a frame is whatever has planes.

Fail closed: a picture that cannot be masked raises ConfigError and goes nowhere. Conservative: every luma sample whose square (borders
included) the polygon touches is covered, and every chroma sample one of whose luma samples is. A polygon is rasterised once for each size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge.config.masks import Polygon, corners_of, masks_sha256, polygon_fault
from edge.errors import ConfigError

if TYPE_CHECKING:
    import av

Bits = NDArray[np.bool_]
Samples = NDArray[np.uint8]

GREY_Y, GREY_C = 16, 128
"""Black of limited range, nearly black of full range, without colour."""
MARGIN_PIXELS = 1e-6
"""Added around a polygon: far above what doubles lose in pictures of up to 16,384 pixels, far below what anybody sees."""
_BAND_ROWS = 64
_SIZES_KEPT = 4
_REMEDY = "set the camera to 8-bit 4:2:0 pictures, or let the camera mask (masks_in_camera = true)"


@dataclass(frozen=True, slots=True)
class _Plane:
    """A sample group covers across x down luma samples and is filled with these bytes."""

    across: int
    down: int
    fill: tuple[int, ...]


_LUMA = _Plane(1, 1, (GREY_Y,))
_FULL, _HALF, _QUARTER = (_Plane(across, down, (GREY_C,)) for across, down in ((1, 1), (2, 1), (2, 2)))
_PAIRS = _Plane(2, 2, (GREY_C, GREY_C))
FORMATS: dict[str, tuple[_Plane, ...]] = {
    "yuv420p": (_LUMA, _QUARTER, _QUARTER),
    "yuvj420p": (_LUMA, _QUARTER, _QUARTER),
    "nv12": (_LUMA, _PAIRS),
    "nv21": (_LUMA, _PAIRS),
    "yuv422p": (_LUMA, _HALF, _HALF),
    "yuvj422p": (_LUMA, _HALF, _HALF),
    "yuv444p": (_LUMA, _FULL, _FULL),
    "yuvj444p": (_LUMA, _FULL, _FULL),
    "gray": (_LUMA,),
    "yuyv422": (_Plane(2, 1, (GREY_Y, GREY_C, GREY_Y, GREY_C)),),
    "uyvy422": (_Plane(2, 1, (GREY_C, GREY_Y, GREY_C, GREY_Y)),),
}
"""libav's names; each of the planes of a picture. Of packed formats both luma samples of a pair are covered."""


class Masks:
    """The masks of one camera. One thread."""

    def __init__(self, polygons: Sequence[Polygon]) -> None:
        """polygons: corners in 0..1 from the top left. Raises ConfigError for one that is no mask."""
        for number, polygon in enumerate(polygons):
            if fault := polygon_fault(polygon):
                raise ConfigError(f"mask {number} {fault}")
        self._polygons = [corners_of(polygon) for polygon in polygons]
        self._stencils: dict[tuple[str, int, int], Stencil] = {}
        self.sha256 = masks_sha256(polygons)
        """Of the canonical form (edge.config.masks)."""

    def burn(self, frame: av.VideoFrame) -> None:
        """Into the frame itself, which gets memory of its own where a decoder still needs the old one. Raises ConfigError."""
        stencil = self.stencil(frame.format.name, frame.width, frame.height)
        frame.make_writable()
        stencil.cover([_rows(plane) for plane in frame.planes])

    def stencil(self, form: str, width: int, height: int) -> Stencil:
        """For pictures of this format (FORMATS) and size in luma samples; made once. Raises ConfigError for others."""
        known = self._stencils.get((form, width, height))
        if known is None:
            if form not in FORMATS:
                raise ConfigError(f"masks cannot be burnt into pictures of the format {form}", remedy=_REMEDY)
            if width < 1 or height < 1:
                raise ConfigError(f"masks cannot be burnt into a picture of {width}x{height}: its size is not known", remedy=_REMEDY)
            while len(self._stencils) >= _SIZES_KEPT:
                del self._stencils[next(iter(self._stencils))]
            covered = np.zeros((height, width), bool)
            for polygon in self._polygons:
                covered |= touched(polygon, width, height)
            known = self._stencils[form, width, height] = Stencil(form, covered)
        return known


@dataclass(frozen=True, slots=True)
class _Box:
    """Bytes of a plane. fill: one row of them. covered: which of them; None: all."""

    rows: slice
    columns: slice
    fill: Samples
    covered: Bits | None


class Stencil:
    """What is covered in pictures of one format and size, as boxes."""

    def __init__(self, form: str, covered: Bits) -> None:
        """covered: bool[height, width], luma samples."""
        planes = [np.repeat(_shrunk(covered, each), len(each.fill), axis=1) for each in FORMATS[form]]
        self._form = form
        self._shapes = [plane.shape for plane in planes]
        self._boxes = [list(_boxes(plane, each.fill)) for plane, each in zip(planes, FORMATS[form], strict=True)]

    def cover(self, planes: Sequence[Samples]) -> None:
        """planes: uint8[rows, bytes of a row], writable, of any strides; rows and bytes beyond the picture are left alone. Raises
        ConfigError where they are too few or too small, before anything was written."""
        fits = len(planes) == len(self._shapes) and all(
            plane.ndim == 2 and plane.shape[0] >= shape[0] and plane.shape[1] >= shape[1]
            for plane, shape in zip(planes, self._shapes, strict=True)
        )
        if not fits:
            wanted = " and ".join(f"{rows}x{columns}" for rows, columns in self._shapes)
            raise ConfigError(f"masks cannot be burnt in: {self._form} planes of {wanted} bytes came as {[p.shape for p in planes]}")
        for plane, boxes in zip(planes, self._boxes, strict=True):
            for box in boxes:
                view = plane[box.rows, box.columns]
                if box.covered is None:
                    view[...] = box.fill
                else:
                    np.copyto(view, box.fill, where=box.covered)


def touched(polygon: Polygon, width: int, height: int) -> Bits:
    """bool[height, width]: the squares, borders included, that have a point in common with the polygon. polygon: a simple one, corners in
    0..1."""
    corners = [(x * width, y * height) for x, y in polygon]
    edges = list(zip(corners, corners[1:] + corners[:1], strict=True))
    inside = np.zeros((height, width + 1), bool)
    for edge in edges:
        _cross(inside, *edge)
    bits = np.logical_xor.accumulate(inside, axis=1)[:, :width]
    for edge in edges:
        _trace(bits, *edge)
    return bits


Point = tuple[float, float]


def _cross(inside: Bits, start: Point, end: Point) -> None:
    """Turn over, in each row whose middle the edge crosses, the first square whose centre lies right of it: accumulated from the left, the
    centres inside remain. Squares so near to an edge that rounding matters are traced anyway."""
    (x0, y0), (x1, y1) = sorted((start, end), key=lambda point: point[1])
    first, behind = (max(0, int(np.ceil(y - 0.5))) for y in (y0, y1))
    rows = np.arange(first, min(behind, inside.shape[0]))
    if rows.size:
        at = x0 + np.clip((rows + 0.5 - y0) / (y1 - y0), 0.0, 1.0) * (x1 - x0)
        inside[rows, np.clip(np.ceil(at - 0.5), 0, inside.shape[1] - 1).astype(int)] ^= True


def _trace(bits: Bits, start: Point, end: Point) -> None:
    """Cover every square that the edge touches."""
    (x0, y0), (x1, y1) = sorted((start, end), key=lambda point: point[1])
    rows = np.arange(*_squares(y0, y1, bits.shape[0]))
    if y1 - y0 > MARGIN_PIXELS:
        parts = [np.clip((rows + side - y0) / (y1 - y0), 0.0, 1.0) for side in (-MARGIN_PIXELS, 1.0 + MARGIN_PIXELS)]
    else:
        parts = [np.zeros(rows.size), np.ones(rows.size)]
    ends = x0 + np.stack(parts) * (x1 - x0)
    for row, left, right in zip(rows, ends.min(axis=0), ends.max(axis=0), strict=True):
        bits[row, slice(*_squares(left, right, bits.shape[1]))] = True


def _squares(low: float, high: float, count: int) -> tuple[int, int]:
    """(first, one behind the last) of the squares [n, n + 1] that have a point in common with [low, high]."""
    return max(0, int(np.ceil(low - MARGIN_PIXELS)) - 1), min(count, int(np.floor(high + MARGIN_PIXELS)) + 1)


def _shrunk(covered: Bits, plane: _Plane) -> Bits:
    """bool[rows, groups] of a plane: groups one of whose luma samples is covered."""
    height, width = covered.shape
    rows, groups = -(-height // plane.down), -(-width // plane.across)
    whole = np.zeros((rows * plane.down, groups * plane.across), bool)
    whole[:height, :width] = covered
    return np.asarray(whole.reshape(rows, plane.down, groups, plane.across).any(axis=(1, 3)))


def _boxes(covered: Bits, fill: tuple[int, ...]) -> Iterator[_Box]:
    """Band by band, runs of columns that are covered in all rows or in some: the first are cheap, the others few."""
    pattern = np.resize(np.array(fill, np.uint8), covered.shape[1])
    for top in range(0, covered.shape[0], _BAND_ROWS):
        band = covered[top : top + _BAND_ROWS]
        kind = np.asarray(band.any(axis=0).astype(np.int8) + band.all(axis=0))
        edges = [0, *(np.flatnonzero(np.diff(kind)) + 1), covered.shape[1]]
        for left, right in pairwise(map(int, edges)):
            if kind[left]:
                columns = slice(left, right)
                bits = None if kind[left] == 2 else np.ascontiguousarray(band[:, columns])
                yield _Box(slice(top, top + band.shape[0]), columns, pattern[columns], bits)


def _rows(plane: av.video.plane.VideoPlane) -> Samples:
    """A frame's plane as uint8[rows, line size]. Raises ConfigError for one that stands upside down."""
    if plane.line_size <= 0:
        raise ConfigError(f"masks cannot be burnt in: a plane has lines of {plane.line_size} bytes", remedy=_REMEDY)
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
