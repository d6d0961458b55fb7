"""Late health at the centre: stored once, typed, for each node."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edge.centre.history import HistoryStore, path_of, stored_history
from edge.host.model_disk import ModelDisk
from edge.messages.history import Figure, History

FOLDER = Path("/centre")


def history(number: int, node: str = "pole-1") -> History:
    figure = Figure(min=1.0, mean=2.0, max=3.0, last=2.0)
    return History(
        node=node,
        number=number,
        boot="b",
        since="2026-11-26T00:00:00.000Z",
        until="2026-11-26T00:15:00.000Z",
        from_mono_ms=number * 900_000,
        to_mono_ms=number * 900_000 + 840_000,
        documents=15,
        clock="trusted",
        figures={"cpu_temp_c": figure},
    )


def payload(number: int) -> bytes:
    return msgspec.json.encode(history(number))


def test_aggregates_are_stored_in_order_and_read_back_as_they_were() -> None:
    disk = ModelDisk()
    store = HistoryStore(disk, FOLDER)
    assert all(store.take("pole-1", payload(number)) for number in range(5))
    assert store.sync()
    assert list(stored_history(disk, FOLDER, "pole-1")) == [history(number) for number in range(5)]
    assert list(stored_history(disk, FOLDER, "pole-2")) == []


def test_what_comes_again_is_stored_once_also_after_a_restart_and_a_power_cut() -> None:
    disk = ModelDisk()
    store = HistoryStore(disk, FOLDER)
    assert [store.take("pole-1", payload(1)) for _ in range(2)] == [True, False]
    store.sync()
    after = disk.power_cut(3)
    again = HistoryStore(after, FOLDER)
    assert [again.take("pole-1", payload(number)) for number in (1, 2)] == [False, True]
    again.sync()
    assert list(stored_history(after, FOLDER, "pole-1")) == [history(1), history(2)]


def test_another_nodes_word_and_what_is_no_aggregate_are_not_stored() -> None:
    disk = ModelDisk()
    store = HistoryStore(disk, FOLDER)
    assert not store.take("pole-2", payload(1))
    with pytest.raises(msgspec.DecodeError):
        store.take("pole-2", b"{}")
    assert store.sync()
    assert list(stored_history(disk, FOLDER, "pole-2")) == []


def test_a_damaged_line_does_not_hide_the_others() -> None:
    disk = ModelDisk()
    store = HistoryStore(disk, FOLDER)
    store.take("pole-1", payload(1))
    store.sync()
    disk.replace(path_of(FOLDER, "pole-1"), payload(1) + b"\n{damaged\n" + payload(2) + b"\n")
    assert list(stored_history(disk, FOLDER, "pole-1")) == [history(1), history(2)]
