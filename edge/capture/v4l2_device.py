"""What a camera under /dev/video* offers, and its controls: by ioctl (Linux, userspace-api/media/v4l), in videodev2's structures.

Streaming is not started: a camera that is being recorded is not disturbed.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import videodev2

from edge.errors import ConfigError, TryAgain

_NEXT = 0x80000000
"""V4L2_CTRL_FLAG_NEXT_CTRL: the control behind this id."""
_DISABLED, _READ_ONLY, _INACTIVE = 0x0001, 0x0004, 0x0010
_KINDS = {1: "integer", 2: "boolean", 3: "menu", 9: "integer menu"}
"""V4L2_CTRL_TYPE_* that are set by a number."""
_MOST = 256
"""A driver that never ends its lists is cut short."""


class _FrameSizes(ctypes.Structure):
    """struct v4l2_frmsizeenum, which videodev2 leaves out."""

    class _Which(ctypes.Union):
        _fields_ = (("discrete", videodev2.v4l2_frmsize_discrete), ("stepwise", videodev2.v4l2_frmsize_stepwise))

    _anonymous_ = ("which",)
    _fields_ = (
        ("index", ctypes.c_uint32),
        ("pixel_format", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("which", _Which),
        ("reserved", ctypes.c_uint32 * 2),
    )


class _FrameIntervals(ctypes.Structure):
    """struct v4l2_frmivalenum."""

    class _Which(ctypes.Union):
        _fields_ = (("discrete", videodev2.v4l2_fract), ("stepwise", videodev2.v4l2_frmival_stepwise))

    _anonymous_ = ("which",)
    _fields_ = (
        ("index", ctypes.c_uint32),
        ("pixel_format", ctypes.c_uint32),
        ("width", ctypes.c_uint32),
        ("height", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("which", _Which),
        ("reserved", ctypes.c_uint32 * 2),
    )


def _both_ways(number: int, words: type[ctypes.Structure]) -> int:
    """_IOWR('V', number, struct), asm-generic/ioctl.h."""
    return 3 << 30 | ctypes.sizeof(words) << 16 | ord("V") << 8 | number


_ENUM_FRAMESIZES = _both_ways(74, _FrameSizes)
_ENUM_FRAMEINTERVALS = _both_ways(75, _FrameIntervals)


@dataclass(frozen=True, slots=True)
class Size:
    """rates: pictures a second, the most first; empty where the driver does not say."""

    width: int
    height: int
    rates: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Format:
    """fourcc: as v4l2-ctl prints it. sizes: discrete ones, or the smallest and the largest."""

    fourcc: str
    text: str
    sizes: tuple[Size, ...]

    def __str__(self) -> str:
        """With the largest size and its rate."""
        if not self.sizes:
            return self.fourcc
        most = max(self.sizes, key=lambda size: size.width * size.height)
        return f"{self.fourcc} {most.width}x{most.height}" + (f" {most.rates[0]:g}/s" if most.rates else "")


@dataclass(frozen=True, slots=True)
class Control:
    """name: as v4l2-ctl has it, such as power_line_frequency. held: another control decides its value now (automatic exposure)."""

    id: int
    name: str
    kind: str
    minimum: int
    maximum: int
    step: int
    default: int
    held: bool


@contextmanager
def opened(device: str) -> Iterator[int]:
    """Raises TryAgain where it is not there, ConfigError where it is no capture device."""
    try:
        descriptor = os.open(device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise TryAgain(f"{device} cannot be opened: {error.strerror}") from error
    try:
        capability = videodev2.v4l2_capability()
        if not _asked(descriptor, videodev2.VIDIOC_QUERYCAP, capability):
            raise ConfigError(f"{device} is no video device")
        if not capability.device_caps & videodev2.V4L2_CAP_VIDEO_CAPTURE:
            raise ConfigError(f"{device} gives no pictures", remedy="a camera has several devices: edge capture probe names the right one")
        yield descriptor
    finally:
        os.close(descriptor)


def formats(descriptor: int) -> list[Format]:
    found = []
    for index in range(_MOST):
        asked = videodev2.v4l2_fmtdesc(index=index, type=videodev2.V4L2_BUF_TYPE_VIDEO_CAPTURE)
        if not _asked(descriptor, videodev2.VIDIOC_ENUM_FMT, asked):
            break
        fourcc = int(asked.pixelformat).to_bytes(4, "little").decode("ascii", "replace").rstrip()
        found.append(Format(fourcc, _words(asked.description), tuple(_sizes(descriptor, asked.pixelformat))))
    return found


def controls(descriptor: int) -> list[Control]:
    """Those that a number sets, in the driver's order."""
    found, number = [], 0
    for _ in range(_MOST):
        asked = videodev2.v4l2_queryctrl(id=number | _NEXT)
        if not _asked(descriptor, videodev2.VIDIOC_QUERYCTRL, asked):
            break
        number = asked.id
        if asked.type in _KINDS and not asked.flags & (_DISABLED | _READ_ONLY):
            name = re.sub(r"[^a-z0-9]+", "_", _words(asked.name).lower()).strip("_")
            bounds = asked.minimum, asked.maximum, asked.step, asked.default_value
            found.append(Control(asked.id, name, _KINDS[asked.type], *bounds, held=bool(asked.flags & _INACTIVE)))
    return found


