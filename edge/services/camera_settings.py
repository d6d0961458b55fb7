"""From a camera's table in node.toml to what its capture worker is told."""

from __future__ import annotations

from pathlib import Path

from edge.config.model import Camera
from edge.config.secrets import read_credentials
from edge.messages.stream import CameraSettings
from edge.ring.layout import NodeFolders


def settings_of(camera: Camera, folders: NodeFolders) -> CameraSettings:
    """Masks go to the worker only where it burns them in. Raises ConfigError for an unusable secrets file."""
    options = dict(camera.options)
    if camera.secrets:
        options["user"], options["password"] = read_credentials(Path(camera.secrets), f"camera {camera.id}: secrets")
    return CameraSettings(
        id=camera.id,
        source=camera.source,
        width=camera.width,
        height=camera.height,
        fps=camera.fps,
        bitrate_kbps=camera.bitrate_kbps,
        gop_s=camera.gop_s,
        encoder=camera.encoder,
        preset=camera.preset,
        luma_source=camera.luma_source if camera.motion else "",
        luma_width=camera.luma_width,
        luma_height=camera.luma_height,
        luma_fps=camera.luma_fps,
        luma_path=str(folders.run(camera.id) / "luma") if camera.motion else "",
        masks=[] if camera.masks_in_camera else camera.masks,
        transcode=camera.transcode,
        options=options,
    )
