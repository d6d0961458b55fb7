"""Clip jobs of the agent, several at once. Thread "clips" sees what each waits for and gives out those whose turn it is; threads
"clip-1", "clip-2" ... carry them out, until each has its last word."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

import msgspec

from edge.clock import monotonic_s
from edge.errors import EdgeError, IntegrityError, StorageError
from edge.messages.clip import JobProgress
from edge.services.clip_ahead import Ahead
from edge.services.clip_rules import Rules
from edge.services.clip_waiting import Entry, Waiting
from edge.services.lifecycle import ServiceThread
from edge.upload.http import Target
from edge.upload.jobs import FINAL, Final, Job, JobStore
from edge.upload.line import next_ones, workers_of
from edge.upload.maker import ClipMaker
from edge.upload.run import run_job

log = logging.getLogger(__name__)

RETRY_S = 10.0
LOOK_S = 1.0


def with_waiting(final: Final, waited_for: str) -> Final:
    """A job that was not delivered in time says what it waited for last."""
    if final.progress.code != "deadline" or not waited_for:
        return final
    text = f"{final.progress.text}; it was kept by: {waited_for}"
    return Final(progress=msgspec.structs.replace(final.progress, text=text), manifest=final.manifest)


class ClipJobs:
    """`tell` is called in the threads of this, with a JobProgress, or with a job and its last word; it only queues."""

    def __init__(
        self,
        store: JobStore,
        maker: ClipMaker,
        target: Target,
        rules: Rules,
        ahead: Ahead | None,
        tell: Callable[[JobProgress | tuple[Job, Final]], None],
    ) -> None:
        self._store, self._maker, self._target, self._rules, self._tell = store, maker, target, rules, tell
        self._waiting = Waiting(store, rules, ahead, tell)
        self._entries: dict[str, Entry] = {}
        self._numbers = 0
        self._changed = threading.Condition()
        self._given: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._ending = self._news = False
        self.threads = [ServiceThread("clips", self._give_out)]
        self.threads += [ServiceThread(f"clip-{number + 1}", self._work) for number in range(workers_of(rules.jobs))]

    def add(self, job: Job) -> None:
        """Once for each job, however often it is called. The agent's main thread calls this and the following."""
        with self._changed:
            if job.id not in self._entries:
                self._numbers += 1
                self._entries[job.id] = Entry(job, self._numbers)
                self._wake()

    def look_at(self, job_id: str) -> None:
        """It was called off just now."""
        with self._changed:
            if (entry := self._entries.get(job_id)) is not None:
                entry.looked_s = float("-inf")
                self._wake()

    def forget(self, job: Job) -> None:
        """Its last word is recorded."""
        with self._changed:
            self._entries.pop(job.id, None)

    def link_lags(self, seconds: float, now_s: float) -> None:
        """How long the oldest message to the centre has been under way: uploads give way while that is long."""
        self._rules.lag.tell(seconds, now_s)

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def stop(self, deadline_s: float) -> None:
        """Jobs under way stay open and go on at the next start."""
        with self._changed:
            self._ending = True
            for entry in self._entries.values():
                entry.stop.set()
            self._wake()
        ends_s = monotonic_s() + deadline_s
        for _ in self.threads:
            self._given.put(None)
        for thread in self.threads:
            thread.join(max(0.1, ends_s - monotonic_s()))

    def _wake(self) -> None:
        """With the lock held."""
        self._news = True
        self._changed.notify()

    def _give_out(self) -> None:
        while True:
            with self._changed:
                if self._ending:
                    return
                self._news = False
                entries = [entry for entry in self._entries.values() if not entry.ended]
            ready = [entry for entry in entries if self._is_ready(entry)]
            with self._changed:
                left = self._begin(entries, ready)
            self._waiting.tell_places(left)
            with self._changed:
                self._changed.wait_for(lambda: self._news or self._ending, LOOK_S if entries else None)

    def _is_ready(self, entry: Entry) -> bool:
        """Raises nothing: a job on a bad spot of the disk does not hold up the others."""
        try:
            return self._waiting.look(entry)
        except StorageError as error:
            self._refused(entry, error)
        except IntegrityError as error:
            self._failed(entry, "damaged", error)
        return False

    def _begin(self, entries: list[Entry], ready: list[Entry]) -> list[Entry]:
        """Gives out those whose turn it is; the others."""
        ready = [entry for entry in ready if not entry.running and not entry.ended]
        if self._ending:
            return []
        running = [entry.in_line for entry in entries if entry.running]
        chosen = {each.id for each in next_ones([entry.in_line for entry in ready], running, self._rules.jobs)}
        for entry in (entry for entry in ready if entry.job.id in chosen):
            entry.begins()
            self._given.put(entry)
        return [entry for entry in ready if entry.job.id not in chosen]

    def _work(self) -> None:
        while (entry := self._given.get()) is not None and not self._ending:
            self._carry_out(entry)
            with self._changed:
                entry.running = False
                self._wake()

    def _carry_out(self, entry: Entry) -> None:
        job = entry.job
        try:
            final = run_job(
                job,
                self._store,
                self._maker,
                self._target,
                self._rules.settings,
                deadline_s=self._waiting.limit_s(entry),
                stop=entry.stop,
                on_progress=self._tell,
                passage=self._rules.passage(job.terms.urgent),
            )
        except StorageError as error:
            self._refused(entry, error)
        except IntegrityError as error:
            self._failed(entry, "damaged", error)
        else:
            entry.counted_s = monotonic_s()
            if final.progress.state in FINAL:
                entry.ended = True
                self._tell((job, with_waiting(final, entry.waited_for)))

    def _refused(self, entry: Entry, error: StorageError) -> None:
        """The others go first, so that one job on a bad spot of the disk does not hold them up; and it has a deadline too."""
        now_s = monotonic_s()
        if entry.refused_s is None:
            entry.refused_s = now_s
        if now_s - entry.refused_s >= self._rules.deadline_s:
            self._failed(entry, "storage", error)
            return
        log.error("job %s: %s; tried again in %.0f s", entry.job.id, error, RETRY_S)
        entry.not_before_s = now_s + RETRY_S

    def _failed(self, entry: Entry, code: str, error: EdgeError) -> None:
        log.error("job %s: %s", entry.job.id, error)
        entry.ended = True
        word = JobProgress(id=entry.job.id, state="failed", code=code, text=str(error))
        self._tell((entry.job, Final(progress=word, manifest=None)))
