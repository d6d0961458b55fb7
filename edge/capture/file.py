"""Replays any video file as if it were a camera.

H.264 and H.265 with a usable key frame at least every 5 s are handed on bit by bit; anything else, and everything where masks are to be
burnt in or `transcode` is set, is decoded and encoded anew. The watcher's pictures are decoded from what is recorded. Options
([camera.options]): speed (1.0; 0: as fast as it is read), loop (true), luma ("all": everything is decoded for the watcher; "key": key
frames only).
"""

from __future__ import annotations

import time
from pathlib import Path

from edge.capture.access import Assembler
from edge.capture.encoder import frame_period_ns
from edge.capture.luma import LumaTap
from edge.capture.options import boolean, number, only, text
from edge.capture.reel import Reel, open_reel
from edge.capture.source import EndOfStream, Picture
from edge.clock import NS_PER_S
from edge.errors import TryAgain
from edge.messages.stream import CameraSettings, Packet, StreamInfo

ASLEEP_NS = 10 * NS_PER_S
"""Further behind than this the machine slept: a new start, with an explained gap, instead of a flood of old pictures."""
_OPTIONS = ("speed", "loop", "luma")


class FileSource:
    """A packet is handed over when it is due: at the first one's time + its dts / speed; boot_ns is that time."""

    def __init__(self, settings: CameraSettings) -> None:
        options = settings.options
        only(options, _OPTIONS, "file")
        self._settings = settings
        self._path = settings.source.partition(":")[2]
        self._speed = number(options, "speed", 1.0, 0.0, 1000.0)
        self._loop = boolean(options, "loop", True)
        self._keys_only = text(options, "luma", "all", ("all", "key")) == "key"
        self._reel: Reel | None = None
        self._assembler: Assembler | None = None
        self._tap: LumaTap | None = None
        self._next: Packet | None = None
        self._picture: Picture | None = None
        self._begin_ns = 0
        self.dropped = 0

    @property
    def note(self) -> str:
        return self._assembler.timeline.note if self._assembler is not None else ""

    def open(self) -> StreamInfo:
        settings = self._settings
        reel = self._reel = open_reel(self._path, self._loop, settings)
        self._assembler = Assembler(reel.codec, frame_period_ns(reel.fps), reel.parameter_sets, self._boot_of)
        if settings.luma_path:
            size = settings.luma_width, settings.luma_height
            self._tap = LumaTap(reel.codec, *size, settings.luma_fps, keys_only=self._keys_only)
        self._begin_ns = _boot_ns()
        self._next = self._assembled()
        return StreamInfo(
            epoch=0,
            codec=reel.codec,
            width=reel.width,
            height=reel.height,
            fps=reel.fps,
            parameter_sets=reel.parameter_sets,
            sensor_time=False,
            source_name=f"file {Path(self._path).name} {reel.width}x{reel.height} {reel.how}",
            masks_sha256=reel.masks_sha256,
        )

    def read(self, timeout_s: float) -> Packet | Picture | None:
        if self._picture is not None:
            picture, self._picture = self._picture, None
            return picture
        packet = self._next
        if packet is None:
            raise EndOfStream(f"file {Path(self._path).name} is over")
        if not self._wait(packet.boot_ns, timeout_s):
            return None
        self._next = self._assembled()
        if self._tap is not None:
            self._picture = self._tap.feed(packet)
        return packet

    def close(self) -> None:
        reel, self._reel, self._next, self._picture = self._reel, None, None, None
        if reel is not None:
            reel.close()

    def _assembled(self) -> Packet | None:
        """The next packet of the file; None behind the last one."""
        if self._reel is None or self._assembler is None:
            return None
        for unit in self._reel.units:
            packet = self._assembler.add(unit)
            if packet is not None:
                return packet
        return self._assembler.flush()

    def _boot_of(self, dts_ns: int, _arrival_ns: int) -> int:
        return self._begin_ns + round(dts_ns / self._speed) if self._speed else _boot_ns()

    def _wait(self, due_ns: int, timeout_s: float) -> bool:
        """Whether the time has come within the time-out."""
        wait_ns = due_ns - _boot_ns()
        if wait_ns < -ASLEEP_NS and self._speed:
            raise TryAgain(f"the replay is {-wait_ns / NS_PER_S:.0f} s behind: the machine or this process was halted")
        wait_s = max(0.0, wait_ns / NS_PER_S)
        time.sleep(min(wait_s, max(0.0, timeout_s)))
        return wait_s <= timeout_s


def _boot_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
