"""The model's own promises: what a power cut leaves, what faults do. A model that forgives would make every fault test worthless."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import NotFound, StorageError
from edge.host.model_disk import Fault, ModelDisk, PowerLost

ROOT = Path("/data")
SEEDS = range(60)


def disk_with(**files: bytes) -> ModelDisk:
    """Everything synced."""
    disk = ModelDisk(1 << 20)
    disk.mkdir(ROOT)
    for name, data in files.items():
        file = disk.create(ROOT / name)
        file.write(data)
        file.fsync()
        file.close()
    disk.sync_dir(ROOT)
    return disk


def contents(disk: ModelDisk) -> dict[str, bytes]:
    return {entry.name: disk.read(ROOT / entry.name) for entry in disk.scan(ROOT) if not entry.is_dir}


def after_cuts(disk: ModelDisk) -> list[dict[str, bytes]]:
    return [contents(disk.power_cut(seed)) for seed in SEEDS]


def test_what_was_synced_survives_every_power_cut() -> None:
    disk = disk_with(a=b"one", b=b"two")
    assert all(found == {"a": b"one", "b": b"two"} for found in after_cuts(disk))


def test_a_cut_is_the_same_for_the_same_seed_and_leaves_the_disk_itself_alone() -> None:
    disk = disk_with(a=b"x" * 9000)
    file = disk.append(ROOT / "a")
    file.write(b"y" * 9000)
    assert contents(disk.power_cut(7)) == contents(disk.power_cut(7))
    assert contents(disk)["a"] == b"x" * 9000 + b"y" * 9000


def test_data_without_a_sync_may_be_there_in_part_in_full_zeroed_or_not_at_all() -> None:
    disk = disk_with(a=b"x" * 100)
    file = disk.append(ROOT / "a")
    file.write(b"y" * 20_000)
    found = {each["a"] for each in after_cuts(disk)}
    assert all(data.startswith(b"x" * 100) for data in found)
    assert b"x" * 100 in found
    assert b"x" * 100 + b"y" * 20_000 in found
    assert any(0 < len(data) - 100 < 20_000 and b"\0" not in data for data in found)
    assert any(b"\0" * 1000 in data for data in found)


def test_a_new_name_without_a_sync_of_its_folder_may_be_lost_with_its_data() -> None:
    disk = disk_with()
    file = disk.create(ROOT / "a")
    file.write(b"data")
    file.fsync()
    found = [each.get("a") for each in after_cuts(disk)]
    assert {None, b"data"} == set(found)


def test_a_file_whose_name_was_synced_and_data_not_may_be_empty() -> None:
    disk = disk_with()
    disk.create(ROOT / "a").write(b"data")
    disk.sync_dir(ROOT)
    found = {each["a"] for each in after_cuts(disk)}
    assert b"" in found
    assert b"data" in found


def test_an_unlink_without_a_sync_may_be_undone() -> None:
    disk = disk_with(a=b"one")
    disk.unlink(ROOT / "a")
    assert {len(each) for each in after_cuts(disk)} == {0, 1}
    disk.sync_dir(ROOT)
    assert {len(each) for each in after_cuts(disk)} == {0}


def test_a_rename_is_never_torn() -> None:
    disk = disk_with(a=b"one")
    disk.mkdir(ROOT / "day")
    disk.rename(ROOT / "a", ROOT / "day" / "b")
    places = set()
    for seed in SEEDS:
        after = disk.power_cut(seed)
        places.add((len(after.scan(ROOT)) - 1, len(after.scan(ROOT / "day"))))
    assert places == {(1, 0), (0, 1)}
    disk.sync_dir(ROOT / "day")
    assert all(contents(disk.power_cut(seed)) == {} for seed in SEEDS)


def test_replacing_leaves_the_old_or_the_new_content_whenever_the_power_goes() -> None:
    for at in range(1, 20):
        for seed in range(6):
            disk = disk_with(state=b"old " * 2000)
            disk.fault = Fault(disk.operations + at, "power")
            try:
                disk.replace(ROOT / "state", b"new " * 3000)
            except PowerLost:
                assert contents(disk.power_cut(seed))["state"] in (b"old " * 2000, b"new " * 3000)
            else:
                assert contents(disk.power_cut(seed))["state"] == b"new " * 3000


def test_a_truncate_without_a_sync_may_be_undone_and_is_not_mixed_with_what_came_later() -> None:
    disk = disk_with(a=b"AAAABBBB")
    file = disk.append(ROOT / "a")
    file.truncate(4)
    file.write(b"CC")
    found = {each["a"] for each in after_cuts(disk)}
    assert found <= {b"AAAABBBB", b"AAAA", b"AAAAC", b"AAAACC", b"AAAA\0", b"AAAA\0\0"}
    assert {b"AAAABBBB", b"AAAACC"} <= found


def test_after_a_failed_sync_a_later_one_succeeds_and_the_data_is_not_on_the_disk() -> None:
    disk = disk_with()
    file = disk.create(ROOT / "a")
    disk.sync_dir(ROOT)
    file.write(b"lost")
    disk.fault = Fault(disk.operations + 1, "EIO")
    with pytest.raises(StorageError):
        file.fdatasync()
    file.write(b" kept")
    file.fdatasync()
    assert disk.read(ROOT / "a") == b"lost kept"
    assert {each["a"] for each in after_cuts(disk)} == {b"\0\0\0\0 kept"}
    file.truncate(0)
    file.write(b"again")
    file.fdatasync()
    assert {each["a"] for each in after_cuts(disk)} == {b"again"}


def test_a_failed_sync_is_told_once_to_each_open_file() -> None:
    disk = disk_with(a=b"")
    one, other = disk.append(ROOT / "a"), disk.append(ROOT / "a")
    one.write(b"x")
    disk.fault = Fault(disk.operations + 1, "EIO")
    with pytest.raises(StorageError):
        one.fdatasync()
    with pytest.raises(StorageError):
        other.fdatasync()
    other.fdatasync()
    one.fdatasync()
    disk.append(ROOT / "a").fdatasync()


@pytest.mark.parametrize(("kind", "number"), [("EIO", errno.EIO), ("ENOSPC", errno.ENOSPC)])
def test_a_fault_strikes_the_operation_it_was_set_for_once_or_for_ever(kind: str, number: int) -> None:
    for forever in (False, True):
        disk = disk_with()
        disk.fault = Fault(disk.operations + 2, kind, forever)  # type: ignore[arg-type]
        disk.create(ROOT / "a").close()
        with pytest.raises(StorageError) as caught:
            disk.create(ROOT / "b")
        assert caught.value.number == number
        if forever:
            with pytest.raises(StorageError):
                disk.create(ROOT / "c")
        else:
            disk.create(ROOT / "c").close()
        assert set(contents(disk) if not forever or kind == "ENOSPC" else {"a"}) == ({"a"} if forever else {"a", "c"})
        assert disk.struck >= 1


def test_no_space_fails_what_takes_space_and_nothing_else() -> None:
    disk = disk_with(a=b"one", b=b"two")
    disk.fault = Fault(0, "ENOSPC", forever=True)
    assert disk.read(ROOT / "a") == b"one"
    disk.unlink(ROOT / "a")
    with pytest.raises(StorageError):
        disk.link(ROOT / "b", ROOT / "c")
    with pytest.raises(StorageError):
        disk.append(ROOT / "b").write(b"x")


def test_a_short_write_leaves_a_part_behind() -> None:
    disk = disk_with(a=b"")
    file = disk.append(ROOT / "a")
    disk.fault = Fault(disk.operations + 1, "short")
    with pytest.raises(StorageError):
        file.write(b"0123456789")
    assert disk.read(ROOT / "a") == b"01234"


def test_when_the_power_is_lost_nothing_works_any_more_and_no_handler_of_errors_sees_it() -> None:
    disk = disk_with(a=b"one")
    disk.fault = Fault(disk.operations + 1, "power")
    for _ in range(3):
        with pytest.raises(PowerLost):
            disk.read(ROOT / "a")
    assert not issubclass(PowerLost, Exception)


def test_capacity_is_kept_by_writes_reservations_truncates_and_unlinks() -> None:
    disk = disk_with()
    whole = disk.space(ROOT).free_bytes
    file = disk.create(ROOT / "a")
    file.reserve(1000)
    assert disk.space(ROOT).free_bytes == whole - 1000
    file.write(b"x" * 600)
    assert disk.space(ROOT).free_bytes == whole - 1000, "the reservation is used up first"
    file.truncate(600)
    assert disk.space(ROOT).free_bytes == whole - 600, "a truncate gives back what is reserved behind the end"
    disk.link(ROOT / "a", ROOT / "b")
    disk.unlink(ROOT / "a")
    assert disk.space(ROOT).free_bytes == whole - 600
    disk.unlink(ROOT / "b")
    assert disk.space(ROOT).free_bytes == whole - 600, "an open file keeps its blocks"
    file.close()
    assert disk.space(ROOT).free_bytes == whole
    with pytest.raises(StorageError) as caught:
        disk.create(ROOT / "c").write(bytes(whole + 1))
    assert caught.value.number == errno.ENOSPC
    assert disk.stat(ROOT / "c").size == whole


def test_a_link_that_was_synced_keeps_a_file_whose_unlink_was_synced() -> None:
    disk = disk_with(a=b"one")
    disk.mkdir(ROOT / "hold")
    disk.link(ROOT / "a", ROOT / "hold" / "a")
    disk.sync_dir(ROOT / "hold")
    disk.unlink(ROOT / "a")
    disk.sync_dir(ROOT)
    for seed in SEEDS:
        after = disk.power_cut(seed)
        assert after.read(ROOT / "hold" / "a") == b"one"
        assert after.stat(ROOT / "hold" / "a").nlink == 1


@given(
    st.lists(
        st.tuples(st.sampled_from(["create", "write", "sync", "unlink", "rename", "link", "sync_dir"]), st.integers(0, 3)), max_size=25
    ),
    st.integers(),
)
def test_a_power_cut_leaves_a_disk_that_is_whole_in_itself(steps: list[tuple[str, int]], seed: int) -> None:
    disk = disk_with()
    for word, number in steps:
        path, other = ROOT / f"f{number}", ROOT / f"f{(number + 1) % 4}"
        try:
            match word:
                case "create":
                    disk.create(path).close()
                case "write":
                    disk.append(path).write(b"data" * 50)
                case "sync":
                    disk.sync(path)
                case "unlink":
                    disk.unlink(path)
                case "rename":
                    disk.rename(path, other)
                case "link":
                    disk.link(path, other)
                case _:
                    disk.sync_dir(ROOT)
        except StorageError:
            continue
    after = disk.power_cut(seed)
    for entry in after.scan(ROOT):
        names = [other.name for other in after.scan(ROOT) if after.stat(ROOT / other.name).inode == after.stat(ROOT / entry.name).inode]
        assert after.stat(ROOT / entry.name).nlink == len(names)
        after.unlink(ROOT / entry.name)
    assert after.scan(ROOT) == []
    assert after.space(ROOT).free_bytes == after.total_bytes
    with pytest.raises(NotFound):
        after.stat(ROOT / "f0")
