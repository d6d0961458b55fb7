from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.errors import IntegrityError, NotFound, Refused, StorageError
from edge.host.disk import Disk
from edge.host.linux_disk import LinuxDisk
from edge.host.model_disk import Fault, ModelDisk, PowerLost
from edge.messages.clip import ClipRequest, JobProgress, Manifest
from edge.upload.jobs import FileMemory, Final, Job, JobStore, Memory, Pin

RING = Path("/data/ring/cam")
JOBS = Path("/data/jobs")
REQUEST = ClipRequest(id="r-1", camera="cam", start="2026-11-22T13:00:00.000Z", end="2026-11-22T13:01:00.000Z", case="C 1/26")
PLAN = b'{"anything":1}'
PINS = [Pin(7, RING / "7.mp4"), Pin(8, RING / "8.mp4")]
DONE = Final(
    progress=JobProgress(id="r-1", state="done", sent_bytes=6, total_bytes=6),
    manifest=Manifest(request=REQUEST, node="pole-7", files=[], gaps=[]),
)


def write(disk: Disk, path: Path, data: bytes) -> None:
    file = disk.create(path)
    file.write(data)
    file.fsync()
    file.close()
    disk.sync_dir(path.parent)


def ring_on(disk: Disk, ring: Path = RING) -> None:
    disk.mkdir(ring)
    write(disk, ring / "7.mp4", b"seven")
    write(disk, ring / "8.mp4", b"eight!")


def model() -> ModelDisk:
    disk = ModelDisk()
    ring_on(disk)
    return disk


def unreachable() -> None:
    raise AssertionError("recorded although it should not be")


def test_an_accepted_job_is_there_after_a_restart_with_its_footage_even_when_the_ring_erased_it() -> None:
    disk = model()
    JobStore(disk, JOBS).accept(REQUEST, PLAN, PINS)
    disk.unlink(PINS[0].path)
    disk.unlink(PINS[1].path)
    store = JobStore(disk, JOBS)
    [job] = store.open_jobs()
    assert (job.request, job.plan) == (REQUEST, PLAN)
    assert store.pinned(job, 7).read(0, 100) == b"seven"
    assert (store.pinned(job, 8).size, store.pinned(job, 8).read(2, 3)) == (6, b"ght")
    assert store.progress("r-1") == JobProgress(id="r-1", state="accepted")


def test_the_same_id_again_is_the_same_job() -> None:
    disk = model()
    store = JobStore(disk, JOBS)
    first = store.accept(REQUEST, PLAN, PINS)
    before = disk.operations
    disk.unlink(PINS[0].path)
    assert store.accept(REQUEST, b"another plan", []) == first
    assert not any(word.startswith(("link", "rename", "unlink /data/jobs")) for word in disk.trail[before:])


def test_an_id_used_for_another_clip_is_refused() -> None:
    store = JobStore(model(), JOBS)
    store.accept(REQUEST, PLAN, PINS)
    other = ClipRequest(id="r-1", camera="cam", start=REQUEST.start, end="2026-11-22T13:02:00.000Z")
    with pytest.raises(Refused) as caught:
        store.accept(other, PLAN, PINS)
    assert caught.value.code == "id_reused"


@pytest.mark.parametrize("bad", ["", ".", "..", "../x", "a/b", ".hidden", "x" * 65, "a b", "a\n"])
def test_an_id_that_is_no_plain_word_is_refused(bad: str) -> None:
    store = JobStore(model(), JOBS)
    request = ClipRequest(id=bad, camera="cam", start=REQUEST.start, end=REQUEST.end)
    with pytest.raises(Refused) as caught:
        store.accept(request, PLAN, PINS)
    assert caught.value.code == "bad_id"
    assert store.get(bad) is None


def test_a_segment_that_moved_meanwhile_leaves_no_job_and_a_new_plan_is_taken() -> None:
    disk = model()
    store = JobStore(disk, JOBS)
    with pytest.raises(NotFound):
        store.accept(REQUEST, PLAN, [PINS[0], Pin(8, RING / "open" / "8.mp4")])
    assert store.get("r-1") is None
    assert store.open_jobs() == []
    assert disk.stat(PINS[0].path).nlink == 1
    assert store.accept(REQUEST, PLAN, PINS) == store.get("r-1")


