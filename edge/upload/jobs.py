"""Clip jobs on disk: `<data>/jobs/<request id>/`. A job survives a power cut at any step.

    request.json   what was asked (ClipRequest)
    terms.json     on what terms (Terms); not there for a job without any
    plan.json      which fragments answer it, as the clip maker wrote it; opaque here. Not there while the footage is still to come
    links/         hard links to the segments the plan uses, `<sequence number, 9 digits>.mp4`: they pin the footage
    progress.json  JobProgress; the job exists from the moment this file does
    package/       what goes with the clips (see beside)
    upload.json    addresses, sizes and hashes of the uploads under way (Memory)
    cancel.json    who called it off (Cancellation): written before anything is stopped
    final.json     the last word with the manifest (Final); written before progress.json says done or failed

`accept` writes progress.json last, `finish` removes the links last: a folder without progress.json was never answered and is cleared
away; a final job that still has links has not been recorded for certain, and is given out again by `open_jobs`.
"""

from __future__ import annotations

import errno
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from edge.errors import IntegrityError, NotFound, Refused, StorageError
from edge.host.disk import Disk
from edge.messages.clip import Attachment, ClipFile, ClipRequest, JobProgress, Manifest
from edge.upload.beside import FOLDER, Beside
from edge.upload.job_folder import clear, exists, load
from edge.upload.job_quota import check_quota, links_bytes
from edge.upload.terms import Cancellation, Terms

_LOG = logging.getLogger(__name__)
FINAL = ("done", "failed", "cancelled")
_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Pin:
    """A segment to keep: its sequence number and where it lies now (a sealed or an open segment file)."""

    seq: int
    path: Path


class FileMemory(msgspec.Struct, frozen=True, kw_only=True):
    """One file's upload: where it goes. done: the centre confirmed the hash; then told and clip are what the manifest says of it."""

    url: str
    size: int
    done: bool = False
    told: Attachment | None = None
    clip: ClipFile | None = None


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """spent_s: how long the agent has had the job, over all boots (the deadline counts this, not a clock that may step). files: by the
    SHA-256 of their bytes."""

    spent_s: float = 0.0
    files: dict[str, FileMemory] = {}


class Final(msgspec.Struct, frozen=True, kw_only=True):
    progress: JobProgress
    manifest: Manifest | None


@dataclass(frozen=True, slots=True)
class Job:
    """planned: whether the plan is made; before that `plan` is empty."""

    request: ClipRequest
    plan: bytes
    folder: Path
    terms: Terms = field(default_factory=Terms)
    planned: bool = True

    @property
    def id(self) -> str:
        return self.request.id


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """A pinned segment, readable for as long as its job is open, wherever the ring moved or erased it."""

    disk: Disk
    path: Path
    check: Callable[[], None] = lambda: None
    """Called before each read; may raise to end a long operation."""

    @property
    def size(self) -> int:
        return self.disk.stat(self.path).size

    def read(self, offset: int, length: int) -> bytes:
        """Fewer bytes at the end of the file. Raises StorageError."""
        self.check()
        return self.disk.read(self.path, offset, length)


