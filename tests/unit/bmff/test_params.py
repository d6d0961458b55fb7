"""edge/bmff/params.py and sps.py"""

from __future__ import annotations

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bmff.boxes import find_box
from edge.bmff.nal import split
from edge.bmff.params import LARGEST_SETS_BYTES, ParameterSets, entry_size, parameter_sets, read_sample_entry
from edge.bmff.sps import read_sps
from edge.messages.stream import Codec
from tests.support.video import encode

CODECS = ["h264", "h265"]


def _sets(codec: Codec, width: int = 320, height: int = 180, b_frames: int = 0) -> ParameterSets:
    packets = encode(codec, 2, width=width, height=height, b_frames=b_frames)
    found = parameter_sets(codec, split(packets[0].data))
    assert found is not None
    return found


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [(320, 180), (256, 144), (320, 240), (386, 218), (1920, 1080)])
def test_the_size_is_that_of_the_cropped_picture(codec: Codec, size: tuple[int, int]) -> None:
    assert _sets(codec, *size).size() == size


# Made by hand from the standard's syntax: 720x576 interlaced (frame_mbs_only_flag 0), baseline's short form with cropping.
def _h264_sps(bits: str, profile: int = 66) -> bytes:
    bits += "1"
    bits += "0" * (-len(bits) % 8)
    return bytes((0x67, profile, 0, 30)) + int(bits, 2).to_bytes(len(bits) // 8, "big")


def _ue(value: int) -> str:
    digits = f"{value + 1:b}"
    return "0" * (len(digits) - 1) + digits


def test_interlaced_heights_count_double_and_crop_in_field_units() -> None:
    head = _ue(0) + _ue(0) + _ue(0) + _ue(0) + _ue(1) + "0"
    size = _ue(44) + _ue(17) + "0" + "0" + "1" + "1" + _ue(0) + _ue(0) + _ue(0) + _ue(2) + "0"
    facts = read_sps("h264", _h264_sps(head + size))
    assert facts is not None
    assert (facts.width, facts.height) == (720, 576 - 8)


def test_a_picture_order_cycle_and_scaling_lists_are_skipped() -> None:
    high = _ue(1) + _ue(0) + _ue(0) + "0" + "1" + "1" + "1" * 16 + "0" * 7
    order = _ue(0) + _ue(1) + "0" + _ue(0) + _ue(0) + _ue(2) + _ue(3) + _ue(4)
    size = _ue(1) + "0" + _ue(39) + _ue(29) + "1" + "1" + "0" + "0"
    facts = read_sps("h264", _h264_sps(_ue(0) + high + order + size, profile=100))
    assert facts is not None
    assert (facts.width, facts.height) == (640, 480)


@pytest.mark.parametrize("codec", CODECS)
def test_sets_are_collected_once_each_from_a_key_frame(codec: Codec) -> None:
    nals = split(encode(codec, 2)[0].data)
    sets = parameter_sets(codec, [*nals, *nals])
    assert sets is not None
    assert len(sets.sps) == len(sets.pps) == 1
    assert len(sets.vps) == (codec == "h265")
    assert [bytes(nal) for nal in split(sets.annexb())] == [*sets.vps, *sets.sps, *sets.pps]
    assert sets.sha256() == _sets(codec).sha256()
    assert sets.sha256() != _sets(codec, 256, 144).sha256()


@pytest.mark.parametrize("codec", CODECS)
def test_an_incomplete_collection_is_none(codec: Codec) -> None:
    sets = _sets(codec)
    every = [*sets.vps, *sets.sps, *sets.pps]
    for missing in every:
        assert parameter_sets(codec, [each for each in every if each is not missing]) is None
    assert parameter_sets(codec, []) is None


def test_sets_too_large_for_a_sample_entry_are_none() -> None:
    sets = _sets("h264")
    assert parameter_sets("h264", [*sets.sps, b"\x68" + bytes(LARGEST_SETS_BYTES)]) is None
    many = [b"\x67\x42\0\x0a" + bytes((number,)) for number in range(32)]
    assert parameter_sets("h264", [*many, *sets.pps]) is None
    assert parameter_sets("h264", [b"\x67\x42", *sets.pps]) is None


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("b_frames", [0, 2])
def test_a_sample_entry_gives_back_its_sets_and_its_size(codec: Codec, b_frames: int) -> None:
    sets = _sets(codec, b_frames=b_frames)
    entry = sets.sample_entry(320, 180)
    assert read_sample_entry(entry) == sets
    assert entry_size(entry) == (320, 180)
    assert int.from_bytes(entry[:4], "big") == len(entry)


@pytest.mark.parametrize("codec", CODECS)
def test_the_decoder_configuration_suffices_to_decode(codec: Codec) -> None:
    """Given only the record of the sample entry and samples with their parameter sets stripped."""
    packets = encode(codec, 10, gop=5)
    sets = _sets(codec)
    entry = sets.sample_entry(320, 180)
    found = find_box(entry, b"avcC" if codec == "h264" else b"hvcC", start=86)
    assert found is not None
    context = av.CodecContext.create("h264" if codec == "h264" else "hevc", "r")
    context.extradata = entry[found.body : found.end]
    every = {*sets.vps, *sets.sps, *sets.pps}
    decoded = 0
    for packet in packets:
        nals = [bytes(nal) for nal in split(packet.data) if bytes(nal) not in every]
        sample = b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)
        decoded += len(context.decode(av.Packet(sample)))
    assert decoded + len(context.decode(None)) == 10


