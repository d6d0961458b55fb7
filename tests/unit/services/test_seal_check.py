from __future__ import annotations

from functools import partial

import pytest

from edge.bmff.index import SegmentIndex
from edge.bmff.walk import walk
from edge.host.model_disk import ModelDisk
from edge.services.seal_check import check_seals
from tests.support.pole import DATA, Pole
from tests.support.signing import MemorySigner


def recorded(seconds: int = 12, signer: MemorySigner | None = None) -> Pole:
    pole = Pole(disk=ModelDisk(1 << 24), signer=signer)
    pole.disk.mkdir(DATA)
    pole.camera.lively = True
    pole.start()
    pole.record(seconds)
    pole.stop()
    return pole


def index_of(pole: Pole, segment: int) -> tuple[bytearray, SegmentIndex]:
    path = pole.ring / pole.names()[segment].path
    data = bytearray(pole.disk.read(path))
    return data, walk(partial(pole.disk.read, path), len(data)).index


def put_back(pole: Pole, segment: int, data: bytes) -> None:
    path = pole.ring / pole.names()[segment].path
    pole.disk.unlink(path)
    file = pole.disk.create(path)
    file.write(data)
    file.fsync()
    file.close()


def test_a_signed_ring_is_whole() -> None:
    assert check_seals(recorded(signer=MemorySigner()).disk, DATA) == ([], 11)


def test_footage_that_was_not_to_be_signed_is_told_so() -> None:
    pole = Pole(disk=ModelDisk(1 << 24))
    pole.disk.mkdir(DATA)
    pole.start()
    for _ in range(3):
        pole.recording.write(pole.sealer.seal(pole.camera.gop()))
        pole.clock.advance(1.0)
    pole.sealer.close()
    pole.stop()
    assert check_seals(pole.disk, DATA) == ([], 0)


def test_a_gop_whose_lack_of_a_signature_nobody_told_is_found() -> None:
    findings, signed = check_seals(recorded(3).disk, DATA)
    assert signed == 0
    assert [(each.invariant, each.camera) for each in findings] == [(12, "cam0"), (12, "cam0")]
    assert "has no signature, and no record says why" in findings[0].text


@pytest.mark.parametrize("place", [0, 2])
def test_a_picture_that_was_changed_is_found(place: int) -> None:
    pole = recorded(signer=MemorySigner())
    data, index = index_of(pole, 1)
    last = index.fragments[place].data_offset + index.fragments[place].data_length - 1
    data[last] ^= 1
    put_back(pole, 1, bytes(data))
    findings, signed = check_seals(pole.disk, DATA)
    assert signed == 10
    assert len(findings) == 1
    assert f"fragment {place} is not what was signed" in findings[0].text


def test_a_signature_by_another_key_than_the_certificates_is_found() -> None:
    pole = recorded(signer=MemorySigner())
    data, index = index_of(pole, 0)
    entry = index.fragments[1]
    first = bytes(data[entry.data_offset : entry.data_offset + index.fragment_sizes(1)[0]])
    field = first.index(b"\3\0\x4b\1\0")  # tag, 75 bytes, version, length of the signature
    data[entry.data_offset + field + 20] ^= 0x10
    put_back(pole, 0, bytes(data))
    findings, _ = check_seals(pole.disk, DATA)
    assert ["has a signature that does not hold" in each.text for each in findings] == [True]
