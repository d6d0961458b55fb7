"""Units of a source become packets that keep the port's contract."""

from __future__ import annotations

from edge.bmff import nal
from edge.capture.access import Assembler, KeyFrames, has_picture, is_key
from edge.capture.timestamps import Unit
from edge.messages.stream import Packet
from tests.support import video

PERIOD_NS = 40_000_000
PACKETS = video.encode("h264", 30, gop=10)
SETS = video.stream_info(PACKETS).parameter_sets
PLAIN = {"h264": PACKETS, "h265": video.encode("h265", 30, gop=10)}


def bare(packet: Packet) -> bytes:
    """Without parameter sets."""
    return b"".join(nal.START_CODE + bytes(each) for each in nal.split(packet.data) if not nal.is_parameter_set("h264", each))


def unit(number: int, data: bytes, *, key: bool) -> Unit:
    return Unit(number * PERIOD_NS, number * PERIOD_NS, number * PERIOD_NS, key, has_picture("h264", data), data)


def assembler(known: bytes = b"", *, merge: bool = False) -> Assembler:
    return Assembler("h264", PERIOD_NS, known, lambda _dts_ns, arrival_ns: arrival_ns, merge=merge)


def test_pictures_are_told_from_parameter_sets_for_both_codecs() -> None:
    for packet in PACKETS:
        assert has_picture("h264", packet.data)
        assert is_key("h264", packet.data) == packet.key
    for packet in PLAIN["h265"]:
        assert has_picture("h265", packet.data)
        assert is_key("h265", packet.data) == packet.key
    assert not has_picture("h264", SETS)
    assert not has_picture("h264", b"")


def test_everything_before_the_first_key_frame_is_dropped_and_counting_begins_there() -> None:
    made = assembler()
    packets = [made.add(unit(number, packet.data, key=packet.key)) for number, packet in enumerate(PACKETS[5:25])]
    assert packets[:5] == [None] * 5
    assert [packet.seq for packet in packets if packet is not None] == list(range(15))
    first = packets[5]
    assert first is not None
    assert (first.key, first.dts_ns) == (True, 0)


def test_a_key_frame_without_parameter_sets_gets_those_that_are_known() -> None:
    made = assembler(SETS).add(unit(0, bare(PACKETS[0]), key=True))
    assert made is not None
    assert made.data.startswith(SETS)
    assert made.data.endswith(bare(PACKETS[0]))


def test_a_key_frame_without_any_known_parameter_sets_is_not_usable() -> None:
    made = assembler()
    assert made.add(unit(0, bare(PACKETS[0]), key=True)) is None
    assert made.add(unit(1, PACKETS[1].data, key=False)) is None
    assert made.add(unit(10, PACKETS[10].data, key=True)) is not None


def test_a_key_frame_with_its_own_sets_is_untouched_and_they_are_remembered() -> None:
    other = video.encode("h264", 2, width=480, height=270)
    keys = KeyFrames("h264", SETS)
    assert keys.whole(other[0].data) == other[0].data
    whole = keys.whole(bare(PACKETS[0]))
    assert whole is not None
    assert whole.startswith(video.stream_info(other).parameter_sets)


def test_parameter_sets_behind_other_units_are_put_in_front() -> None:
    sei = nal.START_CODE + b"\x06\x05\x01\x00\x80"
    whole = KeyFrames("h264").whole(sei + PACKETS[0].data)
    assert whole is not None
    assert nal.is_parameter_set("h264", nal.split(whole)[0])
    assert whole.endswith(sei + PACKETS[0].data)


def test_a_recovery_point_that_the_source_calls_key_is_none() -> None:
    made = assembler()
    made.add(unit(0, PACKETS[0].data, key=True))
    packet = made.add(unit(1, PACKETS[1].data, key=True))
    assert packet is not None
    assert not packet.key


def test_merging_holds_one_unit_and_gives_it_at_the_end() -> None:
    made = assembler(merge=True)
    assert made.add(unit(0, SETS, key=False)) is None
    assert made.add(unit(0, bare(PACKETS[0]), key=True)) is None
    first = made.add(unit(1, PACKETS[1].data, key=False))
    assert first is not None
    assert first.data == SETS + bare(PACKETS[0])
    last = made.flush()
    assert last is not None
    assert last.data == PACKETS[1].data
    assert made.flush() is None
