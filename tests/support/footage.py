"""Segments made of encoded test pictures, and a small ring of them in a folder: what bmff, clips and players are tested on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain
from pathlib import Path

from edge.bmff.fragment import BuiltFragment, Sample, Stamp, build_fragment, init_segment, ticks
from edge.bmff.index import IndexBuilder, SegmentIndex, encode_index
from edge.bmff.nal import split
from edge.bmff.params import ParameterSets, parameter_sets
from edge.clip.source import read_index
from edge.clock import NS_PER_MS, ClockState, format_utc
from edge.errors import NotFound
from edge.messages.clip import ClipRequest
from edge.messages.stream import Codec, Packet
from tests.support.video import gops

BOOT = "0b7a7d7e-0f4e-4c0e-9a43-2c1f6f3b5a11"
UTC_NS = 1_795_353_900_120 * NS_PER_MS
"""2026-11-22T13:25:00.120Z, of the picture with boot_ns = BOOT_NS."""
BOOT_NS = 100_000_000_000


@dataclass(frozen=True)
class Written:
    """A segment's bytes and what went into them. ends: where each fragment ends."""

    data: bytes
    index: SegmentIndex
    fragments: list[BuiltFragment]
    params: ParameterSets
    packets: list[Packet]

    @property
    def ends(self) -> list[int]:
        return [entry.offset + entry.length for entry in self.index.fragments]

    @property
    def body(self) -> bytes:
        """Without the index box."""
        return self.data[: self.ends[-1]]

    @property
    def start_utc_ns(self) -> int:
        """By the mapping of these tests, cut to the millisecond as in a segment's name."""
        return (UTC_NS + self.packets[0].boot_ns - BOOT_NS) // NS_PER_MS * NS_PER_MS


def samples_of(packets: Sequence[Packet]) -> list[Sample]:
    """As the recorder makes them: decoding times in ticks, so that rounding does not add up."""
    return [
        Sample(
            nals=split(packet.data),
            duration=ticks(packet.dts_ns + packet.duration_ns) - ticks(packet.dts_ns),
            cto=ticks(packet.pts_ns) - ticks(packet.dts_ns),
            key=packet.key,
        )
        for packet in packets
    ]


def write_segment(
    packets: list[Packet], codec: Codec = "h264", *, seq: int = 7, boot: str = BOOT, camera: str = "gate", clock: ClockState = "trusted"
) -> Written:
    """A sealed segment: init, one fragment per GOP, index box."""
    groups = gops(packets)
    params = parameter_sets(codec, split(packets[0].data))
    assert params is not None
    width, height = params.size() or (0, 0)
    first_cto = samples_of(groups[0][:1])[0].cto
    data = bytearray(init_segment(params, width, height, first_cto))
    builder = IndexBuilder(camera, seq, boot, params, width, height, len(data), first_cto)
    fragments: list[BuiltFragment] = []
    for number, group in enumerate(groups):
        utc_ns = UTC_NS + group[0].boot_ns - BOOT_NS
        stamp = Stamp(seq, number, group[0].boot_ns, utc_ns, clock, boot)
        fragment = build_fragment(stamp, ticks(group[0].dts_ns) - ticks(packets[0].dts_ns), samples_of(group))
        offset = len(data)
        data += b"".join(fragment.buffers)
        builder.add(fragment, offset, sha256(data).digest())
        fragments.append(fragment)
    index = builder.build()
    return Written(bytes(data) + encode_index(index), index, fragments, params, packets)


def write_segments(
    packets: list[Packet], codec: Codec = "h264", *, gops_each: int = 2, first_seq: int = 1, boot: str = BOOT
) -> list[Written]:
    """The same stream cut into segments of `gops_each` GOPs."""
    groups = gops(packets)
    cuts = [list(chain.from_iterable(groups[at : at + gops_each])) for at in range(0, len(groups), gops_each)]
    return [write_segment(cut, codec, seq=first_seq + number, boot=boot) for number, cut in enumerate(cuts)]


@dataclass(frozen=True)
class FolderFile:
    path: Path

    @property
    def size(self) -> int:
        return self._stat()

    def read(self, offset: int, length: int) -> bytes:
        self._stat()
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def _stat(self) -> int:
        if not self.path.exists():
            raise NotFound(f"{self.path} is not there")
        return self.path.stat().st_size


@dataclass(frozen=True)
class FolderName:
    start_utc_ms: int | None


@dataclass(frozen=True)
class FolderRef:
    seq: int
    path: Path
    name: FolderName | None
    start_utc_ns: int
    end_utc_ns: int


@dataclass
class FolderRing:
    """Segments of one camera as files of a folder, found and indexed as the ring's reader does it."""

    folder: Path
    refs: list[FolderRef] = field(default_factory=list)

    def put(self, written: Written, *, start_utc_ns: int | None = None, sealed: bool = True, dated: bool = True) -> FolderRef:
        path = self.folder / f"{written.index.seq:09d}.mp4"
        path.write_bytes(written.data if sealed else written.body)
        start_ns = written.start_utc_ns if start_utc_ns is None else start_utc_ns
        last = written.index.fragments[-1]
        end_ns = start_ns + last.boot_ns - written.index.start_boot_ns + written.fragments[-1].duration * 100_000 // 9
        name = FolderName(start_ns // NS_PER_MS) if dated else FolderName(None)
        ref = FolderRef(written.index.seq, path, name if sealed else None, start_ns, end_ns)
        self.refs.append(ref)
        return ref

    def segments(self, camera: str, start_ns: int, end_ns: int) -> list[FolderRef]:
        return [ref for ref in self.refs if ref.start_utc_ns < end_ns and ref.end_utc_ns > start_ns]

    def index(self, ref: FolderRef) -> SegmentIndex:
        return read_index(FolderFile(ref.path))

    def open(self, seq: int) -> FolderFile:
        return FolderFile(next(ref.path for ref in self.refs if ref.seq == seq))


def picture_utc(number: int) -> str:
    """RFC 3339 time of the picture with that burnt-in number, at 25 a second, for streams encoded from `encode`'s defaults."""
    return format_utc(UTC_NS + number * 40 * NS_PER_MS)


def request(first: int, end: int, camera: str = "gate") -> ClipRequest:
    """For pictures `first` up to but not including `end`."""
    return ClipRequest(id="c1", camera=camera, start=picture_utc(first), end=picture_utc(end), operator="k.nowak", case="RSD 1/26")
