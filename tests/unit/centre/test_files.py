"""Append-only files: durable when told, found by number, whole after anything."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.centre.files import WAITING_MAX, AppendOnly, line_of, tail_of
from edge.errors import IntegrityError, NotFound, StorageError
from edge.host.model_disk import Fault, ModelDisk, PowerLost

PATH = Path("/centre/nodes/pole-1/checkpoints.jsonl")


def numbered(seq: int, size: int) -> bytes:
    return msgspec.json.encode({"seq": seq, "x": "x" * size})


class CountingDisk(ModelDisk):
    reads = 0

    def read(self, path: Path, offset: int = 0, length: int | None = None) -> bytes:
        self.reads += 1
        return super().read(path, offset, length)


def written(lines: list[bytes], disk: ModelDisk | None = None) -> ModelDisk:
    disk = disk or ModelDisk()
    file = AppendOnly(disk, PATH)
    for line in lines:
        file.append(line)
    file.sync()
    return disk


@given(st.lists(st.integers(0, 30_000), min_size=1, max_size=12), st.integers(1, 9))
def test_every_line_is_found_by_its_number_and_no_other_is(sizes: list[int], first: int) -> None:
    """Numbers with holes between them, lines of all lengths."""
    lines = {first + 2 * place: numbered(first + 2 * place, size) for place, size in enumerate(sizes)}
    disk = written(list(lines.values()))
    for seq in range(first + 2 * len(sizes) + 2):
        assert line_of(disk, PATH, seq) == lines.get(seq)


def test_a_line_of_a_long_file_is_found_with_few_reads() -> None:
    disk = CountingDisk()
    for start in range(1, 20_001, 500):
        written([numbered(seq, 150) for seq in range(start, start + 500)], disk)
    disk.reads = 0
    assert line_of(disk, PATH, 12_345) == numbered(12_345, 150)
    assert disk.reads < 30


def test_a_missing_file_and_a_damaged_line_are_told_apart() -> None:
    with pytest.raises(NotFound):
        line_of(ModelDisk(), PATH, 1)
    with pytest.raises(IntegrityError, match="damaged"):
        line_of(written([b"no json"]), PATH, 1)


def test_the_end_of_a_file_begins_with_a_whole_line() -> None:
    lines = [numbered(seq, 50) for seq in range(1, 40)]
    disk = written(lines)
    assert tail_of(disk, PATH, 1 << 20) == lines
    end = tail_of(disk, PATH, 300)
    assert end == lines[-len(end) :]
    assert 0 < len(end) < 6
    assert tail_of(ModelDisk(), PATH, 300) == []


def test_what_a_disk_refuses_waits_for_the_next_time() -> None:
    for at in range(1, 12):
        disk = ModelDisk()
        written([numbered(1, 10)], disk)
        file = AppendOnly(disk, PATH)
        disk.fault = Fault(disk.operations + at, "short" if at % 2 else "EIO")
        for seq in (2, 3):
            file.append(numbered(seq, 10))
            with contextlib.suppress(StorageError):
                file.sync()
        disk.fault = None
        file.sync()
        found = [msgspec.json.decode(line)["seq"] for line in tail_of(disk.power_cut(0), PATH, 1 << 20)]
        assert list(dict.fromkeys(found)) == [1, 2, 3], f"refused at {at}: {found}"


def test_a_power_cut_anywhere_loses_nothing_that_was_synced() -> None:
    def life(disk: ModelDisk, told: list[int]) -> None:
        file = AppendOnly(disk, PATH)
        for seq in range(1, 5):
            file.append(numbered(seq, 20))
            file.sync()
            told.append(seq)

    probe = ModelDisk()
    life(probe, [])
    for at in range(1, probe.operations + 1):
        for seed in range(6):
            disk, told = ModelDisk(), list[int]()
            disk.fault = Fault(at, "power")
            with contextlib.suppress(PowerLost):
                life(disk, told)
            after = written([numbered(99, 5)], disk.power_cut(seed))
            found = [msgspec.json.decode(line)["seq"] for line in tail_of(after, PATH, 1 << 20)]
            assert found[: len(told)] == told
            assert found[-1] == 99


def test_memory_is_bounded_while_a_disk_refuses() -> None:
    disk = ModelDisk()
    file = AppendOnly(disk, PATH)
    for seq in range(1, WAITING_MAX + 11):
        file.append(numbered(seq, 1))
    file.sync()
    assert [msgspec.json.decode(line)["seq"] for line in tail_of(disk, PATH, 1 << 20)] == list(range(11, WAITING_MAX + 11))
