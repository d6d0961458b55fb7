"""How far a job has come: kept on its disk, told to whoever listens."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec

from edge.clock import monotonic_s
from edge.errors import IntegrityError, StorageError
from edge.messages.clip import ClipState, JobProgress
from edge.upload.jobs import FileMemory, Job, JobStore, Memory

_LOG = logging.getLogger(__name__)
_PROGRESS_EVERY_S = 5.0
_SPENT_EVERY_S = 60.0


class Account:
    """One thread. on_progress: about every 5 s, and at each file."""

    def __init__(self, store: JobStore, job: Job, on_progress: Callable[[JobProgress], None]) -> None:
        self._store, self._job, self._on_progress = store, job, on_progress
        self.memory, self.now = _begun(store, job)
        self._timed_s = monotonic_s()
        self._told_s = float("-inf")

    @property
    def began_s(self) -> float:
        """The instant of `monotonic_s` at which the job's time so far would have begun had it run through."""
        return self._timed_s - self.memory.spent_s

    def keep(self, sha256: str, file: FileMemory) -> None:
        """Durable when it returns. Raises StorageError."""
        self.memory = Memory(spent_s=self._spent_s(), files={**self.memory.files, sha256: file})
        self._store.remember(self._job, self.memory)

    def remember_time(self) -> None:
        """So that the deadline counts the time before a reboot too. A disk that refuses stops no delivery."""
        self.memory = msgspec.structs.replace(self.memory, spent_s=self._spent_s())
        try:
            self._store.remember(self._job, self.memory)
        except StorageError as error:
            _LOG.warning("job %s: time spent not stored: %s", self._job.id, error)

    def state(self, state: ClipState, code: str = "", text: str = "") -> JobProgress:
        return msgspec.structs.replace(self.now, state=state, code=code, text=text, place=0)

    def all_sent(self) -> None:
        self.now = msgspec.structs.replace(self.now, sent_bytes=self.now.total_bytes)

    def tell(self, **changes: int | str) -> None:
        """A change of file or trouble is told at once, mere bytes every few seconds. A disk that refuses stops no delivery."""
        before = self.now
        self.now = msgspec.structs.replace(before, state="running", place=0, **changes)
        news = (before.state, before.file, before.text) != (self.now.state, self.now.file, self.now.text)
        now_s = monotonic_s()
        if not news and now_s - self._told_s < _PROGRESS_EVERY_S:
            return
        self._told_s = now_s
        try:
            self._store.save_progress(self._job, self.now)
            if now_s - self._timed_s >= _SPENT_EVERY_S:
                self.remember_time()
        except StorageError as error:
            _LOG.warning("job %s: progress not stored: %s", self._job.id, error)
        self._on_progress(self.now)

    def _spent_s(self) -> float:
        now_s = monotonic_s()
        spent_s = self.memory.spent_s + now_s - self._timed_s
        self._timed_s = now_s
        return spent_s


def _begun(store: JobStore, job: Job) -> tuple[Memory, JobProgress]:
    """How far the job has come. What cannot be read any more only costs bytes sent again."""
    try:
        return store.memory(job), store.progress(job.id) or JobProgress(id=job.id, state="accepted")
    except IntegrityError as error:
        _LOG.error("job %s starts anew: %s", job.id, error)
        return Memory(), JobProgress(id=job.id, state="accepted")
