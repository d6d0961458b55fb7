"""Small encoded videos whose pictures know their own number: input for every test that needs real access units.

Each picture carries its number as a row of black and white blocks (`CODE_BITS` bits, least significant first) at the top left,
which survives any encoding and can be read back by `frame_number` from a luma plane, or in a browser from a canvas.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from edge.messages.stream import Codec, Packet, StreamInfo

CODE_BITS = 16
BLOCK_PIXELS = 16
WIDTH, HEIGHT = 320, 180
NS_PER_S = 1_000_000_000
START_OF_CODE = b"\0\0\0\1"


def encode(
    codec: Codec = "h264",
    frames: int = 50,
    fps: int = 25,
    b_frames: int = 0,
    gop: int = 25,
    *,
    width: int = WIDTH,
    height: int = HEIGHT,
    first_number: int = 0,
    boot_ns: int = 100 * NS_PER_S,
    epoch: int = 0,
    first_seq: int = 0,
    bitrate_kbps: int | None = None,
) -> list[Packet]:
    """Access units in decoding order, as a capture worker hands them over: Annex-B, closed GOPs of `gop` pictures, parameter sets in
    front of each key frame. dts_ns begins at 0; with B-frames the first pts_ns is the reordering delay. Picture number n (burnt in:
    first_number + n) has boot_ns = boot_ns + n / fps. Results are cached: the same arguments give the same packets."""
    made = _encode(codec, frames, fps, b_frames, gop, width, height, first_number, bitrate_kbps)
    step_ns = NS_PER_S // fps
    return [
        Packet(
            epoch=epoch,
            seq=first_seq + position,
            key=key,
            pts_ns=(pts - made[0][1]) * step_ns,
            dts_ns=(dts - made[0][1]) * step_ns,
            duration_ns=step_ns,
            boot_ns=boot_ns + pts * step_ns,
            data=data,
        )
        for position, (pts, dts, key, data) in enumerate(made)
    ]


def gops(packets: list[Packet]) -> list[list[Packet]]:
    """Groups that begin with a key frame each."""
    groups: list[list[Packet]] = []
    for packet in packets:
        if packet.key:
            groups.append([])
        groups[-1].append(packet)
    return groups


def stream_info(packets: list[Packet], codec: Codec = "h264", width: int = WIDTH, height: int = HEIGHT, fps: float = 25.0) -> StreamInfo:
    """What would open the epoch of these packets; the parameter sets are those in front of the first key frame."""
    sets = [nal for nal in packets[0].data.split(b"\0\0\1") if nal and _kind(codec, nal[0]) in _PARAMETER_SETS[codec]]
    return StreamInfo(
        epoch=packets[0].epoch,
        codec=codec,
        width=width,
        height=height,
        fps=fps,
        parameter_sets=b"".join(START_OF_CODE + nal.rstrip(b"\0") for nal in sets),
        sensor_time=True,
        source_name=f"test pictures {width}x{height} {codec}",
    )


def picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """YUV 4:2:0 planes one above the other ((height * 3 / 2) x width): a moving ramp under the number's blocks."""
    rows = np.arange(height, dtype=np.uint16)[:, None]
    columns = np.arange(width, dtype=np.uint16)[None, :]
    planes = np.full((height * 3 // 2, width), 128, dtype=np.uint8)
    planes[:height] = (((rows + columns + number * 3) & 0x7F) + 48).astype(np.uint8)
    for bit in range(CODE_BITS):
        level = 235 if number >> bit & 1 else 16
        planes[:BLOCK_PIXELS, bit * BLOCK_PIXELS : (bit + 1) * BLOCK_PIXELS] = level
    return planes


def frame_number(luma: NDArray[np.uint8]) -> int:
    """The number burnt into a decoded picture; `luma` is height x width."""
    middle = BLOCK_PIXELS // 2
    return sum(1 << bit for bit in range(CODE_BITS) if luma[middle, bit * BLOCK_PIXELS + middle] > 125)


def luma_of(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """The luma plane of a decoded yuv420p picture, height x width."""
    planes = np.asarray(frame.to_ndarray(format="yuv420p"), dtype=np.uint8)
    return planes[: frame.height]


_PARAMETER_SETS: dict[Codec, tuple[int, ...]] = {"h264": (7, 8), "h265": (32, 33, 34)}


def _kind(codec: Codec, first_byte: int) -> int:
    return first_byte & 0x1F if codec == "h264" else first_byte >> 1 & 0x3F


@lru_cache(maxsize=32)
def _encode(
    codec: Codec, frames: int, fps: int, b_frames: int, gop: int, width: int, height: int, first_number: int, bitrate_kbps: int | None
) -> list[tuple[int, int, bool, bytes]]:
    """(pts, dts in pictures, key, data) in decoding order."""
    context = _encoder(codec, fps, b_frames, gop, width, height, bitrate_kbps)
    packets: list[av.Packet[Any]] = []
    for position in range(frames):
        frame = av.VideoFrame.from_ndarray(picture(first_number + position, width, height), format="yuv420p")
        frame.pts = position
        frame.time_base = Fraction(1, fps)
        packets += context.encode(frame)
    packets += context.encode(None)
    made = []
    for packet in packets:
        assert packet.pts is not None
        assert packet.dts is not None
        assert packet.time_base == Fraction(1, fps)
        made.append((packet.pts, packet.dts, bool(packet.is_keyframe), bytes(packet)))
    assert len(made) == frames
    return made


def _encoder(codec: Codec, fps: int, b_frames: int, gop: int, width: int, height: int, bitrate_kbps: int | None) -> VideoCodecContext:
    name = "libx264" if codec == "h264" else "libx265"
    context = av.CodecContext.create(name, "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base = Fraction(1, fps)
    context.framerate = Fraction(fps, 1)
    context.thread_count = 1
    common = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes={b_frames}:b-adapt=0:open-gop=0:repeat-headers=1"
    if bitrate_kbps is not None:
        common += f":bitrate={bitrate_kbps}:vbv-maxrate={bitrate_kbps}:vbv-bufsize={bitrate_kbps}"
    if codec == "h264":
        context.options = {"preset": "ultrafast", "x264-params": common}
    else:
        context.options = {"preset": "ultrafast", "x265-params": common + ":log-level=none:pools=none:frame-threads=1"}
    return context