class JobStore:
    """Sole owner of the jobs folder; keeps nothing in memory. `accept`, `open_jobs` and `forget` belong to one thread, each job's own
    files to one thread at a time. Raises StorageError when the disk says no, IntegrityError when a file of the job is damaged."""

    def __init__(self, disk: Disk, folder: Path) -> None:
        self._disk = disk
        self._folder = folder

    def accept(self, request: ClipRequest, plan: bytes | None, pins: Sequence[Pin], terms: Terms | None = None) -> Job:
        """When it returns, the job and its footage stay until `finish`. The same id again is the same job. plan: None for footage that is
        still to come (`terms.awaits`): `pin` what is recorded, then `plan`.

        Raises Refused("bad_id"), Refused("id_reused") when the id stands for another request, Refused("clip_quota") when open jobs would
        keep more than QUOTA_PERCENT of the disk, NotFound when a segment is no longer where the plan saw it (sealed or erased meanwhile:
        plan again).
        """
        if not _ID.fullmatch(request.id):
            raise Refused(
                "bad_id", f"{request.id[:80]!r} is not a request id", remedy="1 to 64 of A-Z a-z 0-9 . _ -, not starting with a dot"
            )
        known = self.get(request.id)
        if known is not None:
            if known.request != request:
                raise Refused("id_reused", f"request {request.id} was already used for another clip", remedy="choose a new id")
            return known
        terms = terms or Terms()
        folder = self._folder / request.id
        clear(self._disk, folder)
        self._disk.mkdir(self._folder)
        others = [self._folder / id for id in self._ids()]
        check_quota(self._disk, self._folder, others, [pin.path for pin in pins], terms.expects_bytes)
        job = Job(request, plan or b"", folder, terms, plan is not None)
        self._disk.mkdir(folder / "links")
        self.pin(job, pins)
        if plan is not None:
            self._disk.replace(folder / "plan.json", plan)
        if terms != Terms():
            self._disk.replace(folder / "terms.json", msgspec.json.encode(terms))
        self._disk.replace(folder / "request.json", msgspec.json.encode(request))
        self._disk.replace(folder / "progress.json", msgspec.json.encode(JobProgress(id=request.id, state="accepted")))
        return job

    def pin(self, job: Job, pins: Sequence[Pin]) -> None:
        """Keeps these segments as well; durable when it returns. Raises NotFound when one is no longer where it was seen."""
        for pin in pins:
            try:
                self._disk.link(pin.path, _link(job.folder, pin.seq))
            except StorageError as refused:
                if refused.number != errno.EEXIST:
                    raise
        self._disk.sync_dir(job.folder / "links")

    def pinned_seqs(self, job: Job) -> set[int]:
        return {int(entry.name[:9]) for entry in self._disk.scan(job.folder / "links")}

    def plan(self, job: Job, plan: bytes, pins: Sequence[Pin]) -> Job:
        """Of footage that was still to come. From then on it is a job like any other. Raises NotFound as `accept` does."""
        known = self.pinned_seqs(job)
        self.pin(job, [pin for pin in pins if pin.seq not in known])
        self._disk.replace(job.folder / "plan.json", plan)
        return replace(job, plan=plan, planned=True)

    def kept_bytes(self, job: Job) -> int:
        return links_bytes(self._disk, job.folder)

    def cancel(self, job_id: str, cancellation: Cancellation) -> Job:
        """Decided when it returns; whoever carries the job out ends it. Raises Refused: unknown_job, ended."""
        job = self.get(job_id)
        if job is None:
            raise Refused("unknown_job", f"there is no clip job {job_id[:80]!r}")
        final = self.final(job_id)
        if final is not None:
            raise Refused("ended", f"job {job_id} is {final.progress.state} already")
        if self.cancellation(job) is None:
            self._disk.replace(job.folder / "cancel.json", msgspec.json.encode(cancellation))
        return job

    def cancellation(self, job: Job) -> Cancellation | None:
        """A damaged one was meant all the same."""
        if not exists(self._disk, job.folder / "cancel.json"):
            return None
        try:
            return load(self._disk, job.folder / "cancel.json", Cancellation)
        except IntegrityError as error:
            _LOG.error("job %s: %s", job.id, error)
            return Cancellation(by="", why="who and why cannot be read any more", t="")

    def get(self, job_id: str) -> Job | None:
        """A job that was accepted once, open or final; None for an unknown id."""
        folder = self._folder / job_id
        if not _ID.fullmatch(job_id) or not exists(self._disk, folder / "progress.json"):
            return None
        request = load(self._disk, folder / "request.json", ClipRequest)
        terms = load(self._disk, folder / "terms.json", Terms) if exists(self._disk, folder / "terms.json") else Terms()
        if terms.awaits and not exists(self._disk, folder / "plan.json"):
            return Job(request, b"", folder, terms, planned=False)
        return Job(request, self._disk.read(folder / "plan.json"), folder, terms)

    def open_jobs(self) -> list[Job]:
        """What is still to be done, oldest first; clears away jobs that were never answered. Call at start-up. A job with a file that is
        damaged or cannot be read is left as it is, its footage pinned, and logged."""
        jobs: list[tuple[int, Job]] = []
        for job_id in self._ids():
            try:
                job = self._open_job(job_id)
                if job is not None:
                    jobs.append((self._disk.stat(job.folder / "request.json").mtime_ns, job))
            except (IntegrityError, StorageError) as error:
                _LOG.error("job %s cannot go on: %s", job_id, error)
        return [job for _, job in sorted(jobs, key=lambda item: (item[0], item[1].id))]

    def _open_job(self, job_id: str) -> Job | None:
        """Of a closed job nothing is read: there are many."""
        folder = self._folder / job_id
        if not exists(self._disk, folder / "progress.json"):
            clear(self._disk, folder)
            return None
        return self.get(job_id) if exists(self._disk, folder / "links") else None

    def progress(self, job_id: str) -> JobProgress | None:
        job = self.get(job_id)
        return load(self._disk, job.folder / "progress.json", JobProgress) if job else None

    def save_progress(self, job: Job, progress: JobProgress) -> None:
        self._disk.replace(job.folder / "progress.json", msgspec.json.encode(progress))

    def memory(self, job: Job) -> Memory:
        if not exists(self._disk, job.folder / "upload.json"):
            return Memory()
        return load(self._disk, job.folder / "upload.json", Memory)

    def remember(self, job: Job, memory: Memory) -> None:
        """Durable when it returns."""
        self._disk.replace(job.folder / "upload.json", msgspec.json.encode(memory))

    def pinned(self, job: Job, seq: int, check: Callable[[], None] = lambda: None) -> PinnedFile:
        return PinnedFile(self._disk, _link(job.folder, seq), check)

    def beside(self, job: Job) -> Beside:
        return Beside(self._disk, job.folder)

    def final(self, job_id: str) -> Final | None:
        """The last word on a job; None while there is none (or no such job)."""
        job = self.get(job_id)
        if job is None or not exists(self._disk, job.folder / "final.json"):
            return None
        return load(self._disk, job.folder / "final.json", Final)

    def finish(self, job: Job, final: Final, record: Callable[[], None]) -> None:
        """Keeps the last word, has it recorded (`record` must be durable when it returns), then lets the footage go.

        After a power cut it may be called again, with the same last word: `record` then runs at least once, mostly once.
        """
        if final.progress.state not in FINAL:
            raise ValueError(f"{final.progress.state} is not a final state")
        self._disk.replace(job.folder / "final.json", msgspec.json.encode(final))
        self.save_progress(job, final.progress)
        record()
        clear(self._disk, job.folder / FOLDER)
        clear(self._disk, job.folder / "links")

    def open_ids(self) -> list[str]:
        """Of those that are not over, by when they were accepted. Changes nothing."""
        return self._by_time("request.json", is_open=True)

    def closed(self) -> list[str]:
        """Ids of those that are over, by when they ended."""
        return self._by_time("final.json", is_open=False)

    def _by_time(self, name: str, *, is_open: bool) -> list[str]:
        found: list[tuple[int, str]] = []
        for job_id in self._ids():
            folder = self._folder / job_id
            if exists(self._disk, folder / name) and exists(self._disk, folder / "links") == is_open:
                found.append((self._disk.stat(folder / name).mtime_ns, job_id))
        return [job_id for _, job_id in sorted(found)]

    def forget(self, keep: int = 1000) -> int:
        """Removes the oldest closed jobs beyond `keep`; returns how many. Their ids may then be used again."""
        closed = self.closed()
        doomed = closed[: max(0, len(closed) - keep)]
        for job_id in doomed:
            clear(self._disk, self._folder / job_id)
        return len(doomed)

    def _ids(self) -> list[str]:
        try:
            return [entry.name for entry in self._disk.scan(self._folder) if entry.is_dir and _ID.fullmatch(entry.name)]
        except NotFound:
            return []


def _link(folder: Path, seq: int) -> Path:
    return folder / "links" / f"{seq:09d}.mp4"
