"""Any one bit of a recorder's journal may turn: the next recorder starts, records, and questions are answered."""

from __future__ import annotations

import random

import pytest

from edge.clock import NS_PER_S
from edge.host.model_disk import ModelDisk
from edge.journal.line import UNREADABLE, parse_line
from edge.ring.layout import recorder_journal
from edge.ring.query import RingReader
from tests.support.pole import CAMERA, DATA, Pole

FLIPS = 60


def lived() -> tuple[bytes, Pole]:
    """A pole that recorded, stopped, lost its power and began again; with its journal."""
    pole = Pole()
    pole.start()
    pole.record(12)
    pole.stop()
    pole.reboot()
    pole.start()
    pole.record(8)
    return pole.disk.read(pole.folders.journal(recorder_journal(CAMERA)) / "000000000001.jsonl"), pole


@pytest.mark.parametrize("seed", range(FLIPS))
def test_one_flipped_bit_stops_neither_the_recorder_nor_a_question(seed: int) -> None:
    data, pole = lived()
    place = random.Random(seed).randrange(len(data) * 8)
    turned = bytearray(data)
    turned[place // 8] ^= 1 << place % 8
    assert isinstance(pole.disk, ModelDisk)
    pole.disk.replace(pole.folders.journal(recorder_journal(CAMERA)) / "000000000001.jsonl", bytes(turned))
    now_ns = pole.clock.read().utc_ns
    pole.reboot(boot="33333333-3333-4333-8333-333333333333")
    reader = RingReader(pole.disk, DATA, pole.clock, pole.boot)
    assert reader.timeline(CAMERA, now_ns - 3600 * NS_PER_S, now_ns).spans
    pole.start()
    pole.record(6)
    pole.stop()
    assert len(pole.names()) >= 4


def test_a_record_whose_facts_are_damaged_keeps_its_place_and_its_bytes() -> None:
    data, _ = lived()
    raw = next(line for line in data.split(b"\n") if b'"type":"segment"' in line)
    for changed in (
        raw.replace(b'"frames"', b'"grames"'),
        raw.replace(b'"codec":"', b'"codec":"\xff'),
        raw.replace(b'"start":"2', b'"start":"x'),
    ):
        line = parse_line(changed)
        assert line is not None
        assert (line.record.type, line.raw) == (UNREADABLE, changed)
    assert parse_line(raw.replace(b'"t":"2', b'"t":"x')) is None
