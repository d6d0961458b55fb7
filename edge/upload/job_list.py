"""Jobs as people see them: the open ones, and those that ended last."""

from __future__ import annotations

import logging

import msgspec

from edge.errors import IntegrityError, StorageError
from edge.messages.clip import ClipState, JobProgress
from edge.upload.jobs import JobStore

_LOG = logging.getLogger(__name__)


class JobLine(msgspec.Struct, frozen=True, kw_only=True):
    """A job in a list. accepted, deadline: UTC, "" where not known or none. cancelled_by: also of one that is about to end. The rest: see
    ClipRequest and JobProgress."""

    id: str
    camera: str
    start: str
    end: str
    operator: str
    case: str
    state: ClipState
    code: str = ""
    text: str = ""
    sent_bytes: int = 0
    total_bytes: int = 0
    place: int = 0
    urgent: bool = False
    accepted: str = ""
    deadline: str = ""
    cancelled_by: str = ""


def job_list(store: JobStore, recent: int) -> tuple[list[JobLine], int]:
    """All open ones, oldest first, then at most `recent` closed ones, the last first; and how many more of those there are. A job that
    cannot be read is left out and logged. Raises StorageError."""
    closed = store.closed()
    shown = list(reversed(closed[len(closed) - min(recent, len(closed)) :]))
    lines = [_line(store, job_id) for job_id in [*store.open_ids(), *shown]]
    return [line for line in lines if line is not None], len(closed) - len(shown)


def _line(store: JobStore, job_id: str) -> JobLine | None:
    try:
        job = store.get(job_id)
        if job is None:
            return None
        progress = store.progress(job_id) or JobProgress(id=job_id, state="accepted")
        cancellation = store.cancellation(job)
    except (IntegrityError, StorageError) as error:
        _LOG.error("job %s is not listed: %s", job_id, error)
        return None
    request = job.request
    return JobLine(
        id=job_id,
        camera=request.camera,
        start=request.start,
        end=request.end,
        operator=request.operator,
        case=request.case,
        state=progress.state,
        code=progress.code,
        text=progress.text,
        sent_bytes=progress.sent_bytes,
        total_bytes=progress.total_bytes,
        place=progress.place,
        urgent=job.terms.urgent,
        accepted=job.terms.accepted,
        deadline=job.terms.deadline,
        cancelled_by=cancellation.by if cancellation is not None else "",
    )
