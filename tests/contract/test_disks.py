"""One contract for the disk of a node and for the model that the fault tests break."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge.errors import NotFound, StorageError
from edge.host.disk import Disk, read_exactly
from edge.host.linux_disk import LinuxDisk
from edge.host.model_disk import ModelDisk


@dataclass(frozen=True)
class Place:
    disk: Disk
    root: Path


@pytest.fixture(params=["linux", "model"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "linux":
        yield Place(LinuxDisk(), tmp_path)
    else:
        disk = ModelDisk()
        disk.mkdir(Path("/data"))
        yield Place(disk, Path("/data"))


def put(place: Place, name: str, data: bytes) -> Path:
    path = place.root / name
    file = place.disk.create(path)
    file.write(data)
    file.close()
    return path


def names(place: Place) -> set[str]:
    return {entry.name for entry in place.disk.scan(place.root)}


def test_what_was_written_is_read_back_whole_and_in_parts(place: Place) -> None:
    path = place.root / "a"
    file = place.disk.create(path)
    file.write(b"one ", bytearray(b"two "), memoryview(b"three"), b"")
    file.fdatasync()
    assert file.size() == 13
    file.close()
    assert place.disk.read(path) == b"one two three"
    assert place.disk.read(path, 4, 3) == b"two"
    assert place.disk.read(path, 8) == b"three"
    assert place.disk.read(path, 10, 100) == b"ree"
    assert place.disk.read(path, 100, 5) == b""


def test_a_write_of_thousands_of_buffers_keeps_their_order(place: Place) -> None:
    buffers = [f"{number:05d}".encode() for number in range(5000)]
    file = place.disk.create(place.root / "many")
    file.write(*buffers)
    file.close()
    assert place.disk.read(place.root / "many") == b"".join(buffers)


def test_create_refuses_a_name_that_is_taken(place: Place) -> None:
    put(place, "a", b"first")
    with pytest.raises(StorageError) as caught:
        place.disk.create(place.root / "a")
    assert caught.value.number == errno.EEXIST
    assert place.disk.read(place.root / "a") == b"first"


def test_append_continues_at_the_end_also_after_a_truncate(place: Place) -> None:
    path = put(place, "a", b"0123456789")
    file = place.disk.append(path)
    assert file.size() == 10
    file.write(b"x")
    file.truncate(4)
    file.write(b"yz")
    file.fsync()
    file.close()
    assert place.disk.read(path) == b"0123yz"


def test_append_to_a_missing_file_is_not_found(place: Place) -> None:
    with pytest.raises(NotFound):
        place.disk.append(place.root / "missing")
    with pytest.raises(NotFound):
        place.disk.create(place.root / "no folder" / "a")


def test_reserving_changes_neither_size_nor_content(place: Place) -> None:
    path = put(place, "a", b"abc")
    file = place.disk.append(path)
    file.reserve(1 << 20)
    assert file.size() == 3
    file.write(b"d")
    file.reserve(0)
    file.close()
    assert place.disk.read(path) == b"abcd"
    assert place.disk.stat(path).size == 4


def test_reserving_more_than_the_disk_has_is_no_space(place: Place) -> None:
    file = place.disk.create(place.root / "huge")
    with pytest.raises(StorageError) as caught:
        file.reserve(1 << 62)
    assert caught.value.number == errno.ENOSPC
    file.close()


def test_a_closed_file_takes_no_more_bytes(place: Place) -> None:
    file = place.disk.create(place.root / "a")
    file.close()
    file.close()
    with pytest.raises(StorageError):
        file.write(b"late")
    assert place.disk.read(place.root / "a") == b""


def test_scan_lists_files_and_folders_of_one_folder(place: Place) -> None:
    put(place, "file", b"")
    place.disk.mkdir(place.root / "folder" / "inner")
    assert {(entry.name, entry.is_dir) for entry in place.disk.scan(place.root)} == {("file", False), ("folder", True)}
    with pytest.raises(NotFound):
        place.disk.scan(place.root / "missing")
    with pytest.raises(StorageError) as caught:
        place.disk.scan(place.root / "file")
    assert caught.value.number == errno.ENOTDIR


def test_mkdir_makes_parents_and_may_be_repeated_but_not_over_a_file(place: Place) -> None:
    deep = place.root / "a" / "b" / "c"
    place.disk.mkdir(deep)
    place.disk.mkdir(deep)
    assert place.disk.stat(deep).is_dir
    put(place, "file", b"")
    with pytest.raises(StorageError) as caught:
        place.disk.mkdir(place.root / "file" / "sub")
    assert caught.value.number in (errno.EEXIST, errno.ENOTDIR)


def test_rename_moves_between_folders_and_never_overwrites(place: Place) -> None:
    old, other = put(place, "old", b"old"), put(place, "other", b"other")
    place.disk.mkdir(place.root / "day")
    place.disk.rename(old, place.root / "day" / "new")
    assert place.disk.read(place.root / "day" / "new") == b"old"
    with pytest.raises(StorageError) as caught:
        place.disk.rename(other, place.root / "day" / "new")
    assert caught.value.number == errno.EEXIST
    assert place.disk.read(place.root / "day" / "new") == b"old"
    assert place.disk.read(other) == b"other"
    with pytest.raises(NotFound):
        place.disk.rename(old, place.root / "elsewhere")


def test_a_folder_can_be_renamed_with_what_is_in_it(place: Place) -> None:
    place.disk.mkdir(place.root / "before")
    put(place, "before/a", b"a")
    place.disk.rename(place.root / "before", place.root / "after")
    assert place.disk.read(place.root / "after" / "a") == b"a"
    assert names(place) == {"after"}


def test_a_link_is_the_same_file_and_outlives_the_first_name(place: Place) -> None:
    path, second = put(place, "a", b"evidence"), place.root / "b"
    assert place.disk.stat(path).nlink == 1
    place.disk.link(path, second)
    assert place.disk.stat(path).nlink == 2
    assert place.disk.stat(path).inode == place.disk.stat(second).inode
    place.disk.unlink(path)
    assert place.disk.stat(second).nlink == 1
    assert place.disk.read(second) == b"evidence"


def test_a_link_never_overwrites_and_needs_its_file(place: Place) -> None:
    path, taken = put(place, "a", b"a"), put(place, "b", b"b")
    with pytest.raises(StorageError) as caught:
        place.disk.link(path, taken)
    assert caught.value.number == errno.EEXIST
    with pytest.raises(NotFound):
        place.disk.link(place.root / "missing", place.root / "c")


def test_unlink_removes_files_only_and_rmdir_empty_folders_only(place: Place) -> None:
    place.disk.mkdir(place.root / "folder")
    inside = put(place, "folder/a", b"")
    with pytest.raises(StorageError):
        place.disk.unlink(place.root / "folder")
    with pytest.raises(StorageError) as caught:
        place.disk.rmdir(place.root / "folder")
    assert caught.value.number == errno.ENOTEMPTY
    place.disk.unlink(inside)
    place.disk.rmdir(place.root / "folder")
    assert names(place) == set()
    with pytest.raises(NotFound):
        place.disk.unlink(inside)
    with pytest.raises(NotFound):
        place.disk.rmdir(place.root / "folder")


def test_replace_swaps_whole_contents_and_leaves_nothing_else_behind(place: Place) -> None:
    path = place.root / "state"
    place.disk.replace(path, b"first")
    place.disk.replace(path, b"second, longer")
    place.disk.replace(path, b"3")
    assert place.disk.read(path) == b"3"
    assert names(place) == {"state"}


def test_replace_is_not_disturbed_by_a_half_written_attempt(place: Place) -> None:
    put(place, ".state.new", b"half of an older attemp")
    place.disk.replace(place.root / "state", b"now")
    assert place.disk.read(place.root / "state") == b"now"
    assert names(place) == {"state"}


def test_syncing_a_missing_name_is_not_found(place: Place) -> None:
    path = put(place, "a", b"a")
    place.disk.sync(path)
    place.disk.sync_dir(place.root)
    with pytest.raises(NotFound):
        place.disk.sync(place.root / "missing")
    with pytest.raises(NotFound):
        place.disk.sync_dir(place.root / "missing")
    with pytest.raises(NotFound):
        place.disk.stat(place.root / "missing")
    with pytest.raises(NotFound):
        place.disk.read(place.root / "missing")


def test_space_is_told_and_shrinks_by_what_is_written(place: Place) -> None:
    before = place.disk.space(place.root)
    assert 0 < before.free_bytes <= before.total_bytes
    assert before.free_inodes > 0
    with pytest.raises(NotFound):
        place.disk.space(place.root / "missing")


def test_a_folders_time_moves_when_a_name_in_it_changes(place: Place) -> None:
    place.disk.mkdir(place.root / "folder")
    before = place.disk.stat(place.root / "folder").mtime_ns
    put(place, "folder/a", b"")
    assert place.disk.stat(place.root / "folder").mtime_ns >= before


def test_read_exactly_says_that_a_file_is_too_short(place: Place) -> None:
    path = put(place, "a", b"abc")
    assert read_exactly(place.disk, path, 1, 2) == b"bc"
    with pytest.raises(StorageError, match="shorter"):
        read_exactly(place.disk, path, 1, 3)


def test_every_error_of_the_operating_system_is_translated(place: Place) -> None:
    inside_a_file = put(place, "file", b"") / "x"
    for call in (
        place.disk.stat,
        place.disk.read,
        place.disk.scan,
        place.disk.unlink,
        place.disk.rmdir,
        place.disk.sync_dir,
        place.disk.space,
    ):
        with pytest.raises(StorageError):
            call(inside_a_file)
    with pytest.raises(StorageError):
        place.disk.replace(inside_a_file, b"")
    with pytest.raises(StorageError):
        place.disk.create(inside_a_file)
