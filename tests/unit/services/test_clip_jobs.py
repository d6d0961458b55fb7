"""The threads that deliver clips: several at once, none held up by another in trouble, each ended as it was asked to."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timezone
from errno import EIO
from pathlib import Path

import msgspec
import pytest

from edge.centre.serve import ReceiverServer, ServeSettings
from edge.centre.upload_store import Info, StoreLimits
from edge.clock import ManualClock, format_utc, monotonic_s, parse_utc
from edge.config.hours import quiet_minutes
from edge.errors import StorageError
from edge.host.linux_disk import LinuxDisk
from edge.host.model_disk import ModelDisk
from edge.messages.clip import ClipRequest, JobProgress
from edge.services import clip_jobs
from edge.services.clip_jobs import ClipJobs
from edge.services.clip_rules import Rules
from edge.upload.budget import DailyBudget
from edge.upload.http import Target
from edge.upload.jobs import Final, Job, JobStore, Pin
from edge.upload.line import BIG_BYTES
from edge.upload.pace import FairPace
from edge.upload.permit import Permit
from edge.upload.terms import Cancellation, Terms
from tests.support.clips import SegmentClips, noise
from tests.support.delivery import QUICK, quick

NOW = "2026-11-22T12:00:00.000Z"
CALLED_OFF = Cancellation(by="b.kowal", why="the wrong camera", t=NOW, id="c-1")


class BadSpot(ModelDisk):
    """A disk with a file that cannot be read."""

    def read(self, path: Path, offset: int = 0, length: int | None = None) -> bytes:
        if path.parts[-2:] == ("r-1", "upload.json"):
            raise StorageError(f"{path}: input/output error", number=EIO)
        return super().read(path, offset, length)


def request_of(id: str) -> ClipRequest:
    return ClipRequest(id=id, camera="cam0", start="2026-11-22T11:00:00.000Z", end="2026-11-22T11:01:00.000Z")


def data_of(data: Path, id: str, name: str) -> int:
    """Bytes of a half-sent file, if it is of that job and has that name, and is still there."""
    try:
        info = msgspec.json.decode((data.parent / "info.json").read_bytes(), type=Info)
        return data.stat().st_size if info.request == id and name in ("", info.name) else 0
    except FileNotFoundError:
        return 0


class Desk:
    """A node's clip jobs, and a receiver. Plans are of whole segments: see SegmentClips."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.clock = ManualClock(parse_utc(NOW))
        self.store = JobStore(LinuxDisk(), folder / "jobs")
        self.told: queue.Queue[JobProgress | tuple[Job, Final]] = queue.Queue()
        self.progress: list[JobProgress] = []
        self.finals: dict[str, Final] = {}
        (folder / "ring").mkdir()
        self._seq = 0

    def job(self, id: str, *sizes: int, terms: Terms | None = None) -> Job:
        pins: list[Pin] = []
        for size in sizes:
            self._seq += 1
            path = self.folder / "ring" / f"{self._seq}.mp4"
            with path.open("wb") as file:
                file.write(noise(min(size, 2_000_000), self._seq))
                file.truncate(size)
            pins.append(Pin(self._seq, path))
        return self.store.accept(request_of(id), ",".join(str(pin.seq) for pin in pins).encode(), pins, terms)

    def running(
        self, *jobs: Job, at_once: int = 2, rate: float = 0.0, quiet: str = "", budget: DailyBudget | None = None, patch: int = 8 << 20
    ) -> ClipJobs:
        permit = Permit(self.clock, timezone.utc, quiet_minutes([quiet] if quiet else []), budget)
        rules = Rules(at_once, 60.0, quick(patch_bytes=patch), permit, pace=FairPace(rate))
        made = ClipJobs(self.store, SegmentClips(), Target(self.url), rules, None, self.told.put)
        for job in jobs:
            made.add(job)
        made.start()
        return made

    def until(self, holds: Callable[[], bool]) -> None:
        """Takes what is told; of each last word the job is finished, as the agent does it."""
        ends_s = monotonic_s() + 20
        while not holds():
            assert monotonic_s() < ends_s, (self.progress, self.finals)
            with suppress(queue.Empty):
                news = self.told.get(timeout=0.02)
                if isinstance(news, JobProgress):
                    self.progress.append(news)
                    continue
                job, final = news
                self.finals[job.id] = final
                self.store.finish(job, final, lambda: None)

    def until_ended(self, *ids: str) -> None:
        self.until(lambda: set(ids) <= self.finals.keys())

    def until_arrives(self, id: str, name: str = "", least: int = 1) -> None:
        """So many bytes of a file of it are at the receiver, and not all."""
        self.until(lambda: any(data_of(each, id, name) >= least for each in self.half_sent()))

    def waits_for(self, id: str) -> str:
        return next((each.text for each in reversed(self.progress) if each.id == id), "")

    def half_sent(self) -> list[Path]:
        return list((self.folder / "received" / ".uploads").glob("*/data"))

    def received(self, id: str) -> list[Path]:
        return sorted((self.folder / "received" / "pole-7" / id).glob("*.mp4"))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    limits = StoreLimits(reserve_bytes=0)
    server = ReceiverServer(ServeSettings(folder=tmp_path / "received", limits=limits), LinuxDisk(), ManualClock())
    server.start()
    try:
        yield Desk(tmp_path, server.url)
    finally:
        server.stop()


