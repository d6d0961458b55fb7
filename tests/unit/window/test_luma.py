"""The luma window: whole pictures or none, whatever happens to the writer and to the file."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import StorageError
from edge.window.luma import Exposure, Luma, LumaReader, LumaWriter
from tests.support.window_writer import start_writer, whole

DEADLINE_S = 20.0


@pytest.fixture
def path() -> Iterator[Path]:
    folder = Path("/dev/shm") / f"edge-test-window-{os.getpid()}-{time.monotonic_ns()}"
    folder.mkdir()
    yield folder / "luma"
    for name in folder.iterdir():
        name.unlink()
    folder.rmdir()


def picture(seq: int, pixels: int = 64 * 48) -> bytes:
    return bytes([seq % 251]) * pixels


def read_until(reader: LumaReader, count: int, after_seq: int = -1) -> list[Luma]:
    """The next `count` pictures that show up."""
    found: list[Luma] = []
    deadline_s = time.monotonic() + DEADLINE_S
    while len(found) < count:
        luma = reader.newest(after_seq)
        if luma is not None:
            found.append(luma)
            after_seq = luma.seq
        assert time.monotonic() < deadline_s, f"{len(found)} of {count} pictures: {reader.trouble}"
    return found


def test_the_newest_picture_is_shown_once(path: Path) -> None:
    writer, reader = LumaWriter(path, 64, 48), LumaReader(path)
    assert reader.newest() is None
    for seq in range(5):
        writer.put(seq * 1000, picture(seq), seq)
    shown = reader.newest()
    assert shown == Luma(64, 48, 4000, 4, picture(4))
    assert reader.newest(4) is None
    writer.put(5000, memoryview(bytearray(picture(5))), 5)
    again = reader.newest(4)
    assert again is not None
    assert again.seq == 5


def test_a_writer_at_full_speed_in_another_process_never_shows_a_torn_picture(path: Path) -> None:
    writer = start_writer(path, 320, 180)
    try:
        reader = LumaReader(path)
        pictures = read_until(reader, 400)
    finally:
        writer.kill()
        writer.wait()
    assert all(whole(luma) for luma in pictures)
    assert [luma.seq for luma in pictures] == sorted({luma.seq for luma in pictures})


def test_a_writer_killed_at_any_moment_leaves_whole_pictures_and_its_successor_takes_over(path: Path) -> None:
    reader, after_seq = LumaReader(path), -1
    for size in ((320, 180), (64, 48), (320, 180), (1280, 720)):
        writer = start_writer(path, *size)
        deadline_s = time.monotonic() + DEADLINE_S
        luma = None
        while luma is None or (luma.width, luma.height) != size:
            luma = reader.newest(after_seq) or luma
            assert time.monotonic() < deadline_s, reader.trouble
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        last = reader.newest()
        assert last is not None
        assert whole(last)
        assert (last.width, last.height) == size
        after_seq = last.seq


def test_a_new_file_is_shown_even_when_its_count_starts_again(path: Path) -> None:
    reader = LumaReader(path)
    old = LumaWriter(path, 64, 48)
    old.put(1, picture(9), 9)
    assert reader.newest(-1) is not None
    new = LumaWriter(path, 80, 60)
    assert reader.newest(9) is None
    new.put(2, picture(0, 80 * 60), 0)
    shown = reader.newest(9)
    assert shown is not None
    assert (shown.width, shown.height, shown.seq) == (80, 60, 0)
    old.put(3, picture(10), 10)
    assert reader.newest(0) is None, "the old file is not read any more"


@pytest.mark.parametrize("size", [0, 10, 300, 5000, 12_000])
def test_a_file_cut_short_is_no_picture_and_kills_nobody(path: Path, size: int) -> None:
    writer, reader = LumaWriter(path, 64, 48), LumaReader(path)
    for seq in range(3):
        writer.put(seq, picture(seq), seq)
    assert reader.newest() is not None
    os.truncate(path, size)
    assert reader.newest() is None
    assert reader.trouble
    writer.put(9, picture(9), 9)
    healed = reader.newest()
    assert healed is not None
    assert healed.seq == 9


def test_a_missing_file_a_folder_and_a_pipe_are_no_picture(path: Path) -> None:
    reader = LumaReader(path)
    assert reader.newest() is None
    assert reader.trouble == "there is no window file"
    path.mkdir()
    assert reader.newest() is None
    path.rmdir()
    os.mkfifo(path)
    assert reader.newest() is None


@given(st.integers(0, 4096 + 3 * 4096 - 1), st.binary(min_size=1, max_size=64))
def test_garbage_anywhere_in_the_file_never_shows_a_picture_that_was_not_put(at: int, garbage: bytes) -> None:
    path = Path("/dev/shm") / f"edge-test-garbage-{os.getpid()}"
    try:
        writer, reader = LumaWriter(path, 64, 48), LumaReader(path)
        put = {seq: picture(seq) for seq in range(4)}
        for seq, luma in put.items():
            writer.put(seq * 1000, luma, seq, Exposure(gain=float(seq)))
        with path.open("r+b") as file:
            file.seek(at)
            file.write(garbage)
        shown = reader.newest()
        assert shown is None or (put.get(shown.seq) == shown.luma and shown.boot_ns == shown.seq * 1000)
        assert shown is None or shown.exposure == Exposure(gain=float(shown.seq))
        for seq in range(4, 7):
            writer.put(seq * 1000, picture(seq), seq)
        healed = reader.newest()
        assert healed == Luma(64, 48, 6000, 6, picture(6)), "three pictures later the damage is gone"
        reader.close()
    finally:
        path.unlink()


known = st.none() | st.floats(allow_nan=False)


@given(st.builds(Exposure, known, known, known, known))
def test_how_a_picture_was_exposed_comes_with_it(exposure: Exposure) -> None:
    path = Path("/dev/shm") / f"edge-test-exposure-{os.getpid()}"
    try:
        LumaWriter(path, 64, 48).put(1000, picture(0), 0, exposure)
        assert LumaReader(path).newest() == Luma(64, 48, 1000, 0, picture(0), exposure)
    finally:
        path.unlink()


def test_a_closed_window_takes_no_picture(path: Path) -> None:
    writer = LumaWriter(path, 64, 48)
    writer.close()
    with pytest.raises(ValueError, match="closed"):
        writer.put(1, picture(1), 1)


def test_a_picture_of_another_size_is_refused_and_changes_nothing(path: Path) -> None:
    writer, reader = LumaWriter(path, 64, 48), LumaReader(path)
    writer.put(1, picture(1), 1)
    with pytest.raises(ValueError, match="64x48"):
        writer.put(2, b"short", 2)
    shown = reader.newest()
    assert shown is not None
    assert shown.seq == 1


@pytest.mark.parametrize(("width", "height"), [(0, 48), (-4, -4), (4000, 4000)])
def test_an_absurd_size_is_refused(path: Path, width: int, height: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        LumaWriter(path, width, height)


def test_a_missing_run_folder_is_a_storage_error_with_words(path: Path) -> None:
    with pytest.raises(StorageError, match="cannot make the luma window"):
        LumaWriter(path.parent / "missing" / "luma", 64, 48)


def test_closing_twice_is_fine_and_the_last_picture_stays(path: Path) -> None:
    writer = LumaWriter(path, 64, 48)
    writer.put(1, picture(1), 1)
    writer.close()
    writer.close()
    reader = LumaReader(path)
    assert reader.newest() is not None
    reader.close()
    reader.close()
    assert reader.newest() is not None
