"""The thread that delivers clips: one job in trouble does not hold up the others, nor itself for ever."""

from __future__ import annotations

import queue
from datetime import timezone
from errno import EIO
from pathlib import Path

import pytest

from edge.clock import ManualClock
from edge.errors import StorageError
from edge.host.model_disk import ModelDisk
from edge.messages.clip import ClipRequest, JobProgress
from edge.services import clip_jobs
from edge.services.clip_jobs import ClipJobs
from edge.services.clip_rules import Rules
from edge.upload.http import Target
from edge.upload.jobs import Final, Job, JobStore, Pin
from edge.upload.permit import Permit
from tests.support.clips import SegmentClips
from tests.support.delivery import QUICK


class BadSpot(ModelDisk):
    """A disk with a file that cannot be read."""

    def read(self, path: Path, offset: int = 0, length: int | None = None) -> bytes:
        if path.parts[-2:] == ("r-1", "upload.json"):
            raise StorageError(f"{path}: input/output error", number=EIO)
        return super().read(path, offset, length)


def accepted(store: JobStore, disk: ModelDisk, id: str) -> Job:
    segment = Path("/data/ring/7.mp4")
    if not disk.scan(segment.parent):
        file = disk.create(segment)
        file.write(b"seven")
        file.close()
    request = ClipRequest(id=id, camera="cam0", start="2026-11-22T13:00:00.000Z", end="2026-11-22T13:01:00.000Z")
    return store.accept(request, b"7", [Pin(7, segment)])


def rules(deadline_s: float = 60.0, jobs: int = 1) -> Rules:
    return Rules(jobs, deadline_s, QUICK, Permit(ManualClock(), timezone.utc))


def test_a_job_on_a_bad_spot_lets_the_others_pass_and_fails_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_jobs, "RETRY_S", 0.05)
    disk = BadSpot()
    disk.mkdir(Path("/data/ring"))
    store = JobStore(disk, Path("/data/jobs"))
    first, second = accepted(store, disk, "r-1"), accepted(store, disk, "r-2")
    store.remember(first, store.memory(second))
    told: queue.Queue[JobProgress | tuple[Job, Final]] = queue.Queue()
    jobs = ClipJobs(store, SegmentClips(), Target("http://127.0.0.1:1/nobody"), rules(deadline_s=0.5), None, told.put)
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
