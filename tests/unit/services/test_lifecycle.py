from __future__ import annotations

import threading
from pathlib import Path

import pytest

from edge.errors import StorageError, TryAgain
from edge.services.lifecycle import ServiceThread, sole_user


def waiting(go: threading.Event) -> None:
    go.wait(10)


def test_a_folder_has_one_user_at_a_time(tmp_path: Path) -> None:
    first, second = (sole_user(tmp_path, "records camera cam0") for _ in range(2))
    with first, pytest.raises(TryAgain, match="records camera cam0 already"), second:
        raise AssertionError("two users")
    with sole_user(tmp_path, "records camera cam0"):
        pass


def test_a_folder_that_is_not_there_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError), sole_user(tmp_path / "none", "records"):
        raise AssertionError("no folder")


def test_a_thread_that_ends_in_order_is_not_broken() -> None:
    go = threading.Event()
    thread = ServiceThread("test", lambda: waiting(go))
    assert not thread.broken
    thread.start()
    assert thread.alive
    assert not thread.broken
    go.set()
    assert thread.join(10.0)
    assert not thread.broken


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_fails_is_broken() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    thread = ServiceThread("test", fail)
    thread.start()
    assert thread.join(10.0)
    assert thread.broken


def test_a_thread_that_does_not_end_is_told(caplog: pytest.LogCaptureFixture) -> None:
    go = threading.Event()
    thread = ServiceThread("stuck", lambda: waiting(go))
    thread.start()
    assert not thread.join(0.01)
    assert "stuck" in caplog.text
    go.set()
    assert thread.join(10.0)
