"""The units of a video file, pass after pass with continuous time stamps: copied where their form allows it, else encoded anew."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.video.stream import VideoStream

from edge.bmff import nal
from edge.bmff.params import parameter_sets
from edge.capture.access import has_picture, is_key
from edge.capture.darkroom import Darkroom
from edge.capture.encoder import frame_period_ns
from edge.capture.timestamps import Unit
from edge.clock import NS_PER_S
from edge.errors import ConfigError, TryAgain
from edge.messages.stream import CameraSettings, Codec

CODECS: dict[str, Codec] = {"h264": "h264", "hevc": "h265"}
LONGEST_GOP_S = 5.0
"""Longer ones are no use as fragments of a recording."""
PROBED_S = 20.0
_FILTERS: dict[Codec, str] = {"h264": "h264_mp4toannexb", "h265": "hevc_mp4toannexb"}

Units = Generator[Unit, None, None]


@dataclass
class Reel:
    """An opened file. how: "copied" or the encoder's name. masks_sha256: of what is burnt in. units: endless when it loops; may raise
    TryAgain, and ConfigError for pictures that cannot be masked."""

    codec: Codec
    width: int
    height: int
    fps: float
    parameter_sets: bytes
    how: str
    masks_sha256: str
    units: Units

    def close(self) -> None:
        self.units.close()


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the file's first seconds say. copied: its codec, where its units can be taken as they are."""

    width: int
    height: int
    fps: float
    copied: Codec | None
    sets: bytes


def open_reel(path: str, loop: bool, settings: CameraSettings) -> Reel:
    """Raises TryAgain when there is no such file now, ConfigError when it is no video."""
    shape = _probe(path, settings.fps)
    if shape.copied and not settings.masks and not settings.transcode:
        units = _copied(path, shape.copied, shape.fps, loop)
        return Reel(shape.copied, shape.width, shape.height, shape.fps, shape.sets, "copied", "", units)
    room = Darkroom(settings, shape.width, shape.height, shape.fps, watched=False)
    encoder, units = room.encoder, _encoded(path, room, shape.fps, loop)
    return Reel(encoder.codec, room.width, room.height, shape.fps, encoder.parameter_sets, encoder.name, room.masks_sha256, units)


def _open(path: str) -> tuple[InputContainer, VideoStream]:
    name = Path(path).name
    try:
        container = av.open(f"file:{path}")
    except (av.error.InvalidDataError, av.error.IsADirectoryError) as broken:
        raise ConfigError(f"file {name} is no video: {broken.strerror}") from broken
    except av.error.FFmpegError as refused:
        raise TryAgain(f"file {name} cannot be opened: {refused.strerror}") from refused
    if not container.streams.video:
        container.close()
        raise ConfigError(f"file {name} has no video stream")
    stream = container.streams.video[0]
    stream.thread_type = "NONE"
    return container, stream


def _probe(path: str, assumed_fps: float) -> _Shape:
    container, stream = _open(path)
    with container:
        context = stream.codec_context
        rate = stream.average_rate or stream.guessed_rate
        fps = float(rate) if rate and 0.5 <= rate <= 240 else assumed_fps
        codec = CODECS.get(context.name)
        sets = _usable(container, stream, codec, fps) if codec else None
        size = sets[1] if sets else (context.width, context.height)
    if min(size) < 2:
        raise ConfigError(f"file {Path(path).name} has no picture size")
    return _Shape(size[0], size[1], fps, codec if sets else None, sets[0] if sets else b"")


def _usable(container: InputContainer, stream: VideoStream, codec: Codec, fps: float) -> tuple[bytes, tuple[int, int]] | None:
    """Parameter sets and picture size where the first seconds can be cut at key frames often enough; None where they cannot."""
    found: tuple[bytes, tuple[int, int]] | None = None
    since_key = longest = 0
    for seen, packet in enumerate(_annexb(container, stream, codec)):
        data = bytes(packet)
        if packet.is_keyframe and is_key(codec, data):
            sets = parameter_sets(codec, nal.split(data)) or parameter_sets(codec, nal.split(stream.codec_context.extradata or b""))
            size = sets.size() if sets else None
            if found is None and sets is not None and size is not None:
                found = sets.annexb(), size
            since_key = 0
        since_key += 1
        longest = max(longest, since_key)
        if seen > PROBED_S * fps:
            break
    return found if longest <= LONGEST_GOP_S * fps else None


