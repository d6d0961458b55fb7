from msgspec.structs import replace

from edge.bmff.fragment import TIMESCALE
from edge.clock import NS_PER_S, ManualClock
from edge.messages.stream import Packet
from edge.ring.gop import Gop, lay_out, picture_ns
from tests.support import video
from tests.support.pole import FPS, FRAME_NS, Camera

FRAME_TICKS = TIMESCALE // FPS


def gop() -> Gop:
    return Camera(ManualClock()).gop()


def moved(gop: Gop, from_position: int, by_ns: int, boot_by_ns: int = 0) -> Gop:
    """The time stamps behind a position jump."""
    packets = [
        replace(packet, dts_ns=packet.dts_ns + by_ns, pts_ns=packet.pts_ns + by_ns, boot_ns=packet.boot_ns + boot_by_ns)
        if position >= from_position
        else packet
        for position, packet in enumerate(gop.packets)
    ]
    return Gop(packets, None if gop.next_dts_ns is None else gop.next_dts_ns + by_ns)


def durations(gop: Gop) -> list[int]:
    return [sample.duration for sample in lay_out(gop, gop.packets[0].dts_ns, 0, float(FPS)).samples]


def test_pictures_last_until_the_next_one() -> None:
    laid = lay_out(gop(), 0, 0, None)
    assert [sample.duration for sample in laid.samples] == [FRAME_TICKS] * FPS
    assert laid.ticks == TIMESCALE
    assert laid.joins
    assert not laid.jumps


def test_rounding_never_adds_up() -> None:
    camera, ticks = Camera(ManualClock()), 0
    third_ns = NS_PER_S // 3
    for second in range(300):
        packets = [
            replace(packet, dts_ns=(second * 3 + number) * third_ns + second, pts_ns=(second * 3 + number) * third_ns + second)
            for number, packet in enumerate(camera.gop().packets[:3])
        ]
        ticks += lay_out(Gop(packets, (second * 3 + 3) * third_ns + second + 1), 0, ticks, None).ticks
    assert ticks == (900 * third_ns + 300) * TIMESCALE // NS_PER_S


def test_the_last_picture_of_a_stream_lasts_its_nominal_duration() -> None:
    last = Gop(gop().packets, None)
    laid = lay_out(last, 0, 0, None)
    assert laid.samples[-1].duration == FRAME_TICKS
    assert not laid.joins
    assert not laid.jumps


def test_time_stamps_that_jump_an_hour_do_not_reach_the_file() -> None:
    for by_s in (3600, -3600, 24 * 3600):
        jumped = moved(gop(), 3, by_s * NS_PER_S)
        laid = lay_out(jumped, 0, 0, None)
        assert [sample.duration for sample in laid.samples] == [FRAME_TICKS] * FPS
        assert len(laid.jumps) == 1
        assert laid.jumps[0].by_ns == by_s * NS_PER_S
        assert not laid.joins


def test_pictures_behind_a_real_pause_keep_their_place_on_the_boot_clock() -> None:
    paused = moved(gop(), 3, 5 * NS_PER_S, boot_by_ns=5 * NS_PER_S)
    laid = lay_out(paused, 0, 0, None)
    assert laid.samples[2].duration == 5 * TIMESCALE + FRAME_TICKS
    assert (laid.jumps[0].from_boot_ns, laid.jumps[0].to_boot_ns) == (paused.packets[2].boot_ns, paused.packets[3].boot_ns)


def test_a_pause_below_a_second_is_a_long_picture_and_no_jump() -> None:
    late = moved(gop(), 3, 9 * NS_PER_S // 10, boot_by_ns=9 * NS_PER_S // 10)
    laid = lay_out(late, 0, 0, None)
    assert not laid.jumps
    assert laid.joins


def test_a_jump_at_the_border_leaves_the_last_picture_its_nominal_duration() -> None:
    whole = gop()
    for step_ns in (7200 * NS_PER_S, -NS_PER_S, 0):
        laid = lay_out(Gop(whole.packets, whole.packets[-1].dts_ns + step_ns), 0, 0, None)
        assert laid.samples[-1].duration == FRAME_TICKS
        assert len(laid.jumps) == 1
        assert not laid.joins


def test_a_repeated_time_stamp_still_gives_a_positive_duration() -> None:
    same = gop()
    packets = [same.packets[0], replace(same.packets[1], dts_ns=same.packets[0].dts_ns + 1), *same.packets[2:]]
    assert min(durations(Gop(packets, same.next_dts_ns))) > 0


def test_composition_offsets_follow_the_pictures_order() -> None:
    packets = video.encode(frames=10, fps=5, gop=10, b_frames=2)
    laid = lay_out(Gop(packets, packets[-1].dts_ns + FRAME_NS), 0, 0, None)
    shown = sorted((sum(each.duration for each in laid.samples[:position]) + sample.cto for position, sample in enumerate(laid.samples)))
    assert shown == [shown[0] + number * FRAME_TICKS for number in range(10)]


def test_a_crazy_presentation_time_stays_within_its_field() -> None:
    odd = gop()
    packets = [replace(odd.packets[0], pts_ns=odd.packets[0].dts_ns + 10**18), replace(odd.packets[1], pts_ns=0), *odd.packets[2:]]
    assert all(0 <= sample.cto < 1 << 31 for sample in lay_out(Gop(packets, odd.next_dts_ns), 0, 0, None).samples)


def test_the_nominal_duration_comes_from_the_packets_the_stream_or_the_distance() -> None:
    def without_duration(packet: Packet) -> Packet:
        return replace(packet, duration_ns=0)

    whole = gop()
    bare = Gop([without_duration(packet) for packet in whole.packets], None)
    assert picture_ns(whole, 50.0) == FRAME_NS
    assert picture_ns(bare, 50.0) == NS_PER_S // 50
    assert picture_ns(bare, None) == FRAME_NS
    assert picture_ns(bare, 1e-6) == 30 * NS_PER_S
    assert picture_ns(Gop(bare.packets[:1]), None) == 40_000_000
