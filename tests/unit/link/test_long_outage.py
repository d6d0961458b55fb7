"""Ninety days without a centre: what is kept comes whole, and what was too old to be kept is told to the record."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edge.clock import NS_PER_S, ManualClock, format_utc
from edge.host.model_disk import ModelDisk
from edge.journal.cursor import Cursor
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.link.growth import growth_of
from edge.link.lane import Lane
from edge.link.publish import Publisher
from edge.messages.records import AlarmRaised, Record, Stop
from tests.support.lanes import BOOT, PaperCentre, Wire

DAYS, DAY_S = 90, 86_400
ALARMS_A_DAY, RECORDS_A_DAY = 4, 30
JOURNALS = ("watcher", "recorder.cam0")


class Outage:
    """Both journals of a node as they are after 90 days; each process has retired its own once a day."""

    def __init__(self, journal_days: float) -> None:
        self.disk, self.clock = ModelDisk(), ManualClock()
        writers = {name: JournalWriter(self.disk, Path("/data/journal") / name, self.clock, BOOT, 8 << 10) for name in JOURNALS}
        for writer in writers.values():
            writer.open()
        for day in range(DAYS):
            alarm = AlarmRaised(code=f"hot.{day}", active=True, severity="critical", text="hot")
            writers["watcher"].append_all([alarm] * ALARMS_A_DAY)
            writers["recorder.cam0"].append_all([Stop(reason="a segment")] * RECORDS_A_DAY)
            self.clock.advance(DAY_S)
            for writer in writers.values():
                writer.retire(format_utc(self.clock.read().utc_ns - round(journal_days * DAY_S) * NS_PER_S))

    def lines(self, name: str) -> list[bytes]:
        return [line.raw for line in JournalReader(self.disk, Path("/data/journal") / name).read()]

    def delivered(self) -> PaperCentre:
        """The centre is back, and gets all it can get."""
        lanes = []
        for name in JOURNALS:
            folder = Path("/data/journal") / name
            cursor = Cursor(self.disk, Path("/data/cursor") / name)
            lanes.append(Lane("pole-1", name, JournalReader(self.disk, folder), cursor, growth_of(self.disk, folder), by_centre=True))
        wire, centre, now_s = Wire(), PaperCentre(), 1.0
        publisher = Publisher("town", "pole-1", wire.send, [[lane] for lane in lanes], 20)
        for lane in lanes:
            lane.learn()
        wire.connect(publisher, now_s)
        while any(lane.backlog() for lane in lanes):
            now_s += 0.1
            assert now_s < 1000
            publisher.pump(now_s)
            for message in wire.acknowledge(publisher, now_s):
                centre.take(message.payload, gap=message.topic.endswith("/gap"))
                for lane in lanes:
                    if lane.epoch == centre.epoch:
                        publisher.watermarks(centre.ack(), now_s)
        return centre


def test_every_alarm_and_record_of_ninety_days_arrives() -> None:
    outage = Outage(journal_days=400)
    centre = outage.delivered()
    assert centre.gaps == []
    assert {name: centre.lines[name] for name in JOURNALS} == {name: outage.lines(name) for name in JOURNALS}
    assert len(centre.lines["watcher"]) == DAYS * ALARMS_A_DAY


@pytest.mark.parametrize("journal_days", [30.0, 60.0])
def test_records_that_became_too_old_to_be_kept_are_told_to_the_record(journal_days: float) -> None:
    outage = Outage(journal_days)
    centre = outage.delivered()
    for name, a_day in zip(JOURNALS, (ALARMS_A_DAY, RECORDS_A_DAY), strict=True):
        kept = outage.lines(name)
        first = msgspec.json.decode(kept[0], type=Record).seq
        assert 1 < first <= (DAYS - journal_days) * a_day + 1, "something went, and nothing that is younger than it may be"
        assert centre.lines[name] == kept
        assert [(gap.from_seq, gap.to_seq, gap.why) for gap in centre.gaps if gap.journal == name] == [(1, first - 1, "missing")]
        assert centre.chain_is_whole(name)
