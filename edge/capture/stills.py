"""Coded key frames in, small JPEGs out: `python -m edge.capture.stills [WIDTH]`, a process of low priority that is thrown away afterwards.

Footage may come from a camera that sends nonsense, and a native decoder may crash on it: then this process dies, alone. It reads no file
by name and writes none. stdin: for each picture its codec (u8), a length (u32) and an access unit in Annex-B form with parameter sets;
stdout: for each, in order and as soon as it is made, a length (u32, 0: it could not be decoded) and a JPEG. Exit code NO_DECODER where
PyAV is missing.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from struct import Struct
from typing import TYPE_CHECKING, BinaryIO

from edge.messages.stream import Codec

if TYPE_CHECKING:
    import av

NO_DECODER = 69
"""EX_UNAVAILABLE of sysexits.h."""
WIDTH = 320
"""Pixels, where none is asked for."""
LARGEST_UNIT_BYTES = 8 << 20
LARGEST_JPEG_BYTES = 64 << 10
_MOST_PIXELS = 4096 * 3072
_MEMORY_BYTES = 1 << 30
_CPU_S = 60
_QUALITY = 6
"""MJPEG's quantiser: about 10 KB a picture."""
_CODECS: tuple[Codec, ...] = ("h264", "h265")
_DECODERS = {"h264": "h264", "h265": "hevc"}
_QUESTION = Struct(">BI")
_ANSWER = Struct(">I")


@dataclass(frozen=True, slots=True)
class Coded:
    """unit: Annex B, decodable alone."""

    codec: Codec
    unit: bytes


def write_questions(pictures: Sequence[Coded]) -> bytes:
    """For the process's stdin. A picture that is too large is asked for as an empty one."""
    units = [(each.codec, each.unit if len(each.unit) <= LARGEST_UNIT_BYTES else b"") for each in pictures]
    return b"".join(_QUESTION.pack(_CODECS.index(codec), len(unit)) + unit for codec, unit in units)


def read_answers(data: bytes, count: int) -> list[bytes]:
    """What came out on stdout, `count` pictures; b"" for those that did not come whole. Never raises."""
    found: list[bytes] = []
    position = 0
    while len(found) < count and position + _ANSWER.size <= len(data):
        (length,) = _ANSWER.unpack_from(data, position)
        position += _ANSWER.size
        jpeg = data[position : position + length]
        if len(jpeg) != length or length > LARGEST_JPEG_BYTES:
            break
        found.append(jpeg)
        position += length
    return found + [b""] * (count - len(found))


def main() -> int:
    """Until stdin ends."""
    try:
        import av  # noqa: F401 - is it there?
    except ImportError:
        return NO_DECODER
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    width = int(sys.argv[1]) if len(sys.argv) > 1 else WIDTH
    for picture in _questions(sys.stdin.buffer):
        jpeg = _still(picture, width)
        sys.stdout.buffer.write(_ANSWER.pack(len(jpeg)) + jpeg)
        sys.stdout.buffer.flush()
    return 0


def _questions(source: BinaryIO) -> Iterator[Coded]:
    while len(head := source.read(_QUESTION.size)) == _QUESTION.size:
        codec, length = _QUESTION.unpack(head)
        yield Coded(_CODECS[codec], source.read(length))


def _still(picture: Coded, width: int) -> bytes:
    """At most `width` pixels wide, and less where it would be too large; b"" where it cannot be made."""
    import av

    try:
        frame = _frame(picture)
        if frame is None or frame.width * frame.height > _MOST_PIXELS:
            return b""
        while len(jpeg := _jpeg(frame, width)) > LARGEST_JPEG_BYTES and width > WIDTH:
            width = width * 3 // 4
    except (av.error.FFmpegError, ValueError, MemoryError):
        return b""
    return jpeg if len(jpeg) <= LARGEST_JPEG_BYTES else b""


def _frame(picture: Coded) -> av.VideoFrame | None:
    import av
    from av.video.codeccontext import VideoCodecContext

    decoder = av.CodecContext.create(_DECODERS[picture.codec], "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.thread_count = 1
    frames = [*decoder.decode(av.Packet(picture.unit)), *decoder.decode(None)]
    return frames[0] if frames else None


def _jpeg(frame: av.VideoFrame, width: int) -> bytes:
    import av
    from av.video.codeccontext import VideoCodecContext
    from av.video.reformatter import ColorRange, VideoReformatter

    width = min(width, frame.width) // 2 * 2
    height = max(2, round(width * frame.height / frame.width / 2) * 2)
    small = VideoReformatter().reformat(frame, width, height, "yuvj420p", dst_color_range=ColorRange.JPEG)
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = width, height, "yuvj420p", Fraction(1)
    encoder.qmin = encoder.qmax = _QUALITY
    encoder.thread_count = 1
    small.pts = 0
    return b"".join(bytes(packet) for packet in (*encoder.encode(small), *encoder.encode(None)))


if __name__ == "__main__":
    sys.exit(main())
