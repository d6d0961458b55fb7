"""A recorder's first words: which configuration is in force, and since when it is another."""

from __future__ import annotations

from dataclasses import replace

from edge.messages.evidence import ConfigInForce
from tests.support.pole import Pole


def run(pole: Pole, config_sha256: str, seconds: int) -> None:
    pole.limits = replace(pole.limits, config_sha256=config_sha256)
    pole.start()
    if seconds:
        pole.record(seconds)
    pole.stop()


def changes(pole: Pole) -> list[tuple[str, str]]:
    return [(facts.before, facts.sha256) for facts in pole.facts(ConfigInForce)]


def test_another_configuration_than_at_the_last_start_is_recorded() -> None:
    pole = Pole()
    for config_sha256 in ("one", "one", "two", "one"):
        run(pole, config_sha256, 4)
    assert changes(pole) == [("one", "two"), ("two", "one")]


def test_a_start_that_recorded_nothing_counts_too() -> None:
    pole = Pole()
    for config_sha256, seconds in (("one", 4), ("two", 0), ("two", 4), ("three", 0), ("one", 4)):
        run(pole, config_sha256, seconds)
    assert changes(pole) == [("one", "two"), ("two", "three"), ("three", "one")]


def test_where_the_configuration_is_not_known_nothing_is_claimed() -> None:
    pole = Pole()
    for config_sha256 in ("", "one", "", "one"):
        run(pole, config_sha256, 4)
    assert changes(pole) == []
