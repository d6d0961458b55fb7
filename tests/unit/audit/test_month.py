"""Cases of the month's account that each once need words of their own."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from edge.audit.coverage_picture import PLOT, Bar, _bars  # the bars are what the drawing is made of
from edge.audit.month import Node, month_report, percent_of
from edge.audit.month_page import month_page
from edge.audit.months import month_of
from edge.clock import NS_PER_S, format_utc, parse_utc
from edge.errors import UsageError
from edge.messages.audit import CameraMonth, ClipCounts, MonthReport
from edge.messages.evidence import Exported, ExportedFile, UnsignedGops
from edge.messages.records import ClipDone, Command, Erase, HoldAdded, HoldReleased
from tests.support.written_months import WrittenJournal, WrittenNode

WARSAW = ZoneInfo("Europe/Warsaw")
NOVEMBER = month_of("2026-11", WARSAW)
START, END = NOVEMBER.start_utc_ns, NOVEMBER.end_utc_ns
HOUR = 3600 * NS_PER_S
DAY = 24 * HOUR
FROM, TO = format_utc(START), format_utc(START + HOUR)
LATER = END + 40 * DAY


def report(
    journals: dict[str, WrittenJournal], *, now_ns: int = LATER, cameras: dict[str, str] | None = None, month: str = "2026-11"
) -> MonthReport:
    return month_report(Node("pole-1", "", "node", cameras), month_of(month, WARSAW), WrittenNode(journals), now_ns)


def always(begin_ns: int = START - HOUR, end_ns: int = END + 2 * HOUR) -> WrittenJournal:
    journal = WrittenJournal("cam0")
    journal.boot(begin_ns)
    journal.footage(begin_ns, end_ns, segment_s=1800)
    return journal


def only(found: MonthReport) -> CameraMonth:
    (camera,) = found.cameras
    return camera


def test_a_month_without_any_record_has_no_camera_and_still_a_page() -> None:
    found = report({})
    assert found.cameras == []
    assert "No camera has records" in month_page(found, "en")
    assert report({"recorder.cam0": always(END + DAY, END + 2 * DAY)}).cameras == []
    assert report({"recorder.cam0": always()}, month="2027-05", now_ns=END + DAY).cameras == []


def test_an_outage_from_the_month_before_to_the_month_after_is_all_of_it() -> None:
    journal = always(START - DAY, START - HOUR)
    journal.outage("camera_unreachable", START - HOUR, END + HOUR)
    journal.footage(END + HOUR, END + 3 * HOUR)
    camera = only(report({"recorder.cam0": journal}))
    assert (camera.availability_percent, camera.recorded_s, camera.unplanned_s) == (0.0, 0.0, camera.counted_s)
    (outage,) = camera.outages
    assert (outage.cut_start, outage.cut_end, outage.open) == (True, True, False)


def test_an_outage_that_lasts_counts_to_now_and_is_open() -> None:
    journal = always(START - HOUR, START + DAY)
    journal.gap("camera_died", START + DAY, None, START + DAY)
    camera = only(report({"recorder.cam0": journal}, now_ns=START + 3 * DAY))
    assert (camera.ends, camera.recorded_s, camera.unplanned_s) == ("now", 86_400.0, 2 * 86_400.0)
    assert [each.open for each in camera.outages] == [True]
    assert "goes on" in month_page(report({"recorder.cam0": journal}, now_ns=START + 3 * DAY), "en")


def test_a_month_in_progress_counts_to_the_newest_closed_footage() -> None:
    found = report({"recorder.cam0": always(START - HOUR, START + DAY)}, now_ns=START + DAY + 50 * NS_PER_S)
    assert found.in_progress
    assert (only(found).ends, only(found).availability_percent, only(found).outages) == ("newest_footage", 100.0, [])
    assert "month is not over" in month_page(found, "en")


def test_a_camera_that_was_taken_out_counts_to_its_last_record() -> None:
    journal = always(START - HOUR, START + 5 * DAY)
    journal.stop(START + 5 * DAY)
    gone = only(report({"recorder.cam0": journal}, cameras={"cam1": "the other"}))
    assert (gone.ends, gone.availability_percent, gone.counted_s) == ("removed", 100.0, 5 * 86_400.0)
    still = only(report({"recorder.cam0": journal}, cameras={"cam0": "stopped"}))
    assert (still.ends, still.planned_s) == ("month", 25 * 86_400.0)
    assert report({"recorder.cam0": journal}, cameras={}, month="2026-12").cameras == []


def test_a_journal_whose_beginning_was_retired_says_that_it_counts_from_there() -> None:
    journal = always(START + 10 * DAY)
    journal.raws = journal.raws[5:]
    camera = only(report({"recorder.cam0": journal}))
    assert (camera.begins, camera.outages) == ("journal", [])


def test_a_node_that_has_not_reported_is_not_available() -> None:
    camera = only(report({"recorder.cam0": always(START - HOUR, START + 15 * DAY)}))
    assert [(each.reason, each.planned, each.seconds) for each in camera.outages] == [("not_reported", False, 15 * 86_400.0)]
    assert camera.availability_percent == 50.0


def test_footage_whose_record_was_written_after_recovery_counts() -> None:
    journal = always(START - HOUR, START + DAY)
    journal.footage(START + DAY + HOUR, END + 2 * HOUR, segment_s=1800)
    without = only(report({"recorder.cam0": journal})).unplanned_s
    assert without == 3600.0
    late = always(START - HOUR, START + DAY)
    late.footage(START + DAY + HOUR, START + 3 * DAY, segment_s=1800)
    late.segment(START + DAY, START + DAY + HOUR, at_ns=START + 3 * DAY)
    late.footage(START + 3 * DAY, END + 2 * HOUR, segment_s=1800)
    assert only(report({"recorder.cam0": late})).unplanned_s == 0.0


def test_what_was_asked_locked_and_destroyed_is_counted_within_the_month() -> None:
    recorder, agent, local = always(), WrittenJournal(""), WrittenJournal("")
    agent.put(Command(id="a", verb="clip", operator="n", case="c", state="accepted"), START + HOUR, camera="cam0")
    agent.put(ClipDone(id="a", state="done"), START + 2 * HOUR, camera="cam0")
    agent.put(Command(id="b", verb="clip", operator="n", case="c", state="refused", code="quota"), START + HOUR, camera="cam0")
    agent.put(Command(id="c", verb="clip", operator="", case="", state="refused", code="signature"), START + HOUR, camera="")
    agent.put(Command(id="d", verb="clip", operator="n", case="c", state="accepted"), END + HOUR, camera="cam0")
    held = HoldAdded(
        id="h",
        camera_id="cam0",
        start=format_utc(START),
        end=format_utc(START + HOUR),
        case="c",
        by="n",
        review=None,
        segments=[1],
        bytes=1,
    )
    local.put(held, START + HOUR)
    local.put(held, START + 2 * HOUR)
    local.put(HoldReleased(id="h", by="n", why="over"), START + 3 * HOUR, camera="cam0")
    files = [ExportedFile(name="x.mp4", bytes=1, sha256="0" * 64)]
    local.put(
        Exported(
            id="e",
            operator="n",
            case="c",
            recipient="r",
            basis="b",
            camera_id="cam0",
            start=format_utc(START),
            end=format_utc(START + HOUR),
            files=files,
            how="file",
        ),
        START + HOUR,
    )
    for early in (True, False):
        recorder.put(
            Erase(seq=1, name="x", start=None, end=None, bytes=1, sha256="", reason="space", policy="", early=early), END + 2 * HOUR
        )
    found = report({"recorder.cam0": recorder, "agent": agent, "local": local})
    camera = only(found)
    assert camera.clips == ClipCounts(asked=2, delivered=1, refused=1, exported=1)
    assert found.other_clips == ClipCounts(asked=1, refused=1)
    assert (camera.holds, camera.releases, camera.erased) == (1, 1, 0)


def test_erasures_unsigned_stretches_and_starts_are_counted_within_the_month() -> None:
    journal = always(START - HOUR, START + DAY)
    for early in (True, False, False):
        erased = Erase(seq=1, name="x", start=None, end=None, bytes=1, sha256="", reason="space", policy="", early=early)
        journal.put(erased, START + DAY)
    journal.put(UnsignedGops(reason="signer_slow", counter=7, open=True), START + DAY)
    journal.put(UnsignedGops(reason="signer_slow", counter=7, gops=12), START + DAY)
    journal.boot(START + DAY, "crash")
    journal.footage(START + DAY, END + 2 * HOUR, segment_s=1800)
    camera = only(report({"recorder.cam0": journal}))
    assert (camera.erased, camera.erased_early) == (3, 1)
    assert (camera.unsigned_stretches, camera.unsigned_gops) == (1, 12)
    assert (camera.restarts.crash, camera.restarts.first) == (1, 0)


def test_a_broken_chain_is_said() -> None:
    journal = always()
    del journal.raws[100]
    found = report({"recorder.cam0": journal})
    assert [each.whole for each in found.journals] == [False]
    assert "records 101 to 101 are missing" in found.journals[0].faults[0]
    assert "CHAIN BROKEN" in month_page(found, "en")


def test_a_second_life_of_a_journal_is_no_broken_chain() -> None:
    before, after = always(START - HOUR, START + DAY), always(START + DAY, END + 2 * HOUR)
    before.raws += after.raws
    found = report({"recorder.cam0": before})
    assert (found.journals[0].whole, found.journals[0].lives) == (True, 2)
    assert only(found).availability_percent == 100.0


@pytest.mark.parametrize(("part", "whole", "expected"), [(1, 1, 100.0), (0.999_999_9, 1, 99.999), (0, 5, 0.0), (1, 3, 33.333)])
def test_only_a_whole_month_is_a_hundred_percent(part: float, whole: float, expected: float) -> None:
    assert percent_of(part, whole) == expected


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-00", "26-01", "2026", "2026-1", "0000-01", "9999-12", "2026-11-01", "../../x", "２０２６-11"]
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        month_of(text, WARSAW)


def hours(month: str) -> dict[str, float]:
    return {day.date.isoformat(): day.length_s / 3600 for day in month_of(month, WARSAW).days if day.length_s != 86_400}


def test_days_of_23_and_25_hours() -> None:
    assert hours("2026-03") == {"2026-03-29": 23.0}
    assert hours("2026-10") == {"2026-10-25": 25.0}
    assert hours("2026-11") == {}
    assert [len(month_of(month, WARSAW).days) for month in ("2024-02", "2025-02", "2026-12")] == [29, 28, 31]


def bars_of(day: str, start: str, end: str) -> list[Bar]:
    """What is drawn of an outage between two moments, on the row of that day."""
    month = month_of(day[:7], WARSAW)
    journal = WrittenJournal("cam0")
    begin, first, last = month.start_utc_ns - HOUR, parse_utc(start), parse_utc(end)
    journal.boot(begin)
    journal.footage(begin, first, segment_s=1800)
    journal.outage("camera_died", first, last)
    journal.footage(last, month.end_utc_ns + 2 * HOUR, segment_s=1800)
    camera = only(report({"recorder.cam0": journal}, month=day[:7]))
    rows = list(_bars(camera, month))
    return [bar for bar in rows[int(day[8:]) - 1] if bar.kind == "unplanned"]


def test_the_hour_that_happens_twice_is_drawn_one_above_the_other() -> None:
    """02:00 to 03:00 local: 00:00Z to 01:00Z in summer time, 01:00Z to 02:00Z in winter time."""
    assert bars_of("2026-10-25", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z") == [Bar(120.0, 180.0, 1, "unplanned")]
    assert bars_of("2026-10-25", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z") == [Bar(120.0, 180.0, 2, "unplanned")]
    both = bars_of("2026-10-25", "2026-10-24T23:00:00Z", "2026-10-25T03:00:00Z")
    assert sorted((bar.x, bar.x_end, bar.lane) for bar in both) == [
        (60.0, 120.0, 0),
        (120.0, 180.0, 1),
        (120.0, 180.0, 2),
        (180.0, 240.0, 0),
    ]


def test_the_hour_that_does_not_happen_stays_empty() -> None:
    found = bars_of("2026-03-29", "2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z")
    assert [(bar.x, bar.x_end) for bar in found] == [(90.0, 120.0), (180.0, 210.0)]


def test_a_month_of_second_long_outages_draws_a_bounded_picture() -> None:
    journal = WrittenJournal("cam0")
    journal.boot(START - HOUR)
    at = START - HOUR
    while at < START + 2 * DAY:
        journal.segment(at, at + 20 * NS_PER_S)
        journal.gap("disk_slow", at + 20 * NS_PER_S, at + 22 * NS_PER_S, at + 22 * NS_PER_S)
        at += 22 * NS_PER_S
    found = report({"recorder.cam0": journal}, now_ns=START + 2 * DAY)
    assert len(only(found).outages) > 7000
    rows = [bar for row in _bars(only(found), NOVEMBER) for bar in row]
    assert len(rows) <= 2 * 2 * PLOT
    assert all(0 <= bar.x < bar.x_end <= PLOT for bar in rows)
    page = month_page(found, "pl")
    assert page.count("<rect") < 2 * 2 * PLOT + 100
    assert "Pokazano 60 najdłuższych z" in page


def test_the_page_escapes_what_others_wrote_and_loads_nothing() -> None:
    journal = always(START - HOUR, START + DAY)
    journal.outage("camera_died", START + DAY, START + DAY + HOUR, "<script>alert(1)</script>")
    journal.footage(START + DAY + HOUR, END + 2 * HOUR, segment_s=1800)
    for language in ("pl", "en"):
        page = month_page(report({"recorder.cam0": journal}, cameras={"cam0": "<b>"}), language)
        assert "<script" not in page
        assert "cam0 - &lt;b&gt;" in page
        assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
        assert f'lang="{language}"' in page


def test_times_of_the_report_are_utc_and_of_the_page_local() -> None:
    journal = always(START - HOUR, START + DAY)
    journal.outage("power", START + DAY, START + DAY + HOUR)
    journal.footage(START + DAY + HOUR, END + 2 * HOUR, segment_s=1800)
    found = report({"recorder.cam0": journal})
    assert only(found).outages[0].start == format_utc(START + DAY) == "2026-11-01T23:00:00.000Z"
    assert "2026‑11‑02 00:00:00" in month_page(found, "pl").replace("\u00a0", " ")
