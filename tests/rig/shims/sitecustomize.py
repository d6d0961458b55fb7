"""Makes picamera2 accept libcamera's virtual cameras, as soon as it is imported. In the rig's Python only.

No raw stream, no dma-heap, no preview window and no DNG are there, and the virtual pipeline is not paced: it fills a buffer the moment it
is queued. What a camera stack does when it breaks is injected by `faults`.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import time
import types
from collections.abc import Iterator, Sequence
from typing import Any

EXPOSED_CAMERA = "pole-cam-1"
EXPOSED = {"ExposureTime": 8000, "AnalogueGain": 2.0, "DigitalGain": 1.5, "Lux": 123.0, "ColourTemperature": 4500}
"""What a sensor's image processing says of each picture, and virtual cameras do not: here one of them does."""


class _AnyName:
    def __getattr__(self, name: str) -> str:
        return name


def _stub_what_nothing_here_uses() -> None:
    kms = types.ModuleType("pykms")
    kms.PixelFormat = _AnyName()  # type: ignore[attr-defined]
    root, camdefs, core = (types.ModuleType(name) for name in ("pidng", "pidng.camdefs", "pidng.core"))
    stub = type("Stub", (), {})
    camdefs.Picamera2Camera = core.PICAM2DNG = stub  # type: ignore[attr-defined]
    sys.modules.update({"pykms": kms, "pidng": root, "pidng.camdefs": camdefs, "pidng.core": core})


def _patch(module: Any) -> None:
    """module: picamera2.picamera2."""
    import libcamera

    from tests.rig.shims import faults
    from tests.rig.shims.allocator import MemoryAllocator

    camera, request = module.Picamera2, module.CompletedRequest
    module.DmaAllocator = MemoryAllocator
    raw_modes, make_requests, release = camera._get_raw_modes, camera._make_requests, request.release
    metadata = request.get_metadata

    def modes(self: Any) -> Any:
        if self.camera.generate_configuration([libcamera.StreamRole.Raw]) is not None:
            return raw_modes(self)
        only = self.camera.generate_configuration([libcamera.StreamRole.VideoRecording]).at(0)
        return [{"format": str(only.pixel_format), "size": (only.size.width, only.size.height)}]

    def paced(self: Any) -> Iterator[Any]:
        for made in make_requests(self):
            _tick(self)
            yield made

    def give_back(self: Any) -> None:
        if self.ref_count == 1 and self.picam2.started and self.stop_count == self.picam2.stop_count:
            _tick(self.picam2)
        release(self)

    def exposed(self: Any) -> Any:
        said = EXPOSED if self.picam2.camera.id.endswith(EXPOSED_CAMERA) else {}
        return metadata(self) | said

    camera._get_raw_modes, camera._make_requests, request.release, request.get_metadata = modes, paced, give_back, exposed
    faults.arm(module)


def _tick(camera: Any) -> None:
    """Waits until the next picture is due."""
    limits = camera.camera_config["controls"].get("FrameDurationLimits", (40_000, 40_000)) if camera.camera_config else (40_000, 40_000)
    due_s = max(getattr(camera, "_rig_due_s", 0.0), time.monotonic() - 0.001)
    time.sleep(max(0.0, due_s - time.monotonic()))
    camera._rig_due_s = due_s + limits[0] / 1e6


class _Finder(importlib.abc.MetaPathFinder):
    """Patches one module when it is imported."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != "picamera2.picamera2":
            return None
        sys.meta_path.remove(self)
        _stub_what_nothing_here_uses()
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        run = spec.loader.exec_module

        def run_and_patch(module: types.ModuleType) -> None:
            run(module)
            _patch(module)

        spec.loader.exec_module = run_and_patch  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, _Finder())
