"""Raspberry Pi cameras through picamera2: main and lores pictures, masked before anything else sees them, encoded in hardware where there
is an encoder (Pi 4 and older) and by libx264 elsewhere. Imports picamera2, in the capture worker only.

source: `picamera2:` and a number, an Id (or its end), or nothing where there is one camera. Options ([camera.options]): hflip, vflip,
tuning (file name), sensor_width, sensor_height, sensor_bits (the sensor's mode), buffers, focus ("auto", "manual"), lens (dioptres),
night, day_lux, night_lux, ir_cut (see daynight.py).

picamera2 does not tell when a thread of its own has died, and its calls may then wait for ever: what counts is that packets come. The
recorder replaces this process when they do not.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import av
import libcamera
import numpy as np
from picamera2 import MappedArray, Picamera2
from picamera2.outputs import Output

from edge.bmff import nal
from edge.bmff.params import parameter_sets
from edge.capture.access import Assembler, has_picture
from edge.capture.cma import cma_text
from edge.capture.darkroom import masks_of
from edge.capture.daynight import DayNight, exposure_of
from edge.capture.encoder import Quality, frame_period_ns
from edge.capture.luma import Pace, Shrinker
from edge.capture.options import boolean, number, only, text
from edge.capture.picamera_encoder import make_encoder
from edge.capture.pump import Pump
from edge.capture.source import Picture
from edge.capture.timestamps import Unit
from edge.errors import ConfigError, TryAgain
from edge.messages.stream import CameraSettings, Packet, StreamInfo

log = logging.getLogger(__name__)

FIRST_KEY_S = 6.0
CLOSE_S = 0.4
"""The kernel frees what a process leaves behind; a stack that hangs would only cost footage."""
LOOK_S = 0.2
PLANES = {"YUV420": "yuv420p", "NV12": "nv12"}
"""libcamera's formats that can be masked and encoded, by libav's names."""
_OPTIONS = [
    "hflip",
    "vflip",
    "tuning",
    "sensor_width",
    "sensor_height",
    "sensor_bits",
    "buffers",
    "focus",
    "lens",
    "night",
    "day_lux",
    "night_lux",
    "ir_cut",
]  # fmt: skip
_TROUBLES = (RuntimeError, OSError, IndexError, KeyError, ValueError, TypeError)
"""What picamera2 and libcamera raise where a camera is busy, gone or asked for what it has not."""


class PicameraSource:
    def __init__(self, settings: CameraSettings) -> None:
        options = settings.options
        only(options, _OPTIONS, "picamera2")
        self._settings = settings
        self._wanted = settings.source.partition(":")[2]
        self._masks = masks_of(settings)
        self._tuning = text(options, "tuning", "")
        self._buffers = int(number(options, "buffers", 6, 3, 12))
        self._flips = {"hflip": boolean(options, "hflip", False), "vflip": boolean(options, "vflip", False)}
        self._lens = number(options, "lens", 0.0, 0.0, 32.0) if text(options, "focus", "auto", ("auto", "manual")) == "manual" else None
        self._day_night = DayNight.of(options)
        self._pace = Pace(settings.luma_fps) if settings.luma_path else None
        self._shrinker = Shrinker(settings.luma_width, settings.luma_height)
        """Where libcamera gives another size than was asked for."""
        self._camera: Any = None
        self._assembler: Assembler | None = None
        self._pump = Pump("picamera2", self._watch)
        self._trouble: ConfigError | None = None
        self._first: Packet | None = None

    @property
    def dropped(self) -> int:
        return self._pump.dropped

    @property
    def note(self) -> str:
        return self._assembler.timeline.note if self._assembler is not None else ""

    def open(self) -> StreamInfo:
        settings = self._settings
        camera_id = self._choose()
        try:
            camera = self._camera = Picamera2(camera_id, tuning=Picamera2.load_tuning_file(self._tuning) if self._tuning else None)
            camera.configure(self._configuration(camera))
            shape = camera.camera_configuration()
        except _TROUBLES as error:
            raise TryAgain(f"the camera {self._wanted or camera_id} does not start: {error}; {cma_text()}") from error
        self._check(shape)
        quality = Quality(settings.width, settings.height, settings.fps, settings.bitrate_kbps, settings.gop_s, settings.preset)
        encoder, name = make_encoder(settings.encoder, quality)
        self._assembler = Assembler("h264", frame_period_ns(settings.fps), b"", _taken, merge=False)
        self._pump.start()
        camera.pre_callback = self._before
        try:
            camera.start_encoder(encoder, _Sink(encoder, self._assembler, self._pump), name="main")
            camera.start()
        except _TROUBLES as error:
            raise TryAgain(f"the camera {self._wanted or camera_id} does not start: {error}; {cma_text()}") from error
        first = self._first = self._pump.first_packet(FIRST_KEY_S, "the camera")
        log.info("camera %s: %s", settings.id, cma_text())
        return StreamInfo(
            epoch=0,
            codec="h264",
            width=settings.width,
            height=settings.height,
            fps=settings.fps,
            parameter_sets=_parameter_sets(first.data),
            sensor_time=True,
            source_name=f"picamera2 {camera.camera_properties.get('Model', '?')} {settings.width}x{settings.height} {name}",
            masks_sha256=self._masks.sha256 if self._masks is not None else "",
        )

    def read(self, timeout_s: float) -> Packet | Picture | None:
        if self._first is not None:
            packet, self._first = self._first, None
            return packet
        if self._camera is None:
            raise TryAgain("the camera is not open")
        return self._pump.get(timeout_s)

    def close(self) -> None:
        """Where picamera2 hangs, the process ends without it."""
        camera, self._camera, self._first = self._camera, None, None
        self._pump.stopping.set()
        if camera is not None:
            closing = threading.Thread(target=camera.close, name="picamera2-close", daemon=True)
            closing.start()
            closing.join(CLOSE_S)
            if closing.is_alive():
                log.warning("camera %s: picamera2 does not let go", self._settings.id)
        if self._day_night is not None:
            self._day_night.close()

    def _choose(self) -> int:
        """The camera's place in picamera2's list (not its "Num"); by Id, since places change with what is plugged in."""
        cameras: Sequence[Mapping[str, Any]] = Picamera2.global_camera_info()
        wanted = self._wanted
        found = [at for at, each in enumerate(cameras) if not wanted or wanted == str(at) or str(each["Id"]).endswith(wanted)]
        if len(found) == 1:
            return found[0]
        known = ", ".join(str(each["Id"]) for each in cameras) or "none"
        if len(found) > 1:
            raise ConfigError(f"source {self._settings.source} fits {len(found)} cameras", remedy=f"name one by its Id: {known}")
        raise TryAgain(f"no camera {wanted or ''} is connected; there are: {known}")

    def _configuration(self, camera: Any) -> Any:
        settings, options = self._settings, self._settings.options
        period_us = round(1e6 / settings.fps)
        controls: dict[str, Any] = {"FrameDurationLimits": (period_us, period_us)}
        if "AfMode" in camera.camera_controls:
            manual = {"AfMode": libcamera.controls.AfModeEnum.Manual, "LensPosition": self._lens}
            controls |= {"AfMode": libcamera.controls.AfModeEnum.Continuous} if self._lens is None else manual
        sensor = {}
        if "sensor_width" in options or "sensor_height" in options:
            size = int(number(options, "sensor_width", 0, 16, 16384)), int(number(options, "sensor_height", 0, 16, 16384))
            sensor = {"sensor": {"output_size": size, "bit_depth": int(number(options, "sensor_bits", 10, 8, 16))}}
        lores = {"lores": {"size": (settings.luma_width & ~1, settings.luma_height & ~1), "format": "YUV420"}} if self._pace else {}
        return camera.create_video_configuration(
            main={"size": (settings.width, settings.height), "format": "YUV420"},
            controls=controls,
            buffer_count=self._buffers,
            queue=False,
            transform=libcamera.Transform(**{name: int(value) for name, value in self._flips.items()}),
            **lores,
            **sensor,
        )

    def _check(self, shape: Mapping[str, Any]) -> None:
        """libcamera changes what it cannot do, silently."""
        size = self._settings.width, self._settings.height
        if tuple(shape["main"]["size"]) != size:
            raise ConfigError(f"the camera gives {shape['main']['size']} instead of {size}", remedy="set width and height to that")
        for name in ("main", "lores"):
            form = (shape.get(name) or {}).get("format", "YUV420")
            if form not in PLANES:
                raise ConfigError(f"the camera's {name} pictures are {form}: they can be neither masked nor encoded")

    def _watch(self, pump: Pump) -> None:
        """The pump's work: nothing but to say what picamera2 would swallow."""
        while not pump.stopping.wait(LOOK_S):
            if self._trouble is not None:
                raise self._trouble

    def _before(self, request: Any) -> None:
        """In picamera2's thread, before the encoder sees the picture. What is raised here ends that thread: nothing unmasked leaves."""
        try:
            self._burn(request)
        except ConfigError as error:
            self._trouble = error
            raise
        if self._pace is None:
            return
        metadata = request.get_metadata()
        boot_ns = boot_of(metadata["SensorTimestamp"])
        if self._pace.due(boot_ns):
            picture = replace(self._picture(request, boot_ns), exposure=exposure_of(metadata))
            self._pump.put(picture)
            if self._day_night is not None:
                self._day_night.see(picture.exposure.lux, picture.luma, boot_ns, self._camera)

    def _burn(self, request: Any) -> None:
        if self._masks is None:
            return
        for name in ("main", "lores") if self._pace is not None else ("main",):
            shape = request.config[name]
            width, height = shape["size"]
            with MappedArray(request, name) as mapped:
                self._masks.stencil(PLANES[shape["format"]], width, height).cover(planes(mapped.array, shape["format"], height))

    def _picture(self, request: Any, boot_ns: int) -> Picture:
        width, height = request.config["lores"]["size"]
        with MappedArray(request, "lores", write=False) as mapped:
            luma = np.ascontiguousarray(mapped.array[:height, :width])
        if (width, height) == (self._settings.luma_width, self._settings.luma_height):
            return Picture(boot_ns, width, height, luma.tobytes())
        return self._shrinker.shrink(av.VideoFrame.from_ndarray(luma, format="gray"), boot_ns)


