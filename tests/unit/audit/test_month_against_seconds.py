"""The month's account against a second one that shares nothing with it: an array with a letter for each second of the month."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.audit.month import Node, month_report
from edge.audit.months import month_of
from edge.clock import NS_PER_S, format_utc
from edge.messages.audit import CameraMonth
from tests.support.depth import usually
from tests.support.written_months import WrittenJournal, WrittenNode

WARSAW = ZoneInfo("Europe/Warsaw")
MONTHS = ("2026-03", "2026-10", "2026-11", "2024-02", "2025-02")
DAY_S = 86_400
LETTERS = {
    "camera_died": "d",
    "camera_unreachable": "u",
    "power": "p",
    "disk_error": "e",
    "crash": "c",
    "stopped": "s",
    "not_reported": "n",
    "before_first": "b",
}
PLANNED = "sb"


def bounds_s(month: str) -> tuple[int, int]:
    """By the operating system's calendar, not by the product's."""
    year, number = (int(part) for part in month.split("-"))
    following = (year + 1, 1) if number == 12 else (year, number + 1)
    first, last = datetime(year, number, 1, tzinfo=WARSAW), datetime(*following, 1, tzinfo=WARSAW)
    return round(first.astimezone(timezone.utc).timestamp()), round(last.astimezone(timezone.utc).timestamp())


@dataclass(frozen=True)
class Stretch:
    kind: str
    length_s: int


@dataclass
class Seconds:
    """What was the case in each second of the month: R recorded, a reason's letter, "." nothing known."""

    start_s: int
    end_s: int
    letters: bytearray = field(init=False)

    def __post_init__(self) -> None:
        self.letters = bytearray(b"." * (self.end_s - self.start_s))

    def paint(self, start_s: int, end_s: int, letter: str) -> None:
        for second in range(max(start_s, self.start_s), min(end_s, self.end_s)):
            self.letters[second - self.start_s] = ord(letter)


def written(stretches: list[Stretch], begin_s: int, seconds: Seconds, ending: str, now_s: int) -> WrittenJournal:
    """The journal of a camera that lived through `stretches`, painting what was the case into `seconds` on the way."""
    journal = WrittenJournal("cam0", boot_utc_ns=(begin_s - 1000) * NS_PER_S)
    journal.boot(begin_s * NS_PER_S)
    at_s = begin_s
    for stretch in stretches:
        end_s = at_s + stretch.length_s
        if stretch.kind == "footage":
            journal.footage(at_s * NS_PER_S, end_s * NS_PER_S, segment_s=1800)
            seconds.paint(at_s, end_s, "R")
        elif stretch.kind == "undated":
            first = journal.seq + 1
            journal.footage(at_s * NS_PER_S, end_s * NS_PER_S, segment_s=1800, dated=False)
            journal.date(list(range(first, journal.seq + 1)), end_s * NS_PER_S)
            seconds.paint(at_s, end_s, "R")
        elif stretch.kind == "again":
            """The clock was put back: a stretch that is there already is recorded once more, and time goes on from there."""
            journal.segment((at_s - min(stretch.length_s, 900)) * NS_PER_S, at_s * NS_PER_S)
            seconds.paint(at_s - min(stretch.length_s, 900), at_s, "R")
            continue
        elif stretch.kind == "stopped":
            journal.stop(at_s * NS_PER_S)
            journal.boot(end_s * NS_PER_S, "orderly")
            journal.gap("stopped", at_s * NS_PER_S, end_s * NS_PER_S, end_s * NS_PER_S)
            seconds.paint(at_s, end_s, "s")
        else:
            journal.outage(stretch.kind, at_s * NS_PER_S, end_s * NS_PER_S)  # type: ignore[arg-type]
            seconds.paint(at_s, end_s, LETTERS[stretch.kind])
        at_s = end_s
    if ending == "lasting":
        journal.gap("camera_died", at_s * NS_PER_S, None, at_s * NS_PER_S)
        seconds.paint(at_s, now_s, "d")
    elif ending == "stopped":
        journal.stop(at_s * NS_PER_S)
        seconds.paint(at_s, now_s, "s")
    elif at_s < now_s:
        seconds.paint(at_s, now_s, "n")
    return journal


