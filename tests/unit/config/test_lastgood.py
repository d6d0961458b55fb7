from __future__ import annotations

from pathlib import Path

import pytest

from edge.clock import ManualClock
from edge.config.lastgood import keep_last_good
from edge.config.problems import ConfigProblems
from edge.config.read import last_good_path, load_config, read_config
from edge.host.linux_disk import LinuxDisk
from edge.journal.writer import JournalWriter
from tests.support.nodefile import SMALLEST, write_config


def test_a_good_file_is_kept_beside_itself_once(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    loaded = load_config(path)
    assert keep_last_good(loaded, LinuxDisk())
    assert last_good_path(path).read_bytes() == path.read_bytes()
    assert not keep_last_good(loaded, LinuxDisk())


def test_a_broken_file_is_replaced_by_the_last_good_one_and_the_fault_is_told(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    good = load_config(path)
    keep_last_good(good, LinuxDisk())
    write_config(tmp_path, SMALLEST + "fps = 100\nwdth = 3\n")
    loaded = load_config(path)
    assert loaded.config == good.config
    assert loaded.path == path
    assert loaded.sha256 == good.sha256
    assert loaded.fault is not None
    assert loaded.fault.in_force_sha256 == good.sha256
    assert [error.split(":")[0] for error in loaded.fault.errors] == ["camera[0].fps", "camera[0].wdth"]


def test_a_file_that_is_all_errors_still_fits_into_a_journal_record(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    keep_last_good(load_config(path), LinuxDisk())
    write_config(tmp_path, SMALLEST + "".join(f"wrong_{number} = 1\n" for number in range(1500)) + f'"{"x" * 50_000}" = 2\n')
    fault = load_config(path).fault
    assert fault is not None
    journal = JournalWriter(LinuxDisk(), tmp_path / "journal", ManualClock(), "boot-1")
    assert journal.append(fault).type == "config_fault"
    assert fault.errors[-1] == "and 1461 more"


def test_the_last_good_copy_never_replaces_itself_with_a_broken_file(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    keep_last_good(load_config(path), LinuxDisk())
    write_config(tmp_path, "nonsense")
    assert not keep_last_good(load_config(path), LinuxDisk())
    assert last_good_path(path).read_text("utf-8") == SMALLEST


def test_a_file_that_is_gone_is_a_broken_file(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    keep_last_good(load_config(path), LinuxDisk())
    path.unlink()
    loaded = load_config(path)
    assert loaded.fault is not None
    assert "no such file" in loaded.fault.errors[0]


def test_with_neither_the_new_files_errors_are_told(tmp_path: Path) -> None:
    path = write_config(tmp_path, SMALLEST + "fps = 100\n")
    with pytest.raises(ConfigProblems, match=r"camera\[0\]\.fps") as caught:
        load_config(path)
    assert caught.value.exit_code == 78
    last_good_path(path).write_text("broken too", encoding="utf-8")
    with pytest.raises(ConfigProblems, match=r"camera\[0\]\.fps"):
        load_config(path)


def test_strict_reading_never_falls_back(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    keep_last_good(load_config(path), LinuxDisk())
    write_config(tmp_path, "nonsense")
    with pytest.raises(ConfigProblems):
        read_config(path)
