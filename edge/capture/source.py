"""The port every camera adapter implements, and the contract that tests/contract/test_sources.py checks for all of them.

A source is made by `catalog.open_source(settings)`, used by one thread, and closed by that thread.

1. `open()` connects or starts the camera within 10 s and returns StreamInfo with epoch 0 and the parameter sets. TryAgain when it cannot
   now (busy; CameraUnreachable when the network is in the way), ConfigError when it never can (wrong options, wrong password).
2. `read(timeout_s)` returns the next Packet, a Picture, or None when nothing came in time. It never blocks beyond timeout_s + 1 s. TryAgain
   when the stream broke; EndOfStream when a replayed file is over.
3. The first Packet is a key frame (IDR) with parameter sets in front; each later key frame too. Data is Annex-B, one access unit, no access
   unit delimiters needed. Audio is dropped.
4. seq counts from 0 without holes. dts strictly increases; pts >= dts. boot_ns never decreases.
5. Pictures are the luma plane at the size asked in settings.luma_*, at most luma_fps a second, only where settings.luma_path is set.
6. A parameter change mid-stream arrives in-band with the key frame it belongs to; the source goes on.
7. `close()` may be called at any time, twice, and after a failure; it frees the device.
8. With settings.masks no picture leaves the source, in a Packet or as a Picture, that is not masked; StreamInfo.masks_sha256 says so. A
   source that cannot mask raises ConfigError in open() or read() and gives nothing.
9. `dropped` counts pictures left out because nobody took them in time; `note` says what was corrected in the stream, "" where nothing was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from edge.errors import EdgeError, TryAgain
from edge.messages.stream import Packet, StreamInfo
from edge.window.luma import UNKNOWN, Exposure


class EndOfStream(EdgeError):
    """A file that does not loop has ended."""


class CameraUnreachable(TryAgain):
    """A network camera does not answer, or its connection broke."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A luma picture for the watcher: `luma` is height x width bytes, row by row."""

    boot_ns: int
    width: int
    height: int
    luma: bytes | memoryview
    exposure: Exposure = UNKNOWN


class Source(Protocol):
    @property
    def dropped(self) -> int: ...

    @property
    def note(self) -> str: ...

    def open(self) -> StreamInfo: ...

    def read(self, timeout_s: float) -> Packet | Picture | None: ...

    def close(self) -> None: ...