def test_progress_and_addresses_survive_and_old_ones_are_never_torn() -> None:
    disk = model()
    store = JobStore(disk, JOBS)
    job = store.accept(REQUEST, PLAN, PINS)
    memory = Memory(spent_s=3.5, files={"ab": FileMemory(url="http://x/1", size=5), "c": FileMemory(url="u", size=1, done=True)})
    progress = JobProgress(id="r-1", state="running", sent_bytes=3, total_bytes=11, file=1, attempts=2, resumes=1)
    assert store.memory(job) == Memory()
    store.remember(job, memory)
    store.save_progress(job, progress)
    for seed in range(20):
        again = JobStore(disk.power_cut(seed), JOBS)
        assert again.memory(job) == memory
        assert again.progress("r-1") == progress


def test_finishing_records_before_the_footage_is_let_go() -> None:
    disk = model()
    store = JobStore(disk, JOBS)
    job = store.accept(REQUEST, PLAN, PINS)
    seen: list[int] = []
    store.finish(job, DONE, lambda: seen.append(disk.stat(PINS[0].path).nlink))
    assert seen == [2]
    assert disk.stat(PINS[0].path).nlink == 1
    assert store.open_jobs() == []
    assert store.final("r-1") == DONE
    assert store.progress("r-1") == DONE.progress
    assert store.accept(REQUEST, PLAN, PINS) == job, "the same id is still the same job"


def test_a_record_that_cannot_be_written_keeps_the_footage() -> None:
    disk = model()
    store = JobStore(disk, JOBS)
    job = store.accept(REQUEST, PLAN, PINS)

    def refuse() -> None:
        raise StorageError("the journal is on a dying card")

    with pytest.raises(StorageError):
        store.finish(job, DONE, refuse)
    assert store.open_jobs() == [job]
    assert store.pinned(job, 7).read(0, 9) == b"seven"


def test_a_running_state_is_no_last_word() -> None:
    store = JobStore(model(), JOBS)
    job = store.accept(REQUEST, PLAN, PINS)
    with pytest.raises(ValueError, match="final"):
        store.finish(job, Final(progress=JobProgress(id="r-1", state="running"), manifest=None), unreachable)


