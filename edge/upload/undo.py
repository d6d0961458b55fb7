"""A job that was called off: what arrived is told, what lies half-sent at the receiver is removed where the receiver allows it."""

from __future__ import annotations

import logging
from threading import Event

import msgspec

from edge.errors import IntegrityError
from edge.messages.clip import Attachment, ClipFile, JobProgress, Manifest
from edge.messages.tus import TUS_VERSION
from edge.upload.http import Http, Target
from edge.upload.jobs import Final, Job, Memory
from edge.upload.maker import ClipMaker
from edge.upload.put import part_of
from edge.upload.send import Settings
from edge.upload.steps import Reply
from edge.upload.terms import Cancellation

_LOG = logging.getLogger(__name__)
_TIMEOUT_S = 5.0
"""Somebody waits for the end of the job; the receiver forgets what is half-sent by itself."""
_TRIES = 3
_GONE = (404, 410)
_LOCKED = 423


def called_off(
    job: Job, memory: Memory, cancellation: Cancellation, clips: ClipMaker, target: Target, settings: Settings, stop: Event
) -> Final:
    """The last word. What the receiver answers about a file under way changes nothing but the text."""
    words = [f"cancelled by {cancellation.by or 'somebody'}: {cancellation.why}"]
    arrived = [file for file in memory.files.values() if file.done]
    if arrived:
        words.append(f"{len(arrived)} files had been delivered, and stay with the receiver")
    under_way = [(sha256, file.url) for sha256, file in memory.files.items() if not file.done]
    kept = sum(not remove(target, settings, sha256, url, stop) for sha256, url in under_way)
    if kept:
        words.append(f"the receiver keeps {kept} half-sent files until it clears them away")
    progress = JobProgress(id=job.id, state="cancelled", sent_bytes=sum(file.size for file in arrived), text="; ".join(words))
    films = [file.clip for file in arrived if file.clip is not None]
    beside = [file.told for file in arrived if file.clip is None and file.told is not None]
    return Final(progress=progress, manifest=_manifest(job, clips, films, beside))


def _manifest(job: Job, clips: ClipMaker, films: list[ClipFile], beside: list[Attachment]) -> Manifest | None:
    """Of what arrived; it makes no statement about gaps."""
    if not films:
        return None
    try:
        blank = clips.manifest(job.request, job.plan, {})
    except IntegrityError as error:
        _LOG.error("job %s: the files that arrived cannot be listed: %s", job.id, error)
        return None
    return msgspec.structs.replace(blank, files=films, attachments=beside, gaps=[])


def remove(target: Target, settings: Settings, sha256: str, url: str, stop: Event) -> bool:
    """Whether nothing is left at the receiver of a file that was under way. tus: where it has no termination, DELETE does nothing and HEAD
    tells so. Another try only where it still has our last request open."""
    if settings.method == "s3":
        return True  # an object is there whole or not at all
    http = Http(target, _TIMEOUT_S, _TIMEOUT_S)
    version = {"Tus-Resumable": TUS_VERSION}
    try:
        if settings.method == "put":
            answer = http.request("DELETE", part_of(url, sha256), {})
            return isinstance(answer, Reply) and (answer.status < 300 or answer.status in _GONE)
        for _ in range(_TRIES):
            answer = http.request("DELETE", url, version)
            if not isinstance(answer, Reply) or answer.status != _LOCKED or stop.wait(settings.limits.lock_wait_s / _TRIES):
                break
        seen = http.request("HEAD", url, version)
        return isinstance(seen, Reply) and seen.status in _GONE
    finally:
        http.close()
