"""Clip jobs on disk: `<data>/jobs/<request id>/`. A job survives a power cut at any step.

    request.json   what was asked (ClipRequest)
    plan.json      which fragments answer it, as the clip maker wrote it; opaque here
    links/         hard links to the segments the plan uses, `<sequence number, 9 digits>.mp4`: they pin the footage
    progress.json  JobProgress; the job exists from the moment this file does
    package/       what goes with the clips (see beside)
    upload.json    addresses, sizes and hashes of the uploads under way (Memory)
    final.json     the last word with the manifest (Final); written before progress.json says done or failed

`accept` writes progress.json last, `finish` removes the links last: a folder without progress.json was never answered and is cleared
away; a final job that still has links has not been recorded for certain, and is given out again by `open_jobs`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from edge.errors import IntegrityError, NotFound, Refused, StorageError
from edge.host.disk import Disk, Stat
from edge.messages.clip import ClipRequest, JobProgress, Manifest
from edge.upload.beside import FOLDER, Beside

_LOG = logging.getLogger(__name__)
FINAL = ("done", "failed")
QUOTA_PERCENT = 25.0
"""Of the data partition, most that open jobs may keep: pinned footage cannot make room for what is being recorded."""
_T = TypeVar("_T")
_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Pin:
    """A segment to keep: its sequence number and where it lies now (a sealed or an open segment file)."""

    seq: int
    path: Path


class FileMemory(msgspec.Struct, frozen=True, kw_only=True):
    """One file's upload: where it goes. done: the centre confirmed the hash."""

    url: str
    size: int
    done: bool = False


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """spent_s: how long the job has been worked on, over all boots (the deadline counts this, not a clock that may step). files: by the
    SHA-256 of their bytes."""

    spent_s: float = 0.0
    files: dict[str, FileMemory] = {}


class Final(msgspec.Struct, frozen=True, kw_only=True):
    progress: JobProgress
    manifest: Manifest | None


@dataclass(frozen=True, slots=True)
class Job:
    request: ClipRequest
    plan: bytes
    folder: Path

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

    def accept(self, request: ClipRequest, plan: bytes, pins: Sequence[Pin]) -> Job:
        """When it returns, the job and its footage stay until `finish`. The same id again is the same job.

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
        folder = self._folder / request.id
        self._clear(folder)
        self._check_quota(pins)
        self._disk.mkdir(folder / "links")
        for pin in pins:
            self._disk.link(pin.path, _link(folder, pin.seq))
        self._disk.sync_dir(folder / "links")
        self._disk.replace(folder / "plan.json", plan)
        self._disk.replace(folder / "request.json", msgspec.json.encode(request))
        self._disk.replace(folder / "progress.json", msgspec.json.encode(JobProgress(id=request.id, state="accepted")))
        return Job(request, plan, folder)

    def _check_quota(self, pins: Sequence[Pin]) -> None:
        kept = {found.inode: found.size for links in self._links() for found in links}
        wanted = {found.inode: found.size for found in (self._disk.stat(pin.path) for pin in pins)}
        self._disk.mkdir(self._folder)
        total = int(self._disk.space(self._folder).total_bytes * QUOTA_PERCENT / 100)
        used = sum((kept | wanted).values())
        if wanted.keys() - kept.keys() and used > total:
            text = f"clips waiting for delivery would keep {used} bytes from being erased, at most {total}"
            raise Refused("clip_quota", text, remedy="ask for less, or again when others are delivered")

    def _links(self) -> Iterator[list[Stat]]:
        """Of each open job."""
        for job_id in self._ids():
            links = self._folder / job_id / "links"
            try:
                yield [self._disk.stat(links / entry.name) for entry in self._disk.scan(links)]
            except StorageError as error:
                if not isinstance(error, NotFound):
                    _LOG.error("job %s: what it keeps is not counted: %s", job_id, error)

    def get(self, job_id: str) -> Job | None:
        """A job that was accepted once, open or final; None for an unknown id."""
        folder = self._folder / job_id
        if not _ID.fullmatch(job_id) or not self._exists(folder / "progress.json"):
            return None
        request = self._load(folder / "request.json", ClipRequest)
        return Job(request, self._disk.read(folder / "plan.json"), folder)

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
        if not self._exists(folder / "progress.json"):
            self._clear(folder)
            return None
        return self.get(job_id) if self._exists(folder / "links") else None

    def progress(self, job_id: str) -> JobProgress | None:
        job = self.get(job_id)
        return self._load(job.folder / "progress.json", JobProgress) if job else None

    def save_progress(self, job: Job, progress: JobProgress) -> None:
        self._disk.replace(job.folder / "progress.json", msgspec.json.encode(progress))

    def memory(self, job: Job) -> Memory:
        if not self._exists(job.folder / "upload.json"):
            return Memory()
        return self._load(job.folder / "upload.json", Memory)

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
        if job is None or not self._exists(job.folder / "final.json"):
            return None
        return self._load(job.folder / "final.json", Final)

    def finish(self, job: Job, final: Final, record: Callable[[], None]) -> None:
        """Keeps the last word, has it recorded (`record` must be durable when it returns), then lets the footage go.

        After a power cut it may be called again, with the same last word: `record` then runs at least once, mostly once.
        """
        if final.progress.state not in FINAL:
            raise ValueError(f"{final.progress.state} is not a final state")
        self._disk.replace(job.folder / "final.json", msgspec.json.encode(final))
        self.save_progress(job, final.progress)
        record()
        self._clear(job.folder / FOLDER)
        self._clear(job.folder / "links")

    def forget(self, keep: int = 1000) -> int:
        """Removes the oldest closed jobs beyond `keep`; returns how many. Their ids may then be used again."""
        closed: list[tuple[int, Path]] = []
        for job_id in self._ids():
            folder = self._folder / job_id
            if self._exists(folder / "final.json") and not self._exists(folder / "links"):
                closed.append((self._disk.stat(folder / "final.json").mtime_ns, folder))
        doomed = sorted(closed)[: max(0, len(closed) - keep)]
        for _, folder in doomed:
            self._clear(folder)
        return len(doomed)

    def _load(self, path: Path, shape: type[_T]) -> _T:
        try:
            return msgspec.json.decode(self._disk.read(path), type=shape)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise IntegrityError(f"{path} is damaged: {error}") from error

    def _ids(self) -> list[str]:
        try:
            return [entry.name for entry in self._disk.scan(self._folder) if entry.is_dir and _ID.fullmatch(entry.name)]
        except NotFound:
            return []

    def _exists(self, path: Path) -> bool:
        try:
            self._disk.stat(path)
        except NotFound:
            return False
        return True

    def _clear(self, folder: Path) -> None:
        """Removes a folder of ours, its progress.json first so that a job cut half-way is no job. A missing folder is fine."""
        try:
            entries = self._disk.scan(folder)
        except NotFound:
            return
        for entry in sorted(entries, key=lambda item: item.name != "progress.json"):
            if entry.is_dir:
                self._clear(folder / entry.name)
            else:
                self._disk.unlink(folder / entry.name)
                if entry.name == "progress.json":
                    self._disk.sync_dir(folder)
        self._disk.rmdir(folder)
        self._disk.sync_dir(folder.parent)


def _link(folder: Path, seq: int) -> Path:
    return folder / "links" / f"{seq:09d}.mp4"
