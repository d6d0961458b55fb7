"""One clip job from accepted to its last word: rebuild the files from pinned footage, deliver each, have each confirmed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from edge.errors import IntegrityError, StorageError
from edge.messages.clip import Attachment, ClipState, JobProgress, Manifest
from edge.messages.package import MEDIA_TYPES
from edge.upload.account import Account
from edge.upload.http import Target
from edge.upload.jobs import FileMemory, Final, Job, JobStore, PinnedFile
from edge.upload.maker import ClipMaker, Guarded, Unreadable
from edge.upload.pace import FairPace
from edge.upload.parcel import Parcel, clip_file, listing, metadata_of
from edge.upload.passage import Passage, Stopped
from edge.upload.send import Progress, Sent, Settings, Source, send_file
from edge.upload.undo import called_off, remove

_LOG = logging.getLogger(__name__)


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
    passage: Passage | None = None,
) -> Final:
    """Blocks until the job is done, has failed or is cancelled, or until `stop` is set or the day's budget is used up (then the state is
    "running"; call again later).

    deadline_s: how long the job may be worked on, over all boots. on_progress: about every 5 s and at each file, from this thread.
    done: every file that could be made, and what goes with it, is stored by the centre with our SHA-256; code "partial" when the manifest
    has gaps. failed, cancelled: the manifest lists only files that were confirmed. The caller then calls `JobStore.finish`. Raises
    StorageError when the upload's address, or what goes with the clips, cannot be stored (back off, call again).
    """
    run = _Run(job, store, clips, target, settings, deadline_s, stop, on_progress, passage or Passage(FairPace(settings.bytes_per_s)))
    account = run.account
    try:
        known = store.final(job.id)
        if known is not None:
            return known
        cancellation = store.cancellation(job)
        if cancellation is not None:
            return called_off(job, account.memory, cancellation, clips, target, settings, stop)
        return run.whole()
    except Stopped:
        return Final(progress=account.state("running"), manifest=None)
    except IntegrityError as error:
        return Final(progress=account.state("failed", "unreadable", f"the job cannot be carried out: {error}"), manifest=None)
    finally:
        account.remember_time()


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
        passage: Passage,
    ) -> None:
        self._job = job
        self._node = ""
        self._store = store
        self._clips = clips
        self._target = target
        self._settings = settings
        self._stop = stop
        self._passage = passage
        self.account = Account(store, job, on_progress)
        self._deadline_s = self.account.began_s + deadline_s

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
        self.account.all_sent()
        return self._final("done", "partial" if manifest.gaps else "", note, listing(manifest, delivered))

    def _deliver_all(self, files: Sequence[Parcel], delivered: list[Parcel]) -> tuple[Sent | None, str]:
        """(the one that failed, what there is to note). delivered: those before; grows. Raises Stopped, StorageError."""
        before_bytes = sum(other.told.bytes for other in delivered)
        self.account.tell(total_bytes=before_bytes + sum(file.told.bytes for file in files), text="")
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
        known = self.account.memory.files.get(told.sha256)
        if known is not None and known.done:
            return Sent("done", known.url, Progress(told.bytes, 0, 0, 0, 0, ""))
        attempts, resumes = self.account.now.attempts, self.account.now.resumes

        def remember(url: str) -> None:
            self.account.keep(told.sha256, FileMemory(url=url, size=told.bytes))

        def progress(now: Progress) -> None:
            self.account.tell(
                file=number,
                sent_bytes=before_bytes + now.offset + now.moving,
                attempts=attempts + now.attempts,
                resumes=resumes + now.resumes,
                text=now.trouble,
            )

        try:
            sent = send_file(
                self._target,
                Guarded(file.source),
                metadata=metadata_of(self._node, self._job.id, told.name, told.sha256, told.kind),
                sha256=told.sha256,
                remembered_url=known.url if known else "",
                remember=remember,
                on_progress=progress,
                stop=self._stop,
                deadline_s=self._deadline_s,
                settings=self._settings,
                passage=self._passage,
            )
        except (Unreadable, IntegrityError) as error:
            begun = self.account.memory.files.get(told.sha256)
            sent = Sent("failed", begun.url if begun else "", Progress(0, 0, 0, 0, 0, ""), "unreadable", str(error))
        if sent.state == "failed" and sent.url and sent.progress.offset < told.bytes:
            remove(self._target, self._settings, told.sha256, sent.url, self._stop)  # of use to nobody, at the receiver's cost
        if sent.state == "done":
            self.account.keep(told.sha256, FileMemory(url=sent.url, size=told.bytes, done=True, told=told, clip=file.clip))
        return sent

    def _final(self, state: ClipState, code: str, text: str, manifest: Manifest) -> Final:
        return Final(progress=self.account.state(state, code, text), manifest=manifest)
