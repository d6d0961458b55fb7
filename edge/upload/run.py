"""One clip job from accepted to its last word: rebuild the files from pinned footage, deliver each, have each confirmed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import msgspec

from edge.clock import monotonic_s
from edge.errors import EdgeError, IntegrityError, StorageError
from edge.messages.clip import Attachment, ClipRequest, ClipState, JobProgress, Manifest
from edge.messages.package import MEDIA_TYPES
from edge.upload.http import Target
from edge.upload.jobs import FileMemory, Final, Job, JobStore, Memory, PinnedFile
from edge.upload.parcel import Parcel, clip_file, listing, metadata_of
from edge.upload.send import Buffer, Progress, Sent, Settings, Source, Stopped, send_file

_LOG = logging.getLogger(__name__)
_PROGRESS_EVERY_S = 5.0
_SPENT_EVERY_S = 60.0


class ClipMaker(Protocol):
    """What this package needs of the clip package; the composition root binds the two."""

    def prepare(self, plan: bytes, segment: Callable[[int], PinnedFile]) -> bytes:
        """The plan without footage that cannot be read, which becomes gaps; the same result at every call. Raises StorageError,
        IntegrityError."""

    def parts(self, plan: bytes) -> int:
        """How many files the plan makes."""

    def open(self, plan: bytes, part: int, segment: Callable[[int], PinnedFile]) -> Source:
        """The same bytes at every call. `segment` gives a pinned file by its sequence number. Raises StorageError, IntegrityError."""

    def manifest(self, request: ClipRequest, plan: bytes, clips: Mapping[int, Source]) -> Manifest:
        """One ClipFile per clip, in the order of the mapping. Parts of the plan without a clip could not be read: they are gaps."""

    def package(
        self, manifest: Manifest, plan: bytes, segment: Callable[[int], PinnedFile], check: Callable[[], None]
    ) -> Mapping[str, bytes]:
        """What goes with the clips, by name; other bytes at each call. check: called now and then; may raise to end it."""


def run_job(
    job: Job,
    store: JobStore,
    clips: ClipMaker,
    target: Target,
    settings: Settings,
    *,
    deadline_s: float,
    stop: threading.Event,
    on_progress: Callable[[JobProgress], None],
) -> Final:
    """Blocks until the job is done, has failed, or `stop` is set (then the state is "running"; call again later).

    deadline_s: how long the job may be worked on, over all boots. on_progress: about every 5 s and at each file, from this thread.
    done: every file that could be made, and what goes with it, is stored by the centre with our SHA-256; code "partial" when the manifest
    has gaps. failed: the manifest lists only files that were confirmed. The caller then calls `JobStore.finish`. Raises StorageError when
    the upload's address, or what goes with the clips, cannot be stored (back off, call again).
    """
    run = _Run(job, store, clips, target, settings, deadline_s, stop, on_progress)
    try:
        known = store.final(job.id)
        if known is not None:
            return known
        return run.whole()
    except Stopped:
        return Final(progress=run.state("running"), manifest=None)
    except IntegrityError as error:
        return Final(progress=run.state("failed", "unreadable", f"the job cannot be carried out: {error}"), manifest=None)
    finally:
        run.remember_time()


class _Run:
    def __init__(
        self,
        job: Job,
        store: JobStore,
        clips: ClipMaker,
        target: Target,
        settings: Settings,
        deadline_s: float,
        stop: threading.Event,
        on_progress: Callable[[JobProgress], None],
    ) -> None:
        self._job = job
        self._node = ""
        self._store = store
        self._clips = clips
        self._target = target
        self._settings = settings
        self._stop = stop
        self._on_progress = on_progress
        self._memory, self._now = _begun(store, job)
        self._timed_s = monotonic_s()
        self._told_s = float("-inf")
        self._deadline_s = self._timed_s + deadline_s - self._memory.spent_s

    def whole(self) -> Final:
        """Raises Stopped, StorageError."""
        plan, opened, lost = self._make()
        manifest = self._clips.manifest(self._job.request, plan, opened)
        if not opened:
            code, text = ("unreadable", lost) if lost else ("no_footage", "there is no footage of that time")
            return self._final("failed", code, text, manifest)
        self._node = manifest.node
        films = [clip_file(clip, file) for clip, file in zip(opened.values(), manifest.files, strict=True)]
        delivered: list[Parcel] = []
        failed, note = self._deliver_all(films, delivered)
        if failed is None:
            beside = [Parcel(source, told) for told, source in self._beside(plan, manifest)]
            failed, more = self._deliver_all(beside, delivered)
            note = note or more
        if failed is not None:
            return self._final("failed", failed.code, failed.text, listing(manifest, delivered))
        if manifest.gaps:
            note = "; ".join(filter(None, ("part of the asked time has no footage: see gaps", lost, note)))
        self._now = msgspec.structs.replace(self._now, sent_bytes=self._now.total_bytes)
        return self._final("done", "partial" if manifest.gaps else "", note, listing(manifest, delivered))

    def _deliver_all(self, files: Sequence[Parcel], delivered: list[Parcel]) -> tuple[Sent | None, str]:
        """(the one that failed, what there is to note). delivered: those before; grows. Raises Stopped, StorageError."""
        before_bytes = sum(other.told.bytes for other in delivered)
        self._tell(total_bytes=before_bytes + sum(file.told.bytes for file in files), text="")
        note = ""
        for file in files:
            sent = self._deliver(file, sum(other.told.bytes for other in delivered), len(delivered))
            if sent.state == "stopped":
                raise Stopped("the upload was stopped")
            if sent.state == "failed":
                return replace(sent, text=f"{file.told.name}: {sent.text}"), note
            delivered.append(file)
            note = note or sent.text
        return None, note

    def _beside(self, plan: bytes, manifest: Manifest) -> Sequence[tuple[Attachment, Source]]:
        """Made when the films have arrived, which is what somebody waits for; kept before the first byte of it is sent. Raises Stopped,
        StorageError."""
        beside = self._store.beside(self._job)
        known = beside.load(manifest)
        if known is not None:
            return known
        files = self._clips.package(manifest, plan, self._segment, self._check_stop)
        return beside.keep(manifest, files, MEDIA_TYPES) if files else []

    def _make(self) -> tuple[bytes, dict[int, Source], str]:
        """The plan carried out, its clips, and in words why some cannot be read whole. Reads all footage once; more where it is damaged."""
        plan = self._job.plan
        opened, lost = self._open(plan)
        if lost:
            try:
                plan = self._clips.prepare(plan, self._segment)
            except (StorageError, IntegrityError) as error:
                _LOG.error("job %s: damaged footage cannot be left out: %s", self._job.id, error)
            else:
                opened, still = self._open(plan)
                lost = still or lost
        return plan, opened, lost

    def _open(self, plan: bytes) -> tuple[dict[int, Source], str]:
        opened: dict[int, Source] = {}
        lost = ""
        for part in range(self._clips.parts(plan)):
            try:
                clip = self._clips.open(plan, part, self._segment)
                clip.etag()
            except (StorageError, IntegrityError) as error:
                _LOG.error("job %s: file %d cannot be made: %s", self._job.id, part, error)
                lost = lost or f"damaged footage was left out: {error}"
            else:
                opened[part] = clip
        return opened, lost

    def _segment(self, seq: int) -> PinnedFile:
        return self._store.pinned(self._job, seq, self._check_stop)

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise Stopped("the upload was stopped")

    def _deliver(self, file: Parcel, before_bytes: int, number: int) -> Sent:
        """before_bytes, number: of the files before this one."""
        told = file.told
        known = self._memory.files.get(told.sha256)
        if known is not None and known.done:
            return Sent("done", known.url, Progress(told.bytes, 0, 0, 0, 0, ""))
        attempts, resumes = self._now.attempts, self._now.resumes

        def remember(url: str) -> None:
            self._keep(told.sha256, FileMemory(url=url, size=told.bytes))

        def progress(now: Progress) -> None:
            self._tell(
                file=number,
                sent_bytes=before_bytes + now.offset + now.moving,
                attempts=attempts + now.attempts,
                resumes=resumes + now.resumes,
                text=now.trouble,
            )

        try:
            sent = send_file(
                self._target,
                _Guarded(file.source),
                metadata=metadata_of(self._node, self._job.id, told.name, told.sha256, told.kind),
                sha256=told.sha256,
                remembered_url=known.url if known else "",
                remember=remember,
                on_progress=progress,
                stop=self._stop,
                deadline_s=self._deadline_s,
                settings=self._settings,
            )
        except (_Unreadable, IntegrityError) as error:
            return Sent("failed", "", Progress(0, 0, 0, 0, 0, ""), "unreadable", str(error))
        if sent.state == "done":
            self._keep(told.sha256, FileMemory(url=sent.url, size=told.bytes, done=True))
        return sent

    def _keep(self, sha256: str, memory: FileMemory) -> None:
        self._memory = Memory(spent_s=self._spent_s(), files={**self._memory.files, sha256: memory})
        self._store.remember(self._job, self._memory)

    def _spent_s(self) -> float:
        now_s = monotonic_s()
        spent_s = self._memory.spent_s + now_s - self._timed_s
        self._timed_s = now_s
        return spent_s

    def remember_time(self) -> None:
        """So that the deadline counts the time before a reboot too. A disk that refuses stops no delivery."""
        self._memory = msgspec.structs.replace(self._memory, spent_s=self._spent_s())
        try:
            self._store.remember(self._job, self._memory)
        except StorageError as error:
            _LOG.warning("job %s: time spent not stored: %s", self._job.id, error)

    def state(self, state: ClipState, code: str = "", text: str = "") -> JobProgress:
        return msgspec.structs.replace(self._now, state=state, code=code, text=text)

    def _final(self, state: ClipState, code: str, text: str, manifest: Manifest) -> Final:
        return Final(progress=self.state(state, code, text), manifest=manifest)

    def _tell(self, **changes: int | str) -> None:
        """A change of file or trouble is told at once, mere bytes every few seconds. A disk that refuses stops no delivery."""
        before = self._now
        self._now = msgspec.structs.replace(before, state="running", **changes)
        news = (before.state, before.file, before.text) != (self._now.state, self._now.file, self._now.text)
        now_s = monotonic_s()
        if not news and now_s - self._told_s < _PROGRESS_EVERY_S:
            return
        self._told_s = now_s
        try:
            self._store.save_progress(self._job, self._now)
            if now_s - self._timed_s >= _SPENT_EVERY_S:
                self.remember_time()
        except StorageError as error:
            _LOG.warning("job %s: progress not stored: %s", self._job.id, error)
        self._on_progress(self._now)


def _begun(store: JobStore, job: Job) -> tuple[Memory, JobProgress]:
    """How far the job has come. What cannot be read any more only costs bytes sent again."""
    try:
        return store.memory(job), store.progress(job.id) or JobProgress(id=job.id, state="accepted")
    except IntegrityError as error:
        _LOG.error("job %s starts anew: %s", job.id, error)
        return Memory(), JobProgress(id=job.id, state="accepted")


class _Unreadable(EdgeError):
    """Pinned footage could not be read in the middle of a transfer."""


class _Guarded:
    """A clip whose read errors are told from all others."""

    def __init__(self, clip: Source) -> None:
        self._clip = clip

    @property
    def size(self) -> int:
        return self._clip.size

    def etag(self) -> str:
        return self._clip.etag()

    def stream(self, offset: int = 0, chunk_bytes: int = 1 << 18) -> Iterator[Buffer]:
        try:
            yield from self._clip.stream(offset, chunk_bytes)
        except (StorageError, IntegrityError) as error:
            raise _Unreadable(f"pinned footage cannot be read: {error}") from error
