"""Proof that the data partition is there."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from edge.errors import ConfigError, NotFound, StorageError
from edge.host.linux_disk import LinuxDisk
from edge.host.model_disk import ModelDisk
from edge.host.sentinel import NAME, check_one_file_system, check_sentinel, write_sentinel

DATA = Path("/data")


def test_a_folder_without_the_mark_is_not_the_data_partition() -> None:
    disk = ModelDisk()
    with pytest.raises(NotFound, match="not the data partition"):
        check_sentinel(disk, DATA, "pole-17")
    disk.mkdir(DATA)
    with pytest.raises(NotFound, match="mount it"):
        check_sentinel(disk, DATA, "pole-17")


def test_a_marked_partition_is_accepted_by_its_node_only() -> None:
    disk = ModelDisk()
    write_sentinel(disk, DATA, "pole-17")
    write_sentinel(disk, DATA, "pole-17")
    check_sentinel(disk, DATA, "pole-17")
    with pytest.raises(ConfigError, match="belongs to node 'pole-17'"):
        check_sentinel(disk, DATA, "pole-18")
    with pytest.raises(ConfigError):
        write_sentinel(disk, DATA, "pole-18")
    assert disk.read(DATA / NAME) == b"pole-17\n"


def test_a_mark_full_of_rubbish_is_nobodys() -> None:
    disk = ModelDisk()
    disk.mkdir(DATA)
    disk.replace(DATA / NAME, bytes(range(256)) * 100)
    with pytest.raises(ConfigError):
        check_sentinel(disk, DATA, "pole-17")


def test_ring_holds_and_jobs_on_one_file_system_pass_and_nothing_is_left_behind(tmp_path: Path) -> None:
    disk = LinuxDisk()
    check_one_file_system(disk, tmp_path)
    disk.mkdir(tmp_path / "ring" / "cam1")
    disk.mkdir(tmp_path / "hold")
    check_one_file_system(disk, tmp_path)
    assert sorted(entry.name for entry in disk.scan(tmp_path)) == ["hold", "ring"]


@pytest.mark.parametrize("name", ["ring", "hold", "jobs", "ring/cam1"])
def test_a_folder_on_another_file_system_is_a_fault_of_the_configuration(name: str, tmp_path: Path) -> None:
    elsewhere = Path("/dev/shm")
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).symlink_to(elsewhere)
    with pytest.raises(ConfigError, match="another file system"):
        check_one_file_system(LinuxDisk(), tmp_path)


class Fat(ModelDisk):
    """A file system as on a card from the shop."""

    def link(self, old: Path, new: Path) -> None:
        raise StorageError(f"link {old}: Operation not permitted", number=errno.EPERM)


def test_a_file_system_without_hard_links_is_a_fault_of_the_configuration() -> None:
    disk = Fat()
    disk.mkdir(DATA)
    with pytest.raises(ConfigError, match="hard links"):
        check_one_file_system(disk, DATA)
    assert disk.scan(DATA) == []
