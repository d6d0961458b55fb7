"""A few minutes of a pole's life on a disk that may fail, and what was promised meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edge.bmff.walk import walk
from edge.errors import StorageError
from edge.host.model_disk import Fault, ModelDisk, PowerLost
from edge.ring.check import check
from tests.support.pole import DATA, Pole
from tests.support.signing import MemorySigner

SEGMENT_SECONDS = 3
BOOTS = [f"{number}{number}{number}{number}{number}{number}{number}{number}-0000-4000-8000-000000000000" for number in range(2, 9)]


class Life:
    """A pole whose disk may fail; remembers which fragments were promised."""

    def __init__(self, signer: MemorySigner | None = None) -> None:
        """signer: with it, all footage is signed."""
        self.disk = ModelDisk(1 << 24)
        self.disk.mkdir(DATA)
        self.pole = Pole(disk=self.disk, signer=signer)
        self.pole.camera.lively = signer is not None
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
            gop = self.pole.take()
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
        lively, shown_ns = self.pole.camera.lively, self.pole.camera.dts_ns
        self.pole.reboot(boot=next(self._boots))
        self.pole.camera.lively = lively
        if lively:
            self.pole.camera.dts_ns = shown_ns  # the street goes on

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


def lived_until(operation: int, undated: bool, signer: MemorySigner | None = None) -> Life:
    """A life that ends at one operation of the disk."""
    life = Life(signer)
    life.disk.fault = Fault(operation, "power")
    with pytest.raises(PowerLost):
        life.undated_run() if undated else life.run()
    life.case = life.disk.trail[-1]
    return life
