"""A clip whose end lies ahead, on a disk that loses its power at any operation, or refuses one: once it was accepted its footage stays
until the last word, the plan is made of all of it, and a decision to call it off holds."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

import pytest

from edge.clip.shape import Plan, decode_plan
from edge.clock import NS_PER_S, ManualClock, format_utc
from edge.errors import NotFound, StorageError
from edge.host.model_disk import Fault, ModelDisk, PowerLost
from edge.messages.clip import ClipRequest, JobProgress
from edge.ring.names import SegmentName
from edge.ring.query import RingReader
from edge.services.clip_ahead import Ahead, recorded_so_far
from edge.upload.jobs import Final, Job, JobStore
from edge.upload.terms import Cancellation, Terms
from tests.support.pole import BOOT, CAMERA, DATA, Pole

LATER_BOOT = "22222222-2222-4222-8222-222222222222"
JOBS = DATA / "jobs"
CALLED_OFF = Cancellation(by="b.kowal", why="not needed", t="2026-11-22T12:00:00.000Z")
Ending = Literal["done", "cancelled"]
STEP: dict[Ending, int] = {"done": 1, "cancelled": 3}
"""Of the second life only what is different in it is new."""


class Street:
    """A recorder at work, and a clip of it: from five seconds ago to twelve seconds ahead."""

    def __init__(self, ending: Ending) -> None:
        self.ending = ending
        self.disk = ModelDisk()
        self.pole = Pole(disk=self.disk)
        self.clock: ManualClock = self.pole.clock
        self.pole.start()
        self.pole.record(10)
        now = self.clock.read()
        self.start_ns, self.end_ns = now.utc_ns - 5 * NS_PER_S, now.utc_ns + 12 * NS_PER_S
        self.request = ClipRequest(id="r-1", camera=CAMERA, start=format_utc(self.start_ns), end=format_utc(self.end_ns), case="C 1")
        self.terms = Terms(awaits=True, accepted=format_utc(now.utc_ns), boot=BOOT, boot_ns=now.boot_ns, expects_bytes=1000)
        self.boot = BOOT
        self.said: list[str] = []
        self._open()

    def _open(self) -> None:
        self.store = JobStore(self.disk, JOBS)
        self.ring = RingReader(self.disk, DATA, self.clock, self.boot)
        self.ahead = Ahead(self.store, self.ring, self.clock, self.boot)

    def live(self) -> None:
        """Everything a job goes through, with the recorder beside it."""
        job = self.accept()
        self.records(8)
        self.ahead.grow(job)
        if self.ending == "cancelled":
            self.store.cancel("r-1", CALLED_OFF)
            self.said.append("called off")
        else:
            self.records(10)
            assert self.ahead.is_over(job)
            job = self.ahead.plan(job)
        self.finish(job)

    def accept(self) -> Job:
        job = self.store.accept(self.request, None, recorded_so_far(self.ring, self.request), self.terms)
        self.said.append("accepted")
        return job

    def finish(self, job: Job) -> None:
        self.store.finish(
            job, Final(progress=JobProgress(id="r-1", state=self.ending), manifest=None), lambda: self.said.append("recorded")
        )

    def records(self, seconds: int) -> None:
        """The recorder's own faults are tested elsewhere: here its disk is well while it writes."""
        fault, self.disk.fault = self.disk.fault, None
        self.pole.record(seconds)
        self.disk.fault = fault

    def reboot(self, seed: int) -> None:
        """The power comes back five seconds later, with the right time."""
        self.disk = self.disk.power_cut(seed)
        self.clock.advance(5)
        self.boot = LATER_BOOT
        self.pole = Pole(disk=self.disk, clock=self.clock, boot=self.boot)
        self.pole.start()
        self._open()

    def go_on(self) -> None:
        """The next start of the agent, to the end of the job."""
        jobs = self.store.open_jobs()
        accepted, recorded = "accepted" in self.said, "recorded" in self.said
        assert bool(jobs) or not accepted or recorded, "what was accepted is there"
        if not accepted and not jobs:
            self.said.append("refused")
            return
        for job in jobs:
            self.end(job)

    def end(self, job: Job) -> None:
        if self.store.final("r-1") is None and self.store.cancellation(job) is None:
            assert "called off" not in self.said, "the decision holds"
            self.check_plan(job)
        self.finish(job)

    def check_plan(self, job: Job) -> None:
        """What it is made of is all there is, though the ring has erased its own."""
        if not job.planned:
            self.ahead.grow(job)
            self.records(70 if self.boot == BOOT else 40)
            assert self.ahead.is_over(job)
            job = self.ahead.plan(job)
        plan = decode_plan(job.plan)
        assert self.seconds(plan) >= self.seconds_there() - 0.5
        kept = self.store.pinned_seqs(job)
        assert {segment.seq for segment in plan.segments} <= kept
        for name in self.in_range():
            self.disk.unlink(self.pole.ring / name.path)
        for segment in plan.segments:
            assert self.store.pinned(job, segment.seq).size > 0

    def in_range(self) -> list[SegmentName]:
        refs = self.ring.segments(CAMERA, self.start_ns, self.end_ns)
        return [ref.name for ref in refs if ref.name is not None]

    def seconds_there(self) -> float:
        refs = self.ring.segments(CAMERA, self.start_ns, self.end_ns)
        return sum(min(ref.end_utc_ns, self.end_ns) - max(ref.start_utc_ns, self.start_ns) for ref in refs) / NS_PER_S

    def seconds(self, plan: Plan) -> float:
        return sum(part.asked_end_utc_ns - part.asked_start_utc_ns for part in plan.parts) / NS_PER_S

    def check_over(self) -> None:
        assert self.store.open_jobs() == []
        if "refused" not in self.said:
            final = self.store.final("r-1")
            assert final is not None
            if "called off" in self.said:
                assert final.progress.state == "cancelled"


def operations(ending: Ending, step: int) -> range:
    street = Street(ending)
    first = street.disk.operations + 1
    street.live()
    street.check_over()
    return range(first, street.disk.operations + 1, step)


@pytest.mark.parametrize("ending", ["done", "cancelled"])
def test_the_power_may_go_at_any_operation(ending: Ending) -> None:
    struck = 0
    for number in operations(ending, STEP[ending]):
        street = Street(ending)
        street.disk.fault = Fault(number, "power")
        with suppress(PowerLost):
            street.live()
        struck += street.disk.struck
        street.reboot(seed=number)
        street.go_on()
        street.check_over()
    assert struck > 20


@pytest.mark.parametrize("kind", ["EIO", "ENOSPC"])
def test_any_operation_may_be_refused_once(kind: Literal["EIO", "ENOSPC"]) -> None:
    for number in operations("done", 4):
        street = Street("done")
        street.disk.fault = Fault(number, kind)
        with suppress(StorageError, NotFound):
            street.live()
        street.disk.fault = None
        street.go_on()
        street.check_over()