def test_two_jobs_are_delivered_side_by_side(desk: Desk) -> None:
    jobs = desk.running(desk.job("r-1", 400_000), desk.job("r-2", 400_000), rate=300_000, patch=100_000)
    try:
        desk.until_arrives("r-1")
        desk.until_arrives("r-2")
        assert not desk.finals, "both were on their way before either had arrived"
        desk.until_ended("r-1", "r-2")
        assert {final.progress.state for final in desk.finals.values()} == {"done"}
    finally:
        jobs.stop(5)


def test_a_small_job_passes_the_big_ones_and_is_told_its_place_in_the_line(desk: Desk) -> None:
    big = [desk.job(f"big-{number}", BIG_BYTES + 1) for number in range(2)]
    jobs = desk.running(*big, rate=1_000_000)
    try:
        desk.until(lambda: any(each.id == "big-1" and each.place == 1 for each in desk.progress))
        assert desk.waits_for("big-1") == "waits for the clips before it"
        jobs.add(desk.job("small", 1_000))
        desk.until_ended("small")
        assert set(desk.finals) == {"small"}
    finally:
        jobs.stop(5)
    assert [job.id for job in desk.store.open_jobs()] == ["big-0", "big-1"]


def test_a_job_that_is_called_off_ends_at_once_and_leaves_nothing_half_sent(desk: Desk) -> None:
    job = desk.job("r-1", 100_000, 4_000_000)
    jobs = desk.running(job, rate=300_000, patch=100_000)
    try:
        desk.until_arrives("r-1", "cam_2.mp4", 100_000)
        desk.store.cancel("r-1", CALLED_OFF)
        jobs.look_at("r-1")
        desk.until_ended("r-1")
    finally:
        jobs.stop(5)
    final = desk.finals["r-1"]
    assert final.progress.state == "cancelled"
    assert final.progress.text.startswith("cancelled by b.kowal: the wrong camera; 1 files had been delivered")
    assert final.manifest is not None
    assert [file.name for file in final.manifest.files] == [path.name for path in desk.received("r-1")]
    assert len(final.manifest.files) == 1
    assert desk.half_sent() == []
    assert not (job.folder / "links").exists()
    assert desk.store.cancellation(job) == CALLED_OFF


def test_one_called_off_on_the_node_itself_is_noticed_also_while_it_waits(desk: Desk) -> None:
    jobs = desk.running(desk.job("r-1", 100_000), quiet="11:00-13:00")
    try:
        desk.until(lambda: bool(desk.progress))
        desk.store.cancel("r-1", CALLED_OFF)
        desk.until_ended("r-1")
        assert desk.finals["r-1"].progress.state == "cancelled"
        assert desk.finals["r-1"].manifest is None
    finally:
        jobs.stop(5)


def test_quiet_hours_stop_what_is_on_its_way_and_it_goes_on_behind_them_from_there(desk: Desk) -> None:
    jobs = desk.running(desk.job("r-1", 1_000_000), quiet="12:30-14:00", rate=400_000, patch=100_000)
    try:
        desk.until_arrives("r-1", least=100_000)
        desk.clock.advance(30 * 60)
        desk.until(lambda: desk.waits_for("r-1").startswith("quiet"))
        assert (desk.progress[-1].state, desk.waits_for("r-1")) == ("running", "quiet hours: waits for 14:00")
        desk.clock.advance(90 * 60)
        desk.until_ended("r-1")
        assert desk.finals["r-1"].progress.state == "done"
        assert desk.finals["r-1"].progress.text == ""
        assert desk.finals["r-1"].progress.resumes >= 1
    finally:
        jobs.stop(5)


def test_an_urgent_job_goes_in_quiet_hours(desk: Desk) -> None:
    jobs = desk.running(desk.job("r-1", 1_000), desk.job("r-2", 1_000, terms=Terms(urgent=True)), quiet="11:00-13:00")
    try:
        desk.until_ended("r-2")
        assert set(desk.finals) == {"r-2"}
    finally:
        jobs.stop(5)