def test_the_hevc_record_states_profile_level_and_format() -> None:
    sets = _sets("h265")
    entry = sets.sample_entry(320, 180)
    found = find_box(entry, b"hvcC", start=86)
    assert found is not None
    record = entry[found.body : found.end]
    facts = read_sps("h265", sets.sps[0])
    assert facts is not None
    assert record[0] == 1
    assert record[1] & 0x1F == 1, "Main profile"
    assert record[12] == facts.profile[11] == 60, "level 2.0"
    assert record[16] & 3 == 1, "4:2:0"
    assert (record[17] & 7, record[18] & 7) == (0, 0), "8 bits"
    assert record[21] & 3 == 3, "four-byte lengths"


@given(st.sampled_from(CODECS), st.binary(max_size=300))
def test_any_bytes_as_sps_give_facts_or_none(codec: Codec, data: bytes) -> None:
    facts = read_sps(codec, data)
    assert facts is None or (0 < facts.width <= 16_384 and 0 < facts.height <= 16_384)


@given(st.sampled_from(CODECS), st.data())
def test_a_damaged_real_sps_never_raises(codec: Codec, data: st.DataObject) -> None:
    sets = _sets(codec)
    sps = bytearray(sets.sps[0])
    for _ in range(data.draw(st.integers(1, 4))):
        sps[data.draw(st.integers(0, len(sps) - 1))] = data.draw(st.integers(0, 255))
    hostile = parameter_sets(codec, [*sets.vps, bytes(sps[: data.draw(st.integers(0, len(sps)))]), *sets.pps])
    if hostile is not None:
        hostile.size()
        entry = hostile.sample_entry(320, 180)
        assert read_sample_entry(entry) == hostile


@pytest.mark.parametrize("codec", CODECS)
def test_an_sps_of_a_megabyte_costs_no_more_than_a_small_one(codec: Codec) -> None:
    for filling in (b"\0", b"\xff", b"\xaa"):
        read_sps(codec, b"\x67\x64\0\x28" + filling * (1 << 20))


@given(st.sampled_from(CODECS), st.data())
def test_a_damaged_sample_entry_never_raises(codec: Codec, data: st.DataObject) -> None:
    entry = bytearray(_sets(codec).sample_entry(320, 180))
    for _ in range(data.draw(st.integers(1, 5))):
        entry[data.draw(st.integers(0, len(entry) - 1))] = data.draw(st.integers(0, 255))
    read_sample_entry(bytes(entry[: data.draw(st.integers(0, len(entry)))]))
    entry_size(entry[: data.draw(st.integers(0, len(entry)))])
