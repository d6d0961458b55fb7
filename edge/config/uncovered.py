"""When a broken node.toml asks for privacy masks that its last good copy lacks: recording by the copy would show what is to be hidden."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from edge.config import toml
from edge.config.model import Camera, NodeConfig
from edge.config.problems import ConfigProblems

_WRITTEN = re.compile(rb"^\s*[\"']?masks[\"']?\s*=", re.MULTILINE)


def uncovered_cameras(broken: bytes, last: NodeConfig) -> Iterator[str]:
    """Ids of the cameras of `last` that the file `broken` gives a mask they do not have there. Of text that is not TOML no more is known
    than whether masks stand in it: then every camera counts, unless `last` has masks for any."""
    try:
        tables = toml.parse(broken, "").get("camera")
    except ConfigProblems:
        if _WRITTEN.search(broken) and not any(camera.masks for camera in last.camera):
            yield from (camera.id for camera in last.camera)
        return
    wanted = [table for table in tables if isinstance(table, dict)] if isinstance(tables, list) else []
    for number, camera in enumerate(last.camera):
        same = [table for table in wanted if table.get("id") == camera.id] or wanted[number : number + 1]
        if any(_uncovers(table, camera) for table in same):
            yield camera.id


def _uncovers(table: dict[str, Any], camera: Camera) -> bool:
    masks = table.get("masks", [])
    if not isinstance(masks, list):
        return True
    known = [[list(corner) for corner in mask] for mask in camera.masks]
    burnt_now = bool(masks) and table.get("masks_in_camera") is not True
    return any(mask not in known for mask in masks) or (burnt_now and camera.masks_in_camera)
