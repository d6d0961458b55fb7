"""The last word on a clip job is recorded and answered before its footage goes, however long it is and whatever the disk refuses."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edge.clock import ManualClock
from edge.errors import StorageError
from edge.host.model_disk import ModelDisk
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.clip import Attachment, ClipFile, ClipRequest, JobProgress, Manifest
from edge.messages.evidence import Exported, ExportedFile
from edge.messages.records import ClipDone, facts_of
from edge.messages.wire import Response
from edge.services.last_words import MANIFEST_MAX_BYTES, LastWords
from edge.upload.jobs import Final, Job, JobStore

JOURNAL = Path("/data/journal/agent")
REQUEST = ClipRequest(
    id="r-1",
    camera="cam0",
    start="2026-11-22T13:00:00.000Z",
    end="2026-11-22T17:00:00.000Z",
    operator="a.nowak",
    case="RSOW 12/26",
    recipient="KRP I",
)


def file_of(number: int, segments: int = 2) -> ClipFile:
    return ClipFile(
        name=f"cam0_20261122T13{number:04d}.000Z.mp4",
        bytes=30_000_000,
        sha256=f"{number:064x}",
        codec="h264",
        asked_start=REQUEST.start,
        asked_end=REQUEST.end,
        delivered_start=REQUEST.start,
        delivered_end=REQUEST.end,
        frames=1500,
        span="0b1f3a52-7c5e-4a07-9d7e-3f6a5f0d1c22/123456789012345",
        segments=list(range(100_000, 100_000 + segments)),
        clock="trusted",
    )


def final_of(files: list[ClipFile]) -> Final:
    return Final(progress=JobProgress(id="r-1", state="done"), manifest=Manifest(request=REQUEST, node="pole-1", files=files, gaps=[]))


class Bench:
    def __init__(self) -> None:
        self.disk = ModelDisk()
        self.store = JobStore(self.disk, Path("/data/jobs"))
        self.job: Job = self.store.accept(REQUEST, b"{}", [])
        self.journal = JournalWriter(self.disk, JOURNAL, ManualClock(), "boot")
        self.journal.open()
        self.answers: list[Response] = []
        self.refuse = False
        self.words = LastWords(self.store, self.journal, self._answer)

    def _answer(self, response: Response) -> None:
        if self.refuse:
            raise StorageError("the disk says no")
        self.answers.append(response)

    def records(self) -> list[ClipDone]:
        return [facts_of(line.record, ClipDone) for line in JournalReader(self.disk, JOURNAL).read() if line.record.type == "clip"]

    def exports(self) -> list[Exported]:
        return [facts_of(line.record, Exported) for line in JournalReader(self.disk, JOURNAL).read() if line.record.type == "export"]


@pytest.mark.parametrize("files", [[], [file_of(1)], [file_of(number) for number in range(300)], [file_of(1, 7200), file_of(2, 7200)]])
def test_a_last_word_of_any_length_is_recorded(files: list[ClipFile]) -> None:
    bench = Bench()
    assert bench.words.say(bench.job, final_of(files))
    records = bench.records()
    assert [file["sha256"] for record in records for file in record.files] == [file.sha256 for file in files]
    assert {(record.id, record.state) for record in records} == {("r-1", "done")}
    assert [file.sha256 for record in bench.exports() for file in record.files] == [file.sha256 for file in files]
    assert [answer.state for answer in bench.answers] == ["done"]
    assert bench.store.open_jobs() == []


def test_a_manifest_too_long_for_a_message_is_left_out_of_the_answer_in_words() -> None:
    bench = Bench()
    bench.words.say(bench.job, final_of([file_of(number) for number in range(1000)]))
    (answer,) = bench.answers
    assert answer.manifest is None
    assert "clip records" in answer.text
    assert len(msgspec.json.encode(answer)) < MANIFEST_MAX_BYTES


def test_the_footage_stays_until_the_answer_is_kept_and_the_record_is_written_once() -> None:
    bench = Bench()
    bench.refuse = True
    assert not bench.words.say(bench.job, final_of([file_of(1)]))
    assert bench.words.again() == []
    assert JobStore(bench.disk, Path("/data/jobs")).open_jobs() == [bench.job], "a start now gives it out again"
    bench.refuse = False
    assert bench.words.again() == [bench.job]
    assert bench.words.waiting == []
    assert (len(bench.answers), len(bench.records())) == (1, 1)
    assert bench.store.open_jobs() == []


def test_footage_that_reached_the_centre_is_on_record_with_who_for_what_and_the_statements_hash() -> None:
    bench = Bench()
    beside = [Attachment(name="clip.json", bytes=2, sha256="c" * 64, kind="application/json")]
    final = final_of([file_of(1)])
    assert final.manifest is not None
    told = msgspec.structs.replace(final, manifest=msgspec.structs.replace(final.manifest, attachments=beside))
    bench.words.say(bench.job, told)
    (export,) = bench.exports()
    assert (export.operator, export.case, export.recipient, export.how) == ("a.nowak", "RSOW 12/26", "KRP I", "upload")
    assert export.statement_sha256 == "c" * 64
    assert export.files == [ExportedFile(name=file_of(1).name, bytes=30_000_000, sha256=file_of(1).sha256)]
    assert [file["name"] for record in bench.records() for file in record.files] == [file_of(1).name, "clip.json"]