KINDS = (
    "footage",
    "footage",
    "footage",
    "undated",
    "again",
    "stopped",
    *[word for word in LETTERS if word not in ("stopped", "not_reported", "before_first")],
)
LENGTHS = st.one_of(st.integers(1, 120), st.integers(600, 7200), st.integers(DAY_S // 2, 4 * DAY_S))


@st.composite
def lives(draw: st.DrawFn) -> tuple[str, list[Stretch], int, str, int]:
    month = draw(st.sampled_from(MONTHS))
    start_s, _end_s = bounds_s(month)
    begin_s = start_s + draw(st.integers(-4 * DAY_S, 6 * DAY_S))
    stretches = [Stretch("footage", draw(st.integers(900, 4000)))]
    for _ in range(draw(st.integers(0, 25))):
        kind, length_s = draw(st.sampled_from(KINDS)), draw(LENGTHS)
        if kind not in ("footage", "undated", "again") and stretches[-1].kind not in ("footage", "undated"):
            kind = "footage"  # two outages in a row are one with the first one's reason
        if kind == "again" and (stretches[-1].kind not in ("footage", "undated") or stretches[-1].length_s < 900):
            kind = "footage"
        stretches.append(Stretch(kind, length_s))
    stretches.append(Stretch("footage", draw(st.integers(900, 4000))))
    lived_s = begin_s + sum(each.length_s for each in stretches if each.kind != "again")
    now_s = max(lived_s, start_s) + draw(st.one_of(st.integers(0, 500), st.integers(1000, 3 * DAY_S), st.just(40 * DAY_S)))
    return month, stretches, begin_s, draw(st.sampled_from(("footage", "lasting", "stopped"))), now_s


def account(month: str, journal: WrittenJournal, now_s: int) -> CameraMonth | None:
    report = month_report(
        Node("pole-1", "", "node", {"cam0": ""}), month_of(month, WARSAW), WrittenNode({"recorder.cam0": journal}), now_s * NS_PER_S
    )
    assert all(each.whole for each in report.journals)
    return report.cameras[0] if report.cameras else None


@pytest.mark.slow
@settings(max_examples=usually(15, full=60))
@given(life=lives())
def test_the_account_is_the_sum_of_the_seconds(life: tuple[str, list[Stretch], int, str, int]) -> None:
    month, stretches, begin_s, ending, now_s = life
    start_s, end_s = bounds_s(month)
    seconds = Seconds(start_s, min(end_s, now_s))
    journal = written(stretches, begin_s, seconds, ending, now_s)
    camera = account(month, journal, now_s)
    letters = seconds.letters.decode()
    if ending == "footage" and now_s < end_s and 0 < len(letters) - len(letters.rstrip("n")) <= 600:
        letters = letters.rstrip("n")  # the open segment has no record yet
    letters = letters.lstrip(".")
    if not letters:
        assert camera is None
        return
    assert camera is not None
    assert "." not in letters
    found = {"R": camera.recorded_s}
    for outage in camera.outages:
        letter = LETTERS[outage.reason]
        found[letter] = found.get(letter, 0.0) + outage.seconds
        assert outage.planned == (letter in PLANNED)
    assert found == pytest.approx({letter: float(letters.count(letter)) for letter in {"R", *letters}}, abs=0.01)
    assert camera.counted_s == len(letters)
    assert camera.planned_s == sum(letters.count(letter) for letter in PLANNED)
    assert abs(camera.availability_percent - 100 * letters.count("R") / len(letters)) <= 0.001
    assert (camera.availability_percent == 100) == (letters.count("R") == len(letters))


@settings(max_examples=usually(8, full=30))
@given(life=lives())
def test_the_days_add_up_to_the_month(life: tuple[str, list[Stretch], int, str, int]) -> None:
    month, stretches, begin_s, ending, now_s = life
    start_s, end_s = bounds_s(month)
    seconds = Seconds(start_s, min(end_s, now_s))
    camera = account(month, written(stretches, begin_s, seconds, ending, now_s), now_s)
    if camera is None:
        return
    place = 0
    whole = seconds.letters.decode()
    for day in camera.days:
        assert datetime.fromtimestamp(start_s + place, WARSAW).isoformat()[:19] == f"{day.date}T00:00:00"
        length = round(day.length_s)
        assert day.recorded_s == whole[place : place + length].count("R")
        place += length
    assert start_s + place == end_s
    assert sum(day.counted_s for day in camera.days) == pytest.approx(camera.counted_s)
    assert format_utc(start_s * NS_PER_S) <= camera.counted_from <= camera.counted_to <= format_utc(end_s * NS_PER_S)
