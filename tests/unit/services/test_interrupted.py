"""The GOP a run was interrupted in is signed in the next run's first access unit."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import msgspec
import pytest

from edge.bmff.walk import walk
from edge.host.model_disk import ModelDisk
from edge.messages.evidence import UnsignedGops
from edge.messages.records import Segment
from edge.ring.check import check
from edge.ring.gop import Gop
from edge.seal.onvif import FIRST_LINK, Document, Unsigned
from tests.support.pole import DATA, Pole
from tests.support.signed_ring import Stored, read_back
from tests.support.signing import MemorySigner


@pytest.fixture
def pole() -> Pole:
    made = Pole(disk=ModelDisk(1 << 24), signer=MemorySigner())
    made.disk.mkdir(DATA)
    made.camera.lively = True
    return made


def go_on(pole: Pole) -> None:
    pole.camera.lively = True
    pole.camera.dts_ns = 10 * 10**9  # other pictures than before
    pole.start()
    pole.record(3)
    pole.stop()


def cut_power(pole: Pole) -> None:
    assert isinstance(pole.disk, ModelDisk)
    pole.disk = pole.disk.power_cut(7)
    pole.reboot()


def assert_all_but_the_last_are_signed(stored: Stored) -> None:
    documents = stored.by_anchor()
    for hashes in stored.gops[:-1]:
        assert list(documents[hashes[0]].hashes) == hashes


@pytest.mark.parametrize("ending", ["orderly", "power", "crash"])
@pytest.mark.parametrize("seconds", [1, 5, 6, 7])
def test_the_last_gop_of_a_run_is_signed_by_the_next_run(pole: Pole, ending: str, seconds: int) -> None:
    """Segments are five seconds long: the last GOP begins one, ends one, or lies in the middle."""
    pole.start()
    pole.record(seconds)
    if ending == "orderly":
        pole.stop()
        pole.clock.advance(3.0)
    elif ending == "power":
        cut_power(pole)
    else:
        pole.clock.advance(3.0)
    go_on(pole)
    stored = read_back(pole)
    assert len(stored.gops) == seconds + 3
    assert_all_but_the_last_are_signed(stored)
    late = stored.rides[seconds]
    assert late is not None
    assert late.counter == seconds
    assert late.link == (stored.gops[seconds - 2][0] if seconds > 1 else FIRST_LINK)
    assert late.firmware.endswith("after-restart")
    following = stored.rides[seconds + 1]
    assert following is not None
    assert (following.counter, following.link) == (1, FIRST_LINK)
    assert pole.facts(UnsignedGops) == []
    assert check(pole.disk, DATA, deep=True).findings == []


def test_segment_records_name_the_counters(pole: Pole) -> None:
    pole.start()
    pole.record(7)
    pole.stop()
    assert [(record.first_gop, record.last_gop) for record in pole.facts(Segment)] == [(1, 5), (6, 7)]


def test_a_run_that_was_not_signed_leaves_nothing_to_sign(pole: Pole) -> None:
    signer, pole.signer = pole.signer, None
    pole.start()
    pole.record(3)
    pole.stop()
    pole.signer = signer
    pole.clock.advance(3.0)
    go_on(pole)
    stored = read_back(pole)
    assert stored.rides[3] is None
    assert pole.facts(UnsignedGops) == []


def test_footage_that_was_undated_and_dated_meanwhile_is_found(pole: Pole) -> None:
    pole.clock.set_state("untrusted")
    pole.start()
    pole.record(3)
    pole.clock.set_state("trusted")
    pole.stop()
    pole.clock.advance(3.0)
    pole.start()
    pole.camera.dts_ns = 10 * 10**9
    pole.record(2)
    pole.stop()
    stored = read_back(pole)
    late = stored.rides[3]
    assert late is not None
    assert late.counter == 3
    assert late.start_utc_ns is None
    assert pole.facts(UnsignedGops) == []


def test_a_last_gop_that_does_not_read_is_told(pole: Pole) -> None:
    pole.start()
    pole.record(3)
    pole.stop()
    (name,) = pole.names()
    path = pole.ring / name.path
    index = walk(partial(pole.disk.read, path), pole.disk.stat(path).size).index
    data = bytearray(pole.disk.read(path))
    data[index.fragments[-1].data_offset : index.fragments[-1].data_offset + 4] = b"\xff\xff\xff\xff"
    pole.disk.unlink(path)
    file = pole.disk.create(path)
    file.write(bytes(data))
    file.fsync()
    file.close()
    pole.clock.advance(3.0)
    go_on(pole)
    (begun, ended) = pole.facts(UnsignedGops)
    assert (begun.reason, begun.open, ended.gops) == ("damaged", True, 1)


def test_a_camera_that_signs_by_itself_is_not_taken_for_this_node(pole: Pole) -> None:
    """Its document lies in front of ours; its counter is at the end of its range."""
    foreign = Document(
        counter=0xFFFF_FFFF, link=FIRST_LINK, hashes=(bytes(32),), start_utc_ns=None, end_utc_ns=None, serial="axis", manufacturer="Axis"
    )
    sei = Unsigned("h264", foreign).finish(bytes(70))

    def take() -> Gop:
        gop = pole.camera.gop()
        first = msgspec.structs.replace(gop.packets[0], data=b"\0\0\0\1" + sei + gop.packets[0].data)
        return pole.sealer.seal(replace(gop, packets=[first, *gop.packets[1:]]))

    pole.start()
    for _ in range(3):
        gop = take()
        pole.clock.advance(1.0)
        assert pole.recording.write(gop) is None
    pole.stop()
    pole.clock.advance(3.0)
    go_on(pole)
    late = read_back(pole).rides[3]
    assert late is not None
    assert (late.serial, late.counter) == ("pole-1/cam0", 3)
    assert pole.facts(UnsignedGops) == []
