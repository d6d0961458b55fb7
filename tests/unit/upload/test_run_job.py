from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.centre.serve import ReceiverServer, ServeSettings
from edge.centre.upload_store import StoreLimits
from edge.clock import ManualClock
from edge.errors import IntegrityError, StorageError
from edge.host.linux_disk import LinuxDisk
from edge.messages.clip import JobProgress
from edge.upload.http import Target
from edge.upload.jobs import FileMemory, Final, Job, JobStore, Memory, Pin, PinnedFile
from edge.upload.run import run_job
from edge.upload.send import Source
from tests.support.clips import REQUEST, MemoryClip, SegmentClips, noise
from tests.support.delivery import QUICK

DATA = {7: noise(300_000, 7), 8: noise(200_000, 8)}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ReceiverServer]:
    running = ReceiverServer(ServeSettings(folder=tmp_path / "received", limits=StoreLimits(reserve_bytes=0)), LinuxDisk(), ManualClock())
    running.start()
    try:
        yield running
    finally:
        running.stop()


class Bench:
    """One node with one job of two segments, and a receiver."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.store = JobStore(LinuxDisk(), folder / "jobs")
        self.stop = threading.Event()
        self.told: list[JobProgress] = []
        self.hook: Callable[[JobProgress], None] = self.told.append

    def accept(self, plan: bytes = b"7,8") -> Job:
        (self.folder / "ring").mkdir()
        for seq, data in DATA.items():
            (self.folder / "ring" / f"{seq}.mp4").write_bytes(data)
        return self.store.accept(REQUEST, plan, [Pin(seq, self.folder / "ring" / f"{seq}.mp4") for seq in DATA])

    def run(self, job: Job, clips: SegmentClips | None = None, deadline_s: float = 60.0, url: str = "") -> Final:
        return run_job(
            job,
            self.store,
            clips or SegmentClips(),
            Target(url or self.url),
            QUICK,
            deadline_s=deadline_s,
            stop=self.stop,
            on_progress=lambda progress: self.hook(progress),
        )

    def received(self) -> dict[str, bytes]:
        place = self.folder / "received" / "pole-7" / "r-1"
        return {path.name: path.read_bytes() for path in place.iterdir() if path.suffix == ".mp4"} if place.exists() else {}


@pytest.fixture
def bench(tmp_path: Path, server: ReceiverServer) -> Bench:
    return Bench(tmp_path, server.url)


def test_every_file_of_a_job_is_delivered_and_listed(bench: Bench) -> None:
    job = bench.accept()
    final = bench.run(job)
    assert bench.received() == {"cam_7.mp4": DATA[7], "cam_8.mp4": DATA[8]}
    assert (final.progress.state, final.progress.code) == ("done", "")
    assert final.progress.sent_bytes == final.progress.total_bytes == 500_000
    assert final.manifest is not None
    assert [file.name for file in final.manifest.files] == ["cam_7.mp4", "cam_8.mp4"]
    assert (bench.told[0].state, bench.told[0].total_bytes) == ("running", 500_000)
    assert {progress.file for progress in bench.told} == {0, 1}
    assert bench.store.progress("r-1") == bench.told[-1], "what was told is what is stored"


def test_a_finished_job_is_not_run_again(bench: Bench) -> None:
    job = bench.accept()
    final = bench.run(job)
    bench.store.finish(job, final, lambda: None)
    assert bench.run(job, url="http://127.0.0.1:1/nobody") == final


def test_a_stopped_job_goes_on_with_what_is_left(bench: Bench) -> None:
    job = bench.accept()

    def stop_at_the_second(progress: JobProgress) -> None:
        if progress.file == 1:
            bench.stop.set()

    bench.hook = stop_at_the_second
    assert bench.run(job).progress.state == "running"
    assert next(memory.done for memory in bench.store.memory(job).files.values()) is True
    bench.stop.clear()
    bench.hook = bench.told.append
    [again] = JobStore(LinuxDisk(), bench.folder / "jobs").open_jobs()
    assert bench.run(again).progress.state == "done"
    assert {progress.file for progress in bench.told if progress.attempts} == {1}
    assert bench.received() == {"cam_7.mp4": DATA[7], "cam_8.mp4": DATA[8]}


def test_stop_ends_the_hashing_of_a_big_file_too(bench: Bench) -> None:
    job = bench.accept()
    bench.stop.set()
    assert bench.run(job).progress.state == "running"
    assert not bench.received()


def test_footage_that_cannot_be_read_is_a_gap_and_the_rest_is_delivered(bench: Bench) -> None:
    job = bench.accept()
    (job.folder / "links" / "000000007.mp4").unlink()
    final = bench.run(job)
    assert (final.progress.state, final.progress.code) == ("done", "partial")
    assert "000000007.mp4" in final.progress.text
    assert final.manifest is not None
    assert [file.name for file in final.manifest.files] == ["cam_8.mp4"]
    assert [gap.reason for gap in final.manifest.gaps] == ["damaged"]
    assert bench.received() == {"cam_8.mp4": DATA[8]}


def test_a_job_without_any_readable_footage_fails_and_says_so(bench: Bench) -> None:
    job = bench.accept()
    for seq in DATA:
        (job.folder / "links" / f"{seq:09d}.mp4").unlink()
    final = bench.run(job)
    assert (final.progress.state, final.progress.code) == ("failed", "unreadable")
    assert final.manifest is not None
    assert (final.manifest.files, len(final.manifest.gaps)) == ([], 2)


def test_a_plan_without_files_fails_as_no_footage(bench: Bench) -> None:
    final = bench.run(bench.accept(plan=b""))
    assert (final.progress.state, final.progress.code) == ("failed", "no_footage")


class BrokenPlan(SegmentClips):
    def parts(self, plan: bytes) -> int:
        raise IntegrityError("the plan is damaged")


def test_a_damaged_plan_fails_the_job_and_not_the_worker(bench: Bench) -> None:
    final = bench.run(bench.accept(), BrokenPlan())
    assert (final.progress.state, final.progress.code, final.manifest) == ("failed", "unreadable", None)


@pytest.mark.parametrize("name", ["upload.json", "progress.json"])
def test_a_damaged_note_of_how_far_it_came_costs_no_delivery(bench: Bench, name: str) -> None:
    job = bench.accept()
    bench.store.remember(job, Memory())
    (job.folder / name).write_bytes(b"\0" * 50)
    assert bench.run(job).progress.state == "done"
    assert bench.received() == {"cam_7.mp4": DATA[7], "cam_8.mp4": DATA[8]}


def test_a_damaged_last_word_is_a_failure_and_not_a_crash(bench: Bench) -> None:
    job = bench.accept()
    (job.folder / "final.json").write_bytes(b"{")
    assert bench.run(job).progress.code == "unreadable"


class DyingClip(MemoryClip):
    """Readable once, for its hash."""

    def stream(self, offset: int = 0, chunk_bytes: int = 1 << 18) -> Iterator[bytes]:
        yield self.data[offset : offset + 1000]
        raise StorageError("the card died", number=5)


class Dying(SegmentClips):
    def open(self, plan: bytes, part: int, segment: Callable[[int], PinnedFile]) -> Source:
        clip = super().open(plan, part, segment)
        return clip if part == 0 else DyingClip(DATA[8])


def test_footage_that_dies_in_the_middle_fails_and_the_manifest_lists_only_what_arrived(bench: Bench) -> None:
    final = bench.run(bench.accept(), Dying())
    assert (final.progress.state, final.progress.code) == ("failed", "unreadable")
    assert "cam_8.mp4" in final.progress.text
    assert "the card died" in final.progress.text
    assert final.manifest is not None
    assert [file.name for file in final.manifest.files] == ["cam_7.mp4"]
    assert set(bench.received()) == {"cam_7.mp4"}
    assert [path.parent.name for path in (bench.folder / "received" / ".uploads").glob("*/data")] == [], "nothing half-sent is left"


def test_a_file_that_is_no_longer_the_same_starts_anew(bench: Bench) -> None:
    job = bench.accept()
    bench.store.remember(job, Memory(files={"0" * 64: FileMemory(url=f"{bench.url}/{'1' * 32}", size=3, done=True)}))
    assert bench.run(job).progress.state == "done"
    assert bench.received() == {"cam_7.mp4": DATA[7], "cam_8.mp4": DATA[8]}


def test_the_deadline_counts_the_time_before_a_restart(bench: Bench) -> None:
    job = bench.accept()
    bench.store.remember(job, Memory(spent_s=59.9))
    final = bench.run(job, url="http://127.0.0.1:1/nobody", deadline_s=60.0)
    assert (final.progress.state, final.progress.code) == ("failed", "deadline")
    assert "ConnectionRefused" in final.progress.text
    assert bench.store.memory(job).spent_s >= 59.9


def test_an_unreachable_receiver_is_told_as_trouble_while_it_lasts(bench: Bench) -> None:
    job = bench.accept()

    def stop_at_trouble(progress: JobProgress) -> None:
        bench.told.append(progress)
        if progress.text:
            bench.stop.set()

    bench.hook = stop_at_trouble
    assert bench.run(job, url="http://127.0.0.1:1/nobody").progress.state == "running"
    assert "ConnectionRefused" in bench.told[-1].text


class NoRoom(LinuxDisk):
    """Refuses one of the small state files from a certain moment on."""

    refused = ""

    def replace(self, path: Path, data: bytes) -> None:
        if path.name == self.refused:
            raise StorageError("no space", number=28)
        super().replace(path, data)


def test_progress_that_cannot_be_stored_stops_no_delivery(bench: Bench) -> None:
    disk = NoRoom()
    bench.store = JobStore(disk, bench.folder / "jobs")
    job = bench.accept()
    disk.refused = "progress.json"
    assert bench.run(job).progress.state == "done"


def test_no_byte_is_sent_while_its_address_cannot_be_stored(bench: Bench) -> None:
    disk = NoRoom()
    bench.store = JobStore(disk, bench.folder / "jobs")
    job = bench.accept()
    disk.refused = "upload.json"
    with pytest.raises(StorageError):
        bench.run(job)
    assert [path.stat().st_size for path in (bench.folder / "received" / ".uploads").glob("*/data")] == [0]
    disk.refused = ""
    assert bench.run(job).progress.state == "done"
    assert bench.received() == {"cam_7.mp4": DATA[7], "cam_8.mp4": DATA[8]}


BESIDE = {"clip.json": b'{"v": 1}', "clip.json.jws": b"e..s", "report.pl.html": noise(70_000, 3)}


def receipts(bench: Bench) -> dict[str, str]:
    place = bench.folder / "received" / "pole-7" / "r-1"
    found = {path.name: json.loads(path.read_bytes()) for path in place.glob("*.receipt.json")}
    return {receipt["name"]: receipt["metadata"]["filetype"] for receipt in found.values()}


def delivered(bench: Bench) -> dict[str, bytes]:
    place = bench.folder / "received" / "pole-7" / "r-1"
    return {path.name: path.read_bytes() for path in place.iterdir() if not path.name.endswith(".receipt.json")}


def test_what_goes_with_the_clips_is_delivered_behind_them_counted_and_listed(bench: Bench) -> None:
    final = bench.run(bench.accept(), SegmentClips(BESIDE))
    assert final.progress.state == "done"
    assert delivered(bench) == {"cam_7.mp4": DATA[7], "cam_8.mp4": DATA[8], **BESIDE}
    assert final.progress.total_bytes == final.progress.sent_bytes == 500_000 + sum(map(len, BESIDE.values()))
    assert bench.told[0].total_bytes == 500_000, "of the films; what goes with them is made when they have arrived"
    assert next(told.file for told in bench.told if told.total_bytes == final.progress.total_bytes) >= 2
    assert final.manifest is not None
    assert {each.name: each.sha256 for each in final.manifest.attachments} == {
        name: hashlib.sha256(data).hexdigest() for name, data in BESIDE.items()
    }
    assert receipts(bench) == {
        "cam_7.mp4": "video/mp4",
        "cam_8.mp4": "video/mp4",
        "clip.json": "application/json",
        "clip.json.jws": "application/jose",
        "report.pl.html": "text/html",
    }


def test_it_is_made_once_and_the_same_after_a_restart(bench: Bench) -> None:
    job, first, second = bench.accept(), SegmentClips(BESIDE), SegmentClips({"clip.json": b"another time"})

    def stop_behind_the_clips(progress: JobProgress) -> None:
        if progress.file == 2:
            bench.stop.set()

    bench.hook = stop_behind_the_clips
    assert bench.run(job, first).progress.state == "running"
    bench.stop.clear()
    bench.hook = bench.told.append
    final = bench.run(job, second)
    assert (final.progress.state, first.made, second.made) == ("done", 1, 0)
    assert delivered(bench)["clip.json"] == BESIDE["clip.json"]


def test_footage_that_was_lost_meanwhile_has_it_made_anew(bench: Bench) -> None:
    """What was stated of the lost clip would not be true."""
    job, first, second = bench.accept(), SegmentClips(BESIDE), SegmentClips({"clip.json": b"without segment 7"})
    bench.hook = lambda progress: bench.stop.set()
    bench.run(job, first)
    (job.folder / "links" / "000000007.mp4").unlink()
    bench.stop.clear()
    bench.hook = bench.told.append
    assert bench.run(job, second).progress.code == "partial"
    assert delivered(bench)["clip.json"] == b"without segment 7"


@pytest.mark.parametrize("name", ["clip.json", "index.json"])
def test_a_stored_package_that_is_damaged_is_made_anew(bench: Bench, name: str) -> None:
    job, first, second = bench.accept(), SegmentClips(BESIDE), SegmentClips(BESIDE)
    bench.hook = lambda progress: bench.stop.set() if progress.total_bytes > 500_000 else None
    bench.run(job, first)
    (job.folder / "package" / name).write_bytes(b"{")
    bench.stop.clear()
    bench.hook = bench.told.append
    assert bench.run(job, second).progress.state == "done"
    assert (second.made, delivered(bench)["clip.json"]) == (1, BESIDE["clip.json"])


def test_no_byte_of_a_package_is_sent_while_it_cannot_be_stored(bench: Bench) -> None:
    disk = NoRoom()
    bench.store = JobStore(disk, bench.folder / "jobs")
    job = bench.accept()
    disk.refused = "index.json"
    with pytest.raises(StorageError):
        bench.run(job, SegmentClips(BESIDE))
    assert delivered(bench) == {"cam_7.mp4": DATA[7], "cam_8.mp4": DATA[8]}
    disk.refused = ""
    assert bench.run(job, SegmentClips(BESIDE)).progress.state == "done"


def test_a_finished_job_keeps_no_package(bench: Bench) -> None:
    job = bench.accept()
    bench.store.finish(job, bench.run(job, SegmentClips(BESIDE)), lambda: None)
    assert not (job.folder / "package").exists()
