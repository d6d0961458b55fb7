from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from edge.centre.upload_store import Info, Outcome, Receipt, StoreLimits, UploadStore
from edge.clock import ManualClock
from edge.errors import NotFound, Refused, StorageError
from edge.host.disk import Disk
from edge.host.model_disk import Fault, ModelDisk, PowerLost

FOLDER = Path("/received")
DATA = b"0123456789"
SHA256 = hashlib.sha256(DATA).hexdigest()
METADATA = {"node": "pole-7", "request": "r-1", "name": "cam.mp4", "sha256": SHA256}
PLACE = FOLDER / "pole-7" / "r-1"


def store_on(disk: Disk, limits: StoreLimits | None = None, clock: ManualClock | None = None) -> UploadStore:
    return UploadStore(disk, FOLDER, clock or ManualClock(), limits)


def fill(store: UploadStore, info: Info, data: bytes = DATA) -> None:
    file = store.writer(info)
    file.write(data)
    file.fsync()
    file.close()


def test_a_whole_upload_lands_in_its_place_with_a_receipt() -> None:
    disk = ModelDisk()
    store = store_on(disk)
    info = store.create(10, METADATA)
    assert store.offset(info) == 0
    fill(store, info, DATA[:4])
    assert store.offset(info) == 4
    fill(store, info, DATA[4:])
    assert store.outcome(info) is None
    outcome = Outcome(sha256=SHA256, path="pole-7/r-1/cam.mp4")
    assert store.complete(info) == outcome
    assert store.outcome(info) == outcome
    assert store.offset(info) == 10
    assert disk.read(PLACE / "cam.mp4") == DATA
    receipt = msgspec.json.decode(disk.read(PLACE / "cam.mp4.receipt.json"), type=Receipt)
    assert (receipt.node, receipt.request, receipt.name, receipt.sha256, receipt.bytes) == ("pole-7", "r-1", "cam.mp4", SHA256, 10)


def test_other_bytes_than_announced_get_no_final_name() -> None:
    disk = ModelDisk()
    store = store_on(disk)
    info = store.create(10, METADATA)
    fill(store, info, b"012345678X")
    assert store.complete(info) == Outcome(sha256=hashlib.sha256(b"012345678X").hexdigest(), path="")
    with pytest.raises(NotFound):
        disk.stat(FOLDER / "pole-7")


def test_the_same_file_again_is_stored_once_and_another_one_never_overwrites_it() -> None:
    disk = ModelDisk()
    store = store_on(disk)
    first, again = store.create(10, METADATA), store.create(10, METADATA)
    other = store.create(10, {**METADATA, "sha256": ""})
    fill(store, first)
    fill(store, again)
    fill(store, other, b"other byte")
    assert store.complete(first).path == store.complete(again).path == "pole-7/r-1/cam.mp4"
    path = store.complete(other).path
    assert path == f"pole-7/r-1/cam.{other.uid[:8]}.mp4"
    assert disk.read(PLACE / "cam.mp4") == DATA
    assert disk.read(FOLDER / path) == b"other byte"


@pytest.mark.parametrize("key", ["node", "request", "name"])
@pytest.mark.parametrize(
    "word", ["", ".", "..", "../../etc/passwd", "/etc/passwd", "a/b", ".uploads", "a\\b\n", "x" * 129, "a.receipt.json"]
)
def test_no_path_is_ever_made_of_metadata(key: str, word: str) -> None:
    with pytest.raises(Refused) as caught:
        store_on(ModelDisk()).create(10, {**METADATA, key: word})
    assert caught.value.code == "bad_metadata"


@pytest.mark.parametrize("uid", ["", "..", "../info", "0" * 31, "G" * 32])
def test_an_upload_is_named_by_its_number_only(uid: str) -> None:
    with pytest.raises(NotFound):
        store_on(ModelDisk()).info(uid)


