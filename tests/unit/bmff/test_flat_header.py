"""edge/bmff/flat.py"""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.bmff.boxes import find_box
from edge.bmff.flat import Closing, Piece, clip_starts, flat_header
from edge.bmff.index import SegmentIndex
from edge.bmff.nal import split, stored
from edge.messages.stream import Codec
from tests.support.flatfile import read_flat
from tests.support.footage import Written, write_segments
from tests.support.video import encode


def _payload(written: Written, first: int, last: int) -> bytes:
    return b"".join(written.data[entry.data_offset :][: entry.data_length] for entry in written.index.fragments[first : last + 1])


def _later(index: SegmentIndex, by_ns: int) -> SegmentIndex:
    return replace(index, fragments=tuple(replace(entry, boot_ns=entry.boot_ns + by_ns) for entry in index.fragments))


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("b_frames", [0, 2])
def test_every_access_unit_is_found_at_its_place_and_time(codec: Codec, b_frames: int) -> None:
    packets = encode(codec, 50, b_frames=b_frames, gop=10)
    one, two, three = write_segments(packets, codec)
    pieces = [Piece(1, one.index, 1, 1), Piece(2, two.index, 0, 1)]
    closing = Closing(3, three.index, 0)
    header = flat_header(pieces, 3600, 7200, closing)
    data = header + _payload(one, 1, 1) + _payload(two, 0, 1) + _payload(three, 0, 0)[: closing.size]
    flat = read_flat(data)
    assert len(flat.samples) == 31
    origin = packets[10].dts_ns
    for sample, packet in zip(flat.samples, packets[10:41], strict=True):
        assert sample.key == packet.key
        assert (sample.dts, sample.pts) == ((packet.dts_ns - origin) * 9 // 100_000, (packet.pts_ns - origin) * 9 // 100_000)
        nals = stored(data[sample.offset : sample.offset + sample.size])
        assert nals is not None
        assert [bytes(nal) for nal in nals] == [bytes(nal) for nal in split(packet.data)]
    assert flat.samples[-1].offset + flat.samples[-1].size == len(data) == flat.mdat.end
    assert flat.sample_entry == one.index.sample_entry
    assert flat.edit == (flat.samples[0].pts + 3600, 7200)


def test_equal_pieces_give_equal_headers() -> None:
    written = write_segments(encode("h264", 20, gop=10))[0]
    pieces = [Piece(1, written.index, 0, 1)]
    assert flat_header(pieces, 0, 3600, None) == flat_header(list(pieces), 0, 3600, None)
    assert flat_header(pieces, 0, 3600, None, created_s=1) != flat_header(pieces, 0, 3600, None)


def test_a_small_hole_between_segments_lengthens_the_last_picture() -> None:
    one, two = write_segments(encode("h264", 40, gop=10))
    hole = _later(two.index, 200_000_000)
    starts = clip_starts([Piece(1, one.index, 0, 1), Piece(2, hole, 0, 1)])
    assert starts == [0, 36_000, 72_000 + 18_000, 108_000 + 18_000, 144_000 + 18_000]
    header = flat_header([Piece(1, one.index, 0, 1), Piece(2, hole, 0, 1)], 0, 1)
    assert _durations(header) == [*[3600] * 19, 3600 + 18_000, *[3600] * 20]


def _durations(header: bytes) -> list[int]:
    found = find_box(header, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stts")
    assert found is not None
    rows = header[found.body + 8 : found.end]
    pairs = [(int.from_bytes(rows[at : at + 4], "big"), int.from_bytes(rows[at + 4 : at + 8], "big")) for at in range(0, len(rows), 8)]
    return [value for count, value in pairs for _ in range(count)]


@pytest.mark.parametrize("jitter_ns", [-50_000_000, -1, 1, 50_000_000])
def test_trembling_arrival_times_move_no_picture(jitter_ns: int) -> None:
    one, two = write_segments(encode("h264", 40, gop=10))
    starts = clip_starts([Piece(1, one.index, 0, 1), Piece(2, _later(two.index, jitter_ns), 0, 1)])
    assert starts == [0, 36_000, 72_000, 108_000, 144_000]


def test_times_that_run_backwards_still_give_lengths_above_zero() -> None:
    one, two = write_segments(encode("h264", 40, gop=10))
    earlier = _later(two.index, -90_000_000_000)
    pieces = [Piece(1, one.index, 0, 1), Piece(2, earlier, 0, 1)]
    assert min(_durations(flat_header(pieces, 0, 1))) == 1
    far = _later(two.index, 10**17)
    assert max(_durations(flat_header([Piece(1, one.index, 0, 1), Piece(2, far, 0, 1)], 0, 1))) == 2**32 - 1


def test_above_four_gibibytes_offsets_and_sizes_take_64_bits() -> None:
    """Pieces that claim 2 GiB each: the header needs no payload."""
    index = write_segments(encode("h264", 20, gop=10))[0].index
    claimed = replace(index.fragments[0], data_length=1 << 31, samples=1)
    size, duration = (1 << 31).to_bytes(4, "big"), (3600).to_bytes(4, "big")
    one = Piece(1, replace(index, fragments=(claimed,), sizes=size, durations=duration, ctos=bytes(4)), 0, 0)
    piece = Piece(2, index, 0, 1)
    payload_bytes = sum(entry.data_length for entry in index.fragments)
    small, large = flat_header([one, piece], 0, 1), flat_header([one, one, piece], 0, 1)
    table = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
    assert find_box(small, *table, b"stco") is not None
    assert find_box(small, *table, b"co64") is None
    found = find_box(large, *table, b"co64")
    assert found is not None
    assert int.from_bytes(large[found.end - 24 : found.end - 16], "big") == len(large) + (1 << 31)
    assert large[-16:-8] == b"\0\0\0\1mdat"
    assert int.from_bytes(large[-8:], "big") == 16 + (2 << 31) + payload_bytes
    assert int.from_bytes(small[-8:-4], "big") == 8 + (1 << 31) + payload_bytes
