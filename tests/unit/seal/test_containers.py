"""edge/seal/container*.py and ebml.py: every form of a table, and bytes made to do harm."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bmff.boxes import Box, box, boxes, find_box, full_box, pack_u32, pack_u64
from edge.clock import monotonic_s
from edge.errors import EdgeError, IntegrityError
from edge.seal.container import FileBytes, Film, Unit, cut_nals, open_bytes
from edge.seal.containers import open_film
from edge.seal.verify import verify
from tests.support.footage import write_segment
from tests.support.identities import Town, identity_of
from tests.support.signed import SignedSpan, annexb, sign_span, write_clip
from tests.support.video import encode

TABLE = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
SLOW_S = 20.0
"""Far above what any of these small files needs, far below what quadratic work would take."""


@lru_cache
def span() -> SignedSpan:
    return sign_span(encode(frames=60, gop=10, b_frames=2), identity_of(Town(), "pole-17"))


@lru_cache
def clip() -> bytes:
    return write_clip(span().whole_gops(0, 4))


@lru_cache
def segment() -> bytes:
    return write_segment(span().packets).data


def with_box(data: bytes, path: tuple[bytes, ...], new: bytes) -> bytes:
    """The box at `path` replaced by `new` (any bytes); sizes around it corrected, and chunk offsets with them."""
    found = find_box(data, *path)
    assert found is not None
    made = data[: found.start] + new + data[found.end :]
    grown = len(new) - (found.end - found.start)
    out = bytearray(made)
    for depth in range(1, len(path)):
        around = find_box(data, *path[:depth])
        assert around is not None
        out[around.start : around.start + 4] = (around.end - around.start + grown).to_bytes(4, "big")
    return shifted(bytes(out), grown) if path[0] == b"moov" else bytes(out)


def shifted(data: bytes, by: int) -> bytes:
    table = find_box(data, *TABLE, b"stco")
    if table is None:
        return data
    count = int.from_bytes(data[table.body + 4 : table.body + 8], "big")
    places = [int.from_bytes(data[at : at + 4], "big") + by for at in range(table.body + 8, table.body + 8 + 4 * count, 4)]
    return data[: table.body + 8] + pack_u32(places) + data[table.body + 8 + 4 * count :]


def body(data: bytes, kind: bytes) -> bytes:
    found = find_box(data, *TABLE, kind)
    assert found is not None
    return data[found.body : found.end]


def read(path: Path) -> tuple[Film, list[Unit]]:
    with open_bytes(path) as source:
        film = open_film(source)
        return film, list(film.units)


def units(tmp_path: Path, data: bytes) -> list[Unit]:
    path = tmp_path / "film"
    path.write_bytes(data)
    return read(path)[1]


def same(one: list[Unit], two: list[Unit]) -> bool:
    return [[bytes(nal) for nal in each.nals] for each in one] == [[bytes(nal) for nal in each.nals] for each in two]


def moov_last(data: bytes) -> bytes:
    ftyp, moov, mdat = boxes(data)
    moved = shifted(data, -(moov.end - moov.start))
    return data[: ftyp.end] + data[mdat.start : mdat.end] + moved[moov.start : moov.end]


def large_boxes(data: bytes) -> bytes:
    """Top-level boxes with 64-bit sizes, chunk offsets too."""
    ftyp, moov, mdat = boxes(data)
    places = body(data, b"stco")[8:]
    count = len(places) // 4
    wide = [int.from_bytes(places[4 * n : 4 * n + 4], "big") for n in range(count)]
    grown = 4 * count + 8 + 8
    table = full_box(b"co64", 0, 0, pack(">I", count), pack_u64(place + grown for place in wide))
    moved = with_box(data, (*TABLE, b"stco"), table)
    _, moov, _ = boxes(moved)
    head = pack(">I4sQ", 1, b"moov", moov.end - moov.body + 16) + moved[moov.body : moov.end]
    payload = data[mdat.body : mdat.end]
    return data[: ftyp.end] + head + pack(">I4sQ", 1, b"mdat", len(payload) + 16) + payload


def to_the_end(data: bytes) -> bytes:
    """mdat says that it reaches to the end of the file (size 0)."""
    mdat = list(boxes(data))[-1]
    return data[: mdat.start] + bytes(4) + data[mdat.start + 4 :]


def other_entry(data: bytes) -> bytes:
    return data.replace(b"avc1\0\0\0\0\0\0\0\1", b"avc3\0\0\0\0\0\0\0\1")


@pytest.mark.parametrize("change", [moov_last, large_boxes, to_the_end, other_entry])
def test_the_same_pictures_are_read_in_every_form(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    data = change(clip())
    assert data != clip()
    assert same(units(tmp_path, data), units(tmp_path, clip()))
    assert [each.pts_ns for each in units(tmp_path, data)] == [each.pts_ns for each in units(tmp_path, clip())]


@pytest.mark.parametrize("length_bytes", [1, 2, 4])
def test_nal_lengths_have_one_two_or_four_bytes(length_bytes: int) -> None:
    nals = [b"\x65" + b"a" * 100, b"\x06b\0\0", b"\x41c"]
    data = b"".join(len(nal).to_bytes(length_bytes, "big") + nal for nal in nals)
    found, whole = cut_nals(data, length_bytes)
    assert ([bytes(nal) for nal in found], whole) == ([nals[0], b"\x06b", nals[2]], True)
    assert cut_nals(data[:-1], length_bytes)[1] is False
    assert cut_nals(data + b"\0" * (length_bytes - 1), length_bytes)[1] is (length_bytes == 1)


def test_times_are_the_containers_own_before_any_edit(tmp_path: Path) -> None:
    found = units(tmp_path, clip())
    first = found[0].pts_ns
    assert first == 80_000_000
    assert sorted(each.pts_ns - first for each in found if each.pts_ns is not None) == [40_000_000 * n for n in range(41)]


def test_a_file_of_three_gigabytes_with_64_bit_sizes_is_read_without_loading_it(tmp_path: Path) -> None:
    """Sparse: a free box of 3 GiB in front of moov and mdat."""
    gap = 3 << 30
    path = tmp_path / "large.mp4"
    ftyp = next(boxes(clip()))
    places = body(clip(), b"stco")[8:]
    count = len(places) // 4
    shift = gap + 16 + 4 * count
    wide = pack_u64(int.from_bytes(places[4 * n : 4 * n + 4], "big") + shift for n in range(count))
    data = with_box(clip(), (*TABLE, b"stco"), full_box(b"co64", 0, 0, pack(">I", count), wide))
    with path.open("wb") as file:
        file.write(data[: ftyp.end] + pack(">I4sQ", 1, b"free", gap + 16))
        file.seek(gap, os.SEEK_CUR)
        file.write(data[ftyp.end :])
    begun = monotonic_s()
    assert same(read(path)[1], units(tmp_path, clip()))
    assert monotonic_s() - begun < SLOW_S


def test_an_edit_list_is_read_in_both_versions(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(clip())
    shown = read(path)[0].shown
    assert shown == (80_000_000, 1_680_000_000)
    short = box(b"edts", full_box(b"elst", 0, 0, pack(">IIiI", 1, 144_000, 7200, 0x10000)))
    path.write_bytes(with_box(clip(), (b"moov", b"trak", b"edts"), short))
    assert read(path)[0].shown == shown


@pytest.mark.parametrize(
    ("edits", "code"),
    [
        (full_box(b"elst", 1, 0, pack(">IQqI", 1, 90_000, 7200, 0x20000)), "edit_speed"),
        (full_box(b"elst", 1, 0, pack(">IQqIQqI", 2, 90_000, 97_200, 0x10000, 90_000, 7200, 0x10000)), "edit_order"),
        (full_box(b"elst", 1, 0, pack(">IQqIQqI", 2, 36_000, 7200, 0x10000, 36_000, 79_200, 0x10000)), "edit_hides"),
    ],
)
def test_edits_that_deceive_are_told(tmp_path: Path, edits: bytes, code: str) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(with_box(clip(), (b"moov", b"trak", b"edts"), box(b"edts", edits)))
    assert code in {reason.code for reason in verify(path, None).reasons}


def test_an_empty_edit_in_front_is_no_deceit(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    rows = full_box(b"elst", 1, 0, pack(">IQqIQqI", 2, 500, -1, 0x10000, 144_000, 7200, 0x10000))
    path.write_bytes(with_box(clip(), (b"moov", b"trak", b"edts"), box(b"edts", rows)))
    assert not {reason.code for reason in verify(path, None).reasons} & {"edit_speed", "edit_order", "edit_hides"}


def test_pictures_in_another_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(clip().replace(b"url \0\0\0\1", b"url \0\0\0\0"))
    with pytest.raises(IntegrityError, match="another file"):
        verify(path, None)


@pytest.mark.parametrize("data", [clip, segment], ids=["clip", "segment"])
def test_cut_off_at_every_box_and_around_it_a_file_gets_a_verdict_or_an_error(tmp_path: Path, data: Callable[[], bytes]) -> None:
    whole = data()
    places = {each for found in _every_box(whole) for edge in (found.start, found.body, found.end) for each in (edge - 1, edge, edge + 1)}
    path = tmp_path / "film.mp4"
    for place in sorted(places & set(range(len(whole)))):
        path.write_bytes(whole[:place])
        _judge(path)


def _every_box(data: bytes) -> list[Box]:
    found: list[Box] = []
    waiting = [(0, len(data))]
    inside = {b"moov", b"trak", b"edts", b"mdia", b"minf", b"dinf", b"stbl", b"mvex", b"moof", b"traf"}
    while waiting:
        for each in boxes(data, *waiting.pop()):
            found.append(each)
            if each.kind in inside:
                waiting.append((each.body, each.end))
    return found


def _judge(path: Path) -> str:
    try:
        return verify(path, None).verdict
    except EdgeError as error:
        return _one_line(str(error))


def _one_line(text: str) -> str:
    assert "\n" not in text
    return text


@pytest.mark.parametrize("form", ["clip", "segment"])
@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2500), st.integers(0, 255)), min_size=1, max_size=8), st.integers(0, 3))
def test_no_byte_of_a_header_makes_the_reader_fall(
    tmp_path_factory: pytest.TempPathFactory, form: str, edits: list[tuple[int, int]], kind: int
) -> None:
    data = bytearray(clip() if form == "clip" else segment())
    for place, value in edits:
        data[place] = (value, 0, 0xFF, data[place] ^ 1 << (value & 7))[kind]
    path = tmp_path_factory.getbasetemp() / f"edited-{form}"
    path.write_bytes(data)
    _judge(path)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"\0\0\0\x18ftypisom\0\0\2\0isomiso2", b"\x1aE\xdf\xa3", b"\0\0\0\1\x67"]))
def test_no_bytes_at_all_make_a_reader_fall(tmp_path_factory: pytest.TempPathFactory, data: bytes, head: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes"
    path.write_bytes(head + data)
    _judge(path)


def element(identifier: int, payload: bytes, *, unknown: bool = False) -> bytes:
    size = b"\x01" + (b"\xff" * 7 if unknown else len(payload).to_bytes(7, "big"))
    return identifier.to_bytes((identifier.bit_length() + 7) // 8, "big") + size + payload


@lru_cache
def matroska(unknown: bool = False, lacing: int = 0, extra: bytes = b"", second: bytes = b"") -> bytes:
    entry = body(clip(), b"stsd")
    found = find_box(entry, b"avcC", start=8 + 86)
    assert found is not None
    track = element(
        0xAE,
        element(0xD7, b"\1")
        + element(0x83, b"\1")
        + element(0x86, b"V_MPEG4/ISO/AVC")
        + element(0x63A2, entry[found.body : found.end])
        + extra,
    )
    film = clip()
    mdat = list(boxes(film))[-1]
    sizes = [int.from_bytes(body(film, b"stsz")[12 + 4 * n :][:4], "big") for n in range(41)]
    blocks, at = b"", mdat.body
    for number, size in enumerate(sizes):
        block = b"\x81" + pack(">hB", 40 * number, 0x80 | lacing) + film[at : at + size]
        blocks += element(0xA0, element(0xA1, block) + element(0x9B, b"\x28")) if number % 2 else element(0xA3, block)
        at += size
    cluster = element(0x1F43B675, element(0xE7, b"\0") + blocks, unknown=unknown)
    info = element(0x1549A966, element(0x2AD7B1, pack(">I", 1_000_000)))
    segment_body = element(0xEC, bytes(20)) + info + element(0x1654AE6B, track + second) + cluster
    return element(0x1A45DFA3, element(0x4282, b"matroska")) + element(0x18538067, segment_body, unknown=unknown)


@pytest.mark.parametrize("unknown", [False, True])
def test_matroska_blocks_and_groups_of_known_and_unknown_size_are_read(tmp_path: Path, unknown: bool) -> None:
    found = units(tmp_path, matroska(unknown))
    assert same(found, units(tmp_path, clip()))
    assert [each.pts_ns for each in found] == [40_000_000 * n for n in range(41)]


def test_laced_blocks_and_packed_tracks_are_not_guessed_at(tmp_path: Path) -> None:
    assert all(each.broken for each in units(tmp_path, matroska(lacing=2)))
    path = tmp_path / "packed.mkv"
    path.write_bytes(matroska(extra=element(0x6D80, b"")))
    with pytest.raises(IntegrityError, match="packed"):
        verify(path, None)


def test_a_second_video_track_of_any_codec_is_told(tmp_path: Path) -> None:
    other = element(0xAE, element(0xD7, b"\2") + element(0x83, b"\1") + element(0x86, b"V_VP9"))
    path = tmp_path / "two.mkv"
    path.write_bytes(matroska(second=other))
    assert "second_video_track" in {reason.code for reason in verify(path, None).reasons}


def test_a_torn_matroska_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "torn.mkv"
    path.write_bytes(matroska()[:-200])
    assert "torn_end" in {reason.code for reason in verify(path, None).reasons}


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), min_size=1, max_size=8), st.integers(0, 600))
def test_no_byte_of_a_matroska_header_makes_the_reader_fall(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(matroska())
    for place, value in edits:
        data[place] = value
    path = tmp_path_factory.getbasetemp() / "edited.mkv"
    path.write_bytes(data[: len(data) - cut])
    _judge(path)


def many_samples() -> bytes:
    """stsz says 4 thousand million samples of one byte."""
    return with_box(clip(), (*TABLE, b"stsz"), full_box(b"stsz", 0, 0, pack(">II", 1, 0xFFFF_FFFF)))


def one_chunk_for_all() -> bytes:
    """stsc puts 4 thousand million samples in each chunk, stsz gives them all 1 MB."""
    data = with_box(clip(), (*TABLE, b"stsz"), full_box(b"stsz", 0, 0, pack(">II", 1 << 20, 0xFFFF_FFFF)))
    return with_box(data, (*TABLE, b"stsc"), full_box(b"stsc", 0, 0, pack(">IIII", 1, 1, 0xFFFF_FFFF, 1)))


def empty_samples() -> bytes:
    """Fragments full of samples of no bytes."""
    track = full_box(b"tfhd", 0, 0x20010, pack(">II", 1, 0))
    moof = box(b"moof", full_box(b"mfhd", 0, 0, pack(">I", 1)), box(b"traf", track, *[full_box(b"trun", 0, 0, pack(">I", 1_000_000))] * 9))
    return segment() + moof * 9


def many_boxes() -> bytes:
    return clip() + pack(">I4s", 8, b"free") * 300_000


def nested_boxes() -> bytes:
    deep = b""
    for _ in range(20_000):
        deep = box(b"moov", deep)
    return clip() + deep


def many_children() -> bytes:
    return with_box(clip(), (b"moov", b"trak", b"edts"), box(b"edts", pack(">I4s", 8, b"free") * 100_000))


def start_codes() -> bytes:
    return annexb(span().packets) + b"\0\0\1\x06" * 500_000


def tiny_slices() -> bytes:
    return annexb(span().packets) + b"\0\0\1\x41" * 300_000


@pytest.mark.parametrize(
    "made", [many_samples, one_chunk_for_all, empty_samples, many_boxes, nested_boxes, many_children, start_codes, tiny_slices]
)
def test_a_small_file_made_to_keep_its_reader_busy_is_done_with_soon(tmp_path: Path, made: Callable[[], bytes]) -> None:
    path = tmp_path / "busy"
    path.write_bytes(made())
    begun = monotonic_s()
    _judge(path)
    assert monotonic_s() - begun < SLOW_S


def test_a_reader_that_goes_round_in_circles_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "film"
    path.write_bytes(bytes(1 << 20))
    with open_bytes(path) as source, pytest.raises(IntegrityError, match="more bytes than the file has"):
        _read_for_ever(source)


def _read_for_ever(source: FileBytes) -> None:
    while True:
        assert source.read(0, 1 << 20)
