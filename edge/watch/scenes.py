"""What each camera's scene looks like, kept across restarts: a file a camera, of its tamper watch's references. Whoever removes the file
wants the scene learnt anew. Imports numpy.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from edge.clock import NS_PER_S
from edge.errors import NotFound, StorageError
from edge.host.disk import Disk
from edge.ring.layout import NodeFolders
from edge.watch.camera import CameraWatch
from edge.watch.scene import COLUMNS, ROWS, TILE, Phase, Reference

log = logging.getLogger(__name__)

LOOK_S = 2.0
_SHAPES = {
    "edges": (ROWS, COLUMNS),
    "low": (ROWS, COLUMNS),
    "fine": (ROWS // TILE, COLUMNS // TILE),
    "match": (ROWS // TILE, COLUMNS // TILE),
}
_PHASES: tuple[Phase, ...] = ("dark", "dim", "light")


class Scenes:
    """The files of all cameras; one thread. A disk that refuses costs a restarted watcher some seconds of learning, nothing else."""

    def __init__(self, disk: Disk, folders: NodeFolders) -> None:
        self._disk, self._folders = disk, folders
        self._kept: dict[str, int] = {}
        self._looked_ns = 0

    def load(self, camera: str) -> dict[Phase, Reference]:
        """Empty where there is none, or it is damaged."""
        path = self._folders.scene(camera)
        try:
            with np.load(io.BytesIO(self._disk.read(path)), allow_pickle=False) as held:
                found = {phase: _reference(held, phase) for phase in _PHASES if f"{phase}.edges" in held}
        except NotFound:
            return {}
        except (StorageError, ValueError, KeyError, OSError, EOFError, BadZipFile) as damaged:
            log.warning("%s: not readable, the scene is learnt anew: %s", path, damaged)
            return {}
        self._kept[camera] = 0
        return found

    def turn(self, cameras: Iterable[CameraWatch], boot_ns: int) -> None:
        """Keeps what was learnt, and forgets where the file was taken away."""
        if boot_ns - self._looked_ns < LOOK_S * NS_PER_S:
            return
        self._looked_ns = boot_ns
        for camera in cameras:
            tamper, path = camera.tamper, self._folders.scene(camera.camera)
            if tamper is None:
                continue
            try:
                if camera.camera in self._kept and not self._there(path):
                    log.info("%s: the scene is learnt anew", camera.camera)
                    del self._kept[camera.camera]
                    tamper.forget()
                elif tamper.kept != self._kept.get(camera.camera, 0):
                    self._disk.mkdir(path.parent)
                    self._disk.replace(path, _packed(tamper.known))
                    self._kept[camera.camera] = tamper.kept
            except StorageError as error:
                log.warning("%s: what was learnt is not kept: %s", camera.camera, error)

    def _there(self, path: Path) -> bool:
        try:
            self._disk.stat(path)
        except NotFound:
            return False
        return True


def _packed(known: dict[Phase, Reference]) -> bytes:
    arrays: dict[str, Any] = {}
    for phase, reference in known.items():
        arrays |= {f"{phase}.{name}": getattr(reference, name).astype(np.float16) for name in _SHAPES}
        arrays[f"{phase}.brightness"] = np.float32(reference.brightness)
    data = io.BytesIO()
    np.savez_compressed(data, **arrays)
    return data.getvalue()


def _reference(held: np.lib.npyio.NpzFile, phase: Phase) -> Reference:
    found = {name: held[f"{phase}.{name}"].astype(np.float32) for name in _SHAPES}
    brightness = float(held[f"{phase}.brightness"])
    for name, shape in _SHAPES.items():
        if found[name].shape != shape or not np.isfinite(found[name]).all() or not np.isfinite(brightness):
            raise ValueError(f"{phase}.{name} is damaged")
    return Reference(brightness=brightness, **found)