class _Sink(Output):  # type: ignore[misc]
    """Access units, from the encoder's thread. Never waits: a slow output would throttle the camera."""

    def __init__(self, encoder: Any, assembler: Assembler, pump: Pump) -> None:
        super().__init__()
        self._encoder, self._assembler, self._pump = encoder, assembler, pump
        self._last_us = -1

    def outputframe(self, frame: Any, keyframe: bool = True, timestamp: int | None = None, packet: Any = None, audio: bool = False) -> None:
        """timestamp: microseconds after the encoder's first picture. One that does not advance shows an old picture again."""
        if timestamp is None or timestamp <= self._last_us:
            return
        self._last_us = timestamp
        at_ns = boot_of((self._encoder.firsttimestamp + timestamp) * 1000)
        data = bytes(frame)
        made = self._assembler.add(Unit(at_ns, at_ns, at_ns, keyframe, has_picture("h264", data), data))
        if made is not None:
            self._pump.put(made)


def planes(array: Any, form: str, height: int) -> list[Any]:
    """uint8[rows, bytes of a row] of each plane of picamera2's (height * 3 / 2) x stride array, as views."""
    luma, chroma = array[:height], array[height : height * 3 // 2]
    if form == "NV12":
        return [luma, chroma]
    quarter = chroma.shape[0] // 2
    half = array.shape[1] // 2
    return [luma, *(chroma[part * quarter : (part + 1) * quarter].reshape(-1, half) for part in (0, 1))]


def boot_of(sensor_ns: int) -> int:
    """libcamera's SensorTimestamp (CLOCK_MONOTONIC) as CLOCK_BOOTTIME."""
    return sensor_ns + time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def _taken(_dts_ns: int, arrival_ns: int) -> int:
    return arrival_ns


def _parameter_sets(key: bytes) -> bytes:
    sets = parameter_sets("h264", nal.split(key))
    return sets.annexb() if sets else b""