@pytest.mark.parametrize("damage", [b"\0" * 40, b'{"id":"r-\xff1"}'])
def test_one_damaged_job_does_not_stop_the_others(damage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    disk = model()
    store = JobStore(disk, JOBS)
    store.accept(REQUEST, PLAN, PINS)
    other = store.accept(ClipRequest(id="r-2", camera="cam", start=REQUEST.start, end=REQUEST.end), PLAN, PINS)
    disk.replace(JOBS / "r-1" / "request.json", damage)
    assert store.open_jobs() == [other]
    assert "r-1 cannot go on" in caplog.text
    assert disk.stat(PINS[0].path).nlink == 3, "its footage stays pinned"
    with pytest.raises(IntegrityError):
        store.get("r-1")


def test_one_job_that_lost_a_file_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    disk = model()
    store = JobStore(disk, JOBS)
    store.accept(REQUEST, PLAN, PINS)
    other = store.accept(ClipRequest(id="r-2", camera="cam", start=REQUEST.start, end=REQUEST.end), PLAN, PINS)
    disk.unlink(JOBS / "r-1" / "plan.json")
    assert store.open_jobs() == [other]
    assert "r-1 cannot go on" in caplog.text
    assert disk.stat(PINS[0].path).nlink == 3, "its footage stays pinned"


def test_looking_for_open_jobs_reads_nothing_of_closed_ones() -> None:
    disk = model()
    store = JobStore(disk, JOBS)
    store.finish(store.accept(REQUEST, PLAN, PINS), DONE, lambda: None)
    disk.replace(JOBS / "r-1" / "request.json", b"not looked at")
    assert JobStore(disk, JOBS).open_jobs() == []


def test_open_jobs_keep_no_more_than_their_share_of_the_disk() -> None:
    disk = ModelDisk(4_000_000)
    disk.mkdir(RING)
    for seq in range(3):
        write(disk, RING / f"{seq}.mp4", bytes(400_000))
    pins = [Pin(seq, RING / f"{seq}.mp4") for seq in range(3)]

    def request(id: str) -> ClipRequest:
        return ClipRequest(id=id, camera="cam", start=REQUEST.start, end=REQUEST.end)

    store = JobStore(disk, JOBS)
    first = store.accept(request("r-1"), PLAN, pins[:2])
    assert store.accept(request("r-2"), PLAN, pins[:2]).id == "r-2", "what is kept already costs nothing more"
    with pytest.raises(Refused, match="would keep 1200000 bytes") as refused:
        store.accept(request("r-3"), PLAN, pins[1:])
    assert refused.value.code == "clip_quota"
    assert [job.id for job in store.open_jobs()] == ["r-1", "r-2"]
    store.finish(first, DONE, lambda: None)
    with pytest.raises(Refused):
        store.accept(request("r-3"), PLAN, pins[1:])
    store.finish(store.open_jobs()[0], DONE, lambda: None)
    assert store.accept(request("r-3"), PLAN, pins[1:]).id == "r-3"


def test_only_the_newest_closed_jobs_are_kept() -> None:
    disk = model()
    store = JobStore(disk, JOBS)
    for number in range(5):
        request = ClipRequest(id=f"r-{number}", camera="cam", start=REQUEST.start, end=REQUEST.end)
        job = store.accept(request, PLAN, PINS)
        if number < 4:
            store.finish(job, Final(progress=JobProgress(id=job.id, state="failed"), manifest=None), lambda: None)
    assert store.forget(keep=1) == 3
    assert [store.get(f"r-{number}") is not None for number in range(5)] == [False, False, False, True, True]
    assert [job.id for job in store.open_jobs()] == ["r-4"]


def test_it_works_on_a_real_file_system(tmp_path: Path) -> None:
    disk = LinuxDisk()
    ring_on(disk, tmp_path / "ring")
    store = JobStore(disk, tmp_path / "jobs")
    assert store.open_jobs() == []
    job = store.accept(REQUEST, PLAN, [Pin(7, tmp_path / "ring" / "7.mp4")])
    (tmp_path / "ring" / "7.mp4").unlink()
    assert store.pinned(job, 7).read(0, 9) == b"seven"
    assert JobStore(disk, tmp_path / "jobs").open_jobs() == [job]
    store.finish(job, DONE, lambda: None)
    assert sorted(path.name for path in job.folder.iterdir()) == ["final.json", "plan.json", "progress.json", "request.json"]


def whole_life(disk: Disk, told: list[str]) -> None:
    """Accepted, under way, finished; `told` has what the world was told."""
    store = JobStore(disk, JOBS)
    job = store.accept(REQUEST, PLAN, PINS)
    told.append("accepted")
    store.remember(job, Memory(files={"ab": FileMemory(url="u", size=5)}))
    store.save_progress(job, JobProgress(id="r-1", state="running"))
    store.finish(job, DONE, lambda: told.append("recorded"))


def check_after(disk: Disk, told: list[str]) -> None:
    """Whatever happened: promises are kept, and the life can be lived to its end."""
    store = JobStore(disk, JOBS)
    jobs: list[Job] = store.open_jobs()
    if "accepted" in told and "recorded" not in told:
        assert [job.id for job in jobs] == ["r-1"]
    for job in jobs:
        if "recorded" not in told:
            assert store.pinned(job, 7).read(0, 9) == b"seven"
            assert store.pinned(job, 8).read(0, 9) == b"eight!"
        assert job.plan == PLAN
        store.memory(job)
    store.finish(store.accept(REQUEST, PLAN, PINS), DONE, lambda: told.append("recorded"))
    assert told.count("recorded") <= 2
    assert store.open_jobs() == []
    assert store.final("r-1") == DONE
    assert disk.stat(PINS[0].path).nlink == 1


def each_operation(fault: Callable[[int], Fault]) -> int:
    """One life per operation that can go wrong; returns how many there were."""
    for number in range(1, 500):
        disk = model()
        disk.fault = fault(disk.operations + number)
        told: list[str] = []
        with contextlib.suppress(StorageError, PowerLost):
            whole_life(disk, told)
        if not disk.struck:
            return number - 1
        for seed in range(4):
            check_after(disk.power_cut(seed), list(told))
        if disk.fault.kind != "power":
            disk.fault = None
            check_after(disk, told)
    raise AssertionError("it never came to its end")


def test_the_power_may_go_at_any_operation() -> None:
    assert each_operation(lambda number: Fault(number, "power")) > 30


@pytest.mark.parametrize("kind", ["EIO", "ENOSPC", "short"])
def test_any_operation_may_fail_once(kind: str) -> None:
    each_operation(lambda number: Fault(number, kind))  # type: ignore[arg-type]


def test_everything_may_fail_from_any_operation_on() -> None:
    assert each_operation(lambda number: Fault(number, "EIO", forever=True)) > 30