def _annexb(container: InputContainer, stream: VideoStream, codec: Codec) -> Iterator[av.Packet[Any]]:
    """Packets with start codes; those of MP4 and Matroska have lengths instead. Adds parameter sets to key frames."""
    start_codes = BitStreamFilterContext(_FILTERS[codec], stream)
    for packet in container.demux(stream):
        if packet.size:
            yield from start_codes.filter(packet)
    yield from start_codes.filter(None)


def _untouched(container: InputContainer, stream: VideoStream, codec: Codec) -> Iterator[tuple[av.Packet[Any], bytes]]:
    """Packets and their bytes with start codes, nothing added (libav's filter for H.265 doubles parameter sets that are there)."""
    if _length_bytes(codec, stream.codec_context.extradata or b"") != 4:
        for packet in _annexb(container, stream, codec):
            yield packet, bytes(packet)
        return
    for packet in container.demux(stream):
        nals = nal.stored(memoryview(packet))
        if nals is None:
            raise TryAgain(f"a picture at {packet.dts} is damaged")
        if nals:
            yield packet, b"".join(part for each in nals for part in (nal.START_CODE, each))


def _length_bytes(codec: Codec, configuration: bytes) -> int:
    """Size of the lengths in front of NAL units by avcC or hvcC (ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1); 0: start codes."""
    place = 4 if codec == "h264" else 21
    return (configuration[place] & 3) + 1 if len(configuration) > place and configuration[0] == 1 else 0


def _copied(path: str, codec: Codec, fps: float, loop: bool) -> Units:
    period_ns = frame_period_ns(fps)
    begin_ns = count = 0
    while True:
        before, first_ns, last_ns = count, None, begin_ns
        container, stream = _open(path)
        with container, _broken(path):
            for packet, data in _untouched(container, stream, codec):
                dts_ns, pts_ns = _ns(packet.dts, packet.time_base), _ns(packet.pts, packet.time_base)
                if dts_ns is None:
                    pts_ns = None
                else:
                    first_ns = dts_ns if first_ns is None else first_ns
                    shift_ns = begin_ns - first_ns
                    dts_ns += shift_ns
                    pts_ns = pts_ns + shift_ns if pts_ns is not None else None
                    last_ns = max(last_ns, dts_ns)
                yield Unit(pts_ns, dts_ns, count * period_ns, packet.is_keyframe, has_picture(codec, data), data)
                count += 1
        begin_ns = last_ns + period_ns
        if not loop or count == before:
            return


def _encoded(path: str, room: Darkroom, fps: float, loop: bool) -> Units:
    period_ns = frame_period_ns(fps)
    number = -1
    while True:
        before = number
        first_s: float | None = None
        container, stream = _open(path)
        with container, _broken(path):
            for frame in container.decode(stream):
                at_s = frame.time or 0.0
                first_s = at_s if first_s is None else first_s
                number = max(number + 1, before + 1 + round((at_s - first_s) * fps))
                for unit in room.take(frame, number * period_ns, number * period_ns):
                    if isinstance(unit, Unit):
                        yield unit
        if not loop or number == before:
            return


def _ns(stamp: int | None, time_base: Fraction | None) -> int | None:
    return round(stamp * time_base * NS_PER_S) if stamp is not None and time_base is not None else None


@contextmanager
def _broken(path: str) -> Iterator[None]:
    try:
        yield
    except av.error.FFmpegError as broken:
        raise TryAgain(f"file {Path(path).name} broke off: {broken.strerror}") from broken