def test_caps_on_size_number_and_space_hold() -> None:
    with pytest.raises(Refused, match="at most 9") as caught:
        store_on(ModelDisk(), StoreLimits(max_bytes=9)).create(10, METADATA)
    assert caught.value.code == "too_large"
    with pytest.raises(Refused) as caught:
        store_on(ModelDisk(total_bytes=1 << 20), StoreLimits(reserve_bytes=1 << 20)).create(10, METADATA)
    assert caught.value.code == "no_space"
    store = store_on(ModelDisk(), StoreLimits(max_open=1))
    store.create(10, METADATA)
    with pytest.raises(Refused) as caught:
        store.create(10, METADATA)
    assert caught.value.code == "too_many"


def test_expired_uploads_are_swept_and_delivered_files_stay() -> None:
    disk, clock = ModelDisk(), ManualClock()
    store = store_on(disk, StoreLimits(expire_s=3600), clock)
    half, whole = store.create(10, METADATA), store.create(10, METADATA)
    fill(store, whole)
    store.complete(whole)
    clock.advance(3601)
    with pytest.raises(Refused) as caught:
        store.info(half.uid)
    assert caught.value.code == "expired"
    assert store.sweep() == 2
    with pytest.raises(NotFound):
        store.info(half.uid)
    assert disk.read(PLACE / "cam.mp4") == DATA
    assert store.sweep() == 0


def test_the_power_may_go_while_a_second_copy_is_dropped() -> None:
    at = 0
    while True:
        at += 1
        disk = ModelDisk()
        store = store_on(disk)
        first = store.create(10, METADATA)
        fill(store, first)
        store.complete(first)
        second = store.create(10, METADATA)
        fill(store, second)
        disk.fault = Fault(disk.operations + at, "power")
        try:
            store.complete(second)
        except PowerLost:
            found = disk.power_cut(at)
            again = store_on(found)
            assert again.complete(again.info(second.uid)) == Outcome(sha256=SHA256, path="pole-7/r-1/cam.mp4")
            assert found.read(PLACE / "cam.mp4") == DATA
        else:
            return


def life(disk: Disk, told: dict[str, Info]) -> None:
    store = store_on(disk)
    info = store.create(10, METADATA)
    told["created"] = info
    fill(store, info)
    told["stored"] = info
    store.complete(info)
    told["complete"] = info


def check_after(disk: Disk, told: dict[str, Info]) -> None:
    """What a sender was told still holds, and it can be brought to its end."""
    store = store_on(disk)
    info = told.get("created")
    if info is None:
        return
    assert store.info(info.uid) == info
    if "complete" in told:
        assert store.outcome(info) == Outcome(sha256=SHA256, path="pole-7/r-1/cam.mp4")
    if "stored" in told:
        assert store.offset(info) == 10
        assert store.complete(info) == Outcome(sha256=SHA256, path="pole-7/r-1/cam.mp4")
        assert disk.read(PLACE / "cam.mp4") == DATA
        assert msgspec.json.decode(disk.read(PLACE / "cam.mp4.receipt.json"), type=Receipt).uid == info.uid


def each_operation(fault: Callable[[int], Fault]) -> int:
    for number in range(1, 300):
        disk = ModelDisk()
        disk.fault = fault(number)
        told: dict[str, Info] = {}
        with contextlib.suppress(StorageError, PowerLost):
            life(disk, told)
        if not disk.struck:
            return number - 1
        for seed in range(4):
            check_after(disk.power_cut(seed), told)
        if disk.fault.kind != "power":
            disk.fault = None
            check_after(disk, told)
    raise AssertionError("it never came to its end")


def test_the_power_may_go_at_any_operation() -> None:
    assert each_operation(lambda number: Fault(number, "power")) > 20


@pytest.mark.parametrize("forever", [False, True])
def test_any_operation_may_fail(forever: bool) -> None:
    assert each_operation(lambda number: Fault(number, "EIO", forever)) > 20
