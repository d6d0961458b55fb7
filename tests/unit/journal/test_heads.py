"""The newest record of every journal: cheap, durable, and no journal stops the others."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from edge.clock import ManualClock
from edge.errors import StorageError
from edge.host.disk import Entry
from edge.host.model_disk import ModelDisk
from edge.journal.heads import read_heads
from edge.journal.reader import JournalReader
from edge.journal.writer import JournalWriter
from edge.messages.records import Stop

JOURNALS = Path("/data/journal")


class CountingDisk(ModelDisk):
    """How many bytes were read; a folder in `broken` refuses."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes_read = 0
        self.broken: Path | None = None

    def read(self, path: Path, offset: int = 0, length: int | None = None) -> bytes:
        data = super().read(path, offset, length)
        self.bytes_read += len(data)
        return data

    def scan(self, path: Path) -> list[Entry]:
        if path == self.broken:
            raise StorageError(f"{path}: no")
        return super().scan(path)


def journal(disk: ModelDisk, name: str, records: int, rotate_bytes: int = 1 << 20) -> JournalWriter:
    writer = JournalWriter(disk, JOURNALS / name, ManualClock(), "boot", rotate_bytes)
    for number in range(records):
        writer.append(Stop(reason=f"{number} " + "x" * 300))
    return writer


def test_each_journal_with_a_record_has_its_head() -> None:
    disk = CountingDisk()
    writers = {name: journal(disk, name, records) for name, records in (("watcher", 3), ("agent", 1), ("recorder.gone", 7))}
    disk.mkdir(JOURNALS / "empty")
    heads = {head.journal: head for head in read_heads(disk, JOURNALS)}
    assert list(heads) == ["agent", "recorder.gone", "watcher"]
    for name, writer in writers.items():
        last = list(JournalReader(disk, JOURNALS / name).read())[-1]
        assert (heads[name].seq, heads[name].sha256) == (last.seq, sha256(last.raw).hexdigest())
        assert heads[name].epoch == writer.epoch
    assert read_heads(disk, Path("/nowhere")) == []


def test_the_cost_does_not_grow_with_the_journal() -> None:
    disk = CountingDisk()
    journal(disk, "agent", 10, rotate_bytes=400_000)
    costs = []
    for _ in range(2):
        disk.bytes_read = 0
        read_heads(disk, JOURNALS)
        costs.append(disk.bytes_read)
        journal(disk, "agent", 2000, rotate_bytes=400_000)
    assert costs[1] < 128 * 1024 < 2000 * 300


def test_a_head_that_was_given_out_survives_a_power_cut() -> None:
    """Written and not synced yet when it is looked at: looking makes it durable."""
    disk = CountingDisk()
    journal(disk, "agent", 2)
    file = disk.append(JOURNALS / "agent" / "000000000001.jsonl")
    last = list(JournalReader(disk, JOURNALS / "agent").read())[-1]
    file.write(last.raw.replace(b'"seq":2', b'"seq":3'), b"\n")
    (head,) = read_heads(disk, JOURNALS)
    assert head.seq == 3
    for seed in range(8):
        after = JournalReader(disk.power_cut(seed), JOURNALS / "agent").last()
        assert after is not None
        assert (after.seq, sha256(after.raw).hexdigest()) == (head.seq, head.sha256)


def test_a_journal_that_cannot_be_read_is_left_out_and_the_others_are_not() -> None:
    disk = CountingDisk()
    for name in ("agent", "watcher"):
        journal(disk, name, 2)
    disk.broken = JOURNALS / "agent"
    assert [head.journal for head in read_heads(disk, JOURNALS)] == ["watcher"]
    disk.broken = JOURNALS
    with pytest.raises(StorageError):
        read_heads(disk, JOURNALS)
