"""What the supervisor does with changes that are asked for one after another."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from pathlib import Path

import msgspec

from edge.config.trial import end_trial, read_trial, write_trial
from edge.host.model_disk import ModelDisk
from edge.messages.config import Trial
from edge.services.config_guard import TRIALS_PER_HOUR, ConfigGuard

PATH = Path("/etc/edge/node.toml")
UNITS = ["recorder:cam0", "agent"]


class Site:
    def __init__(self) -> None:
        self.disk, self.now_s = ModelDisk(), 0.0
        self.disk.mkdir(PATH.parent)
        self.disk.replace(PATH, b"a = 0\n")
        self.guard = ConfigGuard(self.disk, PATH, "this-boot", nullcontext, lambda: self.now_s)

    def want(self, number: int, before: int) -> Trial:
        texts = [f"a = {each}\n" for each in (before, number)]
        old, new = (hashlib.sha256(text.encode()).hexdigest() for text in texts)
        trial = Trial(
            id=f"c{number}", operator="o", case="", version=0, before=texts[0], before_sha256=old, wanted=texts[1], wanted_sha256=new,
            units=UNITS, confirm_s=30,
        )  # fmt: skip
        return write_trial(self.disk, PATH, trial)

    def look(self, after_s: float = 1.0) -> list[str]:
        self.now_s += after_s
        return self.guard.look(self.now_s)

    def confirm(self) -> None:
        trial = read_trial(self.disk, PATH)
        assert trial is not None
        write_trial(self.disk, PATH, msgspec.structs.replace(trial, state="confirmed"))
        assert self.look() == []
        end_trial(self.disk, PATH)

    @property
    def text(self) -> str:
        return self.disk.read(PATH).decode()


def test_units_start_anew_once_at_each_change_of_the_file() -> None:
    site = Site()
    site.want(1, before=0)
    assert site.look() == UNITS
    assert site.text == "a = 1\n"
    assert [site.look(4.0) for _ in range(7)] == [[]] * 7
    assert site.look(4.0) == UNITS
    assert site.text == "a = 0\n"
    assert site.look() == []


def test_a_confirmed_change_stays_for_ever() -> None:
    site = Site()
    site.want(1, before=0)
    site.look()
    site.confirm()
    assert site.look(10_000.0) == []
    assert site.text == "a = 1\n"


def test_of_more_than_six_changes_an_hour_none_is_tried() -> None:
    site = Site()
    for number in range(1, TRIALS_PER_HOUR + 1):
        site.want(number, before=number - 1)
        assert site.look(60.0) == UNITS
        site.confirm()
    site.want(99, before=TRIALS_PER_HOUR)
    assert site.look(60.0) == []
    trial = read_trial(site.disk, PATH)
    assert trial is not None
    assert trial.state == "rolled_back"
    assert site.text == f"a = {TRIALS_PER_HOUR}\n"
    end_trial(site.disk, PATH)
    site.want(7, before=TRIALS_PER_HOUR)
    assert site.look(3600.0) == UNITS


def test_a_trial_that_does_not_read_changes_nothing() -> None:
    site = Site()
    site.disk.replace(PATH.with_name("node.toml.trial"), b'{"state": "trying"')
    site.guard.start()
    assert site.look() == []
    assert site.text == "a = 0\n"
