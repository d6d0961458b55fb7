from __future__ import annotations

from zoneinfo import ZoneInfo

from edge.audit.month import Node, month_report
from edge.audit.months import month_of
from edge.audit.town import town_month, town_page
from edge.clock import NS_PER_S
from tests.support.written_months import WrittenJournal, WrittenNode

MONTH = month_of("2026-11", ZoneInfo("Europe/Warsaw"))
START, END = MONTH.start_utc_ns, MONTH.end_utc_ns
DAY = 86_400 * NS_PER_S


def node(outage_days: int, *, broken: bool = False) -> WrittenNode:
    journal = WrittenJournal("cam0")
    journal.boot(START)
    journal.footage(START, START + DAY, segment_s=3600)
    if outage_days:
        journal.outage("power", START + DAY, START + (1 + outage_days) * DAY)
    journal.footage(START + (1 + outage_days) * DAY, END + DAY, segment_s=3600)
    if broken:
        del journal.raws[7]
    return WrittenNode({"recorder.cam0": journal})


def test_each_camera_has_a_row_and_low_or_broken_ones_are_marked() -> None:
    nodes = {"pole-1": node(0), "pole-2": node(3), "pole-3": node(0, broken=True)}
    town = town_month(MONTH, (month_report(Node(name, "", "centre"), MONTH, each, END + DAY) for name, each in nodes.items()), END + DAY)
    assert [(row.node, row.availability_percent, row.chain_whole) for row in town.rows] == [
        ("pole-1", 100.0, True),
        ("pole-2", 90.0, True),
        ("pole-3", town.rows[2].availability_percent, False),
    ]
    assert (town.rows[1].longest_s, town.rows[1].longest_reason) == (3 * 86_400.0, "power")
    page = town_page(town, "en").replace("\u00a0", " ")
    assert "Cameras: 3" in page
    assert "▼ 90.00 %" in page
    assert "cam0 ✗" in page
    assert "brak zasilania" in town_page(town, "pl")


def test_a_town_without_records_is_said_to_have_none() -> None:
    assert "No camera has records" in town_page(town_month(MONTH, [], END), "en")
