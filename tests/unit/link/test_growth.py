"""Whether a journal has grown, asked often and cheaply."""

from __future__ import annotations

from pathlib import Path

from edge.host.linux_disk import LinuxDisk
from edge.host.model_disk import ModelDisk
from edge.link.growth import growth_of
from tests.support.lanes import JournalBench


def test_growth_of_the_newest_file_is_seen_and_rest_is_rest() -> None:
    bench = JournalBench()
    look = growth_of(bench.disk, bench.folder)
    bench.write(1)
    seen = [look() for _ in range(5)]
    assert len(set(seen)) == 1
    bench.write(1)
    assert look() != seen[0]


def test_a_new_file_is_seen_by_one_who_has_long_stopped_listing_the_folder() -> None:
    disk, folder = ModelDisk(), Path("/data/journal/x")
    disk.mkdir(folder)
    look = growth_of(disk, folder)
    disk.replace(folder / "1.jsonl", b"a\n")
    for _ in range(5):
        assert look() == ("1.jsonl", 2)
    listings = sum(each.startswith("scan") for each in disk.trail)
    assert look() == ("1.jsonl", 2)
    assert sum(each.startswith("scan") for each in disk.trail) == listings
    disk.replace(folder / "2.jsonl", b"bcd\n")
    assert look() == ("2.jsonl", 4)


def test_a_folder_that_comes_later_and_one_that_is_emptied(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    look = growth_of(LinuxDisk(), folder)
    assert look() == ("", 0)
    folder.mkdir()
    (folder / "1.jsonl").write_bytes(b"a\n")
    assert look() == ("1.jsonl", 2)
    (folder / "1.jsonl").unlink()
    assert look() == ("", 0)
