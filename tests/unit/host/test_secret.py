from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from edge.errors import StorageError, UsageError
from edge.host.secret import write_secret


def test_a_secret_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_secret(tmp_path / "key", b"secret")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert (tmp_path / "key").read_bytes() == b"secret"


def test_a_secret_is_never_overwritten_nor_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("key", "link"):
        with pytest.raises(UsageError, match="exists already"):
            write_secret(tmp_path / name, b"new")
    assert (tmp_path / "key").read_bytes() == b"old"
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_is_not_there_is_the_disks_fault(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No such file"):
        write_secret(tmp_path / "absent" / "key", b"secret")
