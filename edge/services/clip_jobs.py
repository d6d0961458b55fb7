"""Thread "clips" of the agent: carries out accepted clip jobs, one at a time, oldest first, until each has its last word."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from edge.clock import monotonic_s
from edge.errors import EdgeError, IntegrityError, StorageError
from edge.messages.clip import JobProgress
from edge.services.lifecycle import ServiceThread
from edge.upload.http import Target
from edge.upload.jobs import Final, Job, JobStore
from edge.upload.maker import ClipMaker
from edge.upload.run import run_job
from edge.upload.send import Settings

log = logging.getLogger(__name__)

RETRY_S = 10.0


class ClipJobs:
    """`tell` is called in the thread "clips", with a JobProgress, or with a job and its last word; it only queues."""

    def __init__(
        self,
        store: JobStore,
        maker: ClipMaker,
        target: Target,
        settings: Settings,
        deadline_s: float,
        tell: Callable[[JobProgress | tuple[Job, Final]], None],
    ) -> None:
        self._store, self._maker, self._target, self._settings = store, maker, target, settings
        self._deadline_s = deadline_s
        self._tell = tell
        self._waiting: queue.Queue[Job | None] = queue.Queue()
        self._known: set[str] = set()
        self._refused_since_s: dict[str, float] = {}
        self._stop = threading.Event()
        self.thread = ServiceThread("clips", self._run)

    def add(self, job: Job) -> None:
        """Once for each job, however often it is called. One thread calls."""
        if job.id not in self._known:
            self._known.add(job.id)
            self._waiting.put(job)

    def forget(self, job: Job) -> None:
        """Its last word is recorded."""
        self._known.discard(job.id)

    def start(self) -> None:
        self.thread.start()

    def stop(self, deadline_s: float) -> None:
        """Jobs under way stay open and go on at the next start."""
        self._stop.set()
        self._waiting.put(None)
        self.thread.join(deadline_s)

    def _run(self) -> None:
        while not self._stop.is_set():
            job = self._waiting.get()
            if job is not None and not self._stop.is_set():
                self._carry_out(job)

    def _carry_out(self, job: Job) -> None:
        try:
            final = run_job(
                job,
                self._store,
                self._maker,
                self._target,
                self._settings,
                deadline_s=self._deadline_s,
                stop=self._stop,
                on_progress=self._tell,
            )
        except StorageError as error:
            self._refused(job, error)
        except IntegrityError as error:
            self._failed(job, "damaged", error)
        else:
            if final.progress.state in ("done", "failed"):
                self._tell((job, final))

    def _refused(self, job: Job, error: StorageError) -> None:
        """The others go first, so that one job on a bad spot of the disk does not hold them up; and it has a deadline too."""
        now_s = monotonic_s()
        if now_s - self._refused_since_s.setdefault(job.id, now_s) >= self._deadline_s:
            self._failed(job, "storage", error)
            return
        log.error("job %s: %s; tried again in %.0f s", job.id, error, RETRY_S)
        self._stop.wait(RETRY_S)
        self._waiting.put(job)

    def _failed(self, job: Job, code: str, error: EdgeError) -> None:
        log.error("job %s: %s", job.id, error)
        word = JobProgress(id=job.id, state="failed", code=code, text=str(error))
        self._tell((job, Final(progress=word, manifest=None)))
