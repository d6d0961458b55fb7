"""The recorder on a disk that fails at any operation, or loses its power there - and again while it recovers.

Each case runs the same few minutes of a pole's life. Whatever happens, afterwards: the check finds nothing, and every fragment whose write
had returned is in the ring and readable.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Literal

import pytest

from edge.bmff.walk import walk
from edge.errors import StorageError
from edge.host.model_disk import Fault, ModelDisk, PowerLost
from edge.ring.check import check
from tests.support.pole import BOOT, DATA, Pole

Kind = Literal["ENOSPC", "EIO", "short"]
SEGMENT_SECONDS = 3
BOOTS = [f"{number}{number}{number}{number}{number}{number}{number}{number}-0000-4000-8000-000000000000" for number in range(2, 9)]


class Life:
    """A pole whose disk may fail; remembers which fragments were promised."""

    def __init__(self) -> None:
        self.disk = ModelDisk(1 << 24)
        self.disk.mkdir(DATA)
        self.pole = Pole(disk=self.disk)
        self.pole.limits = type(self.pole.limits)(segment_s=float(SEGMENT_SECONDS), bitrate_kbps=30)
        self.promised: set[tuple[str, int]] = set()
        self.case = ""
        self._boots = iter(BOOTS)

    def run(self) -> None:
        """Two segments and a bit, the camera dies, the form changes, an orderly stop, a second run."""
        pole = self.pole
        if not self._start():
            return
        self._seconds(7)
        pole.recording.gap("camera_died", "test")
        pole.clock.advance(2.0)
        pole.recording.start(pole.camera.info())
        self._seconds(2)
        pole.camera.width = 80
        self._seconds(2)
        pole.stop()
        pole.clock.advance(5.0)
        if self._start():
            self._seconds(4)

    def undated_run(self) -> None:
        """Before the clock is set, and while it becomes so."""
        pole = self.pole
        pole.clock.set_state("untrusted")
        if not self._start():
            return
        self._seconds(7)
        pole.clock.set_state("trusted")
        pole.clock.step_utc(86_400.0 * 365)
        self._seconds(4)

    def _start(self) -> bool:
        """A recorder that cannot read its ring ends, and is started again by the service manager, here twice."""
        for _ in range(3):
            try:
                self.pole.start()
            except StorageError:
                self.pole.clock.advance(1.0)
            else:
                return True
        return False

    def _seconds(self, count: int) -> None:
        """A GOP that the disk refuses is offered three times, then given up, as a full queue would."""
        for _ in range(count):
            gop = self.pole.camera.gop()
            self.pole.clock.advance(1.0)
            for _attempt in range(3):
                wait_s = self.pole.recording.write(gop)
                if wait_s is None:
                    self.promised.add((self.pole.boot, gop.boot_ns))
                    break
                self.pole.clock.advance(wait_s)
                self.pole.camera.dts_ns += round(wait_s * 1e9)

    def power_cut(self, seed: int) -> None:
        """The power goes now; the node starts again with what the disk has kept."""
        self.disk = self.pole.disk = self.disk.power_cut(seed)
        self.pole.reboot(boot=next(self._boots))

    def heal(self) -> None:
        self.disk.fault = None

    def go_on(self) -> None:
        """The next run, in good health."""
        self.pole.start()
        self._seconds(4)
        self.pole.stop()

    def verify(self, case: str = "") -> None:
        report = check(self.disk, DATA, deep=True)
        assert report.findings == [], case
        kept = set(self._fragments())
        assert self.promised <= kept, f"{case}: lost {sorted(self.promised - kept)}"

    def _fragments(self) -> Iterator[tuple[str, int]]:
        for name in self.pole.folder.all():
            stored = self.disk.read(self.pole.ring / name.path)
            found = walk(lambda offset, length, data=stored: data[offset : offset + length], len(stored))  # type: ignore[misc]
            assert found.sealed
            yield from ((found.index.boot, entry.boot_ns) for entry in found.index.fragments)


@cache
def operations(undated: bool) -> int:
    life = Life()
    life.undated_run() if undated else life.run()
    return life.disk.operations


def test_without_a_fault_the_life_is_as_described() -> None:
    life = Life()
    life.run()
    life.power_cut(0)
    life.go_on()
    life.verify()
    assert len(life.promised) == 7 + 2 + 2 + 4 + 4
    assert life.pole.boot != BOOT


@pytest.mark.parametrize("undated", [False, True])
@pytest.mark.parametrize("forever", [False, True])
@pytest.mark.parametrize("kind", ["EIO", "ENOSPC", "short"])
def test_a_refusal_at_any_operation_loses_nothing_that_was_promised(kind: Kind, forever: bool, undated: bool) -> None:
    struck = 0
    for number in range(1, operations(undated) + 1):
        life = Life()
        life.disk.fault = Fault(number, kind, forever)
        life.undated_run() if undated else life.run()
        struck += life.disk.struck > 0
        life.heal()
        life.go_on()
        life.verify(f"operation {number}: {life.disk.trail[number - 1]}")
    assert struck >= 20


@pytest.mark.parametrize("undated", [False, True])
def test_the_power_may_go_at_any_operation(undated: bool) -> None:
    for number in range(1, operations(undated) + 1):
        life = lived_until(number, undated)
        life.power_cut(seed=number)
        life.go_on()
        life.verify(f"power cut at operation {number}: {life.case}")


@pytest.mark.parametrize("undated", [False, True])
def test_the_power_may_go_again_at_any_operation_of_the_recovery(undated: bool) -> None:
    cuts = 0
    for number in range(5, operations(undated) + 1, 7):
        again = 1
        while True:
            life = lived_until(number, undated)
            life.power_cut(seed=number)
            life.disk.fault = Fault(again, "power")
            try:
                life.go_on()
                break
            except PowerLost:
                cuts += 1
            life.power_cut(seed=number * 31 + again)
            life.go_on()
            life.verify(f"power cut at operation {number}, again at {again} of the recovery: {life.case}")
            again += 5
    assert cuts > 100


def test_a_refusal_during_recovery_is_made_good_by_the_next_start() -> None:
    for number in range(5, operations(False) + 1, 9):
        for again in range(1, 60, 4):
            life = lived_until(number, undated=False)
            life.power_cut(seed=number)
            life.disk.fault = Fault(again, "EIO")
            if life._start():
                life._seconds(2)
                life.pole.recording.close()
            life.heal()
            life.power_cut(seed=again)
            life.go_on()
            life.verify(f"power cut at operation {number}, refusal at {again} of the recovery: {life.case}")


def lived_until(operation: int, undated: bool) -> Life:
    """A life that ends at one operation of the disk."""
    life = Life()
    life.disk.fault = Fault(operation, "power")
    with pytest.raises(PowerLost):
        life.undated_run() if undated else life.run()
    life.case = life.disk.trail[-1]
    return life
