"""`edge capture probe` on this machine."""

from __future__ import annotations

import json

from edge.config import hardware
from tests.support.command import edge


def test_the_probe_tells_what_works_here_and_recommends_a_profile_that_there_is() -> None:
    outcome = edge("capture", "probe", "--json")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert found["profile"] in hardware.names()
    assert found["board"]["cpus"] >= 1
    assert [each["preset"] for each in found["presets"]][:1] == ["ultrafast"]
    assert found["presets"][0]["fps"] > 0
    assert {each["name"] for each in found["encoders"]} == {"nvenc", "v4l2m2m", "nvenc-h265"}
    assert all(each["text"] for each in found["encoders"])


def test_the_probe_judges_by_another_profile_for_people() -> None:
    outcome = edge("capture", "probe", "--hw", "cm4")
    assert outcome.code == 0, outcome.err
    assert 'hw = "cm4"' in outcome.out
    assert "! 32 GB keep" in outcome.out, "eMMC alone is no place for a ring"


def test_a_profile_that_there_is_not_is_named_with_those_that_there_are() -> None:
    outcome = edge("capture", "probe", "--hw", "toaster")
    assert outcome.code == 78
    assert "pi4-cm3" in outcome.err
