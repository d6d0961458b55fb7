"""Privacy masks as the configuration has them: which polygons are one, what they are called by a hash, which cameras can have them.

A mask is a simple polygon: its edges meet at its corners alone. Corners listed in the wrong order would make a bow tie that leaves half of
a window in the picture, so crossing edges are a fault and not a matter of fill rules. Arithmetic is exact (fractions of the floats).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

from edge.config import sources

Corner = tuple[float, float]
Polygon = Sequence[Corner]
"""Corners (x, y) in order around the area, 0..1 from the picture's top left."""

_ORDER = "list the corners in order around the area"
_OUTS = "set the mask in the camera and write masks_in_camera = true, or write transcode = true (decode, mask and encode here)"


def corners_of(polygon: Polygon) -> list[Corner]:
    """Without corners that only repeat the one before, nor a last one that repeats the first; -0.0 becomes 0.0."""
    corners = [(x + 0.0, y + 0.0) for x, y in polygon]
    return [corner for place, corner in enumerate(corners) if corner != corners[place - 1] or len(corners) == 1]


def polygon_fault(polygon: Polygon) -> str | None:
    """What is wrong with a mask, and what to do, in words; None when it can be burnt in."""
    if any(len(corner) != 2 or not all(0.0 <= value <= 1.0 for value in corner) for corner in polygon):
        return "has a corner outside the picture: x and y are from 0 (left, top) to 1 (right, bottom)"
    corners = corners_of(polygon)
    if (count := len(set(polygon))) < 3:
        return f"has {count} different corners: at least 3 are needed"
    edges = list(zip(corners, corners[1:] + corners[:1], strict=True))
    if not any(_turn(*edges[0], corner) for corner in corners):
        return "has no area: its corners lie on one line"
    for (first, one), (second, other) in combinations(enumerate(edges), 2):
        neighbours = second == first + 1 or (first == 0 and second == len(edges) - 1)
        if _fold_back(one, other) if neighbours else _meet(one, other):
            return f"crosses or touches itself: edge {_text(one)} meets edge {_text(other)}; {_ORDER}, or make two masks of it"
    return None


def _text(edge: tuple[Corner, Corner]) -> str:
    return " - ".join(f"[{x:g}, {y:g}]" for x, y in edge)


def _turn(a: Corner, b: Corner, c: Corner) -> int:
    """1: a, b, c turn clockwise as seen on the screen; -1: the other way; 0: they lie on one line."""
    ax, ay, bx, by, cx, cy = map(Fraction, (*a, *b, *c))
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    return (area > 0) - (area < 0)


def _meet(one: tuple[Corner, Corner], other: tuple[Corner, Corner]) -> bool:
    """Whether two edges have a point in common."""
    for axis in (0, 1):
        low, high = sorted(corner[axis] for corner in one)
        if max(corner[axis] for corner in other) < low or min(corner[axis] for corner in other) > high:
            return False
    (a, b), (c, d) = one, other
    return _turn(a, b, c) * _turn(a, b, d) <= 0 and _turn(c, d, a) * _turn(c, d, b) <= 0


def _fold_back(one: tuple[Corner, Corner], other: tuple[Corner, Corner]) -> bool:
    """Whether two edges with a common corner lie upon each other."""
    common = one[1] if one[1] == other[0] else one[0]
    a = one[0] if common == one[1] else one[1]
    b = other[1] if common == other[0] else other[0]
    return _turn(a, common, b) == 0 and any((a[axis] - common[axis]) * (b[axis] - common[axis]) > 0 for axis in (0, 1))


def canonical_masks(masks: Sequence[Polygon]) -> str:
    """One text for one set of masks, however they are written: JSON `{"masks":[[[x,y],...],...],"v":1}` without blanks. Each polygon begins
    with its smallest corner (x, then y) and goes on with the smaller of its two neighbours; polygons are in order, none twice; numbers
    are the shortest that read back as the same double."""
    found = sorted({min(_ways_around(corners_of(polygon))) for polygon in masks})
    return json.dumps({"masks": found, "v": 1}, separators=(",", ":"))


def _ways_around(corners: list[Corner]) -> Iterator[tuple[Corner, ...]]:
    for each in (corners, corners[::-1]):
        start = each.index(min(each))
        yield (*each[start:], *each[:start])


def masks_sha256(masks: Sequence[Polygon]) -> str:
    """SHA-256 hex of the canonical form in UTF-8; "" where there are no masks."""
    return hashlib.sha256(canonical_masks(masks).encode()).hexdigest() if masks else ""


def mask_faults(camera: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(key, words) of what does not go together in one [[camera]] table whose values are right by themselves."""
    masks, in_camera, transcode = (camera.get(key) for key in ("masks", "masks_in_camera", "transcode"))
    for number, polygon in enumerate(masks or []):
        if fault := polygon_fault([(float(x), float(y)) for x, y in polygon]):
            yield f"masks[{number}]", fault
    if in_camera and transcode:
        yield "masks_in_camera", "says that nothing is burnt in here, transcode = true that it is done here: leave one of them out"
    kind = sources.kind_of(camera.get("source", ""))
    if masks and not in_camera and not transcode and _hands_on(kind, camera):
        yield "masks", f"cannot be burnt in: this camera encodes its pictures itself; {_OUTS}"
    if in_camera and kind in ("synthetic", "file"):
        yield "masks_in_camera", f"a {kind}: source has no camera that could mask: leave it out, masks are burnt in here"
    if transcode and kind == "synthetic":
        yield "transcode", "a synthetic: camera is always encoded here: leave it out"
    if transcode and camera.get("luma_source"):
        yield "luma_source", "with transcode = true the watcher sees the pictures that are decoded (and masked) here: leave it out"


def _hands_on(kind: str, camera: dict[str, Any]) -> bool:
    """Whether the camera's own coded pictures are recorded, as far as the configuration can tell."""
    return kind in sources.NETWORK or (kind == "v4l2" and camera.get("options", {}).get("input") == "h264")