def value_of(descriptor: int, control: Control) -> int:
    asked = videodev2.v4l2_control(id=control.id)
    if not _asked(descriptor, videodev2.VIDIOC_G_CTRL, asked):
        raise TryAgain(f"control {control.name} cannot be read")
    return int(asked.value)


def set_controls(descriptor: int, device: str, wanted: Mapping[str, Any]) -> None:
    """In the order given: what switches an automatic off comes before what it held. Raises ConfigError, before anything is set where a
    name or a number cannot be right."""
    known = {control.name: control for control in controls(descriptor)}
    for name, value in wanted.items():
        _check(device, known, name, value)
    for name, value in wanted.items():
        if not _asked(descriptor, videodev2.VIDIOC_S_CTRL, videodev2.v4l2_control(id=known[name].id, value=int(value))):
            remedy = "another control decides it now: switch that one off first" if known[name].held else "leave it out"
            raise ConfigError(f"{device} does not take {name} = {value}", remedy=remedy)


def _check(device: str, known: Mapping[str, Control], name: str, value: object) -> None:
    control = known.get(name)
    if control is None:
        raise ConfigError(f"{device} has no control {name!r}", remedy=f"known: {', '.join(known) or 'none'}")
    step = max(1, control.step)
    if not isinstance(value, int) or not control.minimum <= value <= control.maximum or (value - control.minimum) % step:
        steps = f" in steps of {step}" if step > 1 else ""
        raise ConfigError(f"control {name} is {value!r}", remedy=f"use a whole number from {control.minimum} to {control.maximum}{steps}")


def _sizes(descriptor: int, fourcc: int) -> Iterator[Size]:
    for index in range(_MOST):
        asked = _FrameSizes(index=index, pixel_format=fourcc)
        if not _asked(descriptor, _ENUM_FRAMESIZES, asked):
            return
        if asked.type != videodev2.V4L2_FRMSIZE_TYPE_DISCRETE:
            steps = asked.stepwise
            for width, height in ((steps.min_width, steps.min_height), (steps.max_width, steps.max_height)):
                yield Size(width, height, tuple(_rates(descriptor, fourcc, width, height)))
            return
        width, height = asked.discrete.width, asked.discrete.height
        yield Size(width, height, tuple(_rates(descriptor, fourcc, width, height)))


def _rates(descriptor: int, fourcc: int, width: int, height: int) -> list[float]:
    found = []
    for index in range(_MOST):
        asked = _FrameIntervals(index=index, pixel_format=fourcc, width=width, height=height)
        if not _asked(descriptor, _ENUM_FRAMEINTERVALS, asked):
            break
        one = asked.type == videodev2.V4L2_FRMIVAL_TYPE_DISCRETE
        found += [each.denominator / each.numerator for each in ([asked.discrete] if one else [asked.stepwise.min, asked.stepwise.max])]
        if not one:
            break
    return sorted({round(rate, 2) for rate in found}, reverse=True)


def _asked(descriptor: int, request: int, words: ctypes.Structure) -> bool:
    """False where the driver says no. Raises TryAgain when the device is gone."""
    try:
        fcntl.ioctl(descriptor, request, words)
    except OSError as error:
        if error.errno == errno.ENODEV:
            raise TryAgain("the camera was unplugged") from error
        return False
    return True


def _words(text: Any) -> str:
    return bytes(text).split(b"\0")[0].decode("utf-8", "replace")
