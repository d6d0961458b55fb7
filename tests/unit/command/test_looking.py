"""Answers about footage fit into a message, whatever there is to tell."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edge.clock import NS_PER_S, ManualClock, format_utc
from edge.command.looking import MOST, MOST_BYTES, Timelines
from edge.host.model_disk import ModelDisk
from edge.journal.writer import JournalWriter
from edge.messages.records import Gap
from edge.messages.wire import CommandClaims
from edge.ring.query import RingReader
from tests.support.pole import Pole


@pytest.mark.parametrize("text", ["", "no answer " * 100])
def test_a_timeline_full_of_long_reasons_fits_into_a_message(text: str) -> None:
    pole = Pole(disk=ModelDisk(), clock=ManualClock(), data=Path("/data"), boot="boot-1")
    start_ns = pole.clock.read().utc_ns
    pole.start()
    pole.record(10)
    pole.stop()
    journal = JournalWriter(pole.disk, Path("/data/journal/recorder.cam0"), pole.clock, "boot-1")
    journal.open()
    for number in range(300):
        begin, end = (format_utc(start_ns + (3600 + 60 * number + side) * NS_PER_S) for side in (0, 30))
        journal.append(
            Gap(reason="camera_died", start=begin, end=end, start_mono_ms=0, end_mono_ms=0, start_boot="boot-1", text=text), "cam0"
        )
    journal.close()
    pole.clock.advance(86_400)
    claims = CommandClaims(
        id="t",
        verb="timeline",
        aud="pole-1",
        iat=0,
        exp=60,
        operator="a.nowak",
        case="1/26",
        args={"camera": "cam0", "start": format_utc(start_ns), "end": format_utc(start_ns + 86_400 * NS_PER_S)},
    )
    answer = Timelines(["cam0"], lambda: RingReader(pole.disk, pole.data, pole.clock, "boot-1")).do(claims).response
    assert len(msgspec.json.encode(answer.data)) <= MOST_BYTES
    told = len(answer.data["gaps"])
    assert told + answer.data.get("left_out", {}).get("gaps", 0) > 300
    assert (told == MOST) == (not text)
