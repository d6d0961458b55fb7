"""Video files made of given access units, written by PyAV: input for the file adapter and for tools that read files."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

from edge.messages.stream import Codec, Packet
from tests.support import video

MILLISECOND = Fraction(1, 90_000)


def write_film(path: Path, packets: Sequence[Packet], codec: Codec = "h264") -> Path:
    """An MP4 (or what the suffix says) with exactly these access units."""
    source = path.with_suffix(".annexb")
    source.write_bytes(b"".join(packet.data for packet in packets))
    with av.open(str(source), format="h264" if codec == "h264" else "hevc") as raw, av.open(str(path), "w") as film:
        stream = film.add_stream_from_template(raw.streams.video[0])
        stream.time_base = MILLISECOND
        for packet in packets:
            unit = av.Packet(packet.data)
            unit.stream = stream
            unit.time_base = MILLISECOND
            unit.pts, unit.dts = packet.pts_ns * 9 // 100_000, packet.dts_ns * 9 // 100_000
            unit.duration = packet.duration_ns * 9 // 100_000
            unit.is_keyframe = packet.key
            film.mux(unit)
    source.unlink()
    return path


def film_of(path: Path, codec: Codec = "h264", frames: int = 75, *, gop: int = 25, b_frames: int = 0) -> Path:
    return write_film(path, video.encode(codec, frames, gop=gop, b_frames=b_frames), codec)
