from __future__ import annotations

import threading

from msgspec.structs import replace

from edge.clock import ManualClock
from edge.ring.gop import Gop
from edge.services.intake import GopAssembler, Intake, Interrupted
from tests.support.pole import FPS, Camera, pictures


def camera() -> Camera:
    return Camera(ManualClock())


def assembled(assembler: GopAssembler, gops: list[Gop]) -> list[Gop]:
    made = [assembler.add(packet) for gop in gops for packet in gop.packets]
    return [gop for gop in made if gop is not None]


def test_a_gop_is_complete_when_the_next_key_frame_comes_and_knows_its_time() -> None:
    source, assembler = camera(), GopAssembler(1 << 20)
    gops = [source.gop() for _ in range(3)]
    done = assembled(assembler, gops)
    assert [gop.packets for gop in done] == [gop.packets for gop in gops[:2]]
    assert [gop.next_dts_ns for gop in done] == [gop.packets[0].dts_ns for gop in gops[1:]]


def test_the_end_of_the_stream_gives_the_unfinished_gop() -> None:
    assembler, whole = GopAssembler(1 << 20), camera().gop()
    assembled(assembler, [Gop(whole.packets[:3])])
    last = assembler.flush()
    assert last is not None
    assert len(last.packets) == 3
    assert last.next_dts_ns is None
    assert assembler.flush() is None


def test_pictures_before_the_first_key_frame_are_left_out() -> None:
    assembler, whole = GopAssembler(1 << 20), camera().gop()
    assert [assembler.add(packet) for packet in whole.packets[1:]] == [None] * (FPS - 1)
    assert assembler.flush() is None


def test_a_hole_inside_a_gop_ends_it_there() -> None:
    source, assembler = camera(), GopAssembler(1 << 20)
    first, second = source.gop(), source.gop()
    done = assembled(assembler, [Gop([*first.packets[:2], *first.packets[3:]]), second])
    assert [len(gop.packets) for gop in done] == [2]
    assert done[0].next_dts_ns is None


def test_a_gop_without_end_does_not_fill_the_memory() -> None:
    source = camera()
    assembler = GopAssembler(limit_bytes=5_000)
    for _ in range(200):
        for packet in source.gop().packets:
            assembler.add(replace(packet, key=packet.seq == 0))
    last = assembler.flush()
    assert last is not None
    assert last.size <= 5_000


def test_a_full_intake_sheds_until_it_is_half_empty() -> None:
    source, intake = camera(), Intake(limit_gops=4, limit_bytes=1 << 20)
    assert [intake.put(source.gop()) for _ in range(6)] == [True] * 4 + [False] * 2
    intake.get(0)
    assert not intake.put(source.gop())
    intake.get(0)
    assert intake.put(source.gop())
    assert intake.dropped == 3
    assert intake.waiting == 3


def test_bytes_bound_the_intake_too_but_one_gop_always_fits() -> None:
    source = camera()
    size = source.gop().size
    intake = Intake(limit_gops=100, limit_bytes=size // 2)
    assert intake.put(source.gop())
    assert not intake.put(source.gop())


def test_words_find_room_in_a_full_intake_and_keep_their_place() -> None:
    source, intake = camera(), Intake(limit_gops=2, limit_bytes=1 << 20)
    first, second = source.gop(), source.gop()
    intake.put(first)
    intake.put(second)
    intake.say(Interrupted("camera_died"))
    assert [intake.get(0), intake.get(0), intake.get(0), intake.get(0)] == [first, second, Interrupted("camera_died"), None]


def test_words_of_many_short_lives_do_not_pile_up() -> None:
    intake = Intake(limit_gops=2, limit_bytes=1 << 20)
    info = pictures()[1]
    for _ in range(1000):
        intake.say(info)
        intake.say(Interrupted("camera_died", "again"))
    assert intake.get(0) == Interrupted("camera_died", "again")
    assert intake.get(0) is None


def test_a_closed_intake_gives_what_is_left_and_wakes_its_reader() -> None:
    source, intake = camera(), Intake(limit_gops=4, limit_bytes=1 << 20)
    got: list[object] = []
    reader = threading.Thread(target=lambda: got.append(intake.get(30.0)))
    reader.start()
    gop = source.gop()
    intake.put(gop)
    reader.join(10.0)
    assert got == [gop]
    intake.put(gop)
    intake.close()
    assert not intake.finished
    assert intake.get(30.0) == gop
    assert intake.get(30.0) is None
    assert intake.finished
