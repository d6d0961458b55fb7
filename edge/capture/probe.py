"""What this board can do, and the profile it should have. Every trial of a library that may crash or hang runs in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from edge.capture.board import Board, Device, look
from edge.capture.encoder import HARDWARE
from edge.capture.supervise import worker_environment
from edge.capture.trial import Tried, best_of
from edge.config import hardware
from edge.config.endurance import Endurance, advice, endurance
from edge.config.model import Camera
from edge.errors import ConfigError, TryAgain

if TYPE_CHECKING:
    from edge.capture.v4l2_device import Control, Format

CHILD_S = 20.0
_CAMERAS = "import json; from picamera2 import Picamera2; print(json.dumps(Picamera2.global_camera_info()))"
_ENCODER = (
    "import sys; from edge.capture.encoder import Quality, open_encoder;"
    "print(open_encoder(sys.argv[1], Quality(*map(int, sys.argv[2:4]), float(sys.argv[4]), int(sys.argv[5]), 1.0)).name)"
)
_PRESETS = (
    "import sys, json; from dataclasses import asdict;"
    "from edge.capture.encoder import Quality; from edge.capture.trial import try_presets;"
    "q = Quality(*map(int, sys.argv[1:3]), float(sys.argv[3]), int(sys.argv[4]), 1.0); print(json.dumps(list(map(asdict, try_presets(q)))))"
)


@dataclass(frozen=True, slots=True)
class EncoderTrial:
    name: str
    works: bool
    text: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A camera under /dev/video*. name: for node.toml."""

    name: str
    device: Device
    formats: list[Format]
    controls: list[Control]


@dataclass(frozen=True, slots=True)
class Findings:
    """cameras: of libcamera (picamera2's words), None where picamera2 is not there. offers: of V4L2. presets: of libx264 for the profile's
    camera."""

    board: Board
    cameras: list[dict[str, Any]] | None
    offers: list[Offer]
    encoders: list[EncoderTrial]
    presets: list[Tried]
    profile: str
    preset: str
    encoder: str
    storage: Endurance
    advice: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> list[str]:
        """For node.toml."""
        return [
            "[node]",
            f'hw = "{self.profile}"',
            "",
            "[[camera]]",
            f'encoder = "{self.encoder}"',
            *([f'preset = "{self.preset}"'] if self.encoder == "libx264" else []),
        ]


def probe(name: str | None, minimum_days: float) -> Findings:
    """name: of a profile; None: the one that fits. Takes some seconds. Raises ConfigProblems for an unknown profile."""
    board = look()
    cameras = _cameras()
    sensors = [str(each.get("Model", "")).lower() for each in cameras or []]
    profile = name or board.profile(sensors)
    known = hardware.profile(profile)
    camera = camera_of(known)
    quality = [str(camera.width), str(camera.height), str(camera.fps), str(camera.bitrate_kbps)]
    encoders = [_try_encoder(each, quality) for each in (*HARDWARE, "nvenc-h265")]
    presets = _presets(quality)
    hardware_encoder = next((each.name for each in encoders if each.works), "")
    storage = known.storage or hardware.Storage(medium="ssd", size_gb=1, rated_tb=1)
    lasts = endurance([camera], storage)
    return Findings(
        board=board,
        cameras=cameras,
        offers=_offers(board.devices),
        encoders=encoders,
        presets=presets,
        profile=profile,
        preset=best_of(presets),
        encoder=hardware_encoder or "libx264",
        storage=lasts,
        advice=[*advice(lasts, storage, minimum_days), *_warnings(board, presets, hardware_encoder)],
    )


def camera_of(profile: hardware.Profile) -> Camera:
    """One camera as the profile has it."""
    given = {"id": "camera", "source": "synthetic:"} | profile.defaults.get("camera", {})
    return Camera(**{name: value for name, value in given.items() if name != "options"})


def _warnings(board: Board, presets: list[Tried], hardware_encoder: str) -> list[str]:
    told = []
    if presets and not presets[0].enough and not hardware_encoder:
        told.append(f"libx264 ultrafast makes {presets[0].fps:.0f} pictures a second, too few: lower width, height or fps")
    if board.model.startswith("Raspberry Pi") and board.cma_mb < 256:
        told.append(f"CMA is {board.cma_mb} MB: two cameras want 320, dtoverlay=vc4-kms-v3d,cma-320 in config.txt")
    return told


def _offers(devices: list[Device]) -> list[Offer]:
    """Without what gives no pictures: codecs, a camera's device for metadata, one that is gone or not ours to open."""
    found: list[Offer] = []
    if not devices:
        return found
    try:
        from edge.capture.v4l2_device import controls, formats, opened
    except ModuleNotFoundError as missing:
        raise ConfigError(f"looking at USB cameras needs the Python package {missing.name}") from missing
    for device in devices:
        with suppress(ConfigError, TryAgain), opened(device.device) as descriptor:
            found.append(Offer(f"v4l2:{device.stable or device.device}", device, formats(descriptor), controls(descriptor)))
    return found


def _child(code: str, *words: str) -> tuple[bool, str]:
    """(it ended well, its last line)."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=CHILD_S, check=False, env=worker_environment()
        )
    except subprocess.TimeoutExpired:
        return False, f"no answer in {CHILD_S:g} s"
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    return done.returncode == 0, lines[-1] if lines else f"it ended with {done.returncode}"


def _cameras() -> list[dict[str, Any]] | None:
    well, text = _child(_CAMERAS)
    return json.loads(text) if well else None


def _try_encoder(name: str, quality: list[str]) -> EncoderTrial:
    well, text = _child(_ENCODER, name, *quality)
    return EncoderTrial(name, well, text.rpartition("ConfigError: ")[2])


def _presets(quality: list[str]) -> list[Tried]:
    well, text = _child(_PRESETS, *quality)
    return [Tried(**each) for each in json.loads(text)] if well else []
