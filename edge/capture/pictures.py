"""Single pictures out of a video file, and a sheet of them as PNG. Needs PyAV and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from edge.errors import IntegrityError

_GAP_PIXELS = 4


def frames_at(video: Path, times_s: Sequence[float]) -> list[av.VideoFrame]:
    """The pictures shown at these seconds from the file's start, in the order asked; behind the end, the last picture.

    Raises IntegrityError when the file cannot be read or has no pictures.
    """
    try:
        with av.open(str(video)) as container:
            stream = container.streams.video[0]
            return [_frame_at(container, stream, time_s) for time_s in times_s]
    except (av.error.FFmpegError, IndexError) as broken:
        raise IntegrityError(f"{video.name} cannot be shown: {broken}") from broken


def evenly(video: Path, count: int) -> list[float]:
    """`count` seconds spread over the file: the middle of each of as many parts. Raises IntegrityError as `frames_at` does."""
    try:
        with av.open(str(video)) as container:
            length_s = (container.duration or 0) / av.time_base
    except av.error.FFmpegError as broken:
        raise IntegrityError(f"{video.name} cannot be shown: {broken}") from broken
    return [length_s * (place + 0.5) / count for place in range(count)]


def contact_sheet(video: Path, picture: Path, *, columns: int = 4, rows: int = 3, width: int = 320) -> None:
    """Write a PNG of columns x rows pictures, evenly spread over the file; `width`: of one of them in pixels."""
    frames = frames_at(video, evenly(video, columns * rows))
    height = round(width * frames[0].height / frames[0].width / 2) * 2
    scaler = VideoReformatter()
    stride = columns * (width + _GAP_PIXELS) + _GAP_PIXELS
    sheet = bytearray(3 * stride * (rows * (height + _GAP_PIXELS) + _GAP_PIXELS))
    for place, frame in enumerate(frames):
        tile = scaler.reformat(frame, width, height, "rgb24").planes[0]
        pixels, step = memoryview(tile), tile.line_size
        left = _GAP_PIXELS + place % columns * (width + _GAP_PIXELS)
        top = _GAP_PIXELS + place // columns * (height + _GAP_PIXELS)
        for row in range(height):
            start = 3 * ((top + row) * stride + left)
            sheet[start : start + 3 * width] = pixels[row * step : row * step + 3 * width]
    picture.write_bytes(png(sheet, stride, len(sheet) // 3 // stride))


def png(pixels: bytes | bytearray, width: int, height: int) -> bytes:
    """`pixels`: RGB, three bytes each, row by row."""
    frame = av.VideoFrame(width, height, "rgb24")
    plane = frame.planes[0]
    margin = bytes(plane.line_size - 3 * width)
    plane.update(b"".join(bytes(pixels[row * 3 * width : (row + 1) * 3 * width]) + margin for row in range(height)))
    context = av.CodecContext.create("png", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt, context.time_base = width, height, "rgb24", Fraction(1)
    frame.pts = 0
    return b"".join(bytes(packet) for packet in (*context.encode(frame), *context.encode(None)))


def _frame_at(container: InputContainer, stream: VideoStream, time_s: float) -> av.VideoFrame:
    begin_s = float((stream.start_time or 0) * (stream.time_base or 0))
    container.seek(max(0, int((begin_s + time_s) / (stream.time_base or 1))), stream=stream)
    shown: av.VideoFrame | None = None
    for frame in container.decode(stream):
        if shown is not None and frame.time is not None and frame.time > begin_s + time_s + 1e-6:
            return shown
        shown = frame
    if shown is None:
        raise IntegrityError(f"no picture at {time_s:g} s")
    return shown
