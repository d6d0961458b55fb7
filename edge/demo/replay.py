"""A short film for the second camera to replay: the synthetic street by night, written with the product's own fragments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from edge.bmff.fragment import Sample, Stamp, build_fragment, init_segment, ticks
from edge.bmff.nal import split
from edge.bmff.params import parameter_sets
from edge.capture.catalog import open_source
from edge.capture.source import EndOfStream, Source
from edge.errors import IntegrityError
from edge.messages.stream import CameraSettings, Packet

FILM_S = 24
_FPS = 25


def make_film(path: Path) -> None:
    """Draws and encodes as fast as the machine can; the file appears under its name when it is whole."""
    settings = CameraSettings(
        id="film",
        source="synthetic:",
        width=960,
        height=540,
        fps=_FPS,
        bitrate_kbps=1500,
        options={"seed": 7, "night": True, "speed": 0, "frames": FILM_S * _FPS, "traffic": 0.3},
    )
    source = open_source(settings)
    try:
        info = source.open()
        packets = list(_packets(source))
    finally:
        source.close()
    params = parameter_sets(info.codec, split(packets[0].data))
    if params is None:
        raise IntegrityError("the film has no parameter sets")
    half_made = path.with_suffix(".part")
    with half_made.open("wb") as film:
        film.write(init_segment(params, info.width, info.height))
        dts = 0
        for number, gop in enumerate(_gops(packets)):
            samples = [Sample(split(packet.data), ticks(packet.duration_ns), 0, packet.key) for packet in gop]
            stamp = Stamp(1, number, gop[0].boot_ns, gop[0].boot_ns, "untrusted", "film")
            film.writelines(build_fragment(stamp, dts, samples).buffers)
            dts += sum(sample.duration for sample in samples)
    half_made.rename(path)


def _packets(source: Source) -> Iterator[Packet]:
    while True:
        try:
            piece = source.read(1.0)
        except EndOfStream:
            return
        if isinstance(piece, Packet):
            yield piece


def _gops(packets: Iterable[Packet]) -> Iterator[list[Packet]]:
    gop: list[Packet] = []
    for packet in packets:
        if packet.key and gop:
            yield gop
            gop = []
        gop.append(packet)
    if gop:
        yield gop