def test_a_day_sends_what_its_budget_allows_over_any_restart_and_the_rest_the_next_day(desk: Desk) -> None:
    def budget() -> DailyBudget:
        return DailyBudget(LinuxDisk(), desk.folder / "uploaded.json", desk.clock, timezone.utc, 1_000_000)

    jobs = desk.running(desk.job("r-1", 1_500_000), budget=budget(), patch=100_000)
    try:
        desk.until(lambda: desk.waits_for("r-1").startswith("today"))
    finally:
        jobs.stop(5)
    [data] = desk.half_sent()
    assert 800_000 < data.stat().st_size < 1_000_000
    [again] = desk.store.open_jobs()
    jobs = desk.running(again, desk.job("r-2", 200_000, terms=Terms(urgent=True)), budget=budget(), patch=100_000)
    try:
        desk.until_ended("r-2")
        assert data.stat().st_size < 1_000_000
        assert set(desk.finals) == {"r-2"}, "urgent ones may, and count"
        desk.clock.advance(86_400)
        desk.until_ended("r-1")
        assert desk.finals["r-1"].progress.state == "done"
    finally:
        jobs.stop(5)


def test_a_job_that_waits_beyond_its_deadline_fails_and_tells_what_of_it_arrived(desk: Desk) -> None:
    job = desk.job("r-1", 50_000, 4_000_000, terms=Terms(within_s=100.0))
    jobs = desk.running(job, quiet="12:30-14:00", rate=300_000, patch=100_000)
    try:
        desk.until_arrives("r-1", "cam_2.mp4")
        desk.clock.advance(30 * 60)
        desk.until(lambda: desk.waits_for("r-1").startswith("quiet"))
    finally:
        jobs.stop(5)
    memory = desk.store.memory(job)
    desk.store.remember(job, type(memory)(spent_s=99.9, files=memory.files))
    jobs = desk.running(*desk.store.open_jobs(), quiet="12:30-14:00")
    try:
        desk.until_ended("r-1")
    finally:
        jobs.stop(5)
    final = desk.finals["r-1"]
    assert (final.progress.state, final.progress.code) == ("failed", "deadline")
    assert final.progress.text.startswith("cam_2.mp4: not delivered in time")
    assert final.manifest is not None
    assert [file.bytes for file in final.manifest.files] == [50_000]


def test_a_deadline_by_the_clock_ends_a_job_on_its_way(desk: Desk) -> None:
    deadline = format_utc(parse_utc(NOW) + 1_500_000_000)
    jobs = desk.running(desk.job("r-1", 4_000_000, terms=Terms(deadline=deadline)), rate=100_000)
    try:
        desk.until_ended("r-1")
        assert desk.finals["r-1"].progress.code == "deadline"
    finally:
        jobs.stop(5)


def test_the_time_a_job_waits_counts(desk: Desk) -> None:
    job = desk.job("r-1", 1_000, terms=Terms(within_s=1.2))
    jobs = desk.running(job, quiet="11:00-13:00")
    try:
        desk.until_ended("r-1")
        assert desk.finals["r-1"].progress.code == "deadline"
        assert desk.finals["r-1"].progress.text.endswith("it was kept by: quiet hours: waits for 13:00")
        assert desk.store.memory(job).spent_s >= 1.2
    finally:
        jobs.stop(5)


def test_a_job_on_a_bad_spot_lets_the_others_pass_and_fails_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_jobs, "RETRY_S", 0.05)
    disk = BadSpot()
    disk.mkdir(Path("/data/ring"))
    file = disk.create(Path("/data/ring/7.mp4"))
    file.write(b"seven")
    file.close()
    store = JobStore(disk, Path("/data/jobs"))
    first, second = (store.accept(request_of(id), b"7", [Pin(7, Path("/data/ring/7.mp4"))]) for id in ("r-1", "r-2"))
    store.remember(first, store.memory(second))
    told: queue.Queue[JobProgress | tuple[Job, Final]] = queue.Queue()
    rules = Rules(1, 0.5, QUICK, Permit(ManualClock(), timezone.utc))
    jobs = ClipJobs(store, SegmentClips(), Target("http://127.0.0.1:1/nobody"), rules, None, told.put)
    jobs.add(first)
    jobs.add(second)
    jobs.start()
    try:
        ended: dict[str, str] = {}
        while len(ended) < 2:
            news = told.get(timeout=20)
            if not isinstance(news, JobProgress):
                ended[news[0].id] = news[1].progress.code
        assert ended == {"r-1": "storage", "r-2": "deadline"}
    finally:
        jobs.stop(5)
