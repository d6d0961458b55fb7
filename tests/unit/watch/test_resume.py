"""What a previous run left behind."""

from __future__ import annotations

import msgspec
import pytest

from edge.messages.records import TYPE_OF, AlarmRaised, Boot, Episode, Facts, Record, Stop
from edge.watch.resume import legacy_of

BOOT, OTHER = "boot-a", "boot-b"


def story(*facts: Facts, boot: str = BOOT) -> list[Record]:
    return [
        Record(
            seq=number,
            t=f"2026-11-22T13:05:{number:02d}.000Z",
            clock="trusted",
            mono_ms=number * 1000,
            boot=boot,
            type=TYPE_OF[type(each)],
            camera="cam0" if isinstance(each, Episode) else None,
            facts=msgspec.Raw(msgspec.json.encode(each)),
            prev="",
        )
        for number, each in enumerate(facts, 1)
    ]


def start(name: str) -> Episode:
    return Episode(id=name, state="start", since="2026-11-22T13:05:00.000Z", until=None, since_mono_ms=0, until_mono_ms=None, score=0.1)


def end(name: str) -> Episode:
    return msgspec.structs.replace(start(name), state="end", until="2026-11-22T13:05:09.000Z", until_mono_ms=9000)


def alarm(code: str, active: bool) -> AlarmRaised:
    return AlarmRaised(code=code, active=active, severity="warning", text="")


BORN = Boot(version="1", ended="first")


@pytest.mark.parametrize(
    ("records", "ended"),
    [
        ([], "first"),
        (story(BORN), "crash"),
        (story(BORN, Stop(reason="")), "orderly"),
        (story(BORN, start("a"), boot=OTHER), "power"),
        (story(BORN, Stop(reason=""), boot=OTHER), "orderly"),
    ],
)
def test_how_the_previous_run_ended_is_told_from_its_last_record(records: list[Record], ended: str) -> None:
    assert legacy_of(records, BOOT).ended == ended


def test_when_episodes_of_this_boot_started_is_known_for_the_limit_of_an_hour() -> None:
    records = story(BORN, start("a"), end("a"), start("b"))
    assert legacy_of(records, BOOT).starts_ns == {"cam0": [2_000_000_000, 4_000_000_000]}
    assert legacy_of(records, OTHER).starts_ns == {}


def test_only_episodes_without_an_end_are_unfinished_and_end_where_motion_was_last_known() -> None:
    legacy = legacy_of(story(BORN, start("a"), end("a"), start("b"), alarm("x", True)), BOOT)
    assert [(camera, episode.id, episode.state) for camera, episode in legacy.unfinished] == [("cam0", "b", "end")]
    assert legacy.unfinished[0][1].until == "2026-11-22T13:05:04.000Z"
    assert legacy.unfinished[0][1].until_mono_ms == 4000


def test_only_alarms_raised_last_stand() -> None:
    told = [alarm("a", True), alarm("b", True), alarm("a", False), alarm("c", False), alarm("b", False), alarm("b", True)]
    assert [each.code for each in legacy_of(story(BORN, *told), BOOT).alarms] == ["b"]
