"""What only the real disk can show: reservations, slow calls, two processes, file systems that differ."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.errors import StorageError
from edge.host import linux_disk
from edge.host.linux_disk import LinuxDisk


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_reservation_takes_blocks_and_a_truncate_gives_them_back(tmp_path: Path) -> None:
    disk = LinuxDisk()
    file = disk.create(tmp_path / "a")
    file.write(b"x" * 10)
    file.reserve(1 << 20)
    if os.stat(tmp_path / "a").st_blocks * 512 < 1 << 20:
        pytest.skip("this file system cannot reserve")
    assert os.stat(tmp_path / "a").st_size == 10
    file.truncate(10)
    assert os.stat(tmp_path / "a").st_blocks * 512 < 1 << 20
    file.close()


@pytest.mark.root
def test_a_refused_reservation_leaves_nothing_reserved(small: Path) -> None:
    disk = LinuxDisk()
    file = disk.create(small / "a")
    free = disk.space(small).free_bytes
    with pytest.raises(StorageError) as caught:
        file.reserve(2 << 20)
    assert caught.value.number == errno.ENOSPC
    assert disk.space(small).free_bytes == free
    file.reserve(free // 2)
    file.close()


@pytest.mark.root
def test_a_full_disk_is_told_as_such_with_what_to_do(small: Path) -> None:
    disk = LinuxDisk()
    file = disk.create(small / "a")
    with pytest.raises(StorageError, match="full") as caught:
        file.write(bytes(2 << 20))
    assert caught.value.number == errno.ENOSPC
    file.close()
    disk.unlink(small / "a")
    disk.replace(small / "state", b"fits")
    with pytest.raises(StorageError):
        disk.replace(small / "state", bytes(2 << 20))
    assert disk.read(small / "state") == b"fits"


@pytest.mark.root
def test_links_and_renames_do_not_cross_file_systems(small: Path, tmp_path: Path) -> None:
    disk = LinuxDisk()
    disk.create(tmp_path / "a").close()
    for call in (disk.link, disk.rename):
        with pytest.raises(StorageError) as caught:
            call(tmp_path / "a", small / "a")
        assert caught.value.number == errno.EXDEV


def test_a_call_that_takes_long_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(linux_disk, "_SLOW_S", -1.0)
    LinuxDisk().scan(tmp_path)
    assert f"list {tmp_path} took" in caplog.text


def test_a_symbolic_link_is_not_followed_into_a_hold(tmp_path: Path) -> None:
    disk = LinuxDisk()
    disk.create(tmp_path / "a").close()
    (tmp_path / "s").symlink_to(tmp_path / "a")
    disk.link(tmp_path / "s", tmp_path / "l")
    assert (tmp_path / "l").is_symlink()
    assert disk.stat(tmp_path / "a").nlink == 1


_REPLACE = """
import sys
from pathlib import Path
from edge.host.linux_disk import LinuxDisk
disk, path, word = LinuxDisk(), Path(sys.argv[1]), sys.argv[2].encode()
for number in range(300):
    disk.replace(path, word * (1 + number * 7 % 500))
"""


def test_two_processes_that_replace_one_file_leave_the_content_of_one_of_them(tmp_path: Path) -> None:
    path = tmp_path / "state"
    LinuxDisk().replace(path, b"a")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    writers = [subprocess.Popen([sys.executable, "-c", _REPLACE, str(path), word], env=environment) for word in ("a", "b")]
    seen: set[bytes] = set()
    while any(writer.poll() is None for writer in writers):
        content = LinuxDisk().read(path)
        seen.add(content[:1])
        assert len(set(content)) == 1, "a mixture of two"
    assert [writer.wait() for writer in writers] == [0, 0]
    assert seen == {b"a", b"b"}
    assert os.listdir(tmp_path) == ["state"]
