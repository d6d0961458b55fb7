"""The last word on each clip job: recorded, then answered, then its footage is let go. All three, whatever the disk refuses meanwhile and
whenever the power goes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import msgspec

from edge.clip.exported import exported_of
from edge.errors import StorageError
from edge.messages.clip import ClipFile
from edge.messages.records import RECORD_MAX_BYTES, ClipDone, Facts, Record
from edge.messages.wire import Response
from edge.upload.jobs import Final, Job, JobStore

log = logging.getLogger(__name__)

FILES_MAX_BYTES = RECORD_MAX_BYTES // 2
"""Of one record; the rest is for its text and the chain."""
MANIFEST_MAX_BYTES = 128 * 1024
"""Of one answer: half of what a centre takes in one message."""
_TEXT_MAX = 1024


class Journal(Protocol):
    def append_all(self, facts: Sequence[Facts], camera: str | None = None) -> list[Record]: ...


class LastWords:
    """One thread. `answer`: stores the answer to the command and publishes it; may raise StorageError."""

    def __init__(self, store: JobStore, journal: Journal, answer: Callable[[Response], None]) -> None:
        self._store, self._journal, self._answer = store, journal, answer
        self._recorded: set[str] = set()
        self.waiting: list[tuple[Job, Final]] = []
        """Those that the disk refused."""

    def say(self, job: Job, final: Final) -> bool:
        """Whether all is done; otherwise `again` tries it again. A job whose agent ended half-way is given out again at the next start,
        with the same last word."""
        try:
            self._store.finish(job, final, lambda: self._tell(job, final))
        except StorageError as error:
            log.error("job %s: its last word is not kept yet: %s", job.id, error)
            self.waiting.append((job, final))
            return False
        self._recorded.discard(job.id)
        return True

    def again(self) -> list[Job]:
        """Those that are done now."""
        words, self.waiting = self.waiting, []
        return [job for job, final in words if self.say(job, final)]

    def _tell(self, job: Job, final: Final) -> None:
        if job.id not in self._recorded:
            told: list[Facts] = [*records_of(job.id, final)]
            if final.manifest is not None:
                told += exported_of(final.manifest, "upload")
            self._journal.append_all(told, camera=job.request.camera)
            self._recorded.add(job.id)
        self._answer(answer_of(job.id, final))


def records_of(id: str, final: Final) -> list[ClipDone]:
    """One record; more where the files do not fit into it. What went with the clips stands behind them."""
    progress, manifest = final.progress, final.manifest
    files = [_told(file) for file in manifest.files] if manifest is not None else []
    files += [msgspec.to_builtins(file) for file in manifest.attachments] if manifest is not None else []
    return [
        ClipDone(id=id, state=progress.state, code=progress.code, text=progress.text[:_TEXT_MAX], files=group) for group in _groups(files)
    ]


def answer_of(id: str, final: Final) -> Response:
    """Without a manifest that is too long for a message: its files stand in the records."""
    progress, manifest = final.progress, final.manifest
    text = progress.text[:_TEXT_MAX]
    if manifest is not None and len(msgspec.json.encode(manifest)) > MANIFEST_MAX_BYTES:
        note = f"the manifest of {len(manifest.files)} files is too long for a message: see the clip records"
        text = "; ".join(filter(None, (text, note)))
        manifest = None
    return Response(id=id, state=progress.state, code=progress.code, text=text, manifest=manifest)


def _told(file: ClipFile) -> dict[str, Any]:
    """Thousands of short segments do not fit into any record; the times of the file tell which they are."""
    if len(file.segments) * 8 > FILES_MAX_BYTES // 2:
        file = msgspec.structs.replace(file, segments=[])
    told: dict[str, Any] = msgspec.to_builtins(file)
    return told


def _groups(files: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    size = 0
    for file in files:
        length = len(msgspec.json.encode(file)) + 1
        if group and size + length > FILES_MAX_BYTES:
            yield group
            group, size = [], 0
        group.append(file)
        size += length
    yield group
